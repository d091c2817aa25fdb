package store

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"reflect"
	"slices"
	"time"

	"github.com/latchkey/latchkey/shared/table"
	"github.com/latchkey/latchkey/shared/user"
	"github.com/latchkey/latchkey/shared/workspace"
)

// Decision is what is to be written, all or nothing. The zero value writes
// nothing. What follows from it (counts, seats, the number of admins, mailboxes,
// recipients) is written by the same transaction and need not be named.
type Decision struct {
	Users     []UserChange
	Erased    []Erasure
	Workspace *WorkspaceChange
	// Recipients are wishes of people who have no record, by user id.
	Recipients map[string]user.Recipient
	// Asked is how many invitations or mails count against the day's limits of
	// the workspace and, where the state has one, of the inviter.
	Asked   int
	Limits  workspace.Limits
	Account string // the email of an account that appeared; "" for none
	Answer  *Answer
	Import  *ImportChange
	At      time.Time // when it is decided; needed with Asked, Account and Answer
	// Needs is what the decision turned out to rest on. What of it was not read
	// is read, and the decision made anew.
	Needs Want
}

// UserChange is a user as read and as they are to be. Before is zero for a new
// one.
type UserChange struct{ Before, After user.User }

// Erasure is a user as read, and their tombstone.
type Erasure struct {
	Before user.User
	After  user.Erased
}

// WorkspaceChange is a workspace as read and as it is to be.
type WorkspaceChange struct{ Before, After workspace.Workspace }

const (
	// eager is how many times in a row a decision is repeated at once; after
	// that it backs off.
	eager = 3
	// hopeless is how many times in a row the same conditions may fail on the
	// same items. Another writer changes an item, so a decision that meets the
	// same items again rests on something that cannot hold.
	hopeless = 12
)

// Decide makes a decision on a state and writes it, on condition that nothing
// it rests on has changed. Where something has, the state takes it in and decide
// is called again: of two callers racing for one transition exactly one wins,
// and the other decides on what the winner left. It goes on until the context
// ends, which returns awsenv.ErrBusy with nothing written. A condition that
// fails again and again although nothing changes is an internal error: the
// decision, or an item that it rests on, is broken.
//
// An error of decide ends it, and so do the store's own refusals:
// user.ErrLastAdmin, workspace.ErrSeatLimit, and workspace.ErrNotFound where the
// workspace was deleted meanwhile.
func Decide[T any](ctx context.Context, s *Store, st *State, decide func(*State) (Decision, T, error)) (T, error) {
	token := newToken()
	var stuck deadlock
	for try := 0; ; try++ {
		d, result, err := decide(st)
		var writes []table.Write
		var short bool
		if err == nil {
			writes, short, err = s.plan(st, d)
		}
		if short {
			d.Needs.AllCounts = true
		}
		read, failed := s.complete(ctx, st, d.Needs, err)
		switch {
		case failed != nil:
			return result, failed
		case read:
			continue
		case err != nil || len(writes) == 0:
			return result, err
		}
		writes, err = s.writeAhead(ctx, writes)
		if err != nil {
			return result, err
		}
		outcome, err := s.table.Transact(ctx, fmt.Sprintf("%s-%d", token, try), writes)
		if err != nil || outcome.Committed {
			return result, err
		}
		if err := stuck.note(writes, outcome.Lost); err != nil {
			return result, err
		}
		existed := st.Workspace.Exists()
		for i, item := range outcome.Lost {
			if err := st.absorb(writes[i].Key, item); err != nil {
				return result, err
			}
		}
		if existed && !st.Workspace.Exists() {
			return result, workspace.ErrNotFound
		}
		if len(outcome.Lost) == 0 || try >= eager {
			if err := table.Wait(ctx, try); err != nil {
				return result, err
			}
		}
	}
}

// writeAhead writes what a transaction has no room for, and returns the rest. Only
// joins can be that many, and plan puts them last. Whether a user is in a group
// is in their record, so a join whose transaction fails says nothing.
func (s *Store) writeAhead(ctx context.Context, writes []table.Write) ([]table.Write, error) {
	if len(writes) <= table.MaxWrites {
		return writes, nil
	}
	var joins []Item
	for _, w := range writes[table.MaxWrites:] {
		joins = append(joins, w.Put)
	}
	return writes[:table.MaxWrites], s.table.PutAll(ctx, joins)
}

// deadlock recognizes a decision that fails for the same reason each time.
type deadlock struct {
	lost  map[Key]Item
	times int // in a row
}

// note records which writes were lost to which items. It returns an error once
// they were the same hopeless times in a row. A transaction that lost no write
// collided with another one, which says nothing about the state.
func (d *deadlock) note(writes []table.Write, lost map[int]Item) error {
	if len(lost) == 0 {
		return nil
	}
	now := make(map[Key]Item, len(lost))
	for i, item := range lost {
		now[writes[i].Key] = item
	}
	if !reflect.DeepEqual(now, d.lost) {
		d.lost, d.times = now, 0
	}
	if d.times++; d.times < hopeless {
		return nil
	}
	keys := slices.SortedFunc(maps.Keys(now), func(a, b Key) int { return cmp.Or(cmp.Compare(a.PK, b.PK), cmp.Compare(a.SK, b.SK)) })
	return fmt.Errorf("store: the conditions on %v cannot hold: they failed %d times while nothing changed", keys, d.times)
}

// complete reads what a decision lacked: what it needs, and where it refused
// something on a guess, what it had guessed.
func (s *Store) complete(ctx context.Context, st *State, needs Want, refused error) (read bool, err error) {
	keys := st.keys(needs)
	if refused != nil {
		for _, key := range st.guessed {
			keys = append(keys, mailboxKey(key))
		}
	}
	keys = slices.DeleteFunc(keys, func(k Key) bool { return st.read[k] })
	if len(keys) == 0 {
		return false, nil
	}
	return true, s.fill(ctx, st, keys)
}

// newToken returns 32 characters that name one decision among all others.
func newToken() string { return fmt.Sprintf("%016x%016x", rand.Uint64(), rand.Uint64()) }

// changing is a transition of one user, for Decide.
type changing struct {
	id         string
	transition func(user.User) (user.User, error)
}

func (c changing) decide(st *State) (Decision, user.User, error) {
	u, ok := st.Users[c.id]
	if !ok {
		return Decision{}, u, user.ErrNotFound
	}
	next, err := c.transition(u)
	if err != nil || next.Version == u.Version {
		return Decision{}, next, err
	}
	return Decision{Users: []UserChange{{u, next}}}, next, nil
}

// ChangeUser makes a transition of a user of the state and writes it. One that
// returns its argument writes nothing; a user who is gone is user.ErrNotFound.
func (s *Store) ChangeUser(ctx context.Context, st *State, id string, transition func(user.User) (user.User, error)) (user.User, error) {
	return Decide(ctx, s, st, changing{id, transition}.decide)
}
