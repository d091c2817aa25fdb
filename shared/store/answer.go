package store

import (
	"context"
	"fmt"
	"strings"
	"time"

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

func answerFields(f *table.Fields, a *Answer) {
	table.String(f, "body", &a.Body)
	table.StringOr(f, "call", &a.Call)
	f.BytesOr("sealed", &a.Sealed)
	f.Time("until", &a.Until)
}

func answerOfItem(item Item) (Answer, error) {
	a := Answer{Key: strings.TrimPrefix(table.TextOf(item, "sk"), prefixRequest)}
	if err := table.Decode(item, answerFields, &a); err != nil {
		return Answer{}, fmt.Errorf("read an answer's item: %w", err)
	}
	if a.Call == "" { // from before calls had names
		a.Call = a.Key
	}
	return a, nil
}

func answerWrite(workspaceID string, a Answer, now time.Time) table.Write {
	w := put(requestKey(workspaceID, a.Key), entityRequest, answerFields, &a)
	w.Put["ttl"] = table.Number(int(a.Until.Unix()))
	w.Condition = table.Missing("pk").Or(table.Is("until", "<=", timeValue(now)))
	return w
}

// InsertAnswer notes a call with an Idempotency-Key, and returns the answer that
// stands: a, or that of an earlier call with the key.
func (s *Store) InsertAnswer(ctx context.Context, workspaceID string, a Answer, now time.Time) (stands Answer, err error) {
	old, lost, err := s.table.Apply(ctx, answerWrite(workspaceID, a, now))
	if err != nil || !lost {
		return a, err
	}
	return answerOfItem(old)
}
