package invitation_test

import (
	"testing"
	"time"

	"github.com/latchkey/latchkey/shared/invitation"
	"github.com/latchkey/latchkey/shared/link"
	"github.com/latchkey/latchkey/shared/store"
	"github.com/latchkey/latchkey/shared/user"
	"github.com/latchkey/latchkey/shared/workspace"
)

// A mail outlives the record. [A10]
func TestAnErasedPersonUnsubscribes(t *testing.T) {
	d := newDeployment(t)
	tn := d.found(workspace.Patch{})
	u := tn.invite("john@corp.com")
	tn.erase(d.decline(u))
	d.express(u, user.OptOut)
	d.pass(2 * day)
	_, err := tn.tryInvite(person("john@corp.com"), invitation.Call{})
	has(t, "invited once more", err, user.ErrOptedOut)
	same(t, "in another workspace", d.found(workspace.Patch{}).invite("john@corp.com").Invitation.Delivery, user.DeliveryQueued)
}

func TestAWishOutlivesErasure(t *testing.T) {
	d := newDeployment(t)
	tn := d.found(workspace.Patch{})
	u := tn.invite("john@corp.com")
	d.express(u, user.OptOut)
	tn.erase(d.decline(u))
	_, err := tn.tryInvite(person("john@corp.com"), invitation.Call{})
	has(t, "invited once more", err, user.ErrOptedOut)
	p := person("john@corp.com")
	p.SendEmail = false
	_, err = tn.tryInvite(p, invitation.Call{})
	d.check("invite without a mail", err)
}

func TestResubscribingTakesEverythingBack(t *testing.T) {
	d := newDeployment(t)
	d.Reports = 10
	tn := d.found(workspace.Patch{})
	known, erased := tn.invite("john@corp.com"), tn.invite("jane@corp.com")
	tn.erase(d.decline(erased))
	d.pass(time.Hour)
	for _, u := range []user.User{known, erased} {
		d.express(u, user.OptOut)
		d.express(u, user.Report)
		d.learn(u, complaint)
		d.express(u, user.OptIn)
	}
	same(t, "wishes", tn.load(known.ID).Recipient, user.Recipient{})
	_, err := tn.resend(known, mailed)
	d.check("resend", err)
	same(t, "invited anew", tn.invite("jane@corp.com").Invitation.Delivery, user.DeliveryQueued)
}

func TestAWishEndsAReminderAndAScheduledMail(t *testing.T) {
	d := newDeployment(t)
	d.Limits = daily(1)
	tn := d.found(workspace.Patch{ReminderDays: is(2)})
	reminded, waiting := tn.invite("john@corp.com"), tn.invite("jane@corp.com")
	d.express(reminded, user.OptOut)
	d.express(waiting, user.OptOut)
	same(t, "the reminder", tn.load(reminded.ID).Invitation.ReminderAt, time.Time{})
	same(t, "the mail that left", tn.load(reminded.ID).Invitation.Delivery, user.DeliveryQueued)
	same(t, "the mail that waited", tn.load(waiting.ID).Invitation.Delivery, user.DeliverySuppressed)
}

func TestReportsPauseOnce(t *testing.T) {
	d := newDeployment(t)
	tn := d.found(workspace.Patch{})
	var users []user.User
	for i := range 4 {
		users = append(users, tn.invite(address(i)))
	}
	tn.erase(d.decline(users[1]))
	for i, c := range []struct {
		by   int
		want bool
	}{{0, false}, {0, false}, {1, true}, {2, false}} { // one person counts once; an erased one counts
		same(t, "report "+address(i), d.express(users[c.by], user.Report), c.want)
	}
	w := tn.workspace()
	if !w.Paused || w.Reports != 3 || w.Last.Actor != user.ActorSchedule {
		t.Errorf("the workspace has %d reports and last changed by %+v", w.Reports, w.Last)
	}
	tn.patch(workspace.Patch{Paused: is(false)})
	same(t, "the first after the pause", d.express(users[3], user.Report), false)
	same(t, "paused", tn.workspace().Paused, false)
}

// The link to accept is shown to admins, who must not speak for the reader of a
// mail; the links that stand in the mail alone must not accept.
func TestALinkServesItsPurposeAlone(t *testing.T) {
	d := newDeployment(t)
	tn := d.found(workspace.Patch{})
	u := tn.invite("john@corp.com")
	for _, asked := range []link.Purpose{link.OptOut, link.Report} {
		for _, made := range []link.Purpose{link.Accept, link.OptOut, link.Report} {
			reader, err := d.Reader(t.Context(), asked, d.token(made, u), d.now)
			if asked == made {
				d.check("its own purpose", err)
				same(t, "reader", reader.UserID, u.ID)
			} else {
				has(t, "another purpose", err, user.ErrNoInvitation)
			}
		}
	}
	gone := u
	gone.WorkspaceID = d.newID()
	_, err := d.Reader(t.Context(), link.OptOut, d.token(link.OptOut, gone), d.now)
	has(t, "a workspace that is no more", err, user.ErrNoInvitation)
}

