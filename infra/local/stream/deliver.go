package stream

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams/types"
)

// deliver hands records to the function until they are done: taken, or given
// up. It gives false where the context ended before.
func (s *Source) deliver(ctx context.Context, arn, shard string, records []types.Record) bool {
	last := *records[len(records)-1].Dynamodb.SequenceNumber
	batch, err := s.filtered(arn, records)
	if err != nil {
		s.cfg.Log.Error("stream", "function", s.cfg.Function, "error", err)
	}
	for tries := 0; len(batch) > 0; {
		rest, err := s.invoke(ctx, batch)
		if len(rest) < len(batch) { // some of it is done
			tries = 0
			done := batch[len(batch)-len(rest)-1]
			if err := s.remember(arn, shard, done.sequence); err != nil {
				s.cfg.Log.Error("stream", "function", s.cfg.Function, "error", err)
			}
			batch = rest
			continue
		}
		tries++
		s.cfg.Log.Warn("stream", "function", s.cfg.Function, "outcome", "again", "try", tries, "error", err)
		switch {
		case s.cfg.Source.MaxRecordAge > 0 && time.Since(batch[0].at) > s.cfg.Source.MaxRecordAge:
			s.giveUp(arn, shard, batch[:1], "RecordAgeExceeded", tries)
			batch = batch[1:]
		case s.cfg.Source.BisectOnError && len(batch) > 1 && errors.Is(err, errFunction):
			first, second := batch[:len(batch)/2], batch[len(batch)/2:]
			if !s.deliverHalf(ctx, arn, shard, first) {
				return false
			}
			batch, tries = second, 0
		case tries > s.cfg.Source.MaxRetries:
			s.giveUp(arn, shard, batch, "RetryAttemptsExhausted", tries)
			batch = nil
		}
		if !sleep(ctx, s.cfg.Backoff(tries)) {
			return false
		}
	}
	if err := s.remember(arn, shard, last); err != nil {
		s.cfg.Log.Error("stream", "function", s.cfg.Function, "error", err)
	}
	return ctx.Err() == nil
}

func (s *Source) deliverHalf(ctx context.Context, arn, shard string, half []record) bool {
	originals := make([]types.Record, len(half))
	for i, r := range half {
		originals[i] = r.original
	}
	return s.deliver(ctx, arn, shard, originals)
}

// errFunction is an invocation that failed as a whole: nobody knows at which
// record, so bisecting finds out.
var errFunction = errors.New("stream: the function failed")

// invoke runs the function on a batch and gives what of it is not done: from
// the lowest record on that the function reports. An answer that cannot be
// understood fails the whole batch, as Lambda has it.
func (s *Source) invoke(ctx context.Context, batch []record) (rest []record, err error) {
	payloads := make([]json.RawMessage, len(batch))
	for i, r := range batch {
		payloads[i] = r.payload
	}
	event, err := lambdaEvent(payloads)
	if err != nil {
		return batch, err
	}
	answer, err := s.cfg.Invoker.Invoke(context.WithoutCancel(ctx), event)
	if err != nil {
		return batch, errors.Join(errFunction, err)
	}
	var out struct {
		BatchItemFailures []struct {
			ItemIdentifier string `json:"itemIdentifier"`
		} `json:"batchItemFailures"`
	}
	if len(answer) > 0 && json.Unmarshal(answer, &out) != nil {
		return batch, errFunction
	}
	lowest := len(batch)
	for _, f := range out.BatchItemFailures {
		at := len(batch)
		for i, r := range batch {
			if r.sequence == f.ItemIdentifier {
				at = i
			}
		}
		if at == len(batch) {
			return batch, errors.New("stream: the function named a record that was not in its batch")
		}
		lowest = min(lowest, at)
	}
	if lowest < len(batch) {
		err = errors.New("stream: the function reported a failed record")
	}
	return batch[lowest:], err
}

// giveUp tells the on-failure queue of records that are left out.
func (s *Source) giveUp(arn, shard string, batch []record, condition string, tries int) {
	s.cfg.Log.Error("stream", "function", s.cfg.Function, "outcome", "given up", "condition", condition, "records", len(batch))
	if s.cfg.Source.OnFailure == "" || s.cfg.Queues == nil {
		return
	}
	first, last := batch[0], batch[len(batch)-1]
	message, err := json.Marshal(map[string]any{
		"requestContext": map[string]any{
			"requestId": first.sequence, "functionArn": "arn:aws:lambda:us-east-1:000000000000:function:" + s.cfg.Function,
			"condition": condition, "approximateInvokeCount": tries,
		},
		"version": "1.0", "timestamp": time.Now().UTC(),
		"DDBStreamBatchInfo": map[string]any{
			"shardId": shard, "startSequenceNumber": first.sequence, "endSequenceNumber": last.sequence,
			"approximateArrivalOfFirstRecord": first.at, "approximateArrivalOfLastRecord": last.at,
			"batchSize": len(batch), "streamArn": arn,
		},
	})
	if err == nil {
		_, err = s.cfg.Queues.Send(s.cfg.Source.OnFailure, string(message))
	}
	if err != nil {
		s.cfg.Log.Error("stream", "function", s.cfg.Function, "error", err)
	}
}
