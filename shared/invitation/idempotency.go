package invitation

import (
	"context"
	"encoding/json"
	"time"

	"github.com/latchkey/latchkey/shared/datakey"
	"github.com/latchkey/latchkey/shared/fault"
	"github.com/latchkey/latchkey/shared/store"
	"github.com/latchkey/latchkey/shared/user"
)

// answersKept is how long an Idempotency-Key is remembered.
const answersKept = 24 * time.Hour

// ErrMismatch is the fault of an Idempotency-Key that was used with another body.
var ErrMismatch = fault.New(fault.Mismatch, "idempotency_mismatch", "This Idempotency-Key was used with a different body. Use a new key for a new request.")

// noteCall notes a call under a name and returns the one that stands for its key:
// this one, or the one that it repeats.
func (s Service) noteCall(ctx context.Context, workspaceID string, call Call, name string, now time.Time) (store.Answer, error) {
	stands, err := s.Store.InsertAnswer(ctx, workspaceID, store.Answer{Key: call.Key, Body: call.Body, Call: name, Until: now.Add(answersKept)}, now)
	if err == nil && stands.Body != call.Body {
		err = ErrMismatch
	}
	return stands, err
}

// keyed is a call that creates one user, whom a repeat with the same
// Idempotency-Key finds again.
type keyed struct {
	Call
	box datakey.Box
	now time.Time
}

// receipt is the answer to the call, without the link.
func (k keyed) receipt(u user.User) (store.Answer, error) {
	plain, err := json.Marshal(u)
	if err != nil {
		return store.Answer{}, err
	}
	sealed, err := k.box.Seal("answer of "+k.Key, plain)
	return store.Answer{Key: k.Key, Body: k.Body, Sealed: sealed, Until: k.now.Add(answersKept)}, err
}

// replay returns the earlier answer to the call, regardless of later changes to
// the user; ok is false for a new call. The user of an earlier release's
// receipt is zero.
func (k keyed) replay(st *store.State) (u user.User, ok bool, err error) {
	before := st.Answer
	if k.Key == "" || !before.Counts(k.now) {
		return user.User{}, false, nil
	}
	if before.Body != k.Body {
		return user.User{}, true, ErrMismatch
	}
	plain, err := k.box.Unseal("answer of "+before.Key, before.Sealed)
	if err != nil {
		return user.User{}, true, err
	}
	err = json.Unmarshal(plain, &u)
	return u, true, err
}

// lateReplay looks again for the answer to a call that is about to be refused
// because of what another try of it may have written. A read is not a snapshot:
// the call may have been answered after the read of its answer.
func (s Service) lateReplay(ctx context.Context, workspaceID string, k keyed) (u user.User, ok bool, err error) {
	if k.Key == "" {
		return user.User{}, false, nil
	}
	st, err := s.Store.Load(ctx, store.Want{Workspace: workspaceID, Request: k.Key})
	if err != nil {
		return user.User{}, false, err
	}
	return k.replay(st)
}

func (b *batch) keyed() keyed { return keyed{b.call, b.keys.box, b.now} }

// replay is that of the batch's one call.
func (b *batch) replay(st *store.State) (Outcome, bool, error) {
	u, ok, err := b.keyed().replay(st)
	if ok && err == nil && u.ID == "" {
		u = st.Users[b.ids[0]]
	}
	return Outcome{Kind: Replayed, User: u}, ok, err
}

// lateReplay is lateReplay for a single call whose person already exists, or for
// whom no seat is left.
func (b *batch) lateReplay(ctx context.Context, outcomes []Outcome) error {
	if !b.one || outcomes[0].Kind != Exists && outcomes[0].Kind != NoSeat {
		return nil
	}
	u, ok, err := b.Service.lateReplay(ctx, b.grant.Workspace.ID, b.keyed())
	if ok && err == nil {
		outcomes[0] = Outcome{Kind: Replayed, User: u}
	}
	return err
}
