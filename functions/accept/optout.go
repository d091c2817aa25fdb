package main

import (
	"context"
	"net/http"
	"strings"

	"github.com/latchkey/latchkey/shared/access"
	"github.com/latchkey/latchkey/shared/httpapi"
	"github.com/latchkey/latchkey/shared/store"
	"github.com/latchkey/latchkey/shared/user"
	"github.com/latchkey/latchkey/shared/workspace"
)

// actorReports is who pauses a workspace's invitations.
const actorReports = "reports"

// mailed is whom a mail went to: whoever has a link of theirs, however old,
// may refuse further mail or report it. What they may not is join with it.
func (h handler) mailed(ctx context.Context, r *httpapi.Request) (invitation, error) {
	keys, err := h.links.Keys(ctx, r.Now)
	if err != nil {
		return invitation{}, err
	}
	named, err := keys.Verify(r.Params["token"])
	if err != nil {
		return invitation{}, errNoInvitation
	}
	snap, err := h.store.Load(ctx, store.Want{Workspace: named.WorkspaceID, Users: []string{named.UserID}})
	if err != nil {
		return invitation{}, err
	}
	u, ok := snap.Users[named.UserID]
	if !ok || snap.Workspace.ID == "" || named.Generation > u.Invitation.Generation {
		return invitation{}, errNoInvitation
	}
	return invitation{workspace: snap.Workspace, user: u}, nil
}

// askUnsubscribe and askReport show a page with one button: mail scanners
// follow links, so a GET changes nothing.
func (h handler) askUnsubscribe(ctx context.Context, r *httpapi.Request) (httpapi.Response, error) {
	inv, err := h.mailed(ctx, r)
	if err != nil {
		return httpapi.Response{}, err
	}
	t := wordsFor(inv.user.Invitation.Locale)
	return page(t, t.unsubscribe, inv.workspace.Name, false), nil
}

func (h handler) askReport(ctx context.Context, r *httpapi.Request) (httpapi.Response, error) {
	inv, err := h.mailed(ctx, r)
	if err != nil {
		return httpapi.Response{}, err
	}
	t := wordsFor(inv.user.Invitation.Locale)
	return page(t, t.report, inv.workspace.Name, false), nil
}

// unsubscribe ends mail from the workspace to this person for good. A mail
// client calls it without a page, by the header List-Unsubscribe (RFC 8058).
func (h handler) unsubscribe(ctx context.Context, r *httpapi.Request) (httpapi.Response, error) {
	inv, err := h.mailed(ctx, r)
	if err != nil {
		return httpapi.Response{}, err
	}
	stamp, err := access.Stamp(inv.user.ID, r.Now, h.random)
	if err != nil {
		return httpapi.Response{}, err
	}
	_, err = h.store.ChangeUser(ctx, inv.user, func(u user.User) (user.User, error) { return u.Unsubscribe(stamp), nil })
	if err != nil {
		return httpapi.Response{}, err
	}
	t := wordsFor(inv.user.Invitation.Locale)
	return done(r, page(t, t.unsubscribe, inv.workspace.Name, true)), nil
}

// report counts an invitation that was called abuse. At the deployment's
// threshold the workspace's invitations are paused, until an operator lets
// them go on.
func (h handler) report(ctx context.Context, r *httpapi.Request) (httpapi.Response, error) {
	inv, err := h.mailed(ctx, r)
	if err != nil {
		return httpapi.Response{}, err
	}
	stamp, err := access.Stamp(inv.user.ID, r.Now, h.random)
	if err != nil {
		return httpapi.Response{}, err
	}
	reports, err := h.store.ReportInvitation(ctx, inv.user, stamp)
	if err != nil {
		return httpapi.Response{}, err
	}
	if reports >= h.threshold && !inv.workspace.Paused {
		err := h.pause(ctx, inv.workspace, r)
		if err != nil {
			return httpapi.Response{}, err
		}
	}
	t := wordsFor(inv.user.Invitation.Locale)
	return done(r, page(t, t.report, inv.workspace.Name, true)), nil
}

func (h handler) pause(ctx context.Context, w workspace.Workspace, r *httpapi.Request) error {
	stamp, err := access.Stamp(actorReports, r.Now, h.random)
	if err != nil {
		return err
	}
	paused := true
	w, err = h.store.ChangeWorkspace(ctx, w, func(w workspace.Workspace) (workspace.Workspace, error) {
		next, _ := w.Apply(stamp, workspace.Patch{Paused: &paused})
		return next, nil
	})
	if err == nil && w.Last.ID == stamp.ID {
		h.log.WarnContext(ctx, "abuse", "outcome", "paused", "workspaceId", w.ID)
	}
	return err
}

// done answers a browser with the page, and a program with nothing.
func done(r *httpapi.Request, page httpapi.Response) httpapi.Response {
	if strings.Contains(r.Header["accept"], "text/html") {
		return page
	}
	return httpapi.Response{Status: http.StatusNoContent}
}
