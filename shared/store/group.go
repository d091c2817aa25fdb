package store

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"golang.org/x/sync/errgroup"

	"github.com/latchkey/latchkey/shared/table"
	"github.com/latchkey/latchkey/shared/user"
	"github.com/latchkey/latchkey/shared/workspace"
)

func groupOfItem(item Item) (g workspace.Group, deleting bool) {
	return workspace.Group{
		ID:        strings.TrimPrefix(table.TextOf(item, "sk"), prefixGroup),
		Name:      table.TextOf(item, "name"),
		CreatedAt: parseTime(table.TextOf(item, "createdAt")),
	}, item["deleting"] != nil
}

// PutGroup makes a group or renames it; the time of its making stays. One that
// is being deleted is workspace.ErrGroupDeleting, and one more than a workspace
// may have is workspace.ErrTooManyGroups.
func (s *Store) PutGroup(ctx context.Context, workspaceID string, g workspace.Group) (now workspace.Group, created bool, err error) {
	err = s.changeGroup(ctx, workspaceID, g.ID, func(was workspace.Group, deleting bool) (w table.Write, more int, err error) {
		w.Key = groupKey(workspaceID, g.ID)
		switch {
		case deleting:
			return w, 0, workspace.ErrGroupDeleting
		case was.ID == "":
			now, created, more = g, true, 1
			w.Condition = table.Missing("pk")
		default:
			now, created = was, false
			w.Condition = table.Exists("pk").And(marked(false))
		}
		now.Name = g.Name
		w.Update = table.Update{}.Set("entity", table.Text(entityGroup)).Set("name", table.Text(now.Name)).
			Set("createdAt", timeValue(now.CreatedAt))
		return w, more, nil
	})
	if err != nil {
		return workspace.Group{}, false, err
	}
	return now, created, nil
}

// changeGroup writes what decide makes of a group as it is, in one transaction
// with the count of the workspace's groups where that changes by more. A group
// that does not exist is zero. If another writer was faster, it decides again.
func (s *Store) changeGroup(ctx context.Context, workspaceID, id string, decide func(g workspace.Group, deleting bool) (w table.Write, more int, err error)) error {
	token := newToken()
	for try := 0; ; try++ {
		item, err := s.table.Get(ctx, groupKey(workspaceID, id))
		if err != nil {
			return err
		}
		var g workspace.Group
		var deleting bool
		if item != nil {
			g, deleting = groupOfItem(item)
		}
		w, more, err := decide(g, deleting)
		if err != nil {
			return err
		}
		writes := []table.Write{w}
		if more != 0 {
			room := table.Exists("groups")
			if more > 0 {
				room = table.Is("groups", "<", table.Number(workspace.MaxGroups))
			}
			writes = append(writes, table.Write{Key: workspaceKey(workspaceID), Update: table.Update{}.Add("groups", more), Condition: room})
		}
		outcome, err := s.table.Transact(ctx, fmt.Sprintf("%s-%d", token, try), writes)
		if err != nil || outcome.Committed {
			return err
		}
		_, raced := outcome.Lost[0] // then the group may need no room by now
		if of, lost := outcome.Lost[1]; lost && !raced {
			switch _, counted := of["groups"]; {
			case of == nil:
				return workspace.ErrNotFound
			case counted:
				return workspace.ErrTooManyGroups
			}
			if err := s.countGroups(ctx, workspaceID); err != nil {
				return err
			}
		}
		if err := table.Wait(ctx, try); err != nil {
			return err
		}
	}
}

// countGroups begins to count the groups of a workspace, which is counted from
// its first group on; those of a workspace of an earlier release are counted
// here. Until the count is there nobody makes or deletes one, so it is exact.
func (s *Store) countGroups(ctx context.Context, workspaceID string) error {
	groups, err := s.ListGroups(ctx, workspaceID)
	if err != nil {
		return err
	}
	_, _, err = s.table.Apply(ctx, table.Write{
		Key: workspaceKey(workspaceID), Update: table.Update{}.Set("groups", table.Number(len(groups))),
		Condition: table.Exists("pk").And(table.Missing("groups")), // somebody else may have counted
	})
	return err
}

