package main

import (
	"context"
	"io"

	"github.com/latchkey/latchkey/shared/access"
	"github.com/latchkey/latchkey/shared/datakey"
	"github.com/latchkey/latchkey/shared/httpapi"
	"github.com/latchkey/latchkey/shared/linkkey"
	"github.com/latchkey/latchkey/shared/store"
	"github.com/latchkey/latchkey/shared/user"
)

type handler struct {
	store    *store.Store
	dataKeys *datakey.Keys
	links    *linkkey.Source
	random   io.Reader
}

func (h handler) routes() httpapi.Routes {
	return httpapi.Routes{
		"POST /v1/workspaces/{workspace}/users/{user}/archive": h.archive,
		"POST /v1/workspaces/{workspace}/users/{user}/restore": h.restore,
	}
}

// archive ends a user's access and kills their links, at once: every later
// request reads the record. The last active admin stays.
func (h handler) archive(ctx context.Context, r *httpapi.Request) (httpapi.Response, error) {
	g, stamp, err := h.target(ctx, r)
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
	u, err := h.store.ChangeUser(ctx, g.Target, func(u user.User) (user.User, error) { return u.Archive(stamp) })
	if err != nil {
		return httpapi.Response{}, err
	}
	return h.show(ctx, g, u, r)
}

// restore brings an archived user back: active again if they were, else with a
// new link; {"reinvite": true} gives a new link to both.
func (h handler) restore(ctx context.Context, r *httpapi.Request) (httpapi.Response, error) {
	g, stamp, err := h.target(ctx, r)
	if err != nil {
		return httpapi.Response{}, err
	}
	in, err := r.OptionalObject()
	if err != nil {
		return httpapi.Response{}, err
	}
	reinvite := in.Bool("reinvite", false)
	if err := in.Err(); err != nil {
		return httpapi.Response{}, err
	}
	how := g.Workspace.Inviting(0)
	how.InviterName = g.InviterName()
	if reinvite || g.Target.ActivatedAt.IsZero() {
		account, err := h.store.Load(ctx, store.Want{Email: g.Target.Email})
		if err != nil {
			return httpapi.Response{}, err
		}
		how.HasAccount = account.HasAccount
	}
	u, err := h.store.ChangeUser(ctx, g.Target, func(u user.User) (user.User, error) { return u.Restore(stamp, reinvite, how) })
	if err != nil {
		return httpapi.Response{}, err
	}
	return h.show(ctx, g, u, r)
}

func (h handler) target(ctx context.Context, r *httpapi.Request) (access.Grant, user.Stamp, error) {
	g, err := access.Admin(ctx, h.store, r, store.Want{})
	if err != nil {
		return g, user.Stamp{}, err
	}
	if g.Target.ID == "" {
		return g, user.Stamp{}, user.ErrNotFound
	}
	stamp, err := g.Stamp(r.Now, h.random)
	return g, stamp, err
}

// show is the user as the admin sees them, with the new link if there is one.
func (h handler) show(ctx context.Context, g access.Grant, u user.User, r *httpapi.Request) (httpapi.Response, error) {
	shown := httpapi.ShowUser(u, r.Now)
	var err error
	shown.Metadata, err = h.dataKeys.Metadata(ctx, g.Workspace, u)
	if err == nil && shown.Status.Pending() {
		shown.Invitation.URL, err = h.links.URL(ctx, u, r.Now)
	}
	return httpapi.OK(shown), err
}
