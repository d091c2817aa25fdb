package messaging_test

import (
	"context"
	"encoding/json"
	"errors"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/latchkey/latchkey/infra/blueprint"
	"github.com/latchkey/latchkey/infra/local/messaging"
)

var specs = []blueprint.Queue{
	{Name: "work", Visibility: time.Minute, MaxReceives: 3, DeadLetter: "dead"},
	{Name: "dead"},
}

type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) forward(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

func open(t *testing.T, path string, now func() time.Time) *messaging.Queues {
	t.Helper()
	q, err := messaging.Open(path, specs, messaging.Options{Now: now})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = q.Close() }) // closed already by some tests
	return q
}

// openFast opens queues whose minute passes in a millisecond.
func openFast(t *testing.T) *messaging.Queues {
	t.Helper()
	return openWith(t, messaging.Options{Speed: 60_000})
}

func openWith(t *testing.T, options messaging.Options) *messaging.Queues {
	t.Helper()
	q, err := messaging.Open(filepath.Join(t.TempDir(), "queues.db"), specs, options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = q.Close() }) // closed already by some tests
	return q
}

func send(t *testing.T, q *messaging.Queues, bodies ...string) {
	t.Helper()
	for _, body := range bodies {
		if _, err := q.Send("work", body, nil); err != nil {
			t.Fatal(err)
		}
	}
}

func receive(t *testing.T, q *messaging.Queues, max int) []messaging.Message {
	t.Helper()
	found, _, err := q.Receive("work", max)
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func count(t *testing.T, q *messaging.Queues, queue string) int {
	t.Helper()
	found, err := q.Messages(queue)
	if err != nil {
		t.Fatal(err)
	}
	return len(found)
}

func TestARestartLosesNoMessage(t *testing.T) {
	path := filepath.Join(t.TempDir(), "queues.db")
	c := &clock{now: time.Now()}
	q := open(t, path, c.Now)
	send(t, q, "a", "b")
	if got := receive(t, q, 1); len(got) != 1 || got[0].Body != "a" {
		t.Fatalf("received %v", got)
	}
	if err := q.Close(); err != nil {
		t.Fatal(err)
	}
	q = open(t, path, c.Now)
	if got := receive(t, q, 10); len(got) != 1 || got[0].Body != "b" {
		t.Errorf("while a is hidden, received %v", got)
	}
	c.forward(time.Minute)
	if got := receive(t, q, 10); len(got) != 2 || got[0].Body != "a" || got[0].Receives != 2 {
		t.Errorf("after the visibility timeout, received %v", got)
	}
}

func TestTwoCannotOpenOneFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "queues.db")
	open(t, path, time.Now)
	if _, err := messaging.Open(path, specs, messaging.Options{}); err == nil {
		t.Error("it was opened twice")
	}
}

func TestWhatFailsTooOftenGoesToTheDeadLetterQueueAndBack(t *testing.T) {
	c := &clock{now: time.Now()}
	q := open(t, filepath.Join(t.TempDir(), "queues.db"), c.Now)
	send(t, q, "poison")
	for range 3 {
		if got := receive(t, q, 1); len(got) != 1 {
			t.Fatalf("received %v", got)
		}
		c.forward(time.Minute)
	}
	if got := receive(t, q, 1); len(got) != 0 {
		t.Errorf("received a fourth time: %v", got)
	}
	if work, dead := count(t, q, "work"), count(t, q, "dead"); work != 0 || dead != 1 {
		t.Errorf("%d at work and %d dead", work, dead)
	}
	if moved, err := q.Redrive("dead", "work"); err != nil || moved != 1 {
		t.Errorf("redrove %d: %v", moved, err)
	}
	if got := receive(t, q, 1); len(got) != 1 || got[0].Receives != 1 {
		t.Errorf("after the redrive, received %v", got)
	}
}

// invoker is a function as a Go function.
type invoker func(payload []byte) ([]byte, error)

func (f invoker) Invoke(_ context.Context, payload []byte) ([]byte, error) { return f(payload) }

type event struct {
	Records []struct {
		MessageID, Body, EventSource string
		Attributes                   map[string]string
	}
}

func records(t *testing.T, payload []byte) int {
	t.Helper()
	var e event
	if err := json.Unmarshal(payload, &e); err != nil {
		t.Error(err)
	}
	return len(e.Records)
}

// poll runs a poller until the queue is empty, and gives how often each body
// was handed out.
func poll(t *testing.T, q *messaging.Queues, source blueprint.QueueSource, f func(e event) (string, error)) map[string]int {
	t.Helper()
	var mu sync.Mutex
	seen := map[string]int{}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	p := messaging.NewPoller(messaging.PollerConfig{
		Queues: q, Source: source,
		Invoker: invoker(func(payload []byte) ([]byte, error) {
			var e event
			if err := json.Unmarshal(payload, &e); err != nil {
				return nil, err
			}
			mu.Lock()
			for _, r := range e.Records {
				if r.EventSource != "aws:sqs" || r.Attributes["ApproximateReceiveCount"] == "" {
					t.Errorf("record %+v", r)
				}
				seen[r.Body]++
			}
			mu.Unlock()
			answer, err := f(e)
			return []byte(answer), err
		}),
	})
	done := make(chan struct{})
	go func() { p.Run(ctx); close(done) }()
	for count(t, q, "work") > 0 && ctx.Err() == nil {
		time.Sleep(2 * time.Millisecond)
	}
	if ctx.Err() != nil {
		t.Error("the queue was not drained")
	}
	cancel()
	<-done
	mu.Lock()
	defer mu.Unlock()
	return seen
}

