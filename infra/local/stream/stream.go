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
	"log/slog"
	"math/rand/v2"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams"

	"github.com/latchkey/latchkey/infra/blueprint"
	"github.com/latchkey/latchkey/infra/local/messaging"
	"github.com/latchkey/latchkey/infra/local/messaging/pattern"
)

// Config says which table feeds which function.
type Config struct {
	DB       *dynamodb.Client
	Streams  *dynamodbstreams.Client
	Table    string
	Source   blueprint.StreamSource
	Function string
	Invoker  messaging.Invoker
	Queues   *messaging.Queues
	// Checkpoints remember how far each shard is read; nil keeps them in the
	// file at CheckpointPath.
	Checkpoints    Checkpoints
	CheckpointPath string
	Log            *slog.Logger
	// Idle is the pause between looks at a stream that is still; 0 is 250 ms, as
	// Lambda's. Poke ends it.
	Idle time.Duration
	// Backoff is the pause before a batch is tried again; nil doubles from
	// 100 ms up to ten seconds, with jitter.
	Backoff func(try int) time.Duration
}

// Source is the mapping.
type Source struct {
	cfg    Config
	filter []pattern.Pattern
	file   *checkpointFile // nil where the checkpoints are somebody else's
	poke   chan struct{}
}

// New makes a mapping; Run sets it going and Close lets go of its file.
func New(cfg Config) (*Source, error) {
	s := &Source{cfg: cfg, poke: make(chan struct{}, 2)}
	if s.cfg.Idle == 0 {
		s.cfg.Idle = 250 * time.Millisecond
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
	if cfg.Checkpoints == nil {
		file, err := openCheckpoints(cfg.CheckpointPath)
		if err != nil {
			return nil, err
		}
		s.file, s.cfg.Checkpoints = file, file
	}
	return s, nil
}

// Close lets go of the checkpoints' file.
func (s *Source) Close() error {
	if s.file == nil {
		return nil
	}
	return s.file.Close()
}

// Poke makes the mapping look at the stream at once, if it is at rest, and once
// more a little later: DynamoDB Local answers a write before it commits it.
func (s *Source) Poke() {
	for range cap(s.poke) {
		select {
		case s.poke <- struct{}{}:
		default:
		}
	}
}

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

// gap is the shortest pause between two looks. A look costs DynamoDB Local some 4 ms
// of a core, and what gathers meanwhile makes a fuller batch.
const gap = 50 * time.Millisecond

// rest waits until it is time to look at the stream again, or until a poke.
func (s *Source) rest(ctx context.Context) bool {
	if !sleep(ctx, min(gap, s.cfg.Idle)) {
		return false
	}
	select {
	case <-ctx.Done():
		return false
	case <-s.poke:
	case <-time.After(s.cfg.Idle - gap):
	}
	return true
}

func sleep(ctx context.Context, d time.Duration) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(d):
		return true
	}
}
