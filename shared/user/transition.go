package user

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/latchkey/latchkey/shared/fault"
	"github.com/latchkey/latchkey/shared/id"
)

// Faults of the transitions.
var (
	// ErrNotFound is for an id that nobody has in this workspace.
	ErrNotFound = fault.New(fault.NotFound, "user_not_found", "There is no such user in this workspace.")
	// ErrLastAdmin keeps a workspace from losing the last one who can manage it.
	ErrLastAdmin = fault.New(fault.Conflict, "last_admin", "This is the last active admin of the workspace. Make another member an admin first.")
	// ErrInviterGone is for an invitation whose inviter has no authority any more.
	ErrInviterGone = fault.New(fault.Conflict, "inviter_not_admin", "The person who sent this invitation no longer manages the workspace. Ask for a new invitation.")
)

// CodeExists is the code of Exists.
const CodeExists = "user_exists"

// Exists returns the fault of inviting an email that the workspace knows already.
func Exists(u User, now time.Time) error {
	status := u.StatusAt(now)
	detail := "This email is already in the workspace, with status " + string(status) + "."
	if status == Archived {
		detail += " Restore the user instead."
	}
	return &fault.Error{Kind: fault.Conflict, Code: CodeExists, Detail: detail,
		User: &fault.UserRef{ID: u.ID, Status: string(status)}}
}

// wrongStatus returns the fault of a transition that the table does not have.
func wrongStatus(u User, now time.Time, what string) error {
	status := u.StatusAt(now)
	return &fault.Error{Kind: fault.Conflict, Code: "status_conflict",
		Detail: fmt.Sprintf("The user's status is %s, so they cannot be %s.", status, what),
		User:   &fault.UserRef{ID: u.ID, Status: string(status)}}
}

// Stamp is what every change carries: its id, who made it, and when.
type Stamp struct {
	ID    string // of id.Ordered, so that it sorts by time
	Actor string
	At    time.Time
	// CorrelationID identifies the request that led to the change; "" if the
	// clock or the mail service did.
	CorrelationID string
}

// Inviting is how an invitation is to go out.
type Inviting struct {
	HasAccount bool // decides between requested and invited
	SendEmail  bool
	// InviterKey is the email key of the person who invites; "" for a backend.
	InviterKey string
	// MailAt is when the limits let the mail leave; not after now for at once.
	MailAt    time.Time
	Lasts     time.Duration
	RemindFor time.Duration // before the end; 0: no reminder
	Message   string
	Locale    string
	// NotifyInviter mails the inviter when the person accepts.
	NotifyInviter bool
	// Confirmed lets mail go to an address that returned the last one.
	Confirmed bool
}

// New returns a newly invited user. Details must have passed Check. before is
// the tombstone of an erased record of the same person, zero for none; box and
// wishes are what is known of the address.
func New(s Stamp, workspaceID string, d Details, in Inviting, before Erased, box Mailbox, wishes Recipient) (User, error) {
	u := User{
		ID: IDFor(workspaceID, d.Email), WorkspaceID: workspaceID,
		Name: d.Name, Email: d.Email, Role: d.Role, Groups: d.Groups,
		CreatedAt: s.At, UpdatedAt: before.Last.At, Version: max(int(s.At.UnixMilli())-1, before.Version),
		Mailbox: box, Recipient: wishes,
	}
	u.Invitation.Message = in.Message
	u.Invitation.Locale = in.Locale
	u.Invitation.Generation = before.Generation
	err := u.invite(s, in, MailInvitation)
	if err != nil {
		return User{}, err
	}
	return u.changed(s, UserInvited), nil
}

// Founder is the first admin of a workspace, who needs no invitation. Their
// record makes no event of its own: workspace.created tells of it.
func Founder(s Stamp, workspaceID, name, email, subject string) User {
	u := User{
		ID: s.Actor, WorkspaceID: workspaceID,
		Name: name, Email: email, Role: Admin, Status: Active, Subject: subject,
		CreatedAt: s.At, UpdatedAt: s.At, ActivatedAt: s.At, Version: int(s.At.UnixMilli()), HasAccount: true,
	}
	u.Invitation.Delivery = DeliveryNone
	return u
}

