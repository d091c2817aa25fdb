package user

import (
	"time"

	"github.com/latchkey/latchkey/shared/fault"
)

// Limits of the mails that one address gets, from all workspaces together,
// whatever becomes of the mails.
const (
	MailEvery   = time.Minute // one mail in this time
	MailsPerDay = 5           // mails in one UTC day
	day         = 24 * time.Hour
)

// Mailbox is what the whole deployment knows about an email address. It has no
// record of its own in any workspace, so it outlives them all. The zero value
// is an address that was never mailed.
type Mailbox struct {
	LastMailAt time.Time // when the newest mail was counted
	Mails      int       // counted on the UTC day of LastMailAt
	BouncedAt  time.Time // when a mail came back for a lasting reason; zero: none did
	// Version rises with every change, and is at least the time of the change in
	// Unix milliseconds: the item may be gone and begin anew in between.
	Version int
}

func (b Mailbox) changed(now time.Time) Mailbox {
	b.Version = max(b.Version+1, int(now.UnixMilli()))
	return b
}

// mailsOn returns the number of mails counted on the UTC day of now.
func (b Mailbox) mailsOn(now time.Time) int {
	if b.LastMailAt.Truncate(day).Equal(now.Truncate(day)) {
		return b.Mails
	}
	return 0
}

// Next returns the earliest instant, now or later, at which the address may be
// mailed.
func (b Mailbox) Next(now time.Time) time.Time {
	next := now
	if b.mailsOn(now) >= MailsPerDay {
		next = Tomorrow(now)
	}
	if b.LastMailAt.IsZero() {
		return next
	}
	if gap := b.LastMailAt.Add(MailEvery); gap.After(next) {
		return gap
	}
	return next
}

// Counted returns the mailbox with one more mail.
func (b Mailbox) Counted(now time.Time) Mailbox {
	b.LastMailAt, b.Mails = now, b.mailsOn(now)+1
	return b.changed(now)
}

// Bounced returns the mailbox after a mail came back for a lasting reason.
func (b Mailbox) Bounced(now time.Time) Mailbox {
	b.BouncedAt = now
	return b.changed(now)
}

// Confirmed returns the mailbox after an admin confirmed the address.
func (b Mailbox) Confirmed(now time.Time) Mailbox {
	if b.BouncedAt.IsZero() {
		return b
	}
	b.BouncedAt = time.Time{}
	return b.changed(now)
}

// mailboxKept is how long the count of a day matters.
const mailboxKept = 48 * time.Hour

// RetainUntil returns when the mailbox may be forgotten; zero for never.
func (b Mailbox) RetainUntil() time.Time {
	if !b.BouncedAt.IsZero() {
		return time.Time{}
	}
	return b.LastMailAt.Add(mailboxKept)
}

// Tomorrow returns the first instant of the next UTC day, when the limits of a
// day begin again.
func Tomorrow(now time.Time) time.Time { return now.Truncate(day).Add(day) }

// Recipient is what a person said about mail from one workspace. It belongs to
// the address, so it holds through archiving, erasure and a new invitation; the
// person alone can take it back.
type Recipient struct {
	OptedOutAt   time.Time // asked for no more mail
	ComplainedAt time.Time // called a mail spam
	ReportedAt   time.Time // called an invitation abuse
}

// Wishes reports whether the person said anything.
func (r Recipient) Wishes() bool { return r != Recipient{} }

// RefusesMail returns why the person is not to be mailed, or nil.
func (r Recipient) RefusesMail() error {
	switch {
	case !r.OptedOutAt.IsZero():
		return ErrOptedOut
	case !r.ComplainedAt.IsZero():
		return ErrComplained
	case !r.ReportedAt.IsZero():
		return ErrReported
	}
	return nil
}

