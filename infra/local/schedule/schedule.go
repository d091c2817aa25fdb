// Package schedule invokes a function at a fixed interval as EventBridge
// Scheduler does, through Lambda's asynchronous invocations: a failed invocation
// is retried after a minute and then sent to a dead-letter queue.
//
// It may import infra/blueprint, infra/local/lambda and infra/local/messaging.
package schedule

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/latchkey/latchkey/infra/blueprint"
	"github.com/latchkey/latchkey/infra/local/lambda"
	"github.com/latchkey/latchkey/infra/local/messaging"
)

// Config describes a schedule.
type Config struct {
	Function string
	Schedule blueprint.Schedule
	Invoker  messaging.Invoker
	// GiveUp receives the record of an invocation whose retries failed.
	GiveUp func(record string) error
	Log    *slog.Logger
	// Now and After default to time.Now and time.After.
	Now   func() time.Time
	After func(time.Duration) <-chan time.Time
}

// Schedule is a schedule; Run starts it.
type Schedule struct{ cfg Config }

// New makes a schedule.
func New(cfg Config) *Schedule {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.After == nil {
		cfg.After = time.After
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	return &Schedule{cfg}
}

// Run invokes the function at the interval until the context ends, and then waits
// for running invocations.
func (s *Schedule) Run(ctx context.Context) {
	var firing sync.WaitGroup
	defer firing.Wait()
	for {
		select {
		case <-ctx.Done():
			return
		case <-s.cfg.After(s.cfg.Schedule.Every):
		}
		firing.Go(func() { s.fire(ctx) })
	}
}

// fire invokes the function and retries on failure. Lambda waits one minute
// before the first retry and two before the second, and drops events older than
// their maximum age, which is the schedule's interval.
// https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html
func (s *Schedule) fire(ctx context.Context) {
	at := s.cfg.Now()
	event, err := json.Marshal(s.event(at))
	if err != nil {
		s.cfg.Log.Error("schedule", "schedule", s.cfg.Schedule.Name, "error", err)
		return
	}
	condition, tries := "RetriesExhausted", 0
	for {
		tries++
		_, err = s.cfg.Invoker.Invoke(ctx, event)
		if err == nil || ctx.Err() != nil {
			return
		}
		s.cfg.Log.Warn("schedule", "schedule", s.cfg.Schedule.Name, "tries", tries, "error", err)
		if tries > s.cfg.Schedule.Retries {
			break
		}
		wait := time.Duration(tries) * time.Minute
		if s.cfg.Now().Add(wait).Sub(at) > s.cfg.Schedule.Every {
			condition = "EventAgeExceeded"
			break
		}
		select {
		case <-ctx.Done():
			return
		case <-s.cfg.After(wait):
		}
	}
	record, recordErr := s.record(event, condition, tries, err)
	if recordErr == nil {
		recordErr = s.cfg.GiveUp(record)
	}
	if recordErr != nil {
		s.cfg.Log.Error("schedule", "schedule", s.cfg.Schedule.Name, "error", recordErr)
	}
}

// event returns Scheduler's default event, for a schedule without an input.
// https://docs.aws.amazon.com/scheduler/latest/APIReference/API_Target.html
func (s *Schedule) event(at time.Time) map[string]any {
	return map[string]any{
		"version": "0", "id": messaging.NewID(), "detail-type": "Scheduled Event", "source": "aws.scheduler",
		"account": "000000000000", "time": at.UTC().Format(time.RFC3339), "region": "us-east-1",
		"resources": []string{"arn:aws:scheduler:us-east-1:000000000000:schedule/default/latchkey-" + s.cfg.Schedule.Name},
		"detail":    "{}",
	}
}

// record returns the record that Lambda sends to an on-failure destination.
// https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html
func (s *Schedule) record(event []byte, condition string, tries int, failed error) (string, error) {
	response := json.RawMessage("null")
	var functionError *lambda.FunctionError
	if errors.As(failed, &functionError) && json.Valid(functionError.Payload) {
		response = functionError.Payload
	}
	raw, err := json.Marshal(map[string]any{
		"version": "1.0", "timestamp": s.cfg.Now().UTC().Format(time.RFC3339Nano),
		"requestContext": map[string]any{
			"requestId": messaging.NewID(), "functionArn": "arn:aws:lambda:us-east-1:000000000000:function:latchkey-" + s.cfg.Function + ":$LATEST",
			"condition": condition, "approximateInvokeCount": tries,
		},
		"requestPayload":  json.RawMessage(event),
		"responseContext": map[string]any{"statusCode": 200, "executedVersion": "$LATEST", "functionError": "Unhandled"},
		"responsePayload": response,
	})
	return string(raw), err
}
