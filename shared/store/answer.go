package store

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"

	"github.com/latchkey/latchkey/shared/table"
)

// Answer is what a call with an Idempotency-Key was answered. It lies beside
// what the call wrote, written by the same transaction; that of a batch is
// written ahead of its rows, which name it as their Request.
type Answer struct {
	Key    string // the key, hashed together with its caller and operation
	Body   string // the request's body, hashed
	Call   string // names this use of the key: the same key means another call after Until
	Sealed []byte // the answer, sealed under the workspace's data key; nil for a batch
	Until  time.Time
}

// Counts reports whether the answer still stands for its key at now.
func (a Answer) Counts(now time.Time) bool { return a.Until.After(now) }

type answerItem struct {
	primary
	Body   string `dynamodbav:"body"`
	Call   string `dynamodbav:"call,omitempty"`
	Sealed []byte `dynamodbav:"sealed,omitempty"`
	Until  string `dynamodbav:"until"`
	TTL    int64  `dynamodbav:"ttl"`
}

func answerOfItem(item Item) (Answer, error) {
	var in answerItem
	err := attributevalue.UnmarshalMap(item, &in)
	if err != nil {
		return Answer{}, err
	}
	a := Answer{Key: in.SK[len(prefixRequest):], Body: in.Body, Call: in.Call, Sealed: in.Sealed, Until: parseTime(in.Until)}
	if a.Call == "" { // from before calls had names
		a.Call = a.Key
	}
	return a, nil
}

func answerWrite(workspaceID string, a Answer, now time.Time) (table.Write, error) {
	key := requestKey(workspaceID, a.Key)
	item, err := attributevalue.MarshalMap(answerItem{
		primary: primary{key.PK, key.SK, entityRequest},
		Body:    a.Body, Call: a.Call, Sealed: a.Sealed, Until: timeText(a.Until), TTL: a.Until.Unix(),
	})
	over := missing("pk").Or(name("until").LessThanEqual(value(timeText(now))))
	return table.Write{Key: key, Put: item, Condition: over}, err
}

func (p *planner) answer(a Answer) {
	w, err := answerWrite(p.st.id, a, p.d.At)
	if err != nil {
		p.fail(err)
		return
	}
	p.add(w)
}

// InsertAnswer notes a call with an Idempotency-Key, and returns the answer that
// stands: a, or that of an earlier call with the key.
func (s *Store) InsertAnswer(ctx context.Context, workspaceID string, a Answer, now time.Time) (stands Answer, err error) {
	w, err := answerWrite(workspaceID, a, now)
	if err != nil {
		return Answer{}, err
	}
	old, lost, err := s.table.Apply(ctx, w)
	if err != nil || !lost {
		return a, err
	}
	return answerOfItem(old)
}
