package messaging_test

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"go.etcd.io/bbolt"

	"github.com/latchkey/latchkey/infra/blueprint"
	"github.com/latchkey/latchkey/infra/local/messaging"
)

// A run that takes longer than the visibility timeout finds its message in
// other hands: it may neither end it nor bring it back.
func TestALateRunHasNoSayOverItsMessage(t *testing.T) {
	c := &clock{now: time.Now()}
	q := open(t, filepath.Join(t.TempDir(), "queues.db"), c.Now)
	send(t, q, "x")
	late := receive(t, q, 1)[0]
	c.forward(time.Minute)
	inTime := receive(t, q, 1)[0]
	if err := q.Delete("work", late); err != nil || count(t, q, "work") != 1 {
		t.Errorf("the late run deleted it (%v)", err)
	}
	if err := q.Release("work", late, 0); err != nil || len(receive(t, q, 1)) != 0 {
		t.Errorf("the late run made it visible (%v)", err)
	}
	if err := q.Delete("work", inTime); err != nil || count(t, q, "work") != 0 {
		t.Errorf("the run that has it could not delete it (%v)", err)
	}
	if err := q.Release("work", inTime, 0); err != nil || count(t, q, "work") != 0 {
		t.Errorf("it came back from the dead (%v)", err)
	}
}

func TestPoisonIsPassedOverForWhatIsBehindIt(t *testing.T) {
	q := open(t, filepath.Join(t.TempDir(), "queues.db"), time.Now)
	send(t, q, "poison", "poison", "good")
	for range 3 {
		for _, m := range receive(t, q, 2) {
			if err := q.Release("work", m, 0); err != nil {
				t.Fatal(err)
			}
		}
	}
	if got := receive(t, q, 1); len(got) != 1 || got[0].Body != "good" || count(t, q, "dead") != 2 {
		t.Errorf("received %v, %d dead", got, count(t, q, "dead"))
	}
}

func TestDepth(t *testing.T) {
	c := &clock{now: time.Now()}
	q := open(t, filepath.Join(t.TempDir(), "queues.db"), c.Now)
	if d, err := q.Depth("work"); err != nil || d != (messaging.Depth{}) {
		t.Errorf("an empty queue: %+v, %v", d, err)
	}
	send(t, q, "a", "b", "c")
	receive(t, q, 1)
	c.forward(10 * time.Second)
	if d, err := q.Depth("work"); err != nil || d != (messaging.Depth{Visible: 2, InFlight: 1, Oldest: 10 * time.Second}) {
		t.Errorf("%+v, %v", d, err)
	}
}

// As at SQS: in the dead-letter queue a message is still itself, and once
// redriven it is a new one, so that its age is not held against it.
func TestWhoAMessageIsOnItsWayThroughTheDeadLetterQueue(t *testing.T) {
	c := &clock{now: time.Now().Truncate(time.Second)}
	q := open(t, filepath.Join(t.TempDir(), "queues.db"), c.Now)
	id, err := q.Send("work", "poison", map[string]string{"kind": "test"})
	if err != nil {
		t.Fatal(err)
	}
	for range 4 {
		receive(t, q, 1)
		c.forward(time.Minute)
	}
	dead, err := q.Messages("dead")
	if err != nil || len(dead) != 1 || dead[0].ID != id || dead[0].SentAt.Equal(c.Now()) {
		t.Fatalf("dead: %+v, %v", dead, err)
	}
	if _, err := q.Redrive("dead", "work"); err != nil {
		t.Fatal(err)
	}
	again := receive(t, q, 1)
	if len(again) != 1 || again[0].ID == id || !again[0].SentAt.Equal(c.Now()) || again[0].Attributes["kind"] != "test" {
		t.Errorf("redriven: %+v", again)
	}
}

