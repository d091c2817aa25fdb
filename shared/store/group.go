package store

import (
	"context"
	"errors"
	"hash/fnv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/expression"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"golang.org/x/sync/errgroup"

	"github.com/latchkey/latchkey/shared/table"
	"github.com/latchkey/latchkey/shared/user"
	"github.com/latchkey/latchkey/shared/workspace"
)

type groupItem struct {
	primary
	Name      string `dynamodbav:"name"`
	CreatedAt string `dynamodbav:"createdAt"`
	Deleting  bool   `dynamodbav:"deleting,omitempty"`
}

func groupOfItem(item Item) (g workspace.Group, deleting bool) {
	var in groupItem
	// A group item holds texts and a flag: nothing in it can fail to be read.
	_ = attributevalue.UnmarshalMap(item, &in)
	return workspace.Group{ID: strings.TrimPrefix(in.SK, prefixGroup), Name: in.Name, CreatedAt: parseTime(in.CreatedAt)}, in.Deleting
}

// PutGroup makes a group or renames it; the time of its making stays. One that
// is being deleted is workspace.ErrGroupDeleting.
func (s *Store) PutGroup(ctx context.Context, workspaceID string, g workspace.Group) (now workspace.Group, created bool, err error) {
	now, err = s.group(ctx, workspaceID, g.ID)
	if err != nil {
		return now, false, err
	}
	created = now.ID == ""
	if created {
		now = g
	}
	now.Name = g.Name
	_, lost, err := s.table.Apply(ctx, table.Write{
		Key: groupKey(workspaceID, g.ID),
		Update: expression.Set(name("entity"), value(entityGroup)).Set(name("name"), value(g.Name)).
			Set(name("createdAt"), expression.IfNotExists(name("createdAt"), value(timeText(g.CreatedAt)))),
		Condition: missing("deleting"),
	})
	if lost {
		return workspace.Group{}, false, workspace.ErrGroupDeleting
	}
	return now, created, err
}

// group reads a group; one that does not exist is zero.
func (s *Store) group(ctx context.Context, workspaceID, id string) (workspace.Group, error) {
	item, err := s.table.Get(ctx, groupKey(workspaceID, id))
	if err != nil || item == nil {
		return workspace.Group{}, err
	}
	g, _ := groupOfItem(item)
	return g, nil
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
	_, lost, err := s.table.Apply(ctx, table.Write{
		Key: groupKey(workspaceID, group),
		Update: expression.Set(name("deleting"), value(true)).
			Set(name("duePk"), expression.IfNotExists(name("duePk"), value(shardName(int(hash.Sum32()%Shards))))).
			Set(name("dueSk"), expression.IfNotExists(name("dueSk"), value(timeText(now.Add(stragglers))))),
		Condition: expression.AttributeExists(name("pk")),
	})
	if lost {
		return workspace.ErrGroupNotFound
	}
	return err
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
		Key: groupKey(workspaceID, group), Delete: true, Condition: expression.AttributeExists(name("deleting")),
	})
	return err
}
