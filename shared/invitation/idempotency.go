package invitation

import (
	"context"
	"encoding/json"
	"time"

	"github.com/latchkey/latchkey/shared/fault"
	"github.com/latchkey/latchkey/shared/id"
	"github.com/latchkey/latchkey/shared/store"
	"github.com/latchkey/latchkey/shared/user"
)

// answersKept is how long an Idempotency-Key is remembered.
const answersKept = 24 * time.Hour

// ErrMismatch is the fault of an Idempotency-Key that was used with another body.
var ErrMismatch = fault.New(fault.Mismatch, "idempotency_mismatch", "This Idempotency-Key was used with a different body. Use a new key for a new request.")

// noteCall notes the call of a batch and returns the one that stands for its
// key: this one, or the one that it repeats.
func (s Service) noteCall(ctx context.Context, workspaceID string, call Call, now time.Time) (store.Answer, error) {
	name, err := id.Random("", s.Random)
	if err != nil {
		return store.Answer{}, err
	}
	stands, err := s.Store.InsertAnswer(ctx, workspaceID, store.Answer{Key: call.Key, Body: call.Body, Call: name, Until: now.Add(answersKept)}, now)
	if err == nil && stands.Body != call.Body {
		err = ErrMismatch
	}
	return stands, err
}

// receipt is the answer to a call that invited one person, without the link.
func (b *batch) receipt(u user.User) (store.Answer, error) {
	plain, err := json.Marshal(u)
	if err != nil {
		return store.Answer{}, err
	}
	sealed, err := b.keys.box.Seal("answer of "+b.call.Key, plain)
	return store.Answer{Key: b.call.Key, Body: b.call.Body, Sealed: sealed, Until: b.now.Add(answersKept)}, err
}

// replay returns what the call was answered before, whatever became of the user
// since; ok is false for a call that is new.
func (b *batch) replay(st *store.State) (o Outcome, ok bool, err error) {
	before := st.Answer
	if b.call.Key == "" || !before.Counts(b.now) {
		return Outcome{}, false, nil
	}
	if before.Body != b.call.Body {
		return Outcome{}, true, ErrMismatch
	}
	plain, err := b.keys.box.Unseal("answer of "+before.Key, before.Sealed)
	if err != nil {
		return Outcome{}, true, err
	}
	var u user.User
	err = json.Unmarshal(plain, &u)
	if err == nil && u.ID == "" { // the receipt of an earlier release
		u = st.Users[b.ids[0]]
	}
	return Outcome{Kind: Replayed, User: u}, true, err
}

// lateReplay looks once more for the answer to a single call whose person turned
// out to exist, or for whom no seat is left. The items of one read are not of one
// moment: another try of the same call may have invited them, and taken the last
// seat, after the answer was looked for.
func (b *batch) lateReplay(ctx context.Context, outcomes []Outcome) error {
	if !b.one || b.call.Key == "" || outcomes[0].Kind != Exists && outcomes[0].Kind != NoSeat {
		return nil
	}
	st, err := b.Store.Load(ctx, store.Want{Workspace: b.grant.Workspace.ID, Request: b.call.Key})
	if err != nil {
		return err
	}
	replayed, ok, err := b.replay(st)
	if ok && err == nil {
		outcomes[0] = replayed
	}
	return err
}