func TestAQueueThatIsNotThereIsAnError(t *testing.T) {
	q := open(t, filepath.Join(t.TempDir(), "queues.db"), time.Now)
	_, sendErr := q.Send("nowhere", "x", nil)
	_, _, receiveErr := q.Receive("nowhere", 1)
	_, messagesErr := q.Messages("nowhere")
	_, depthErr := q.Depth("nowhere")
	_, redriveErr := q.Redrive("dead", "nowhere")
	send(t, q, "x")
	_, toNowhereErr := q.Redrive("work", "nowhere")
	_, busErr := messaging.NewBus(q, []blueprint.Rule{{Name: "r", Queue: "nowhere", Pattern: map[string]any{"source": []any{"x"}}}}, time.Now)
	for name, err := range map[string]error{
		"send": sendErr, "receive": receiveErr, "messages": messagesErr, "depth": depthErr,
		"delete": q.Delete("nowhere", messaging.Message{}), "release": q.Release("nowhere", messaging.Message{}, 0),
		"redrive": toNowhereErr, "a rule": busErr,
	} {
		if err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	if redriveErr != nil {
		t.Errorf("nothing to redrive: %v", redriveErr)
	}
	if count(t, q, "work") != 1 {
		t.Error("a redrive to nowhere lost the message")
	}
}

// A tenant with ten thousand messages keeps no other waiting, and its own are
// served in order.
func TestAFairQueueServesTenantsInTurn(t *testing.T) {
	q := open(t, filepath.Join(t.TempDir(), "queues.db"), time.Now)
	put := func(group, body string) {
		t.Helper()
		if _, err := q.SendFair("work", group, body, nil); err != nil {
			t.Fatal(err)
		}
	}
	for i := range 200 {
		put("loud", fmt.Sprintf("loud %03d", i))
	}
	var loud []string
	take := func(n int) (got []string) {
		for _, m := range receive(t, q, n) {
			got = append(got, m.Body)
			if m.Group == "loud" {
				loud = append(loud, m.Body)
			}
			if err := q.Delete("work", m); err != nil {
				t.Fatal(err)
			}
		}
		return got
	}
	take(3)
	put("quiet", "quiet 1")
	put("another", "another 1")
	put("quiet", "quiet 2")
	got := append(append(take(2), take(2)...), take(2)...)
	for _, want := range []string{"quiet 1", "another 1", "quiet 2"} {
		if !slices.Contains(got, want) {
			t.Errorf("%s is not among the next six: %v", want, got)
		}
	}
	if next := take(5); len(next) != 5 {
		t.Errorf("a single tenant gets %d of 5", len(next))
	}
	if !slices.IsSorted(loud) || len(loud) < 8 {
		t.Errorf("out of order: %v", loud)
	}
}

// A message that cannot be read keeps no other waiting: it goes to the
// dead-letter queue as it is.
func TestOneUnreadableMessageStopsNoQueue(t *testing.T) {
	path := filepath.Join(t.TempDir(), "queues.db")
	q := open(t, path, time.Now)
	send(t, q, "before")
	if err := q.Close(); err != nil {
		t.Fatal(err)
	}
	db, err := bbolt.Open(path, 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	err = db.Update(func(tx *bbolt.Tx) error { return tx.Bucket([]byte("work")).Put([]byte("\x00\x00"), []byte("not JSON")) })
	if err := errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
	q = open(t, path, time.Now)
	send(t, q, "after")
	if _, err := q.Depth("work"); err != nil {
		t.Error(err)
	}
	if err := q.Advance(time.Second); err != nil {
		t.Error(err)
	}
	if got := receive(t, q, 10); len(got) != 2 || got[0].Body != "before" || got[1].Body != "after" {
		t.Errorf("received %+v", got)
	}
	if dead, err := q.Messages("dead"); err != nil || len(dead) != 1 || dead[0].Body != "not JSON" {
		t.Errorf("dead: %+v, %v", dead, err)
	}
	if moved, err := q.Redrive("dead", "work"); err != nil || moved != 1 {
		t.Errorf("redrove %d, %v", moved, err)
	}
}
