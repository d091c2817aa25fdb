package main

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/latchkey/latchkey/shared/httpapi"
	"github.com/latchkey/latchkey/shared/id"
	"github.com/latchkey/latchkey/shared/invitation"
	"github.com/latchkey/latchkey/shared/user"
	"github.com/latchkey/latchkey/shared/workspace"
)

type handler struct {
	invitations invitation.Service
	dashboard   string // base address of the sign-in and sign-up pages
	log         *slog.Logger
}

func (h handler) routes() httpapi.Routes {
	return httpapi.Routes{
		"GET /invite/{token}":                  h.follow,
		"GET /v1/invitations/{token}":          h.preview,
		"POST /v1/invitations/{token}/accept":  h.accept,
		"POST /v1/invitations/{token}/decline": h.decline,
		"POST /v1/invitations/{token}/ask":     h.ask,

		"POST /v1/me/workspaces/{workspace}/accept":  h.acceptMine,
		"POST /v1/me/workspaces/{workspace}/decline": h.declineMine,
		"POST /v1/me/workspaces/{workspace}/ask":     h.askMine,

		"GET /v1/invitations/{token}/unsubscribe":  h.askUnsubscribe,
		"POST /v1/invitations/{token}/unsubscribe": h.unsubscribe,
		"POST /v1/invitations/{token}/resubscribe": h.resubscribe,
		"GET /v1/invitations/{token}/report":       h.askReport,
		"POST /v1/invitations/{token}/report":      h.report,
	}
}

