package main

import (
	"context"
	"errors"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sesv2"
	"github.com/aws/aws-sdk-go-v2/service/sesv2/types"
	"github.com/aws/smithy-go"

	"github.com/latchkey/latchkey/shared/email"
	"github.com/latchkey/latchkey/shared/store"
	"github.com/latchkey/latchkey/shared/user"
	"github.com/latchkey/latchkey/shared/workspace"
)

// send hands one mail to SES. Its tags name the invitation by ids, so that
// SES's notices can be matched without an address.
func (h handler) send(ctx context.Context, m store.Mail, u, inviter user.User, w workspace.Workspace, kind email.Kind, now time.Time) (messageID string, err error) {
	message, err := h.render(ctx, u, inviter, w, kind, now)
	if err != nil {
		return "", unsent{err}
	}
	ctx, cancel := context.WithTimeout(ctx, sendTimeout)
	defer cancel()
	text := func(s string) *types.Content { return &types.Content{Data: &s, Charset: aws.String("UTF-8")} }
	tag := func(name, value string) types.MessageTag { return types.MessageTag{Name: &name, Value: &value} }
	in := &sesv2.SendEmailInput{
		FromEmailAddress: &h.from,
		Destination:      &types.Destination{ToAddresses: []string{user.MailAddress(u.Email)}},
		Content: &types.EmailContent{Simple: &types.Message{
			Subject: text(message.Subject),
			Body:    &types.Body{Text: text(message.Text), Html: text(message.HTML)},
			// RFC 3834: no vacation notice shall answer this.
			Headers: []types.MessageHeader{{Name: aws.String("Auto-Submitted"), Value: aws.String("auto-generated")}},
		}},
		EmailTags: []types.MessageTag{
			tag("workspace", m.WorkspaceID), tag("user", m.UserID),
			tag("generation", strconv.Itoa(m.Generation)), tag("kind", m.Kind),
		},
	}
	if h.configurationSet != "" {
		in.ConfigurationSetName = &h.configurationSet
	}
	out, err := h.ses.SendEmail(ctx, in)
	if err != nil {
		return "", err
	}
	return aws.ToString(out.MessageId), nil
}

// unsent is a failure before SES was asked.
type unsent struct{ error }

func (e unsent) Unwrap() error { return e.error }

// verdict is what a failure means for the mail.
type verdict struct {
	outcomeKnown bool   // it was surely not sent
	final        bool   // it never will be, as it is
	reason       string // for the admin, as deliveryReason
}

// classify sorts SES's errors. An answer from SES below 500 is a refusal: the
// mail did not leave. Without an answer, or with a 5xx, nobody can tell.
// https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_SendEmail.html#API_SendEmail_Errors
func classify(err error) verdict {
	var early unsent
	if errors.As(err, &early) {
		return verdict{outcomeKnown: true, reason: "The mail could not be written."}
	}
	var api smithy.APIError
	if !errors.As(err, &api) {
		return verdict{reason: "The mail service did not answer."}
	}
	switch api.ErrorCode() {
	case "MessageRejected", "BadRequestException", "NotFoundException":
		return verdict{outcomeKnown: true, final: true, reason: "The mail service refused the mail."}
	case "TooManyRequestsException", "LimitExceededException", "Throttling", "ThrottlingException":
		return verdict{outcomeKnown: true, reason: "The mail service is at its sending limit."}
	case "AccountSuspendedException", "SendingPausedException":
		return verdict{outcomeKnown: true, reason: "The mail service has paused sending."}
	case "MailFromDomainNotVerifiedException":
		return verdict{outcomeKnown: true, reason: "The sender's domain is not verified with the mail service."}
	}
	return verdict{outcomeKnown: api.ErrorFault() == smithy.FaultClient, reason: "The mail service failed."}
}

// loggable is an error without what SES repeats of the message: it may quote
// an address.
func loggable(err error) string {
	var api smithy.APIError
	if errors.As(err, &api) {
		return api.ErrorCode()
	}
	return err.Error()
}
