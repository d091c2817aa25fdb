package stream_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/latchkey/latchkey/infra/blueprint"
	"github.com/latchkey/latchkey/infra/local/dynamodblocal"
	"github.com/latchkey/latchkey/infra/local/messaging"
	"github.com/latchkey/latchkey/infra/local/stream"
)

var server *dynamodblocal.Server

func TestMain(m *testing.M) {
	dir, err := dynamodblocal.FindDir()
	if err == nil {
		server, err = dynamodblocal.Start(context.Background(), dynamodblocal.Config{Dir: dir})
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	code := m.Run()
	if err := server.Stop(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

// fixture is a table with its stream, and a function that is a Go function.
type fixture struct {
	t     *testing.T
	table string
	path  string
	queue *messaging.Queues
	cfg   blueprint.StreamSource

	mu       sync.Mutex
	batches  [][]string // of values, as handed out
	function func(sequences, values []string) (string, error)
}

func newFixture(t *testing.T, cfg blueprint.StreamSource, function func(sequences, values []string) (string, error)) *fixture {
	t.Helper()
	f := &fixture{t: t, table: fmt.Sprintf("table-%d", time.Now().UnixNano()), path: filepath.Join(t.TempDir(), "stream.db"), cfg: cfg, function: function}
	if err := dynamodblocal.CreateTable(t.Context(), server.Client(), f.table, blueprint.TheTable()); err != nil {
		t.Fatal(err)
	}
	var err error
	f.queue, err = messaging.Open(filepath.Join(t.TempDir(), "queues.db"), []blueprint.Queue{{Name: "failures"}}, messaging.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.queue.Close() })
	return f
}

func (f *fixture) put(entity string, values ...string) {
	f.t.Helper()
	for _, v := range values {
		_, err := server.Client().PutItem(f.t.Context(), &dynamodb.PutItemInput{TableName: &f.table, Item: map[string]types.AttributeValue{
			"pk": &types.AttributeValueMemberS{Value: "p"}, "sk": &types.AttributeValueMemberS{Value: "s"},
			"entity": &types.AttributeValueMemberS{Value: entity}, "value": &types.AttributeValueMemberS{Value: v},
			"blob": &types.AttributeValueMemberB{Value: []byte{1, 2}},
		}})
		if err != nil {
			f.t.Fatal(err)
		}
	}
}

func (f *fixture) Invoke(_ context.Context, payload []byte) ([]byte, error) {
	var e struct {
		Records []struct {
			EventName string
			DynamoDB  struct {
				SequenceNumber string
				NewImage       map[string]map[string]any
			}
		}
	}
	if err := json.Unmarshal(payload, &e); err != nil {
		return nil, err
	}
	var sequences, values []string
	for _, r := range e.Records {
		sequences = append(sequences, r.DynamoDB.SequenceNumber)
		values = append(values, r.DynamoDB.NewImage["value"]["S"].(string))
		if r.DynamoDB.NewImage["blob"]["B"] != "AQI=" {
			f.t.Errorf("a binary value arrives as %v", r.DynamoDB.NewImage["blob"])
		}
	}
	f.mu.Lock()
	f.batches = append(f.batches, values)
	f.mu.Unlock()
	answer, err := f.function(sequences, values)
	return []byte(answer), err
}

// handed are all values in the order in which they were handed out.
func (f *fixture) handed() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Concat(f.batches...)
}

// run lets the mapping run until done.
func (f *fixture) run(done func() bool) {
	f.t.Helper()
	source, err := stream.New(stream.Config{
		DB: server.Client(), Streams: dynamodblocal.Streams(server.Endpoint()), Table: f.table, Source: f.cfg,
		Function: "publish", Invoker: f, Queues: f.queue, CheckpointPath: f.path,
		Idle: 5 * time.Millisecond, Backoff: func(int) time.Duration { return time.Millisecond },
	})
	if err != nil {
		f.t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(f.t.Context(), 15*time.Second)
	defer cancel()
	finished := make(chan struct{})
	go func() { source.Run(ctx); close(finished) }()
	for !done() && ctx.Err() == nil {
		time.Sleep(5 * time.Millisecond)
	}
	if ctx.Err() != nil {
		f.t.Errorf("it did not come to its end; handed out: %v", f.handed())
	}
	time.Sleep(50 * time.Millisecond) // what should not come, would
	cancel()
	<-finished
	if err := source.Close(); err != nil {
		f.t.Fatal(err)
	}
}

func (f *fixture) until(n int) func() bool { return func() bool { return len(f.handed()) >= n } }

func allGood(_, _ []string) (string, error) { return `{"batchItemFailures":[]}`, nil }

func TestInOrderFilteredAndOnceEvenAfterARestart(t *testing.T) {
	f := newFixture(t, blueprint.StreamSource{
		BatchSize: 2, Filter: []map[string]any{{"dynamodb": map[string]any{"NewImage": map[string]any{"entity": map[string]any{"S": []any{"user"}}}}}},
	}, allGood)
	f.put("user", "1", "2")
	f.put("mail", "not wanted")
	f.put("user", "3")
	f.run(f.until(3))
	f.put("user", "4", "5")
	f.run(f.until(5))
	if got := f.handed(); !slices.Equal(got, []string{"1", "2", "3", "4", "5"}) {
		t.Errorf("handed out %v", got)
	}
	for _, b := range f.batches {
		if len(b) > 2 {
			t.Errorf("a batch of %d", len(b))
		}
	}
}

// A failure is named by the SequenceNumber of its record: what came before it
// is done, what comes after it waits.
func TestItBeginsAgainAtTheFirstRecordThatFailed(t *testing.T) {
	failedOnce := false
	f := newFixture(t, blueprint.StreamSource{BatchSize: 10, MaxRetries: 5}, func(sequences, values []string) (string, error) {
		if i := slices.Index(values, "2"); i >= 0 && !failedOnce {
			failedOnce = true
			answer := `{"batchItemFailures":[{"itemIdentifier":"` + sequences[len(sequences)-1] + `"},{"itemIdentifier":"` + sequences[i] + `"}]}`
			return answer, nil
		}
		return "", nil
	})
	f.put("user", "1", "2", "3")
	f.run(f.until(5))
	if got := f.handed(); !slices.Equal(got, []string{"1", "2", "3", "2", "3"}) {
		t.Errorf("handed out %v", got)
	}
}

func TestAPoisonRecordIsFoundAndGivenUpAlone(t *testing.T) {
	f := newFixture(t, blueprint.StreamSource{BatchSize: 10, MaxRetries: 2, BisectOnError: true, OnFailure: "failures"}, func(_, values []string) (string, error) {
		if slices.Contains(values, "poison") {
			return "", errors.New("boom")
		}
		return "", nil
	})
	f.put("user", "1", "2", "poison", "4")
	f.run(func() bool {
		found, err := f.queue.Messages("failures")
		return err == nil && len(found) == 1 && slices.Contains(f.handed(), "4")
	})
	done := map[string]bool{}
	for _, b := range f.batches {
		if !slices.Contains(b, "poison") {
			for _, v := range b {
				done[v] = true
			}
		}
	}
	if !done["1"] || !done["2"] || !done["4"] {
		t.Errorf("done without the poison: %v of %v", done, f.batches)
	}
	found, err := f.queue.Messages("failures")
	if err != nil || len(found) != 1 {
		t.Fatalf("%d messages, %v", len(found), err)
	}
	var m struct {
		RequestContext     struct{ Condition string }
		DDBStreamBatchInfo struct {
			BatchSize           int
			StartSequenceNumber string
		}
	}
	if err := json.Unmarshal([]byte(found[0].Body), &m); err != nil || m.RequestContext.Condition != "RetryAttemptsExhausted" || m.DDBStreamBatchInfo.BatchSize != 1 || m.DDBStreamBatchInfo.StartSequenceNumber == "" {
		t.Errorf("on failure: %s %v", found[0].Body, err)
	}
}

func TestAnUnknownIdentifierFailsTheWholeBatch(t *testing.T) {
	n := 0
	f := newFixture(t, blueprint.StreamSource{BatchSize: 10, MaxRetries: 5}, func(_, _ []string) (string, error) {
		n++
		if n == 1 {
			return `{"batchItemFailures":[{"itemIdentifier":"nonsense"}]}`, nil
		}
		return "", nil
	})
	f.put("user", "1", "2")
	f.run(f.until(4))
	if got := f.handed(); !slices.Equal(got, []string{"1", "2", "1", "2"}) {
		t.Errorf("handed out %v", got)
	}
}
