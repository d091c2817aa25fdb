package faults

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/latchkey/latchkey/tests/caller"
)

// TestEveryCallMayFail refuses each call of each operation, loses its answer,
// and keeps it back until the function's deadline is over. What an invitation
// sets going behind the API takes its time, up to the lease of a mail: it
// begins first.
func TestEveryCallMayFail(t *testing.T) {
	t.Parallel()
	w := start(t, patience)
	var begun []*aftermath
	t.Run("behind the API", func(t *testing.T) {
		begun = w.begin(t)
	})
	t.Run("scenes", func(t *testing.T) {
		for _, sc := range scenarios {
			t.Run(sc.name(), func(t *testing.T) {
				t.Parallel()
				w.everyFault(t, sc)
			})
		}
	})
	t.Run("aftermath", func(t *testing.T) {
		for _, a := range begun {
			a.await(t)
		}
	})
	w.finish(t)
}

// finish looks at the table when all that follows has followed, and logs what
// was tried.
func (w *world) finish(t *testing.T) {
	t.Run("table", func(t *testing.T) {
		w.settle(t)
		w.check(t)
		w.summary(t)
	})
}

// everyFault plays without a fault first, which tells the calls that there are.
func (w *world) everyFault(t *testing.T, sc scenario) {
	calls := sc.play(w.scene(t, sc.name()+" without a fault"), none, target{}).made()
	if len(calls) == 0 {
		t.Fatal("no call to the table")
	}
	for _, call := range calls {
		for _, k := range kinds(call.operation) {
			t.Run(fmt.Sprintf("%v/%s", call, k), func(t *testing.T) {
				t.Parallel()
				p := sc.play(w.scene(t, label(sc.name(), call, k)), k, call)
				for range 5 { // the part of the tally is chance, and so is how many calls find a seat
					if !p.wasReached() {
						p = sc.play(w.scene(t, label(sc.name(), call, k)), k, call)
					}
				}
				// A call that only a lost race had called for is among those that
				// the summary counts as not reached.
				w.noted(k, label(sc.name(), call, k), p.wasReached())
			})
		}
	}
}

func label(name string, call target, k kind) string {
	return fmt.Sprintf("%s: %v, %s", name, call, k)
}

// play makes the scenario's call, and repeats it as a client would, unless it
// was done.
func (sc scenario) play(s *scene, k kind, call target) *plan {
	s.t.Helper()
	r := routes()[sc.operation]
	rq := sc.stage(s)
	path := r.Path
	for name, value := range s.params {
		path = strings.ReplaceAll(path, "{"+name+"}", value)
	}
	if sc.operation == "createWorkspace" {
		s.mark("own-" + s.tag)
	}
	send := func() caller.Answer {
		s.t.Helper()
		return rq.who.Send(r.Method, path+rq.query, rq.body, rq.headers...)
	}
	p := &plan{function: r.function, marks: s.marks, kind: k, target: call}
	s.faults.arm(p)
	answer := send()
	s.faults.release(p)
	switch said := rq.wrong(answer, []string{"503 unavailable", "unavailable"}); {
	case said != "":
		s.t.Errorf("the call with the fault: %s", said)
	case rq.done(answer):
	case k == none:
		s.t.Fatalf("without a fault: %v", answer)
	default:
		if said := rq.wrong(send(), rq.repeat); said != "" {
			s.t.Errorf("its repeat: %s", said)
		}
	}
	if sc.check != nil {
		sc.check(s)
	}
	return p
}

// row is what became of one person in a batch.
type row struct {
	Outcome string
	Errors  []struct{ Code string }
}

func (rq request) rows(a caller.Answer) (rows []row) {
	var batch struct{ Results []row }
	if rq.outcome != "" && json.Unmarshal(a.Body, &batch) == nil {
		return batch.Results
	}
	return nil
}

// done reports whether the answer says that all was done.
func (rq request) done(a caller.Answer) bool {
	return slices.Contains(rq.want, a.Status) && !slices.ContainsFunc(rq.rows(a), func(r row) bool { return r.Outcome != rq.outcome })
}

// wrong says what is wrong with an answer; "" for one that is done, or one of
// the others that are allowed, row by row in a batch.
func (rq request) wrong(a caller.Answer, allowed []string) string {
	if !slices.Contains(rq.want, a.Status) {
		if slices.Contains(allowed, fmt.Sprintf("%d %s", a.Status, a.Code())) {
			return ""
		}
		return a.String()
	}
	for _, r := range rq.rows(a) {
		said := r.Outcome
		if len(r.Errors) > 0 {
			said = r.Errors[0].Code
		}
		if said != rq.outcome && !slices.Contains(allowed, said) {
			return a.String()
		}
	}
	return ""
}

