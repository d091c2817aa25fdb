package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"
	"time"

	lambdaevents "github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"golang.org/x/sync/errgroup"

	"github.com/latchkey/latchkey/shared/event"
	"github.com/latchkey/latchkey/shared/store"
)

type handler struct {
	store   *store.Store
	bus     *eventbridge.Client
	busName string
	keep    time.Duration // how long history is kept
	log     *slog.Logger
}

// chunk is how many events one PutEvents takes.
const chunk = 10

// pending is an event and the stream record that it came from.
type pending struct {
	sequence string
	event    event.Event
}

// sideBySide is how many chunks go out at the same time: a burst of changes
// keeps those behind it waiting for as short as can be.
const sideBySide = 5

// handle takes records ten events at a time, each ten first into the history
// and then onto the bus. The first of those that failed is where the stream
// shall begin again; writing or sending an event once more is no harm, since
// its id stays the same.
// https://docs.aws.amazon.com/lambda/latest/dg/services-ddb-batchfailurereporting.html
func (h handler) handle(ctx context.Context, in lambdaevents.DynamoDBEvent) (lambdaevents.DynamoDBEventResponse, error) {
	var batch []pending
	var unreadable error
	last := ""
	for _, record := range in.Records {
		last = record.Change.SequenceNumber
		e, ok, err := store.EventOf(record.Change.OldImage, record.Change.NewImage)
		if err != nil {
			unreadable = err // what came before it goes out all the same
			break
		}
		if ok {
			batch = append(batch, pending{last, e})
		}
	}
	chunks := slices.Collect(slices.Chunk(batch, chunk))
	errs := make([]error, len(chunks))
	var group errgroup.Group
	group.SetLimit(sideBySide)
	for i, chunk := range chunks {
		group.Go(func() error {
			errs[i] = h.publish(ctx, chunk)
			return nil
		})
	}
	_ = group.Wait() // each chunk has its own error
	for i, err := range errs {
		if err != nil {
			return h.failed(ctx, chunks[i][0].sequence, err), nil
		}
	}
	if unreadable != nil {
		return h.failed(ctx, last, unreadable), nil
	}
	return lambdaevents.DynamoDBEventResponse{}, nil
}

func (h handler) failed(ctx context.Context, sequence string, err error) lambdaevents.DynamoDBEventResponse {
	h.log.ErrorContext(ctx, "publish", "outcome", "failed", "sequenceNumber", sequence, "error", err)
	return lambdaevents.DynamoDBEventResponse{
		BatchItemFailures: []lambdaevents.DynamoDBBatchItemFailure{{ItemIdentifier: sequence}},
	}
}

func (h handler) publish(ctx context.Context, batch []pending) error {
	events := make([]event.Event, len(batch))
	entries := make([]types.PutEventsRequestEntry, len(batch))
	for i, p := range batch {
		detail, err := json.Marshal(p.event)
		if err != nil {
			return fmt.Errorf("write an event: %w", err)
		}
		events[i] = p.event
		entries[i] = types.PutEventsRequestEntry{
			EventBusName: &h.busName, Source: aws.String(event.Source),
			DetailType: aws.String(p.event.Type), Detail: aws.String(string(detail)), Time: aws.Time(p.event.Time),
		}
	}
	err := h.store.AppendHistory(ctx, events, h.keep)
	if err != nil {
		return err
	}
	out, err := h.bus.PutEvents(ctx, &eventbridge.PutEventsInput{Entries: entries})
	if err != nil {
		return fmt.Errorf("put events: %w", err)
	}
	if out.FailedEntryCount > 0 {
		for _, entry := range out.Entries {
			if entry.ErrorCode != nil {
				return fmt.Errorf("put events: %d of %d refused, first %s", out.FailedEntryCount, len(entries), *entry.ErrorCode)
			}
		}
	}
	for _, e := range events {
		h.log.InfoContext(ctx, "event", "type", e.Type, "eventId", e.ID, "workspaceId", e.WorkspaceID, "userId", e.UserID,
			"generation", e.Generation, "correlationId", e.CorrelationID)
	}
	return nil
}
