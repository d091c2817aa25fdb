package store

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"golang.org/x/sync/errgroup"

	"github.com/latchkey/latchkey/shared/table"
	"github.com/latchkey/latchkey/shared/user"
)

// Lapsed returns the users of a workspace who hold a seat as pending although
// their time has passed, and which the schedule has not reached yet. It reads
// what is overdue in the whole deployment, which the schedule keeps small.
func (s *Store) Lapsed(ctx context.Context, workspaceID string, now time.Time) (*State, []string, error) {
	found := make([][]string, Shards)
	group, within := errgroup.WithContext(ctx)
	for shard := range Shards {
		group.Go(func() (err error) {
			found[shard], err = s.overdue(within, shard, workspaceID, now)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, nil, err
	}
	st, err := s.Load(ctx, Want{Workspace: workspaceID, Users: slices.Concat(found...), Counts: true})
	var lapsed []string
	for id, u := range st.Users {
		if u.Status.Pending() && u.StatusAt(now) == user.Expired {
			lapsed = append(lapsed, id)
		}
	}
	return st, lapsed, err
}

func (s *Store) overdue(ctx context.Context, shard int, workspaceID string, now time.Time) (ids []string, err error) {
	err = s.table.Pages(ctx, &dynamodb.QueryInput{
		IndexName:              aws.String("byDue"),
		KeyConditionExpression: aws.String("duePk = :shard AND dueSk <= :now"),
		FilterExpression:       aws.String("pk = :ws AND begins_with(sk, :user)"),
		ExpressionAttributeValues: Item{
			":shard": table.Text(shardName(shard)), ":now": table.Text(timeText(now)),
			":ws": table.Text(prefixWorkspace + workspaceID), ":user": table.Text(prefixUser),
		},
	}, func(items []Item) (bool, error) {
		for _, item := range items {
			ids = append(ids, strings.TrimPrefix(table.TextOf(item, "sk"), prefixUser))
		}
		return true, nil
	})
	return ids, err
}
