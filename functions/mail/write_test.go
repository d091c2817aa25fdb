package main

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/latchkey/latchkey/shared/event"
	"github.com/latchkey/latchkey/shared/link"
	"github.com/latchkey/latchkey/shared/store"
	"github.com/latchkey/latchkey/shared/user"
	"github.com/latchkey/latchkey/shared/workspace"
)

// brand changes the workspace of the bench.
func (b *bench) brand(p workspace.Patch) {
	b.t.Helper()
	_, err := b.store().ChangeWorkspace(b.t.Context(), b.load(), func(w workspace.Workspace) (workspace.Workspace, error) {
		next, fields := w.Apply(user.Stamp{ID: "evt_brand", Actor: "usr_admin", At: b.now}, p)
		return next, fields.Err()
	})
	if err != nil {
		b.t.Fatal(err)
	}
}

// sent is what SES got, by the names that its API has.
type sentMail struct {
	From        string `json:"FromEmailAddress"`
	Destination struct{ ToAddresses []string }
	ReplyTo     []string `json:"ReplyToAddresses"`
	Content     struct {
		Simple struct {
			Subject struct{ Data string }
			Body    struct{ Text, Html struct{ Data string } }
			Headers []struct{ Name, Value string }
		}
	}
}

func (b *bench) last() (m sentMail, headers map[string]string) {
	b.t.Helper()
	if len(b.ses.sent()) == 0 {
		b.t.Fatal("no mail was sent")
	}
	raw, err := json.Marshal(b.ses.sent()[len(b.ses.sent())-1])
	if err == nil {
		err = json.Unmarshal(raw, &m)
	}
	if err != nil {
		b.t.Fatal(err)
	}
	headers = map[string]string{}
	for _, h := range m.Content.Simple.Headers {
		headers[h.Name] = h.Value
	}
	return m, headers
}

func text(s string) *string { return &s }

func TestHeadersOfAnInvitation(t *testing.T) {
	b := newBench(t)
	b.receive(1)
	m, headers := b.last()
	if m.From != "Latchkey <invitations@example.com>" || len(m.ReplyTo) != 0 || len(m.Destination.ToAddresses) != 1 || m.Destination.ToAddresses[0] != "john@corp.com" {
		t.Errorf("from %q to %q, answers to %q", m.From, m.Destination.ToAddresses, m.ReplyTo)
	}
	out := headers["List-Unsubscribe"]
	if !strings.HasPrefix(out, "<https://api.example.com/v1/invitations/") || !strings.HasSuffix(out, "/unsubscribe>") ||
		headers["List-Unsubscribe-Post"] != "List-Unsubscribe=One-Click" { // RFC 8058, section 3.1
		t.Errorf("headers %v", headers)
	}
	if headers["Auto-Submitted"] != "auto-generated" || headers["Feedback-ID"] != "invitation:"+b.u.WorkspaceID+":invitations:latchkey" {
		t.Errorf("headers %v", headers)
	}
	if strings.Contains(headers["X-Entity-Ref-ID"], "@") || !strings.Contains(headers["X-Entity-Ref-ID"], b.u.ID) {
		t.Errorf("the mail is named %q", headers["X-Entity-Ref-ID"])
	}
	for _, part := range []string{m.Content.Simple.Body.Text.Data, m.Content.Simple.Body.Html.Data} {
		if !strings.Contains(part, strings.Trim(out, "<>")) || !strings.Contains(part, "/report") {
			t.Errorf("a part shows no way out: %s", part)
		}
	}
	if strings.Contains(m.Content.Simple.Body.Html.Data, "<img") {
		t.Error("there is a picture, where no logo was given")
	}
}

// A repeat of a mail has the name of the first, a later one has another.
func TestARepeatIsKnownByItsName(t *testing.T) {
	b := newBench(t)
	b.ses.does(acceptsAndBreaksOff)
	b.receive(1)
	_, first := b.last()
	b.now = b.now.Add(lease + time.Second)
	b.ses.does(accepts)
	b.receive(2)
	_, second := b.last()
	if len(b.ses.sent()) != 2 || first["X-Entity-Ref-ID"] != second["X-Entity-Ref-ID"] {
		t.Errorf("%d mails, named %q and %q", len(b.ses.sent()), first["X-Entity-Ref-ID"], second["X-Entity-Ref-ID"])
	}
}

