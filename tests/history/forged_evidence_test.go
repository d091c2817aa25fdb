package history

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/latchkey/latchkey/shared/user"
	"github.com/latchkey/latchkey/tests/invariant"
)

const johnsEmail = "john@corp.example"

// with returns an item with other attributes, given as names and values in turn.
func with(i invariant.Item, attributes ...any) invariant.Item {
	i = maps.Clone(i)
	for n := 0; n < len(attributes); n += 2 {
		if value, ok := attributes[n+1].(int); ok {
			attributes[n+1] = float64(value)
		}
		i[attributes[n].(string)] = attributes[n+1]
	}
	return i
}

func change(id, what string) map[string]any { return map[string]any{"id": id, "type": what} }

var (
	nexus = with(invariant.Item{}, "pk", "WS#w", "sk", "WORKSPACE", "entity", "workspace", "slug", "nexus", "admins", 1, "seatLimit", 2, "last", change("e0", "workspace.created"))
	ada   = with(invariant.Item{}, "pk", "WS#w", "sk", "USER#ada", "entity", "user", "email", "ada@corp.example", "emailPk", "eml_ada", "role", "admin",
		"status", "active", "createdAt", "1970-01-01T00:00:00.010Z", "version", 10, "delivery", "none")
	johnIs = with(ada, "sk", "USER#john", "email", johnsEmail, "emailPk", user.EmailKey(johnsEmail), "role", "builder", "status", "requested", "invitedBy", "ada",
		"generation", 100, "sendEmail", true, "delivery", "delivered", "last", change("e1", "user.invited"))
	part = with(invariant.Item{}, "pk", "WS#w", "sk", "TALLY#0", "entity", "tally", "active", 1, "requested", 1, "room", 0, "day", "2026-01-31", "asked", 1)
)

func line(of, id, what string) invariant.Item {
	return with(invariant.Item{}, "pk", "HISTORY#w", "sk", of+"#"+id, "entity", "history", "type", what)
}

func told(id, what string) string { return fmt.Sprintf(`{"id":%q,"type":%q}`, id, what) }

// sound is evidence of a workspace in which all is well: Ada has invited John.
func sound() *evidence {
	return &evidence{
		items: []invariant.Item{
			nexus, ada, johnIs, part, with(invariant.Item{}, "pk", "SLUG#nexus", "sk", "SLUG", "entity", "slug", "workspace", "w"),
			line("w", "e0", "workspace.created"), line("john", "e1", "user.invited"),
		},
		log:    []write{{nil, nexus}, {nil, ada}, {nil, johnIs}, {nil, part}},
		events: map[string][]string{"e0": {told("e0", "workspace.created")}, "e1": {told("e1", "user.invited"), told("e1", "user.invited")}},
		mails:  []mail{{To: johnsEmail, Gen: 100}}, perDay: 5, perInviter: 5,
	}
}

