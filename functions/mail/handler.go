package main

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"strconv"
	"time"

	lambdaevents "github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/service/sesv2"

	"github.com/latchkey/latchkey/shared/access"
	"github.com/latchkey/latchkey/shared/email"
	"github.com/latchkey/latchkey/shared/event"
	"github.com/latchkey/latchkey/shared/id"
	"github.com/latchkey/latchkey/shared/invitation"
	"github.com/latchkey/latchkey/shared/store"
	"github.com/latchkey/latchkey/shared/trace"
	"github.com/latchkey/latchkey/shared/user"
	"github.com/latchkey/latchkey/shared/workspace"
)

type handler struct {
	invitations      invitation.Service
	ses              *sesv2.Client
	from             string
	dashboard        string // base address
	configurationSet string
	attempts         int // how often the queue hands out a message
	pacer
	// closedUntil is when this instance asks SES again, after SES has said that
	// the day's quota is used up or that sending is paused.
	closedUntil time.Time
	closed      verdict
	log         *slog.Logger
	now         func() time.Time
}

// lease is how long a claim holds: twice as long as a run of this function may
// take. Nobody sends while another still could, and who claims a mail after the
// lease has read the record when the run before was over.
const lease = 60 * time.Second

// sendTimeout bounds one call to SES.
const sendTimeout = 10 * time.Second

// kindOf returns the mail that an event calls for; "" for none.
func kindOf(e event.Event, u user.User) email.Kind {
	switch user.ChangeType(e.Type) {
	case user.UserInvited, user.EmailCorrected:
		return email.Invitation
	case user.UserReinvited:
		return email.Reinvitation
	case user.UserReminded:
		return email.Reminder
	case user.UserAccepted:
		return email.Accepted
	case user.AskedAgain:
		return email.Asked
	case user.UserRestored:
		if e.Status == string(user.Active) {
			return email.Access
		}
		return email.Reinvitation
	case user.MailDue:
		if kind := u.Invitation.Postponed.Kind; kind != "" {
			return email.Kind(kind)
		}
		return email.Kind(u.Invitation.MailKind)
	}
	return ""
}

// due returns nil while a mail is still called for: the record decides, not the
// event, which may be old. Otherwise it returns why not.
func due(kind email.Kind, e event.Event, u user.User, w workspace.Workspace, now time.Time) error {
	status := u.StatusAt(now)
	stands := status.Pending()
	switch kind {
	case email.Access, email.Accepted:
		stands = status == user.Active
	case email.Asked:
		stands = !u.Invitation.AskedAt.IsZero() && status != user.Active && status != user.Archived
	}
	switch {
	case !stands || u.Invitation.Generation != e.Generation:
		return errStale
	case kind.ToManager():
		return nil // what is known of the person's mailbox says nothing
	case !u.Invitation.SendEmail:
		return errStale
	case u.Recipient.RefusesMail() != nil:
		return errUnwanted
	case w.Paused:
		return errPaused
	}
	return nil
}

var (
	errStale    = errors.New("nothing is called for any more")
	errUnwanted = errors.New("the person wants no mail")
	errNotNow   = errors.New("the mail service takes no mail now")
	errPaused   = errors.New("the workspace's invitations are paused")
)

// unsentNotice returns the notice of a mail that is not sent although it was asked for.
func unsentNotice(why error, u user.User) user.Notice {
	switch why {
	case errUnwanted:
		return u.Recipient.Suppressed()
	case errPaused:
		return user.Notice{Delivery: user.DeliverySuppressed, Reason: "The workspace's invitations are paused, because people reported them as abuse."}
	}
	return user.Notice{Delivery: user.DeliveryNone, Reason: "The invitation was answered or ended before its mail left."}
}

