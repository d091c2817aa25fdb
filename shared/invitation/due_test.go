package invitation_test

import (
	"slices"
	"testing"
	"time"

	"github.com/latchkey/latchkey/shared/invitation"
	"github.com/latchkey/latchkey/shared/store"
	"github.com/latchkey/latchkey/shared/user"
	"github.com/latchkey/latchkey/shared/workspace"
)

// tomorrow moves the clock to the next day's first run of the schedule.
func (d *deployment) tomorrow() { d.now = user.Tomorrow(d.now).Add(time.Minute) }

func TestScheduledMailsLeaveOldestFirstWithinTheLimit(t *testing.T) {
	d := newDeployment(t)
	d.Limits = daily(2)
	tn := d.found(workspace.Patch{})
	var ids []string
	for i := range 7 {
		ids = append(ids, tn.invite(address(i)).ID)
		d.pass(time.Second)
	}
	changes, _ := tn.fall()
	same(t, "changes on the same day", len(changes), 0)
	for i, want := range [][]string{ids[2:4], ids[4:6], ids[6:]} {
		d.tomorrow()
		changes, order := tn.fall()
		if !slices.Equal(order, want) {
			t.Errorf("day %d: %v leave, want %v", i+1, order, want)
		}
		for _, id := range want {
			u := tn.load(id)
			same(t, "change", changes[id], user.MailDue)
			same(t, "delivery", u.Invitation.Delivery, user.DeliveryQueued)
			same(t, "end", u.Invitation.ExpiresAt, d.now.Add(7*day))
			same(t, "mails", u.Invitation.Sends, 1)
		}
		same(t, "asked", tn.asked(), len(want))
		changes, _ = tn.fall()
		same(t, "changes of another run", len(changes), 0)
	}
}

func TestAMovedMailSaysWhenItLeaves(t *testing.T) {
	d := newDeployment(t)
	d.Limits = daily(1)
	tn := d.found(workspace.Patch{})
	tn.invite("first@corp.com")
	d.pass(time.Second)
	tn.invite("second@corp.com")
	d.pass(time.Second)
	third := tn.invite("third@corp.com")
	d.tomorrow()
	tn.fall()
	moved := tn.load(third.ID)
	same(t, "delivery", moved.Invitation.Delivery, user.DeliveryScheduled)
	same(t, "leaves", moved.Invitation.ScheduledFor, user.Tomorrow(d.now))
	same(t, "end", moved.Invitation.ExpiresAt, user.Tomorrow(d.now).Add(7*day))
	same(t, "the last change", moved.Last.ID, third.Last.ID) // moving it is no event
	d.follow(moved)
}

// What is known since the mail was scheduled stops it.
func TestAScheduledMailIsWithheld(t *testing.T) {
	d := newDeployment(t)
	d.Limits = daily(1)
	tn, other := d.found(workspace.Patch{}), d.found(workspace.Patch{})
	tn.invite("first@corp.com")
	bounced := tn.invite("bounced@corp.com")
	d.learn(other.invite("bounced@corp.com"), bounce)
	d.tomorrow()
	tn.fall()
	u := tn.load(bounced.ID)
	same(t, "delivery", u.Invitation.Delivery, user.DeliverySuppressed)
	same(t, "mails", u.Invitation.Sends, 0)
	same(t, "status", u.Status, user.Requested)
	same(t, "asked", tn.asked(), 0)
	d.follow(u) // the link stays, for the admin to share
}

func TestAScheduledMailWaitsForAPauseToEnd(t *testing.T) {
	d := newDeployment(t)
	d.Limits = daily(1)
	tn := d.found(workspace.Patch{})
	tn.invite("first@corp.com")
	waiting := tn.invite("waiting@corp.com")
	tn.patch(workspace.Patch{Paused: is(true)})
	d.tomorrow()
	tn.fall()
	same(t, "while paused", tn.load(waiting.ID).Invitation.Delivery, user.DeliveryScheduled)
	same(t, "asked", tn.asked(), 0)
	tn.patch(workspace.Patch{Paused: is(false)})
	d.tomorrow()
	changes, _ := tn.fall()
	same(t, "afterwards", changes[waiting.ID], user.MailDue)
}

func TestAReminderIsAskedForOnce(t *testing.T) {
	d := newDeployment(t)
	tn := d.found(workspace.Patch{ReminderDays: is(2)})
	u := tn.invite("john@corp.com")
	d.pass(5 * day)
	changes, _ := tn.fall()
	same(t, "two days ahead of the end", changes[u.ID], user.UserReminded)
	same(t, "asked", tn.asked(), 1)
	changes, _ = tn.fall()
	same(t, "another run", len(changes), 0)
	same(t, "end", tn.load(u.ID).Invitation.ExpiresAt, t0.Add(7*day))
}

