package invitation_test

import (
	"errors"
	"testing"
	"time"

	"github.com/latchkey/latchkey/shared/fault"
	"github.com/latchkey/latchkey/shared/invitation"
	"github.com/latchkey/latchkey/shared/link"
	"github.com/latchkey/latchkey/shared/user"
	"github.com/latchkey/latchkey/shared/workspace"
)

func TestResendWaitsAMinuteAndKillsOlderLinks(t *testing.T) {
	d := newDeployment(t)
	tn := d.found(workspace.Patch{})
	before := tn.invite("john@corp.com")
	d.pass(20 * time.Second)
	_, err := tn.resend(before, mailed)
	var f *fault.Error
	if !errors.As(err, &f) || f.Code != user.ErrTooSoon.Code || f.RetryAfter != 40*time.Second {
		t.Errorf("within a minute: %v", err)
	}
	d.follow(before)
	d.pass(40 * time.Second)
	after, err := tn.resend(before, mailed)
	d.check("after a minute", err)
	same(t, "delivery", after.Invitation.Delivery, user.DeliveryQueued)
	same(t, "end", after.Invitation.ExpiresAt, d.now.Add(7*day))
	d.follow(after)
	_, err = d.Follow(t.Context(), d.token(link.Accept, before), "", d.now)
	has(t, "the older link", err, user.ErrNoInvitation)
	same(t, "asked", tn.asked(), 2)
}

// A minute's wait would end in a refusal all the same. [A12]
func TestResendGivesTheMoreUsefulRefusalFirst(t *testing.T) {
	d := newDeployment(t)
	tn := d.found(workspace.Patch{})
	u := tn.invite("john@corp.com")
	d.pass(time.Second)
	d.learn(u, bounce)
	_, err := tn.resend(u, mailed)
	has(t, "within the minute", err, user.ErrUndeliverable)
}

func TestConfirmLiftsABounceAndNoWish(t *testing.T) {
	d := newDeployment(t)
	tn := d.found(workspace.Patch{})
	confirmed := invitation.Again{SendEmail: true, Confirmed: true}
	for _, c := range []struct {
		email string
		learn func(user.User)
		want  error // with the confirmation
	}{
		{"bounced@corp.com", func(u user.User) { d.learn(u, bounce) }, nil},
		{"complained@corp.com", func(u user.User) { d.learn(u, complaint) }, user.ErrComplained},
		{"opted-out@corp.com", func(u user.User) { d.express(u, user.OptOut) }, user.ErrOptedOut},
		{"reported@corp.com", func(u user.User) { d.express(u, user.Report) }, user.ErrReported},
	} {
		u := tn.invite(c.email)
		c.learn(u)
		d.pass(time.Hour)
		if _, err := tn.resend(u, mailed); err == nil {
			t.Errorf("%s: a mail goes without a confirmation", c.email)
		}
		if _, err := tn.resend(u, confirmed); !errors.Is(err, c.want) {
			t.Errorf("%s: confirmed: %v, want %v", c.email, err, c.want)
		}
		if _, err := tn.resend(u, invitation.Again{}); err != nil {
			t.Errorf("%s: without a mail: %v", c.email, err)
		}
		d.pass(time.Hour)
		if _, err := tn.resend(u, confirmed); !errors.Is(err, c.want) {
			t.Errorf("%s: after a resend without mail: %v, want %v", c.email, err, c.want)
		}
		d.pass(time.Hour)
		if _, err := tn.resend(u, mailed); !errors.Is(err, c.want) {
			t.Errorf("%s: in the end: %v, want %v", c.email, err, c.want)
		}
	}
}

func TestAResendOverTheDaysLimitIsScheduled(t *testing.T) {
	d := newDeployment(t)
	d.Limits = daily(1)
	tn := d.found(workspace.Patch{})
	u := tn.invite("john@corp.com")
	d.pass(time.Minute)
	u, err := tn.resend(u, mailed)
	d.check("resend", err)
	tomorrow := user.Tomorrow(d.now)
	same(t, "delivery", u.Invitation.Delivery, user.DeliveryScheduled)
	same(t, "leaves", u.Invitation.ScheduledFor, tomorrow)
	same(t, "end", u.Invitation.ExpiresAt, tomorrow.Add(7*day))
	same(t, "asked", tn.asked(), 1)
}

func TestAMailboxGetsFiveMailsADay(t *testing.T) {
	d := newDeployment(t)
	for i := range user.MailsPerDay + 1 {
		u := d.found(workspace.Patch{}).invite("john@corp.com")
		d.pass(time.Minute)
		want := user.DeliveryQueued
		if i == user.MailsPerDay {
			want = user.DeliveryScheduled
		}
		same(t, "delivery", u.Invitation.Delivery, want)
	}
}