func TestOnlyTheMessagesThatFailedComeAgain(t *testing.T) {
	q := openFast(t)
	send(t, q, "good", "poison", "fine")
	seen := poll(t, q, blueprint.QueueSource{Queue: "work", BatchSize: 10, MaxConcurrency: 2}, func(e event) (string, error) {
		for _, r := range e.Records {
			if r.Body == "poison" {
				return `{"batchItemFailures":[{"itemIdentifier":"` + r.MessageID + `"}]}`, nil
			}
		}
		return `{"batchItemFailures":[]}`, nil
	})
	if seen["good"] != 1 || seen["fine"] != 1 || seen["poison"] != 3 || count(t, q, "dead") != 1 {
		t.Errorf("handed out %v, %d dead", seen, count(t, q, "dead"))
	}
}

func TestAnAnswerThatCannotBeUnderstoodFailsTheBatch(t *testing.T) {
	for name, f := range map[string]func(event) (string, error){
		"an error":         func(event) (string, error) { return "", errors.New("boom") },
		"no JSON":          func(event) (string, error) { return "nonsense", nil },
		"an unknown id":    func(event) (string, error) { return `{"batchItemFailures":[{"itemIdentifier":"x"}]}`, nil },
		"an empty id":      func(event) (string, error) { return `{"batchItemFailures":[{"itemIdentifier":""}]}`, nil },
		"a missing member": func(event) (string, error) { return `{"batchItemFailures":[{}]}`, nil },
	} {
		t.Run(name, func(t *testing.T) {
			q := openFast(t)
			send(t, q, "a", "b")
			seen := poll(t, q, blueprint.QueueSource{Queue: "work", BatchSize: 10, MaxConcurrency: 1}, f)
			if seen["a"] != 3 || seen["b"] != 3 || count(t, q, "dead") != 2 {
				t.Errorf("handed out %v, %d dead", seen, count(t, q, "dead"))
			}
		})
	}
	q := openFast(t)
	send(t, q, "a")
	if seen := poll(t, q, blueprint.QueueSource{Queue: "work", BatchSize: 10}, func(event) (string, error) { return "", nil }); seen["a"] != 1 {
		t.Errorf("an empty answer: handed out %v", seen)
	}
}

func TestNoMoreRunsAtOnceThanAllowed(t *testing.T) {
	q := openFast(t)
	for range 20 {
		send(t, q, "x")
	}
	var mu sync.Mutex
	running, most := 0, 0
	poll(t, q, blueprint.QueueSource{Queue: "work", BatchSize: 2, MaxConcurrency: 3}, func(e event) (string, error) {
		mu.Lock()
		running++
		most = max(most, running)
		mu.Unlock()
		time.Sleep(10 * time.Millisecond)
		mu.Lock()
		running--
		mu.Unlock()
		if len(e.Records) > 2 {
			t.Errorf("a batch of %d", len(e.Records))
		}
		return "", nil
	})
	if most != 3 {
		t.Errorf("%d runs at once, want 3", most)
	}
}

func TestRulesTakeWhatTheyMatch(t *testing.T) {
	q := open(t, filepath.Join(t.TempDir(), "queues.db"), time.Now)
	bus, err := messaging.NewBus(q, []blueprint.Rule{{Name: "r", Queue: "work", Pattern: map[string]any{
		"source": []any{"latchkey"}, "detail": map[string]any{"sendEmail": []any{true}},
	}}}, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	var heard []messaging.Envelope
	bus.Subscribe(func(e messaging.Envelope) { heard = append(heard, e) })
	for _, detail := range []string{`{"sendEmail":true}`, `{"sendEmail":false}`, `{}`} {
		if _, err := bus.Put(messaging.Entry{Source: "latchkey", DetailType: "user.invited", Detail: json.RawMessage(detail)}); err != nil {
			t.Fatal(err)
		}
	}
	found, err := q.Messages("work")
	if err != nil || len(found) != 1 || len(heard) != 3 {
		t.Fatalf("%d in the queue, %d heard, %v", len(found), len(heard), err)
	}
	var e messaging.Envelope
	if err := json.Unmarshal([]byte(found[0].Body), &e); err != nil || e.DetailType != "user.invited" || e.ID == "" || string(e.Detail) != `{"sendEmail":true}` {
		t.Errorf("envelope %s, %v", found[0].Body, err)
	}
}
