package main

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/latchkey/latchkey/shared/access"
	"github.com/latchkey/latchkey/shared/invitation"
	"github.com/latchkey/latchkey/shared/store"
	"github.com/latchkey/latchkey/shared/user"
	"github.com/latchkey/latchkey/shared/workspace"
)

type handler struct {
	invitations invitation.Service
	log         *slog.Logger
	now         func() time.Time
}

// tick is the schedule's event. Now stands in for the clock, so that a person at
// a laptop can see tomorrow today; the schedule itself leaves it out.
type tick struct {
	Now *time.Time `json:"now"`
}

// report is what a run did.
type report struct {
	Expired          int64 `json:"expired"`
	Reminded         int64 `json:"reminded"`
	Mailed           int64 `json:"mailed"` // scheduled mails that left
	GroupsDeleted    int64 `json:"groupsDeleted"`
	WorkspacesErased int64 `json:"workspacesErased"`
	ImportsRevived   int64 `json:"importsRevived"` // that had stalled
	Failed           int64 `json:"failed"`         // to be tried again by the next run
}

// deletionTime is how long one run works on a group that is being deleted, or
// a workspace that is being erased; the next run continues with the rest.
const deletionTime = time.Minute

// margin is kept of a run's time for the items that are under way.
const margin = 15 * time.Second

// stopOf returns when a run takes on nothing new.
func stopOf(ctx context.Context) time.Time {
	deadline, ok := ctx.Deadline()
	if !ok {
		return time.Now().Add(time.Hour)
	}
	return deadline.Add(-margin)
}

// handle works through what is due, longest overdue first: mails that waited for
// a limit leave in the order in which they were asked for. An item that fails
// stops no other; it is due still when the next run comes, like everything that
// this one does not get to.
func (h handler) handle(ctx context.Context, in tick) (report, error) {
	now := h.now()
	if in.Now != nil {
		now = *in.Now
	}
	now = now.UTC().Truncate(time.Millisecond)
	overdue, err := h.invitations.Store.ListDue(ctx, now)
	if err != nil {
		h.log.ErrorContext(ctx, "expire", "error", err)
		return report{}, err
	}
	var n counts
	stop := stopOf(ctx)
	stopped := func() bool { return ctx.Err() != nil || !time.Now().Before(stop) }
	lanes := newLanes(func(d store.Due) { h.work(ctx, d, now, &n) }, stopped)
	for !stopped() {
		due, ok, err := overdue.Next(ctx)
		if ok {
			lanes.add(due)
		}
		if err != nil { // the index could not be read on
			h.fail(ctx, due, err, &n)
			break
		}
		if !ok {
			break
		}
	}
	lanes.wait()
	done := n.report()
	h.log.InfoContext(ctx, "expire", "expired", done.Expired, "reminded", done.Reminded, "mailed", done.Mailed,
		"groupsDeleted", done.GroupsDeleted, "workspacesErased", done.WorkspacesErased, "importsRevived", done.ImportsRevived, "failed", done.Failed)
	return done, nil
}

func (h handler) fail(ctx context.Context, d store.Due, err error, n *counts) {
	n.failed.Add(1)
	h.log.ErrorContext(ctx, "expire item", "workspaceId", d.WorkspaceID, "userId", d.UserID, "error", err)
}

// work handles what is due for one item. What is due in a deleted workspace waits
// until the workspace is restored or erased; a run looks each one up once.
func (h handler) work(ctx context.Context, d store.Due, now time.Time, n *counts) {
	if n.isGone(d) {
		return
	}
	var what user.ChangeType
	var err error
	switch {
	case d.GroupID != "":
		err = h.deleteGroup(ctx, d, now, n)
	case d.ImportID != "":
		err = h.reviveImport(ctx, d, now, n)
	case d.Departed != "":
		err = h.invitations.Leave(ctx, d.Departed, now)
	case d.UserID != "":
		what, err = h.invitations.Fall(ctx, d.WorkspaceID, d.UserID, now)
	default:
		err = h.eraseWorkspace(ctx, d, now, n)
	}
	if errors.Is(err, workspace.ErrNotFound) {
		n.gone.Store(d.WorkspaceID, true)
		return
	}
	if err != nil {
		h.fail(ctx, d, err, n)
		return
	}
	switch what {
	case user.UserExpired:
		n.expired.Add(1)
	case user.UserReminded:
		n.reminded.Add(1)
	case user.MailDue:
		n.mailed.Add(1)
	}
}

func (h handler) reviveImport(ctx context.Context, d store.Due, now time.Time, n *counts) error {
	revived, err := h.invitations.ReviveImport(ctx, d.WorkspaceID, d.ImportID, now)
	if revived {
		n.imports.Add(1)
	}
	return err
}

func (h handler) eraseWorkspace(ctx context.Context, d store.Due, now time.Time, n *counts) error {
	erased, err := h.invitations.EraseWorkspace(ctx, d.WorkspaceID, now, h.now().Add(deletionTime), h.now)
	if erased {
		n.workspaces.Add(1)
	}
	return err
}

// deleteGroup finishes what deleteGroup of the API began: users who joined the
// group while it was being deleted leave it, and its id is free again.
func (h handler) deleteGroup(ctx context.Context, d store.Due, now time.Time, n *counts) error {
	stamp := func() (user.Stamp, error) { return access.Stamp(ctx, user.ActorSchedule, now, h.invitations.Random) }
	s := h.invitations.Store
	st, err := s.Load(ctx, store.Want{Workspace: d.WorkspaceID})
	if err == nil && !st.Workspace.Exists() {
		err = workspace.ErrNotFound
	}
	if err != nil {
		return err
	}
	done, err := s.EmptyGroup(ctx, d.WorkspaceID, d.GroupID, h.now().Add(deletionTime), h.now, stamp)
	if err != nil || !done {
		return err
	}
	n.groups.Add(1)
	return s.DropGroup(ctx, d.WorkspaceID, d.GroupID)
}
