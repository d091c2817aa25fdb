package stream

import (
	"encoding/json"
	"time"

	"github.com/latchkey/latchkey/infra/local/messaging"
)

// giveUp tells the on-failure queue of records that are left out. As at AWS it
// is told where they are, and not what they hold.
// https://docs.aws.amazon.com/lambda/latest/dg/services-dynamodb-errors.html
func (s *Source) giveUp(at place, batch []record, condition string, tries int) {
	s.cfg.Log.Error("stream", "function", s.cfg.Function, "outcome", "given up", "condition", condition, "records", len(batch))
	if s.cfg.Source.OnFailure == "" || s.cfg.Queues == nil {
		return
	}
	first, last := batch[0], batch[len(batch)-1]
	message, err := json.Marshal(map[string]any{
		"requestContext": map[string]any{
			"requestId": messaging.NewID(), "functionArn": "arn:aws:lambda:us-east-1:000000000000:function:" + s.cfg.Function,
			"condition": condition, "approximateInvokeCount": tries,
		},
		"responseContext": map[string]any{"statusCode": 200, "executedVersion": "$LATEST", "functionError": "Unhandled"},
		"version":         "1.0", "timestamp": time.Now().UTC().Truncate(time.Millisecond),
		"DDBStreamBatchInfo": map[string]any{
			"shardId": at.shard, "startSequenceNumber": first.sequence, "endSequenceNumber": last.sequence,
			"approximateArrivalOfFirstRecord": first.at.UTC(), "approximateArrivalOfLastRecord": last.at.UTC(),
			"batchSize": len(batch), "streamArn": at.arn,
		},
	})
	if err == nil {
		_, err = s.cfg.Queues.Send(s.cfg.Source.OnFailure, string(message), nil)
	}
	if err != nil {
		s.cfg.Log.Error("stream", "function", s.cfg.Function, "error", err)
	}
}
