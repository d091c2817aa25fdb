package faults

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/latchkey/latchkey/tests/caller"
)

// A run of the schedule works through what is due in all workspaces, so these
// scenes cannot play side by side in one stack: there are several stacks, and
// each plays some of the faults, one after the other.
const schedules = 3

// TestEveryCallOfTheScheduleMayFail refuses each call of the schedule's
// function, loses its answer, and keeps it back until the deadline is over.
func TestEveryCallOfTheScheduleMayFail(t *testing.T) {
	t.Parallel()
	for part := range schedules {
		t.Run(fmt.Sprint("part ", part+1), func(t *testing.T) {
			t.Parallel()
			w := start(t, 0)
			w.everyScheduleFault(t, part, kinds)
			w.finish(t)
		})
	}
	t.Run("too late", func(t *testing.T) {
		t.Parallel()
		w := start(t, impatient)
		w.everyScheduleFault(t, -1, func(string) []kind { return []kind{held} })
		w.finish(t)
	})
}

// everyScheduleFault plays one in so many faults; a negative part is all.
func (w *world) everyScheduleFault(t *testing.T, part int, kinds func(string) []kind) {
	quiet := w.schedule(t, "the schedule without a fault", none, 0)
	calls := quiet.operations()
	if len(calls) < 20 {
		t.Fatalf("a run of the schedule calls the table %d times: %v", len(calls), calls)
	}
	n := 0
	for i, operation := range calls {
		for _, k := range kinds(operation) {
			if n++; part >= 0 && n%schedules != part {
				continue
			}
			t.Run(fmt.Sprintf("%d_%s/%s", i+1, operation, k), func(t *testing.T) {
				label := faultLabel("the schedule", i+1, calls, k)
				p := w.schedule(t, label, k, i+1)
				w.noted(k, label, p.wasReached())
			})
		}
	}
}

// schedule plays one fault: an invitation whose time has passed, one whose
// reminder is due, and a group whose deletion is to be ended.
func (w *world) schedule(t *testing.T, label string, k kind, nth int) *plan {
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
	p := &plan{function: "expire", kind: k, nth: nth}
	now := fields{"now": time.Now().Add(36 * time.Hour).UTC().Format(time.RFC3339)}
	run := func() int { return s.nobody().Send("POST", "/local/run/expire", now).Status }
	s.faults.arm(p)
	status := run()
	s.faults.release(p)
	if status != http.StatusOK && k != none {
		status = run() // as it does five minutes later
	}
	if status != http.StatusOK {
		t.Errorf("the run, or its repeat, ended with %d", status)
	}
	s.is(lapsing.ID, "expired", 0)
	s.is(reminded.ID, "requested", 2)
	s.admin.Send("PUT", s.path+"/groups/eu", nil).Into(http.StatusCreated, nil) // the id is free again
	return p
}
