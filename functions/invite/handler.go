package main

import (
	"cmp"
	"context"
	"net/http"
	"strconv"
	"time"

	"github.com/latchkey/latchkey/shared/access"
	"github.com/latchkey/latchkey/shared/fault"
	"github.com/latchkey/latchkey/shared/httpapi"
	"github.com/latchkey/latchkey/shared/id"
	"github.com/latchkey/latchkey/shared/invitation"
	"github.com/latchkey/latchkey/shared/store"
	"github.com/latchkey/latchkey/shared/user"
)

type handler struct{ invitations invitation.Service }

func (h handler) routes() httpapi.Routes {
	return httpapi.Routes{
		"POST /v1/workspaces/{workspace}/users":               h.invite,
		"POST /v1/workspaces/{workspace}/users/batch":         h.inviteMany,
		"POST /v1/workspaces/{workspace}/users/{user}/resend": h.resend,
		"POST /v1/workspaces/{workspace}/users/batch/resend":  h.resendMany,
		"POST /v1/workspaces/{workspace}/users/{user}/email":  h.correctEmail,
		"GET /v1/workspaces/{workspace}/users/{user}/link":    h.link,

		"POST /v1/workspaces/{workspace}/imports":                 h.createImport,
		"POST /v1/workspaces/{workspace}/imports/{import}/rows":   h.addImportRows,
		"POST /v1/workspaces/{workspace}/imports/{import}/start":  h.startImport,
		"POST /v1/workspaces/{workspace}/imports/{import}/cancel": h.cancelImport,
	}
}

// invite invites one person.
func (h handler) invite(ctx context.Context, r *httpapi.Request) (httpapi.Response, error) {
	in, malformed := r.Object()
	var p invitation.Person
	if malformed == nil {
		p = readPerson(in)
	}
	call, badCall := callOf(r, "inviteUser")
	g, err := access.Admin(ctx, h.invitations.Store, r, invitation.Needs(p, call))
	if err := cmp.Or(err, malformed, badCall); err != nil {
		return httpapi.Response{}, err
	}
	v, err := h.invitations.Invite(ctx, g, p, call, r.Now)
	if err != nil {
		return httpapi.Response{}, err
	}
	out := made(v, http.StatusCreated, r.Now)
	out.Header["location"] = "/v1/workspaces/" + v.User.WorkspaceID + "/users/" + v.User.ID
	return out, nil
}

// made answers with the user that this call created, or an earlier call with the
// same Idempotency-Key.
func made(v invitation.View, status int, now time.Time) httpapi.Response {
	out := httpapi.ShowUser(v.User, now).With(v.Metadata, v.URL).Response(status)
	if v.Replayed {
		out.Header["idempotent-replay"] = strconv.FormatBool(true)
	}
	return out
}

// correctEmail changes the email of a person who has not joined.
func (h handler) correctEmail(ctx context.Context, r *httpapi.Request) (httpapi.Response, error) {
	in, malformed := r.Object()
	var c invitation.Correction
	if malformed == nil {
		c = readCorrection(in)
	}
	call, badCall := callOf(r, "correctEmail "+r.Params["user"])
	g, err := access.Admin(ctx, h.invitations.Store, r, c.Needs(call))
	if err := cmp.Or(err, malformed, badCall); err != nil {
		return httpapi.Response{}, err
	}
	v, err := h.invitations.CorrectEmail(ctx, g, c, call, r.Now)
	if err != nil {
		return httpapi.Response{}, err
	}
	return made(v, http.StatusOK, r.Now), nil
}

func readCorrection(in *httpapi.Object) invitation.Correction {
	c := invitation.Correction{Email: in.String("email"), SendEmail: in.Bool("sendEmail", true), Confirmed: in.Bool("confirm", false)}
	in.Unknown()
	c.Wrong = in.Errors
	return invitation.NewCorrection(c)
}

var errKey = fault.New(fault.Invalid, "invalid_idempotency_key", "An Idempotency-Key has 1 to 255 characters.")

// callOf reads an Idempotency-Key. It is the caller's own and the operation's:
// another admin's same key is another.
func callOf(r *httpapi.Request, operation string) (invitation.Call, error) {
	key := r.Header["idempotency-key"]
	switch {
	case key == "":
		return invitation.Call{}, nil
	case len(key) > 255:
		return invitation.Call{}, errKey
	}
	return invitation.Call{
		Key:  id.Hash("", "idempotency key", operation, r.Caller.Actor(r.Params["workspace"]), r.Caller.Subject, key),
		Body: id.Hash("", "body", r.Header["content-type"], string(r.Body)),
	}, nil
}

// readPerson reads the body of inviteUser, or one row of inviteUsers.
func readPerson(in *httpapi.Object) invitation.Person {
	p := invitation.Person{
		Details: user.Details{
			Name: in.String("name"), Email: in.String("email"), Role: user.Role(in.String("role")),
			Groups: in.Strings("groups"), Metadata: in.Raw("metadata"),
		},
		Message:   in.String("message"),
		Locale:    in.String("locale"),
		SendEmail: in.Bool("sendEmail", true),
		Confirmed: in.Bool("confirm", false),
	}
	if days := in.OptionalInt("expiresInDays"); days != nil {
		p.Days = *days
		if p.Days == 0 {
			p.Days = -1 // given, and out of range
		}
	}
	in.Unknown()
	p.Wrong = in.Errors
	return invitation.NewPerson(p)
}

// resend gives a new link and a new end, and kills every older link.
func (h handler) resend(ctx context.Context, r *httpapi.Request) (httpapi.Response, error) {
	g, err := access.Admin(ctx, h.invitations.Store, r, store.Want{Counts: true})
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
	v, err := h.invitations.Resend(ctx, g, how, r.Now)
	return show(v, err, r.Now)
}

func readAgain(in *httpapi.Object) invitation.Again {
	return invitation.Again{SendEmail: in.Bool("sendEmail", true), Confirmed: in.Bool("confirm", false)}
}

// link copies the live link; it changes nothing.
func (h handler) link(ctx context.Context, r *httpapi.Request) (httpapi.Response, error) {
	g, err := access.Admin(ctx, h.invitations.Store, r, store.Want{})
	if err != nil {
		return httpapi.Response{}, err
	}
	v, err := h.invitations.Link(ctx, g, r.Now)
	return show(v, err, r.Now)
}

// show answers with a user as an admin sees them.
func show(v invitation.View, err error, now time.Time) (httpapi.Response, error) {
	if err != nil {
		return httpapi.Response{}, err
	}
	return httpapi.ShowUser(v.User, now).With(v.Metadata, v.URL).Response(http.StatusOK), nil
}
