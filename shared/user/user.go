// Package user is the domain of Latchkey: a person's record in one workspace,
// its statuses, and the transitions between them. Every transition is a pure
// function from the record as it was read to the record as it shall be; the
// store writes the difference if nothing changed in between.
//
// It imports no AWS package, only shared/fault and shared/id.
package user

import (
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/latchkey/latchkey/shared/fault"
)

// Prefixes of identifiers: of users, of email keys, and of backends that act
// without being a user.
const (
	IDPrefix       = "usr_"
	EmailKeyPrefix = "eml_"
	OperatorPrefix = "svc_"
)

// Status is where a person stands in a workspace.
type Status string

// The statuses. The first two are pending.
const (
	Requested Status = "requested" // invited; the email has no account yet
	Invited   Status = "invited"   // invited; it has one
	Active    Status = "active"
	Archived  Status = "archived"
	Expired   Status = "expired"
	Declined  Status = "declined"
)

// Statuses are all statuses, in the order of their names.
func Statuses() []Status {
	return []Status{Active, Archived, Declined, Expired, Invited, Requested}
}

// HoldsSeat is true for those who count against a workspace's seat limit.
func (s Status) HoldsSeat() bool { return s.Pending() || s == Active }

// Pending is true for an invitation that waits for the person.
func (s Status) Pending() bool { return s == Requested || s == Invited }

// Role is what a person may do in a workspace: exactly one for each.
type Role string

// The roles. Only admins manage users.
const (
	Admin   Role = "admin"
	Builder Role = "builder"
	EndUser Role = "end-user"
)

// Roles are all roles.
func Roles() []Role { return []Role{Admin, Builder, EndUser} }

// Invitation is the pending side of a user. Generation numbers the link: only
// a link of the current generation opens anything.
type Invitation struct {
	InvitedBy string // a user id, or an operator's name; people's names are never copied
	// InviterKey is the email key of a person who invited, whose limits count
	// a mail that leaves later; "" for a backend, and where HasMailAhead is false.
	InviterKey     string
	Generation     int       // 0 for the founder, who was never invited; always rises
	SentAt         time.Time // when the invitation goes out; ahead while its mail is scheduled
	ExpiresAt      time.Time
	ReminderAt     time.Time // zero: no reminder is due
	Sends          int       // mails that left the schedule, all generations
	SendEmail      bool
	MailKind       MailKind  // of the newest mail; "" for none yet
	ScheduledFor   time.Time // when a scheduled mail may leave; zero unless Delivery is scheduled
	Delivery       Delivery
	DeliveryReason string
	DeliveryWeight Weight
	Postponed      Postponed // the mail that waits for the mail service
	NotifyInviter  bool      // mail the inviter when the person accepts
	AskedAt        time.Time // when the person last asked for a new link; zero if not since the newest one
	Message        string    // the inviter's personal words
	Locale         string
}

// User is a person's record in one workspace, identified there by email.
type User struct {
	ID          string
	WorkspaceID string
	Name        string
	Email       string // as typed, trimmed; CanonicalEmail tells people apart
	Role        Role
	Groups      []string
	// SealedMetadata is the metadata as it rests: encrypted under the data
	// key of the workspace. nil is the empty object.
	SealedMetadata []byte
	Status         Status
	Invitation     Invitation
	// Subject is the account's OIDC subject, bound when the person accepts:
	// a later owner of the same mailbox is another person.
	Subject     string
	CreatedAt   time.Time
	UpdatedAt   time.Time
	ActivatedAt time.Time // zero: never active
	ArchivedAt  time.Time // zero unless archived
	// HasAccount reports whether the email was known to have an account when
	// the record last changed.
	HasAccount bool
	// Version rises with every change but those of mail on its way. The first
	// version of a record is its time of creation in Unix milliseconds, so no
	// version of an id ever comes back, even after erasure.
	Version int
	// Mailbox is what was known of the address when this record last had a
	// mail: a guess that saves a read. The mailbox itself is elsewhere.
	Mailbox Mailbox
	// Recipient is what the person said about mail from this workspace.
	Recipient Recipient
	// Request names the call that created the user, so that a repeat of the
	// call recognizes its own; "" for none.
	Request string
	// Former are the ids that the person had before their email was corrected,
	// oldest first.
	Former []FormerID
	// Last is the change that made the record what it is. It is stored with
	// the record, in the same write, and becomes the domain event.
	Last Change
}

