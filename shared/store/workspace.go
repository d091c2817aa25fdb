package store

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/latchkey/latchkey/shared/table"
	"github.com/latchkey/latchkey/shared/user"
	"github.com/latchkey/latchkey/shared/workspace"
)

// InsertWorkspace writes a workspace, its slug and, unless an operator makes it,
// its first admin, all or nothing. A slug in use is workspace.ErrSlugTaken; more
// workspaces of the founder's account in one day than the limit allows are
// workspace.ErrTooMany.
func (s *Store) InsertWorkspace(ctx context.Context, w workspace.Workspace, founder *user.User, limit int) error {
	writes := workspaceWrites(w, founder)
	var key Key
	var made workspace.Day
	if founder != nil {
		key = workspacesKey(user.EmailKey(founder.Email))
		item, err := s.table.Get(ctx, key)
		if err != nil {
			return err
		}
		made = dayOfItem(item)
	}
	token := newToken()
	var stuck deadlock
	for try := 0; ; try++ {
		counted := writes
		if founder != nil {
			if made.On(w.CreatedAt) >= limit {
				return workspace.TooMany(w.CreatedAt)
			}
			counted = append(slices.Clip(writes), dayWrite(entityInviter, key, made, 1, limit, w.CreatedAt))
		}
		outcome, err := s.table.Transact(ctx, fmt.Sprintf("%s-%d", token, try), counted)
		if err != nil || outcome.Committed {
			return err
		}
		if _, taken := outcome.Lost[slugWrite]; taken {
			return workspace.ErrSlugTaken
		}
		if err := stuck.note(counted, outcome.Lost); err != nil {
			return err
		}
		if item, raced := outcome.Lost[len(writes)]; raced {
			made = dayOfItem(item)
		}
		if err := table.Wait(ctx, try); err != nil {
			return err
		}
	}
}

// slugWrite is the place of the slug among workspaceWrites.
const slugWrite = 0

func workspaceWrites(w workspace.Workspace, founder *user.User) []table.Write {
	w.Admins = count(founder != nil)
	w.Indexed = true
	key := slugKey(w.Slug)
	slug := Item{"pk": table.Text(key.PK), "sk": table.Text(key.SK), "entity": table.Text(entitySlug), "workspace": table.Text(w.ID)}
	writes := []table.Write{
		{Key: key, Put: slug, Condition: table.Missing("pk")},
		{Key: workspaceKey(w.ID), Put: itemOfWorkspace(w), Condition: table.Missing("pk")},
	}
	if founder == nil {
		return writes
	}
	p := planner{st: &State{id: w.ID}}
	change := tallyChange{counts: map[user.Status]int{founder.Status: 1}, seats: 1}
	return append(writes,
		table.Write{Key: userKey(w.ID, founder.ID), Put: itemOfUser(*founder), Condition: table.Missing("pk")},
		p.tallyWrite(rand.IntN(workspace.Parts), change, 0),
	)
}

// changingWorkspace is a change of a workspace, for Decide.
type changingWorkspace func(workspace.Workspace) (workspace.Workspace, error)

func (change changingWorkspace) decide(st *State) (Decision, workspace.Workspace, error) {
	if st.Workspace.ID == "" {
		return Decision{}, st.Workspace, workspace.ErrNotFound
	}
	next, err := change(st.Workspace)
	if err != nil || next.Version == st.Workspace.Version {
		return Decision{}, next, err
	}
	return Decision{Workspace: &WorkspaceChange{st.Workspace, next}}, next, nil
}

// ChangeWorkspace makes a change of the state's workspace and writes it. A seat
// limit below the seats in use is workspace.SeatsInUse.
func (s *Store) ChangeWorkspace(ctx context.Context, st *State, change func(workspace.Workspace) (workspace.Workspace, error)) (workspace.Workspace, error) {
	return Decide(ctx, s, st, changingWorkspace(change).decide)
}

// workspaceUpdate sets what differs between two states of a workspace, on
// condition that the stored state is the first of them. Admins are counted by
// the transactions that make or unmake them.
func workspaceUpdate(before, after workspace.Workspace) table.Write {
	was, is := itemOfWorkspace(before), itemOfWorkspace(after)
	delete(was, "admins")
	delete(is, "admins")
	return table.Write{Key: workspaceKey(before.ID), Update: difference(was, is), Condition: isVersion(before.Version)}
}

// EmptyWorkspace erases the contents of a workspace and its history, a megabyte of
// keys at a time. The workspace's own item stays, and so do people's wishes about
// its mail. If until is reached first, done is false, and the next call starts over
// and finds less to delete.
func (s *Store) EmptyWorkspace(ctx context.Context, workspaceID string, until time.Time, clock func() time.Time) (done bool, err error) {
	late := func() bool { return clock().After(until) }
	for _, partition := range []string{prefixWorkspace, prefixHistory} {
		err = s.table.Pages(ctx, &dynamodb.QueryInput{
			KeyConditionExpression:    aws.String("pk = :pk"),
			ProjectionExpression:      aws.String("pk, sk"),
			ExpressionAttributeValues: Item{":pk": table.Text(partition + workspaceID)},
			ConsistentRead:            aws.Bool(true),
		}, func(items []Item) (bool, error) {
			var keys []Key
			for _, item := range items {
				key := table.KeyOf(item)
				if key.SK != skWorkspace && !strings.HasPrefix(key.SK, prefixRecipient) {
					keys = append(keys, key)
				}
			}
			return !late(), s.table.DeleteAll(ctx, keys)
		})
		if err != nil || late() {
			return false, err
		}
	}
	return true, nil
}