// handle takes messages one by one; those that fail go back to the queue.
func (h *handler) handle(ctx context.Context, in lambdaevents.SQSEvent) (lambdaevents.SQSEventResponse, error) {
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
func (h *handler) mail(ctx context.Context, e event.Event, lastAttempt bool) error {
	ctx = trace.With(ctx, e.CorrelationID)
	outcome, err := h.deliver(ctx, e, lastAttempt)
	level := slog.LevelInfo
	attrs := []slog.Attr{
		slog.String("outcome", outcome), slog.String("eventId", e.ID),
		slog.String("workspaceId", e.WorkspaceID), slog.String("userId", e.UserID), slog.Int("generation", e.Generation),
		slog.String("correlationId", e.CorrelationID),
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
	sent      = "sent"
	skipped   = "skipped"   // nothing is called for any more
	again     = "again"     // to be tried again
	postponed = "postponed" // back on the schedule: the mail service takes none now
	failed    = "failed"    // given up
)

func (h *handler) deliver(ctx context.Context, e event.Event, lastAttempt bool) (outcome string, err error) {
	now := h.now().UTC().Truncate(time.Millisecond)
	st, err := h.invitations.Store.Load(ctx, store.Want{Workspace: e.WorkspaceID, Users: []string{e.UserID}, Wishes: []string{e.UserID}})
	if err != nil {
		return again, err
	}
	u, w := st.Users[e.UserID], st.Workspace
	kind := kindOf(e, u)
	if kind == "" || u.ID == "" {
		return skipped, nil
	}
	m := store.Mail{WorkspaceID: u.WorkspaceID, UserID: u.ID, Generation: e.Generation, Kind: string(kind)}
	if kind == email.Access || kind == email.Asked {
		m.Event = e.ID // archived and restored twice, a person gets two mails
	}
	if u.Invitation.Waits(user.MailKind(kind)) {
		return skipped, nil // a repeated message; the schedule sends it
	}
	if why := due(kind, e, u, w, now); why != nil {
		return skipped, h.mark(ctx, m, unsentNotice(why, u), now)
	}
	if ofInvitation(kind) && u.Invitation.Sent() {
		return skipped, nil
	}
	switch {
	case w.Exists():
	case kind == email.Asked: // a request is on no schedule; the person can ask again
		return skipped, nil
	default: // it leaves when the workspace is restored: until then the schedule passes it over
		return h.postpone(ctx, st, m, latest(now, e.Time), deleted, time.Time{})
	}
	u, err = h.settle(ctx, u, now)
	if err != nil {
		return again, err
	}
	inviter, _, err := h.invitations.Store.LoadUser(ctx, w.ID, u.Invitation.InvitedBy) // a backend is no user, and has no name
	if err != nil {
		return again, err
	}
	if kind.ToManager() {
		inviter, err = h.manager(ctx, kind, inviter, w, now)
		if err != nil {
			return again, err
		}
		if inviter.ID == "" {
			return skipped, nil
		}
	}
	err = h.wait(ctx, h.now())
	if err != nil {
		return again, err
	}
	attempt, err := h.attempt()
	if err != nil {
		return again, err
	}
	now = attempt.At
	claim, err := h.invitations.Store.ClaimMail(ctx, m, attempt)
	switch {
	case err != nil:
		return again, err
	case claim == store.ClaimedElse:
		return again, errors.New("another run has this mail")
	case claim == store.AlreadySent:
		return skipped, h.mark(ctx, m, wasSent, now)
	}
	if kind == email.Asked {
		ok, err := h.invitations.Store.CountNotice(ctx, w.ID, workspace.MaxNotices, now)
		if err != nil {
			return again, err
		}
		if !ok {
			return skipped, h.invitations.Store.ReleaseMail(ctx, m, attempt)
		}
	}
	if at := latest(now, e.Time); at.Before(h.closedUntil) {
		return h.giveBack(ctx, st, m, attempt, at, h.closed, h.closedUntil)
	}
	err = h.sendPaced(ctx, about{m, kind, u, inviter, w, now})
	if err == nil {
		return sent, h.noteSent(ctx, m, u, now)
	}
	if why := classify(err); why.wait {
		return h.refused(ctx, st, m, attempt, latest(now, e.Time), why)
	}
	return h.notSent(ctx, m, attempt, err, lastAttempt)
}

// manager returns the recipient of a mail about another person: the inviter, or,
// for a new link, the admin with the oldest record if the inviter is no longer an
// active admin or takes no mail. It returns the zero User if there is none.
func (h *handler) manager(ctx context.Context, kind email.Kind, inviter user.User, w workspace.Workspace, now time.Time) (user.User, error) {
	told := func(u user.User) bool {
		return u.Status == user.Active && (kind == email.Accepted || u.Manages()) && u.Recipient.RefusesMail() == nil
	}
	switch {
	case told(inviter):
		return inviter, nil
	case kind == email.Accepted:
		return user.User{}, nil
	}
	admins, _, err := h.invitations.Store.ListUsers(ctx, w, store.Filter{Statuses: []user.Status{user.Active}, Role: user.Admin}, store.Page{Limit: 20, Oldest: true}, now)
	if err != nil {
		return user.User{}, err
	}
	for _, listed := range admins { // by an index, which may be behind
		u, _, err := h.invitations.Store.LoadUser(ctx, w.ID, listed.ID)
		if err != nil || told(u) {
			return u, err
		}
	}
	return user.User{}, nil
}

// refused puts a mail that SES does not take now back on the schedule. If the
// quota is used up or sending is paused, this instance does not call SES again
// before the retry is due, so all its mails wait for the same instant.
func (h *handler) refused(ctx context.Context, st *store.State, m store.Mail, a store.Attempt, at time.Time, why verdict) (string, error) {
	since := st.Users[m.UserID].Invitation.Postponed.Since
	if since.IsZero() {
		since = at
	}
	until := user.RetryAt(since, at)
	if !why.throttled {
		h.closed, h.closedUntil = why, until
	}
	return h.giveBack(ctx, st, m, a, at, why, until)
}

// latest returns the later of this function's time and an event's, which comes
// from another clock.
func latest(now, event time.Time) time.Time {
	if event.After(now) {
		return event
	}
	return now
}

// giveBack writes the wait before it releases the claim, so that no other run can
// send the mail in between.
func (h *handler) giveBack(ctx context.Context, st *store.State, m store.Mail, a store.Attempt, at time.Time, why verdict, until time.Time) (string, error) {
	if m.Kind == string(email.Asked) { // a request is on no schedule
		return again, errors.Join(errNotNow, h.invitations.Store.ReleaseMail(ctx, m, a))
	}
	outcome, err := h.postpone(ctx, st, m, at, why.reason, until)
	if outcome == again {
		return again, err
	}
	return outcome, errors.Join(err, h.invitations.Store.ReleaseMail(ctx, m, a))
}

// deleted is the reason for which a mail of a deleted workspace waits.
const deleted = "The workspace was deleted before the mail left."

// postpone puts a mail back on the schedule. The message is finished, so the wait
// uses up no attempt.
func (h *handler) postpone(ctx context.Context, st *store.State, m store.Mail, at time.Time, reason string, until time.Time) (string, error) {
	stamp, err := access.Stamp(ctx, "mail", at, h.invitations.Random)
	if err != nil {
		return again, err
	}
	waits, err := h.invitations.Postpone(ctx, st, m, stamp, reason, until)
	switch {
	case err != nil:
		return again, err
	case !waits:
		return failed, h.mark(ctx, m, user.Notice{Delivery: user.DeliveryFailed, Reason: reason}, at)
	}
	return postponed, nil
}

// attempt is this run's try at a mail.
func (h *handler) attempt() (store.Attempt, error) {
	name, err := id.Random("", h.invitations.Random)
	return store.Attempt{ID: name, At: h.now().UTC().Truncate(time.Millisecond), Lease: lease}, err
}

var wasSent = user.Notice{Delivery: user.DeliverySent, Weight: user.WeightSent}

// ofInvitation reports whether a mail is the newest one of its generation, so that
// the record's delivery state says whether it was sent.
func ofInvitation(kind email.Kind) bool {
	return kind == email.Invitation || kind == email.Reinvitation
}

// noteSent notes that a mail was sent, so that no repeat sends it again.
func (h handler) noteSent(ctx context.Context, m store.Mail, u user.User, now time.Time) error {
	if !ofInvitation(email.Kind(m.Kind)) {
		err := h.invitations.Store.MarkMailSent(ctx, m, now)
		if err != nil {
			return err
		}
	}
	if !wasSent.Replaces(u.Invitation) { // a reminder says nothing new
		return nil
	}
	return h.mark(ctx, m, wasSent, now)
}

// notSent decides what a failure to send means: a message that SES refuses for
// good is given up; anything else goes back to the queue, at once where it was
// surely not sent, after the lease where nobody can tell.
func (h handler) notSent(ctx context.Context, m store.Mail, a store.Attempt, cause error, lastAttempt bool) (string, error) {
	why := classify(cause)
	if why.outcomeKnown {
		err := h.invitations.Store.ReleaseMail(ctx, m, a)
		if err != nil {
			return again, err
		}
	}
	if why.final || lastAttempt {
		err := h.mark(ctx, m, user.Notice{Delivery: user.DeliveryFailed, Reason: why.reason}, a.At)
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
	st, err := h.invitations.Store.Load(ctx, store.Want{Accounts: []string{u.Email}})
	if err != nil || !st.HasAccount(u.Email) {
		return u, err
	}
	_, err = h.invitations.Promote(ctx, u.WorkspaceID, u.ID, now)
	u.Status = user.Invited
	return u, err
}

// mark records the outcome of a mail with the invitation; a mail to a manager is
// not about the invited person's mailbox.
func (h handler) mark(ctx context.Context, m store.Mail, n user.Notice, now time.Time) error {
	if email.Kind(m.Kind).ToManager() {
		return nil
	}
	stamp, err := access.Stamp(ctx, "mail", now, h.invitations.Random)
	if err != nil {
		return err
	}
	return h.invitations.Store.SetDelivery(ctx, m, stamp, n)
}
