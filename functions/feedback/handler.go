package main

import (
	"context"
	"encoding/json"
	"log/slog"
	"time"

	lambdaevents "github.com/aws/aws-lambda-go/events"

	"github.com/latchkey/latchkey/shared/id"
	"github.com/latchkey/latchkey/shared/invitation"
	"github.com/latchkey/latchkey/shared/store"
	"github.com/latchkey/latchkey/shared/trace"
	"github.com/latchkey/latchkey/shared/user"
	"github.com/latchkey/latchkey/shared/workspace"
)

type handler struct {
	invitations invitation.Service
	log         *slog.Logger
	now         func() time.Time
}

// handle takes notices one by one; those that fail go back to the queue. A
// notice that cannot be read never will be: it goes to the dead-letter queue
// by being returned until the queue has had enough of it.
func (h handler) handle(ctx context.Context, in lambdaevents.SQSEvent) (lambdaevents.SQSEventResponse, error) {
	var out lambdaevents.SQSEventResponse
	for _, message := range in.Records {
		correlation, err := h.take(ctx, []byte(message.Body))
		if err != nil {
			h.log.ErrorContext(ctx, "feedback", "outcome", "again", "correlationId", correlation, "messageId", message.MessageId, "error", err)
			out.BatchItemFailures = append(out.BatchItemFailures, lambdaevents.SQSBatchItemFailure{ItemIdentifier: message.MessageId})
		}
	}
	return out, nil
}

// take notes one notice. What is not about a mail to an invited person, or
// about one of another time, changes nothing. It returns the notice's
// correlation id, "" if there is none to read.
func (h handler) take(ctx context.Context, body []byte) (correlation string, err error) {
	var n notice
	if json.Unmarshal(body, &n) != nil {
		return "", errUnreadable // the error would quote the notice, and with it an address
	}
	correlation = n.correlation()
	m, ours := n.mail()
	learned, known := n.learned()
	ctx = trace.With(ctx, correlation)
	log := h.log.With("correlationId", correlation, "type", n.Type, "workspaceId", m.WorkspaceID, "userId", m.UserID, "generation", m.Generation, "kind", m.Kind)
	if !ours || !known {
		log.InfoContext(ctx, "feedback", "outcome", "skipped")
		return correlation, nil
	}
	err = h.invitations.Learn(ctx, invitation.Returned{Mail: m, EmailKey: n.recipient(), Notice: learned}, actor, h.now().UTC().Truncate(time.Millisecond))
	if err != nil {
		return correlation, err
	}
	log.InfoContext(ctx, "feedback", "outcome", "noted", "delivery", learned.Delivery)
	return correlation, nil
}

// actor is who changes a delivery state.
const actor = "mail"

// validIDs keeps text that is no id of ours out of keys and logs.
func validIDs(m store.Mail) bool {
	_, ws := id.Bytes(workspace.IDPrefix, m.WorkspaceID, id.RandomBytes)
	_, u := id.Bytes(user.IDPrefix, m.UserID, id.HashBytes)
	return ws && u
}
