package schedule_test

import (
	"context"
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/latchkey/latchkey/infra/blueprint"
	"github.com/latchkey/latchkey/infra/local/lambda"
	"github.com/latchkey/latchkey/infra/local/schedule"
)

type invoker func(payload []byte) ([]byte, error)

func (f invoker) Invoke(_ context.Context, payload []byte) ([]byte, error) { return f(payload) }

// fired is what became of one firing.
type fired struct {
	runs    int
	waits   []time.Duration // between the runs
	records []map[string]any
}

// fire lets a schedule of five minutes fire once, on a clock that jumps to the
// end of each wait; a run takes so long.
func fire(t *testing.T, retries int, takes time.Duration, answer func(run int) error) (f fired) {
	t.Helper()
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	first := true
	settled := make(chan struct{})
	s := schedule.New(schedule.Config{
		Function: "expire", Schedule: blueprint.Schedule{Name: "expire", Every: 5 * time.Minute, Retries: retries},
		Now: func() time.Time { return now },
		After: func(d time.Duration) <-chan time.Time {
			at := make(chan time.Time, 1)
			if d == 5*time.Minute {
				if first {
					first = false
					at <- now
				}
				return at // it does not fire twice
			}
			f.waits = append(f.waits, d)
			now = now.Add(d)
			at <- now
			return at
		},
		Invoker: invoker(func(payload []byte) ([]byte, error) {
			var e struct {
				Source string
				Now    *time.Time
			}
			if err := json.Unmarshal(payload, &e); err != nil || e.Source != "aws.scheduler" || e.Now != nil {
				t.Errorf("event %s %v", payload, err)
			}
			f.runs++
			now = now.Add(takes)
			err := answer(f.runs)
			if err == nil {
				close(settled)
			}
			return nil, err
		}),
		GiveUp: func(record string) error {
			var r map[string]any
			if err := json.Unmarshal([]byte(record), &r); err != nil {
				t.Error(err)
			}
			f.records = append(f.records, r)
			close(settled)
			return nil
		},
	})
	done := make(chan struct{})
	go func() { s.Run(ctx); close(done) }()
	<-settled
	cancel()
	<-done
	return f
}

func TestAFiringThatFailsIsTriedAgainAndGivenUp(t *testing.T) {
	boom := &lambda.FunctionError{Type: "errorString", Payload: []byte(`{"errorMessage":"boom"}`)}
	f := fire(t, 1, time.Second, func(int) error { return boom })
	if f.runs != 2 || len(f.waits) != 1 || f.waits[0] != time.Minute || len(f.records) != 1 {
		t.Fatalf("%+v", f)
	}
	about := f.records[0]["requestContext"].(map[string]any)
	if about["condition"] != "RetriesExhausted" || about["approximateInvokeCount"] != 2.0 ||
		f.records[0]["responsePayload"].(map[string]any)["errorMessage"] != "boom" {
		t.Errorf("record %v", f.records[0])
	}
}

func TestAFiringThatSucceedsAtLastIsNotGivenUp(t *testing.T) {
	f := fire(t, 2, time.Second, func(run int) error {
		if run < 3 {
			return errors.New("boom")
		}
		return nil
	})
	if f.runs != 3 || len(f.records) != 0 || len(f.waits) != 2 || f.waits[1] != 2*time.Minute {
		t.Errorf("%+v", f)
	}
}

// A firing does not outlive its interval: the next one does its work.
func TestAFiringThatIsTooOldIsGivenUp(t *testing.T) {
	f := fire(t, 2, 4*time.Minute+time.Second, func(int) error { return errors.New("boom") })
	if f.runs != 1 || len(f.records) != 1 || f.records[0]["requestContext"].(map[string]any)["condition"] != "EventAgeExceeded" {
		t.Errorf("%+v", f)
	}
}