// And returns a recipient with the wishes of both; for a wish that both have, it
// keeps the receiver's time.
func (r Recipient) And(more Recipient) Recipient {
	for _, at := range []struct{ mine, theirs *time.Time }{
		{&r.OptedOutAt, &more.OptedOutAt}, {&r.ComplainedAt, &more.ComplainedAt}, {&r.ReportedAt, &more.ReportedAt},
	} {
		if at.mine.IsZero() {
			*at.mine = *at.theirs
		}
	}
	return r
}

// Wish is one thing that a person says about mail from a workspace.
type Wish int

// The wishes.
const (
	OptOut   Wish = iota // no more mail
	OptIn                // mail is welcome again: takes back all other wishes
	Report               // the invitation is abuse
	Complain             // the mail is spam, as the mail service passes on
)

// field names the wish in the history.
func (w Wish) field() string {
	return [...]string{"unsubscribed", "resubscribed", "reported", "complained"}[w]
}

// Express returns the recipient with a wish noted at now. A wish that stands
// already keeps its time.
func (r Recipient) Express(w Wish, now time.Time) Recipient {
	note := func(at *time.Time) {
		if at.IsZero() {
			*at = now
		}
	}
	switch w {
	case OptOut:
		note(&r.OptedOutAt)
	case Report:
		note(&r.ReportedAt)
	case Complain:
		note(&r.ComplainedAt)
	case OptIn:
		return Recipient{}
	}
	return r
}

// Faults of mail that is not to be sent.
var (
	// ErrUndeliverable stops mail to an address that does not take it, until
	// an admin confirms the address.
	ErrUndeliverable = fault.New(fault.Conflict, "recipient_undeliverable",
		`The last mail to this address was returned. Check the address, then repeat the request with {"confirm": true}.`)
	// ErrOptedOut stops mail to a person who asked for none.
	ErrOptedOut = fault.New(fault.Conflict, "recipient_unsubscribed",
		`This person asked not to receive mail from this workspace. Repeat the request with {"sendEmail": false} and share the link yourself.`)
	// ErrComplained stops mail to a person who called a mail spam.
	ErrComplained = fault.New(fault.Conflict, "recipient_complained",
		`This person marked a mail from this workspace as spam. Repeat the request with {"sendEmail": false} and share the link yourself.`)
	// ErrReported stops mail to a person who reported an invitation.
	ErrReported = fault.New(fault.Conflict, "recipient_reported",
		`This person reported an invitation from this workspace. Repeat the request with {"sendEmail": false} and share the link yourself.`)
	// ErrTooSoon refuses a second mail to the same person within a minute.
	// Every other limit delays the mail and lets the request succeed.
	ErrTooSoon = fault.New(fault.Limited, "mail_limit_recipient_minute",
		"This person was sent a mail less than a minute ago. Try again in a minute.")
)

// tooSoon is ErrTooSoon with the time to wait.
func tooSoon(wait time.Duration) error {
	f := *ErrTooSoon
	f.RetryAfter = wait
	return &f
}

// Express returns the user with a wish about mail. A wish that changes nothing
// returns u itself.
func (u User) Express(s Stamp, w Wish) User {
	wishes := u.Recipient.Express(w, s.At)
	if wishes == u.Recipient {
		return u
	}
	next := u
	next.Recipient = wishes
	if wishes.RefusesMail() != nil {
		next.Invitation.ReminderAt = time.Time{}
		next.Invitation.unschedule(DeliverySuppressed, reasonOf(wishes.RefusesMail()))
	}
	return next.after(u, s, UserUpdated, w.field())
}

// reasonOf is the delivery reason of a mail that a person's wish stops.
func reasonOf(refusal error) string {
	switch fault.Code(refusal) {
	case ErrOptedOut.Code:
		return "The person asked not to receive mail from this workspace."
	case ErrComplained.Code:
		return "The person marked an earlier mail as spam."
	case ErrUndeliverable.Code:
		return "The last mail to this address was returned."
	}
	return "The person reported an invitation from this workspace."
}

// Suppressed is the notice of a mail that a person's wish stops.
func (r Recipient) Suppressed() Notice {
	return Notice{Delivery: DeliverySuppressed, Reason: reasonOf(r.RefusesMail())}
}
