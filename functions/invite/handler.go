package main

import (
	"context"
	"io"
	"net/http"
	"time"

	"github.com/latchkey/latchkey/shared/access"
	"github.com/latchkey/latchkey/shared/datakey"
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
		"POST /v1/workspaces/{workspace}/users":               h.invite,
		"POST /v1/workspaces/{workspace}/users/batch":         h.inviteMany,
		"POST /v1/workspaces/{workspace}/users/{user}/resend": h.resend,
		"POST /v1/workspaces/{workspace}/users/batch/resend":  h.resendMany,
		"GET /v1/workspaces/{workspace}/users/{user}/link":    h.link,
	}
}

// invite invites one person: one read of all that it depends on, the count of
// the day's mails, and one transaction.
func (h handler) invite(ctx context.Context, r *httpapi.Request) (httpapi.Response, error) {
	in, malformed := r.Object()
	var inv invitation
	if malformed == nil {
		inv = readInvitation(in)
	}
	key, malformedKey := requestKey(r, "inviteUser")
	g, err := access.Admin(ctx, h.store, r, store.Want{
		Groups: validGroups(inv.Groups), Email: inv.Email, Request: key,
		Users: []string{user.IDFor(r.Params["workspace"], inv.Email)},
	})
	switch {
	case err != nil:
		return httpapi.Response{}, err
	case malformed != nil:
		return httpapi.Response{}, malformed
	case malformedKey != nil:
		return httpapi.Response{}, malformedKey
	}
	if g.Answer.Until.After(r.Now) {
		return h.again(ctx, r, g.Workspace, g.Answer)
	}
	if g.Workspace.Paused {
		return httpapi.Response{}, workspace.ErrPaused
	}
	in.Merge(inv.allow(g.Workspace, g.Groups))
	if err := in.Err(); err != nil {
		return httpapi.Response{}, err
	}
	u, err := h.newUser(ctx, g, inv, g.HasAccount, r.Now)
	if err != nil {
		return httpapi.Response{}, err
	}
	if existing, ok := g.Users[u.ID]; ok {
		return h.exists(ctx, r, g.Workspace, key, existing)
	}
	shown := httpapi.ShowUser(u, r.Now)
	shown.Metadata, err = h.dataKeys.Metadata(ctx, g.Workspace, u)
	if err != nil {
		return httpapi.Response{}, err
	}
	first := firstAnswer{shown, u.Invitation.Generation}
	answer, err := h.answer(ctx, r, g.Workspace, key, first)
	if err != nil {
		return httpapi.Response{}, err
	}
	var done store.Insertion
	insert := func() (err error) {
		done, err = h.store.InsertUsers(ctx, []user.User{u}, answer, r.Now)
		existing, exists := done.Existing[u.ID]
		switch {
		case err != nil:
		case done.Before.Key != "":
			err = errMismatch // a refusal, so that the mail is not counted twice; the answer is below
		case exists:
			err = user.Exists(existing, r.Now)
		case done.Seatless[u.ID]:
			err = workspace.ErrSeatLimit
		}
		return err
	}
	seated := func() error { return g.Seated(ctx, h.store, r.Now, h.random, insert) }
	if inv.sendEmail {
		err = g.Mailing(ctx, h.store, h.limits, r.Now, seated)
	} else {
		err = seated()
	}
	switch {
	case done.Before.Key != "":
		return h.again(ctx, r, g.Workspace, done.Before)
	case err != nil:
		return httpapi.Response{}, err
	}
	return h.created(ctx, first, r.Now)
}

func (h handler) newUser(ctx context.Context, g access.Grant, inv invitation, hasAccount bool, now time.Time) (user.User, error) {
	stamp, err := g.Stamp(now, h.random)
	if err != nil {
		return user.User{}, err
	}
	days := 0
	if inv.days != nil {
		days = *inv.days
	}
	how := g.Workspace.Inviting(days)
	how.HasAccount = hasAccount
	how.SendEmail = inv.sendEmail
	how.Message = inv.message
	if inv.locale != nil {
		how.Locale = *inv.locale
	}
	before := g.Erased[user.IDFor(g.Workspace.ID, inv.Email)]
	u, err := user.New(stamp, g.Workspace.ID, inv.Details, how, before)
	if err != nil {
		return user.User{}, err
	}
	u.SealedMetadata, err = h.dataKeys.SealMetadata(ctx, g.Workspace, u.ID, inv.Metadata)
	return u, err
}