func TestAnOldMailsReaderIsHeard(t *testing.T) {
	d := newDeployment(t)
	tn := d.found(workspace.Patch{})
	before := tn.invite("john@corp.com")
	d.pass(time.Hour)
	_, err := tn.resend(before, mailed)
	d.check("resend", err)
	d.express(before, user.OptOut)
	d.pass(time.Hour)
	_, err = tn.resend(before, mailed)
	has(t, "resend", err, user.ErrOptedOut)
	founder := tn.load(tn.admin) // whose mail tells of access
	d.express(founder, user.OptOut)
	has(t, "the founder", tn.load(tn.admin).Recipient.RefusesMail(), user.ErrOptedOut)
}

// A mailbox that does not exist does so for everybody. [A4]
func TestABounceIsKnownInEveryWorkspace(t *testing.T) {
	d := newDeployment(t)
	one, other := d.found(workspace.Patch{}), d.found(workspace.Patch{})
	u := one.invite("john@corp.com")
	d.learn(u, bounce)
	same(t, "delivery", one.load(u.ID).Invitation.Delivery, user.DeliveryBounced)
	d.pass(time.Hour)
	_, err := other.tryInvite(person("john@corp.com"), invitation.Call{})
	has(t, "another workspace", err, user.ErrUndeliverable)
	p := person("john@corp.com")
	p.Confirmed = true
	v, err := other.tryInvite(p, invitation.Call{})
	d.check("confirmed", err)
	same(t, "delivery", v.User.Invitation.Delivery, user.DeliveryQueued)
}

func TestAComplaintIsOneWorkspaces(t *testing.T) {
	d := newDeployment(t)
	one, other := d.found(workspace.Patch{}), d.found(workspace.Patch{})
	u := one.invite("john@corp.com")
	d.learn(u, complaint)
	d.pass(time.Hour)
	_, err := one.resend(u, mailed)
	has(t, "its workspace", err, user.ErrComplained)
	same(t, "another", other.invite("john@corp.com").Invitation.Delivery, user.DeliveryQueued)
}

// A late notice speaks of the person or the address, if not of the newest mail.
func TestLateNoticesCount(t *testing.T) {
	d := newDeployment(t)
	tn := d.found(workspace.Patch{})
	complains, bounces := tn.invite("john@corp.com"), tn.invite("jane@corp.com")
	d.pass(time.Hour)
	for _, u := range []user.User{complains, bounces} {
		_, err := tn.resend(u, mailed)
		d.check("resend", err)
	}
	d.learn(complains, complaint)
	d.learn(bounces, bounce)
	same(t, "delivery of the newest mail", tn.load(complains.ID).Invitation.Delivery, user.DeliveryQueued)
	same(t, "delivery of the newest mail", tn.load(bounces.ID).Invitation.Delivery, user.DeliveryQueued)
	d.pass(time.Hour)
	_, err := tn.resend(complains, mailed)
	has(t, "a late complaint", err, user.ErrComplained)
	_, err = tn.resend(bounces, mailed)
	has(t, "a late bounce", err, user.ErrUndeliverable)
}

// It changes nothing of what is left of their record. [A6]
func TestNoticesOfErasedPeopleCount(t *testing.T) {
	d := newDeployment(t)
	tn := d.found(workspace.Patch{})
	complains, bounces := tn.invite("john@corp.com"), tn.invite("jane@corp.com")
	for _, u := range []user.User{complains, bounces} {
		tn.erase(d.decline(u))
	}
	erased := func() user.Erased {
		st, err := d.Store.Load(t.Context(), store.Want{Workspace: tn.id, Users: []string{complains.ID}})
		d.check("load", err)
		return st.Erased[complains.ID]
	}
	before := erased()
	d.learn(complains, complaint)
	d.learn(bounces, bounce)
	d.learn(bounces, user.Notice{Delivery: user.DeliveryDelivered, Weight: user.WeightDelivered})
	same(t, "the last change", erased().Last.ID, before.Last.ID)
	d.pass(2 * day)
	_, err := tn.tryInvite(person("john@corp.com"), invitation.Call{})
	has(t, "who complained", err, user.ErrComplained)
	_, err = tn.tryInvite(person("jane@corp.com"), invitation.Call{})
	has(t, "whose mail bounced", err, user.ErrUndeliverable)
}

