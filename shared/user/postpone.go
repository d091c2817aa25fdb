package user

import "time"

// Postponed is a mail that left the schedule and that the mail service did not
// take yet: its rate or quota is used up, or sending is paused. The zero value
// is none. The mail was counted when it first left, so no limit counts it again.
type Postponed struct {
	Kind  MailKind
	Since time.Time // when the mail service first refused it
	Until time.Time // zero while the mail is on its way again
}

// PostponedAtMost is how long a mail waits for the mail service.
const PostponedAtMost = 14 * 24 * time.Hour

// RetryAt returns when a mail that has waited since an instant is tried again.
// The pauses grow from 5 minutes to an hour. They end at the same instants for all
// mails, so that the oldest waiting mail leaves first.
func RetryAt(since, now time.Time) time.Time {
	step := time.Hour
	switch waited := now.Sub(since); {
	case waited < 10*time.Minute:
		step = 5 * time.Minute
	case waited < time.Hour:
		step = 15 * time.Minute
	}
	return now.Truncate(step).Add(step)
}

// Waits reports whether a mail of that kind is postponed.
func (i Invitation) Waits(kind MailKind) bool {
	return i.Postponed.Kind == kind && !i.Postponed.Until.IsZero()
}

// Postpone makes a mail of the current generation wait, at least until
// notBefore, because the mail service does not take it at s.At. If the mail already
// waits, Postpone returns u itself. After PostponedAtMost, or if a reminder would
// come after the invitation's end, ok is false: the mail is given up.
func (u User) Postpone(s Stamp, kind MailKind, reason string, notBefore time.Time) (next User, ok bool) {
	if u.Invitation.Waits(kind) {
		return u, true
	}
	since := u.Invitation.Postponed.Since
	if u.Invitation.Postponed.Kind != kind || since.IsZero() {
		since = s.At
	}
	until := maxTime(RetryAt(since, s.At), notBefore)
	if s.At.Sub(since) >= PostponedAtMost || kind == MailReminder && !until.Before(u.Invitation.ExpiresAt) {
		return u, false
	}
	next = u
	i := &next.Invitation
	i.Postponed = Postponed{Kind: kind, Since: since, Until: until}
	if kind != MailReminder && kind != MailAccepted {
		i.Delivery, i.DeliveryReason, i.DeliveryWeight, i.ScheduledFor = DeliveryScheduled, reason, WeightOurs, until
		next.leaves(until)
	}
	next.Version++ // a wait is not an event
	return next, true
}

// Retry releases a postponed mail, or drops it if the person has since refused
// mail.
func (u User) Retry(s Stamp) (User, error) {
	p := u.Invitation.Postponed
	if p.Until.IsZero() || s.At.Before(p.Until) {
		return u, wrongStatus(u, s.At, "mailed")
	}
	next := u
	if refusal := u.MayBeMailed(false); refusal != nil && p.Kind != MailAccepted {
		if u.Invitation.Delivery == DeliveryScheduled {
			return u.Withhold(s, refusal), nil
		}
		next.Invitation.Postponed = Postponed{}
		next.Version++
		return next, nil
	}
	i := &next.Invitation
	i.Postponed.Until = time.Time{}
	if i.Delivery == DeliveryScheduled {
		i.Delivery, i.DeliveryReason, i.ScheduledFor = DeliveryQueued, "", time.Time{}
		next.leaves(s.At)
	}
	return next.changed(s, MailDue), nil
}
