// Package workspace is the domain of the tenant: a workspace, its settings and
// its custom groups.
//
// It imports no AWS package, only shared/fault, shared/id and shared/user (for
// the rules of names and domains).
package workspace

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"golang.org/x/text/language"
	"golang.org/x/text/unicode/norm"

	"github.com/latchkey/latchkey/shared/fault"
	"github.com/latchkey/latchkey/shared/id"
	"github.com/latchkey/latchkey/shared/user"
)

// IDPrefix starts every workspace id.
const IDPrefix = "ws_"

// Limits and defaults of the settings.
const (
	DefaultInvitationDays = 7
	MinInvitationDays     = 1
	MaxInvitationDays     = 30
	MaxEmailDomains       = 100
	MaxSeats              = 1_000_000
	MaxMailAllowance      = 1_000_000
	MaxSlug               = 40
	maxLocale             = 35 // what RFC 5646 section 4.4.1 recommends to allow for
)

// Directory says who may read the list of users.
type Directory string

// Who may read the list of users.
const (
	DirectoryAdmins  Directory = "admins"
	DirectoryMembers Directory = "members"
)

// Workspace is the tenant: it owns users, groups and settings.
type Workspace struct {
	ID   string
	Slug string // unique in the deployment
	Name string
	Settings
	// Admins counts the active admins: the last one stays.
	Admins int
	// Reports counts the people who called an invitation of the workspace
	// abuse; Paused stops its invitations until an operator lets them go on.
	Reports int
	Paused  bool
	// MailAllowance is the number of mails a day that an operator granted;
	// 0: the deployment's limits.
	MailAllowance int
	// Indexed reports that lists find all its users by role and by group.
	Indexed bool
	// DataKey encrypts metadata; it rests wrapped by the deployment's KMS key.
	DataKey   []byte
	CreatedAt time.Time
	UpdatedAt time.Time
	Version   int
	Last      Change
	// Stage is the stage of its deletion, NextStage when the next one begins.
	Stage     Stage
	NextStage time.Time
}

// Settings are what an admin may set.
type Settings struct {
	InvitationDays      int      // 1-30
	ReminderDays        int      // before the end of an invitation; 0: no reminder
	AllowedEmailDomains []string // punycode; none: every domain
	Locale              string   // BCP 47
	Timezone            string   // IANA name
	Directory           Directory
	PersonalMessages    bool
	SeatLimit           int  // pending and active users; 0: no limit
	NotifyInviters      bool // mail the inviter when somebody accepts
	Branding
}

// Branding is how the mails of a workspace look, and who answers to them.
type Branding struct {
	ProductName    string // as whom they come; "" for the deployment's name
	LogoURL        string // https, of a host that the deployment allows; "" for none
	AccentColor    string // #rrggbb; "" for the deployment's
	ReplyTo        string // ReplyToInviter, an address, or "" for nobody
	SupportAddress string // named in the foot of a mail; "" for none
}

// ReplyToInviter sends replies to the inviter.
const ReplyToInviter = "inviter"

// Change is one domain event in the making, stored with the workspace.
type Change struct {
	ID      string
	Type    ChangeType
	Actor   string
	At      time.Time
	Changed []string
	// CorrelationID identifies the request that led to the change.
	CorrelationID string
}

// ChangeType is the name of a domain event about a workspace.
type ChangeType string

// The changes that a workspace can go through.
const (
	Created  ChangeType = "workspace.created"
	Updated  ChangeType = "workspace.updated"
	Deleted  ChangeType = "workspace.deleted"
	Restored ChangeType = "workspace.restored"
	Erased   ChangeType = "workspace.erased"
)