// MayBeMailed returns why a mail must not go to the user at all, however long
// it waits, or nil.
func (u User) MayBeMailed(confirmed bool) error {
	if err := u.Recipient.RefusesMail(); err != nil {
		return err
	}
	if !u.Mailbox.BouncedAt.IsZero() && !confirmed {
		return ErrUndeliverable
	}
	return nil
}

// invite gives the user a new link and a new end. The generation of a link is
// at least its time in Unix seconds: somebody who was erased and is invited
// once more has the same id as before, and numbers that began again would bring
// the old links back to life.
func (u *User) invite(s Stamp, in Inviting, kind MailKind) error {
	if in.SendEmail {
		if err := u.MayBeMailed(in.Confirmed); err != nil {
			return err
		}
		u.Mailbox = u.Mailbox.Confirmed(s.At)
	}
	starts := s.At
	if in.SendEmail {
		starts = maxTime(s.At, in.MailAt)
	}
	i := &u.Invitation
	i.InvitedBy, i.InviterKey = s.Actor, in.InviterKey
	i.Generation = max(i.Generation+1, int(s.At.Unix()))
	i.SentAt = starts
	i.ExpiresAt = starts.Add(in.Lasts)
	i.ReminderAt = time.Time{}
	if in.RemindFor > 0 && in.RemindFor < in.Lasts && in.SendEmail {
		i.ReminderAt = i.ExpiresAt.Add(-in.RemindFor)
	}
	i.NotifyInviter = in.NotifyInviter
	i.AskedAt = time.Time{}
	if in.SendEmail {
		u.schedule(kind, s.At, in.MailAt)
	} else {
		i.SendEmail, i.ScheduledFor, i.Postponed = false, time.Time{}, Postponed{}
		i.Delivery, i.DeliveryReason, i.DeliveryWeight = DeliveryNone, "", WeightOurs
	}
	u.Status = Requested
	u.HasAccount = in.HasAccount
	if in.HasAccount {
		u.Status = Invited
	}
	return nil
}

// changed closes a transition; only the names of what changed are kept. A
// change is later than the one before it, whatever the clocks of two functions
// say, and its id sorts accordingly.
func (u User) changed(s Stamp, what ChangeType, fields ...string) User {
	at := s.At
	if !at.After(u.UpdatedAt) {
		at = u.UpdatedAt.Add(time.Millisecond)
	}
	correlation := cmp.Or(s.CorrelationID, u.Last.CorrelationID) // what no request asked for follows from the last one
	u.Last = Change{ID: id.At(s.ID, at), Type: what, Actor: s.Actor, At: at, Changed: fields, CorrelationID: correlation}
	u.UpdatedAt = at
	u.Version++
	return u
}

// after is changed, with the status that the user had before.
func (u User) after(before User, s Stamp, what ChangeType, fields ...string) User {
	if u.Status != before.Status && !slices.Contains(fields, "status") {
		fields = append(fields, "status")
	}
	u = u.changed(s, what, fields...)
	u.Last.From = before.Status
	return u
}

// AccountAppeared notes that the email has an account, which turns requested
// into invited. Where that was known, it returns u itself.
func (u User) AccountAppeared(s Stamp) User {
	if u.HasAccount {
		return u
	}
	next := u
	next.HasAccount = true
	if u.StatusAt(s.At) != Requested {
		next.Version++ // nothing that anybody sees has changed
		return next
	}
	next.Status = Invited
	return next.after(u, s, UserUpdated)
}

// ErrNoInvitation answers unknown, forged and dead links alike, so that the
// answer does not reveal which it was.
var ErrNoInvitation = fault.New(fault.NotFound, "invitation_not_found", "This invitation link is not valid, or no longer valid. Ask the person who invited you for a new one.")

