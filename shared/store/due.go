package store

import (
	"context"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/latchkey/latchkey/shared/awsenv"
)

// Due is a pending user whose reminder or expiry is due, or a group whose
// deletion is to be finished; the other id is empty.
type Due struct{ WorkspaceID, UserID, GroupID string }

// ListDue gives up to 100 of one shard (0 to Shards-1) whose time has come, the longest overdue first. Handling them takes them out of the index,
// so asking again gives the next; but an index lags, so the cursor (nil at
// first) leads on past those that were seen.
func (s *Store) ListDue(ctx context.Context, shard int, now time.Time, cursor Item) (due []Due, next Item, err error) {
	out, err := s.db.Query(ctx, &dynamodb.QueryInput{
		TableName: &s.table, IndexName: aws.String("byDue"),
		KeyConditionExpression:    aws.String("duePk = :shard AND dueSk <= :now"),
		ExpressionAttributeValues: Item{":shard": text(shardName(shard)), ":now": text(timeText(now))},
		Limit:                     aws.Int32(100),
		ExclusiveStartKey:         cursor,
	})
	if err != nil {
		return nil, nil, awsenv.Failure("list what is due", err)
	}
	for _, item := range out.Items {
		d := Due{WorkspaceID: strings.TrimPrefix(stringOf(item, "pk"), prefixWorkspace)}
		if group, ok := strings.CutPrefix(stringOf(item, "sk"), prefixGroup); ok {
			d.GroupID = group
		} else {
			d.UserID = strings.TrimPrefix(stringOf(item, "sk"), prefixUser)
		}
		due = append(due, d)
	}
	return due, out.LastEvaluatedKey, nil
}
