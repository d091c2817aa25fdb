package main

import (
	"context"
	"errors"
	"io"
	"net/http"
	"time"

	"github.com/latchkey/latchkey/shared/access"
	"github.com/latchkey/latchkey/shared/datakey"
	"github.com/latchkey/latchkey/shared/fault"
	"github.com/latchkey/latchkey/shared/httpapi"
	"github.com/latchkey/latchkey/shared/linkkey"
	"github.com/latchkey/latchkey/shared/store"
	"github.com/latchkey/latchkey/shared/user"
	"github.com/latchkey/latchkey/shared/workspace"
)

type handler struct {
	store    *store.Store
	dataKeys *datakey.Keys
	links    *linkkey.Source
	limits   workspace.MailLimits
	random   io.Reader
}

func (h handler) routes() httpapi.Routes {
	return httpapi.Routes{
		"POST /v1/workspaces/{workspace}/users/{user}/archive": h.archive,
		"POST /v1/workspaces/{workspace}/users/{user}/restore": h.restore,
		"DELETE /v1/workspaces/{workspace}/users/{user}":       h.erase,
		"POST /v1/workspaces/{workspace}/users/batch/archive":  h.archiveMany,
		"POST /v1/workspaces/{workspace}/users/batch/restore":  h.restoreMany,
		"POST /v1/accounts/archive":                            h.archiveAccount,
	}
}

// archive ends a user's access and kills their links, at once: every later
// request reads the record. The last active admin stays.
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
	u, err := h.archiveUser(ctx, g, g.Target, r.Now)
	if err != nil {
		return httpapi.Response{}, err
	}
	return h.show(ctx, g, u, r)
}

func (h handler) archiveUser(ctx context.Context, g access.Grant, u user.User, now time.Time) (user.User, error) {
	stamp, err := g.Stamp(now, h.random)
	if err != nil {
		return user.User{}, err
	}
	return h.store.ChangeUser(ctx, u, func(u user.User) (user.User, error) { return u.Archive(stamp) })
}

// restore brings an archived user back: active again if they were, and told so
// by mail, else with a new link; {"reinvite": true} gives a new link to both.
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
	account := store.Snapshot{}
	if how.invites(g.Target) {
		account, err = h.store.Load(ctx, store.Want{Email: g.Target.Email})
		if err != nil {
			return httpapi.Response{}, err
		}
	}
	u, err := h.restoreUser(ctx, g, g.Target, how, account.HasAccount, r.Now)
	if err != nil {
		return httpapi.Response{}, err
	}
	return h.show(ctx, g, u, r)
}

// restoring is how a user is to come back.
type restoring struct{ reinvite, sendEmail, confirmed bool }

func readRestore(in *httpapi.Object) restoring {
	return restoring{in.Bool("reinvite", false), in.Bool("sendEmail", true), in.Bool("confirm", false)}
}

// invites is true for a user who gets a new link.
func (how restoring) invites(u user.User) bool { return how.reinvite || u.ActivatedAt.IsZero() }

func (h handler) restoreUser(ctx context.Context, g access.Grant, u user.User, how restoring, hasAccount bool, now time.Time) (user.User, error) {
	invites := how.invites(u)
	if invites && g.Workspace.Paused {
		return user.User{}, workspace.ErrPaused
	}
	stamp, err := g.Stamp(now, h.random)
	if err != nil {
		return user.User{}, err
	}
	in := g.Workspace.Inviting(0)
	in.HasAccount, in.SendEmail, in.Confirmed = hasAccount, how.sendEmail, how.confirmed
	restore := func(u user.User) (user.User, error) { return u.Restore(stamp, how.reinvite, in) }
	if _, err := restore(u); err != nil { // what the record alone forbids counts no mail
		return user.User{}, err
	}
	write := func() error {
		return g.Seated(ctx, h.store, now, h.random, func() (err error) {
			u, err = h.store.ChangeUser(ctx, u, restore)
			return err
		})
	}
	if !how.sendEmail {
		err = write()
		return u, err
	}
	err = g.Mailing(ctx, h.store, h.limits, now, write)
	if limited(err) && !invites { // access is theirs, whether or not a mail may tell
		in.SendEmail = false
		err = write()
	}
	return u, err
}

func limited(err error) bool {
	var f *fault.Error
	return errors.As(err, &f) && f.Kind == fault.Limited
}

// erase removes all that names a person who is gone from the workspace, or
// never came. The history keeps its lines, which hold ids alone.
func (h handler) erase(ctx context.Context, r *httpapi.Request) (httpapi.Response, error) {
	g, err := h.target(ctx, r)
	if err != nil {
		return httpapi.Response{}, err
	}
	stamp, err := g.Stamp(r.Now, h.random)
	if err != nil {
		return httpapi.Response{}, err
	}
	err = h.store.EraseUser(ctx, g.Target, func(u user.User) (user.Erased, error) { return u.Erase(stamp) })
	return httpapi.Response{Status: http.StatusNoContent}, err
}

func (h handler) target(ctx context.Context, r *httpapi.Request) (access.Grant, error) {
	g, err := access.Admin(ctx, h.store, r, store.Want{})
	if err == nil && g.Target.ID == "" {
		err = user.ErrNotFound
	}
	return g, err
}

// show is the user as the admin sees them, with the new link if there is one.
func (h handler) show(ctx context.Context, g access.Grant, u user.User, r *httpapi.Request) (httpapi.Response, error) {
	shown := httpapi.ShowUser(u, r.Now)
	var err error
	shown.Metadata, err = h.dataKeys.Metadata(ctx, g.Workspace, u)
	if err == nil && shown.Status.Pending() {
		shown.Invitation.URL, err = h.links.URL(ctx, u, r.Now)
	}
	return shown.Response(http.StatusOK), err
}
