// Package stream is the event source mapping of a DynamoDB stream on this
// machine: it reads the stream of DynamoDB Local and feeds it to a function in
// order, with Lambda's filter, batches, partial failures, bisecting, limits of
// retries and age, and on-failure queue. How far it got is kept in a file, so
// that a restart loses nothing.
// https://docs.aws.amazon.com/lambda/latest/dg/with-ddb.html
//
// It may import the DynamoDB streams client, infra/blueprint, bbolt and
// infra/local/messaging.
package stream

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams/types"
	"go.etcd.io/bbolt"

	"github.com/latchkey/latchkey/infra/blueprint"
	"github.com/latchkey/latchkey/infra/local/messaging"
	"github.com/latchkey/latchkey/infra/local/messaging/pattern"
)

// Config says which table feeds which function.
type Config struct {
	DB             *dynamodb.Client
	Streams        *dynamodbstreams.Client
	Table          string
	Source         blueprint.StreamSource
	Function       string
	Invoker        messaging.Invoker
	Queues         *messaging.Queues
	CheckpointPath string
	Log            *slog.Logger
	// Idle is the pause between looks at a stream that is still; 0 is 50 ms.
	Idle time.Duration
	// Backoff is the pause before a batch is tried again; nil doubles from
	// 100 ms up to ten seconds, with jitter.
	Backoff func(try int) time.Duration
}

// Source is the mapping.
type Source struct {
	cfg         Config
	filter      []pattern.Pattern
	checkpoints *bbolt.DB
}

var bucketName = []byte("checkpoints")

// New makes a mapping; Run sets it going and Close lets go of its file.
func New(cfg Config) (*Source, error) {
	s := &Source{cfg: cfg}
	if s.cfg.Idle == 0 {
		s.cfg.Idle = 50 * time.Millisecond
	}
	if s.cfg.Backoff == nil {
		s.cfg.Backoff = func(try int) time.Duration {
			full := min(100*time.Millisecond<<min(try, 7), 10*time.Second)
			return full/2 + rand.N(full/2)
		}
	}
	if s.cfg.Log == nil {
		s.cfg.Log = slog.New(slog.DiscardHandler)
	}
	for _, f := range cfg.Source.Filter {
		p, err := pattern.New(f)
		if err != nil {
			return nil, err
		}
		s.filter = append(s.filter, p)
	}
	db, err := bbolt.Open(cfg.CheckpointPath, 0o600, &bbolt.Options{Timeout: time.Second})
	if err != nil {
		return nil, fmt.Errorf("open the stream's checkpoints: %w", err)
	}
	s.checkpoints = db
	return s, db.Update(func(tx *bbolt.Tx) error {
		_, err := tx.CreateBucketIfNotExists(bucketName)
		return err
	})
}

// Close lets go of the checkpoints' file.
func (s *Source) Close() error { return s.checkpoints.Close() }

// Run feeds the stream to the function until the context ends.
func (s *Source) Run(ctx context.Context) {
	for {
		err := s.follow(ctx)
		if ctx.Err() != nil {
			return
		}
		if err != nil {
			s.cfg.Log.Error("stream", "function", s.cfg.Function, "error", err)
		}
		if !sleep(ctx, time.Second) {
			return
		}
	}
}

// follow reads shard by shard, parents before their children. DynamoDB Local
// has one open shard at a time and closes it every few hours.
func (s *Source) follow(ctx context.Context) error {
	table, err := s.cfg.DB.DescribeTable(ctx, &dynamodb.DescribeTableInput{TableName: &s.cfg.Table})
	if err != nil {
		return err
	}
	arn := table.Table.LatestStreamArn
	for {
		shards, err := s.shards(ctx, *arn)
		if err != nil {
			return err
		}
		for _, shard := range shards {
			err := s.readShard(ctx, *arn, *shard.ShardId)
			if err != nil || ctx.Err() != nil {
				return err
			}
		}
		if !sleep(ctx, s.cfg.Idle) {
			return nil
		}
	}
}

// shards are those that are not done, in the order of their making.
func (s *Source) shards(ctx context.Context, arn string) (open []types.Shard, err error) {
	in := &dynamodbstreams.DescribeStreamInput{StreamArn: &arn}
	for {
		out, err := s.cfg.Streams.DescribeStream(ctx, in)
		if err != nil {
			return nil, err
		}
		for _, shard := range out.StreamDescription.Shards {
			if s.checkpoint(arn, *shard.ShardId) != done {
				open = append(open, shard)
			}
		}
		if out.StreamDescription.LastEvaluatedShardId == nil {
			return open, nil
		}
		in.ExclusiveStartShardId = out.StreamDescription.LastEvaluatedShardId
	}
}

// readShard reads a shard from its checkpoint on: until it is closed and read
// to its end, or, while it is open, until nothing new is there.
func (s *Source) readShard(ctx context.Context, arn, shard string) error {
	iterator, err := s.iterator(ctx, arn, shard)
	if err != nil {
		return err
	}
	for iterator != nil {
		out, err := s.cfg.Streams.GetRecords(ctx, &dynamodbstreams.GetRecordsInput{ShardIterator: iterator})
		if err != nil {
			return err
		}
		for batch := range chunks(out.Records, s.cfg.Source.BatchSize) {
			if !s.deliver(ctx, arn, shard, batch) {
				return nil // the context ended
			}
		}
		iterator = out.NextShardIterator
		if iterator != nil && len(out.Records) == 0 && !sleep(ctx, s.cfg.Idle) {
			return nil
		}
	}
	return s.remember(arn, shard, done)
}

func (s *Source) iterator(ctx context.Context, arn, shard string) (*string, error) {
	in := &dynamodbstreams.GetShardIteratorInput{StreamArn: &arn, ShardId: &shard, ShardIteratorType: types.ShardIteratorTypeTrimHorizon}
	if at := s.checkpoint(arn, shard); at != "" {
		in.ShardIteratorType, in.SequenceNumber = types.ShardIteratorTypeAfterSequenceNumber, &at
	}
	out, err := s.cfg.Streams.GetShardIterator(ctx, in)
	if err != nil && in.SequenceNumber != nil {
		// What the checkpoint names is trimmed by now: begin with what is left.
		in.ShardIteratorType, in.SequenceNumber = types.ShardIteratorTypeTrimHorizon, nil
		out, err = s.cfg.Streams.GetShardIterator(ctx, in)
	}
	if err != nil {
		return nil, err
	}
	return out.ShardIterator, nil
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

// done marks a shard that has been read to its end.
const done = "done"

func (s *Source) checkpoint(arn, shard string) (at string) {
	_ = s.checkpoints.View(func(tx *bbolt.Tx) error { // reading a bucket cannot fail
		at = string(tx.Bucket(bucketName).Get([]byte(arn + " " + shard)))
		return nil
	})
	return at
}

func (s *Source) remember(arn, shard, at string) error {
	return s.checkpoints.Update(func(tx *bbolt.Tx) error {
		return tx.Bucket(bucketName).Put([]byte(arn+" "+shard), []byte(at))
	})
}

func sleep(ctx context.Context, d time.Duration) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(d):
		return true
	}
}

func (s *Source) matches(record []byte) bool {
	if len(s.filter) == 0 {
		return true
	}
	for _, p := range s.filter {
		if p.Match(record) {
			return true
		}
	}
	return false
}

func lambdaEvent(records []json.RawMessage) ([]byte, error) {
	return json.Marshal(map[string]any{"Records": records})
}