// TestTheInvariantsRefuseWhatIsBroken feeds them evidence with one violation each.
func TestTheInvariantsRefuseWhatIsBroken(t *testing.T) {
	if broken := sound().broken(); len(broken) > 0 {
		t.Fatalf("where all is well: %v", broken)
	}
	replace := func(e *evidence, was, is invariant.Item) {
		for n := range e.items {
			if e.items[n].Text("pk") == was.Text("pk") && e.items[n].Text("sk") == was.Text("sk") {
				e.items[n] = is
			}
		}
	}
	writes := func(e *evidence, before, after invariant.Item) { e.log = append(e.log, write{before, after}) }
	for name, c := range map[string]struct {
		says  string
		forge func(*evidence)
	}{
		"the last admin is archived, and restored": {"has a manager at every moment", func(e *evidence) {
			away := with(ada, "status", "archived", "last", change("e2", "user.archived"))
			writes(e, ada, away)
			writes(e, away, ada)
		}},
		"no admin is counted for a moment": {"has a manager at every moment", func(e *evidence) { writes(e, nexus, with(nexus, "admins", 0)) }},
		"three people for a moment on two seats": {"over the seat limit", func(e *evidence) {
			jane := with(johnIs, "sk", "USER#jane", "last", change("e3", "user.invited"))
			writes(e, nil, jane)
		}},
		"a workspace's quota is passed in two parts": {"no quota of mails", func(e *evidence) {
			writes(e, nil, with(part, "sk", "TALLY#1", "asked", 3))
			writes(e, nil, with(part, "sk", "TALLY#2", "asked", 2))
		}},
		"an inviter's quota is passed": {"no quota of mails", func(e *evidence) {
			writes(e, nil, with(part, "pk", "INVITER#x", "entity", "inviter", "asked", 6))
		}},
		"a sixth mail of a day": {"no quota of mails", func(e *evidence) {
			writes(e, nil, with(part, "pk", "RECIPIENT#x", "entity", "mailbox", "mailed", 6))
		}},
		"two mails within a minute": {"no quota of mails", func(e *evidence) {
			box := with(part, "pk", "RECIPIENT#x", "entity", "mailbox", "mailed", 1, "mailedAt", "2026-01-31T12:00:00Z")
			writes(e, box, with(box, "mailed", 2, "mailedAt", "2026-01-31T12:00:59Z"))
		}},
		"a declined invitation is accepted": {"one of the transitions", func(e *evidence) {
			writes(e, with(johnIs, "status", "declined"), with(johnIs, "status", "active", "version", 11, "last", change("e2", "user.accepted")))
		}},
		"a status without a change": {"one of the transitions", func(e *evidence) { writes(e, johnIs, with(johnIs, "status", "active")) }},
		"a generation comes back": {"only rise", func(e *evidence) {
			writes(e, with(johnIs, "generation", 101), with(johnIs, "version", 11, "last", change("e2", "user.reinvited")))
		}},
		"a version falls":                    {"only rise", func(e *evidence) { writes(e, with(johnIs, "version", 12), johnIs) }},
		"a change without a line":            {"one line of history", func(e *evidence) { e.items = e.items[:len(e.items)-1] }},
		"a change with two lines":            {"one line of history", func(e *evidence) { e.items = append(e.items, line("ada", "e1", "user.invited")) }},
		"a line without a change":            {"one line of history", func(e *evidence) { e.items = append(e.items, line("john", "e9", "user.accepted")) }},
		"a line of another change":           {"one line of history", func(e *evidence) { e.items[len(e.items)-1] = line("john", "e1", "user.accepted") }},
		"a change without an event":          {"one event", func(e *evidence) { delete(e.events, "e1") }},
		"an event without a change":          {"one event", func(e *evidence) { e.events["e9"] = []string{told("e9", "user.accepted")} }},
		"an event that differs the 2nd time": {"one event", func(e *evidence) { e.events["e1"][1] = told("e1", "user.accepted") }},
		"no mail with the live link":         {"every live invitation was mailed", func(e *evidence) { e.mails[0].Gen = 99 }},
		"a mail that was given up":           {"every live invitation was mailed", func(e *evidence) { replace(e, johnIs, with(johnIs, "delivery", "failed")) }},
		"a mail that waits for ever":         {"every delivery has ended", func(e *evidence) { replace(e, johnIs, with(johnIs, "delivery", "queued")) }},
		"the tally is wrong":                 {"the tally counts", func(e *evidence) { replace(e, part, with(part, "requested", 2)) }},
		"the room is wrong":                  {"the tally's room", func(e *evidence) { replace(e, part, with(part, "room", 1)) }},
		"the count of admins is wrong":       {"counts its active admins", func(e *evidence) { replace(e, nexus, with(nexus, "admins", 2)) }},
		"the count of groups is wrong":       {"counts its groups", func(e *evidence) { replace(e, nexus, with(nexus, "groups", 1)) }},
		"one email in two records": {"one record per canonical email", func(e *evidence) {
			e.items = append(e.items, with(johnIs, "sk", "USER#jim", "email", " John@Corp.example"))
		}},
		"two records with one key":    {"no email is there twice", func(e *evidence) { e.items = append(e.items, with(johnIs, "sk", "USER#jim")) }},
		"a slug that leads elsewhere": {"a slug leads to its workspace", func(e *evidence) { replace(e, nexus, with(nexus, "slug", "atlas")) }},
	} {
		e := sound()
		c.forge(e)
		if broken := e.broken(); !slices.ContainsFunc(broken, func(b string) bool { return strings.Contains(b, c.says) }) {
			t.Errorf("%s: %q", name, broken)
		}
	}
}
