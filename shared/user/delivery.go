package user

import "time"

// Delivery is what is known of the newest mail to a user.
type Delivery string

// The delivery states.
const (
	DeliveryNone       Delivery = "none"       // no mail was asked for, or none is needed any more
	DeliveryScheduled  Delivery = "scheduled"  // leaves when the limits of mail allow it
	DeliveryQueued     Delivery = "queued"     // about to be sent
	DeliveryFailed     Delivery = "failed"     // given up, or refused by the mail service
	DeliverySent       Delivery = "sent"       // the mail service has it
	DeliveryDelayed    Delivery = "delayed"    // the recipient's server makes it wait
	DeliveryDelivered  Delivery = "delivered"  // the recipient's server took it
	DeliveryBounced    Delivery = "bounced"    // it came back
	DeliverySuppressed Delivery = "suppressed" // not sent: the recipient does not want it, or the mail service refuses the address
	DeliveryComplained Delivery = "complained" // the recipient called it spam
)

// Notice is something that was learned about a mail.
type Notice struct {
	Delivery Delivery
	Reason   string // a sentence for the admin; holds no address
	Weight   Weight
}

// Weight orders notices: of two about the same mail the heavier one stands, in
// whichever order they come and however often. A late delivery notice therefore
// never covers a bounce.
type Weight int

// The weights, lightest first. The zero value is a state of ours from before
// the mail service has the mail: everything it says replaces that.
const (
	WeightOurs Weight = iota
	WeightSent
	WeightDelayed
	// WeightAutomatic is a bounce for no lasting reason. An absence note comes
	// back like this, from a mailbox that has the mail.
	WeightAutomatic
	WeightDelivered
	WeightBounced // for a reason of this mail or this day, such as a full mailbox
	// WeightUndeliverable and heavier notices stop further mail.
	WeightUndeliverable
	WeightComplained
)

// Replaces reports whether a notice says more than what is known of the same
// mail. Of our own states the newer one stands; an identical one is a no-op. A
// scheduled mail has not left: whatever is learned is about an earlier one.
func (n Notice) Replaces(i Invitation) bool {
	switch {
	case i.Delivery == DeliveryScheduled:
		return false
	case n.Weight == WeightOurs:
		return i.DeliveryWeight == WeightOurs && i.Delivery != n.Delivery
	}
	return n.Weight > i.DeliveryWeight
}

// Sent reports whether the mail service has had the newest mail.
func (i Invitation) Sent() bool { return i.DeliveryWeight >= WeightSent }

// HasMailAhead reports whether a mail is to leave later, and be counted then: one
// that a limit delays, or a reminder.
func (i Invitation) HasMailAhead() bool {
	return i.Delivery == DeliveryScheduled || !i.ReminderAt.IsZero()
}

// Learn returns the user with a notice about the mail of a generation, and a
// complaint noted for good. Where nothing new is learned, it returns u itself.
func (u User) Learn(s Stamp, generation int, n Notice) User {
	next := u
	if n.Weight == WeightComplained {
		next.Recipient = next.Recipient.Express(Complain, s.At)
		next.Invitation.ReminderAt = time.Time{}
	}
	if generation == u.Invitation.Generation && n.Replaces(u.Invitation) {
		next.Invitation.Delivery, next.Invitation.DeliveryReason, next.Invitation.DeliveryWeight = n.Delivery, n.Reason, n.Weight
	} else if next.Recipient == u.Recipient {
		return u
	}
	return next.changed(s, DeliveryChanged)
}

// MailKind says which mail a change of a user calls for.
type MailKind string

// The kinds of mail.
const (
	MailInvitation   MailKind = "invitation"
	MailReinvitation MailKind = "reinvitation"
	MailAccess       MailKind = "access"
	// A reminder and the notice that the person accepted are never the newest
	// mail of an invitation, but may be postponed.
	MailReminder MailKind = "reminder"
	MailAccepted MailKind = "accepted"
)

// schedule sets what becomes of a mail that the user is to get: it is queued
// where it may leave at once, and else waits until at.
func (u *User) schedule(kind MailKind, now, at time.Time) {
	i := &u.Invitation
	i.MailKind = kind
	i.SendEmail = true
	i.Postponed = Postponed{}
	i.Delivery, i.DeliveryReason, i.DeliveryWeight = DeliveryQueued, "", WeightOurs
	i.ScheduledFor = time.Time{}
	if at.After(now) {
		i.Delivery, i.ScheduledFor = DeliveryScheduled, at
		return
	}
	if kind != MailAccess { // which is not a mail of the invitation
		i.Sends++
	}
	u.Mailbox = u.Mailbox.Counted(now)
}

// unschedule ends the wait of a scheduled mail; any other state stays.
func (i *Invitation) unschedule(to Delivery, reason string) {
	if i.Delivery == DeliveryScheduled {
		i.Delivery, i.DeliveryReason, i.ScheduledFor = to, reason, time.Time{}
	}
}

// Withhold ends the wait of a scheduled mail that must not go any more.
func (u User) Withhold(s Stamp, refusal error) User {
	next := u
	next.Invitation.unschedule(DeliverySuppressed, reasonOf(refusal))
	next.Invitation.Postponed = Postponed{}
	return next.changed(s, DeliveryChanged)
}

// Release lets a scheduled mail go at s.At, if the limits now allow it, or
// moves it to a later instant. An invitation lasts from the moment its mail
// leaves, so its end moves along.
func (u User) Release(s Stamp, at time.Time) (User, error) {
	i := u.Invitation
	if i.Delivery != DeliveryScheduled || s.At.Before(i.ScheduledFor) {
		return u, wrongStatus(u, s.At, "mailed")
	}
	next := u
	next.schedule(i.MailKind, s.At, at)
	next.leaves(maxTime(s.At, at))
	if at.After(s.At) {
		next.Version++ // a move is not an event
		return next, nil
	}
	return next.changed(s, MailDue), nil
}

// leaves moves what is counted from the moment that a pending user's mail
// leaves.
func (u *User) leaves(at time.Time) {
	if !u.Status.Pending() {
		return
	}
	i := &u.Invitation
	shift := at.Sub(i.SentAt)
	i.SentAt = at
	i.ExpiresAt = i.ExpiresAt.Add(shift)
	if !i.ReminderAt.IsZero() {
		i.ReminderAt = i.ReminderAt.Add(shift)
	}
}

func maxTime(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