// FormerID is an id that a person had until a change: their history before that
// change has this id. Another person may have it since.
type FormerID struct {
	ID    string
	Until string // the id of the change
}

// Change is one domain event in the making.
type Change struct {
	ID      string // unique, sorts by time
	Type    ChangeType
	Actor   string // a user id, an operator's name, or ActorSchedule
	At      time.Time
	From    Status   // the status before; empty for a new user
	Changed []string // names of the fields that changed, never their values
	// CorrelationID identifies the request that led to the change.
	CorrelationID string
}

// ChangeType is the name of a domain event about a user.
type ChangeType string

// The changes that a user can go through.
const (
	UserInvited     ChangeType = "user.invited"
	UserReinvited   ChangeType = "user.reinvited"
	UserReminded    ChangeType = "user.reminded"
	UserAccepted    ChangeType = "user.accepted"
	UserDeclined    ChangeType = "user.declined"
	UserExpired     ChangeType = "user.expired"
	UserUpdated     ChangeType = "user.updated"
	UserArchived    ChangeType = "user.archived"
	UserRestored    ChangeType = "user.restored"
	UserErased      ChangeType = "user.erased"
	EmailCorrected  ChangeType = "user.email_corrected"
	AskedAgain      ChangeType = "user.asked_again"
	DeliveryChanged ChangeType = "invitation.delivery_changed"
	MailDue         ChangeType = "invitation.mail_due" // a scheduled mail may leave
)

// OfMail reports whether a change says what became of an invitation's mail,
// rather than of the person.
func (c ChangeType) OfMail() bool { return c == DeliveryChanged || c == MailDue }

// ActorSchedule is the actor of what happens by the passing of time.
const ActorSchedule = "schedule"

// StatusAt is the status as people see it: a pending invitation whose time has
// passed is expired from that instant, whether or not the schedule has run.
func (u User) StatusAt(now time.Time) Status {
	if u.Status.Pending() && !now.Before(u.Invitation.ExpiresAt) {
		return Expired
	}
	return u.Status
}

// Manages is true for someone who may invite and manage others now.
func (u User) Manages() bool { return u.Status == Active && u.Role == Admin }

// Is reports whether a signed-in account is this person: a member is the account
// that accepted, not a later owner of the mailbox.
func (u User) Is(subject string) bool { return u.Subject != "" && u.Subject == subject }

// MayBe reports whether a signed-in account with the record's email may learn
// of the record: nobody has accepted it yet, or this account has.
func (u User) MayBe(subject string) bool { return u.Subject == "" || u.Is(subject) }

// Details are what an admin writes about a person.
type Details struct {
	Name     string
	Email    string
	Role     Role
	Groups   []string
	Metadata json.RawMessage `json:",omitempty"` // plaintext, a JSON object or absent
}

// Check names everything that is wrong with the details and gives them in
// their normal form: trimmed, groups sorted and without repeats, metadata
// compact.
func (d Details) Check() (Details, fault.Fields) {
	var fields fault.Fields
	d.Name = CheckName(&fields, d.Name)
	CheckEmail(&fields, d.Email)
	CheckRole(&fields, d.Role)
	d.Groups = CheckGroups(&fields, d.Groups)
	d.Metadata = CheckMetadata(&fields, d.Metadata)
	d.Email = strings.TrimSpace(d.Email)
	return d, fields
}

// CheckName names what is wrong with a person's name, and gives it trimmed.
func CheckName(fields *fault.Fields, name string) string {
	CheckTitle(fields, "/name", name, MaxName)
	return strings.TrimSpace(name)
}

// CheckRole names a role that is none.
func CheckRole(fields *fault.Fields, role Role) {
	switch {
	case role == "":
		fields.Add("/role", "required", "A role is needed: admin, builder or end-user.")
	case !slices.Contains(Roles(), role):
		fields.Add("/role", "unknown_role", "A role is admin, builder or end-user.")
	}
}

// CheckGroups names what is wrong with a list of groups, and gives it sorted
// and without repeats. Whether the groups exist is for the workspace to say.
func CheckGroups(fields *fault.Fields, groups []string) []string {
	if len(groups) > MaxGroups {
		fields.Add("/groups", "too_many", "A user may be in 50 groups at most.")
		return nil
	}
	groups = slices.Clone(groups)
	slices.Sort(groups)
	return slices.Compact(groups)
}