func TestAReminderOverTheLimitIsMovedUnlessItWouldComeTooLate(t *testing.T) {
	d := newDeployment(t)
	d.Limits = daily(1)
	tn := d.found(workspace.Patch{ReminderDays: is(2)})
	u := tn.invite("john@corp.com")
	use := func(email string) { // up today's limit
		p := person(email)
		p.Days = 1
		_, err := tn.tryInvite(p, invitation.Call{})
		d.check("invite", err)
	}
	d.pass(5 * day)
	use("one@corp.com")
	tn.fall()
	same(t, "moved to", tn.load(u.ID).Invitation.ReminderAt, user.Tomorrow(d.now))
	d.pass(day)
	use("two@corp.com")
	tn.fall()
	same(t, "moved once more to", tn.load(u.ID).Invitation.ReminderAt, user.Tomorrow(d.now))
	d.tomorrow() // the invitation's last day
	use("three@corp.com")
	changes, _ := tn.fall()
	same(t, "dropped", tn.load(u.ID).Invitation.ReminderAt, time.Time{})
	same(t, "reminded", changes[u.ID], "")
	d.now = t0.Add(7 * day)
	changes, _ = tn.fall()
	same(t, "the end", changes[u.ID], user.UserExpired)
}

func TestNobodyIsRemindedWhoseMailBounced(t *testing.T) {
	d := newDeployment(t)
	tn := d.found(workspace.Patch{ReminderDays: is(2)})
	u := tn.invite("john@corp.com")
	d.learn(u, bounce)
	d.pass(5 * day)
	changes, _ := tn.fall()
	same(t, "reminded", len(changes), 0)
	same(t, "asked", tn.asked(), 0)
	same(t, "reminder", tn.load(u.ID).Invitation.ReminderAt, time.Time{})
}

func TestAnInvitationExpires(t *testing.T) {
	d := newDeployment(t)
	tn := d.found(workspace.Patch{})
	u, member := tn.invite("john@corp.com"), d.accept(tn.invite("jane@corp.com"))
	d.pass(7*day - time.Millisecond)
	d.follow(u)
	changes, _ := tn.fall()
	same(t, "changes before the end", len(changes), 0)
	d.pass(time.Millisecond)
	_, err := d.Accept(t.Context(), d.follow(u), guest(u.Email), d.now)
	isFault(t, "at the end", err, "status_conflict")
	changes, _ = tn.fall()
	same(t, "the invitation", changes[u.ID], user.UserExpired)
	same(t, "changes", len(changes), 1)
	same(t, "the member", tn.load(member.ID).Status, user.Active)
	same(t, "expired", tn.counts()[user.Expired], 1)
}

// Somebody else was quicker than the schedule.
func TestWhatIsNotDueAnyMoreIsNoFailure(t *testing.T) {
	d := newDeployment(t)
	tn := d.found(workspace.Patch{})
	declined, erased, pending := tn.invite("john@corp.com"), tn.invite("jane@corp.com"), tn.invite("jill@corp.com")
	d.decline(declined)
	tn.erase(d.decline(erased))
	for _, id := range []string{declined.ID, erased.ID, pending.ID, user.IDFor(tn.id, "nobody@corp.com")} {
		d.pass(time.Second)
		what, err := tn.Fall(t.Context(), tn.id, id, d.now)
		d.check("fall", err)
		same(t, "change", what, "")
	}
	what, err := tn.Fall(t.Context(), d.newID(), pending.ID, d.now)
	isFault(t, "in a workspace that is no more", err, "workspace_not_found")
	same(t, "change", what, "")
}

func TestAScheduledMailTakesNoneOfTheDayBefore(t *testing.T) {
	d := newDeployment(t)
	d.Limits = daily(1)
	tn := d.found(workspace.Patch{})
	tn.invite("first@corp.com")
	waiting := tn.invite("waiting@corp.com")
	d.tomorrow()
	tn.invite("today@corp.com") // before the schedule ran
	changes, _ := tn.fall()
	same(t, "today", len(changes), 0)
	d.tomorrow()
	changes, _ = tn.fall()
	same(t, "the next day", changes[waiting.ID], user.MailDue)
	st, err := d.Store.Load(t.Context(), store.Want{Workspace: tn.id, People: []string{"waiting@corp.com"}})
	d.check("load", err)
	same(t, "the mailbox", st.Mailbox("waiting@corp.com").LastMailAt, d.now)
}

func TestAScheduledMailIsDueAtItsInstant(t *testing.T) {
	d := newDeployment(t)
	d.Limits = daily(1)
	tn := d.found(workspace.Patch{})
	tn.invite("first@corp.com")
	waiting := tn.invite("waiting@corp.com")
	d.now = waiting.Invitation.ScheduledFor
	changes, _ := tn.fall()
	same(t, "change", changes[waiting.ID], user.MailDue)
}
