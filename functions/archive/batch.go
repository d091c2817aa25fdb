package main

import (
	"context"
	"time"

	"github.com/latchkey/latchkey/shared/access"
	"github.com/latchkey/latchkey/shared/fault"
	"github.com/latchkey/latchkey/shared/httpapi"
	"github.com/latchkey/latchkey/shared/identity"
	"github.com/latchkey/latchkey/shared/invitation"
	"github.com/latchkey/latchkey/shared/store"
	"github.com/latchkey/latchkey/shared/user"
)

// archiveMany archives up to 100 users, each as archive would.
func (h handler) archiveMany(ctx context.Context, r *httpapi.Request) (httpapi.Response, error) {
	g, ids, _, err := h.batch(ctx, r, func(*httpapi.Object) invitation.Again { return invitation.Again{} })
	if err != nil {
		return httpapi.Response{}, err
	}
	outcomes, err := h.invitations.ArchiveAll(ctx, g, ids, r.Now)
	return results(ids, outcomes, err, r.Now)
}

// restoreMany restores up to 100 users, each as restore would.
func (h handler) restoreMany(ctx context.Context, r *httpapi.Request) (httpapi.Response, error) {
	g, ids, how, err := h.batch(ctx, r, readRestore)
	if err != nil {
		return httpapi.Response{}, err
	}
	outcomes, err := h.invitations.RestoreAll(ctx, g, ids, how, r.Now)
	return results(ids, outcomes, err, r.Now)
}

func (h handler) batch(ctx context.Context, r *httpapi.Request, read func(*httpapi.Object) invitation.Again) (access.Grant, []string, invitation.Again, error) {
	g, err := access.Admin(ctx, h.invitations.Store, r, store.Want{})
	if err != nil {
		return g, nil, invitation.Again{}, err
	}
	in, err := r.Object()
	if err != nil {
		return g, nil, invitation.Again{}, err
	}
	ids, how := in.IDs("users"), read(in)
	return g, ids, how, in.Err()
}

func results(ids []string, outcomes []invitation.Outcome, err error, now time.Time) (httpapi.Response, error) {
	if err != nil {
		return httpapi.Response{}, err
	}
	out := make([]httpapi.Result, len(ids))
	for i, o := range outcomes {
		out[i] = httpapi.Result{ID: ids[i]}.Of(string(o.Kind), o.User, o.Reason, now)
	}
	return httpapi.OK(map[string]any{"results": out}), nil
}

// archiveAccount archives a person in every workspace where their email is.
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
	departed, err := h.invitations.ArchiveAccount(ctx, r.Caller.Actor(""), email, r.Now)
	if err != nil {
		return httpapi.Response{}, err
	}
	out := make([]httpapi.Result, len(departed))
	for i, d := range departed {
		out[i] = httpapi.Result{WorkspaceID: d.WorkspaceID, ID: d.UserID}.Of(string(d.Kind), user.User{}, d.Reason, r.Now)
	}
	return httpapi.OK(map[string]any{"results": out}), nil
}
