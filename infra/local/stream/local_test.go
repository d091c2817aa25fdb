package stream_test

import (
	"encoding/json"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"go.etcd.io/bbolt"

	"github.com/latchkey/latchkey/infra/blueprint"
	"github.com/latchkey/latchkey/infra/local/dynamodblocal"
)

// DynamoDB Local keeps its stream with its tables, so that what was written
// and not read before a restart is read after it.
func TestTheStreamSurvivesARestartOfTheTable(t *testing.T) {
	dir, err := dynamodblocal.FindDir()
	if err != nil {
		t.Fatal(err)
	}
	data := t.TempDir()
	up := func() *dynamodblocal.Server {
		s, err := dynamodblocal.Start(t.Context(), dynamodblocal.Config{Dir: dir, DataDir: data})
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	memory := server
	defer func() { server = memory }()
	server = up()
	f := newFixture(t, blueprint.StreamSource{BatchSize: 10}, allGood)
	f.put("user", "1")
	f.run(f.until(1))
	f.put("user", "2")
	if err := server.Stop(); err != nil {
		t.Fatal(err)
	}
	server = up()
	f.put("user", "3")
	f.run(f.until(3))
	if err := server.Stop(); err != nil {
		t.Fatal(err)
	}
	if got := f.handed(); !slices.Equal(got, []string{"1", "2", "3"}) {
		t.Errorf("handed out %v", got)
	}
}

// The table was removed and made anew while the mapping ran: it has another
// stream, which is read from its beginning.
func TestATableThatIsMadeAnewIsFollowed(t *testing.T) {
	f := newFixture(t, blueprint.StreamSource{BatchSize: 10}, allGood)
	f.put("user", "old")
	anew := false
	f.run(func() bool {
		if !anew && len(f.handed()) == 1 {
			anew = true
			if _, err := server.Client().DeleteTable(t.Context(), &dynamodb.DeleteTableInput{TableName: &f.table}); err != nil {
				t.Fatal(err)
			}
			if err := dynamodblocal.CreateTable(t.Context(), server.Client(), f.table, blueprint.TheTable()); err != nil {
				t.Fatal(err)
			}
			f.put("user", "new")
		}
		return len(f.handed()) >= 2
	})
	if got := f.handed(); !slices.Equal(got, []string{"old", "new"}) {
		t.Errorf("handed out %v", got)
	}
}

// A checkpoint of a database that somebody threw away names a record that the
// shard has never had.
func TestACheckpointThatNamesNothingDoesNotStopTheStream(t *testing.T) {
	f := newFixture(t, blueprint.StreamSource{BatchSize: 10}, allGood)
	f.put("user", "1")
	f.run(f.until(1))
	db, err := bbolt.Open(f.path, 0o600, &bbolt.Options{Timeout: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	err = db.Update(func(tx *bbolt.Tx) error {
		bucket := tx.Bucket([]byte("checkpoints"))
		key, _ := bucket.Cursor().First()
		return bucket.Put(slices.Clone(key), []byte("000000000000000000001"))
	})
	if err := errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
	f.put("user", "2")
	f.run(func() bool { return slices.Contains(f.handed(), "2") })
}

func TestARecordThatIsTooOldIsTriedOnceAndGivenUp(t *testing.T) {
	f := newFixture(t, blueprint.StreamSource{BatchSize: 10, MaxRetries: 100, MaxRecordAge: time.Nanosecond, OnFailure: "failures"}, func(_, values []string) (string, error) {
		if values[0] == "poison" {
			return "", errors.New("boom")
		}
		return "", nil
	})
	f.put("user", "poison", "good")
	time.Sleep(time.Second) // a record's age is known to the second
	f.run(func() bool { return slices.Contains(f.handed()[min(2, len(f.handed())):], "good") })
	if got := f.handed(); !slices.Equal(got, []string{"poison", "good", "good"}) {
		t.Errorf("handed out %v", got)
	}
	found, err := f.queue.Messages("failures")
	if err != nil || len(found) != 1 {
		t.Fatalf("%d messages, %v", len(found), err)
	}
	var m struct {
		RequestContext struct {
			RequestID, FunctionArn, Condition string
			ApproximateInvokeCount            int
		}
		ResponseContext    struct{ FunctionError string }
		Version            string
		Timestamp          time.Time
		DDBStreamBatchInfo struct {
			ShardID, StartSequenceNumber, EndSequenceNumber, StreamArn string
			ApproximateArrivalOfFirstRecord                            time.Time
			ApproximateArrivalOfLastRecord                             time.Time
			BatchSize                                                  int
		}
	}
	if err := json.Unmarshal([]byte(found[0].Body), &m); err != nil {
		t.Fatal(err)
	}
	info := m.DDBStreamBatchInfo
	if m.RequestContext.Condition != "RecordAgeExceeded" || m.RequestContext.ApproximateInvokeCount != 1 || m.RequestContext.RequestID == "" ||
		m.ResponseContext.FunctionError != "Unhandled" || m.Version != "1.0" || m.Timestamp.IsZero() ||
		info.BatchSize != 1 || info.ShardID == "" || info.StreamArn == "" || info.StartSequenceNumber != info.EndSequenceNumber ||
		info.ApproximateArrivalOfFirstRecord.IsZero() || info.ApproximateArrivalOfLastRecord.IsZero() {
		t.Errorf("on failure: %s", found[0].Body)
	}
}

// A record that the function names again and again is given up at last, with
// what waits behind it in its batch, as at AWS.
func TestRetriesAreCountedForARecordThatIsNamed(t *testing.T) {
	f := newFixture(t, blueprint.StreamSource{BatchSize: 10, MaxRetries: 2, BisectOnError: true, OnFailure: "failures"}, func(sequences, values []string) (string, error) {
		if i := slices.Index(values, "poison"); i >= 0 {
			return `{"batchItemFailures":[{"itemIdentifier":"` + sequences[i] + `"}]}`, nil
		}
		return "", nil
	})
	f.put("user", "1", "poison")
	f.run(func() bool {
		found, err := f.queue.Messages("failures")
		return err == nil && len(found) == 1
	})
	if got := f.handed(); !slices.Equal(got, []string{"1", "poison", "poison", "poison", "poison"}) {
		t.Errorf("handed out %v", got)
	}
}
