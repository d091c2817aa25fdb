// Package email writes the mails of an invitation: subject, plain text and
// HTML, in the languages of shared/locale. It says what is in a mail; sending it
// is the mail function's business.
//
// What people typed (their names, the name of a workspace, a personal message)
// is shown so that it can neither become markup nor, in the reader's mail
// client, a link: the links in a mail are the invitation's and ours.
//
// The words of a language are in its own file (de.go), the layout in mjml/,
// from which `make mail` makes templates/mail.html and, from the templates,
// compiled.go.
//
// It may import shared/locale and golang.org/x/text.
package email

import (
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/latchkey/latchkey/shared/locale"
)

// Kind is the occasion of a mail.
type Kind string

// The kinds.
const (
	Invitation   Kind = "invitation"   // the first
	Reinvitation Kind = "reinvitation" // a new link; the older ones are dead
	Reminder     Kind = "reminder"     // the same link again, before it ends
	Access       Kind = "access"       // a member's access is theirs again
	Accepted     Kind = "accepted"     // to the inviter
	Asked        Kind = "asked"        // to a manager: the person asks for a new link
)

// Kinds are all kinds.
var Kinds = []Kind{Invitation, Reinvitation, Reminder, Access, Accepted, Asked}

// invites is true for the kinds that ask for an answer.
func (k Kind) invites() bool { return k != Access && !k.ToManager() }

// ToManager reports whether the mail informs a manager about the person. Its
// recipient is Invite.Inviter.
func (k Kind) ToManager() bool { return k == Accepted || k == Asked }

// Invite is what a mail may tell of an invitation.
type Invite struct {
	Kind
	Locale     string         // BCP 47; the nearest language is taken
	To         string         // the address that it goes to, for display
	Name       string         // of the invited person
	Inviter    string         // their name; "" where a backend invited
	Workspace  string         // its name
	Role       string         // "admin", "builder" or "end-user"
	Link       string         // of the invitation, or the dashboard; absolute, https (http on a laptop)
	ExpiresAt  time.Time      // when the invitation ends
	Location   *time.Location // in which that is told; nil is UTC
	Now        time.Time      // from which "in 7 days" counts; zero is the clock's
	HasAccount bool           // they will sign in, rather than sign up
	Message    string         // the inviter's own words, "" for none
	Branding
	// Unsubscribe and Report are where the reader refuses further mail, and
	// calls the invitation abuse; "" for a mail that offers neither.
	Unsubscribe, Report string
}

// Branding is what a workspace's mails look like. All of it may be empty.
type Branding struct {
	Product string // what the product is called
	Logo    string // https address of a picture
	Accent  string // #rrggbb, of the button; dark enough for white text
	Support string // address where help is
}

// Message is a mail, ready to be sent.
type Message struct{ Subject, Text, HTML string }

// Render writes a mail. Its errors quote nothing of the invitation, so that
// they can be logged: the link is as good as a password.
func Render(inv Invite) (Message, error) {
	err := check(inv)
	if err != nil {
		return Message{}, fmt.Errorf("email: %w", err)
	}
	v := newView(inv)
	var text, html strings.Builder
	mailText(&text, v)
	mailHTML(&html, v)
	return Message{Subject: v.Subject, Text: wrap(text.String(), v.Link, v.Unsubscribe, v.Report), HTML: html.String()}, nil
}

// check refuses what no template has words for, rather than mailing a gap.
func check(inv Invite) error {
	if _, ok := english().kinds[inv.Kind]; !ok {
		return errors.New("unknown kind of mail")
	}
	if _, ok := english().roles[inv.Role]; !ok {
		return errors.New("unknown role")
	}
	if inv.ExpiresAt.IsZero() && inv.invites() {
		return errors.New("the invitation has no end")
	}
	if inv.Accent != "" && !accentShape().MatchString(inv.Accent) {
		return errors.New("the accent is not a color")
	}
	for _, optional := range []string{inv.Unsubscribe, inv.Report, inv.Logo} {
		if optional == "" {
			continue
		}
		if err := checkLink(optional); err != nil {
			return err
		}
	}
	if u, err := url.Parse(inv.Logo); err != nil || inv.Logo != "" && u.Scheme != "https" {
		return errors.New("the logo does not come by https")
	}
	return checkLink(inv.Link)
}

