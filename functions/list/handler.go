package main

import (
	"context"
	"encoding/base64"
	"net/http"
	"slices"
	"time"

	"github.com/latchkey/latchkey/shared/access"
	"github.com/latchkey/latchkey/shared/datakey"
	"github.com/latchkey/latchkey/shared/fault"
	"github.com/latchkey/latchkey/shared/httpapi"
	"github.com/latchkey/latchkey/shared/id"
	"github.com/latchkey/latchkey/shared/identity"
	"github.com/latchkey/latchkey/shared/invitation"
	"github.com/latchkey/latchkey/shared/store"
	"github.com/latchkey/latchkey/shared/user"
	"github.com/latchkey/latchkey/shared/workspace"
)

type handler struct {
	invitations invitation.Service
	store       *store.Store
	dataKeys    *datakey.Keys
}

func (h handler) routes() httpapi.Routes {
	return httpapi.Routes{
		"GET /v1/workspaces/{workspace}/users":                h.list,
		"GET /v1/workspaces/{workspace}/users/{user}":         h.get,
		"GET /v1/workspaces/{workspace}/users/{user}/history": h.userHistory,
		"GET /v1/workspaces/{workspace}/history":              h.history,
		"GET /v1/workspaces/{workspace}/statistics":           h.statistics,
		"GET /v1/workspaces/{workspace}/imports":              h.imports,
		"GET /v1/workspaces/{workspace}/imports/{import}":     h.oneImport,
		"GET /v1/me/workspaces":                               h.mine,
	}
}

type page struct {
	Users      []httpapi.User      `json:"users"`
	Counts     map[user.Status]int `json:"counts,omitempty"`
	NextCursor *string             `json:"nextCursor"`
}

func (h handler) list(ctx context.Context, r *httpapi.Request) (httpapi.Response, error) {
	g, err := access.Member(ctx, h.store, r, store.Want{})
	if err != nil {
		return httpapi.Response{}, err
	}
	isAdmin := r.Caller.Admin(g.Workspace, g.Me) == nil
	if !isAdmin && g.Workspace.Directory != workspace.DirectoryMembers {
		return httpapi.Response{}, identity.ErrAdminRequired
	}
	box, err := h.dataKeys.Open(ctx, g.Workspace)
	if err != nil {
		return httpapi.Response{}, err
	}
	q, err := readQuery(r, box, g.Workspace.ID)
	if err != nil {
		return httpapi.Response{}, err
	}
	users, next, err := h.store.ListUsers(ctx, g.Workspace, q.filter, q.Page, r.Now)
	if err != nil {
		return httpapi.Response{}, err
	}
	out := page{Users: make([]httpapi.User, len(users))}
	for i, u := range users {
		out.Users[i] = httpapi.ShowUser(u, r.Now)
		if isAdmin || u.ID == g.Me.ID {
			out.Users[i].Metadata, err = box.Metadata(u)
			if err != nil {
				return httpapi.Response{}, err
			}
		}
	}
	out.NextCursor, err = q.seal(next, r.Now)
	if err != nil {
		return httpapi.Response{}, err
	}
	if q.csv {
		return export(r, users, out, isAdmin), nil
	}
	if q.counts {
		out.Counts, err = h.store.Counts(ctx, g.Workspace.ID)
	}
	return httpapi.OK(out), err
}

// get reads one user: admins anybody, members whom the directory shows them,
// everyone their own record.
func (h handler) get(ctx context.Context, r *httpapi.Request) (httpapi.Response, error) {
	g, err := access.Member(ctx, h.store, r, store.Want{})
	if err != nil {
		return httpapi.Response{}, err
	}
	isAdmin := r.Caller.Admin(g.Workspace, g.Me) == nil
	oneself := g.Me.ID != "" && g.Target == g.Me.ID
	if !isAdmin && !oneself && g.Workspace.Directory != workspace.DirectoryMembers {
		return httpapi.Response{}, identity.ErrAdminRequired
	}
	u, err := g.User()
	if err != nil {
		return httpapi.Response{}, err
	}
	shown := httpapi.ShowUser(u, r.Now)
	if !isAdmin && !oneself {
		return shown.Response(http.StatusOK), nil
	}
	var box datakey.Box
	if len(u.SealedMetadata) > 0 {
		box, err = h.dataKeys.Open(ctx, g.Workspace)
		if err != nil {
			return httpapi.Response{}, err
		}
	}
	metadata, err := box.Metadata(u)
	return shown.With(metadata, "").Response(http.StatusOK), err
}

