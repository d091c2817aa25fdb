package main

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/latchkey/latchkey/shared/access"
	"github.com/latchkey/latchkey/shared/datakey"
	"github.com/latchkey/latchkey/shared/fault"
	"github.com/latchkey/latchkey/shared/httpapi"
	"github.com/latchkey/latchkey/shared/identity"
	"github.com/latchkey/latchkey/shared/linkkey"
	"github.com/latchkey/latchkey/shared/store"
	"github.com/latchkey/latchkey/shared/user"
	"github.com/latchkey/latchkey/shared/workspace"
)

type handler struct {
	store     *store.Store
	dataKeys  *datakey.Keys
	links     *linkkey.Source
	random    io.Reader
	dashboard string // base address of the sign-in and sign-up pages
	threshold int    // so many reports pause a workspace's invitations
	log       *slog.Logger
}

func (h handler) routes() httpapi.Routes {
	return httpapi.Routes{
		"GET /invite/{token}":                  h.follow,
		"GET /v1/invitations/{token}":          h.preview,
		"POST /v1/invitations/{token}/accept":  h.accept,
		"POST /v1/invitations/{token}/decline": h.decline,

		"GET /v1/invitations/{token}/unsubscribe":  h.askUnsubscribe,
		"POST /v1/invitations/{token}/unsubscribe": h.unsubscribe,
		"GET /v1/invitations/{token}/report":       h.askReport,
		"POST /v1/invitations/{token}/report":      h.report,
	}
}

// errNoInvitation answers unknown, forged and dead links alike, so that nobody
// learns from the answer which it was.
var errNoInvitation = fault.New(fault.NotFound, "invitation_not_found", "This invitation link does not work, or not any more. Ask whoever invited you for a new one.")

// invitation is what a live token leads to. A link is dead when a newer one
// was made or the user was archived.
type invitation struct {
	workspace  workspace.Workspace
	user       user.User
	hasAccount bool // of the caller's email, where there is a caller
}

func (h handler) read(ctx context.Context, r *httpapi.Request) (invitation, error) {
	keys, err := h.links.Keys(ctx, r.Now)
	if err != nil {
		return invitation{}, err
	}
	named, err := keys.Verify(r.Params["token"])
	if err != nil {
		return invitation{}, errNoInvitation
	}
	snap, err := h.store.Load(ctx, store.Want{Workspace: named.WorkspaceID, Users: []string{named.UserID}, Email: r.Caller.Email})
	if err != nil {
		return invitation{}, err
	}
	u, ok := snap.Users[named.UserID]
	if !ok || snap.Workspace.ID == "" || u.Invitation.Generation != named.Generation || u.Status == user.Archived {
		return invitation{}, errNoInvitation
	}
	return invitation{snap.Workspace, u, snap.HasAccount}, nil
}

// follow is where the mailed link leads. Mail scanners follow links, so it
// changes nothing; the token goes on in the fragment, which browsers send to
// no server. A person whose link is dead is led to the dashboard as well,
// which tells them so; a program is told by the answer.
func (h handler) follow(ctx context.Context, r *httpapi.Request) (httpapi.Response, error) {
	inv, err := h.read(ctx, r)
	switch {
	case fault.Code(err) == errNoInvitation.Code && strings.Contains(r.Header["accept"], "text/html"):
		return h.redirect("/login", r.Params["token"]), nil
	case err != nil:
		return httpapi.Response{}, err
	}
	return h.redirect("/"+next(inv.user), r.Params["token"]), nil
}

func (h handler) redirect(page, token string) httpapi.Response {
	safe := strings.Map(func(r rune) rune {
		if r == '-' || r == '_' || r >= '0' && r <= '9' || r >= 'A' && r <= 'Z' || r >= 'a' && r <= 'z' {
			return r
		}
		return -1
	}, token)
	return httpapi.Response{
		Status: http.StatusFound,
		Header: map[string]string{"location": h.dashboard + page + "#invitation=" + safe},
	}
}

// next is the page that the person needs: who has no account yet signs up.
func next(u user.User) string {
	if u.Status == user.Requested {
		return "signup"
	}
	return "login"
}

type preview struct {
	Workspace previewWorkspace `json:"workspace"`
	Inviter   previewInviter   `json:"inviter"`
	Name      string           `json:"name"`
	Email     string           `json:"email"`
	Role      user.Role        `json:"role"`
	ExpiresAt time.Time        `json:"expiresAt"`
	Status    string           `json:"status"` // pending, active, expired or declined
	Next      string           `json:"next"`   // login or signup
}

type previewWorkspace struct {
	ID   string `json:"id"`
	Slug string `json:"slug"`
	Name string `json:"name"`
}