var accentShape = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^#[0-9a-f]{6}$`) })

// view is what the templates see: every text of it is safe to be read.
type view struct {
	Language               string
	Subject, Preview       string
	Product, Logo          string
	Accent                 string
	Title, Greeting, Intro sentence
	Lead                   sentence
	Message                []string // lines
	Button, Colon          string
	Link, Fallback         string
	Ends, Why              sentence
	Help, Support          string
	Stop, Unsubscribe      string
	Abuse, Report          string
}

func newView(inv Invite) view {
	location, now := inv.Location, inv.Now
	if location == nil {
		location = time.UTC
	}
	if now.IsZero() {
		now = time.Now()
	}
	w := wordsOf(locale.Nearest(inv.Locale))
	kind := w.kinds[inv.Kind]
	left := w.in(inv.ExpiresAt.Sub(now))
	name := func(text, none string) string {
		text = clip(clean(text), maxName)
		if text == "" {
			return none
		}
		return text
	}
	raw := map[string]string{ // before they are defused, to be shortened for the subject
		"inviter": name(inv.Inviter, ""), "name": name(inv.Name, ""), "workspace": name(inv.Workspace, w.workspace),
	}
	values := map[string]string{
		"to": defuse(clean(inv.To)), "role": w.roles[inv.Role], "in": left, "ends": w.date(inv.ExpiresAt.In(location)),
	}
	for key, text := range raw {
		values[key] = defuse(text)
	}
	say := func(pattern, unnamed string) sentence { return fill(named(pattern, unnamed, values), values) }

	v := view{
		Language: w.tag, Product: defuse(name(inv.Product, "")), Logo: inv.Logo, Accent: inv.Accent,
		Title: say(kind.title, ""), Greeting: say(w.greeting, w.greetingUnnamed), Intro: say(kind.intro, kind.introUnnamed),
		Message: messageLines(inv.Message, w.linkRemoved),
		Link:    inv.Link, Fallback: w.fallback, Why: say(w.why, ""),
		Help: w.help, Support: inv.Support,
		Stop: say(w.stop, "").String(), Unsubscribe: inv.Unsubscribe, Abuse: w.abuse, Report: inv.Report,
	}
	if v.Accent == "" {
		v.Accent = accent
	}
	if kind.why != "" {
		v.Why = say(kind.why, "")
	}
	v.Lead = say(w.lead, w.leadUnnamed)
	switch {
	case !inv.invites():
		v.Button, v.Message = say(kind.button, "").String(), nil
	case inv.HasAccount:
		v.Button = w.signIn
	default:
		v.Button = w.signUp
	}
	if inv.ToManager() {
		v.Greeting = fill(named(w.greeting, w.greetingUnnamed, map[string]string{"name": values["inviter"]}), map[string]string{"name": values["inviter"]})
	}
	v.Colon = w.colon
	v.Preview = v.Intro.String()
	if inv.invites() {
		v.Ends = say(w.ends, w.endsOn)
		v.Preview = v.Ends.String()
	}
	v.Subject = subjectOf(kind, raw, values)
	return v
}

// accent is the usual color of the button.
const accent = "#2456d6"

// named is the pattern, or the one without names where a value that it needs is
// missing.
func named(pattern, unnamed string, values map[string]string) string {
	if unnamed == "" {
		return pattern
	}
	for key, value := range values {
		if value == "" && strings.Contains(pattern, "{"+key+"}") {
			return unnamed
		}
	}
	return pattern
}

// maxSubject is how many characters a subject has at most, as RFC 5322 section
// 2.1.1 counts a line, if the names in it can be shortened to that.
const maxSubject = 78

// minShort is what is left of a name in any case.
const minShort = 12

// subjectOf writes the subject; where it is too long, the longest name in it
// gives way first.
func subjectOf(kind occasion, raw, values map[string]string) string {
	limit := 0
	for _, text := range raw {
		limit = max(limit, length(text))
	}
	short := map[string]string{"in": values["in"]}
	for {
		for key, text := range raw {
			short[key] = clip(text, limit)
		}
		subject := fill(named(kind.subject, kind.subjectUnnamed, short), short).String()
		excess := length(subject) - maxSubject
		if excess <= 0 || limit <= minShort {
			return defuse(clean(subject))
		}
		limit = max(minShort, limit-(excess+1)/2)
	}
}
