package user

import (
	"fmt"
	"slices"
	"time"

	"github.com/latchkey/latchkey/shared/fault"
)

// Faults of the transitions.
var (
	// ErrNotFound is for an id that nobody has in this workspace.
	ErrNotFound = fault.New(fault.NotFound, "user_not_found", "There is no such user in this workspace.")
	// ErrLastAdmin keeps a workspace from losing the last one who can manage it.
	ErrLastAdmin = fault.New(fault.Conflict, "last_admin", "This is the last active admin of the workspace. Make somebody else an admin first.")
	// ErrInviterGone is for an invitation whose inviter has no authority any more.
	ErrInviterGone = fault.New(fault.Conflict, "inviter_not_admin", "Whoever sent this invitation does not manage the workspace any more. Ask for a new invitation.")
)

// Exists is the fault of inviting an email that the workspace knows already.
func Exists(u User, now time.Time) error {
	status := u.StatusAt(now)
	detail := "This email is in the workspace already, with status " + string(status) + "."
	if status == Archived {
		detail += " Restore the user instead."
	}
	return &fault.Error{Kind: fault.Conflict, Code: "user_exists", Detail: detail,
		User: &fault.UserRef{ID: u.ID, Status: string(status)}}
}

// wrongStatus is the fault of a transition that the table does not have.
func wrongStatus(u User, now time.Time, what string) error {
	status := u.StatusAt(now)
	return &fault.Error{Kind: fault.Conflict, Code: "status_conflict",
		Detail: fmt.Sprintf("The user is %s, and so cannot be %s.", status, what),
		User:   &fault.UserRef{ID: u.ID, Status: string(status)}}
}

// Stamp is what every change carries: its id, who made it, and when. One stamp
// is made for each request, so every part of it bears the same time.
type Stamp struct {
	ID    string
	Actor string
	At    time.Time
}

// Inviting is how an invitation is to go out.
type Inviting struct {
	HasAccount bool // decides between requested and invited
	SendEmail  bool
	Lasts      time.Duration
	RemindFor  time.Duration // before the end; 0: no reminder
	Message    string
	Locale     string
	// NotifyInviter mails the inviter when the person accepts.
	NotifyInviter bool
	// Confirmed lets mail go to an address that the last one came back from.
	Confirmed bool
}

// New is a newly invited user. Details must have passed Check. before is what
// is left of an erased record of the same person; the zero value where there is
// none.
func New(s Stamp, workspaceID string, d Details, in Inviting, before Erased) (User, error) {
	u := User{
		ID: IDFor(workspaceID, d.Email), WorkspaceID: workspaceID,
		Name: d.Name, Email: d.Email, Role: d.Role, Groups: d.Groups,
		CreatedAt: s.At, Mails: before.Mails,
	}
	u.Invitation.Message = in.Message
	u.Invitation.Locale = in.Locale
	u.Invitation.Generation = max(firstGeneration(s.At)-1, before.Generation)
	err := u.invite(s, in)
	if err != nil {
		return User{}, err
	}
	return u.changed(s, UserInvited), nil
}

// firstGeneration is the generation of the first link of somebody who is
// invited at a time: its seconds since 1970. Somebody who was erased, and is
// invited once more, has the same id as before; numbers that began at one again
// would bring the old links back to life, and take the new mail for one that
// was sent. Later generations are one higher each. In the first minute after an
// erasure they may be ahead of the seconds, so what is left of the record has
// the last one.
func firstGeneration(at time.Time) int { return int(at.Unix()) }

// Founder is the first admin of a workspace, who needs no invitation. Their
// record makes no event of its own: workspace.created tells of it.
func Founder(s Stamp, workspaceID, name, email, subject string) User {
	u := User{
		ID: s.Actor, WorkspaceID: workspaceID,
		Name: name, Email: email, Role: Admin, Status: Active, Subject: subject,
		CreatedAt: s.At, UpdatedAt: s.At, ActivatedAt: s.At, Version: 1,
	}
	u.Invitation.Delivery = DeliveryNone
	return u
}

// invite gives the user a new link and a new end, unless the mail that it
// calls for would be one too many.
func (u *User) invite(s Stamp, in Inviting) error {
	if in.SendEmail {
		err := u.Mails.allow(s.At)
		if err != nil {
			return err
		}
		if u.Invitation.Undeliverable() && !in.Confirmed {
			return ErrUndeliverable
		}
		u.Mails = u.Mails.add(s.At)
	}
	i := &u.Invitation
	i.InvitedBy = s.Actor
	i.Generation++
	i.SentAt = s.At
	i.ExpiresAt = s.At.Add(in.Lasts)
	i.ReminderAt = time.Time{}
	if in.RemindFor > 0 && in.RemindFor < in.Lasts && in.SendEmail {
		i.ReminderAt = i.ExpiresAt.Add(-in.RemindFor)
	}
	i.SendEmail = in.SendEmail
	i.NotifyInviter = in.NotifyInviter
	i.Delivery, i.DeliveryReason, i.DeliveryWeight = DeliveryNone, "", WeightOurs
	if in.SendEmail {
		i.Delivery = DeliveryQueued
		i.Sends++
	}
	u.Status = Requested
	if in.HasAccount {
		u.Status = Invited
	}
	return nil
}

