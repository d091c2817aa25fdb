package history

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/latchkey/latchkey/shared/user"
	"github.com/latchkey/latchkey/tests/invariant"
)

// write is one write to the table, as its stream has it.
type write struct{ Before, After invariant.Item }

// changed returns the id of the change that the write brought about; "" for one
// that is no event.
func (w write) changed() string {
	id := w.After.Last().Text("id")
	if id == w.Before.Last().Text("id") {
		return ""
	}
	return id
}

// mail is a mail that was sent.
type mail struct {
	To, Subject string
	Gen         int // of its link; 0 for none
}

// evidence is what a run left behind, once all that follows has followed.
type evidence struct {
	items  []invariant.Item
	log    []write             // each item's in their order
	events map[string][]string // the details of the bus's events, by id; nil where nobody listened
	mails  []mail
	// endsSent is set where the notices of mails were lost, which SES does not
	// lose: a mail that was sent is known no further then.
	endsSent bool
	// crashes is how often the last write that was answered may be gone: a line of
	// history, or what became of a mail.
	crashes                       int
	perDay, perInviter, duplicate int
}

// promises are what holds over the whole of a run. broken returns what does not,
// in words.
var promises = []struct {
	name   string
	broken func(*evidence) []string
}{
	{"the table agrees with itself", (*evidence).agrees},
	{"a workspace has a manager at every moment", (*evidence).isManaged},
	{"nobody is over the seat limit at any moment", (*evidence).hasSeats},
	{"no quota of mails is passed", (*evidence).keepsQuotas},
	{"every change is one of the transitions", (*evidence).isLegal},
	{"versions and generations only rise", (*evidence).rises},
	{"each change has one line of history", (*evidence).isRecorded},
	{"each change has one event, however often it comes", (*evidence).isPublished},
	{"every live invitation was mailed", (*evidence).isMailed},
	{"one record per canonical email", (*evidence).isUnique},
}

func (e *evidence) broken() (all []string) {
	forgiven := 0
	for _, p := range promises {
		for _, b := range p.broken(e) {
			if strings.HasSuffix(b, "is told []") || strings.HasSuffix(b, "no line of history tells of") || strings.HasSuffix(b, `has the delivery "queued"`) {
				if forgiven++; forgiven <= 2*e.crashes { // a line is missed by two promises
					continue
				}
			}
			all = append(all, p.name+": "+b)
		}
	}
	return all
}

func (e *evidence) agrees() (broken []string) {
	for id, said := range invariant.Broken(e.items) {
		for _, s := range said {
			if e.endsSent && strings.HasSuffix(s, `has the delivery "sent"`) {
				continue
			}
			broken = append(broken, id+": "+s)
		}
	}
	return broken
}

// replay calls look with every write, and with the users of its workspace as they
// were then.
func (e *evidence) replay(look func(w write, workspace invariant.Item, users map[string]invariant.Item)) {
	workspaces := map[string]invariant.Item{}
	users := map[string]map[string]invariant.Item{}
	for _, w := range e.log {
		pk := w.After.Text("pk")
		if users[pk] == nil {
			users[pk] = map[string]invariant.Item{}
		}
		switch w.After.Text("entity") {
		case "workspace":
			workspaces[pk] = w.After
		case "user":
			users[pk][w.After.Text("sk")] = w.After
		case "erased":
			delete(users[pk], w.After.Text("sk"))
		}
		look(w, workspaces[pk], users[pk])
	}
}

func (e *evidence) isManaged() (broken []string) {
	managed := map[string]bool{}
	e.replay(func(w write, workspace invariant.Item, users map[string]invariant.Item) {
		n := 0
		for _, u := range users {
			if u.Text("role") == "admin" && u.Text("status") == "active" {
				n++
			}
		}
		id := workspace.Text("pk")
		if managed[id] = managed[id] || n > 0; managed[id] && (n == 0 || workspace.Number("admins") == 0) {
			broken = append(broken, fmt.Sprintf("%s has %d and counts %d after %v", id, n, workspace.Number("admins"), w.After.Last()))
		}
	})
	return broken
}

