package stream

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams/types"
	"github.com/aws/smithy-go"
)

const (
	// done is the checkpoint of a shard that has been read to its end.
	done = "done"
	// listEvery is how often a quiet stream's shards are listed anew: a child
	// may be there, or the table may have been made anew with another stream.
	listEvery = 2 * time.Second
)

// follow reads the stream of the table that is there now, until an error or
// until the table has another stream.
func (s *Source) follow(ctx context.Context) error {
	arn, err := s.streamARN(ctx)
	if err != nil {
		return err
	}
	iterators := map[string]*string{} // of the shards being read
	var shards []string
	var listed time.Time
	for {
		if len(shards) == 0 || time.Since(listed) > listEvery {
			now, err := s.streamARN(ctx)
			if err != nil || now != arn {
				return err
			}
			if shards, err = s.readable(ctx, arn); err != nil {
				return err
			}
			listed = time.Now()
		}
		more := false
		for _, shard := range shards {
			records, ended, err := s.readShard(ctx, arn, shard, iterators)
			if err != nil || ctx.Err() != nil {
				return err
			}
			more = more || records >= s.cfg.Source.BatchSize || ended
			if ended {
				shards = nil // its children may be read now
				break
			}
		}
		if !more && !s.rest(ctx) {
			return nil
		}
	}
}

func (s *Source) streamARN(ctx context.Context) (string, error) {
	table, err := s.cfg.DB.DescribeTable(ctx, &dynamodb.DescribeTableInput{TableName: &s.cfg.Table})
	if err != nil {
		return "", err
	}
	if table.Table.LatestStreamArn == nil {
		return "", fmt.Errorf("the table %s has no stream", s.cfg.Table)
	}
	return *table.Table.LatestStreamArn, nil
}

// readable are the shards that are neither done nor the children of one that
// is not: an item's records are in order only if parents come first. A parent
// that is not listed any more has been trimmed.
func (s *Source) readable(ctx context.Context, arn string) (readable []string, err error) {
	var all []types.Shard
	in := &dynamodbstreams.DescribeStreamInput{StreamArn: &arn}
	for {
		out, err := s.cfg.Streams.DescribeStream(ctx, in)
		if err != nil {
			return nil, err
		}
		all = append(all, out.StreamDescription.Shards...)
		if out.StreamDescription.LastEvaluatedShardId == nil {
			break
		}
		in.ExclusiveStartShardId = out.StreamDescription.LastEvaluatedShardId
	}
	unread := map[string]bool{}
	for _, shard := range all {
		at, err := s.cfg.Checkpoints.At(arn, *shard.ShardId)
		if err != nil {
			return nil, err
		}
		unread[*shard.ShardId] = at != done
	}
	for _, shard := range all {
		if unread[*shard.ShardId] && !unread[aws.ToString(shard.ParentShardId)] {
			readable = append(readable, *shard.ShardId)
		}
	}
	return readable, nil
}

// readShard reads on in a shard, once, and delivers what it finds. ended is
// true for a shard that is closed and read to its end.
func (s *Source) readShard(ctx context.Context, arn, shard string, iterators map[string]*string) (records int, ended bool, err error) {
	iterator := iterators[shard]
	if iterator == nil {
		iterator, err = s.iterator(ctx, arn, shard)
		if err != nil {
			return 0, false, err
		}
	}
	out, err := s.cfg.Streams.GetRecords(ctx, &dynamodbstreams.GetRecordsInput{ShardIterator: iterator})
	var expired *types.ExpiredIteratorException
	var gone *types.TrimmedDataAccessException
	switch {
	case errors.As(err, &expired):
		// A batch was tried for so long that the iterator grew old. What was
		// delivered is remembered: go on from there.
		delete(iterators, shard)
		return 0, false, nil
	case errors.As(err, &gone):
		iterators[shard], err = s.horizon(ctx, arn, shard)
		return 0, false, err
	case err != nil:
		return 0, false, err
	}
	for batch := range chunks(out.Records, s.cfg.Source.BatchSize) {
		if err := s.deliver(ctx, place{arn, shard}, batch); err != nil {
			return 0, false, err
		}
	}
	iterators[shard] = out.NextShardIterator
	if out.NextShardIterator == nil {
		delete(iterators, shard)
		return len(out.Records), true, s.cfg.Checkpoints.Remember(arn, shard, done)
	}
	return len(out.Records), false, nil
}

// iterator begins after the last record that is done.
func (s *Source) iterator(ctx context.Context, arn, shard string) (*string, error) {
	at, err := s.cfg.Checkpoints.At(arn, shard)
	if err != nil {
		return nil, err
	}
	if at == "" {
		return s.begin(ctx, &dynamodbstreams.GetShardIteratorInput{
			StreamArn: &arn, ShardId: &shard, ShardIteratorType: types.ShardIteratorTypeTrimHorizon,
		})
	}
	iterator, err := s.begin(ctx, &dynamodbstreams.GetShardIteratorInput{
		StreamArn: &arn, ShardId: &shard, ShardIteratorType: types.ShardIteratorTypeAfterSequenceNumber, SequenceNumber: &at,
	})
	if noPlace(err) {
		return s.horizon(ctx, arn, shard)
	}
	return iterator, err
}

// horizon begins with the oldest record that is left: what the checkpoint
// names is older than a day, and trimmed.
func (s *Source) horizon(ctx context.Context, arn, shard string) (*string, error) {
	s.cfg.Log.Warn("stream", "function", s.cfg.Function, "outcome", "records were trimmed before they were read", "shard", shard)
	return s.begin(ctx, &dynamodbstreams.GetShardIteratorInput{
		StreamArn: &arn, ShardId: &shard, ShardIteratorType: types.ShardIteratorTypeTrimHorizon,
	})
}

func (s *Source) begin(ctx context.Context, in *dynamodbstreams.GetShardIteratorInput) (*string, error) {
	out, err := s.cfg.Streams.GetShardIterator(ctx, in)
	if err != nil {
		return nil, err
	}
	return out.ShardIterator, nil
}

// noPlace is true for the errors that say that there is no place to go on
// from: the documented one, and what a number gets that was never in the
// shard. Any other error must not send the mapping back to the beginning.
func noPlace(err error) bool {
	var gone *types.TrimmedDataAccessException
	var api smithy.APIError
	return errors.As(err, &gone) || errors.As(err, &api) && api.ErrorCode() == "ValidationException"
}

func chunks(records []types.Record, size int) func(yield func([]types.Record) bool) {
	return func(yield func([]types.Record) bool) {
		for len(records) > 0 {
			n := min(len(records), max(size, 1))
			if !yield(records[:n]) {
				return
			}
			records = records[n:]
		}
	}
}