// changed closes a transition; only the names of what changed are kept.
func (u User) changed(s Stamp, what ChangeType, fields ...string) User {
	u.Last = Change{ID: s.ID, Type: what, Actor: s.Actor, At: s.At, Changed: fields}
	u.UpdatedAt = s.At
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

// AccountAppeared turns requested into invited. For any other status it
// changes nothing and says so.
func (u User) AccountAppeared(s Stamp) (next User, changed bool) {
	if u.StatusAt(s.At) != Requested {
		return u, false
	}
	next = u
	next.Status = Invited
	return next.after(u, s, UserUpdated), true
}

// Accept makes a pending user active and binds the account's subject.
func (u User) Accept(s Stamp, subject string) (User, error) {
	if !u.StatusAt(s.At).Pending() {
		return u, wrongStatus(u, s.At, "accepted")
	}
	next := u
	next.Status = Active
	next.Subject = subject
	next.ActivatedAt = s.At
	next.Invitation.ReminderAt = time.Time{}
	return next.after(u, s, UserAccepted), nil
}

// Decline ends a pending invitation at the person's own wish.
func (u User) Decline(s Stamp) (User, error) {
	if !u.StatusAt(s.At).Pending() {
		return u, wrongStatus(u, s.At, "declined")
	}
	next := u
	next.Status = Declined
	next.Invitation.ReminderAt = time.Time{}
	return next.after(u, s, UserDeclined), nil
}

// Expire persists what the clock has decided.
func (u User) Expire(s Stamp) (User, error) {
	if !u.Status.Pending() || u.StatusAt(s.At) != Expired {
		return u, wrongStatus(u, s.At, "expired")
	}
	next := u
	next.Status = Expired
	next.Invitation.ReminderAt = time.Time{}
	return next.after(u, s, UserExpired), nil
}

// Remind asks for the one reminder of an invitation.
func (u User) Remind(s Stamp) (User, error) {
	at := u.Invitation.ReminderAt
	if !u.StatusAt(s.At).Pending() || at.IsZero() || s.At.Before(at) {
		return u, wrongStatus(u, s.At, "reminded")
	}
	next := u
	next.Invitation.ReminderAt = time.Time{}
	next.Invitation.Sends++
	next.Mails = u.Mails.add(s.At)
	return next.after(u, s, UserReminded), nil
}

// Resend gives a pending, expired or declined user a new link and a new end;
// every older link is dead.
func (u User) Resend(s Stamp, in Inviting) (User, error) {
	switch u.Status {
	case Requested, Invited, Expired, Declined:
	default:
		return u, wrongStatus(u, s.At, "invited again")
	}
	next := u
	if err := next.invite(s, in); err != nil {
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
	next.Invitation.ReminderAt = time.Time{}
	return next.after(u, s, UserArchived), nil
}

// Restore brings an archived user back: one who was active is active again,
// unless they shall be invited anew; one who never accepted gets a new link.
// Somebody invited anew has to accept anew, with whatever account they have
// then, so the old account is forgotten.
func (u User) Restore(s Stamp, reinvite bool, in Inviting) (User, error) {
	if u.Status != Archived {
		return u, wrongStatus(u, s.At, "restored")
	}
	next := u
	next.ArchivedAt = time.Time{}
	if !u.ActivatedAt.IsZero() && !reinvite {
		next.Status = Active
		// They are told, if nothing speaks against a mail: access is theirs
		// in any case.
		next.Invitation.SendEmail = in.SendEmail && u.Mails.allow(s.At) == nil && !u.Invitation.Undeliverable()
		if next.Invitation.SendEmail {
			next.Mails = u.Mails.add(s.At)
		}
		return next.after(u, s, UserRestored), nil
	}
	next.Subject = ""
	next.ActivatedAt = time.Time{}
	if err := next.invite(s, in); err != nil {
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

// Erased is what is left of a person whose record was erased: nothing that
// names them, only what the limits of mail need, the number of the last link,
// and the change itself.
type Erased struct {
	ID          string
	WorkspaceID string
	Mails       Mails
	Generation  int
	Last        Change
}

// Matter says until when what is left has to be remembered.
func (e Erased) Matter() time.Time {
	generation := e.Last.At.Add(time.Minute) // by then the seconds are ahead again
	if mails := e.Mails.Matter(); mails.After(generation) {
		return mails
	}
	return generation
}

// Erase removes a person who is not in the workspace any more, or never came.
func (u User) Erase(s Stamp) (Erased, error) {
	switch u.StatusAt(s.At) {
	case Archived, Declined, Expired:
	default:
		return Erased{}, wrongStatus(u, s.At, "erased")
	}
	return Erased{
		ID: u.ID, WorkspaceID: u.WorkspaceID, Mails: u.Mails, Generation: u.Invitation.Generation,
		Last: Change{ID: s.ID, Type: UserErased, Actor: s.Actor, At: s.At, From: u.Status},
	}, nil
}

// IsVersion is nil if the user is as the caller saw them.
func (u User) IsVersion(match func(version int) bool, now time.Time) error {
	if match(u.Version) {
		return nil
	}
	return &fault.Error{Kind: fault.Precondition, Code: "version_mismatch",
		Detail: "Somebody has changed the user since you read them. Read them again, then repeat your change.",
		User:   &fault.UserRef{ID: u.ID, Status: string(u.StatusAt(now))}}
}