func TestAResentInvitationNeedsASeat(t *testing.T) {
	d := newDeployment(t)
	tn := d.found(workspace.Patch{SeatLimit: is(2)})
	declined := d.decline(tn.invite("john@corp.com"))
	other := tn.invite("jane@corp.com")
	d.pass(time.Hour)
	_, err := tn.resend(declined, mailed)
	has(t, "no seat", err, workspace.ErrSeatLimit)
	d.pass(7 * day)
	_, err = tn.resend(declined, mailed)
	d.check("once the other invitation has lapsed", err)
	same(t, "the other", tn.load(other.ID).Status, user.Expired)
}

// Undoing a click is no reason to wait. [A19]
func TestWhoIsArchivedByMistakeIsRestoredAtOnce(t *testing.T) {
	d := newDeployment(t)
	tn := d.found(workspace.Patch{})
	u := tn.invite("john@corp.com")
	d.pass(10 * time.Second)
	tn.archive(u)
	d.pass(10 * time.Second)
	u, err := tn.restore(u, mailed)
	d.check("restore", err)
	same(t, "status", u.Status, user.Requested)
	same(t, "delivery", u.Invitation.Delivery, user.DeliveryScheduled)
	same(t, "leaves", u.Invitation.ScheduledFor, t0.Add(time.Minute))
	d.follow(u)
	same(t, "asked", tn.asked(), 1)
}

func TestAccessIsRestoredOverTheLimitAndItsMailWaits(t *testing.T) {
	d := newDeployment(t)
	d.Limits = daily(1)
	tn := d.found(workspace.Patch{})
	u := tn.archive(d.accept(tn.invite("john@corp.com")))
	d.pass(time.Hour)
	u, err := tn.restore(u, mailed)
	d.check("restore", err)
	same(t, "status", u.Status, user.Active)
	same(t, "delivery", u.Invitation.Delivery, user.DeliveryScheduled)
	same(t, "mail", u.Invitation.MailKind, user.MailAccess)
	d.now = user.Tomorrow(d.now).Add(time.Minute)
	changes, _ := tn.fall()
	same(t, "the next day", changes[u.ID], user.MailDue)
	u = tn.load(u.ID)
	same(t, "delivery", u.Invitation.Delivery, user.DeliveryQueued)
	same(t, "status", u.Status, user.Active)
}

func TestRestoringWithoutAMailCountsNone(t *testing.T) {
	d := newDeployment(t)
	tn := d.found(workspace.Patch{})
	u := tn.archive(d.accept(tn.invite("john@corp.com")))
	d.pass(time.Hour)
	u, err := tn.restore(u, invitation.Again{})
	d.check("restore", err)
	same(t, "asked", tn.asked(), 1)
	d.express(u, user.OptOut)
	tn.archive(u)
	d.pass(time.Hour)
	u, err = tn.restore(u, mailed) // access is theirs all the same
	d.check("restore who wants no mail", err)
	same(t, "status", u.Status, user.Active)
	same(t, "asked", tn.asked(), 1)
}

func TestAPausedWorkspaceRestoresAccessAlone(t *testing.T) {
	d := newDeployment(t)
	tn := d.found(workspace.Patch{})
	member, pending := d.accept(tn.invite("john@corp.com")), tn.invite("jane@corp.com")
	tn.archive(member)
	tn.archive(pending)
	tn.patch(workspace.Patch{Paused: is(true)})
	d.pass(time.Hour)
	_, err := tn.restore(pending, mailed)
	has(t, "an invitation", err, workspace.ErrPaused)
	_, err = tn.restore(member, invitation.Again{SendEmail: true, Reinvite: true})
	has(t, "inviting a member anew", err, workspace.ErrPaused)
	member, err = tn.restore(member, mailed)
	d.check("restore access", err)
	same(t, "status", member.Status, user.Active)
	same(t, "sends a mail", member.Invitation.SendEmail, false)
	same(t, "asked", tn.asked(), 2)
}

func TestAMemberInvitedAnewAcceptsWithAnotherAccount(t *testing.T) {
	d := newDeployment(t)
	tn := d.found(workspace.Patch{})
	u := tn.archive(d.accept(tn.invite("john@corp.com")))
	d.pass(time.Hour)
	u, err := tn.restore(u, invitation.Again{SendEmail: true, Reinvite: true})
	d.check("restore", err)
	same(t, "status", u.Status, user.Invited)
	v, err := d.Accept(t.Context(), d.follow(u), user.Guest{Subject: "another", Email: u.Email}, d.now)
	d.check("accept", err)
	same(t, "account", v.User.Subject, "another")
}
