package event_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/latchkey/latchkey/shared/event"
	"github.com/latchkey/latchkey/shared/user"
	"github.com/latchkey/latchkey/shared/workspace"
)

// Every type of event, made by the transition that makes it, is what its
// schema in events/schema says, and there is no schema without its event.
func TestEventsAreWhatTheirSchemasSay(t *testing.T) {
	at := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	const ws = "ws_000000000000000000000000"
	n := 0
	stamp := func() user.Stamp {
		n++
		at = at.Add(time.Hour)
		return user.Stamp{ID: fmt.Sprintf("evt_%026d", n), Actor: "usr_00000000000000000000000000000000", At: at}
	}
	week := user.Inviting{SendEmail: true, Lasts: 7 * 24 * time.Hour, RemindFor: 24 * time.Hour}
	seen := map[string]bool{}
	check := func(e event.Event) {
		t.Helper()
		seen[e.Type] = true
		validate(t, e)
	}
	must := func(u user.User, err error) user.User {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		check(event.OfUser(u))
		return u
	}
	john := user.Details{Name: "John", Email: "john@corp.com", Role: user.Builder}
	invite := func(how user.Inviting) user.User {
		return must(user.New(stamp(), ws, john, how, user.Erased{}, user.Mailbox{}, user.Recipient{}))
	}
	u := invite(week)
	must(u.AccountAppeared(stamp()), nil)
	must(u.Decline(stamp(), user.Answer{Generation: u.Invitation.Generation, ByLink: true}))
	for _, delivery := range []user.Delivery{user.DeliverySent, user.DeliveryScheduled, user.DeliverySuppressed} {
		must(u.Learn(stamp(), u.Invitation.Generation, user.Notice{Delivery: delivery}), nil)
	}
	for _, wish := range []user.Wish{user.OptOut, user.Report, user.Complain} {
		refused := must(u.Express(stamp(), wish), nil)
		must(refused.Express(stamp(), user.OptIn), nil)
	}
	later := week
	later.MailAt = at.Add(24 * time.Hour)
	waits := invite(later)
	must(waits.Withhold(stamp(), user.ErrOptedOut), nil)
	at = waits.Invitation.ScheduledFor
	must(waits.Release(stamp(), at))
	at = u.Invitation.ReminderAt
	must(u.Remind(stamp(), time.Time{}))
	manager := u
	manager.Role = user.Admin
	must(manager.AskAgain(stamp(), user.Answer{}))
	at = u.Invitation.ExpiresAt
	expired := must(u.Expire(stamp()))
	must(expired.AskAgain(stamp(), user.Answer{}))
	must(u.AskAgain(stamp(), user.Answer{})) // expired by the clock alone
	again := must(expired.Resend(stamp(), week))
	corrected, _, err := u.CorrectEmail(stamp(), "john.doe@corp.com", week, user.Erased{}, user.Mailbox{}, user.Recipient{})
	must(corrected, err)
	admin := user.Founder(user.Stamp{Actor: "usr_00000000000000000000000000000000", At: at}, ws, "Ada", "ada@corp.com", "sub-ada")
	active := must(again.Accept(stamp(), user.Answer{Generation: again.Invitation.Generation, ByLink: true}, user.Guest{Subject: "sub", Email: "john@corp.com"}, admin))
	archived := must(active.Archive(stamp()))
	must(archived.Restore(stamp(), false, week))
	must(archived.Restore(stamp(), true, week))
	for _, gone := range []user.User{archived, expired, u} { // the last by the clock alone
		left, err := gone.Erase(stamp())
		if err != nil {
			t.Fatal(err)
		}
		check(event.OfErased(left))
	}
	w := workspace.New(stamp(), ws, "Nexus", "nexus", nil)
	check(event.OfWorkspace(w))
	name := "Other"
	w, _ = w.Apply(stamp(), workspace.Patch{Name: &name})
	check(event.OfWorkspace(w))
	w = w.Delete(stamp())
	check(event.OfWorkspace(w))
	restored, err := w.Restore(stamp())
	if err != nil {
		t.Fatal(err)
	}
	check(event.OfWorkspace(restored))
	at = w.NextStage
	w = w.BeginErasure(at).Empty(stamp())
	at = w.NextStage
	w = w.Empty(stamp())
	check(event.OfWorkspace(w))

	files, err := filepath.Glob("../../events/schema/*.json")
	if err != nil {
		t.Fatal(err)
	}
	var described []string
	for _, file := range files {
		described = append(described, strings.TrimSuffix(filepath.Base(file), ".json"))
	}
	for what, types := range map[string][]string{"events/schema": described, "Types": event.Types()} {
		slices.Sort(types)
		if made := slices.Sorted(maps.Keys(seen)); !slices.Equal(types, made) {
			t.Errorf("%s has %v, and %v were made", what, types, made)
		}
	}
}

func validate(t *testing.T, e event.Event) {
	t.Helper()
	compiler := jsonschema.NewCompiler()
	compiler.AssertFormat()
	schema, err := compiler.Compile(filepath.Join("../../events/schema", e.Type+".json"))
	if err != nil {
		t.Fatal(err)
	}
	raw, err := json.Marshal(e)
	if err != nil {
		t.Fatal(err)
	}
	var v any
	if err := json.Unmarshal(raw, &v); err != nil {
		t.Fatal(err)
	}
	if err := schema.Validate(v); err != nil {
		t.Errorf("%s: %v", raw, err)
	}
}