func (e *evidence) hasSeats() (broken []string) {
	e.replay(func(w write, workspace invariant.Item, users map[string]invariant.Item) {
		limit, n := workspace.Number("seatLimit"), 0
		for _, u := range users {
			if user.Status(u.Text("status")).HoldsSeat() {
				n++
			}
		}
		if limit > 0 && n > limit && w.After.Text("entity") == "user" {
			broken = append(broken, fmt.Sprintf("%s has %d seats and %d people after %v", workspace.Text("pk"), limit, n, w.After.Last()))
		}
	})
	return broken
}

// keepsQuotas holds the counts of a workspace, an inviter and a mailbox against
// their limits, at every write.
func (e *evidence) keepsQuotas() (broken []string) {
	parts := map[string]map[string]invariant.Item{}
	for _, w := range e.log {
		pk, limit := w.After.Text("pk"), 0
		switch entity := w.After.Text("entity"); entity {
		case "tally":
			limit = e.perDay
		case "inviter":
			limit = e.perInviter
		case "mailbox":
			if n := w.After.Number("mailed"); n > user.MailsPerDay {
				broken = append(broken, fmt.Sprintf("%s was mailed %d times on a day", pk, n))
			}
			before, after := at(w.Before, "mailedAt"), at(w.After, "mailedAt")
			if !before.IsZero() && after.After(before) && after.Sub(before) < user.MailEvery {
				broken = append(broken, fmt.Sprintf("%s was mailed again after %v", pk, after.Sub(before)))
			}
			continue
		default:
			continue
		}
		if parts[pk] == nil {
			parts[pk] = map[string]invariant.Item{}
		}
		parts[pk][w.After.Text("sk")] = w.After
		n := 0
		for _, part := range parts[pk] {
			if part.Text("day") == w.After.Text("day") {
				n += part.Number("asked")
			}
		}
		if n > limit && w.After.Text("day") != "" {
			broken = append(broken, fmt.Sprintf("%s has %d of %d mails on %s", pk, n, limit, w.After.Text("day")))
		}
	}
	return broken
}

func at(i invariant.Item, name string) time.Time {
	t, _ := time.Parse(time.RFC3339, i.Text(name)) // zero where there is none
	return t
}

// legal are the transitions, by the type of the change: from what statuses to
// what.
var legal = map[string]struct{ from, to []string }{
	"user.invited":   {[]string{""}, []string{pending}},
	"user.reinvited": {[]string{pending, "expired", "declined"}, []string{pending}},
	"user.accepted":  {[]string{pending}, []string{"active"}},
	"user.declined":  {[]string{pending}, []string{"declined"}},
	"user.expired":   {[]string{pending}, []string{"expired"}},
	"user.archived":  {[]string{pending, "active", "expired", "declined"}, []string{"archived"}},
	"user.restored":  {[]string{"archived"}, []string{pending, "active"}},
	"user.erased":    {[]string{"archived", "expired", "declined"}, []string{""}},
}

func (e *evidence) isLegal() (broken []string) {
	for _, w := range e.log {
		if entity := w.After.Text("entity"); entity != "user" && entity != "erased" {
			continue
		}
		from, to := shown(w.Before.Text("status")), shown(w.After.Text("status"))
		what := w.After.Last().Text("type")
		allowed, moves := legal[what]
		switch {
		case w.changed() != "" && moves:
			if slices.Contains(allowed.from, from) && slices.Contains(allowed.to, to) {
				continue
			}
		case from == to, w.Before == nil && what == "": // a founder's record
			continue
		}
		broken = append(broken, fmt.Sprintf("%s went from %q to %q by %v", w.After.Text("sk"), from, to, w.After.Last()))
	}
	return broken
}

func (e *evidence) rises() (broken []string) {
	for _, w := range e.log {
		if entity := w.After.Text("entity"); entity != "user" && entity != "erased" || w.Before == nil {
			continue
		}
		rises := func(name string) bool { return w.After.Number(name) >= w.Before.Number(name) }
		relinked := w.After.Text("entity") == "user" && slices.Contains([]string{"user.invited", "user.reinvited"}, w.After.Last().Text("type")) && w.changed() != ""
		if !rises("version") || !rises("generation") || relinked && w.After.Number("generation") == w.Before.Number("generation") {
			broken = append(broken, fmt.Sprintf("%s: version %d after %d, generation %d after %d", w.After.Text("sk"),
				w.After.Number("version"), w.Before.Number("version"), w.After.Number("generation"), w.Before.Number("generation")))
		}
	}
	return broken
}

