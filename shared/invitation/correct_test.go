package invitation_test

import (
	"encoding/json"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/latchkey/latchkey/shared/invitation"
	"github.com/latchkey/latchkey/shared/user"
	"github.com/latchkey/latchkey/shared/workspace"
)

func correction(email string) invitation.Correction {
	return invitation.NewCorrection(invitation.Correction{Email: email, SendEmail: true})
}

func (tn tenant) tryCorrect(id string, c invitation.Correction, call invitation.Call) (invitation.View, error) {
	tn.t.Helper()
	return tn.CorrectEmail(tn.t.Context(), tn.grant(id, c.Needs(call)), c, call, tn.now)
}

func (tn tenant) correct(u user.User, email string) user.User {
	tn.t.Helper()
	v, err := tn.tryCorrect(u.ID, correction(email), invitation.Call{})
	tn.check("correct the email", err)
	return v.User
}

func TestACorrectedEmailKeepsThePersonAndKillsTheLink(t *testing.T) {
	d := newDeployment(t)
	tn := d.found(workspace.Patch{SeatLimit: is(2)}) // both are taken
	p := person("jon@corp.com")
	p.Metadata = json.RawMessage(`{"k":1}`)
	v, err := tn.tryInvite(p, invitation.Call{})
	d.check("invite", err)
	old := v.User
	d.pass(time.Hour)
	u := tn.correct(old, " John@corp.com ")
	same(t, "email", u.Email, "John@corp.com")
	same(t, "id", u.ID, user.IDFor(tn.id, "john@corp.com"))
	same(t, "mails of the day", tn.asked(), 2)
	same(t, "requested", tn.counts()[user.Requested], 1)
	if tn.exists("jon@corp.com") {
		t.Error("the old record is there")
	}
	_, err = d.Follow(t.Context(), d.token("accept", old), "", d.now)
	has(t, "the old link", err, user.ErrNoInvitation)
	_, err = tn.tryCorrect(old.ID, correction("x@corp.com"), invitation.Call{})
	has(t, "the old id", err, user.ErrNotFound)
	joined := d.accept(tn.load(u.ID))
	same(t, "status", joined.Status, user.Active)
	shown, err := tn.Archive(t.Context(), tn.grant(u.ID), d.now)
	d.check("archive", err)
	same(t, "metadata", string(shown.Metadata), `{"k":1}`)
}

func TestACorrectionIsRefused(t *testing.T) {
	d := newDeployment(t)
	tn := d.found(workspace.Patch{AllowedEmailDomains: &[]string{"corp.com"}})
	u, there := tn.invite("jon@corp.com"), tn.invite("mary@corp.com")
	d.express(tn.invite("out@corp.com"), user.OptOut)
	tn.archive(tn.load(user.IDFor(tn.id, "out@corp.com")))
	tn.erase(tn.load(user.IDFor(tn.id, "out@corp.com")))
	joined := d.accept(tn.invite("joined@corp.com"))
	d.check("a bounce", d.Store.Bounced(t.Context(), user.EmailKey("gone@corp.com"), d.now))
	before := tn.asked()
	for _, c := range []struct{ what, of, email, code string }{
		{"the email of somebody else", u.ID, there.Email, "user_exists"},
		{"their own in another spelling", u.ID, "JON@corp.com", "user_exists"},
		{"who joined", joined.ID, "free@corp.com", "status_conflict"},
		{"nobody", user.IDFor(tn.id, "nobody@corp.com"), "free@corp.com", "user_not_found"},
		{"who opted out", u.ID, "out@corp.com", "recipient_unsubscribed"},
		{"an address that returned mail", u.ID, "gone@corp.com", "recipient_undeliverable"},
		{"another domain", u.ID, "jon@attacker-corp.com", "invalid_request"},
		{"no address", u.ID, "jon", "invalid_request"},
	} {
		_, err := tn.tryCorrect(c.of, correction(c.email), invitation.Call{})
		isFault(t, c.what, err, c.code)
	}
	same(t, "mails of the day", tn.asked(), before)
	same(t, "version", tn.load(u.ID).Version, u.Version)
}

func TestACorrectionOverTheLimitWaits(t *testing.T) {
	d := newDeployment(t)
	d.Limits = daily(2)
	tn := d.found(workspace.Patch{})
	u := tn.invite("jon@corp.com")
	tn.invite("mary@corp.com")
	next := tn.correct(u, "john@corp.com")
	same(t, "delivery", next.Invitation.Delivery, user.DeliveryScheduled)
	same(t, "status", next.Status, user.Requested) // even if the address has an account
}

