package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strconv"

	"github.com/latchkey/latchkey/shared/access"
	"github.com/latchkey/latchkey/shared/datakey"
	"github.com/latchkey/latchkey/shared/fault"
	"github.com/latchkey/latchkey/shared/httpapi"
	"github.com/latchkey/latchkey/shared/store"
	"github.com/latchkey/latchkey/shared/user"
	"github.com/latchkey/latchkey/shared/workspace"
)

type handler struct {
	store    *store.Store
	dataKeys *datakey.Keys
	random   io.Reader
}

func (h handler) routes() httpapi.Routes {
	return httpapi.Routes{"PATCH /v1/workspaces/{workspace}/users/{user}": h.update}
}

// patch is a JSON merge patch of a user (RFC 7396): what it leaves out stays.
type patch struct {
	user.Patch
	groups   []string        // as they stood there, for the pointers of errors
	metadata json.RawMessage // itself a merge patch; null empties it
}

func readPatch(in *httpapi.Object) patch {
	p := patch{Patch: user.Patch{Name: in.OptionalString("name")}, metadata: in.Raw("metadata")}
	var fields fault.Fields
	if p.Name != nil || in.Null("name") {
		name := user.CheckName(&fields, in.String("name"))
		p.Name = &name
	}
	if role := in.OptionalString("role"); role != nil || in.Null("role") {
		r := user.Role(in.String("role"))
		user.CheckRole(&fields, r)
		p.Role = &r
	}
	if groups := in.OptionalStrings("groups"); groups != nil || in.Null("groups") {
		p.groups = in.Strings("groups")
		checked := user.CheckGroups(&fields, p.groups)
		p.Groups = &checked
	}
	switch {
	case in.Null("metadata"):
		p.metadata = json.RawMessage("null")
	case p.metadata != nil && !bytes.HasPrefix(p.metadata, []byte("{")):
		fields.Add("/metadata", "wrong_type", "Metadata is a JSON object.")
	}
	in.Merge(fields)
	return p
}

// update edits a user of any status; the link of a pending one stays. With
// If-Match, nothing is written over what somebody else has changed.
func (h handler) update(ctx context.Context, r *httpapi.Request) (httpapi.Response, error) {
	in, malformed := r.Object()
	var p patch
	if malformed == nil {
		p = readPatch(in)
	}
	match, badMatch := r.IfMatch()
	var valid []string
	for _, group := range p.groups {
		if workspace.ValidGroupID(group) {
			valid = append(valid, group)
		}
	}
	g, err := access.Admin(ctx, h.store, r, store.Want{Groups: valid})
	switch {
	case err != nil:
		return httpapi.Response{}, err
	case g.Target.ID == "":
		return httpapi.Response{}, user.ErrNotFound
	case malformed != nil:
		return httpapi.Response{}, malformed
	case badMatch != nil:
		return httpapi.Response{}, badMatch
	}
	var fields fault.Fields
	for i, group := range p.groups {
		if !g.Groups[group] {
			fields.Add("/groups/"+strconv.Itoa(i), "unknown_group", "There is no such group in this workspace.")
		}
	}
	_, _, wrong, err := h.merged(ctx, g.Workspace, g.Target, p.metadata)
	if err != nil {
		return httpapi.Response{}, err
	}
	in.Merge(append(fields, wrong...))
	if err := in.Err(); err != nil {
		return httpapi.Response{}, err
	}
	stamp, err := g.Stamp(r.Now, h.random)
	if err != nil {
		return httpapi.Response{}, err
	}
	u, err := h.store.ChangeUser(ctx, g.Target, func(u user.User) (user.User, error) {
		err := u.IsVersion(match, r.Now)
		if err != nil {
			return u, err
		}
		edit := p.Patch
		edit.SealedMetadata, err = h.metadata(ctx, g.Workspace, u, p.metadata)
		if err != nil {
			return u, err
		}
		return u.Edit(stamp, edit), nil
	})
	if err != nil {
		return httpapi.Response{}, err
	}
	shown := httpapi.ShowUser(u, r.Now)
	shown.Metadata, err = h.dataKeys.Metadata(ctx, g.Workspace, u)
	return shown.Response(http.StatusOK), err
}

// metadata is a user's metadata after the patch, sealed anew; nil where it
// stays as it is.
func (h handler) metadata(ctx context.Context, w workspace.Workspace, u user.User, patch json.RawMessage) (*[]byte, error) {
	before, after, wrong, err := h.merged(ctx, w, u, patch)
	if err == nil {
		err = wrong.Err()
	}
	if err != nil || bytes.Equal(canonical(before), canonical(after)) {
		return nil, err
	}
	sealed, err := h.dataKeys.SealMetadata(ctx, w, u.ID, after)
	return &sealed, err
}

// merged is a user's metadata before and after the patch, and what is wrong
// with them then. Without a patch they stay as they are, unread.
func (h handler) merged(ctx context.Context, w workspace.Workspace, u user.User, patch json.RawMessage) (before, after json.RawMessage, wrong fault.Fields, err error) {
	if patch == nil {
		return nil, nil, nil, nil
	}
	before, err = h.dataKeys.Metadata(ctx, w, u)
	if err != nil {
		return nil, nil, nil, err
	}
	after = user.CheckMetadata(&wrong, user.MergeMetadata(before, patch))
	return before, after, wrong, nil
}

// canonical writes an object with its members in one order, so that equal
// ones are equal texts; nothing is the empty object.
func canonical(object json.RawMessage) []byte {
	if len(object) == 0 {
		return []byte("{}")
	}
	return user.MergeMetadata(object, json.RawMessage("{}"))
}
