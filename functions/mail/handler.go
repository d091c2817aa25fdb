package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strconv"
	"time"

	lambdaevents "github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/service/sesv2"

	"github.com/latchkey/latchkey/shared/access"
	"github.com/latchkey/latchkey/shared/email"
	"github.com/latchkey/latchkey/shared/event"
	"github.com/latchkey/latchkey/shared/linkkey"
	"github.com/latchkey/latchkey/shared/store"
	"github.com/latchkey/latchkey/shared/user"
	"github.com/latchkey/latchkey/shared/workspace"
)

type handler struct {
	store            *store.Store
	links            *linkkey.Source
	ses              *sesv2.Client
	from             string
	configurationSet string
	attempts         int // how often the queue hands out a message
	random           io.Reader
	log              *slog.Logger
	now              func() time.Time
}

// lease is how long a claim holds: longer than a run of this function, so that
// nobody sends while another still could.
const lease = 60 * time.Second

// sendTimeout bounds one call to SES.
const sendTimeout = 10 * time.Second

var kinds = map[string]email.Kind{
	string(user.UserInvited):   email.Invitation,
	string(user.UserReinvited): email.Reinvitation,
	string(user.UserRestored):  email.Reinvitation,
	string(user.UserReminded):  email.Reminder,
}

// handle takes messages one by one; those that fail go back to the queue.
func (h handler) handle(ctx context.Context, in lambdaevents.SQSEvent) (lambdaevents.SQSEventResponse, error) {
	var out lambdaevents.SQSEventResponse
	for _, message := range in.Records {
		var envelope struct {
			Detail event.Event `json:"detail"`
		}
		err := json.Unmarshal([]byte(message.Body), &envelope)
		if err == nil {
			received, _ := strconv.Atoi(message.Attributes["ApproximateReceiveCount"])
			err = h.mail(ctx, envelope.Detail, received >= h.attempts)
		}
		if err != nil {
			out.BatchItemFailures = append(out.BatchItemFailures, lambdaevents.SQSBatchItemFailure{ItemIdentifier: message.MessageId})
		}
	}
	return out, nil
}

// mail writes the mail that an event calls for, if it is still called for: the
// record decides, not the event, which may be old.
func (h handler) mail(ctx context.Context, e event.Event, lastAttempt bool) error {
	outcome, err := h.deliver(ctx, e, lastAttempt)
	level := slog.LevelInfo
	attrs := []slog.Attr{
		slog.String("outcome", outcome), slog.String("kind", string(kinds[e.Type])), slog.String("eventId", e.ID),
		slog.String("workspaceId", e.WorkspaceID), slog.String("userId", e.UserID), slog.Int("generation", e.Generation),
	}
	if err != nil {
		level = slog.LevelError
		attrs = append(attrs, slog.String("error", loggable(err)))
	}
	h.log.LogAttrs(ctx, level, "mail", attrs...)
	return err
}

// The outcomes of an event, as they are logged.
const (
	sent    = "sent"
	skipped = "skipped" // nothing is called for any more
	again   = "again"   // to be tried again
	failed  = "failed"  // given up
)

func (h handler) deliver(ctx context.Context, e event.Event, lastAttempt bool) (outcome string, err error) {
	kind, known := kinds[e.Type]
	if !known {
		return skipped, nil
	}
	now := h.now().UTC().Truncate(time.Millisecond)
	snap, err := h.store.Load(ctx, store.Want{Workspace: e.WorkspaceID, Users: []string{e.UserID}})
	if err != nil {
		return again, err
	}
	u, w := snap.Users[e.UserID], snap.Workspace
	if !u.StatusAt(now).Pending() || u.Invitation.Generation != e.Generation || !u.Invitation.SendEmail {
		return skipped, nil
	}
	u, err = h.settle(ctx, u, now)
	if err != nil {
		return again, err
	}
	inviter, _, err := h.store.LoadUser(ctx, w.ID, u.Invitation.InvitedBy) // a backend is no user, and has no name
	if err != nil {
		return again, err
	}
	m := store.Mail{WorkspaceID: w.ID, UserID: u.ID, Generation: e.Generation, Kind: string(kind)}
	claim, err := h.store.ClaimMail(ctx, m, now, lease)
	switch {
	case err != nil:
		return again, err
	case claim == store.ClaimedElse:
		return again, errors.New("another run has this mail")
	case claim == store.AlreadySent:
		return skipped, h.mark(ctx, m, user.DeliverySent, "", now)
	}
	messageID, err := h.send(ctx, m, u, inviter, w, kind, now)
	if err == nil {
		err = h.store.MarkMailSent(ctx, m, messageID, now)
		if err != nil {
			return again, err
		}
		return sent, h.mark(ctx, m, user.DeliverySent, "", now)
	}
	return h.notSent(ctx, m, err, lastAttempt, now)
}

// notSent decides what a failure to send means: a message that SES refuses for
// good is given up; anything else goes back to the queue, at once where it was
// surely not sent, after the lease where nobody can tell.
func (h handler) notSent(ctx context.Context, m store.Mail, cause error, lastAttempt bool, now time.Time) (string, error) {
	why := classify(cause)
	if why.outcomeKnown {
		err := h.store.ReleaseMail(ctx, m, now, lease)
		if err != nil {
			return again, err
		}
	}
	if why.final || lastAttempt {
		err := h.mark(ctx, m, user.DeliveryFailed, why.reason, now)
		if err != nil {
			return again, err
		}
	}
	switch {
	case why.final: // nothing is gained by another attempt
		return failed, nil
	case lastAttempt: // to the dead-letter queue, from where it can be redriven
		return failed, cause
	}
	return again, cause
}

// settle reads whether a requested person has an account by now, so that the
// mail says what they will be asked to do, and their status is right.
func (h handler) settle(ctx context.Context, u user.User, now time.Time) (user.User, error) {
	if u.Status != user.Requested {
		return u, nil
	}
	account, err := h.store.Load(ctx, store.Want{Email: u.Email})
	if err != nil || !account.HasAccount {
		return u, err
	}
	err = h.store.Promote(ctx, u, func(string) (user.Stamp, error) { return access.Stamp(u.ID, now, h.random) })
	u.Status = user.Invited
	return u, err
}

func (h handler) mark(ctx context.Context, m store.Mail, to user.Delivery, reason string, now time.Time) error {
	stamp, err := access.Stamp("mail", now, h.random)
	if err != nil {
		return err
	}
	return h.store.SetDelivery(ctx, m, stamp, to, reason)
}

func (h handler) render(ctx context.Context, u, inviter user.User, w workspace.Workspace, kind email.Kind, now time.Time) (email.Message, error) {
	url, err := h.links.URL(ctx, u, now)
	if err != nil {
		return email.Message{}, err
	}
	location, err := time.LoadLocation(w.Timezone)
	if err != nil {
		location = time.UTC
	}
	message, err := email.Render(email.Invite{
		Kind: kind, To: u.Email, Name: u.Name, Inviter: inviter.Name, Workspace: w.Name,
		Role: string(u.Role), Link: url, Now: now, ExpiresAt: u.Invitation.ExpiresAt, Location: location,
		HasAccount: u.Status == user.Invited, Message: u.Invitation.Message,
	})
	if err != nil {
		return email.Message{}, fmt.Errorf("render a mail: %w", err)
	}
	return message, nil
}