func TestARepeatedCorrectionIsAnsweredAsTheFirst(t *testing.T) {
	d := newDeployment(t)
	tn := d.found(workspace.Patch{})
	u := tn.invite("jon@corp.com")
	call := invitation.Call{Key: "k", Body: "b"}
	var views [4]invitation.View
	var all sync.WaitGroup
	for i := range views { // all at once: the losers get the winner's answer
		all.Go(func() {
			var err error
			views[i], err = tn.tryCorrect(u.ID, correction("john@corp.com"), call)
			if err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	first := 0
	for _, v := range views {
		first += map[bool]int{false: 1}[v.Replayed]
		same(t, "id", v.User.ID, user.IDFor(tn.id, "john@corp.com"))
		same(t, "generation", v.User.Invitation.Generation, views[0].User.Invitation.Generation)
	}
	same(t, "answered as the first", first, 1)
	same(t, "mails of the day", tn.asked(), 2)
	_, err := tn.tryCorrect(u.ID, correction("john@corp.com"), invitation.Call{Key: "k", Body: "other"})
	has(t, "another body", err, invitation.ErrMismatch)
}

// Under any number of concurrent writes, an email has one record, the counts are
// right, and each refused caller gets the reason.
func TestOneRecordForAnEmailHoweverManyRace(t *testing.T) {
	d := newDeployment(t)
	tn := d.found(workspace.Patch{SeatLimit: is(8)})
	const n = 6
	people := make([]user.User, n)
	for i := range people {
		people[i] = tn.invite(address(i))
	}
	var won sync.Map
	var all sync.WaitGroup
	note := func(who string, err error) {
		if err == nil {
			won.Store(who, true)
			return
		}
		isFault(t, who, err, "user_exists")
	}
	for i, u := range people {
		all.Go(func() {
			_, err := tn.tryCorrect(u.ID, correction("target@corp.com"), invitation.Call{})
			note(fmt.Sprint(i), err)
		})
	}
	all.Go(func() {
		_, err := tn.tryInvite(person("target@corp.com"), invitation.Call{})
		note("invite", err)
	})
	all.Wait()
	winners, invitedOne := 0, 0
	won.Range(func(who, _ any) bool {
		winners++
		if who == "invite" {
			invitedOne = 1
		}
		return true
	})
	same(t, "winners", winners, 1)
	gone := 0
	for _, u := range people {
		if !tn.exists(u.Email) {
			gone++
		}
	}
	same(t, "people who moved", gone, 1-invitedOne)
	same(t, "requested", tn.counts()[user.Requested], n+invitedOne)
}

// If a person accepts while an admin corrects their email, exactly one succeeds.
func TestAcceptingRacesWithACorrection(t *testing.T) {
	d := newDeployment(t)
	tn := d.found(workspace.Patch{})
	for i := range 6 {
		u := tn.invite(address(i))
		o := d.follow(u)
		email := fmt.Sprintf("new-%d@corp.com", i)
		var accepted, corrected error
		var both sync.WaitGroup
		both.Go(func() { _, accepted = d.Accept(t.Context(), o, guest(u.Email), d.now) })
		both.Go(func() { _, corrected = tn.tryCorrect(u.ID, correction(email), invitation.Call{}) })
		both.Wait()
		switch {
		case accepted == nil:
			isFault(t, "the correction", corrected, "status_conflict")
			same(t, "who joined is there", tn.exists(u.Email) && !tn.exists(email), true)
		default:
			has(t, "the acceptance", accepted, user.ErrNoInvitation)
			d.check("the correction", corrected)
			same(t, "who moved is there", !tn.exists(u.Email) && tn.exists(email), true)
		}
	}
}

// A wrong address may turn out to have been right.
func TestAnEmailIsCorrectedBack(t *testing.T) {
	d := newDeployment(t)
	tn := d.found(workspace.Patch{})
	first := tn.invite("jon@corp.com")
	d.pass(time.Hour)
	second := tn.correct(first, "john@corp.com")
	d.pass(time.Hour)
	back := tn.correct(second, "jon@corp.com")
	same(t, "id", back.ID, first.ID)
	if back.Version <= first.Version || back.Invitation.Generation <= second.Invitation.Generation {
		t.Errorf("version %d after %d, generation %d after %d", back.Version, first.Version, back.Invitation.Generation, second.Invitation.Generation)
	}
	for _, dead := range []user.User{first, second} {
		_, err := d.Follow(t.Context(), d.token("accept", dead), "", d.now)
		has(t, "an old link", err, user.ErrNoInvitation)
	}
	d.accept(back)
}