// ListGroups returns the groups of a workspace, by id, but for those that are
// being deleted.
func (s *Store) ListGroups(ctx context.Context, workspaceID string) ([]workspace.Group, error) {
	groups := []workspace.Group{}
	err := s.table.Pages(ctx, &dynamodb.QueryInput{
		KeyConditionExpression: aws.String("pk = :pk AND begins_with(sk, :group)"),
		ExpressionAttributeValues: Item{
			":pk": table.Text(prefixWorkspace + workspaceID), ":group": table.Text(prefixGroup),
		},
		ConsistentRead: aws.Bool(true),
	}, func(items []Item) (bool, error) {
		for _, item := range items {
			if g, deleting := groupOfItem(item); !deleting {
				groups = append(groups, g)
			}
		}
		return true, nil
	})
	return groups, err
}

// stragglers is how long after a deletion began a request that had read the
// group before may still put somebody into it: longer than any function runs.
const stragglers = time.Minute

// DeleteGroup marks a group, so that nobody joins it any more, and puts it on the
// schedule, which finishes what EmptyGroup leaves. A group that does not exist is
// workspace.ErrGroupNotFound; one that is marked already stays so.
func (s *Store) DeleteGroup(ctx context.Context, workspaceID, group string, now time.Time) error {
	hash := fnv.New32a()
	hash.Write([]byte(workspaceID + group))
	return s.changeGroup(ctx, workspaceID, group, func(g workspace.Group, deleting bool) (w table.Write, more int, err error) {
		switch {
		case g.ID == "":
			return w, 0, workspace.ErrGroupNotFound
		case !deleting:
			more = -1
		}
		return table.Write{
			Key: groupKey(workspaceID, group),
			Update: table.Update{}.Set("deleting", &types.AttributeValueMemberBOOL{Value: true}).
				SetOnce("duePk", table.Text(shardName(int(hash.Sum32()%Shards)))).
				SetOnce("dueSk", timeValue(now.Add(stragglers))),
			Condition: table.Exists("pk").And(marked(deleting)),
		}, more, nil
	})
}

// marked is the condition that a group is being deleted, or is not.
func marked(deleting bool) table.Condition {
	if deleting {
		return table.Exists("deleting")
	}
	return table.Missing("deleting")
}

// leaving is how many users leave a group side by side.
const leaving = 8

// EmptyGroup takes every user out of a group. It reads the whole workspace, a
// megabyte at a time; where until comes before its end, done is false, and the
// next call begins again and finds less to do. Users whom an index does not show
// yet are left to the next call as well.
func (s *Store) EmptyGroup(ctx context.Context, workspaceID, group string, until time.Time, clock func() time.Time, stamp func() (user.Stamp, error)) (done bool, err error) {
	late := func() bool { return clock().After(until) }
	err = s.table.Pages(ctx, &dynamodb.QueryInput{
		IndexName:                 aws.String("byStatus"),
		KeyConditionExpression:    aws.String("statusPk = :ws"),
		FilterExpression:          aws.String("contains(#groups, :group)"),
		ExpressionAttributeNames:  map[string]string{"#groups": "groups"},
		ExpressionAttributeValues: Item{":ws": table.Text(workspaceID), ":group": table.Text(group)},
	}, func(items []Item) (bool, error) {
		side, within := errgroup.WithContext(ctx)
		side.SetLimit(leaving)
		for _, item := range items {
			if late() {
				break
			}
			side.Go(func() error { return s.leaveGroup(within, item, group, stamp) })
		}
		err := side.Wait()
		return !late(), err
	})
	return err == nil && !late(), err
}

func (s *Store) leaveGroup(ctx context.Context, item Item, group string, stamp func() (user.Stamp, error)) error {
	u, err := userOfItem(item)
	if err != nil {
		return err
	}
	st, err := stamp()
	if err != nil {
		return err
	}
	state, err := s.Load(ctx, Want{Workspace: u.WorkspaceID, Users: []string{u.ID}})
	if err != nil {
		return err
	}
	_, err = s.ChangeUser(ctx, state, u.ID, func(u user.User) (user.User, error) { return u.LeaveGroup(st, group), nil })
	if errors.Is(err, user.ErrNotFound) { // erased in the meantime
		return nil
	}
	return err
}

// DropGroup ends a deletion: the id is free again. Another run may have done so.
func (s *Store) DropGroup(ctx context.Context, workspaceID, group string) error {
	_, _, err := s.table.Apply(ctx, table.Write{
		Key: groupKey(workspaceID, group), Delete: true, Condition: table.Exists("deleting"),
	})
	return err
}