// created answers with a new user and the link, which is made only now: what
// is kept for a repeat holds none.
func (h handler) created(ctx context.Context, first firstAnswer, now time.Time) (httpapi.Response, error) {
	shown := first.User
	u := user.User{ID: shown.ID, WorkspaceID: shown.WorkspaceID}
	u.Invitation.Generation = first.Generation
	var err error
	shown.Invitation.URL, err = h.links.URL(ctx, u, now)
	out := shown.Response(http.StatusCreated)
	out.Header["location"] = "/v1/workspaces/" + shown.WorkspaceID + "/users/" + shown.ID
	return out, err
}

// show is a user with metadata and, while the invitation is pending, its link.
func (h handler) show(ctx context.Context, w workspace.Workspace, u user.User, now time.Time) (shown httpapi.User, err error) {
	shown = httpapi.ShowUser(u, now)
	shown.Metadata, err = h.dataKeys.Metadata(ctx, w, u)
	if err == nil && shown.Status.Pending() {
		shown.Invitation.URL, err = h.links.URL(ctx, u, now)
	}
	return shown, err
}

// resend gives a new link and a new end, and kills every older link.
func (h handler) resend(ctx context.Context, r *httpapi.Request) (httpapi.Response, error) {
	g, err := h.target(ctx, r)
	if err != nil {
		return httpapi.Response{}, err
	}
	in, err := r.OptionalObject()
	if err != nil {
		return httpapi.Response{}, err
	}
	how := readAgain(in)
	if err := in.Err(); err != nil {
		return httpapi.Response{}, err
	}
	account, err := h.store.Load(ctx, store.Want{Email: g.Target.Email})
	if err != nil {
		return httpapi.Response{}, err
	}
	u, err := h.sendAgain(ctx, g, g.Target, how, account.HasAccount, r.Now)
	if err != nil {
		return httpapi.Response{}, err
	}
	shown, err := h.show(ctx, g.Workspace, u, r.Now)
	return shown.Response(http.StatusOK), err
}

// again is how an invitation goes out anew.
type again struct{ sendEmail, confirmed bool }

func readAgain(in *httpapi.Object) again {
	return again{sendEmail: in.Bool("sendEmail", true), confirmed: in.Bool("confirm", false)}
}

// sendAgain makes a user's new link. What the record alone forbids is said
// before the day's mails are counted.
func (h handler) sendAgain(ctx context.Context, g access.Grant, u user.User, again again, hasAccount bool, now time.Time) (user.User, error) {
	if g.Workspace.Paused {
		return user.User{}, workspace.ErrPaused
	}
	stamp, err := g.Stamp(now, h.random)
	if err != nil {
		return user.User{}, err
	}
	how := g.Workspace.Inviting(0)
	how.HasAccount, how.SendEmail, how.Confirmed = hasAccount, again.sendEmail, again.confirmed
	resend := func(u user.User) (user.User, error) { return u.Resend(stamp, how) }
	if _, err := resend(u); err != nil {
		return user.User{}, err
	}
	write := func() error {
		return g.Seated(ctx, h.store, now, h.random, func() (err error) {
			u, err = h.store.ChangeUser(ctx, u, resend)
			return err
		})
	}
	if again.sendEmail {
		err = g.Mailing(ctx, h.store, h.limits, now, write)
	} else {
		err = write()
	}
	return u, err
}

// link copies the live link; it changes nothing.
func (h handler) link(ctx context.Context, r *httpapi.Request) (httpapi.Response, error) {
	g, err := h.target(ctx, r)
	if err != nil {
		return httpapi.Response{}, err
	}
	if err := g.Target.HasLink(r.Now); err != nil {
		return httpapi.Response{}, err
	}
	shown, err := h.show(ctx, g.Workspace, g.Target, r.Now)
	return shown.Response(http.StatusOK), err
}

func (h handler) target(ctx context.Context, r *httpapi.Request) (access.Grant, error) {
	g, err := access.Admin(ctx, h.store, r, store.Want{})
	if err == nil && g.Target.ID == "" {
		err = user.ErrNotFound
	}
	return g, err
}
