package main

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/latchkey/latchkey/shared/access"
	"github.com/latchkey/latchkey/shared/fault"
	"github.com/latchkey/latchkey/shared/store"
	"github.com/latchkey/latchkey/shared/user"
)

type handler struct {
	store  *store.Store
	random io.Reader
	log    *slog.Logger
	now    func() time.Time
}

// tick is the schedule's event. Now stands in for the clock, so that a person
// at a laptop can see tomorrow today; the schedule itself leaves it out.
type tick struct {
	Now *time.Time `json:"now"`
}

// report is what a run did.
type report struct {
	Expired       int64 `json:"expired"`
	Reminded      int64 `json:"reminded"`
	GroupsDeleted int64 `json:"groupsDeleted"`
}

// counts are a report in the making, by shards side by side.
type counts struct{ expired, reminded, groups atomic.Int64 }

// groupTime is how long one run goes on with groups that are being deleted;
// what is left then goes on with the next run.
const groupTime = time.Minute

// handle works off every shard of what is due, side by side. What it does not
// get to before its time ends is due still when it runs the next time.
func (h handler) handle(ctx context.Context, in tick) (report, error) {
	now := h.now()
	if in.Now != nil {
		now = *in.Now
	}
	now = now.UTC().Truncate(time.Millisecond)
	var n counts
	group, within := errgroup.WithContext(ctx)
	for shard := range store.Shards {
		group.Go(func() error { return h.shard(within, shard, now, &n) })
	}
	err := group.Wait()
	done := report{n.expired.Load(), n.reminded.Load(), n.groups.Load()}
	log := h.log.With("expired", done.Expired, "reminded", done.Reminded, "groupsDeleted", done.GroupsDeleted)
	if err != nil {
		log.ErrorContext(ctx, "expire", "error", err)
		return done, err
	}
	log.InfoContext(ctx, "expire")
	return done, nil
}

func (h handler) shard(ctx context.Context, shard int, now time.Time, n *counts) error {
	for cursor := store.Item(nil); ; {
		due, next, err := h.store.ListDue(ctx, shard, now, cursor)
		if err != nil {
			return err
		}
		for _, d := range due {
			err := h.work(ctx, d, now, n)
			if err != nil {
				return err
			}
		}
		if next == nil {
			return nil
		}
		cursor = next
	}
}

func (h handler) work(ctx context.Context, d store.Due, now time.Time, n *counts) error {
	if d.GroupID != "" {
		done, err := h.deleteGroup(ctx, d, now)
		if done {
			n.groups.Add(1)
		}
		return err
	}
	what, err := h.lapse(ctx, d, now)
	switch what {
	case user.UserExpired:
		n.expired.Add(1)
	case user.UserReminded:
		n.reminded.Add(1)
	}
	return err
}

// deleteGroup ends what deleteGroup of the API began: whoever got into the
// group while it was being deleted leaves it, and its id is free again.
func (h handler) deleteGroup(ctx context.Context, d store.Due, now time.Time) (done bool, err error) {
	stamp := func() (user.Stamp, error) { return access.Stamp(user.ActorSchedule, now, h.random) }
	done, err = h.store.EmptyGroup(ctx, d.WorkspaceID, d.GroupID, h.now().Add(groupTime), h.now, stamp)
	if err != nil || !done {
		return false, err
	}
	return true, h.store.DropGroup(ctx, d.WorkspaceID, d.GroupID)
}

// lapse does for one user what is due, and says what it was. That the person
// accepted, or an admin acted, a moment ago is no failure: nothing is due then.
func (h handler) lapse(ctx context.Context, d store.Due, now time.Time) (user.ChangeType, error) {
	u, found, err := h.store.LoadUser(ctx, d.WorkspaceID, d.UserID)
	if err != nil || !found {
		return "", err
	}
	stamp, err := access.Stamp(user.ActorSchedule, now, h.random)
	if err != nil {
		return "", err
	}
	if _, err := u.Remind(stamp); err == nil {
		err := h.store.CountMail(ctx, d.WorkspaceID, now) // before it is asked for: none goes uncounted
		if err != nil {
			return "", err
		}
	}
	u, err = h.store.ChangeUser(ctx, u, func(u user.User) (user.User, error) {
		if u.StatusAt(now) == user.Expired {
			return u.Expire(stamp)
		}
		return u.Remind(stamp)
	})
	var f *fault.Error
	switch {
	case errors.As(err, &f) && (f.Kind == fault.Conflict || f.Kind == fault.NotFound):
		return "", nil
	case err != nil:
		return "", err
	}
	return u.Last.Type, nil
}
