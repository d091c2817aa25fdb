// Package access says who may: it reads a caller's record in the workspace of
// the path together with what the operation needs, in one call, and rejects
// callers without permission. Every route below /v1/workspaces/{workspace}
// begins here, so that tenants are kept apart in one place: everything is read
// by (workspace, user), never by user alone. What is read before the caller is
// known to be allowed has a size that the caller does not choose.
//
// It may import shared/store, shared/httpapi, shared/identity and the domain.
package access

import (
	"context"
	"io"
	"strings"
	"time"

	"github.com/latchkey/latchkey/shared/httpapi"
	"github.com/latchkey/latchkey/shared/id"
	"github.com/latchkey/latchkey/shared/identity"
	"github.com/latchkey/latchkey/shared/store"
	"github.com/latchkey/latchkey/shared/trace"
	"github.com/latchkey/latchkey/shared/user"
	"github.com/latchkey/latchkey/shared/workspace"
)

// Grant is a caller who may go on, with what was read for them.
type Grant struct {
	*store.State
	Me     user.User // the caller's own record; zero for an operator
	Actor  string    // the caller's name in the history
	Email  string    // the caller's; "" for an operator
	Target string    // the id of the user of the path; "" where there is none
}

// Admin admits callers who manage the workspace of the path.
func Admin(ctx context.Context, s *store.Store, r *httpapi.Request, want store.Want) (Grant, error) {
	return grant(ctx, s, r, want, identity.Caller.Admin)
}

// Member admits active members of the workspace of the path.
func Member(ctx context.Context, s *store.Store, r *httpapi.Request, want store.Want) (Grant, error) {
	return grant(ctx, s, r, want, identity.Caller.Member)
}

// Operator admits operators to the workspace of the path, even if it is deleted:
// then the grant has it only in Deleted. All others get the same answer for every
// workspace, before anything is read.
func Operator(ctx context.Context, s *store.Store, r *httpapi.Request, want store.Want) (Grant, error) {
	if !r.Caller.Operator {
		return Grant{}, identity.ErrOperatorsOnly
	}
	return grant(ctx, s, r, want, func(identity.Caller, workspace.Workspace, user.User) error { return nil })
}

func grant(ctx context.Context, s *store.Store, r *httpapi.Request, want store.Want,
	may func(identity.Caller, workspace.Workspace, user.User) error,
) (Grant, error) {
	want.Workspace = r.Params["workspace"]
	if _, ok := id.Bytes(workspace.IDPrefix, want.Workspace, id.RandomBytes); !ok {
		return Grant{}, workspace.ErrNotFound
	}
	me, target := r.Caller.UserID(want.Workspace), Target(r)
	want.Users = append(want.Users, me, target)
	if want.Counts && target != "" { // a mail may come of it
		want.Wishes = append(want.Wishes, target)
	}
	if r.Caller.Operator {
		want.Inviter = ""
	} else {
		want.Inviter = r.Caller.Email
	}
	st, err := s.Load(ctx, want)
	if err != nil {
		return Grant{}, err
	}
	g := Grant{State: st, Me: st.Users[me], Actor: r.Caller.Actor(want.Workspace), Email: want.Inviter, Target: target}
	return g, may(r.Caller, st.Workspace, g.Me)
}

// Deputy returns the grant for work that goes on in the name of an admin, such as
// an import. actor is that admin's name in the history. It admits them under the
// conditions of Admin, as they are now.
func Deputy(ctx context.Context, s *store.Store, st *store.State, actor string) (Grant, error) {
	g := Grant{State: st, Actor: actor}
	if !st.Workspace.Exists() {
		return g, workspace.ErrNotFound
	}
	if strings.HasPrefix(actor, user.OperatorPrefix) {
		return g, nil
	}
	if err := s.Fill(ctx, st, store.Want{Users: []string{actor}}); err != nil {
		return g, err
	}
	g.Me = st.Users[actor]
	if !g.Me.Manages() {
		return g, identity.ErrAdminRequired
	}
	g.Email = g.Me.Email
	return g, s.Fill(ctx, st, store.Want{Inviter: g.Email})
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

// User returns the user of the path, or user.ErrNotFound.
func (g Grant) User() (user.User, error) {
	u, ok := g.Users[g.Target]
	if !ok {
		return user.User{}, user.ErrNotFound
	}
	return u, nil
}

// Stamp returns the stamp of a change that the caller makes.
func (g Grant) Stamp(ctx context.Context, now time.Time, random io.Reader) (user.Stamp, error) {
	return Stamp(ctx, g.Actor, now, random)
}

// Stamp returns the stamp of a change, with the context's correlation id.
func Stamp(ctx context.Context, actor string, now time.Time, random io.Reader) (user.Stamp, error) {
	event, err := id.Ordered("evt_", now, random)
	return user.Stamp{ID: event, Actor: actor, At: now, CorrelationID: trace.ID(ctx)}, err
}
