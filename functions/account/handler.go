package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	lambdaevents "github.com/aws/aws-lambda-go/events"

	"github.com/latchkey/latchkey/shared/httpapi"
	"github.com/latchkey/latchkey/shared/invitation"
	"github.com/latchkey/latchkey/shared/user"
)

type handler struct {
	invitations invitation.Service
	log         *slog.Logger
	now         func() time.Time
}

// handle tells the two triggers apart: only Cognito's has a trigger source.
func (h handler) handle(ctx context.Context, event json.RawMessage) (any, error) {
	var kind struct {
		TriggerSource string `json:"triggerSource"`
	}
	if err := json.Unmarshal(event, &kind); err != nil {
		return nil, fmt.Errorf("read the event: %w", err)
	}
	if kind.TriggerSource != "" {
		return h.confirmed(ctx, event)
	}
	var in lambdaevents.APIGatewayV2HTTPRequest
	if err := json.Unmarshal(event, &in); err != nil {
		return nil, fmt.Errorf("read the event: %w", err)
	}
	routes := httpapi.Routes{"PUT /v1/me": h.record}
	return routes.Lambda(h.log, h.now)(ctx, in)
}

// record is recordAccount: the caller's account is known from now on.
func (h handler) record(ctx context.Context, r *httpapi.Request) (httpapi.Response, error) {
	if err := r.Caller.Person(); err != nil {
		return httpapi.Response{}, err
	}
	_, err := h.invitations.AccountAppeared(ctx, r.Caller.Email, r.Now)
	return httpapi.Response{Status: http.StatusNoContent}, err
}

// patience is how long the trigger works on a sign-up. Cognito waits 5 seconds
// for an answer and then fails the sign-up; what is between is for a cold start.
// https://docs.aws.amazon.com/cognito/latest/developerguide/cognito-user-pools-working-with-lambda-triggers.html
const patience = 3500 * time.Millisecond

// confirmed is Cognito's PostConfirmation trigger. It hands the event back, as
// Cognito wants it. A failure would fail the person's sign-up, so it is logged,
// and the next recordAccount, which the dashboard sends after each sign-in,
// does the rest.
// https://docs.aws.amazon.com/cognito/latest/developerguide/user-pool-lambda-post-confirmation.html
func (h handler) confirmed(ctx context.Context, event json.RawMessage) (json.RawMessage, error) {
	var in lambdaevents.CognitoEventUserPoolsPostConfirmation
	if err := json.Unmarshal(event, &in); err != nil {
		h.log.ErrorContext(ctx, "account", "outcome", "failed", "error", err)
		return event, nil
	}
	attributes := in.Request.UserAttributes
	if !user.ValidEmail(attributes["email"]) || attributes["email_verified"] != "true" {
		return event, nil
	}
	working, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	noted, err := h.invitations.AccountAppeared(working, attributes["email"], h.now().UTC().Truncate(time.Millisecond))
	switch {
	case err == nil:
		h.log.InfoContext(ctx, "account", "outcome", "recorded", "workspaces", noted)
	case working.Err() != nil:
		h.log.WarnContext(ctx, "account", "outcome", "unfinished", "workspaces", noted, "left", "to the next recordAccount", "error", err)
	default:
		h.log.ErrorContext(ctx, "account", "outcome", "failed", "workspaces", noted, "error", err)
	}
	return event, nil
}
