package store

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/latchkey/latchkey/shared/awsenv"
	"github.com/latchkey/latchkey/shared/user"
	"github.com/latchkey/latchkey/shared/workspace"
)

// InsertAccount makes it known that an email has an account; created is false
// if that was known. The item holds no address, only its key.
func (s *Store) InsertAccount(ctx context.Context, email string, now time.Time) (created bool, err error) {
	key := accountKey(user.EmailKey(email))
	_, err = s.db.PutItem(ctx, &dynamodb.PutItemInput{
		TableName: &s.table,
		Item: Item{
			"pk": text(key.PK), "sk": text(key.SK), "entity": text(entityAccount), "createdAt": text(timeText(now)),
		},
		ConditionExpression: aws.String("attribute_not_exists(pk)"),
	})
	if _, lost := lostCondition(err); lost {
		return false, nil
	}
	return err == nil, awsenv.Failure("insert an account", err)
}

// Membership is a user together with their workspace.
type Membership struct {
	User      user.User
	Workspace workspace.Workspace
}

// MaxMemberships bounds a page of Memberships.
const MaxMemberships = 50

// Memberships gives the workspaces that an email is in, with any status, in
// the order of their ids, beginning behind the workspace after ("": at the
// start). next is where the following page begins, "" at the end.
func (s *Store) Memberships(ctx context.Context, email, after string) (found []Membership, next string, err error) {
	emailKey := user.EmailKey(email)
	if after == "" {
		after = " " // sorts before every id
	}
	out, err := s.db.Query(ctx, &dynamodb.QueryInput{
		TableName: &s.table, IndexName: aws.String("byEmail"),
		KeyConditionExpression:    aws.String("emailPk = :email AND emailSk > :after"),
		ExpressionAttributeValues: Item{":email": text(emailKey), ":after": text(after)},
		Limit:                     aws.Int32(MaxMemberships),
	})
	if err != nil {
		return nil, "", awsenv.Failure("list memberships", err)
	}
	keys := make([]Item, 0, 2*len(out.Items))
	order := make([]string, 0, len(out.Items))
	for _, item := range out.Items {
		id := item["emailSk"].(*types.AttributeValueMemberS).Value
		order = append(order, id)
		keys = append(keys, Item{"pk": item["pk"], "sk": item["sk"]}, workspaceKey(id).item())
	}
	items, err := s.batchGet(ctx, keys, strongly)
	if err != nil {
		return nil, "", err
	}
	byWorkspace := map[string]*Membership{}
	for _, id := range order {
		byWorkspace[id] = &Membership{}
	}
	for _, item := range items {
		switch entityOf(item) {
		case entityUser:
			u, err := userOfItem(item)
			if err != nil {
				return nil, "", err
			}
			byWorkspace[u.WorkspaceID].User = u
		case entityWorkspace:
			w, err := workspaceOfItem(item)
			if err != nil {
				return nil, "", err
			}
			byWorkspace[w.ID].Workspace = w
		}
	}
	for _, id := range order {
		// The index may lag behind the table: what has gone is left out.
		if m := byWorkspace[id]; m.User.ID != "" && m.Workspace.ID != "" {
			found = append(found, *m)
		}
	}
	if out.LastEvaluatedKey != nil {
		next = order[len(order)-1]
	}
	return found, next, nil
}

// AccountAppeared makes it known that an email has an account, and turns its
// requested invitations into invited ones, in every workspace but the one that
// is excepted ("" for none). It may be repeated: what an index had not seen yet
// is caught the next time.
func (s *Store) AccountAppeared(ctx context.Context, email, except string, stamp func(workspaceID string) (user.Stamp, error), now time.Time) error {
	_, err := s.InsertAccount(ctx, email, now)
	if err != nil {
		return err
	}
	for after := ""; ; {
		found, next, err := s.Memberships(ctx, email, after)
		if err != nil {
			return err
		}
		for _, m := range found {
			if m.User.Status != user.Requested || m.Workspace.ID == except {
				continue
			}
			err := s.Promote(ctx, m.User, stamp)
			if err != nil {
				return err
			}
		}
		if next == "" {
			return nil
		}
		after = next
	}
}

// Promote turns a requested user into an invited one; whoever is anything else
// by now stays that.
func (s *Store) Promote(ctx context.Context, u user.User, stamp func(workspaceID string) (user.Stamp, error)) error {
	st, err := stamp(u.WorkspaceID)
	if err != nil {
		return err
	}
	_, err = s.ChangeUser(ctx, u, func(u user.User) (user.User, error) {
		next, _ := u.AccountAppeared(st)
		return next, nil
	})
	return err
}
