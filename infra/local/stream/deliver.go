package stream

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams/types"

	"github.com/latchkey/latchkey/infra/local/messaging"
)

// place says which shard of which stream.
type place struct{ arn, shard string }

// deliver hands records to the function until they are done: taken, given up,
// or wanted by no filter. An error ends it before.
func (s *Source) deliver(ctx context.Context, at place, records []types.Record) error {
	batch, err := s.filtered(at.arn, records)
	if err != nil {
		return err
	}
	if err := s.handle(ctx, at, batch); err != nil {
		return err
	}
	return s.cfg.Checkpoints.Remember(at.arn, at.shard, *records[len(records)-1].Dynamodb.SequenceNumber)
}

// handle hands a batch to the function. What is done is remembered at once, so
// that nothing is handed out again after a restart.
func (s *Source) handle(ctx context.Context, at place, batch []record) error {
	for tries := 0; len(batch) > 0; {
		if err := ctx.Err(); err != nil {
			return err
		}
		rest, failure := s.invoke(ctx, batch)
		finished := len(batch) - len(rest)
		if finished > 0 {
			tries = 0
		} else {
			tries++
		}
		if failure != nil {
			s.cfg.Log.Warn("stream", "function", s.cfg.Function, "outcome", "again", "try", tries, "error", failure)
		}
		switch {
		case finished > 0 || failure == nil:
		// A record that is too old is tried once nevertheless: on a machine
		// that is off at night, all would be too old in the morning.
		case s.cfg.Source.MaxRecordAge > 0 && time.Since(batch[0].at) > s.cfg.Source.MaxRecordAge:
			s.giveUp(at, batch[:1], "RecordAgeExceeded", tries)
			finished, tries = 1, 0
		case s.cfg.Source.BisectOnError && len(batch) > 1 && errors.Is(failure, errFunction):
			finished, tries = len(batch)/2, 0
			if err := s.handle(ctx, at, batch[:finished]); err != nil {
				return err
			}
		case tries > s.cfg.Source.MaxRetries:
			s.giveUp(at, batch, "RetryAttemptsExhausted", tries)
			finished = len(batch)
		}
		if finished > 0 {
			if err := s.cfg.Checkpoints.Remember(at.arn, at.shard, batch[finished-1].sequence); err != nil {
				return err
			}
			batch = batch[finished:]
		}
		if len(batch) > 0 && !sleep(ctx, s.cfg.Backoff(tries)) {
			return ctx.Err()
		}
	}
	return nil
}

// errFunction is an invocation that failed as a whole: nobody knows at which
// record, so bisecting finds out.
var errFunction = errors.New("stream: the function failed")

// invoke runs the function on a batch and gives what of it is not done: from
// the lowest record on that the function reports. An answer that cannot be
// understood fails the whole batch, as Lambda has it. A run under way is not
// cut short: its function has a timeout of its own.
func (s *Source) invoke(ctx context.Context, batch []record) (rest []record, err error) {
	payloads := make([]json.RawMessage, len(batch))
	for i, r := range batch {
		payloads[i] = r.payload
	}
	event, err := json.Marshal(map[string]any{"Records": payloads})
	if err != nil {
		return batch, err
	}
	answer, err := s.cfg.Invoker.Invoke(context.WithoutCancel(ctx), event)
	if err != nil {
		return batch, errors.Join(errFunction, err)
	}
	failed, err := messaging.FailedItems(answer)
	if err != nil {
		return batch, errors.Join(errFunction, err)
	}
	position := make(map[string]int, len(batch))
	for i, r := range batch {
		position[r.sequence] = i
	}
	lowest := len(batch)
	for _, sequence := range failed {
		i, ok := position[sequence]
		if !ok {
			return batch, fmt.Errorf("%w: it names the record %q, which was not in its batch", errFunction, sequence)
		}
		lowest = min(lowest, i)
	}
	if lowest < len(batch) {
		err = fmt.Errorf("stream: the function failed at record %s", batch[lowest].sequence)
	}
	return batch[lowest:], err
}
