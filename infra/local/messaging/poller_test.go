package messaging_test

import (
	"context"
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/latchkey/latchkey/infra/blueprint"
	"github.com/latchkey/latchkey/infra/local/messaging"
)

// What a function gets is what Lambda gives it.
// https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html
func TestTheEventIsLambdas(t *testing.T) {
	c := &clock{now: time.UnixMilli(1_700_000_000_123)}
	q := open(t, filepath.Join(t.TempDir(), "queues.db"), c.Now)
	id, err := q.Send("work", "hello", map[string]string{"kind": "test"})
	if err != nil {
		t.Fatal(err)
	}
	got := make(chan []byte, 1)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	go messaging.NewPoller(messaging.PollerConfig{
		Queues: q, Source: blueprint.QueueSource{Queue: "work", BatchSize: 10, MaxConcurrency: 2},
		Invoker: invoker(func(payload []byte) ([]byte, error) { got <- payload; return nil, nil }),
	}).Run(ctx)
	want := `{"Records":[{"messageId":"` + id + `","receiptHandle":"AAAAAAAAAAAB.1","body":"hello",` +
		`"attributes":{"ApproximateFirstReceiveTimestamp":"1700000000123","ApproximateReceiveCount":"1","SenderId":"local","SentTimestamp":"1700000000123"},` +
		`"messageAttributes":{"kind":{"stringValue":"test","stringListValues":[],"binaryListValues":[],"dataType":"String"}},` +
		`"md5OfBody":"5d41402abc4b2a76b9719d911017c592","eventSource":"aws:sqs",` +
		`"eventSourceARN":"arn:aws:sqs:us-east-1:000000000000:work","awsRegion":"us-east-1"}]}`
	if payload := <-got; string(payload) != want {
		t.Errorf("got  %s\nwant %s", payload, want)
	}
}

// A message that is sent is with its function at once, though nobody polls.
func TestASendWakesThePoller(t *testing.T) {
	q := open(t, filepath.Join(t.TempDir(), "queues.db"), time.Now)
	got := make(chan time.Time, 1)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	go messaging.NewPoller(messaging.PollerConfig{
		Queues: q, Source: blueprint.QueueSource{Queue: "work", BatchSize: 1, MaxConcurrency: 2},
		Invoker: invoker(func([]byte) ([]byte, error) { got <- time.Now(); return nil, nil }),
	}).Run(ctx)
	time.Sleep(100 * time.Millisecond) // it waits by now
	began := time.Now()
	send(t, q, "x")
	if took := (<-got).Sub(began); took > 500*time.Millisecond {
		t.Errorf("it took %v", took)
	}
}

// What waits at its last receive is buried without anybody's help, and what is
// good goes on meanwhile.
func TestPoisonDoesNotStopThePoller(t *testing.T) {
	q := openFast(t)
	send(t, q, "poison 1", "poison 2", "poison 3", "good 1", "good 2")
	seen := poll(t, q, blueprint.QueueSource{Queue: "work", BatchSize: 1, MaxConcurrency: 2}, func(e event) (string, error) {
		if strings.HasPrefix(e.Records[0].Body, "poison") {
			return `{"batchItemFailures":[{"itemIdentifier":"` + e.Records[0].MessageID + `"}]}`, nil
		}
		return "{}", nil
	})
	if seen["good 1"] != 1 || seen["good 2"] != 1 || seen["poison 3"] != 3 || count(t, q, "dead") != 3 {
		t.Errorf("handed out %v, %d dead", seen, count(t, q, "dead"))
	}
}

func TestWhatAnAnswerSays(t *testing.T) {
	for answer, want := range map[string]string{
		"": "[]", "null": "[]", "{}": "[]", `{"batchItemFailures":[]}`: "[]", `{"batchItemFailures":null}`: "[]",
		`{"batchItemFailures":[{"itemIdentifier":"a"},{"itemIdentifier":"b"}]}`: `["a","b"]`,
		`{"batchItemFailures":[{"itemIdentifier":null}]}`:                       "error",
		`{"batchItemFailures":[{"itemIdentifier":""}]}`:                         "error",
		`{"batchItemFailures":[{"ItemIdentifier":"a"}]}`:                        "error",
		`{"batchItemFailures":["a"]}`:                                           "error",
		`nonsense`:                                                              "error",
	} {
		ids, err := messaging.FailedItems([]byte(answer))
		raw, _ := json.Marshal(append([]string{}, ids...))
		got := string(raw)
		if err != nil {
			got = "error"
		}
		if got != want {
			t.Errorf("%s: %s, want %s", answer, got, want)
		}
	}
}

func TestListenersHearEveryEventOnTheBus(t *testing.T) {
	q := open(t, filepath.Join(t.TempDir(), "queues.db"), time.Now)
	bus, err := messaging.NewBus(q, nil, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	heard := 0
	bus.Subscribe(func(e messaging.Envelope) {
		heard++
		bus.Subscribe(func(messaging.Envelope) {}) // a listener may bring in another
		if len(e.Resources) != 1 || e.Time.Nanosecond() != 0 {
			t.Errorf("%+v", e)
		}
	})
	if _, err := bus.Put(messaging.Entry{Source: "s", DetailType: "t", Detail: json.RawMessage(`{}`), Resources: []string{"arn:x"}}); err != nil || heard != 1 {
		t.Errorf("heard %d, %v", heard, err)
	}
}
