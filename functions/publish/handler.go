package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	lambdaevents "github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"golang.org/x/sync/errgroup"

	"github.com/latchkey/latchkey/shared/event"
	"github.com/latchkey/latchkey/shared/store"
	"github.com/latchkey/latchkey/shared/workspace"
)

type handler struct {
	store   *store.Store
	bus     *eventbridge.Client
	busName string
	keep    time.Duration // how long history is kept
	log     *slog.Logger
}

// maxEntries is how many events one PutEvents takes.
// https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEvents.html
const maxEntries = 10

// sideBySide bounds the calls of PutEvents at once: a batch of a hundred events
// of different users goes out in one round.
const sideBySide = 10

// pending is an event and the stream record that it came from.
type pending struct {
	index    int // in its batch
	sequence string
	event    event.Event
	// milestone is the event's entry in the statistics; nil if it has none.
	milestone *workspace.Milestone
}

// handle writes the events of a batch into the history and the statistics, and
// puts them onto the bus, all at once. It reports the first record whose event
// is missing in any of them, and the stream retries from there; an event that
// is written, counted or sent again has the same id.
// https://docs.aws.amazon.com/lambda/latest/dg/services-ddb-batchfailurereporting.html
func (h handler) handle(ctx context.Context, in lambdaevents.DynamoDBEvent) (lambdaevents.DynamoDBEventResponse, error) {
	batch, unreadable, readErr := read(in.Records)
	missing, err := h.publish(ctx, batch)
	switch {
	case err != nil:
		return h.failed(ctx, missing, err), nil
	case readErr != nil:
		return h.failed(ctx, unreadable, readErr), nil
	}
	return lambdaevents.DynamoDBEventResponse{}, nil
}

// read returns the events of records up to the first that cannot be read, and
// the sequence number of that one.
func read(records []lambdaevents.DynamoDBEventRecord) (batch []pending, unreadable string, err error) {
	for _, record := range records {
		e, ok, err := store.EventOf(record.Change.OldImage, record.Change.NewImage)
		if err != nil {
			return batch, record.Change.SequenceNumber, err
		}
		if ok {
			p := pending{index: len(batch), sequence: record.Change.SequenceNumber, event: e}
			if m, ok := store.MilestoneOf(record.Change.OldImage, record.Change.NewImage, e); ok {
				p.milestone = &m
			}
			batch = append(batch, p)
		}
	}
	return batch, "", nil
}

func (h handler) failed(ctx context.Context, sequence string, err error) lambdaevents.DynamoDBEventResponse {
	h.log.ErrorContext(ctx, "publish", "outcome", "failed", "sequenceNumber", sequence, "error", err)
	return lambdaevents.DynamoDBEventResponse{
		BatchItemFailures: []lambdaevents.DynamoDBBatchItemFailure{{ItemIdentifier: sequence}},
	}
}

// publish returns the sequence number of the first event that is missing in the
// history, the statistics or the bus, and the error.
func (h handler) publish(ctx context.Context, batch []pending) (missing string, err error) {
	if len(batch) == 0 {
		return "", nil
	}
	events := make([]event.Event, len(batch))
	var milestones []workspace.Milestone
	for i, p := range batch {
		events[i] = p.event
		if p.milestone != nil {
			milestones = append(milestones, *p.milestone)
		}
	}
	var history, counted error
	var writing sync.WaitGroup
	writing.Go(func() { history = h.store.AppendHistory(ctx, events, h.keep) })
	writing.Go(func() { counted = h.store.Count(ctx, milestones) })
	first, err := h.putAll(ctx, batch)
	writing.Wait()
	if history != nil || counted != nil {
		return batch[0].sequence, errors.Join(history, counted, err)
	}
	if err != nil {
		return batch[first].sequence, err
	}
	return "", nil
}

// putAll puts events onto the bus, each user's in order: the next event of a
// user is sent once the bus has accepted the previous one. It returns the index of
// the first event that the bus has not accepted, and the error.
func (h handler) putAll(ctx context.Context, batch []pending) (first int, err error) {
	first = len(batch)
	for _, round := range rounds(batch) {
		if err != nil { // sent when the batch is tried again
			first = min(first, round[0].index)
			continue
		}
		chunks := slices.Collect(slices.Chunk(round, maxEntries))
		refused, errs := make([]int, len(chunks)), make([]error, len(chunks))
		var group errgroup.Group
		group.SetLimit(sideBySide)
		for i, chunk := range chunks {
			group.Go(func() error {
				refused[i], errs[i] = h.put(ctx, chunk)
				return nil
			})
		}
		_ = group.Wait() // each chunk has its own error
		for i := range chunks {
			if errs[i] != nil {
				first = min(first, refused[i])
			}
		}
		err = errors.Join(errs...)
	}
	return first, err
}

// rounds splits a batch so that a round has at most one event of each user, in the
// order of the batch.
func rounds(batch []pending) (rounds [][]pending) {
	type about struct{ workspace, user string }
	seen := map[about]int{}
	for _, p := range batch {
		a := about{p.event.WorkspaceID, p.event.UserID}
		n := seen[a]
		seen[a]++
		if n == len(rounds) {
			rounds = append(rounds, nil)
		}
		rounds[n] = append(rounds[n], p)
	}
	return rounds
}

// put puts up to ten events onto the bus and logs those that it accepts. It
// returns the index of the first that it does not accept, and the error.
func (h handler) put(ctx context.Context, chunk []pending) (refused int, err error) {
	entries := make([]types.PutEventsRequestEntry, len(chunk))
	for i, p := range chunk {
		detail, err := json.Marshal(p.event)
		if err != nil {
			return chunk[0].index, fmt.Errorf("write an event: %w", err)
		}
		entries[i] = types.PutEventsRequestEntry{
			EventBusName: &h.busName, Source: aws.String(event.Source),
			DetailType: aws.String(p.event.Type), Detail: aws.String(string(detail)), Time: aws.Time(p.event.Time),
		}
	}
	out, err := h.bus.PutEvents(ctx, &eventbridge.PutEventsInput{Entries: entries})
	if err != nil {
		return chunk[0].index, fmt.Errorf("put events: %w", err)
	}
	for i, p := range chunk {
		if i < len(out.Entries) && out.Entries[i].ErrorCode != nil {
			if err == nil {
				refused, err = p.index, fmt.Errorf("put events: %d of %d refused, first %s", out.FailedEntryCount, len(entries), *out.Entries[i].ErrorCode)
			}
			continue
		}
		h.log.InfoContext(ctx, "event", "type", p.event.Type, "eventId", p.event.ID, "workspaceId", p.event.WorkspaceID, "userId", p.event.UserID,
			"generation", p.event.Generation, "correlationId", p.event.CorrelationID)
	}
	return refused, err
}
