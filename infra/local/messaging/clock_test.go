package messaging_test

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/latchkey/latchkey/infra/blueprint"
	"github.com/latchkey/latchkey/infra/local/messaging"
)

// run sets a poller going and gives a count of its runs.
func run(t *testing.T, q *messaging.Queues, source blueprint.QueueSource, f func(payload []byte) error) (runs *atomic.Int32) {
	t.Helper()
	runs = &atomic.Int32{}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		messaging.NewPoller(messaging.PollerConfig{Queues: q, Source: source, Invoker: invoker(func(payload []byte) ([]byte, error) {
			runs.Add(1)
			return nil, f(payload)
		})}).Run(ctx)
	}()
	t.Cleanup(func() { cancel(); <-done })
	return runs
}

// comes waits until a count has come to this, and gives it a moment to go on.
func comes(t *testing.T, what string, count func() int, want int) {
	t.Helper()
	for began := time.Now(); count() < want && time.Since(began) < 5*time.Second; {
		time.Sleep(2 * time.Millisecond)
	}
	time.Sleep(50 * time.Millisecond)
	if got := count(); got != want {
		t.Errorf("%s: %d, want %d", what, got, want)
	}
}

// A message that failed shows again after its queue's visibility timeout and
// no sooner, and after its last receive it goes to the dead-letter queue when
// the timeout has passed once more.
func TestRetriesKeepToTheVisibilityTimeout(t *testing.T) {
	q := openWith(t, messaging.Options{})
	send(t, q, "poison")
	runs := run(t, q, blueprint.QueueSource{Queue: "work", BatchSize: 1, MaxConcurrency: 2}, func([]byte) error { return errors.New("boom") })
	total := func() int { return int(runs.Load()) }
	for i := range 3 {
		comes(t, fmt.Sprint("runs after minute ", i), total, i+1)
		if dead := count(t, q, "dead"); dead != 0 {
			t.Errorf("dead after %d receives", i+1)
		}
		if err := q.Advance(59 * time.Second); err != nil {
			t.Fatal(err)
		}
		comes(t, "runs a second too early", total, i+1)
		if err := q.Advance(time.Second); err != nil {
			t.Fatal(err)
		}
	}
	comes(t, "dead", func() int { return count(t, q, "dead") }, 1)
	comes(t, "runs", total, 3)
}

// Some messages are delivered twice, as itself and with the same id, and the
// share of them is what was asked for.
func TestSomeMessagesAreDeliveredTwice(t *testing.T) {
	for _, share := range []float64{0, 0.3, 1} {
		q := openWith(t, messaging.Options{Duplicates: share})
		const sent = 150
		for i := range sent {
			send(t, q, fmt.Sprint(i))
		}
		seen := map[string]int{}
		for total := 0; ; {
			found := receive(t, q, 10)
			if len(found) == 0 {
				break
			}
			for _, m := range found {
				seen[m.ID]++
				if err := q.Delete("work", m); err != nil {
					t.Fatal(err)
				}
			}
			if total += len(found); total > 2*sent {
				t.Fatal("delivered more often than twice")
			}
		}
		twice := 0
		for _, n := range seen {
			if n > 2 {
				t.Errorf("delivered %d times", n)
			}
			if n == 2 {
				twice++
			}
		}
		if len(seen) != sent {
			t.Errorf("%d of %d delivered", len(seen), sent)
		}
		got := float64(twice) / sent
		if share == 0 && twice > 0 || share > 0 && (got < share/2 || got > min(1, share*1.5)) {
			t.Errorf("share %v: %v were delivered twice", share, got)
		}
	}
}

// A message that stays longer than its queue keeps any is gone.
func TestRetention(t *testing.T) {
	old := specs
	specs = []blueprint.Queue{{Name: "work", Visibility: time.Minute, Retention: time.Hour}}
	defer func() { specs = old }()
	q := openWith(t, messaging.Options{})
	send(t, q, "old")
	if err := q.Advance(59 * time.Minute); err != nil {
		t.Fatal(err)
	}
	send(t, q, "new")
	if n := count(t, q, "work"); n != 2 {
		t.Errorf("%d messages", n)
	}
	if err := q.Advance(2 * time.Minute); err != nil {
		t.Fatal(err)
	}
	if got := receive(t, q, 10); len(got) != 1 || got[0].Body != "new" || count(t, q, "work") != 1 {
		t.Errorf("received %v", got)
	}
}

// A batch that is not full waits for its window, and a full one does not.
func TestBatchWindow(t *testing.T) {
	q := openWith(t, messaging.Options{})
	batches := make(chan int, 10)
	run(t, q, blueprint.QueueSource{Queue: "work", BatchSize: 3, BatchWindow: time.Second, MaxConcurrency: 1}, func(payload []byte) error {
		batches <- records(t, payload)
		return nil
	})
	began := time.Now()
	send(t, q, "a")
	time.Sleep(50 * time.Millisecond)
	send(t, q, "b")
	if n := <-batches; n != 2 || time.Since(began) < 900*time.Millisecond {
		t.Errorf("a batch of %d after %v", n, time.Since(began))
	}
	began = time.Now()
	send(t, q, "c", "d", "e")
	if n := <-batches; n != 3 || time.Since(began) > 900*time.Millisecond {
		t.Errorf("a full batch of %d after %v", n, time.Since(began))
	}
}
