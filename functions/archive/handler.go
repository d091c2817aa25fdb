package main

import (
	"context"
	"net/http"
	"time"

	"github.com/latchkey/latchkey/shared/access"
	"github.com/latchkey/latchkey/shared/httpapi"
	"github.com/latchkey/latchkey/shared/invitation"
	"github.com/latchkey/latchkey/shared/store"
)

type handler struct{ invitations invitation.Service }

func (h handler) routes() httpapi.Routes {
	return httpapi.Routes{
		"POST /v1/workspaces/{workspace}/users/{user}/archive": h.archive,
		"POST /v1/workspaces/{workspace}/users/{user}/restore": h.restore,
		"DELETE /v1/workspaces/{workspace}/users/{user}":       h.erase,
		"POST /v1/workspaces/{workspace}/users/batch/archive":  h.archiveMany,
		"POST /v1/workspaces/{workspace}/users/batch/restore":  h.restoreMany,
		"POST /v1/workspaces/{workspace}/users/me/leave":       h.leave,
		"POST /v1/accounts/archive":                            h.archiveAccount,
	}
}

// archive ends a user's access and kills their links.
func (h handler) archive(ctx context.Context, r *httpapi.Request) (httpapi.Response, error) {
	g, err := h.target(ctx, r)
	if err != nil {
		return httpapi.Response{}, err
	}
	in, err := r.OptionalObject()
	if err != nil {
		return httpapi.Response{}, err
	}
	if err := in.Err(); err != nil {
		return httpapi.Response{}, err
	}
	v, err := h.invitations.Archive(ctx, g, r.Now)
	return show(v, err, r.Now)
}

// restore brings an archived user back.
func (h handler) restore(ctx context.Context, r *httpapi.Request) (httpapi.Response, error) {
	g, err := h.target(ctx, r)
	if err != nil {
		return httpapi.Response{}, err
	}
	in, err := r.OptionalObject()
	if err != nil {
		return httpapi.Response{}, err
	}
	how := readRestore(in)
	if err := in.Err(); err != nil {
		return httpapi.Response{}, err
	}
	v, err := h.invitations.Restore(ctx, g, how, r.Now)
	return show(v, err, r.Now)
}

func readRestore(in *httpapi.Object) invitation.Again {
	return invitation.Again{
		Reinvite: in.Bool("reinvite", false), SendEmail: in.Bool("sendEmail", true), Confirmed: in.Bool("confirm", false),
	}
}

// erase removes everything that names a person who is gone.
func (h handler) erase(ctx context.Context, r *httpapi.Request) (httpapi.Response, error) {
	g, err := h.target(ctx, r)
	if err != nil {
		return httpapi.Response{}, err
	}
	return httpapi.Response{Status: http.StatusNoContent}, h.invitations.Erase(ctx, g, r.Now)
}

// leave archives the caller, who may have any role.
func (h handler) leave(ctx context.Context, r *httpapi.Request) (httpapi.Response, error) {
	g, err := access.Member(ctx, h.invitations.Store, r, store.Want{Counts: true})
	if err == nil {
		err = r.Caller.Person()
	}
	if err != nil {
		return httpapi.Response{}, err
	}
	in, err := r.OptionalObject()
	if err == nil {
		err = in.Err()
	}
	if err != nil {
		return httpapi.Response{}, err
	}
	return httpapi.Response{Status: http.StatusNoContent}, h.invitations.LeaveWorkspace(ctx, g, r.Caller.Subject, r.Now)
}

// target admits an admin, and reads the user of the path.
func (h handler) target(ctx context.Context, r *httpapi.Request) (access.Grant, error) {
	g, err := access.Admin(ctx, h.invitations.Store, r, store.Want{Counts: true})
	if err == nil {
		_, err = g.User()
	}
	return g, err
}

// show answers with a user as an admin sees them, with the new link if there is
// one.
func show(v invitation.View, err error, now time.Time) (httpapi.Response, error) {
	if err != nil {
		return httpapi.Response{}, err
	}
	return httpapi.ShowUser(v.User, now).With(v.Metadata, v.URL).Response(http.StatusOK), nil
}
