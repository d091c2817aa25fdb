package main

import (
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	lambdaevents "github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"

	"github.com/latchkey/latchkey/shared/awsenv"
	"github.com/latchkey/latchkey/shared/event"
	"github.com/latchkey/latchkey/shared/store"
	"github.com/latchkey/latchkey/shared/workspace"
)

// cloud is DynamoDB and EventBridge, as the handler meets them.
type cloud struct {
	// before, if set, runs before a call is answered.
	before func()
	// fails decides whether an item is left unprocessed, or an entry refused.
	fails func() bool
	// breaks decides whether a call fails as a whole.
	breaks func() bool

	mu      sync.Mutex
	lines   map[string]bool // of history, by the event's id
	arrived []event.Event   // on the bus
	day     map[string]any  // the statistics of the one day; nil for none
}

func never() bool { return false }

func newHandler(t *testing.T, c *cloud) handler {
	t.Helper()
	c.lines = map[string]bool{}
	server := httptest.NewServer(c)
	t.Cleanup(server.Close)
	env := awsenv.Env{Get: func(name string) string {
		return map[string]string{
			"AWS_REGION": "us-east-1", "AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x", "TABLE": "latchkey",
			"AWS_ENDPOINT_URL_DYNAMODB": server.URL, "AWS_ENDPOINT_URL_EVENTBRIDGE": server.URL,
		}[name]
	}}
	return handler{
		store: store.FromEnv(env), keep: time.Hour, busName: "latchkey", log: slog.New(slog.DiscardHandler),
		bus: eventbridge.New(eventbridge.Options{
			Region: env.Region(), Credentials: env.Credentials(), BaseEndpoint: env.Endpoint("EVENTBRIDGE"),
			Retryer: awsenv.Retryer(),
		}),
	}
}

func (c *cloud) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	raw, _ := io.ReadAll(r.Body)
	if c.before != nil {
		c.before()
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.breaks() {
		w.WriteHeader(http.StatusBadRequest)
		fmt.Fprint(w, `{"__type":"ValidationException"}`) // the SDK does not try it again
		return
	}
	var answer any
	switch _, operation, _ := strings.Cut(r.Header.Get("X-Amz-Target"), "."); operation {
	case "PutEvents":
		answer = c.putEvents(raw)
	case "GetItem":
		answer = map[string]any{"Item": c.day}
	case "PutItem":
		var in struct{ Item map[string]any }
		_ = json.Unmarshal(raw, &in) // the SDK's own
		c.day, answer = in.Item, map[string]any{}
	default:
		answer = c.batchWrite(raw)
	}
	_ = json.NewEncoder(w).Encode(answer)
}

func (c *cloud) putEvents(raw []byte) any {
	var in struct{ Entries []struct{ Detail string } }
	_ = json.Unmarshal(raw, &in) // the SDK's own
	var out struct {
		FailedEntryCount int
		Entries          []map[string]string
	}
	for _, entry := range in.Entries {
		if c.fails() {
			out.FailedEntryCount++
			out.Entries = append(out.Entries, map[string]string{"ErrorCode": "ThrottlingException"})
			continue
		}
		var e event.Event
		_ = json.Unmarshal([]byte(entry.Detail), &e)
		c.arrived = append(c.arrived, e)
		out.Entries = append(out.Entries, map[string]string{"EventId": "1"})
	}
	return out
}

func (c *cloud) batchWrite(raw []byte) any {
	var in struct {
		RequestItems map[string][]struct {
			PutRequest struct{ Item map[string]map[string]any }
		}
	}
	_ = json.Unmarshal(raw, &in) // the SDK's own
	left := map[string][]any{}
	for table, writes := range in.RequestItems {
		for _, write := range writes {
			if c.fails() {
				left[table] = append(left[table], write)
				continue
			}
			c.lines[write.PutRequest.Item["statusSk"]["S"].(string)] = true
		}
	}
	return map[string]any{"UnprocessedItems": left}
}

// record is change number n of the whole stream, of a user.
func record(user string, n int) lambdaevents.DynamoDBEventRecord {
	text := lambdaevents.NewStringAttribute
	at := text("2026-01-01T00:00:00.000Z")
	return lambdaevents.DynamoDBEventRecord{Change: lambdaevents.DynamoDBStreamRecord{
		SequenceNumber: fmt.Sprintf("%06d", n),
		NewImage: map[string]lambdaevents.DynamoDBAttributeValue{
			"pk": text("WS#ws_1"), "sk": text("USER#" + user), "entity": text("user"),
			"createdAt": at, "updatedAt": at,
			"last": lambdaevents.NewMapAttribute(map[string]lambdaevents.DynamoDBAttributeValue{
				"id": text(fmt.Sprintf("evt_%06d", n)), "type": text("user.updated"), "actor": text("usr_admin"), "at": at,
			}),
		},
	}}
}