func TestBrandingAndReplies(t *testing.T) {
	b := newBench(t)
	b.brand(workspace.Patch{ProductName: text("Nexus Clöud"), ReplyTo: text("team@corp.com"), AccentColor: text("#7a1f5c"), SupportAddress: text("help@corp.com"), LogoURL: text("https://cdn.corp.com/logo.png")})
	b.receive(1)
	m, _ := b.last()
	if m.From != "=?utf-8?q?Nexus_Cl=C3=B6ud?= <invitations@example.com>" {
		t.Errorf("from %q", m.From)
	}
	if len(m.ReplyTo) != 1 || m.ReplyTo[0] != "team@corp.com" {
		t.Errorf("answers to %q", m.ReplyTo)
	}
	for _, needed := range []string{"#7a1f5c", "help@corp.com", `src="https://cdn.corp.com/logo.png"`} {
		if !strings.Contains(m.Content.Simple.Body.Html.Data, needed) {
			t.Errorf("the HTML lacks %s", needed)
		}
	}
}

func TestTheLocaleIsTheInvitations(t *testing.T) {
	b := newBench(t)
	b.change("reinvited", func(u user.User, s user.Stamp) (user.User, error) {
		u.Invitation.Locale = "ja-JP"
		u.Version++
		u.Last = user.Change{ID: s.ID, Type: user.UserInvited, Actor: s.Actor, At: s.At}
		return u, nil
	})
	b.receive(1)
	if m, _ := b.last(); !strings.Contains(m.Content.Simple.Subject.Data, "招待") {
		t.Errorf("the subject is %q", m.Content.Simple.Subject.Data)
	}
}

// Somebody who was active and is restored is told that access is theirs again,
// with no link to accept; each time anew.
func TestRestoredMembersAreTold(t *testing.T) {
	b := newBench(t)
	b.h.dashboard = "https://app.example.com"
	b.change("accepted", accepted)
	for i, name := range []string{"first", "second"} {
		b.now = b.now.Add(2 * time.Minute)
		b.change("archived-"+name, func(u user.User, s user.Stamp) (user.User, error) { return u.Archive(s) })
		b.change("restored-"+name, func(u user.User, s user.Stamp) (user.User, error) {
			return u.Restore(s, false, user.Inviting{SendEmail: true, Lasts: time.Hour})
		})
		for range 2 { // delivered twice
			b.receive(1)
		}
		if len(b.ses.sent()) != i+1 {
			t.Fatalf("restored %d times, %d mails", i+1, len(b.ses.sent()))
		}
	}
	m, headers := b.last()
	body := m.Content.Simple.Body.Text.Data
	if m.Content.Simple.Subject.Data != "You have access to Nexus again" || !strings.Contains(body, "https://app.example.com/"+b.u.WorkspaceID) || strings.Contains(body, "/invite/") {
		t.Errorf("%q: %s", m.Content.Simple.Subject.Data, body)
	}
	if headers["List-Unsubscribe"] == "" {
		t.Error("there is no way out")
	}
}

// The inviter is told, in the workspace's language, where it wants that.
func TestInvitersAreToldWhoAccepted(t *testing.T) {
	for _, wanted := range []bool{true, false} {
		b := newBench(t)
		b.h.dashboard = "https://app.example.com"
		inviter := user.Founder(user.Stamp{ID: "evt_0", Actor: "x", At: b.now}, b.u.WorkspaceID, "Ada Admin", "ada@corp.com", "sub-ada")
		b.write(store.Decision{Users: []store.UserChange{{After: inviter}}})
		b.change("accepted", func(u user.User, s user.Stamp) (user.User, error) {
			u.Invitation.InvitedBy, u.Invitation.NotifyInviter = inviter.ID, wanted
			return u.Accept(s, byLink(u), user.Guest{Subject: "sub-john", Email: u.Email}, inviter)
		})
		if due := event.OfUser(b.u).SendEmail; due != wanted { // by which the bus's rule goes
			t.Errorf("wanted %v, due %v", wanted, due)
		}
		if !wanted {
			continue
		}
		b.receive(1)
		m, headers := b.last()
		if len(m.Destination.ToAddresses) != 1 || m.Destination.ToAddresses[0] != "ada@corp.com" || m.Content.Simple.Subject.Data != "John Doe accepted your invitation to Nexus" {
			t.Errorf("%q to %q", m.Content.Simple.Subject.Data, m.Destination.ToAddresses)
		}
		body := m.Content.Simple.Body.Text.Data
		if !strings.Contains(body, "Hello Ada Admin") || !strings.Contains(body, "/workspace-settings/users") || strings.Contains(body, "/v1/invitations/") || headers["List-Unsubscribe"] != "" {
			t.Errorf("%s %v", body, headers)
		}
		if got, _ := b.delivery(); got != user.DeliveryQueued {
			t.Errorf("a mail to the inviter made the invited person's delivery %s", got)
		}
	}
}

