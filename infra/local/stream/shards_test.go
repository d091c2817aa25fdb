package stream_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/latchkey/latchkey/infra/blueprint"
	"github.com/latchkey/latchkey/infra/local/dynamodblocal"
	"github.com/latchkey/latchkey/infra/local/stream"
)

// fakeStream answers as DynamoDB's streams do in what DynamoDB Local takes
// hours for: shards that are closed, split, trimmed; iterators that grow old.
type fakeStream struct {
	mu      sync.Mutex
	arn     string
	shards  []*fakeShard
	expired int // how many more reads find their iterator too old
}

type fakeShard struct {
	id, parent string
	first      int // the number of the first record that is left
	records    []string
	closed     bool
}

func (f *fakeStream) shard(id string) *fakeShard {
	for _, s := range f.shards {
		if s.id == id {
			return s
		}
	}
	return nil
}

func (f *fakeStream) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	var in struct{ ShardID, ShardIterator, ShardIteratorType, SequenceNumber string }
	_ = json.NewDecoder(r.Body).Decode(&in) // what is missing stays empty
	_, operation, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	out, fault := f.answer(operation, in.ShardID, in.ShardIterator, in.ShardIteratorType, in.SequenceNumber)
	w.Header().Set("content-type", "application/x-amz-json-1.0")
	if fault != "" {
		w.WriteHeader(http.StatusBadRequest)
		out = map[string]any{"__type": "com.amazonaws.dynamodb.v20120810#" + fault}
	}
	_ = json.NewEncoder(w).Encode(out)
}

func (f *fakeStream) answer(operation, shard, iterator, kind, sequence string) (out any, fault string) {
	switch operation {
	case "DescribeTable":
		return map[string]any{"Table": map[string]any{"LatestStreamArn": f.arn}}, ""
	case "DescribeStream":
		list := []map[string]any{}
		for _, s := range f.shards {
			one := map[string]any{"ShardId": s.id}
			if s.parent != "" {
				one["ParentShardId"] = s.parent
			}
			list = append(list, one)
		}
		return map[string]any{"StreamDescription": map[string]any{"Shards": list}}, ""
	case "GetShardIterator":
		s, at := f.shard(shard), 0
		if kind == "TRIM_HORIZON" {
			at = s.first
		} else {
			_, _ = fmt.Sscan(sequence, &at)
			at++
			if at < s.first {
				return nil, "TrimmedDataAccessException"
			}
		}
		return map[string]any{"ShardIterator": fmt.Sprintf("%s %d", shard, at)}, ""
	case "GetRecords":
		return f.records(iterator)
	}
	return nil, "UnknownOperationException"
}

func (f *fakeStream) records(iterator string) (out any, fault string) {
	if f.expired > 0 {
		f.expired--
		return nil, "ExpiredIteratorException"
	}
	var id string
	var at int
	_, _ = fmt.Sscan(iterator, &id, &at)
	s := f.shard(id)
	if at < s.first {
		return nil, "TrimmedDataAccessException"
	}
	list := []map[string]any{}
	end := min(at+2, s.first+len(s.records))
	for i := at; i < end; i++ {
		list = append(list, map[string]any{"eventName": "INSERT", "dynamodb": map[string]any{
			"SequenceNumber": fmt.Sprintf("%03d", i), "ApproximateCreationDateTime": time.Now().Unix(),
			"NewImage": map[string]any{"value": map[string]string{"S": s.records[i-s.first]}},
		}})
	}
	answer := map[string]any{"Records": list}
	if !s.closed || end < s.first+len(s.records) {
		answer["NextShardIterator"] = fmt.Sprintf("%s %d", id, end)
	}
	return answer, ""
}

// memory is a place for checkpoints.
type memory struct {
	mu sync.Mutex
	at map[string]string
}

func (m *memory) At(arn, shard string) (string, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.at[arn+" "+shard], nil
}

func (m *memory) Remember(arn, shard, sequence string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.at[arn+" "+shard] = sequence
	return nil
}

type invokeFunc func(payload []byte) ([]byte, error)

func (f invokeFunc) Invoke(_ context.Context, payload []byte) ([]byte, error) { return f(payload) }