// OpenedBy returns ErrNoInvitation unless a link of that generation is the
// user's newest, and the user was not archived since.
func (u User) OpenedBy(generation int) error {
	if u.Invitation.Generation != generation || u.Status == Archived {
		return ErrNoInvitation
	}
	return nil
}

// Guest is a signed-in person with a verified email who answers an invitation.
type Guest struct {
	Subject string // of their account
	Email   string
}

// ErrLinkNeeded keeps a role that manages from being taken without the link:
// the mailbox must prove itself.
var ErrLinkNeeded = fault.New(fault.Forbidden, "link_required", "This role can manage the workspace, so it takes the link from the invitation mail to accept it.")

// For returns why the invitation is not the guest's, or nil.
func (u User) For(g Guest) error {
	if CanonicalEmail(g.Email) != CanonicalEmail(u.Email) {
		return fault.New(fault.Forbidden, "recipient_mismatch",
			"This invitation is for "+MaskEmail(u.Email)+". Sign out, then sign in with that address to accept it.")
	}
	return nil
}

// Answer is how a person answers an invitation: by a link, or from the list of
// their own workspaces.
type Answer struct {
	Generation int  // of the link
	ByLink     bool // false from one's own list, where Generation says nothing
}

// opens returns why the answer does not reach the invitation, or nil.
func (u User) opens(a Answer) error {
	if a.ByLink {
		return u.OpenedBy(a.Generation)
	}
	if u.Status == Archived {
		return ErrNoInvitation
	}
	return nil
}

// Accept makes a pending user active and binds the guest's account. inviter is
// the person named by InvitedBy as they are now, zero if there is none: an
// invitation reaches no further than its inviter's authority does.
func (u User) Accept(s Stamp, a Answer, g Guest, inviter User) (User, error) {
	if err := u.opens(a); err != nil {
		return u, err
	}
	if err := u.For(g); err != nil {
		return u, err
	}
	if !u.StatusAt(s.At).Pending() {
		return u, wrongStatus(u, s.At, "accepted")
	}
	if !a.ByLink && u.Role == Admin {
		return u, ErrLinkNeeded
	}
	if !strings.HasPrefix(u.Invitation.InvitedBy, OperatorPrefix) && !inviter.Manages() {
		return u, ErrInviterGone
	}
	next := u
	next.Status = Active
	next.Subject = g.Subject
	next.HasAccount = true
	next.ActivatedAt = s.At
	next.endPending()
	return next.after(u, s, UserAccepted), nil
}

// endPending takes back what was planned for a pending user.
func (u *User) endPending() {
	u.Invitation.ReminderAt = time.Time{}
	u.Invitation.unschedule(DeliveryNone, "")
	u.Invitation.Postponed = Postponed{}
}

// Decline ends a pending invitation at the person's own wish.
func (u User) Decline(s Stamp, a Answer) (User, error) {
	if err := u.opens(a); err != nil {
		return u, err
	}
	if !u.StatusAt(s.At).Pending() {
		return u, wrongStatus(u, s.At, "declined")
	}
	next := u
	next.Status = Declined
	next.endPending()
	return next.after(u, s, UserDeclined), nil
}

// AskAgain records that the person asks for a new link: once theirs has ended or,
// from their own list, while they need it to take a role that manages. After the
// first time on a UTC day, it returns u itself.
func (u User) AskAgain(s Stamp, a Answer) (User, error) {
	if err := u.opens(a); err != nil {
		return u, err
	}
	status := u.StatusAt(s.At)
	needsLink := !a.ByLink && u.Role == Admin && status.Pending()
	if status != Expired && status != Declined && !needsLink {
		return u, wrongStatus(u, s.At, "sent a new link on request")
	}
	if u.Invitation.AskedAt.Truncate(day).Equal(s.At.Truncate(day)) {
		return u, nil
	}
	next := u
	next.Invitation.AskedAt = s.At
	return next.changed(s, AskedAgain), nil
}