// Nobody is mailed who does not want it, nor while invitations are paused; the
// admin sees why.
func TestUnwantedAndPausedMailIsNotSent(t *testing.T) {
	b := newBench(t)
	b.change("unsubscribed", func(u user.User, s user.Stamp) (user.User, error) {
		last := u.Last
		u = u.Express(s, user.OptOut)
		u.Last.Type, u.Last.ID = last.Type, last.ID // the event of the invitation comes late
		return u, nil
	})
	if b.receive(1) {
		t.Error("it went back to the queue")
	}
	if got, reason := b.delivery(); got != user.DeliverySuppressed || !strings.Contains(reason, "asked not to receive") || len(b.ses.sent()) != 0 {
		t.Errorf("%s %q after %d mails", got, reason, len(b.ses.sent()))
	}

	b = newBench(t)
	paused := true
	b.brand(workspace.Patch{Paused: &paused})
	b.receive(1)
	if got, reason := b.delivery(); got != user.DeliverySuppressed || !strings.Contains(reason, "paused") || len(b.ses.sent()) != 0 {
		t.Errorf("%s %q after %d mails", got, reason, len(b.ses.sent()))
	}
}

// Each instance keeps to its share of the account's rate.
func TestMailsKeepTheirDistance(t *testing.T) {
	b := newBench(t)
	b.h.interval = 60 * time.Millisecond
	b.h.now = time.Now
	began := time.Now()
	for range 4 {
		if err := b.h.wait(t.Context(), time.Now()); err != nil {
			t.Fatal(err)
		}
	}
	if took := time.Since(began); took < 3*b.h.interval {
		t.Errorf("four mails within %s", took)
	}
}

// A5: a founder, who was never invited, gets a mail that their access is restored,
// with links of their own to unsubscribe and report.
func TestA05ARestoredFounderIsTold(t *testing.T) {
	b := newBench(t)
	b.h.dashboard = "https://app.example.com"
	founder := user.Founder(user.Stamp{ID: "evt_0", Actor: user.IDFor(b.u.WorkspaceID, "ada@corp.com"), At: b.now}, b.u.WorkspaceID, "Ada Admin", "ada@corp.com", "sub-ada")
	b.write(store.Decision{Users: []store.UserChange{{After: b.admin()}, {After: founder}}})
	b.u = founder
	b.change("archived", func(u user.User, s user.Stamp) (user.User, error) { return u.Archive(s) })
	b.change("restored", func(u user.User, s user.Stamp) (user.User, error) {
		return u.Restore(s, false, user.Inviting{SendEmail: true, Lasts: time.Hour})
	})
	if b.receive(1) {
		t.Fatalf("it went back to the queue: %s", b.log)
	}
	m, headers := b.last()
	out := strings.Trim(headers["List-Unsubscribe"], "<>")
	if m.Destination.ToAddresses[0] != "ada@corp.com" || out == "" || !strings.Contains(m.Content.Simple.Body.Text.Data, out) {
		t.Errorf("to %q, with the way out %q", m.Destination.ToAddresses, out)
	}
	keys, err := b.h.invitations.Links.Keys(t.Context(), b.now)
	if err != nil {
		t.Fatal(err)
	}
	token := strings.Split(strings.TrimPrefix(out, "https://api.example.com/v1/invitations/"), "/")[0]
	if of, err := keys.Verify(link.OptOut, token); err != nil || of.UserID != founder.ID {
		t.Errorf("the way out is of %+v: %v", of, err)
	}
	if _, err := keys.Verify(link.Accept, token); err == nil {
		t.Error("E5: the link to unsubscribe also accepts")
	}
}

// admin is another active admin of the workspace.
func (b *bench) admin() user.User {
	id := user.IDFor(b.u.WorkspaceID, "grace@corp.com")
	return user.Founder(user.Stamp{ID: "evt_00", Actor: id, At: b.now}, b.u.WorkspaceID, "Grace Admin", "grace@corp.com", "sub-grace")
}

// A scheduled mail that is let go is the one that was asked for.
func TestAScheduledMailIsSentWhenItIsDue(t *testing.T) {
	b := newBench(t)
	b.now = b.now.Add(2 * time.Minute)
	tomorrow := user.Tomorrow(b.now)
	b.change("resent", func(u user.User, s user.Stamp) (user.User, error) {
		return u.Resend(s, user.Inviting{SendEmail: true, Lasts: 7 * 24 * time.Hour, MailAt: tomorrow})
	})
	if e := event.OfUser(b.u); e.SendEmail {
		t.Errorf("a mail that waits is announced to the mail function: %+v", e)
	}
	b.now = tomorrow
	b.change("due", func(u user.User, s user.Stamp) (user.User, error) { return u.Release(s, s.At) })
	for range 2 {
		b.receive(1)
	}
	b.wantDelivery(user.DeliverySent, 1)
	if m, _ := b.last(); !strings.Contains(m.Content.Simple.Body.Text.Data, "/invite/") {
		t.Errorf("the mail has no link: %s", m.Content.Simple.Body.Text.Data)
	}
}

