package access

import (
	"context"

	"golang.org/x/sync/errgroup"

	"github.com/latchkey/latchkey/shared/fault"
	"github.com/latchkey/latchkey/shared/httpapi"
	"github.com/latchkey/latchkey/shared/id"
	"github.com/latchkey/latchkey/shared/store"
	"github.com/latchkey/latchkey/shared/user"
)

// TargetUsers are the users of a batch: a result for each id, in order.
type TargetUsers struct {
	Results []httpapi.Result
	Found   map[string]user.User // by id
}

// Targets reads the users that a batch names, in the workspace of the grant
// alone. What is no user of it has failed already, and so has a repeated id.
func Targets(ctx context.Context, s *store.Store, g Grant, ids []string) (TargetUsers, error) {
	want := store.Want{Workspace: g.Workspace.ID}
	t := TargetUsers{Results: make([]httpapi.Result, len(ids))}
	for _, named := range ids {
		if _, ok := id.Bytes(user.IDPrefix, named, id.HashBytes); ok {
			want.Users = append(want.Users, named)
		}
	}
	snap, err := s.Load(ctx, want)
	t.Found = snap.Users
	seen := map[string]bool{}
	for i, named := range ids {
		r := &t.Results[i]
		r.ID = named
		switch {
		case seen[named]:
			r.Outcome, r.Errors = httpapi.Failed, fault.Fields{{Code: "duplicate", Detail: "This id is named twice; the first one counts."}}
		case t.Found[named].ID == "":
			_ = r.Fail(user.ErrNotFound) // a fault that a row may show
		}
		seen[named] = true
	}
	return t, err
}

// Each does something to every user that was found, so many side by side. What
// the user's own state forbids is their result; an error ends the batch.
func (t TargetUsers) Each(sideBySide int, do func(*httpapi.Result, user.User) error) error {
	var group errgroup.Group
	group.SetLimit(sideBySide)
	for i := range t.Results {
		r := &t.Results[i]
		if r.Outcome != "" {
			continue
		}
		group.Go(func() error {
			err := do(r, t.Found[r.ID])
			if err != nil {
				return r.Fail(err)
			}
			return nil
		})
	}
	return group.Wait()
}
