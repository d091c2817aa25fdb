package messaging

import (
	"context"
	"crypto/md5"
	"encoding/hex"
	"encoding/json"
	"log/slog"
	"strconv"
	"sync"
	"time"

	"github.com/latchkey/latchkey/infra/blueprint"
)

// Invoker runs a function.
type Invoker interface {
	Invoke(ctx context.Context, payload []byte) ([]byte, error)
}

// PollerConfig says which queue feeds which function.
type PollerConfig struct {
	Queues  *Queues
	Source  blueprint.QueueSource
	Invoker Invoker
	Log     *slog.Logger
	// RetryDelay is how long a message that failed stays hidden; nil doubles
	// from a second up to half a minute, where AWS would wait for the queue's
	// visibility timeout: nobody wants to wait for that at a laptop.
	RetryDelay func(receives int) time.Duration
}

// Poller is the event source mapping of one queue.
// https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html
type Poller struct{ cfg PollerConfig }

// NewPoller makes a poller; Run sets it going.
func NewPoller(cfg PollerConfig) *Poller {
	if cfg.RetryDelay == nil {
		cfg.RetryDelay = func(receives int) time.Duration {
			return min(time.Second<<min(max(receives-1, 0), 5), 30*time.Second)
		}
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	return &Poller{cfg}
}

// Run feeds the queue to the function until the context ends, and then waits
// for the invocations under way.
func (p *Poller) Run(ctx context.Context) {
	q, source := p.cfg.Queues, p.cfg.Source
	slots := make(chan struct{}, max(source.MaxConcurrency, 1))
	var running sync.WaitGroup
	defer running.Wait()
	for {
		select {
		case <-ctx.Done():
			return
		case slots <- struct{}{}:
		}
		batch, next, err := q.Receive(source.Queue, source.BatchSize)
		if err != nil {
			p.cfg.Log.Error("queue", "queue", source.Queue, "error", err)
		}
		if len(batch) > 0 {
			running.Go(func() {
				p.deliver(context.WithoutCancel(ctx), batch)
				<-slots
				q.wake(source.Queue)
			})
			continue
		}
		<-slots
		if !q.await(ctx, source.Queue, next) {
			return
		}
	}
}

// await waits for a message to come or to become visible.
func (q *Queues) await(ctx context.Context, queue string, next time.Time) bool {
	var timer <-chan time.Time
	if !next.IsZero() {
		t := time.NewTimer(max(next.Sub(q.now()), time.Millisecond))
		defer t.Stop()
		timer = t.C
	}
	select {
	case <-ctx.Done():
		return false
	case <-q.wakes[queue]:
	case <-timer:
	}
	return true
}

type sqsEvent struct {
	Records []sqsRecord `json:"Records"`
}

type sqsRecord struct {
	MessageID         string            `json:"messageId"`
	ReceiptHandle     string            `json:"receiptHandle"`
	Body              string            `json:"body"`
	Attributes        map[string]string `json:"attributes"`
	MessageAttributes map[string]any    `json:"messageAttributes"`
	MD5OfBody         string            `json:"md5OfBody"`
	EventSource       string            `json:"eventSource"`
	EventSourceARN    string            `json:"eventSourceARN"`
	AWSRegion         string            `json:"awsRegion"`
}

func (p *Poller) deliver(ctx context.Context, batch []Message) {
	queue := p.cfg.Source.Queue
	event := sqsEvent{}
	for _, m := range batch {
		sum := md5.Sum([]byte(m.Body))
		event.Records = append(event.Records, sqsRecord{
			MessageID: m.ID, ReceiptHandle: m.ID + "-" + strconv.Itoa(m.Receives), Body: m.Body,
			Attributes: map[string]string{
				"ApproximateReceiveCount":          strconv.Itoa(m.Receives),
				"SentTimestamp":                    strconv.FormatInt(m.SentAt.UnixMilli(), 10),
				"SenderId":                         "local",
				"ApproximateFirstReceiveTimestamp": strconv.FormatInt(m.FirstReceived.UnixMilli(), 10),
			},
			MessageAttributes: map[string]any{}, MD5OfBody: hex.EncodeToString(sum[:]),
			EventSource: "aws:sqs", EventSourceARN: "arn:aws:sqs:us-east-1:000000000000:" + queue, AWSRegion: "us-east-1",
		})
	}
	payload, err := json.Marshal(event)
	failed := map[string]bool{}
	if err == nil {
		var answer []byte
		answer, err = p.cfg.Invoker.Invoke(ctx, payload)
		if err == nil {
			failed = failures(answer, batch)
		}
	}
	for _, m := range batch {
		var done error
		if err != nil || failed[m.ID] {
			done = p.cfg.Queues.Release(queue, m, p.cfg.RetryDelay(m.Receives))
		} else {
			done = p.cfg.Queues.Delete(queue, m)
		}
		if done != nil {
			p.cfg.Log.Error("queue", "queue", queue, "error", done)
		}
	}
}

// failures are the messages that a function reports as failed. An answer that
// cannot be understood, or names a message that was not in the batch, fails
// the whole batch, as Lambda has it.
func failures(answer []byte, batch []Message) map[string]bool {
	all, known := map[string]bool{}, map[string]bool{}
	for _, m := range batch {
		all[m.ID], known[m.ID] = true, true
	}
	var out struct {
		BatchItemFailures []struct {
			ItemIdentifier string `json:"itemIdentifier"`
		} `json:"batchItemFailures"`
	}
	if len(answer) == 0 {
		return nil
	}
	if json.Unmarshal(answer, &out) != nil {
		return all
	}
	failed := map[string]bool{}
	for _, f := range out.BatchItemFailures {
		if !known[f.ItemIdentifier] {
			return all
		}
		failed[f.ItemIdentifier] = true
	}
	return failed
}
