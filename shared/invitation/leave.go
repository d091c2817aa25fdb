package invitation

import (
	"cmp"
	"context"
	"errors"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/latchkey/latchkey/shared/access"
	"github.com/latchkey/latchkey/shared/fault"
	"github.com/latchkey/latchkey/shared/id"
	"github.com/latchkey/latchkey/shared/store"
	"github.com/latchkey/latchkey/shared/user"
	"github.com/latchkey/latchkey/shared/workspace"
)

// Archive ends the access of the user of the path and kills their links, at
// once. The last active admin stays.
func (s Service) Archive(ctx context.Context, g access.Grant, now time.Time) (View, error) {
	k, err := s.keysFor(ctx, g, now)
	if err != nil {
		return View{}, err
	}
	u, err := s.archive(ctx, g.State, g.Actor, g.Target, now)
	if err != nil {
		return View{}, err
	}
	return k.view(u, now)
}

func (s Service) archive(ctx context.Context, st *store.State, actor, id string, now time.Time) (user.User, error) {
	stamp, err := access.Stamp(ctx, actor, now, s.Random)
	if err != nil {
		return user.User{}, err
	}
	return s.Store.ChangeUser(ctx, st, id, func(u user.User) (user.User, error) { return u.Archive(stamp) })
}

// LeaveWorkspace archives the caller at their own wish. An admin can restore
// them; the last active admin stays.
func (s Service) LeaveWorkspace(ctx context.Context, g access.Grant, subject string, now time.Time) error {
	stamp, err := g.Stamp(ctx, now, s.Random)
	if err != nil {
		return err
	}
	_, err = s.Store.ChangeUser(ctx, g.State, g.Me.ID, func(u user.User) (user.User, error) { return u.Leave(stamp, subject) })
	if errors.Is(err, user.ErrNotFound) { // erased a moment ago: no member any more
		return workspace.ErrNotFound
	}
	return err
}

// ArchiveAll archives many users, each as Archive would.
func (s Service) ArchiveAll(ctx context.Context, g access.Grant, ids []string, now time.Time) ([]Outcome, error) {
	return s.each(ctx, g, ids, Archived, func(ctx context.Context, st *store.State, id string) (user.User, error) {
		return s.archive(ctx, st, g.Actor, id, now)
	})
}

// sideBySide is how many users a batch changes at the same time.
const sideBySide = 8

// errTwice is the fault of an id that a batch names again.
var errTwice = fault.Fields{{Pointer: "", Code: "duplicate", Detail: "This id is named twice. The first one counts."}}.Err()

// each does something to every user that a batch names, in the workspace of the
// grant alone, some side by side. What a user's state forbids is their outcome;
// an error ends the batch. Each has a state to itself, with a part of the counts
// of its own choice.
func (s Service) each(ctx context.Context, g access.Grant, ids []string, done Kind, do func(context.Context, *store.State, string) (user.User, error)) ([]Outcome, error) {
	outcomes := make([]Outcome, len(ids))
	group, within := errgroup.WithContext(ctx)
	group.SetLimit(sideBySide)
	seen := map[string]bool{}
	for i, named := range ids {
		if seen[named] {
			outcomes[i] = Outcome{Kind: Refused, Reason: errTwice}
			continue
		}
		seen[named] = true
		if _, ok := id.Bytes(user.IDPrefix, named, id.HashBytes); !ok {
			outcomes[i] = Outcome{Kind: Refused, Reason: user.ErrNotFound}
			continue
		}
		group.Go(func() error {
			st, err := s.Store.Load(within, store.Want{Workspace: g.Workspace.ID, Users: []string{named}, Wishes: []string{named}, Counts: true, Inviter: g.Email})
			if err != nil {
				return err
			}
			u, err := do(within, st, named)
			if err != nil {
				outcomes[i], err = refusal(err)
				return err
			}
			outcomes[i] = Outcome{Kind: done, User: u}
			return nil
		})
	}
	return outcomes, group.Wait()
}

// Erase removes everything that names the user of the path, who is gone from the
// workspace or never came, the rows of imports included. The history keeps its
// lines, which hold ids alone.
func (s Service) Erase(ctx context.Context, g access.Grant, now time.Time) error {
	stamp, err := g.Stamp(ctx, now, s.Random)
	if err != nil {
		return err
	}
	erase := erasing{g.Target, stamp}
	if _, _, err := erase.decide(g.State); err != nil {
		return err
	}
	// Before the record goes: a repeat would not find the person any more.
	if err := s.forget(ctx, g.Workspace, g.Target); err != nil {
		return err
	}
	_, err = store.Decide(ctx, s.Store, g.State, erase.decide)
	return err
}

type erasing struct {
	id    string
	stamp user.Stamp
}

func (e erasing) decide(st *store.State) (store.Decision, user.Erased, error) {
	u, ok := st.Users[e.id]
	if !ok {
		return store.Decision{}, user.Erased{}, user.ErrNotFound
	}
	rest, err := u.Erase(e.stamp)
	if err != nil {
		return store.Decision{}, rest, err
	}
	return store.Decision{Erased: []store.Erasure{{Before: u, After: rest}}}, rest, nil
}

// Departed is a person archived in one of their workspaces.
type Departed struct {
	WorkspaceID, UserID string
	Outcome
}

// ArchiveAccount archives a person in every workspace where their email is, for
// backends that learn that somebody has left. The last active admin of a
// workspace stays there. Workspaces that an index does not show yet follow by the
// schedule within minutes. Deleted ones are left as well, and not named.
func (s Service) ArchiveAccount(ctx context.Context, actor, email string, now time.Time) ([]Departed, error) {
	leaving := store.Departure{EmailKey: user.EmailKey(email), Actor: actor, At: now}
	if err := s.Store.NoteDeparture(ctx, leaving); err != nil {
		return nil, err
	}
	return s.depart(ctx, leaving, now)
}

func (s Service) depart(ctx context.Context, d store.Departure, now time.Time) ([]Departed, error) {
	results := []Departed{}
	var left error // of a workspace that could not be left; the others are, all the same
	err := s.Store.EachRecord(ctx, d.EmailKey, func(m store.Membership) error {
		if m.Unreadable != nil {
			left = m.Unreadable
			return nil
		}
		one := Departed{m.Workspace.ID, m.User.ID, Outcome{Kind: Unchanged}}
		if m.User.Status != user.Archived && !m.User.UpdatedAt.After(d.At) {
			st, err := s.Store.Load(ctx, store.Want{Workspace: m.Workspace.ID, Users: []string{m.User.ID}, Counts: true})
			if err != nil {
				return err
			}
			one.Outcome = Outcome{Kind: Archived}
			if one.User, err = s.archive(ctx, st, d.Actor, m.User.ID, now); err != nil {
				if one.Outcome, err = refusal(err); err != nil {
					return err
				}
			}
		}
		if m.Workspace.Exists() {
			results = append(results, one)
		}
		return nil
	})
	return results, cmp.Or(err, left)
}
