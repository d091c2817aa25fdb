package faults

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/latchkey/latchkey/tests/caller"
)

// scheduleTime is how long a run may take: it begins nothing new in the last 15
// seconds of its time.
const scheduleTime = 20 * time.Second

// TestEveryCallOfTheScheduleMayFail does the same for the schedule's function.
// A run works through what is due in all workspaces, so these scenes have a
// stack of their own and play one after the other.
func TestEveryCallOfTheScheduleMayFail(t *testing.T) {
	t.Parallel()
	w := start(t, scheduleTime)
	calls := w.schedule(t, "the schedule without a fault", none, target{}).made()
	if len(calls) < 20 {
		t.Fatalf("a run of the schedule calls the table %d times: %v", len(calls), calls)
	}
	for _, call := range calls {
		kinds := kinds(call.operation)
		if call.operation == "Query" { // one like the other, a shard each: they take turns
			kinds = kinds[call.nth%len(kinds):][:1]
		}
		if call.nth > 1 { // waiting for the end of the schedule's time is long
			kinds = slices.DeleteFunc(kinds, func(k kind) bool { return k == held })
		}
		for _, k := range kinds {
			t.Run(fmt.Sprintf("%v/%s", call, k), func(t *testing.T) {
				p := w.schedule(t, label("the schedule", call, k), k, call)
				w.noted(k, label("the schedule", call, k), p.wasReached())
			})
		}
	}
	w.finish(t)
}

// schedule plays one fault: an invitation whose time has passed, one whose
// reminder is due, and a group whose deletion is to be ended.
func (w *world) schedule(t *testing.T, label string, k kind, call target) *plan {
	s := w.scene(t, label)
	s.found()
	s.admin.Send("PATCH", s.path, fields{"reminderDays": 29}).Into(http.StatusOK, nil)
	s.group("eu")
	lapsing := s.invite("lapsing", fields{"expiresInDays": 1})
	reminded := s.invite("reminded", fields{"expiresInDays": 30, "sendEmail": true})
	s.admin.Send("DELETE", s.path+"/groups/eu", nil)
	caller.Eventually(t, soon, func() error { // the mail is out: the reminder is another one
		if d := s.get(reminded.ID).Invitation.Delivery; d != "delivered" {
			return fmt.Errorf("the delivery is %q", d)
		}
		return nil
	})
	p := &plan{function: "expire", kind: k, target: call}
	now := fields{"now": time.Now().Add(36 * time.Hour).UTC().Format(time.RFC3339)}
	run := func() (done bool) {
		a := s.nobody().Send("POST", "/local/run/expire", now)
		var report struct{ Failed int }
		return a.Status == http.StatusOK && json.Unmarshal(a.Body, &report) == nil && report.Failed == 0
	}
	s.faults.arm(p)
	done := run()
	s.faults.release(p)
	if !done && k != none {
		done = run() // as it does five minutes later
	}
	if !done {
		t.Error("neither the run nor its repeat did everything")
	}
	s.is(lapsing.ID, "expired", 0)
	s.is(reminded.ID, "requested", 2)
	s.admin.Send("PUT", s.path+"/groups/eu", nil).Into(http.StatusCreated, nil) // the id is free again
	return p
}