// Faults of workspaces.
var (
	// ErrNotFound is for everybody who is no active member: whether the
	// workspace exists is none of their business.
	ErrNotFound = fault.New(fault.NotFound, "workspace_not_found", "This workspace doesn't exist, or you aren't a member of it.")
	// ErrSlugTaken asks for another slug.
	ErrSlugTaken = fault.New(fault.Conflict, "slug_taken", "This slug is already in use. Choose another one.")
	// ErrSeatLimit is for one more person than the workspace has seats for.
	ErrSeatLimit = fault.New(fault.Conflict, "seat_limit_reached", "Every seat in this workspace is taken. Archive a user or raise the seat limit.")
	// ErrPaused stops invitations after people called them abuse.
	ErrPaused = fault.New(fault.Conflict, "invitations_paused", "Invitations from this workspace are paused because recipients reported them as abuse. Contact the operator of this service.")
	// ErrGroupNotFound is for a group that the workspace does not have.
	ErrGroupNotFound = fault.New(fault.NotFound, "group_not_found", "This group doesn't exist in the workspace.")
	// ErrTooManyGroups refuses a group beyond MaxGroups.
	ErrTooManyGroups = fault.New(fault.Conflict, "group_limit_reached", "This workspace has 1,000 groups, which is the limit. Delete one that is no longer needed.")
	// ErrGroupDeleting keeps a deleted group's id until nobody points at it.
	ErrGroupDeleting = &fault.Error{Kind: fault.Conflict, Code: "group_being_deleted",
		Detail: "A group with this id is being deleted. Try again in a few minutes.", RetryAfter: 5 * time.Minute}
)

// CodeSeatsInUse is the code of SeatsInUse.
const CodeSeatsInUse = "seats_in_use"

// SeatsInUse is the fault of a seat limit below what is taken.
func SeatsInUse(n int) error {
	return fault.New(fault.Conflict, CodeSeatsInUse, fmt.Sprintf("%d seats are in use. Archive users before you lower the seat limit.", n))
}

// New is a workspace with the usual settings.
func New(s user.Stamp, id, name, slug string, dataKey []byte) Workspace {
	return Workspace{
		ID: id, Slug: slug, Name: name, DataKey: dataKey,
		Settings: Settings{
			InvitationDays: DefaultInvitationDays,
			Locale:         "en",
			Timezone:       "UTC",
			Directory:      DirectoryAdmins,
		},
		CreatedAt: s.At, UpdatedAt: s.At, Version: 1,
		Last: Change{ID: s.ID, Type: Created, Actor: s.Actor, At: s.At, CorrelationID: s.CorrelationID},
	}
}

// Patch is a change of name and settings; nil leaves a member as it is.
type Patch struct {
	Name                *string
	InvitationDays      *int
	ReminderDays        *int
	AllowedEmailDomains *[]string
	Locale              *string
	Timezone            *string
	Directory           *string
	PersonalMessages    *bool
	SeatLimit           *int // 0: no limit
	NotifyInviters      *bool
	ProductName         *string // "": none, as for the following
	LogoURL             *string
	AccentColor         *string
	ReplyTo             *string
	SupportAddress      *string
	Paused              *bool // operators only
	MailAllowance       *int  // operators only; 0: the deployment's limits
}

// Apply gives the workspace with the patch, or names everything that is wrong.
// A patch that changes nothing gives the workspace as it was.
func (w Workspace) Apply(s user.Stamp, p Patch) (next Workspace, fields fault.Fields) {
	next = w
	changed := []string{}
	set(&changed, "name", &next.Name, trimmed(p.Name))
	set(&changed, "invitationDays", &next.InvitationDays, p.InvitationDays)
	set(&changed, "reminderDays", &next.ReminderDays, p.ReminderDays)
	set(&changed, "locale", &next.Locale, p.Locale)
	set(&changed, "timezone", &next.Timezone, p.Timezone)
	set(&changed, "directory", &next.Directory, (*Directory)(p.Directory))
	set(&changed, "personalMessages", &next.PersonalMessages, p.PersonalMessages)
	set(&changed, "seatLimit", &next.SeatLimit, p.SeatLimit)
	set(&changed, "notifyInviters", &next.NotifyInviters, p.NotifyInviters)
	set(&changed, "productName", &next.ProductName, trimmed(p.ProductName))
	set(&changed, "logoUrl", &next.LogoURL, trimmed(p.LogoURL))
	set(&changed, "accentColor", &next.AccentColor, lowered(p.AccentColor))
	set(&changed, "replyTo", &next.ReplyTo, trimmed(p.ReplyTo))
	set(&changed, "supportAddress", &next.SupportAddress, trimmed(p.SupportAddress))
	set(&changed, "invitationsPaused", &next.Paused, p.Paused)
	set(&changed, "mailAllowance", &next.MailAllowance, p.MailAllowance)
	if next.MailAllowance < 0 || next.MailAllowance > MaxMailAllowance {
		fields.Add("/mailAllowance", "out_of_range", "must be from 1 to 1,000,000, or null for the deployment's limits")
	}
	if w.Paused && !next.Paused {
		next.Reports = 0 // who lets them go on has looked at the reports
	}
	if p.AllowedEmailDomains != nil {
		if domains := checkDomains(&fields, *p.AllowedEmailDomains); !slices.Equal(domains, w.AllowedEmailDomains) {
			next.AllowedEmailDomains = domains
			changed = append(changed, "allowedEmailDomains")
		}
	}
	if p.Name != nil {
		CheckName(&fields, *p.Name)
	}
	next.Settings.check(&fields)
	if len(fields) > 0 || len(changed) == 0 {
		return w, fields
	}
	return next.changed(s, Updated, changed...), nil
}