// TestEveryCallOfAnImportMayFail does the same for the steps of imports, which
// the stream takes one after the other.
func TestEveryCallOfAnImportMayFail(t *testing.T) {
	t.Parallel()
	w := start(t, patience)
	calls := w.importing(t, "the function import without a fault", none, target{}).made()
	if len(calls) < 5 {
		t.Fatalf("a step calls the table %d times: %v", len(calls), calls)
	}
	for _, call := range calls {
		for _, k := range kinds(call.operation) {
			t.Run(fmt.Sprintf("%v/%s", call, k), func(t *testing.T) {
				name := label("the function import", call, k)
				w.noted(k, name, w.importing(t, name, k, call).wasReached())
			})
		}
	}
	w.finish(t)
}

// importing plays one fault: an import of two people.
func (w *world) importing(t *testing.T, label string, k kind, call target) *plan {
	s := w.scene(t, label)
	s.found()
	s.list()
	p := &plan{function: "import", marks: s.marks, kind: k, target: call}
	s.faults.arm(p)
	s.admin.Send("POST", s.path+"/imports/"+s.params["import"]+"/start", nil).Into(http.StatusOK, nil)
	if k == none {
		s.imported("done", 2, 2)
	} else { // what fails in every attempt passes then
		caller.Eventually(t, afterTheLease, func() error {
			if !p.wasReached() {
				return fmt.Errorf("the call was not made")
			}
			return nil
		})
	}
	s.faults.release(p)
	s.imported("done", 2, 2)
	s.has("john", "requested", 0)
	s.has("jane", "requested", 0)
	return p
}

// behind are the functions behind the API that an invitation sets going; publish
// is last, since the stream waits for it.
var behind = []string{"mail", "feedback", "publish"}

// aftermath is an invitation whose mail is on its way, whatever fails there.
type aftermath struct {
	*scene
	plan *plan
	kind kind
	user caller.User
}

// begin invites somebody for each fault of the functions behind the API. Nobody
// waits for them here, but for the first of each function, whose calls do not
// fail. What makes a run fail comes after what does not: a run of publish keeps
// the stream behind it waiting.
func (w *world) begin(t *testing.T) (begun []*aftermath) {
	calls := map[string][]target{}
	for _, function := range behind {
		quiet := w.scene(t, nameOf(function)+" without a fault").sets(function, none, target{})
		quiet.await(t)
		calls[function] = quiet.plan.made()
	}
	for _, late := range []bool{false, true} {
		for _, function := range behind {
			for _, call := range calls[function] {
				for _, k := range kinds(call.operation) {
					if k.failsTheRun() == late {
						begun = append(begun, w.scene(t, label(nameOf(function), call, k)).sets(function, k, call))
					}
				}
			}
		}
	}
	return begun
}

func nameOf(function string) string { return "the function " + function }

// failsTheRun reports whether what the SDK repeats is no cure.
func (k kind) failsTheRun() bool { return k == lostAlways || k == held || k == refusedAlways }

// sets sets the function going.
func (s *scene) sets(function string, k kind, call target) *aftermath {
	s.found()
	s.email("john") // a mark
	a := &aftermath{scene: s, kind: k, plan: &plan{function: function, marks: s.marks, kind: k, target: call}}
	s.faults.arm(a.plan)
	a.user = s.invite("john", mailed)
	return a
}

// await waits until the mail is out and told of.
func (a *aftermath) await(t *testing.T) {
	t.Helper()
	within := soon
	failed := a.kind.failsTheRun()
	if failed {
		within = afterTheLease // a run that fails may leave its claim behind
	}
	admin := a.admin.With(t)
	var took time.Duration
	caller.Eventually(t, afterTheLease, func() error {
		var page struct {
			Entries []struct {
				Delivery string
				At       time.Time
			}
		}
		admin.Send("GET", a.path+"/users/"+a.user.ID+"/history", nil).Into(http.StatusOK, &page)
		for _, e := range page.Entries {
			if e.Delivery == "delivered" {
				took = e.At.Sub(a.user.Invitation.SentAt)
				return nil
			}
		}
		return fmt.Errorf("%s: no mail is told of in %d lines of history", a.label, len(page.Entries))
	})
	a.faults.release(a.plan)
	a.noted(a.kind, a.label, a.plan.wasReached())
	if took > within {
		t.Errorf("%s: the mail was told of after %.0f s, want %.0f at most", a.label, took.Seconds(), within.Seconds())
	}
	switch n := len(a.inbox(t, a.user.Email)); {
	case n == 1:
	case n == 2 && failed: // died between the mail and its mark
	default:
		t.Errorf("%s: %d mails arrived", a.label, n)
	}
}
