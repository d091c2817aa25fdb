package store

import (
	"context"
	"hash/fnv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"golang.org/x/sync/errgroup"

	"github.com/latchkey/latchkey/shared/awsenv"
	"github.com/latchkey/latchkey/shared/fault"
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

// PutGroup makes a group, or renames it; the time of its making stays. One
// that is being deleted is workspace.ErrGroupDeleting.
func (s *Store) PutGroup(ctx context.Context, workspaceID string, g workspace.Group) (now workspace.Group, created bool, err error) {
	out, err := s.db.UpdateItem(ctx, &dynamodb.UpdateItemInput{
		TableName: &s.table, Key: groupKey(workspaceID, g.ID).item(),
		UpdateExpression:         aws.String("SET entity = :entity, #name = :name, createdAt = if_not_exists(createdAt, :now)"),
		ConditionExpression:      aws.String("attribute_not_exists(deleting)"),
		ExpressionAttributeNames: map[string]string{"#name": "name"},
		ExpressionAttributeValues: Item{
			":entity": text(entityGroup), ":name": text(g.Name), ":now": text(timeText(g.CreatedAt)),
		},
		ReturnValues: types.ReturnValueAllNew,
	})
	if _, lost := lostCondition(err); lost {
		return workspace.Group{}, false, workspace.ErrGroupDeleting
	}
	if err != nil {
		return workspace.Group{}, false, awsenv.Failure("put a group", err)
	}
	now, _ = groupOfItem(out.Attributes)
	return now, now.CreatedAt.Equal(g.CreatedAt), nil
}

// MaxGroups bounds how many groups are listed; a workspace has few.
const MaxGroups = 1000

// ListGroups gives the groups of a workspace, by id, but for those that are
// being deleted.
func (s *Store) ListGroups(ctx context.Context, workspaceID string) ([]workspace.Group, error) {
	out, err := s.db.Query(ctx, &dynamodb.QueryInput{
		TableName:              &s.table,
		KeyConditionExpression: aws.String("pk = :pk AND begins_with(sk, :group)"),
		ExpressionAttributeValues: Item{
			":pk": text(prefixWorkspace + workspaceID), ":group": text(prefixGroup),
		},
		Limit: aws.Int32(MaxGroups), ConsistentRead: aws.Bool(true),
	})
	if err != nil {
		return nil, awsenv.Failure("list groups", err)
	}
	groups := []workspace.Group{}
	for _, item := range out.Items {
		if g, deleting := groupOfItem(item); !deleting {
			groups = append(groups, g)
		}
	}
	return groups, nil
}

// stragglers is how long after a deletion began a request that had read the
// group before may still put somebody into it: longer than any function runs.
const stragglers = time.Minute

// DeleteGroup marks a group, so that nobody is put into it any more, and puts
// it on the schedule, which ends what EmptyGroup leaves. A group that is
// not there is workspace.ErrGroupNotFound; one that is marked already stays so.
func (s *Store) DeleteGroup(ctx context.Context, workspaceID, group string, now time.Time) error {
	hash := fnv.New32a()
	hash.Write([]byte(workspaceID + group))
	_, err := s.db.UpdateItem(ctx, &dynamodb.UpdateItemInput{
		TableName: &s.table, Key: groupKey(workspaceID, group).item(),
		UpdateExpression:    aws.String("SET deleting = :true, duePk = if_not_exists(duePk, :shard), dueSk = if_not_exists(dueSk, :at)"),
		ConditionExpression: aws.String("attribute_exists(pk)"),
		ExpressionAttributeValues: Item{
			":true":  &types.AttributeValueMemberBOOL{Value: true},
			":shard": text(shardName(int(hash.Sum32() % Shards))), ":at": text(timeText(now.Add(stragglers))),
		},
	})
	if _, lost := lostCondition(err); lost {
		return workspace.ErrGroupNotFound
	}
	return awsenv.Failure("delete a group", err)
}

// leaving is how many users leave a group side by side.
const leaving = 8

// EmptyGroup takes every user out of a group. It reads the whole workspace, a
// megabyte at a time; where until comes before its end, done is false, and
// the next call begins again and finds less to do. What an index has not seen
// yet is left to the next call as well.
func (s *Store) EmptyGroup(ctx context.Context, workspaceID, group string, until time.Time, clock func() time.Time, stamp func() (user.Stamp, error)) (done bool, err error) {
	pages := dynamodb.NewQueryPaginator(s.db, &dynamodb.QueryInput{
		TableName: &s.table, IndexName: aws.String("byStatus"),
		KeyConditionExpression:    aws.String("statusPk = :ws"),
		FilterExpression:          aws.String("contains(#groups, :group)"),
		ExpressionAttributeNames:  map[string]string{"#groups": "groups"},
		ExpressionAttributeValues: Item{":ws": text(workspaceID), ":group": text(group)},
	})
	for pages.HasMorePages() {
		out, err := pages.NextPage(ctx)
		if err != nil {
			return false, awsenv.Failure("list the users of a group", err)
		}
		side, within := errgroup.WithContext(ctx)
		side.SetLimit(leaving)
		for _, item := range out.Items {
			if clock().After(until) {
				break
			}
			side.Go(func() error { return s.leaveGroup(within, item, group, stamp) })
		}
		if err := side.Wait(); err != nil {
			return false, err
		}
		if clock().After(until) {
			return false, nil
		}
	}
	return true, nil
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
	_, err = s.ChangeUser(ctx, u, func(u user.User) (user.User, error) { return u.LeaveGroup(st, group), nil })
	if fault.Code(err) == user.ErrNotFound.Code { // erased in the meantime
		return nil
	}
	return err
}

// DropGroup ends a deletion: the id is free again.
func (s *Store) DropGroup(ctx context.Context, workspaceID, group string) error {
	_, err := s.db.DeleteItem(ctx, &dynamodb.DeleteItemInput{
		TableName: &s.table, Key: groupKey(workspaceID, group).item(),
		ConditionExpression: aws.String("attribute_exists(deleting)"),
	})
	if _, lost := lostCondition(err); lost { // another run was faster
		return nil
	}
	return awsenv.Failure("drop a group", err)
}
