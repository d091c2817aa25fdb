package store

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/latchkey/latchkey/shared/awsenv"
	"github.com/latchkey/latchkey/shared/event"
)

// historyItem is one line of history. The table has it by user, the index
// byStatus by workspace and time, so that one item serves both questions.
type historyItem struct {
	primary
	StatusPK string   `dynamodbav:"statusPk"`
	StatusSK string   `dynamodbav:"statusSk"`
	Type     string   `dynamodbav:"type"`
	Actor    string   `dynamodbav:"actor"`
	At       string   `dynamodbav:"at"`
	Status   string   `dynamodbav:"status,omitempty"`
	Previous string   `dynamodbav:"previousStatus,omitempty"`
	Changed  []string `dynamodbav:"changed,omitempty"`
	Delivery string   `dynamodbav:"delivery,omitempty"`
	Reason   string   `dynamodbav:"deliveryReason,omitempty"`
	TTL      int64    `dynamodbav:"ttl"`
}

// historyBatch is how many items one BatchWriteItem takes.
const historyBatch = 25

// AppendHistory writes a line for each event, kept for so long. Writing an
// event again writes the same line.
func (s *Store) AppendHistory(ctx context.Context, events []event.Event, keep time.Duration) error {
	var requests []types.WriteRequest
	seen := map[string]bool{}
	for _, e := range events {
		if seen[e.ID] { // a batch may not name one item twice
			continue
		}
		seen[e.ID] = true
		key := historyKey(e.WorkspaceID, e.UserID, e.ID)
		item, err := attributevalue.MarshalMap(historyItem{
			primary:  primary{key.PK, key.SK, entityHistory},
			StatusPK: key.PK, StatusSK: e.ID,
			Type: e.Type, Actor: e.Actor, At: timeText(e.Time),
			Status: e.Status, Previous: e.PreviousStatus, Changed: e.Changed,
			Delivery: e.Delivery, Reason: e.DeliveryReason,
			TTL: e.Time.Add(keep).Unix(),
		})
		if err != nil {
			return err
		}
		requests = append(requests, types.WriteRequest{PutRequest: &types.PutRequest{Item: item}})
	}
	for try := 0; len(requests) > 0; try++ {
		n := min(len(requests), historyBatch)
		out, err := s.db.BatchWriteItem(ctx, &dynamodb.BatchWriteItemInput{
			RequestItems: map[string][]types.WriteRequest{s.table: requests[:n]},
		})
		if err != nil {
			return awsenv.Failure("append history", err)
		}
		left := out.UnprocessedItems[s.table]
		if len(left) > 0 {
			err := pause(ctx, jitter(try))
			if err != nil {
				return awsenv.Failure("append history", err)
			}
		}
		requests = append(left, requests[n:]...)
	}
	return nil
}