// Expire persists what the clock has decided.
func (u User) Expire(s Stamp) (User, error) {
	if !u.Status.Pending() || u.StatusAt(s.At) != Expired {
		return u, wrongStatus(u, s.At, "expired")
	}
	next := u
	next.Status = Expired
	next.endPending()
	return next.after(u, s, UserExpired), nil
}

// Remind asks for the one reminder of an invitation, or moves it to at where
// the limits of mail let it leave only then. A reminder that would come after
// the end, or to somebody who is not to be mailed, is dropped.
func (u User) Remind(s Stamp, at time.Time) (User, error) {
	due := u.Invitation.ReminderAt
	if !u.StatusAt(s.At).Pending() || due.IsZero() || s.At.Before(due) {
		return u, wrongStatus(u, s.At, "reminded")
	}
	next := u
	next.Invitation.ReminderAt = time.Time{}
	next.Invitation.Postponed = Postponed{}
	switch {
	case u.MayBeMailed(false) != nil:
		next.Version++
		return next, nil
	case at.After(s.At):
		if at.Before(u.Invitation.ExpiresAt) {
			next.Invitation.ReminderAt = at
		}
		next.Version++
		return next, nil
	}
	next.Invitation.Sends++
	next.Mailbox = next.Mailbox.Counted(s.At)
	return next.after(u, s, UserReminded), nil
}

// Resend gives a pending, expired or declined user a new link and a new end;
// every older link stops working. Within a minute of the last mail it is refused,
// since a repeated click does not ask for a second mail.
func (u User) Resend(s Stamp, in Inviting) (User, error) {
	switch u.Status {
	case Requested, Invited, Expired, Declined:
	default:
		return u, wrongStatus(u, s.At, "invited again")
	}
	if in.SendEmail {
		if err := u.MayBeMailed(in.Confirmed); err != nil {
			return u, err
		}
		if last := u.Mailbox.LastMailAt; !last.IsZero() {
			if wait := last.Add(MailEvery).Sub(s.At); wait > 0 {
				return u, tooSoon(wait)
			}
		}
	}
	next := u
	if err := next.invite(s, in, MailReinvitation); err != nil {
		return u, err
	}
	return next.after(u, s, UserReinvited), nil
}

// Archive ends access and kills the links.
func (u User) Archive(s Stamp) (User, error) {
	if u.Status == Archived {
		return u, wrongStatus(u, s.At, "archived")
	}
	next := u
	next.Status = Archived
	next.ArchivedAt = s.At
	next.endPending()
	return next.after(u, s, UserArchived), nil
}

// Leave ends the access of a member at their own wish, as Archive does. subject
// is the account that asks; the record may belong to another one by now.
func (u User) Leave(s Stamp, subject string) (User, error) {
	switch {
	case u.Status != Active:
		return u, wrongStatus(u, s.At, "archived")
	case !u.Is(subject):
		return u, ErrNotFound
	}
	return u.Archive(s)
}

// ReinvitedBy reports whether restoring gives an archived user a new link
// rather than access: one who never accepted, or who is to accept anew.
func (u User) ReinvitedBy(reinvite bool) bool { return reinvite || u.ActivatedAt.IsZero() }

// Restore brings an archived user back: one who was active is active again,
// unless they are to be invited anew; one who never accepted gets a new link.
// A person invited anew accepts with the account that they have then, so the
// old account is forgotten.
func (u User) Restore(s Stamp, reinvite bool, in Inviting) (User, error) {
	if u.Status != Archived {
		return u, wrongStatus(u, s.At, "restored")
	}
	next := u
	next.ArchivedAt = time.Time{}
	if !u.ReinvitedBy(reinvite) {
		next.Status = Active
		next.Invitation.SendEmail = false
		next.Invitation.Postponed = Postponed{}
		// Access is theirs in any case; the mail only tells them.
		if in.SendEmail && u.MayBeMailed(false) == nil {
			next.Invitation.InviterKey = in.InviterKey // of who restores: the mail is theirs
			next.schedule(MailAccess, s.At, in.MailAt)
		}
		return next.after(u, s, UserRestored), nil
	}
	next.Subject = ""
	next.ActivatedAt = time.Time{}
	if err := next.invite(s, in, MailReinvitation); err != nil {
		return u, err
	}
	return next.after(u, s, UserRestored), nil
}

