package user

import (
	"time"

	"github.com/latchkey/latchkey/shared/fault"
)

// Delivery is what is known of the newest mail of an invitation.
type Delivery string

// The delivery states.
const (
	DeliveryNone       Delivery = "none"       // the admin asked for no mail
	DeliveryQueued     Delivery = "queued"     // will be sent
	DeliveryFailed     Delivery = "failed"     // given up by us, or refused by the mail service
	DeliverySent       Delivery = "sent"       // the mail service has it
	DeliveryDelayed    Delivery = "delayed"    // the recipient's server makes it wait
	DeliveryDelivered  Delivery = "delivered"  // the recipient's server took it
	DeliveryBounced    Delivery = "bounced"    // it came back
	DeliverySuppressed Delivery = "suppressed" // not sent: the address is on a list of those that are not mailed
	DeliveryComplained Delivery = "complained" // the recipient called it spam
)

// Notice is something that was learned about a mail.
type Notice struct {
	Delivery Delivery
	Reason   string // a sentence for the admin; holds no address
	Weight   Weight
}

// Weight orders notices: of two about the same mail the weightier one stands,
// in whichever order they come and however often. So a delivery that is told
// late never covers a bounce.
type Weight int

// The weights, lightest first. The zero value is what we say ourselves before
// the mail service has it: anything it tells stands against that.
const (
	WeightOurs Weight = iota
	WeightSent
	WeightDelayed
	// WeightAutomatic is of a bounce for no reason that lasts: an absence note
	// comes back like this, from a mailbox that has the mail.
	WeightAutomatic
	WeightDelivered
	WeightBounced // for a reason of this mail or this day: the mailbox is full
	// WeightUndeliverable and what is weightier stops further mail until an
	// admin confirms the address.
	WeightUndeliverable
	WeightComplained
)

// Undeliverable is true after a hard bounce or a complaint.
func (i Invitation) Undeliverable() bool { return i.DeliveryWeight >= WeightUndeliverable }

// Faults of mail that shall not be sent.
var (
	// ErrUndeliverable stops mail to an address that does not take it.
	ErrUndeliverable = fault.New(fault.Conflict, "recipient_undeliverable",
		`The last mail to this address came back, or was called spam. Check the address, then repeat this with {"confirm": true}.`)
	// ErrUnsubscribed stops mail to a person who does not want any.
	ErrUnsubscribed = fault.New(fault.Conflict, "recipient_unsubscribed",
		`This person asked not to be mailed from this workspace. Invite them with {"sendEmail": false} and give them the link yourself.`)
)

// ReasonUnsubscribed is the delivery reason of a mail that the person does not
// want.
const ReasonUnsubscribed = "The person asked not to be mailed from this workspace."

// Unsubscribe notes that a person wants no mail from this workspace, ever. It
// holds for whatever is left of them when they are erased, too. Repeated, it
// changes nothing.
func (u User) Unsubscribe(s Stamp) User {
	if !u.Mails.Unsubscribed.IsZero() {
		return u
	}
	next := u
	next.Mails.Unsubscribed = s.At
	next.Invitation.ReminderAt = time.Time{}
	return next.after(u, s, UserUpdated, "unsubscribed")
}

// Report notes that a person called an invitation abuse; first is false for
// one who did before.
func (u User) Report(s Stamp) (next User, first bool) {
	if !u.ReportedAt.IsZero() {
		return u, false
	}
	next = u
	next.ReportedAt = s.At
	return next.after(u, s, UserUpdated, "reported"), true
}
