package main

import (
	"context"
	"errors"
	"fmt"
	"net/mail"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sesv2"
	"github.com/aws/aws-sdk-go-v2/service/sesv2/types"
	"github.com/aws/smithy-go"

	"github.com/latchkey/latchkey/shared/email"
	"github.com/latchkey/latchkey/shared/store"
	"github.com/latchkey/latchkey/shared/trace"
	"github.com/latchkey/latchkey/shared/user"
	"github.com/latchkey/latchkey/shared/workspace"
)

// about is what a mail is written from.
type about struct {
	store.Mail
	kind      email.Kind
	user      user.User
	inviter   user.User // zero where a backend invited
	workspace workspace.Workspace
	now       time.Time
}

// send hands one mail to SES. Its tags name the invitation by ids, so that
// SES's notices can be matched without an address.
func (h handler) send(ctx context.Context, a about) error {
	in, err := h.write(ctx, a)
	if err != nil {
		return unsent{err}
	}
	ctx, cancel := context.WithTimeout(ctx, sendTimeout)
	defer cancel()
	_, err = h.ses.SendEmail(ctx, in)
	return err
}

func (h handler) write(ctx context.Context, a about) (*sesv2.SendEmailInput, error) {
	invite, err := h.invite(ctx, a)
	if err != nil {
		return nil, err
	}
	message, err := email.Render(invite)
	if err != nil {
		return nil, fmt.Errorf("render a mail: %w", err)
	}
	text := func(s string) *types.Content { return &types.Content{Data: &s, Charset: aws.String("UTF-8")} }
	tag := func(name, value string) types.MessageTag { return types.MessageTag{Name: &name, Value: &value} }
	in := &sesv2.SendEmailInput{
		FromEmailAddress: aws.String(from(h.from, a.workspace.ProductName)),
		Destination:      &types.Destination{ToAddresses: []string{user.MailAddress(invite.To)}},
		Content: &types.EmailContent{Simple: &types.Message{
			Subject: text(message.Subject),
			Body:    &types.Body{Text: text(message.Text), Html: text(message.HTML)},
			Headers: headers(a, invite.Unsubscribe),
		}},
		EmailTags: []types.MessageTag{
			tag("workspace", a.WorkspaceID), tag("user", a.UserID),
			tag("generation", strconv.Itoa(a.Generation)), tag("kind", a.Kind), tag("recipient", user.EmailKey(invite.To)),
		},
	}
	if id := trace.ID(ctx); id != "" {
		in.EmailTags = append(in.EmailTags, tag("correlation", id))
	}
	if replyTo := replyTo(a); replyTo != "" {
		in.ReplyToAddresses = []string{user.MailAddress(replyTo)}
	}
	if h.configurationSet != "" {
		in.ConfigurationSetName = &h.configurationSet
	}
	return in, nil
}

// invite is what the mail tells.
func (h handler) invite(ctx context.Context, a about) (email.Invite, error) {
	location, err := time.LoadLocation(a.workspace.Timezone)
	if err != nil {
		location = time.UTC
	}
	w := a.workspace
	invite := email.Invite{
		Kind: a.kind, Locale: a.user.Invitation.Locale, To: a.user.Email, Name: a.user.Name, Inviter: a.inviter.Name, Workspace: w.Name,
		Role: string(a.user.Role), Now: a.now, ExpiresAt: a.user.Invitation.ExpiresAt, Location: location,
		HasAccount: a.user.Status == user.Invited, Message: a.user.Invitation.Message,
		Branding: email.Branding{Product: w.ProductName, Logo: w.LogoURL, Accent: w.AccentColor, Support: w.SupportAddress},
	}
	links, err := h.invitations.Links.Maker(ctx, a.now)
	if err != nil {
		return email.Invite{}, err
	}
	switch a.kind {
	case email.Accepted, email.Asked:
		invite.To, invite.Locale = a.inviter.Email, w.Locale
		invite.Link = h.dashboard + "/" + w.Slug + "/workspace-settings/users"
		return invite, nil
	case email.Access:
		invite.Link = h.dashboard + "/" + w.Slug
	default:
		invite.Link = links.URL(a.user)
	}
	invite.Unsubscribe, invite.Report, err = links.OptOut(a.user)
	return invite, err
}

// from is the deployment's sender, under the product's name where the
// workspace has one.
func from(sender, product string) string {
	if product == "" {
		return sender
	}
	address, err := mail.ParseAddress(sender)
	if err != nil {
		return sender
	}
	address.Name = product
	return address.String()
}

// replyTo is where an answer goes; "" for the sender.
func replyTo(a about) string {
	if a.workspace.ReplyTo != workspace.ReplyToInviter {
		return a.workspace.ReplyTo
	}
	if a.kind.ToManager() || a.inviter.Status != user.Active {
		return ""
	}
	return a.inviter.Email
}

// headers are what mailbox providers want to see of mail that a program sends.
// SES writes a Message-ID of its own and lets nobody else's through, so that the
// name of a mail, which its repeats share, stands in X-Entity-Ref-ID.
// https://docs.aws.amazon.com/ses/latest/dg/header-fields.html
// https://support.google.com/a/answer/6254652
func headers(a about, unsubscribe string) []types.MessageHeader {
	name := strings.Join([]string{a.WorkspaceID, a.UserID, strconv.Itoa(a.Generation), a.Kind, a.Event}, "/")
	all := [][2]string{
		{"Auto-Submitted", "auto-generated"}, // RFC 3834: no vacation notice shall answer this
		{"X-Entity-Ref-ID", strings.TrimSuffix(name, "/")},
		{"Feedback-ID", a.Kind + ":" + a.WorkspaceID + ":invitations:latchkey"},
	}
	if unsubscribe != "" { // RFC 8058: with one click, which only a POST is
		all = append(all, [2]string{"List-Unsubscribe", "<" + unsubscribe + ">"}, [2]string{"List-Unsubscribe-Post", "List-Unsubscribe=One-Click"})
	}
	out := make([]types.MessageHeader, len(all))
	for i, h := range all {
		out[i] = types.MessageHeader{Name: &h[0], Value: &h[1]}
	}
	return out
}

// unsent is a failure before SES was asked.
type unsent struct{ error }

func (e unsent) Unwrap() error { return e.error }

// verdict is what a failure means for the mail.
type verdict struct {
	outcomeKnown bool   // it was surely not sent
	final        bool   // it never will be, as it is
	wait         bool   // the mail service takes no mail now, whatever the mail
	throttled    bool   // for some seconds only
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
		quota := strings.Contains(api.ErrorMessage(), "Daily")
		return verdict{outcomeKnown: true, wait: true, throttled: !quota, reason: "The mail service is at its sending limit."}
	case "AccountSuspendedException", "SendingPausedException":
		return verdict{outcomeKnown: true, wait: true, reason: "The mail service has paused sending."}
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