// A request for a new link is mailed to the inviter, or else to the admin with the
// oldest record, within the day's limit.
func TestAnAdminIsToldWhoAsksForANewLink(t *testing.T) {
	member := func(b *bench, name string, role user.Role, age time.Duration) user.User {
		email := name + "@corp.com"
		u := user.Founder(user.Stamp{ID: "evt_" + name, Actor: user.IDFor(b.u.WorkspaceID, email), At: b.now.Add(-age)}, b.u.WorkspaceID, name, email, "sub-"+name)
		u.Role = role
		b.write(store.Decision{Users: []store.UserChange{{After: u}}})
		return u
	}
	for name, c := range map[string]struct {
		inviter user.Role // today's
		admins  bool      // there are others
		notices int       // that the day has had
		to      string
	}{
		"the inviter":            {user.Admin, true, 0, "ivy@corp.com"},
		"the oldest admin":       {user.Builder, true, 0, "ada@corp.com"},
		"nobody":                 {user.Builder, false, 0, ""},
		"the last of the day":    {user.Admin, true, workspace.MaxNotices - 1, "ivy@corp.com"},
		"the day has had enough": {user.Admin, true, workspace.MaxNotices, ""},
	} {
		b := newBench(t)
		b.h.dashboard = "https://app.example.com"
		inviter := member(b, "ivy", c.inviter, 3*time.Hour)
		if c.admins {
			member(b, "bea", user.Admin, time.Hour)
			member(b, "ada", user.Admin, 2*time.Hour)
		}
		b.change("declined", func(u user.User, s user.Stamp) (user.User, error) {
			u.Invitation.InvitedBy = inviter.ID
			return u.Decline(s, byLink(u))
		})
		b.change("asked", func(u user.User, s user.Stamp) (user.User, error) { return u.AskAgain(s, byLink(u)) })
		for range c.notices {
			if ok, err := b.store().CountNotice(t.Context(), b.u.WorkspaceID, workspace.MaxNotices, b.now); !ok || err != nil {
				t.Fatal(ok, err)
			}
		}
		for range 2 { // a repeat sends no second mail
			if b.receive(1) {
				t.Errorf("%s: it went back to the queue: %s", name, b.log)
			}
		}
		mails := len(b.ses.sent())
		switch {
		case c.to == "" && mails > 0, c.to != "" && mails != 1:
			t.Errorf("%s: %d mails", name, mails)
		case c.to != "":
			m, headers := b.last()
			if m.Destination.ToAddresses[0] != c.to || headers["List-Unsubscribe"] != "" || strings.Contains(m.Content.Simple.Body.Text.Data, "john@corp.com") {
				t.Errorf("%s: %+v", name, m)
			}
		}
		if got, _ := b.delivery(); got != user.DeliveryQueued {
			t.Errorf("%s: a mail to an admin made the invited person's delivery %s", name, got)
		}
	}
}

// Who is invited to a role that manages needs the link, and may have lost it.
func TestANoticeLeavesForAManagersLinkWhileItIsPending(t *testing.T) {
	b := newBench(t)
	b.h.dashboard = "https://app.example.com"
	b.write(store.Decision{Users: []store.UserChange{{After: b.admin()}}})
	b.change("asked", func(u user.User, s user.Stamp) (user.User, error) {
		u.Role = user.Admin
		return u.AskAgain(s, user.Answer{})
	})
	if b.receive(1) || len(b.ses.sent()) != 1 {
		t.Errorf("%d mails", len(b.ses.sent()))
	}
}

// The record of an invitation that has ended waits for nothing: the message does.
func TestANoticeThatTheMailServiceDoesNotTakeGoesBackToTheQueue(t *testing.T) {
	b := newBench(t)
	b.h.dashboard = "https://app.example.com"
	b.write(store.Decision{Users: []store.UserChange{{After: b.admin()}}})
	b.change("declined", func(u user.User, s user.Stamp) (user.User, error) { return u.Decline(s, byLink(u)) })
	b.change("asked", func(u user.User, s user.Stamp) (user.User, error) { return u.AskAgain(s, byLink(u)) })
	b.h.closedUntil = b.now.Add(time.Hour)
	if !b.receive(1) {
		t.Error("the message is gone")
	}
	b.h.closedUntil = time.Time{}
	if b.receive(2) || len(b.ses.sent()) != 1 {
		t.Errorf("%d mails", len(b.ses.sent()))
	}
}
