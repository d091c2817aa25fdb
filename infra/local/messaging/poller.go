package messaging

import (
	"context"
	"crypto/md5"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"sync"
	"time"

	"go.etcd.io/bbolt"

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
}

// Poller is the event source mapping of one queue.
// https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html
type Poller struct{ cfg PollerConfig }

// NewPoller makes a poller; Run sets it going.
func NewPoller(cfg PollerConfig) *Poller {
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
		if ctx.Err() != nil {
			return // both were ready, and select chose the slot
		}
		batch, next, err := p.gather(ctx)
		if err != nil {
			p.cfg.Log.Error("queue", "queue", source.Queue, "error", err)
			next = q.now().Add(time.Second)
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

// gather receives a batch. A batch that is not full waits for more messages until
// its window has passed.
// https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html
func (p *Poller) gather(ctx context.Context) (batch []Message, next time.Time, err error) {
	q, source := p.cfg.Queues, p.cfg.Source
	batch, next, err = q.Receive(source.Queue, source.BatchSize)
	if err != nil || len(batch) == 0 || source.BatchWindow == 0 {
		return batch, next, err
	}
	end := q.now().Add(q.scaled(source.BatchWindow))
	for len(batch) < source.BatchSize && q.now().Before(end) && q.await(ctx, source.Queue, end) {
		more, _, err := q.Receive(source.Queue, source.BatchSize-len(batch))
		if err != nil {
			break // deliver what was received
		}
		batch = append(batch, more...)
	}
	return batch, next, nil
}

// scaled returns a duration divided by the speed.
func (q *Queues) scaled(d time.Duration) time.Duration { return time.Duration(float64(d) / q.speed) }

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
	MessageID         string                  `json:"messageId"`
	ReceiptHandle     string                  `json:"receiptHandle"`
	Body              string                  `json:"body"`
	Attributes        map[string]string       `json:"attributes"`
	MessageAttributes map[string]sqsAttribute `json:"messageAttributes"`
	MD5OfBody         string                  `json:"md5OfBody"`
	EventSource       string                  `json:"eventSource"`
	EventSourceARN    string                  `json:"eventSourceARN"`
	AWSRegion         string                  `json:"awsRegion"`
}

type sqsAttribute struct {
	StringValue      string   `json:"stringValue"`
	StringListValues []string `json:"stringListValues"`
	BinaryListValues []string `json:"binaryListValues"`
	DataType         string   `json:"dataType"`
}

// deliver runs the function on a batch and deletes the messages that succeeded.
// The others reappear after the queue's visibility timeout, as with Lambda.
func (p *Poller) deliver(ctx context.Context, batch []Message) {
	queue, q := p.cfg.Source.Queue, p.cfg.Queues
	began := q.now()
	failed, err := p.invoke(ctx, batch)
	if err != nil {
		p.cfg.Log.Warn("queue", "queue", queue, "outcome", "the whole batch failed", "messages", len(batch), "error", err)
	}
	for _, m := range batch {
		var done error
		switch {
		case err == nil && !slices.Contains(failed, m.ID):
			done = q.Delete(queue, m)
		case q.speed != 1:
			// The message was hidden for the full timeout, so that a run
			// slower than the accelerated one is not duplicated.
			left := q.scaled(q.specs[queue].Visibility) - q.now().Sub(began)
			done = q.hurry(queue, m, max(left, 0))
		}
		if done != nil {
			p.cfg.Log.Error("queue", "queue", queue, "error", done)
		}
	}
}

// hurry makes a message reappear after a time, unless the function has changed
// its visibility.
func (q *Queues) hurry(queue string, m Message, after time.Duration) error {
	return q.settle(queue, m, func(bucket *bbolt.Bucket, now Message) error {
		if now.VisibleAt.Equal(m.VisibleAt) {
			now.VisibleAt = q.now().Add(after)
		}
		return put(bucket, now.key, now)
	})
}

// invoke gives the ids of the messages that failed; an error fails all of them.
func (p *Poller) invoke(ctx context.Context, batch []Message) (failed []string, err error) {
	payload, err := json.Marshal(p.event(batch))
	if err != nil {
		return nil, err
	}
	answer, err := p.cfg.Invoker.Invoke(ctx, payload)
	if err != nil {
		return nil, err
	}
	failed, err = FailedItems(answer)
	for _, id := range failed {
		if !slices.ContainsFunc(batch, func(m Message) bool { return m.ID == id }) {
			return nil, fmt.Errorf("the function names %q, which was not in its batch", id)
		}
	}
	return failed, err
}

func (p *Poller) event(batch []Message) sqsEvent {
	event := sqsEvent{}
	for _, m := range batch {
		sum := md5.Sum([]byte(m.Body))
		attributes := map[string]sqsAttribute{}
		for name, value := range m.Attributes {
			attributes[name] = sqsAttribute{StringValue: value, StringListValues: []string{}, BinaryListValues: []string{}, DataType: "String"}
		}
		event.Records = append(event.Records, sqsRecord{
			MessageID: m.ID, ReceiptHandle: m.handle(), Body: m.Body,
			Attributes: map[string]string{
				"ApproximateReceiveCount":          strconv.Itoa(m.Receives),
				"SentTimestamp":                    strconv.FormatInt(m.SentAt.UnixMilli(), 10),
				"SenderId":                         "local",
				"ApproximateFirstReceiveTimestamp": strconv.FormatInt(m.FirstReceived.UnixMilli(), 10),
			},
			MessageAttributes: attributes, MD5OfBody: hex.EncodeToString(sum[:]),
			EventSource: "aws:sqs", EventSourceARN: "arn:aws:sqs:us-east-1:000000000000:" + p.cfg.Source.Queue, AWSRegion: "us-east-1",
		})
	}
	return event
}
