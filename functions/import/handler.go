package main

import (
	"context"
	"log/slog"
	"time"

	lambdaevents "github.com/aws/aws-lambda-go/events"

	"github.com/latchkey/latchkey/shared/invitation"
	"github.com/latchkey/latchkey/shared/store"
	"github.com/latchkey/latchkey/shared/trace"
)

type handler struct {
	invitations invitation.Service
	log         *slog.Logger
	now         func() time.Time
}

// margin is what is kept of the function's time to report that it ran out.
const margin = 2 * time.Second

// handle takes the step of each import in a batch. It reports the first record
// whose step failed, and the stream retries from there; a step that was taken is
// not taken again.
// https://docs.aws.amazon.com/lambda/latest/dg/services-ddb-batchfailurereporting.html
func (h handler) handle(ctx context.Context, in lambdaevents.DynamoDBEvent) (lambdaevents.DynamoDBEventResponse, error) {
	if deadline, ok := ctx.Deadline(); ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadline(ctx, deadline.Add(-margin))
		defer cancel()
	}
	for _, record := range in.Records {
		if err := h.step(ctx, record.Change.NewImage); err != nil {
			sequence := record.Change.SequenceNumber
			h.log.ErrorContext(ctx, "import", "outcome", "failed", "sequenceNumber", sequence, "error", err)
			return lambdaevents.DynamoDBEventResponse{
				BatchItemFailures: []lambdaevents.DynamoDBBatchItemFailure{{ItemIdentifier: sequence}},
			}, nil
		}
	}
	return lambdaevents.DynamoDBEventResponse{}, nil
}

func (h handler) step(ctx context.Context, image store.Image) error {
	turn, err := store.ImportTurnOf(image)
	if err != nil {
		return err
	}
	began := h.now()
	i, err := h.invitations.StepImport(trace.With(ctx, turn.ImportID), turn, began.UTC().Truncate(time.Millisecond))
	if err != nil {
		return err
	}
	h.log.InfoContext(ctx, "import", "outcome", string(i.Status), "workspaceId", turn.WorkspaceID, "importId", turn.ImportID,
		"version", turn.Version, "rows", i.Rows, "processed", i.Counts.Processed, "durationMs", h.now().Sub(began).Milliseconds())
	return nil
}
