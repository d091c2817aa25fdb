// Package access reads what an operation on a workspace needs, in one call,
// and lets nobody on who may not do it. Every route below
// /v1/workspaces/{workspace} begins here, so that tenants are kept apart in
// one place: everything is read by (workspace, user), never by user alone.
//
// It may import shared/store, shared/httpapi, shared/identity and the domain.
package access

import (
	"context"
	"errors"
	"io"
	"time"

	"github.com/latchkey/latchkey/shared/fault"
	"github.com/latchkey/latchkey/shared/httpapi"
	"github.com/latchkey/latchkey/shared/id"
	"github.com/latchkey/latchkey/shared/identity"
	"github.com/latchkey/latchkey/shared/store"
	"github.com/latchkey/latchkey/shared/user"
	"github.com/latchkey/latchkey/shared/workspace"
)

// Grant is what was read for a caller who may go on.
type Grant struct {
	store.Snapshot
	Me     user.User // the caller's own record; zero for an operator
	Target user.User // the user of the path; zero where there is none
	actor  string
}

// Admin lets on who manages the workspace of the path.
func Admin(ctx context.Context, s *store.Store, r *httpapi.Request, want store.Want) (Grant, error) {
	return grant(ctx, s, r, want, identity.Caller.Admin)
}

// Member lets on every active member of the workspace of the path.
func Member(ctx context.Context, s *store.Store, r *httpapi.Request, want store.Want) (Grant, error) {
	return grant(ctx, s, r, want, identity.Caller.Member)
}

func grant(ctx context.Context, s *store.Store, r *httpapi.Request, want store.Want,
	may func(identity.Caller, workspace.Workspace, user.User) error,
) (Grant, error) {
	want.Workspace = r.Params["workspace"]
	if _, ok := id.Bytes(workspace.IDPrefix, want.Workspace, id.RandomBytes); !ok {
		return Grant{}, workspace.ErrNotFound
	}
	me := r.Caller.UserID(want.Workspace)
	target := Target(r)
	want.Users = append(want.Users, me, target)
	snap, err := s.Load(ctx, want)
	if err != nil {
		return Grant{}, err
	}
	g := Grant{Snapshot: snap, Me: snap.Users[me], Target: snap.Users[target], actor: r.Caller.Actor(want.Workspace)}
	return g, may(r.Caller, g.Workspace, g.Me)
}

// Target is the id of the user that the path names, me being the caller; ""
// where the path names none, or what cannot be one.
func Target(r *httpapi.Request) string {
	named := r.Params["user"]
	if named == "me" {
		return r.Caller.UserID(r.Params["workspace"])
	}
	if _, ok := id.Bytes(user.IDPrefix, named, id.HashBytes); !ok {
		return ""
	}
	return named
}

// Stamp is the stamp of a change that the caller makes.
func (g Grant) Stamp(now time.Time, random io.Reader) (user.Stamp, error) {
	return Stamp(g.actor, now, random)
}

// Stamp is the stamp of a change.
func Stamp(actor string, now time.Time, random io.Reader) (user.Stamp, error) {
	event, err := id.Ordered("evt_", now, random)
	return user.Stamp{ID: event, Actor: actor, At: now}, err
}

// Sender is the caller as one who asks for mails. A backend acts for many, so
// the workspace's limit alone binds it.
func (g Grant) Sender(limits workspace.MailLimits) store.Sender {
	return store.Sender{Workspace: g.Workspace, Inviter: g.Me.ID, Limits: limits}
}

// Mailing makes a write that calls for a mail, if the day's limits allow one
// more. A write that was refused calls for none.
func (g Grant) Mailing(ctx context.Context, s *store.Store, limits workspace.MailLimits, now time.Time, write func() error) error {
	by := g.Sender(limits)
	_, refused, err := s.ReserveMails(ctx, by, 1, now)
	if err == nil {
		err = refused
	}
	if err != nil {
		return err
	}
	err = write()
	if refusal(err) {
		return errors.Join(err, s.ReturnMails(ctx, by, 1, now))
	}
	return err
}

// refusal is true for a write that surely did not happen.
func refusal(err error) bool {
	var f *fault.Error
	return errors.As(err, &f) && f.Kind != fault.Internal && f.Kind != fault.Unavailable
}

// Seated makes a write that may need a seat. Where none is left, it lapses the
// invitations whose time has passed, so that a seat is free from the instant
// of expiry, and makes the write once more.
func (g Grant) Seated(ctx context.Context, s *store.Store, now time.Time, random io.Reader, write func() error) error {
	err := write()
	if code := fault.Code(err); code != workspace.ErrSeatLimit.Code && code != workspace.CodeSeatsInUse {
		return err
	}
	freed, failed := s.FreeSeats(ctx, g.Workspace.ID, now, func() (user.Stamp, error) { return Stamp(user.ActorSchedule, now, random) })
	if failed != nil {
		return failed
	}
	if freed == 0 {
		return err
	}
	return write()
}