// HasLink is nil while the user has a link that opens something.
func (u User) HasLink(now time.Time) error {
	if !u.StatusAt(now).Pending() {
		return wrongStatus(u, now, "reached by a link")
	}
	return nil
}

// Patch is a change of what admins write about a person; nil leaves a member
// as it is. The members must have passed their checks.
type Patch struct {
	Name   *string
	Role   *Role
	Groups *[]string
	// SealedMetadata is the metadata as it shall rest.
	SealedMetadata *[]byte
}

// Edit changes what admins write about a person, whatever their status; the
// link of a pending one stays. A patch that changes nothing gives u itself.
func (u User) Edit(s Stamp, p Patch) User {
	next := u
	var changed []string
	if p.Name != nil && *p.Name != u.Name {
		next.Name = *p.Name
		changed = append(changed, "name")
	}
	if p.Role != nil && *p.Role != u.Role {
		next.Role = *p.Role
		changed = append(changed, "role")
	}
	if p.Groups != nil && !slices.Equal(*p.Groups, u.Groups) {
		next.Groups = *p.Groups
		changed = append(changed, "groups")
	}
	if p.SealedMetadata != nil {
		next.SealedMetadata = *p.SealedMetadata
		changed = append(changed, "metadata")
	}
	if len(changed) == 0 {
		return u
	}
	return next.after(u, s, UserUpdated, changed...)
}

// LeaveGroup takes the user out of a group; who is not in it stays u itself.
func (u User) LeaveGroup(s Stamp, group string) User {
	left := slices.DeleteFunc(slices.Clone(u.Groups), func(g string) bool { return g == group })
	return u.Edit(s, Patch{Groups: &left})
}

// Erased is the tombstone of a person whose record was erased. It does not identify
// them. It keeps the same id from starting over while the clock could
// still give it a version or a generation that it had before.
type Erased struct {
	ID          string
	WorkspaceID string
	Generation  int
	Version     int
	Request     string // the call that had created the user
	Last        Change
}

// eraseKept is how long a repeat of the call that created an erased user is
// recognized, so that it does not create them again.
const eraseKept = 24 * time.Hour

// RetainUntil returns when the rest of an erased record may be deleted: by then
// the clock is past every version and generation that it used.
func (e Erased) RetainUntil() time.Time {
	until := e.Last.At.Add(eraseKept)
	until = maxTime(until, time.Unix(int64(e.Generation), 0).Add(time.Minute))
	return maxTime(until, time.UnixMilli(int64(e.Version)).Add(time.Minute)).UTC()
}

// Erase removes a person who is not in the workspace any more, or never came.
func (u User) Erase(s Stamp) (Erased, error) {
	switch u.StatusAt(s.At) {
	case Archived, Declined, Expired:
	default:
		return Erased{}, wrongStatus(u, s.At, "erased")
	}
	last := u.changed(s, UserErased).Last
	last.From = u.Status
	return u.rest(last), nil
}

// rest returns the tombstone of a record.
func (u User) rest(last Change) Erased {
	return Erased{
		ID: u.ID, WorkspaceID: u.WorkspaceID, Generation: u.Invitation.Generation, Version: u.Version + 1,
		Request: u.Request, Last: last,
	}
}

// IsVersion returns nil if the user is as the caller saw them.
func (u User) IsVersion(match func(version int) bool, now time.Time) error {
	if match(u.Version) {
		return nil
	}
	return &fault.Error{Kind: fault.Precondition, Code: "version_mismatch",
		Detail: "The user has changed since you read them. Read them again, then repeat your change.",
		User:   &fault.UserRef{ID: u.ID, Status: string(u.StatusAt(now))}}
}
