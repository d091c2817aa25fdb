package invitation

import (
	"context"
	"time"

	"github.com/latchkey/latchkey/shared/access"
	"github.com/latchkey/latchkey/shared/store"
	"github.com/latchkey/latchkey/shared/user"
	"github.com/latchkey/latchkey/shared/workspace"
)

// ChangeWorkspace changes settings of the grant's workspace. A lower seat limit
// counts invitations whose time has passed as free.
func (s Service) ChangeWorkspace(ctx context.Context, g access.Grant, p workspace.Patch, now time.Time) (workspace.Workspace, error) {
	stamp, err := g.Stamp(ctx, now, s.Random)
	if err != nil {
		return workspace.Workspace{}, err
	}
	return seated(ctx, s, g.State, now, patching{stamp, p}.decide)
}

type patching struct {
	stamp user.Stamp
	patch workspace.Patch
}

func (p patching) decide(st *store.State) (store.Decision, workspace.Workspace, error) {
	next, fields := st.Workspace.Apply(p.stamp, p.patch)
	if len(fields) > 0 || next.Version == st.Workspace.Version {
		return store.Decision{}, next, fields.Err()
	}
	return store.Decision{Workspace: &store.WorkspaceChange{Before: st.Workspace, After: next}}, next, nil
}

// DeleteWorkspace deletes the grant's workspace, which is then gone for everyone.
// Nothing in it changes, so restoring it is one write.
func (s Service) DeleteWorkspace(ctx context.Context, g access.Grant, now time.Time) (workspace.Workspace, error) {
	stamp, err := g.Stamp(ctx, now, s.Random)
	if err != nil {
		return workspace.Workspace{}, err
	}
	return s.Store.ChangeWorkspace(ctx, g.State, func(w workspace.Workspace) (workspace.Workspace, error) { return w.Delete(stamp), nil })
}

// RestoreWorkspace restores the deleted workspace of an operator's grant. It
// returns one that is not deleted unchanged.
func (s Service) RestoreWorkspace(ctx context.Context, g access.Grant, now time.Time) (workspace.Workspace, error) {
	stamp, err := g.Stamp(ctx, now, s.Random)
	if err != nil {
		return workspace.Workspace{}, err
	}
	return store.Decide(ctx, s.Store, g.State, func(st *store.State) (store.Decision, workspace.Workspace, error) {
		if st.Workspace.Exists() {
			return store.Decision{}, st.Workspace, nil
		}
		next, err := st.Deleted.Restore(stamp)
		return store.Decision{Workspace: &store.WorkspaceChange{Before: st.Deleted, After: next}}, next, err
	})
}

// EraseWorkspace erases a deleted workspace that can no longer be restored, and
// stops when until is reached. If it is killed, the next call continues. erased
// reports whether only the tombstone is left.
func (s Service) EraseWorkspace(ctx context.Context, workspaceID string, now, until time.Time, clock func() time.Time) (erased bool, err error) {
	st, err := s.Store.Load(ctx, store.Want{Workspace: workspaceID})
	if err != nil {
		return false, err
	}
	stamp, err := access.Stamp(ctx, user.ActorSchedule, now, s.Random)
	if err != nil {
		return false, err
	}
	w, err := s.advance(ctx, st, func(w workspace.Workspace) workspace.Workspace { return w.BeginErasure(now) })
	if err != nil || w.Stage != workspace.StageErasing && w.Stage != workspace.StageEmptied {
		return false, err // it was restored a moment ago
	}
	done, err := s.Store.EmptyWorkspace(ctx, workspaceID, until, clock)
	if err != nil || !done {
		return false, err
	}
	w, err = s.advance(ctx, st, func(w workspace.Workspace) workspace.Workspace { return w.Empty(stamp) })
	return err == nil && w.Stage == workspace.StageErased, err
}

// advance writes the next stage of the deletion and updates the state.
func (s Service) advance(ctx context.Context, st *store.State, next func(workspace.Workspace) workspace.Workspace) (workspace.Workspace, error) {
	w, err := store.Decide(ctx, s.Store, st, func(st *store.State) (store.Decision, workspace.Workspace, error) {
		w := next(st.Deleted)
		if w.Version == st.Deleted.Version {
			return store.Decision{}, w, nil
		}
		return store.Decision{Workspace: &store.WorkspaceChange{Before: st.Deleted, After: w}}, w, nil
	})
	if err == nil {
		st.Deleted = w
	}
	return w, err
}