// changes are the types of all changes, by id.
func (e *evidence) changes() map[string]string {
	all := map[string]string{}
	for _, w := range e.log {
		if id := w.changed(); id != "" {
			all[id] = w.After.Last().Text("type")
		}
	}
	return all
}

func (e *evidence) isRecorded() (broken []string) {
	lines := map[string][]string{}
	for _, i := range e.items {
		if i.Text("entity") == "history" {
			_, id, _ := strings.Cut(i.Text("sk"), "#")
			lines[id] = append(lines[id], i.Text("type"))
		}
	}
	return compare(e.changes(), lines, 1)
}

func (e *evidence) isPublished() (broken []string) {
	if e.events == nil {
		return nil
	}
	types := map[string][]string{}
	for id, details := range e.events {
		e.duplicate += len(details) - 1
		if distinct := slices.Compact(slices.Sorted(slices.Values(details))); len(distinct) > 1 {
			broken = append(broken, "two events have one id: "+strings.Join(distinct, " and "))
		}
		for _, d := range details {
			types[id] = append(types[id], textOf(d, "type"))
		}
	}
	return append(broken, compare(e.changes(), types, len(e.log)*100)...)
}

// compare compares the reported changes with the actual ones.
func compare(changes map[string]string, told map[string][]string, atMost int) (broken []string) {
	for id, what := range changes {
		if n := len(told[id]); n == 0 || n > atMost || told[id][0] != what {
			broken = append(broken, fmt.Sprintf("of %s %s is told %v", what, id, told[id]))
		}
	}
	for id := range told {
		if changes[id] == "" {
			broken = append(broken, fmt.Sprintf("%v %s is told of, and never happened", told[id], id))
		}
	}
	return broken
}

func (e *evidence) isMailed() (broken []string) {
	sent := map[string]int{}
	for _, m := range e.mails {
		sent[fmt.Sprint(user.EmailKey(m.To), m.Gen)]++
	}
	for _, i := range e.items {
		if i.Text("entity") != "user" || shown(i.Text("status")) != pending || i["sendEmail"] != true {
			continue
		}
		switch d := i.Text("delivery"); {
		case d == "suppressed" && (i.Text("complainedAt") != "" || i.Text("bouncedAt") != ""):
		case d == "none" || d == "failed" || d == "suppressed" || d == "scheduled":
			broken = append(broken, fmt.Sprintf("%s has the delivery %q: %s", i.Text("sk"), d, i.Text("deliveryReason")))
		case sent[fmt.Sprint(i.Text("emailPk"), i.Number("generation"))] == 0:
			broken = append(broken, fmt.Sprintf("%s has the delivery %q, and no mail has link %d", i.Text("sk"), d, i.Number("generation")))
		}
	}
	return broken
}

// twice counts the mails that a person got more than once.
func (e *evidence) twice() (n int) {
	seen := map[mail]bool{}
	for _, m := range e.mails {
		if m.Gen > 0 && seen[m] {
			n++
		}
		seen[m] = true
	}
	return n
}

// isUnique looks at the addresses themselves, and not at their keys.
func (e *evidence) isUnique() (broken []string) {
	seen := map[string]string{}
	for _, i := range e.items {
		if i.Text("entity") == "user" {
			is := i.Text("pk") + " " + strings.ToLower(strings.TrimSpace(i.Text("email")))
			if seen[is] != "" {
				broken = append(broken, is+" is "+seen[is]+" and "+i.Text("sk"))
			}
			seen[is] = i.Text("sk")
		}
	}
	return broken
}

// byEntity counts the items, for the summary.
func (e *evidence) byEntity() string {
	n := map[string]int{}
	for _, i := range e.items {
		n[i.Text("entity")]++
	}
	var parts []string
	for _, entity := range slices.Sorted(maps.Keys(n)) {
		parts = append(parts, fmt.Sprintf("%d %s", n[entity], entity))
	}
	return strings.Join(parts, ", ")
}
