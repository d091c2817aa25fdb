package main

import (
	"context"
	"io"
	"net/http"
	"strconv"
	"time"

	"github.com/latchkey/latchkey/shared/access"
	"github.com/latchkey/latchkey/shared/datakey"
	"github.com/latchkey/latchkey/shared/fault"
	"github.com/latchkey/latchkey/shared/httpapi"
	"github.com/latchkey/latchkey/shared/id"
	"github.com/latchkey/latchkey/shared/linkkey"
	"github.com/latchkey/latchkey/shared/store"
	"github.com/latchkey/latchkey/shared/user"
	"github.com/latchkey/latchkey/shared/workspace"
)

type handler struct {
	store    *store.Store
	dataKeys *datakey.Keys
	links    *linkkey.Source
	random   io.Reader
}

func (h handler) routes() httpapi.Routes {
	return httpapi.Routes{
		"POST /v1/workspaces/{workspace}/users":               h.invite,
		"POST /v1/workspaces/{workspace}/users/{user}/resend": h.resend,
		"GET /v1/workspaces/{workspace}/users/{user}/link":    h.link,
	}
}

// invitation is the body of inviteUser.
type invitation struct {
	user.Details
	message   string
	locale    *string
	sendEmail bool
	days      *int
}

func readInvitation(in *httpapi.Object) invitation {
	inv := invitation{
		Details: user.Details{
			Name: in.String("name"), Email: in.String("email"), Role: user.Role(in.String("role")),
			Groups: in.Strings("groups"), Metadata: in.Raw("metadata"),
		},
		message:   in.String("message"),
		locale:    in.OptionalString("locale"),
		sendEmail: in.Bool("sendEmail", true),
		days:      in.OptionalInt("expiresInDays"),
	}
	var fields fault.Fields
	inv.Details, fields = inv.Check()
	user.CheckMessage(&fields, inv.message)
	if inv.locale != nil {
		workspace.CheckLocale(&fields, *inv.locale)
	}
	if inv.days != nil && (*inv.days < workspace.MinInvitationDays || *inv.days > workspace.MaxInvitationDays) {
		fields.Add("/expiresInDays", "out_of_range", "An invitation lasts 1 to 30 days.")
	}
	in.Merge(fields)
	return inv
}

// allow adds what only the workspace can tell.
func (inv invitation) allow(g access.Grant) fault.Fields {
	var fields fault.Fields
	for i, group := range inv.Groups {
		if !g.Groups[group] {
			fields.Add("/groups/"+strconv.Itoa(i), "unknown_group", "There is no such group in this workspace.")
		}
	}
	if inv.message != "" && !g.Workspace.PersonalMessages {
		fields.Add("/message", "messages_off", "Personal messages are turned off in this workspace.")
	}
	if !g.Workspace.Allows(inv.Email) {
		fields.Add("/email", "domain_not_allowed", "This workspace invites people of certain email domains alone.")
	}
	return fields
}

func (h handler) invite(ctx context.Context, r *httpapi.Request) (httpapi.Response, error) {
	in, malformed := r.Object()
	var inv invitation
	if malformed == nil {
		inv = readInvitation(in)
	}
	g, err := access.Admin(ctx, h.store, r, store.Want{Groups: validGroups(inv.Groups), Email: inv.Email})
	if err != nil {
		return httpapi.Response{}, err
	}
	if malformed != nil {
		return httpapi.Response{}, malformed
	}
	in.Merge(inv.allow(g))
	if err := in.Err(); err != nil {
		return httpapi.Response{}, err
	}
	request, err := requestOf(r)
	if err != nil {
		return httpapi.Response{}, err
	}
	u, err := h.newUser(ctx, g, inv, r.Now)
	if err != nil {
		return httpapi.Response{}, err
	}
	u.Request = request
	existing, inserted, err := h.store.InsertUser(ctx, u)
	switch {
	case err != nil:
		return httpapi.Response{}, err
	case inserted:
		return h.created(ctx, g, u, r.Now)
	case request.Key != "" && existing.Request == request:
		return h.created(ctx, g, existing, r.Now) // the first answer, again
	case request.Key != "" && existing.Request.Key == request.Key:
		return httpapi.Response{}, fault.New(fault.Mismatch, "idempotency_mismatch", "This Idempotency-Key was used with another body.")
	}
	return httpapi.Response{}, user.Exists(existing, r.Now)
}

// validGroups are those that could exist; anything else is unknown unasked.
func validGroups(groups []string) []string {
	var valid []string
	for _, group := range groups {
		if workspace.ValidGroupID(group) {
			valid = append(valid, group)
		}
	}
	return valid
}

// requestOf identifies the call by its Idempotency-Key, if it has one. The key
// is the caller's own: another admin's same key is another key.
func requestOf(r *httpapi.Request) (user.Request, error) {
	key := r.Header["idempotency-key"]
	switch {
	case key == "":
		return user.Request{}, nil
	case len(key) > 255:
		return user.Request{}, fault.New(fault.Invalid, "invalid_idempotency_key", "An Idempotency-Key has 1 to 255 characters.")
	}
	return user.Request{
		Key:  id.Hash("", "idempotency key", r.Caller.Subject, key),
		Body: id.Hash("", "body", string(r.Body)),
	}, nil
}

func (h handler) newUser(ctx context.Context, g access.Grant, inv invitation, now time.Time) (user.User, error) {
	stamp, err := g.Stamp(now, h.random)
	if err != nil {
		return user.User{}, err
	}
	days := 0
	if inv.days != nil {
		days = *inv.days
	}
	how := h.inviting(g, days)
	how.SendEmail = inv.sendEmail
	how.Message = inv.message
	if inv.locale != nil {
		how.Locale = *inv.locale
	}
	u := user.New(stamp, g.Workspace.ID, inv.Details, how)
	u.SealedMetadata, err = h.dataKeys.SealMetadata(ctx, g.Workspace, u.ID, inv.Metadata)
	return u, err
}

func (h handler) inviting(g access.Grant, days int) user.Inviting {
	how := g.Workspace.Inviting(days)
	how.InviterName = g.InviterName()
	how.HasAccount = g.HasAccount
	return how
}

func (h handler) created(ctx context.Context, g access.Grant, u user.User, now time.Time) (httpapi.Response, error) {
	shown, err := h.show(ctx, g.Workspace, u, now)
	return httpapi.Response{
		Status: http.StatusCreated,
		Header: map[string]string{"location": "/v1/workspaces/" + u.WorkspaceID + "/users/" + u.ID},
		Body:   shown,
	}, err
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
	if err := in.Err(); err != nil {
		return httpapi.Response{}, err
	}
	account, err := h.store.Load(ctx, store.Want{Email: g.Target.Email})
	if err != nil {
		return httpapi.Response{}, err
	}
	g.HasAccount = account.HasAccount
	stamp, err := g.Stamp(r.Now, h.random)
	if err != nil {
		return httpapi.Response{}, err
	}
	how := h.inviting(g, 0)
	u, err := h.store.ChangeUser(ctx, g.Target, func(u user.User) (user.User, error) { return u.Resend(stamp, how) })
	if err != nil {
		return httpapi.Response{}, err
	}
	shown, err := h.show(ctx, g.Workspace, u, r.Now)
	return httpapi.OK(shown), err
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
	return httpapi.OK(shown), err
}

func (h handler) target(ctx context.Context, r *httpapi.Request) (access.Grant, error) {
	g, err := access.Admin(ctx, h.store, r, store.Want{})
	if err == nil && g.Target.ID == "" {
		err = user.ErrNotFound
	}
	return g, err
}
