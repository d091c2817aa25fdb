package store

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"golang.org/x/sync/errgroup"

	"github.com/latchkey/latchkey/shared/table"
	"github.com/latchkey/latchkey/shared/user"
)

// Backfilled says what Backfill wrote.
type Backfilled struct{ Users, Workspaces int }

// backfilling is how many users a backfill writes side by side.
const backfilling = 16

// Backfill gives the users of earlier releases the keys that lists by role and by
// group read, and then marks their workspaces, whose lists begin to use them. It
// reads the whole table, and may run at any time and more than once: changes that
// are made meanwhile count. What a release without these keys writes afterwards
// needs another run.
func (s *Store) Backfill(ctx context.Context) (done Backfilled, err error) {
	var workspaces []Key
	err = s.table.Scan(ctx, &dynamodb.ScanInput{
		FilterExpression:         aws.String("#entity IN (:user, :workspace)"),
		ExpressionAttributeNames: map[string]string{"#entity": "entity"},
		ExpressionAttributeValues: Item{
			":user": table.Text(entityUser), ":workspace": table.Text(entityWorkspace),
		},
		ConsistentRead: aws.Bool(true),
	}, func(items []Item) error {
		side, ctx := errgroup.WithContext(ctx)
		side.SetLimit(backfilling)
		var joins []Item
		for _, item := range items {
			if entityOf(item) == entityWorkspace {
				workspaces = append(workspaces, table.KeyOf(item))
				continue
			}
			u, err := userOfItem(item)
			if err != nil {
				return err
			}
			done.Users++
			for _, group := range u.Groups {
				joins = append(joins, joinWrite(u, group).Put)
			}
			if role := rolePartition(u.WorkspaceID, u.Role); table.TextOf(item, "rolePk") != role {
				side.Go(func() error { return s.fileUnderRole(ctx, u, role) })
			}
		}
		if err := s.table.PutAll(ctx, joins); err != nil {
			return err
		}
		return side.Wait()
	})
	if err != nil {
		return done, err
	}
	for _, key := range workspaces {
		_, gone, err := s.table.Apply(ctx, table.Write{
			Key: key, Update: table.Update{}.Set("indexed", &types.AttributeValueMemberBOOL{Value: true}), Condition: table.Exists("slug"), // not a tombstone
		})
		if err != nil {
			return done, err
		}
		done.Workspaces += count(!gone)
	}
	return done, nil
}

// fileUnderRole sets the key of a user's role. If the user has changed since they
// were read, that change has set it.
func (s *Store) fileUnderRole(ctx context.Context, u user.User, role string) error {
	_, _, err := s.table.Apply(ctx, table.Write{
		Key: userKey(u.WorkspaceID, u.ID), Update: table.Update{}.Set("rolePk", table.Text(role)), Condition: isVersion(u.Version),
	})
	return err
}