func lowered(text *string) *string {
	if text == nil {
		return nil
	}
	t := strings.ToLower(strings.TrimSpace(*text))
	return &t
}

func trimmed(text *string) *string {
	if text == nil {
		return nil
	}
	t := strings.TrimSpace(*text)
	return &t
}

func set[T comparable](changed *[]string, name string, field *T, value *T) {
	if value != nil && *value != *field {
		*field = *value
		*changed = append(*changed, name)
	}
}

func (s Settings) check(fields *fault.Fields) {
	if s.InvitationDays < MinInvitationDays || s.InvitationDays > MaxInvitationDays {
		fields.Add("/invitationDays", "out_of_range", "An invitation can last 1 to 30 days.")
	}
	if s.ReminderDays < 0 || s.ReminderDays >= MaxInvitationDays {
		fields.Add("/reminderDays", "out_of_range", "A reminder can be sent 1 to 29 days before an invitation expires. Use 0 for no reminder.")
	}
	CheckLocale(fields, s.Locale)
	s.Branding.check(fields)
	if s.SeatLimit < 0 || s.SeatLimit > MaxSeats {
		fields.Add("/seatLimit", "out_of_range", "A seat limit must be between 1 and 1,000,000. Use null for no limit.")
	}
	if !knownTimezone(s.Timezone) {
		fields.Add("/timezone", "unknown_timezone", "Use an IANA time zone name, such as Europe/Berlin or UTC.")
	}
	if s.Directory != DirectoryAdmins && s.Directory != DirectoryMembers {
		fields.Add("/directory", "unknown_directory", "directory must be admins or members.")
	}
}

// knownTimezone says whether a name is one of the IANA database's, and not a
// file that lies beside it on some machines.
func knownTimezone(name string) bool {
	switch {
	case name == "", name == "Local", name == "Factory", name == "localtime", name == "posixrules",
		strings.HasPrefix(name, "posix/"), strings.HasPrefix(name, "right/"):
		return false
	}
	_, err := time.LoadLocation(name)
	return err == nil
}

// CheckLocale names a text that is no language tag (BCP 47).
func CheckLocale(fields *fault.Fields, locale string) {
	if tag, err := language.Parse(locale); err != nil || tag == language.Und || len(locale) > maxLocale {
		fields.Add("/locale", "unknown_locale", "Use a language tag, such as en or pt-BR.")
	}
}

func checkDomains(fields *fault.Fields, domains []string) []string {
	if len(domains) > MaxEmailDomains {
		fields.Add("/allowedEmailDomains", "too_many", "A workspace can allow at most 100 email domains.")
		return nil
	}
	clean := make([]string, 0, len(domains))
	for i, d := range domains {
		ascii, ok := user.CheckDomain(d)
		if !ok {
			fields.Add(fmt.Sprintf("/allowedEmailDomains/%d", i), "invalid_domain", "Enter a whole domain, such as corp.com.")
			continue
		}
		clean = append(clean, ascii)
	}
	slices.Sort(clean)
	return slices.Compact(clean)
}

// Allows says whether an email may be invited: whole domains are compared, so
// that attacker-corp.com is not corp.com.
func (s Settings) Allows(email string) bool {
	if len(s.AllowedEmailDomains) == 0 {
		return true
	}
	return slices.Contains(s.AllowedEmailDomains, user.EmailDomain(user.CanonicalEmail(email)))
}

// CheckDomain names an email that may not be invited.
func (s Settings) CheckDomain(fields *fault.Fields, email string) {
	if !s.Allows(email) {
		fields.Add("/email", "domain_not_allowed", "This workspace only invites addresses of certain domains.")
	}
}

// CheckName adds what is wrong with a workspace's name.
func CheckName(fields *fault.Fields, name string) {
	user.CheckTitle(fields, "/name", name, user.MaxName)
}