// mapping is one of the fake; the values that it hands out arrive in values.
func mapping(t *testing.T, f *fakeStream, m *memory, idle time.Duration) (source *stream.Source, values chan string) {
	t.Helper()
	server := httptest.NewServer(f)
	t.Cleanup(server.Close)
	values = make(chan string, 100)
	source, err := stream.New(stream.Config{
		DB:      dynamodb.New(dynamodb.Options{Region: "us-east-1", BaseEndpoint: &server.URL, Credentials: dynamodblocal.Credentials}),
		Streams: dynamodblocal.Streams(server.URL), Table: "latchkey", Checkpoints: m, Idle: idle,
		Source: blueprint.StreamSource{BatchSize: 10},
		Invoker: invokeFunc(func(payload []byte) ([]byte, error) {
			var e struct {
				Records []struct {
					DynamoDB struct {
						NewImage struct{ Value struct{ S string } }
					}
				}
			}
			if err := json.Unmarshal(payload, &e); err != nil {
				return nil, err
			}
			for _, r := range e.Records {
				values <- r.DynamoDB.NewImage.Value.S
			}
			return nil, nil
		}),
	})
	if err != nil {
		t.Fatal(err)
	}
	return source, values
}

// follow reads the fake until n values have come, and gives them.
func follow(t *testing.T, f *fakeStream, m *memory, n int) []string {
	t.Helper()
	source, values := mapping(t, f, m, time.Millisecond)
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	finished := make(chan struct{})
	go func() { source.Run(ctx); close(finished) }()
	var got []string
	for len(got) < n {
		select {
		case v := <-values:
			got = append(got, v)
		case <-ctx.Done():
			t.Fatalf("only %v came", got)
		}
	}
	time.Sleep(20 * time.Millisecond) // what should not come, would
	cancel()
	<-finished
	for len(values) > 0 {
		got = append(got, <-values)
	}
	return got
}

func TestAParentIsReadBeforeItsChildren(t *testing.T) {
	f := &fakeStream{arn: "arn:1", shards: []*fakeShard{
		{id: "left", parent: "root", records: []string{"4", "6"}},
		{id: "right", parent: "root", records: []string{"5"}},
		{id: "root", parent: "trimmed", records: []string{"1", "2", "3"}, closed: true},
	}}
	m := &memory{at: map[string]string{}}
	got := follow(t, f, m, 6)
	if len(got) != 6 || !slices.Equal(got[:3], []string{"1", "2", "3"}) || slices.Index(got, "4") > slices.Index(got, "6") {
		t.Errorf("handed out %v", got)
	}
	// After a restart, with another generation: only what is new.
	f.shards[0].closed = true
	f.shards = append(f.shards, &fakeShard{id: "leaf", parent: "left", records: []string{"7"}})
	if got := follow(t, f, m, 1); !slices.Equal(got, []string{"7"}) {
		t.Errorf("after a restart, handed out %v", got)
	}
}

func TestWhatWasTrimmedIsPassedOverAndWhatIsLeftIsRead(t *testing.T) {
	f := &fakeStream{arn: "arn:1", shards: []*fakeShard{{id: "s", first: 8, records: []string{"8", "9"}}}}
	m := &memory{at: map[string]string{"arn:1 s": "003"}}
	if got := follow(t, f, m, 2); !slices.Equal(got, []string{"8", "9"}) {
		t.Errorf("handed out %v", got)
	}
}

func TestAnIteratorThatGrewOldIsMadeAnewWithoutARepeat(t *testing.T) {
	f := &fakeStream{arn: "arn:1", expired: 3, shards: []*fakeShard{{id: "s", records: []string{"0", "1", "2"}}}}
	m := &memory{at: map[string]string{"arn:1 s": "000"}}
	if got := follow(t, f, m, 2); !slices.Equal(got, []string{"1", "2"}) {
		t.Errorf("handed out %v", got)
	}
}

func TestAStreamUnderAnotherARNIsReadFromItsBeginning(t *testing.T) {
	f := &fakeStream{arn: "arn:2", shards: []*fakeShard{{id: "s", records: []string{"new"}}}}
	m := &memory{at: map[string]string{"arn:1 s": "005"}}
	if got := follow(t, f, m, 1); !slices.Equal(got, []string{"new"}) {
		t.Errorf("handed out %v", got)
	}
}

func TestAPokeEndsTheRest(t *testing.T) {
	f := &fakeStream{arn: "arn:1", shards: []*fakeShard{{id: "s", records: []string{"1"}}}}
	source, values := mapping(t, f, &memory{at: map[string]string{}}, time.Hour)
	ctx, cancel := context.WithCancel(t.Context())
	finished := make(chan struct{})
	go func() { source.Run(ctx); close(finished) }()
	defer func() { cancel(); <-finished }()
	for i, want := range []string{"1", "2"} {
		select {
		case got := <-values:
			if got != want {
				t.Errorf("handed out %s", got)
			}
		case <-time.After(5 * time.Second):
			t.Fatalf("%s did not come", want)
		}
		if i == 0 {
			time.Sleep(50 * time.Millisecond) // it rests by now
			f.mu.Lock()
			f.shards[0].records = append(f.shards[0].records, "2")
			f.mu.Unlock()
			source.Poke()
		}
	}
}
