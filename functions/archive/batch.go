package main

import (
	"context"

	"github.com/latchkey/latchkey/shared/access"
	"github.com/latchkey/latchkey/shared/fault"
	"github.com/latchkey/latchkey/shared/httpapi"
	"github.com/latchkey/latchkey/shared/identity"
	"github.com/latchkey/latchkey/shared/store"
	"github.com/latchkey/latchkey/shared/user"
)

// The outcomes of rows, beside httpapi.Failed.
const (
	outcomeArchived  = "archived"
	outcomeRestored  = "restored"
	outcomeUnchanged = "unchanged"
)

// sideBySide is how many users a batch changes at the same time.
const sideBySide = 8

// archiveMany archives up to 100 users, each as archiveUser would. Of the
// active admins among them, the last one stays.
func (h handler) archiveMany(ctx context.Context, r *httpapi.Request) (httpapi.Response, error) {
	g, targets, _, err := h.targets(ctx, r, func(*httpapi.Object) restoring { return restoring{} })
	if err != nil {
		return httpapi.Response{}, err
	}
	err = targets.Each(sideBySide, func(result *httpapi.Result, u user.User) error {
		u, err := h.archiveUser(ctx, g, u, r.Now)
		return done(result, outcomeArchived, u, err, r)
	})
	return httpapi.OK(map[string]any{"results": targets.Results}), err
}

// restoreMany restores up to 100 users, each as restoreUser would.
func (h handler) restoreMany(ctx context.Context, r *httpapi.Request) (httpapi.Response, error) {
	g, targets, how, err := h.targets(ctx, r, readRestore)
	if err != nil {
		return httpapi.Response{}, err
	}
	want := store.Want{}
	for _, u := range targets.Found {
		if how.invites(u) {
			want.Emails = append(want.Emails, u.Email)
		}
	}
	known, err := h.store.Load(ctx, want)
	if err != nil {
		return httpapi.Response{}, err
	}
	err = targets.Each(sideBySide, func(result *httpapi.Result, u user.User) error {
		u, err := h.restoreUser(ctx, g, u, how, known.Accounts[user.EmailKey(u.Email)], r.Now)
		return done(result, outcomeRestored, u, err, r)
	})
	return httpapi.OK(map[string]any{"results": targets.Results}), err
}

func done(result *httpapi.Result, outcome string, u user.User, err error, r *httpapi.Request) error {
	if err != nil {
		return err
	}
	result.Outcome = outcome
	shown := httpapi.ShowUser(u, r.Now)
	result.User = &shown
	return nil
}

func (h handler) targets(ctx context.Context, r *httpapi.Request, read func(*httpapi.Object) restoring) (g access.Grant, t access.TargetUsers, how restoring, err error) {
	g, err = access.Admin(ctx, h.store, r, store.Want{})
	if err != nil {
		return g, t, how, err
	}
	in, err := r.Object()
	if err != nil {
		return g, t, how, err
	}
	ids := in.IDs("users")
	how = read(in)
	if err := in.Err(); err != nil {
		return g, t, how, err
	}
	t, err = access.Targets(ctx, h.store, g, ids)
	return g, t, how, err
}

// archiveAccount archives a person in every workspace where their email is:
// for backends that learn that somebody has left. The last active admin of a
// workspace stays there.
func (h handler) archiveAccount(ctx context.Context, r *httpapi.Request) (httpapi.Response, error) {
	if !r.Caller.Operator {
		return httpapi.Response{}, identity.ErrOperatorsOnly
	}
	in, err := r.Object()
	if err != nil {
		return httpapi.Response{}, err
	}
	email := in.String("email")
	var fields fault.Fields
	user.CheckEmail(&fields, email)
	in.Merge(fields)
	if err := in.Err(); err != nil {
		return httpapi.Response{}, err
	}
	results := []httpapi.Result{}
	for after := ""; ; {
		found, next, err := h.store.Memberships(ctx, email, after)
		if err != nil {
			return httpapi.Response{}, err
		}
		for _, m := range found {
			result, err := h.archiveMembership(ctx, m, r)
			if err != nil {
				return httpapi.Response{}, err
			}
			results = append(results, result)
		}
		if next == "" {
			return httpapi.OK(map[string]any{"results": results}), nil
		}
		after = next
	}
}

func (h handler) archiveMembership(ctx context.Context, m store.Membership, r *httpapi.Request) (httpapi.Result, error) {
	result := httpapi.Result{WorkspaceID: m.Workspace.ID, ID: m.User.ID, Outcome: outcomeArchived}
	if m.User.Status == user.Archived {
		result.Outcome = outcomeUnchanged
		return result, nil
	}
	stamp, err := access.Stamp(r.Caller.Actor(m.Workspace.ID), r.Now, h.random)
	if err != nil {
		return result, err
	}
	_, err = h.store.ChangeUser(ctx, m.User, func(u user.User) (user.User, error) { return u.Archive(stamp) })
	if err != nil {
		err = result.Fail(err)
	}
	return result, err
}
