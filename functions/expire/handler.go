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
	Expired  int64 `json:"expired"`
	Reminded int64 `json:"reminded"`
}

// handle works off every shard of what is due, side by side. What it does not
// get to before its time ends is due still when it runs the next time.
func (h handler) handle(ctx context.Context, in tick) (report, error) {
	now := h.now()
	if in.Now != nil {
		now = *in.Now
	}
	now = now.UTC().Truncate(time.Millisecond)
	var expired, reminded atomic.Int64
	group, ctx := errgroup.WithContext(ctx)
	for shard := range store.Shards {
		group.Go(func() error { return h.shard(ctx, shard, now, &expired, &reminded) })
	}
	err := group.Wait()
	done := report{expired.Load(), reminded.Load()}
	if err != nil {
		h.log.ErrorContext(ctx, "expire", "expired", done.Expired, "reminded", done.Reminded, "error", err)
		return done, err
	}
	h.log.InfoContext(ctx, "expire", "expired", done.Expired, "reminded", done.Reminded)
	return done, nil
}

func (h handler) shard(ctx context.Context, shard int, now time.Time, expired, reminded *atomic.Int64) error {
	for cursor := store.Item(nil); ; {
		due, next, err := h.store.DueUsers(ctx, shard, now, cursor)
		if err != nil {
			return err
		}
		for _, d := range due {
			what, err := h.lapse(ctx, d, now)
			switch {
			case err != nil:
				return err
			case what == user.UserExpired:
				expired.Add(1)
			case what == user.UserReminded:
				reminded.Add(1)
			}
		}
		if next == nil {
			return nil
		}
		cursor = next
	}
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
	u, err = h.store.ChangeUser(ctx, u, func(u user.User) (user.User, error) {
		if u.StatusAt(now) == user.Expired {
			return u.Expire(stamp)
		}
		return u.Remind(stamp)
	})
	var f *fault.Error
	if errors.As(err, &f) && (f.Kind == fault.Conflict || f.Kind == fault.NotFound) {
		return "", nil
	}
	return u.Last.Type, err
}