// A batch costs one round of calls: each of them waits here until all others
// have arrived.
func TestABatchOfUsersIsOneRoundOfCalls(t *testing.T) {
	const events, calls = 100, 100/10 + 100/25
	var arrived atomic.Int32
	all := make(chan struct{})
	c := &cloud{fails: never, breaks: never, before: func() {
		if arrived.Add(1) == calls {
			close(all)
		}
		select {
		case <-all:
		case <-t.Context().Done():
		}
	}}
	h := newHandler(t, c)
	var in lambdaevents.DynamoDBEvent
	for n := range events {
		in.Records = append(in.Records, record(fmt.Sprint("usr_", n), n))
	}
	finished := make(chan lambdaevents.DynamoDBEventResponse)
	go func() {
		out, _ := h.handle(t.Context(), in)
		finished <- out
	}()
	select {
	case out := <-finished:
		if len(out.BatchItemFailures) > 0 || len(c.arrived) != events || len(c.lines) != events {
			t.Errorf("failed %v, %d events, %d lines", out.BatchItemFailures, len(c.arrived), len(c.lines))
		}
	case <-time.After(20 * time.Second):
		t.Fatal("a call waits for another one")
	}
}

// Whatever fails, and however often the stream begins again: no event is
// missing in the history or on the bus, the events of a user first arrive there
// in order, and each is counted once.
func TestFailuresNeitherLoseNorReorderEvents(t *testing.T) {
	for seed := range uint64(8) {
		random := rand.New(rand.NewPCG(seed, 1))
		c := &cloud{
			fails:  func() bool { return random.IntN(20) == 0 },
			breaks: func() bool { return random.IntN(20) == 0 },
		}
		h := newHandler(t, c)
		left := make([]lambdaevents.DynamoDBEventRecord, 60)
		for n := range left {
			left[n] = record(fmt.Sprint("usr_", random.IntN(25)), n)
			left[n].Change.NewImage["last"].Map()["type"] = lambdaevents.NewStringAttribute("user.declined")
		}
		all := slices.Clone(left)
		for tries := 0; len(left) > 0; tries++ {
			if tries > 1000 {
				t.Fatalf("seed %d: it does not come to an end", seed)
			}
			out, err := h.handle(t.Context(), lambdaevents.DynamoDBEvent{Records: left})
			if err != nil {
				t.Fatal(err)
			}
			if len(out.BatchItemFailures) == 0 {
				break
			}
			at := slices.IndexFunc(left, func(r lambdaevents.DynamoDBEventRecord) bool {
				return r.Change.SequenceNumber == out.BatchItemFailures[0].ItemIdentifier
			})
			if at < 0 {
				t.Fatalf("seed %d: %v is no record of the batch", seed, out.BatchItemFailures)
			}
			left = left[at:]
		}
		if declined := c.day["counts"].(map[string]any)["L"].([]any)[workspace.Declined].(map[string]any)["N"]; declined != "60" {
			t.Errorf("seed %d: %v of 60 are counted", seed, declined)
		}
		first := map[string]bool{}
		last := map[string]string{}
		for _, e := range c.arrived {
			if first[e.ID] {
				continue // a repeat
			}
			first[e.ID] = true
			if e.ID < last[e.UserID] {
				t.Errorf("seed %d: %s of %s came after %s", seed, e.ID, e.UserID, last[e.UserID])
			}
			last[e.UserID] = e.ID
		}
		for n := range all {
			if id := fmt.Sprintf("evt_%06d", n); !first[id] || !c.lines[id] {
				t.Errorf("seed %d: %s on the bus: %v, in the history: %v", seed, id, first[id], c.lines[id])
			}
		}
	}
}

// A record that nobody can read holds up those behind it, not those before it.
func TestWhatComesBeforeAnUnreadableRecordGoesOut(t *testing.T) {
	c := &cloud{fails: never, breaks: never}
	h := newHandler(t, c)
	broken := record("usr_2", 2)
	broken.Change.NewImage["createdAt"] = lambdaevents.NewListAttribute(nil)
	out, err := h.handle(t.Context(), lambdaevents.DynamoDBEvent{Records: []lambdaevents.DynamoDBEventRecord{record("usr_1", 1), broken, record("usr_3", 3)}})
	if err != nil || len(out.BatchItemFailures) != 1 || out.BatchItemFailures[0].ItemIdentifier != "000002" {
		t.Fatalf("failed %v, %v", out.BatchItemFailures, err)
	}
	if len(c.arrived) != 1 || c.arrived[0].UserID != "usr_1" || len(c.lines) != 1 {
		t.Errorf("on the bus %v, in the history %v", c.arrived, c.lines)
	}
}