// follow is where the mailed link leads. Mail scanners follow links, so it
// changes nothing; the token goes on in the fragment, which browsers send to no
// server. A person whose link is dead is led to the dashboard as well, which
// says so; a program gets the answer.
func (h handler) follow(ctx context.Context, r *httpapi.Request) (httpapi.Response, error) {
	o, err := h.invitations.Look(ctx, r.Params["token"], r.Now)
	switch {
	case errors.Is(err, user.ErrNoInvitation) && strings.Contains(r.Header["accept"], "text/html"):
		return h.redirect("/login", r.Params["token"]), nil
	case err != nil:
		return httpapi.Response{}, err
	}
	return h.redirect("/"+next(o.User()), r.Params["token"]), nil
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

// next is the page that the person needs: without an account they sign up.
func next(u user.User) string {
	if u.Status == user.Requested {
		return "signup"
	}
	return "login"
}

// preview is an invitation as the holder of its link sees it. Once it is
// answered or over, the link says only so: its copies are no way to watch a
// member.
type preview struct {
	Workspace previewWorkspace `json:"workspace"`
	Inviter   *previewInviter  `json:"inviter,omitempty"`
	Name      string           `json:"name,omitempty"`
	Email     string           `json:"email,omitempty"`
	Role      user.Role        `json:"role,omitempty"`
	ExpiresAt *time.Time       `json:"expiresAt,omitempty"`
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

func show(u user.User, w workspace.Workspace, inviter user.User, now time.Time) preview {
	status := u.StatusAt(now)
	p := preview{Workspace: previewWorkspace{w.ID, w.Slug, w.Name}, Status: string(status), Next: next(u)}
	if status == user.Active {
		return p
	}
	if status.Pending() {
		p.Status = "pending" // requested and invited are the admins' to tell apart
	}
	p.Inviter = &previewInviter{inviter.Name}
	p.Name, p.Email, p.Role, p.ExpiresAt = u.Name, u.Email, u.Role, &u.Invitation.ExpiresAt
	return p
}

func (h handler) preview(ctx context.Context, r *httpapi.Request) (httpapi.Response, error) {
	o, err := h.invitations.Look(ctx, r.Params["token"], r.Now)
	if err != nil {
		return httpapi.Response{}, err
	}
	by, err := h.invitations.Inviter(ctx, o)
	return httpapi.OK(show(o.User(), o.Workspace, by, r.Now)), err
}

// accept makes the invited person a member, by the link and a signed-in account
// whose verified email is the invited one.
func (h handler) accept(ctx context.Context, r *httpapi.Request) (httpapi.Response, error) {
	o, err := h.invitations.Follow(ctx, r.Params["token"], r.Caller.Email, r.Now)
	if err == nil {
		err = r.Caller.Person()
	}
	if err != nil {
		return httpapi.Response{}, err
	}
	return h.join(ctx, r, o)
}

// acceptMine is accept from the caller's own list, without the link.
func (h handler) acceptMine(ctx context.Context, r *httpapi.Request) (httpapi.Response, error) {
	o, err := h.own(ctx, r)
	if err != nil {
		return httpapi.Response{}, err
	}
	return h.join(ctx, r, o)
}

func (h handler) join(ctx context.Context, r *httpapi.Request, o invitation.Open) (httpapi.Response, error) {
	v, err := h.invitations.Accept(ctx, o, guest(r), r.Now)
	if err != nil {
		return httpapi.Response{}, err
	}
	return httpapi.ShowUser(v.User, r.Now).With(v.Metadata, "").Response(http.StatusOK), nil
}

func guest(r *httpapi.Request) user.Guest {
	return user.Guest{Subject: r.Caller.Subject, Email: r.Caller.Email}
}

// own reads the caller's record in the workspace of the path.
func (h handler) own(ctx context.Context, r *httpapi.Request) (invitation.Open, error) {
	if err := r.Caller.Person(); err != nil {
		return invitation.Open{}, err
	}
	if _, ok := id.Bytes(workspace.IDPrefix, r.Params["workspace"], id.RandomBytes); !ok {
		return invitation.Open{}, workspace.ErrNotFound
	}
	return h.invitations.Own(ctx, r.Params["workspace"], guest(r))
}

// decline ends the invitation at the wish of the link's holder.
func (h handler) decline(ctx context.Context, r *httpapi.Request) (httpapi.Response, error) {
	o, err := h.invitations.Follow(ctx, r.Params["token"], "", r.Now)
	if err != nil {
		return httpapi.Response{}, err
	}
	return h.refuse(ctx, r, o)
}

// declineMine is decline from the caller's own list.
func (h handler) declineMine(ctx context.Context, r *httpapi.Request) (httpapi.Response, error) {
	o, err := h.own(ctx, r)
	if err != nil {
		return httpapi.Response{}, err
	}
	return h.refuse(ctx, r, o)
}

func (h handler) refuse(ctx context.Context, r *httpapi.Request, o invitation.Open) (httpapi.Response, error) {
	u, err := h.invitations.Decline(ctx, o, r.Now)
	if err != nil {
		return httpapi.Response{}, err
	}
	by, err := h.invitations.Inviter(ctx, o)
	return httpapi.OK(show(u, o.Workspace, by, r.Now)), err
}

// ask asks for a new link with one that has ended.
func (h handler) ask(ctx context.Context, r *httpapi.Request) (httpapi.Response, error) {
	o, err := h.invitations.Look(ctx, r.Params["token"], r.Now)
	if err != nil {
		return httpapi.Response{}, err
	}
	return h.askAgain(ctx, r, o)
}

// askMine is ask from the caller's own list, also for the link that a role that
// manages takes.
func (h handler) askMine(ctx context.Context, r *httpapi.Request) (httpapi.Response, error) {
	o, err := h.own(ctx, r)
	if err != nil {
		return httpapi.Response{}, err
	}
	return h.askAgain(ctx, r, o)
}

// askAgain does not reveal whether a mail is sent: the limits and the managers are
// not the person's business.
func (h handler) askAgain(ctx context.Context, r *httpapi.Request, o invitation.Open) (httpapi.Response, error) {
	return httpapi.Response{Status: http.StatusNoContent}, h.invitations.AskAgain(ctx, o, r.Now)
}