// Slugs that the dashboard needs for pages of its own.
var reservedSlugs = []string{"api", "assets", "docs", "invite", "local", "login", "logout", "me", "oauth2", "signup", "static", "v1", "workspaces"}

// CheckSlug names what is wrong with a slug.
func CheckSlug(fields *fault.Fields, slug string) {
	if slug == "" || len(slug) > MaxSlug || strings.Trim(slug, lettersAndDigits+"-") != "" || strings.Trim(slug, "-") != slug || strings.Contains(slug, "--") {
		fields.Add("/slug", "invalid_slug", "A slug must be 1 to 40 characters: lower-case letters a-z, digits, and single hyphens between them.")
	} else if slices.Contains(reservedSlugs, slug) {
		fields.Add("/slug", "reserved_slug", "This slug is reserved. Choose another one.")
	}
}

// SlugFrom derives a slug from a name; suffix tells apart those that the same
// name gives, and stands alone where the name has no usable letter.
func SlugFrom(name, suffix string) string {
	var b strings.Builder
	for _, r := range norm.NFKD.String(strings.ToLower(name)) {
		switch {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9':
			b.WriteRune(r)
		case b.Len() > 0 && !strings.HasSuffix(b.String(), "-") && r < 0x300: // not a combining mark
			b.WriteByte('-')
		}
	}
	slug := strings.Trim(b.String(), "-")
	if room := MaxSlug - 1 - len(suffix); suffix != "" && len(slug) > room {
		slug = strings.Trim(slug[:room], "-")
	} else if len(slug) > MaxSlug {
		slug = strings.Trim(slug[:MaxSlug], "-")
	}
	switch {
	case slug == "" || slices.Contains(reservedSlugs, slug) && suffix == "":
		return strings.Trim("w-"+suffix, "-")
	case suffix == "":
		return slug
	}
	return slug + "-" + suffix
}

// MaxGroups is the limit of groups in a workspace. Groups that are being deleted
// do not count.
const MaxGroups = 1000

// Group is a custom group of a workspace.
type Group struct {
	ID        string
	Name      string
	CreatedAt time.Time
}

// ValidGroupID says whether text may name a group: 1-50 characters, a-z, 0-9,
// - and _, starting with a letter or digit.
func ValidGroupID(text string) bool {
	return text != "" && len(text) <= 50 && strings.Trim(text, lettersAndDigits+"-_") == "" && strings.TrimLeft(text, "-_") == text
}

const lettersAndDigits = "abcdefghijklmnopqrstuvwxyz0123456789"

// CheckGroups names each group that the workspace does not have, by its place
// in the list as it was sent.
func CheckGroups(fields *fault.Fields, groups []string, known map[string]bool) {
	for i, group := range groups {
		if !known[group] {
			fields.Add(fmt.Sprintf("/groups/%d", i), "unknown_group", "This workspace has no such group.")
		}
	}
}

// Inviting returns how an invitation goes out under the settings, or ErrPaused;
// days is for this invitation alone, 0 for the workspace's own.
func (w Workspace) Inviting(days int) (user.Inviting, error) {
	if w.Paused {
		return user.Inviting{}, ErrPaused
	}
	if days == 0 {
		days = w.InvitationDays
	}
	const day = 24 * time.Hour
	return user.Inviting{
		SendEmail: true,
		Lasts:     time.Duration(days) * day,
		RemindFor: time.Duration(w.ReminderDays) * day,
		Locale:    w.Locale,

		NotifyInviter: w.NotifyInviters,
	}, nil
}

// Reported returns the workspace with one more report, paused where that
// reaches the threshold. Operators end a pause.
func (w Workspace) Reported(s user.Stamp, threshold int) Workspace {
	w.Reports++
	if w.Reports < threshold || w.Paused {
		w.Version++ // for the store; nothing that an admin sees has changed
		return w
	}
	w.Paused = true
	return w.changed(s, Updated, "invitationsPaused")
}

// changed closes a change; it is later than the one before it.
func (w Workspace) changed(s user.Stamp, what ChangeType, fields ...string) Workspace {
	at := s.At
	if !at.After(w.UpdatedAt) {
		at = w.UpdatedAt.Add(time.Millisecond)
	}
	w.UpdatedAt = at
	w.Version++
	w.Last = Change{ID: id.At(s.ID, at), Type: what, Actor: s.Actor, At: at, Changed: fields, CorrelationID: s.CorrelationID}
	return w
}
