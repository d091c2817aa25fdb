package store

import (
	"context"
	"reflect"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/latchkey/latchkey/shared/awsenv"
	"github.com/latchkey/latchkey/shared/user"
	"github.com/latchkey/latchkey/shared/workspace"
)

// InsertWorkspace writes a workspace, its slug and, unless an operator makes
// it, its first admin, all or nothing. A slug in use is workspace.ErrSlugTaken.
func (s *Store) InsertWorkspace(ctx context.Context, w workspace.Workspace, founder *user.User) error {
	if founder != nil {
		w.Admins = 1
	}
	item, err := itemOfWorkspace(w)
	if err != nil {
		return err
	}
	key := slugKey(w.Slug)
	slug := Item{"pk": text(key.PK), "sk": text(key.SK), "entity": text(entitySlug), "workspace": text(w.ID)}
	items := []Item{slug, item}
	if founder != nil {
		item, err := itemOfUser(*founder)
		if err != nil {
			return err
		}
		items = append(items, item)
	}
	puts := make([]types.TransactWriteItem, len(items))
	for i, item := range items {
		puts[i].Put = &types.Put{TableName: &s.table, Item: item, ConditionExpression: aws.String("attribute_not_exists(pk)")}
	}
	_, err = s.db.TransactWriteItems(ctx, &dynamodb.TransactWriteItemsInput{TransactItems: puts})
	reasons := canceled(err)
	switch {
	case reasons == nil:
		return awsenv.Failure("insert a workspace", err)
	case aws.ToString(reasons[0].Code) == lost:
		return workspace.ErrSlugTaken
	}
	return awsenv.ErrBusy
}

// ChangeWorkspace applies a change of settings to w, which was read before,
// deciding it anew where somebody else was faster.
func (s *Store) ChangeWorkspace(ctx context.Context, w workspace.Workspace, change func(workspace.Workspace) (workspace.Workspace, error)) (workspace.Workspace, error) {
	for range attempts {
		next, err := change(w)
		if err != nil || next.Version == w.Version {
			return next, err
		}
		update, err := s.workspaceUpdate(w, next)
		if err != nil {
			return workspace.Workspace{}, err
		}
		err = s.update(ctx, update)
		old, lost := lostCondition(err)
		if !lost {
			return next, awsenv.Failure("change a workspace", err)
		}
		w, err = workspaceOfItem(old)
		if err != nil {
			return workspace.Workspace{}, err
		}
	}
	return workspace.Workspace{}, awsenv.ErrBusy
}

func (s *Store) workspaceUpdate(from, to workspace.Workspace) (*types.Update, error) {
	before, err := itemOfWorkspace(from)
	if err != nil {
		return nil, err
	}
	after, err := itemOfWorkspace(to)
	if err != nil {
		return nil, err
	}
	e := newExpression()
	for _, name := range slices.Sorted(keysOf(before, after)) {
		switch {
		case name == "admins": // counted by transactions, never set
		case after[name] == nil:
			e.remove(name)
		case !reflect.DeepEqual(before[name], after[name]):
			e.set(name, after[name])
		}
	}
	condition := e.name("version") + " = " + e.value(number(from.Version))
	return e.update(s.table, workspaceKey(from.ID), condition), nil
}

type groupItem struct {
	primary
	Name      string `dynamodbav:"name"`
	CreatedAt string `dynamodbav:"createdAt"`
}

func groupOfItem(item Item) workspace.Group {
	var in groupItem
	// A group item holds two texts: nothing in it can fail to be read.
	_ = attributevalue.UnmarshalMap(item, &in)
	return workspace.Group{ID: strings.TrimPrefix(in.SK, prefixGroup), Name: in.Name, CreatedAt: parseTime(in.CreatedAt)}
}

// PutGroup makes a group, or renames it; the time of its making stays.
func (s *Store) PutGroup(ctx context.Context, workspaceID string, g workspace.Group) (now workspace.Group, created bool, err error) {
	out, err := s.db.UpdateItem(ctx, &dynamodb.UpdateItemInput{
		TableName: &s.table, Key: groupKey(workspaceID, g.ID).item(),
		UpdateExpression:         aws.String("SET entity = :entity, #name = :name, createdAt = if_not_exists(createdAt, :now)"),
		ExpressionAttributeNames: map[string]string{"#name": "name"},
		ExpressionAttributeValues: Item{
			":entity": text(entityGroup), ":name": text(g.Name), ":now": text(timeText(g.CreatedAt)),
		},
		ReturnValues: types.ReturnValueAllNew,
	})
	if err != nil {
		return workspace.Group{}, false, awsenv.Failure("put a group", err)
	}
	now = groupOfItem(out.Attributes)
	return now, now.CreatedAt.Equal(g.CreatedAt), nil
}

// MaxGroups bounds how many groups are listed; a workspace has few.
const MaxGroups = 1000

// ListGroups gives the groups of a workspace, by id.
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
	groups := make([]workspace.Group, len(out.Items))
	for i, item := range out.Items {
		groups[i] = groupOfItem(item)
	}
	return groups, nil
}
