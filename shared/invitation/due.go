package invitation

import (
	"context"
	"errors"
	"time"

	"github.com/latchkey/latchkey/shared/access"
	"github.com/latchkey/latchkey/shared/store"
	"github.com/latchkey/latchkey/shared/user"
	"github.com/latchkey/latchkey/shared/workspace"
)

// Fall does for one user what is due at now: a scheduled mail leaves, a reminder
// is asked for, an invitation ends. It returns the change that was made, "" for
// none: that the person accepted or an admin acted a moment ago is no failure.
// It returns workspace.ErrNotFound for a deleted workspace, where nothing is due.
func (s Service) Fall(ctx context.Context, workspaceID, userID string, now time.Time) (user.ChangeType, error) {
	st, err := s.Store.Load(ctx, store.Want{Workspace: workspaceID, Users: []string{userID}})
	if err != nil {
		return "", err
	}
	if !st.Workspace.Exists() {
		return "", workspace.ErrNotFound
	}
	u, ok := st.Users[userID]
	if !ok {
		return "", nil
	}
	err = s.Store.Fill(ctx, st, store.Want{Counts: true, InviterKey: u.Invitation.InviterKey, Wishes: []string{userID}})
	if err != nil {
		return "", err
	}
	u, err = s.expire(ctx, st, userID, now)
	if _, failed := refusal(err); failed != nil {
		return "", failed
	}
	if err != nil || u.Last.At.Before(now) {
		return "", nil
	}
	return u.Last.Type, nil
}

func (s Service) expire(ctx context.Context, st *store.State, id string, now time.Time) (user.User, error) {
	stamp, err := access.Stamp(ctx, user.ActorSchedule, now, s.Random)
	if err != nil {
		return user.User{}, err
	}
	return store.Decide(ctx, s.Store, st, falling{id, stamp, mailing{s.Limits, now}}.decide)
}

// falling is the decision on what is due for one user.
type falling struct {
	id    string
	stamp user.Stamp
	mailing
}

func (f falling) decide(st *store.State) (store.Decision, user.User, error) {
	u := st.Mailed(f.id)
	if u.ID == "" {
		return store.Decision{}, u, user.ErrNotFound
	}
	if u.StatusAt(f.now) == user.Expired {
		next, err := u.Expire(f.stamp)
		return store.Decision{Users: []store.UserChange{{Before: u, After: next}}}, next, err
	}
	if !u.Invitation.Postponed.Until.IsZero() { // counted when it first left
		next, err := u.Retry(f.stamp)
		return store.Decision{Users: []store.UserChange{{Before: u, After: next}}}, next, err
	}
	at, d := f.at(st, u.Mailbox)
	var next user.User
	var err error
	if u.Invitation.Delivery == user.DeliveryScheduled {
		next, err = f.release(u, st, at)
	} else {
		next, err = u.Remind(f.stamp, at)
	}
	if err != nil {
		return d, u, err
	}
	if next.Mailbox == u.Mailbox {
		d.Asked = 0 // it has to wait, or is dropped
	}
	d.Users = []store.UserChange{{Before: u, After: next}}
	return d, next, nil
}

// release lets a scheduled mail go, unless the person or the workspace has said
// since that none is to.
func (f falling) release(u user.User, st *store.State, at time.Time) (user.User, error) {
	if refusal := u.MayBeMailed(false); refusal != nil {
		return u.Withhold(f.stamp, refusal), nil
	}
	if _, err := st.Workspace.Inviting(0); err != nil {
		return u.Release(f.stamp, user.Tomorrow(f.now)) // paused: it goes on waiting
	}
	return u.Release(f.stamp, at)
}

// Postpone puts a mail that the mail service does not take yet back on the
// schedule; see user.User.Postpone. ok is false if the mail is to be given up.
func (s Service) Postpone(ctx context.Context, st *store.State, m store.Mail, stamp user.Stamp, reason string, notBefore time.Time) (ok bool, err error) {
	return store.Decide(ctx, s.Store, st, func(st *store.State) (store.Decision, bool, error) {
		u := st.Users[m.UserID]
		if u.ID == "" || u.Invitation.Generation != m.Generation {
			return store.Decision{}, true, nil // it is no longer called for
		}
		next, ok := u.Postpone(stamp, user.MailKind(m.Kind), reason, notBefore)
		if next.Version == u.Version {
			return store.Decision{}, ok, nil
		}
		return store.Decision{Users: []store.UserChange{{Before: u, After: next}}}, ok, nil
	})
}

// Leave ends what ArchiveAccount began, for the workspaces that its index did
// not show.
func (s Service) Leave(ctx context.Context, emailKey string, now time.Time) error {
	d, ok, err := s.Store.Departure(ctx, emailKey)
	if err != nil || !ok {
		return err
	}
	results, err := s.depart(ctx, d, now)
	for _, r := range results {
		if r.Reason != nil && !errors.Is(r.Reason, user.ErrLastAdmin) {
			err = errors.Join(err, r.Reason)
		}
	}
	if err != nil {
		return err
	}
	return s.Store.DropDeparture(ctx, d)
}