func TestANoticeIsOfTheNewestMail(t *testing.T) {
	d := newDeployment(t)
	tn := d.found(workspace.Patch{})
	before := tn.invite("john@corp.com")
	d.pass(time.Hour)
	after, err := tn.resend(before, mailed)
	d.check("resend", err)
	delivered := user.Notice{Delivery: user.DeliveryDelivered, Weight: user.WeightDelivered}
	d.learn(before, delivered)
	same(t, "an older mail's notice", tn.load(after.ID).Invitation.Delivery, user.DeliveryQueued)
	d.learn(after, delivered)
	d.learn(after, user.Notice{Delivery: user.DeliverySent, Weight: user.WeightSent})
	u := tn.load(after.ID)
	same(t, "the newest one's", u.Invitation.Delivery, user.DeliveryDelivered)
	same(t, "version", u.Version, after.Version)
}

// A notice is about a mail that left, which one that waits has not.
func TestANoticeLeavesAScheduledMailAlone(t *testing.T) {
	d := newDeployment(t)
	tn := d.found(workspace.Patch{})
	for email, n := range map[string]user.Notice{
		"john@corp.com": {Delivery: user.DeliveryDelivered, Weight: user.WeightDelivered},
		"jane@corp.com": bounce,
		"jill@corp.com": complaint,
	} {
		u := tn.archive(d.accept(tn.invite(email)))
		d.pass(time.Second)
		u, err := tn.restore(u, mailed) // the mail about access belongs to the same generation
		d.check("restore", err)
		same(t, "delivery", u.Invitation.Delivery, user.DeliveryScheduled)
		d.learn(u, n)
		same(t, email+" afterwards", tn.load(u.ID).Invitation.Delivery, user.DeliveryScheduled)
		d.pass(time.Minute)
		changes, _ := tn.fall()
		want := user.MailDue
		if n.Weight >= user.WeightUndeliverable {
			want = user.DeliveryChanged
		}
		same(t, email+" when it is due", changes[u.ID], want)
		changes, _ = tn.fall()
		same(t, email+": changes of another run", len(changes), 0)
		overdue, err := d.Store.ListDue(t.Context(), d.now)
		d.check("list what is due", err)
		if due, ok, _ := overdue.Next(t.Context()); ok {
			t.Errorf("%s: %+v is due still", email, due)
		}
	}
}

// A double click is one report, even if there is no record to read again.
func TestOnePersonsReportCountsOnceHoweverItRaces(t *testing.T) {
	d := newDeployment(t)
	d.Reports = 10
	tn := d.found(workspace.Patch{})
	known, erased := tn.invite("john@corp.com"), tn.invite("jane@corp.com")
	tn.erase(d.decline(erased))
	for _, u := range []user.User{known, erased} {
		token := d.token(link.Report, u)
		var readers [3]invitation.Mailed // all of them have read before one reports
		for i := range readers {
			var err error
			readers[i], err = d.Reader(t.Context(), link.Report, token, d.now)
			d.check("read the mail", err)
		}
		for i, reader := range readers {
			_, err := d.Express(t.Context(), reader, user.Report, d.now.Add(time.Duration(i)*time.Second))
			d.check("report", err)
		}
	}
	same(t, "reports", tn.workspace().Reports, 2)
}

// An erased person may unsubscribe while they are invited again: neither write sees
// the other, and the wish holds in either order.
func TestAWishHoldsWhoeverWritesFirst(t *testing.T) {
	d := newDeployment(t)
	tn := d.found(workspace.Patch{})
	for i, first := range []string{"the invitation", "the wish"} {
		u := tn.invite(address(i))
		tn.erase(d.decline(u))
		d.pass(time.Hour)
		reader, err := d.Reader(t.Context(), link.OptOut, d.token(link.OptOut, u), d.now)
		d.check("read the mail", err)
		p := person(u.Email)
		g := tn.grant("", invitation.Needs(p, invitation.Call{}))
		invite := func() { _, _ = tn.Invite(t.Context(), g, p, invitation.Call{}, d.now) }
		wish := func() {
			_, err = d.Express(t.Context(), reader, user.OptOut, d.now)
			d.check("unsubscribe", err)
		}
		if i == 0 {
			invite()
			wish()
		} else {
			wish()
			invite()
		}
		d.pass(time.Hour)
		_, err = tn.resend(u, mailed)
		has(t, first+" came first", err, user.ErrOptedOut)
	}
}
