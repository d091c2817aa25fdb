// Package email writes the mails of an invitation: subject, plain text and
// HTML. It says what is in a mail; sending it is the mail function's business.
//
// What people typed (their names, the name of a workspace, a personal message)
// is shown so that it can neither become markup nor, in the reader's mail
// client, a link: the one link in a mail is the invitation's.
//
// It imports the standard library alone. Templates are embedded, and parsed
// when the first mail is written, not when a process starts.
package email

import (
	"embed"
	"errors"
	"fmt"
	htmltemplate "html/template"
	"strings"
	"sync"
	texttemplate "text/template"
	"time"
)

// Kind is the occasion of a mail.
type Kind string

// The kinds.
const (
	Invitation   Kind = "invitation"   // the first
	Reinvitation Kind = "reinvitation" // a new link; the older ones are dead
	Reminder     Kind = "reminder"     // the same link again, before it ends
	Access       Kind = "access"       // access is theirs again
	Accepted     Kind = "accepted"     // to the inviter
)

// Invite is what a mail may tell of an invitation.
type Invite struct {
	Kind
	To         string         // the address that it goes to, for display
	Name       string         // of the invited person
	Inviter    string         // their name; "" where a backend invited
	Workspace  string         // its name
	Role       string         // "admin", "builder" or "end-user"
	Link       string         // absolute, https (http on a laptop)
	ExpiresAt  time.Time      // when the invitation ends
	Location   *time.Location // in which that is told; nil is UTC
	Now        time.Time      // from which "in 7 days" counts; zero is the clock's
	HasAccount bool           // they will sign in, rather than sign up
	Message    string         // the inviter's own words, "" for none
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
	t := english()
	v := newView(inv)
	v.Subject, err = t.subjectOf(v)
	if err != nil {
		return Message{}, err
	}
	var text, html strings.Builder
	err = t.text.Execute(&text, v)
	if err != nil {
		return Message{}, err
	}
	err = t.html.Execute(&html, v)
	if err != nil {
		return Message{}, err
	}
	return Message{Subject: v.Subject, Text: wrap(text.String(), v.Link), HTML: html.String()}, nil
}

// check refuses what no template has words for, rather than mailing a gap.
func check(inv Invite) error {
	switch inv.Kind {
	case Invitation, Reinvitation, Reminder:
	default:
		return errors.New("unknown kind of mail")
	}
	switch inv.Role {
	case "admin", "builder", "end-user":
	default:
		return errors.New("unknown role")
	}
	if inv.ExpiresAt.IsZero() {
		return errors.New("the invitation has no end")
	}
	return checkLink(inv.Link)
}

// view is what the templates see: every text of it is safe to be read.
type view struct {
	Kind
	Subject, To, Name, Inviter, Workspace string
	Role                                  string
	HasAccount                            bool
	Link                                  string
	Ends, EndsOn, EndsIn                  string   // date and time, date alone, "in 7 days" or ""
	Message                               []string // lines
	Outlook                               outlook

	// The names before they were defused, to be shortened for the subject.
	inviter, workspace string
}

func newView(inv Invite) view {
	location, now := inv.Location, inv.Now
	if location == nil {
		location = time.UTC
	}
	if now.IsZero() {
		now = time.Now()
	}
	inviter, workspace := clip(clean(inv.Inviter), maxName), clip(clean(inv.Workspace), maxName)
	ends := inv.ExpiresAt.In(location)
	return view{
		Kind: inv.Kind, Role: inv.Role, HasAccount: inv.HasAccount, Link: inv.Link,
		To:   defuse(clean(inv.To)),
		Name: defuse(clip(clean(inv.Name), maxName)),
		Ends: dateAndTime(ends), EndsOn: date(ends), EndsIn: in(inv.ExpiresAt.Sub(now)),
		Message: messageLines(inv.Message),
		Outlook: outlook{Open: outlookOpen, Close: outlookClose},
		inviter: inviter, Inviter: defuse(inviter),
		workspace: workspace, Workspace: defuse(workspace),
	}
}

// outlook are the tables that only Outlook on Windows sees, which knows no
// max-width. They are values because html/template drops comments.
type outlook struct{ Open, Close htmltemplate.HTML }

const (
	outlookOpen  = `<!--[if mso]><table role="presentation" align="center" width="560" cellpadding="0" cellspacing="0" border="0"><tr><td><![endif]-->`
	outlookClose = `<!--[if mso]></td></tr></table><![endif]-->`
)

//go:embed templates
var files embed.FS

// templates are the three parts of a mail in one language.
type templates struct {
	subject, text *texttemplate.Template
	html          *htmltemplate.Template
}

// english parses at its first call; a broken template is found by every test.
var english = sync.OnceValue(func() templates {
	return templates{
		subject: texttemplate.Must(texttemplate.ParseFS(files, "templates/en/subject.txt")),
		text:    texttemplate.Must(texttemplate.ParseFS(files, "templates/en/text.txt")),
		html:    htmltemplate.Must(htmltemplate.ParseFS(files, "templates/en/mail.html")),
	}
})

// maxSubject is how many characters a subject has at most, as RFC 5322 section
// 2.1.1 counts a line, if the names in it can be shortened to that.
const maxSubject = 78

// minShort is what is left of a name in any case.
const minShort = 12

// subjectOf writes the subject; where it is too long, the longest name in it
// gives way first.
func (t templates) subjectOf(v view) (string, error) {
	limit := max(length(v.inviter), length(v.workspace))
	for {
		v.Inviter, v.Workspace = clip(v.inviter, limit), clip(v.workspace, limit)
		var b strings.Builder
		err := t.subject.Execute(&b, v)
		if err != nil {
			return "", err
		}
		excess := length(b.String()) - maxSubject
		if excess <= 0 || limit <= minShort {
			return defuse(clean(b.String())), nil
		}
		limit = max(minShort, limit-(excess+1)/2)
	}
}