type membership struct {
	ID       string      `json:"id"`
	Slug     string      `json:"slug"`
	Name     string      `json:"name"`
	UserID   string      `json:"userId"`
	Role     user.Role   `json:"role"`
	Status   user.Status `json:"status"`
	JoinedAt *time.Time  `json:"joinedAt"`
	// ExpiresAt is set for a pending invitation.
	ExpiresAt *time.Time `json:"expiresAt"`
}

type memberships struct {
	Workspaces []membership `json:"workspaces"`
	NextCursor *string      `json:"nextCursor"`
}

// mine is the caller's workspaces, whatever their status there, but for those
// where another account holds the record: a reassigned mailbox is somebody else.
func (h handler) mine(ctx context.Context, r *httpapi.Request) (httpapi.Response, error) {
	if err := r.Caller.Person(); err != nil {
		return httpapi.Response{}, err
	}
	if err := unknown(r, "cursor").Err(); err != nil {
		return httpapi.Response{}, err
	}
	after, err := placeOf(r.Caller, r.Query["cursor"])
	if err != nil {
		return httpapi.Response{}, err
	}
	found, next, err := h.store.Memberships(ctx, user.EmailKey(r.Caller.Email), after)
	if err != nil {
		return httpapi.Response{}, err
	}
	out := memberships{Workspaces: []membership{}}
	for _, m := range found {
		u := m.User
		if m.Unreadable != nil || !u.MayBe(r.Caller.Subject) {
			continue
		}
		shown := membership{
			ID: m.Workspace.ID, Slug: m.Workspace.Slug, Name: m.Workspace.Name,
			UserID: u.ID, Role: u.Role, Status: u.StatusAt(r.Now),
		}
		if !u.ActivatedAt.IsZero() {
			shown.JoinedAt = &u.ActivatedAt
		}
		if shown.Status.Pending() {
			shown.ExpiresAt = &u.Invitation.ExpiresAt
		}
		out.Workspaces = append(out.Workspaces, shown)
	}
	if next != "" {
		cursor := placeCursor(r.Caller, next)
		out.NextCursor = &cursor
	}
	return httpapi.OK(out), nil
}

// A place in the list of a caller's workspaces is a workspace's id together
// with a check that ties it to the caller. There is no workspace here whose key
// could seal it, and none is needed: whatever somebody makes of a cursor, it
// leads to a place in their own list.
func placeCursor(c identity.Caller, workspaceID string) string {
	raw, _ := id.Bytes(workspace.IDPrefix, workspaceID, id.RandomBytes)
	check, _ := id.Bytes("", id.Hash("", "latchkey/place", user.EmailKey(c.Email), workspaceID), id.HashBytes)
	return base64.RawURLEncoding.EncodeToString(slices.Concat(raw, check[:8]))
}

func placeOf(c identity.Caller, cursor string) (workspaceID string, err error) {
	if cursor == "" {
		return "", nil
	}
	raw, err := base64.RawURLEncoding.DecodeString(cursor)
	if err != nil || len(raw) <= id.RandomBytes {
		return "", errCursor
	}
	workspaceID = id.FromBytes(workspace.IDPrefix, raw[:id.RandomBytes])
	if placeCursor(c, workspaceID) != cursor {
		return "", errCursor
	}
	return workspaceID, nil
}

// errCursor is for a cursor that is not ours, is another query's, or is old.
var errCursor = fault.Fields{{Pointer: "?cursor", Code: "invalid_cursor", Detail: "This cursor does not belong to this query, or is older than a day. Begin again without it."}}.Err()
