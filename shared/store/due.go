package store

import (
	"context"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/latchkey/latchkey/shared/awsenv"
)

// Due is a pending user whose reminder or expiry is due.
type Due struct{ WorkspaceID, UserID string }

// DueUsers gives up to 100 users of one shard (0 to Shards-1) whose time has
// come, the longest overdue first. Handling them takes them out of the index,
// so asking again gives the next; but an index lags, so the cursor (nil at
// first) leads on past those that were seen.
func (s *Store) DueUsers(ctx context.Context, shard int, now time.Time, cursor Item) (due []Due, next Item, err error) {
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
		due = append(due, Due{
			WorkspaceID: strings.TrimPrefix(item["pk"].(*types.AttributeValueMemberS).Value, prefixWorkspace),
			UserID:      strings.TrimPrefix(item["sk"].(*types.AttributeValueMemberS).Value, prefixUser),
		})
	}
	return due, out.LastEvaluatedKey, nil
}
