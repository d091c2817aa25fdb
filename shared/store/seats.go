package store

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"golang.org/x/sync/errgroup"

	"github.com/latchkey/latchkey/shared/awsenv"
	"github.com/latchkey/latchkey/shared/fault"
	"github.com/latchkey/latchkey/shared/user"
	"github.com/latchkey/latchkey/shared/workspace"
)

func seatless(err error) bool { return errors.Is(err, workspace.ErrSeatLimit) }

// FreeSeats persists what the clock has decided: it lapses the pending users
// of a workspace whose time has passed, without waiting for the schedule. It
// says how many seats that gave. What it reads is what is overdue in the whole
// deployment, which the schedule keeps small.
func (s *Store) FreeSeats(ctx context.Context, workspaceID string, now time.Time, stamp func() (user.Stamp, error)) (freed int, err error) {
	lapsed, err := s.lapsed(ctx, workspaceID, now)
	if err != nil {
		return 0, err
	}
	for _, u := range lapsed {
		st, err := stamp()
		if err != nil {
			return freed, err
		}
		_, err = s.ChangeUser(ctx, u, func(u user.User) (user.User, error) { return u.Expire(st) })
		var f *fault.Error
		switch {
		case err == nil:
			freed++
		case errors.As(err, &f) && (f.Kind == fault.Conflict || f.Kind == fault.NotFound): // somebody was faster
		default:
			return freed, err
		}
	}
	return freed, nil
}

// SeatsToFree is how many seats FreeSeats would give; it writes nothing.
func (s *Store) SeatsToFree(ctx context.Context, workspaceID string, now time.Time) (int, error) {
	lapsed, err := s.lapsed(ctx, workspaceID, now)
	return len(lapsed), err
}

// lapsed are the users of a workspace who hold a seat as pending, though their
// time has passed.
func (s *Store) lapsed(ctx context.Context, workspaceID string, now time.Time) (lapsed []user.User, err error) {
	found := make([][]string, Shards)
	group, within := errgroup.WithContext(ctx)
	for shard := range Shards {
		group.Go(func() (err error) {
			found[shard], err = s.overdue(within, shard, workspaceID, now)
			return err
		})
	}
	err = group.Wait()
	if err != nil {
		return nil, err
	}
	snap, err := s.Load(ctx, Want{Workspace: workspaceID, Users: slices.Concat(found...)})
	for _, u := range snap.Users {
		if u.Status.Pending() && u.StatusAt(now) == user.Expired {
			lapsed = append(lapsed, u)
		}
	}
	return lapsed, err
}

func (s *Store) overdue(ctx context.Context, shard int, workspaceID string, now time.Time) (ids []string, err error) {
	pages := dynamodb.NewQueryPaginator(s.db, &dynamodb.QueryInput{
		TableName: &s.table, IndexName: aws.String("byDue"),
		KeyConditionExpression: aws.String("duePk = :shard AND dueSk <= :now"),
		FilterExpression:       aws.String("pk = :ws AND begins_with(sk, :user)"),
		ExpressionAttributeValues: Item{
			":shard": text(shardName(shard)), ":now": text(timeText(now)),
			":ws": text(prefixWorkspace + workspaceID), ":user": text(prefixUser),
		},
	})
	for pages.HasMorePages() {
		out, err := pages.NextPage(ctx)
		if err != nil {
			return nil, awsenv.Failure("list what is overdue", err)
		}
		for _, item := range out.Items {
			ids = append(ids, strings.TrimPrefix(stringOf(item, "sk"), prefixUser))
		}
	}
	return ids, nil
}