type previewInviter struct {
	Name string `json:"name"`
}

// inviter is whose invitation it is, as they are now; zero for a backend, which
// is no user, and for somebody who was erased.
func (h handler) inviter(ctx context.Context, inv invitation) (user.User, error) {
	by := inv.user.Invitation.InvitedBy
	if !strings.HasPrefix(by, user.IDPrefix) {
		return user.User{}, nil
	}
	u, _, err := h.store.LoadUser(ctx, inv.workspace.ID, by)
	return u, err
}

func show(inv invitation, inviter user.User, now time.Time) preview {
	u, w := inv.user, inv.workspace
	status := string(u.StatusAt(now))
	if u.StatusAt(now).Pending() {
		status = "pending" // requested and invited are the admins' to tell apart
	}
	return preview{
		Workspace: previewWorkspace{w.ID, w.Slug, w.Name}, Inviter: previewInviter{inviter.Name},
		Name: u.Name, Email: u.Email, Role: u.Role, ExpiresAt: u.Invitation.ExpiresAt, Status: status, Next: next(u),
	}
}

func (h handler) preview(ctx context.Context, r *httpapi.Request) (httpapi.Response, error) {
	inv, err := h.read(ctx, r)
	if err != nil {
		return httpapi.Response{}, err
	}
	by, err := h.inviter(ctx, inv)
	return httpapi.OK(show(inv, by, r.Now)), err
}

// accept makes the invited person a member. It needs the link and a signed-in
// account whose verified email is the invited one; without either, nothing is
// written, so the wrong account burns nothing.
func (h handler) accept(ctx context.Context, r *httpapi.Request) (httpapi.Response, error) {
	inv, err := h.read(ctx, r)
	if err != nil {
		return httpapi.Response{}, err
	}
	err = h.mayAccept(ctx, r, inv)
	if err != nil {
		return httpapi.Response{}, err
	}
	if !inv.hasAccount {
		stamp := func(workspaceID string) (user.Stamp, error) {
			return access.Stamp(r.Caller.Actor(workspaceID), r.Now, h.random)
		}
		err := h.store.AccountAppeared(ctx, r.Caller.Email, inv.workspace.ID, stamp, r.Now)
		if err != nil {
			return httpapi.Response{}, err
		}
	}
	stamp, err := access.Stamp(inv.user.ID, r.Now, h.random)
	if err != nil {
		return httpapi.Response{}, err
	}
	generation := inv.user.Invitation.Generation
	u, err := h.store.ChangeUser(ctx, inv.user, func(u user.User) (user.User, error) {
		if u.Invitation.Generation != generation || u.Status == user.Archived {
			return u, errNoInvitation
		}
		return u.Accept(stamp, r.Caller.Subject)
	})
	if err != nil {
		return httpapi.Response{}, err
	}
	shown := httpapi.ShowUser(u, r.Now)
	shown.Metadata, err = h.dataKeys.Metadata(ctx, inv.workspace, u)
	return shown.Response(http.StatusOK), err
}

func (h handler) mayAccept(ctx context.Context, r *httpapi.Request, inv invitation) error {
	if err := r.Caller.Person(); err != nil {
		return err
	}
	if user.CanonicalEmail(r.Caller.Email) != user.CanonicalEmail(inv.user.Email) {
		return fault.New(fault.Forbidden, "recipient_mismatch",
			"This invitation is for "+identity.MaskEmail(inv.user.Email)+". Sign out, then sign in with that address to accept it.")
	}
	// An invitation reaches no further than its inviter's authority does.
	if strings.HasPrefix(inv.user.Invitation.InvitedBy, user.OperatorPrefix) || !inv.user.StatusAt(r.Now).Pending() {
		return nil
	}
	by, err := h.inviter(ctx, inv)
	if err == nil && !by.Manages() {
		err = user.ErrInviterGone
	}
	return err
}

// decline ends the invitation at the wish of whoever has the link.
func (h handler) decline(ctx context.Context, r *httpapi.Request) (httpapi.Response, error) {
	inv, err := h.read(ctx, r)
	if err != nil {
		return httpapi.Response{}, err
	}
	stamp, err := access.Stamp(inv.user.ID, r.Now, h.random)
	if err != nil {
		return httpapi.Response{}, err
	}
	generation := inv.user.Invitation.Generation
	inv.user, err = h.store.ChangeUser(ctx, inv.user, func(u user.User) (user.User, error) {
		if u.Invitation.Generation != generation || u.Status == user.Archived {
			return u, errNoInvitation
		}
		return u.Decline(stamp)
	})
	if err != nil {
		return httpapi.Response{}, err
	}
	by, err := h.inviter(ctx, inv)
	return httpapi.OK(show(inv, by, r.Now)), err
}
