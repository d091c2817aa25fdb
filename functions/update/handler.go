package main

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"

	"github.com/latchkey/latchkey/shared/access"
	"github.com/latchkey/latchkey/shared/fault"
	"github.com/latchkey/latchkey/shared/httpapi"
	"github.com/latchkey/latchkey/shared/invitation"
	"github.com/latchkey/latchkey/shared/store"
	"github.com/latchkey/latchkey/shared/user"
)

type handler struct{ invitations invitation.Service }

func (h handler) routes() httpapi.Routes {
	return httpapi.Routes{"PATCH /v1/workspaces/{workspace}/users/{user}": h.update}
}

// readEdit reads a JSON merge patch of a user (RFC 7396): what it leaves out
// stays.
func readEdit(in *httpapi.Object) invitation.Edit {
	e := invitation.Edit{Patch: user.Patch{Name: in.OptionalString("name")}, Metadata: in.Raw("metadata")}
	var fields fault.Fields
	if e.Name != nil || in.Null("name") {
		name := user.CheckName(&fields, in.String("name"))
		e.Name = &name
	}
	if role := in.OptionalString("role"); role != nil || in.Null("role") {
		r := user.Role(in.String("role"))
		user.CheckRole(&fields, r)
		e.Role = &r
	}
	if groups := in.OptionalStrings("groups"); groups != nil || in.Null("groups") {
		written := in.Strings("groups")
		checked := user.CheckGroups(&fields, written)
		e.Patch.Groups = &checked
		if len(written) <= user.MaxGroups {
			e.Groups = written
		}
	}
	switch {
	case in.Null("metadata"):
		e.Metadata = json.RawMessage("null")
	case e.Metadata != nil && !bytes.HasPrefix(e.Metadata, []byte("{")):
		fields.Add("/metadata", "wrong_type", "Metadata is a JSON object.")
	}
	in.Merge(fields)
	in.Unknown()
	e.Wrong = in.Errors
	return e
}

// update edits a user of any status; the link of a pending one stays. With
// If-Match, nothing is written over what somebody else has changed.
func (h handler) update(ctx context.Context, r *httpapi.Request) (httpapi.Response, error) {
	g, err := access.Admin(ctx, h.invitations.Store, r, store.Want{})
	if err == nil {
		_, err = g.User()
	}
	if err != nil {
		return httpapi.Response{}, err
	}
	in, err := r.Object()
	if err != nil {
		return httpapi.Response{}, err
	}
	e := readEdit(in)
	e.Match, err = r.IfMatch()
	if err != nil {
		return httpapi.Response{}, err
	}
	v, err := h.invitations.Edit(ctx, g, e, r.Now)
	if err != nil {
		return httpapi.Response{}, err
	}
	return httpapi.ShowUser(v.User, r.Now).With(v.Metadata, v.URL).Response(http.StatusOK), nil
}
