package invitation_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/latchkey/latchkey/shared/invitation"
	"github.com/latchkey/latchkey/shared/link"
	"github.com/latchkey/latchkey/shared/user"
	"github.com/latchkey/latchkey/shared/workspace"
)

func (d *deployment) own(tn tenant, g user.Guest) (invitation.Open, error) {
	return d.Own(d.t.Context(), tn.id, g)
}

func TestAPersonAcceptsByTheirLink(t *testing.T) {
	d := newDeployment(t)
	tn := d.found(workspace.Patch{})
	u := d.accept(tn.invite("john@corp.com"))
	same(t, "status", u.Status, user.Active)
	same(t, "account", u.Subject, guest(u.Email).Subject)
	stored := tn.load(u.ID)
	same(t, "version", stored.Version, u.Version)
	same(t, "members", tn.counts()[user.Active], 2)
	_, err := d.Accept(t.Context(), d.follow(u), guest(u.Email), d.now)
	isFault(t, "twice", err, "status_conflict")
}

func TestAPersonAcceptsFromTheirOwnList(t *testing.T) {
	d := newDeployment(t)
	tn := d.found(workspace.Patch{})
	tn.invite("john@corp.com")
	o, err := d.own(tn, guest("john@corp.com"))
	d.check("open", err)
	v, err := d.Accept(t.Context(), o, guest("john@corp.com"), d.now)
	d.check("accept", err)
	same(t, "status", v.User.Status, user.Active)
}

// A later reader of the mailbox must not gain a role that manages.
func TestARoleThatManagesTakesTheLink(t *testing.T) {
	d := newDeployment(t)
	tn := d.found(workspace.Patch{})
	p := person("jane@corp.com")
	p.Role = user.Admin
	v, err := tn.tryInvite(p, invitation.Call{})
	d.check("invite", err)
	o, err := d.own(tn, guest("jane@corp.com"))
	d.check("open", err)
	_, err = d.Accept(t.Context(), o, guest("jane@corp.com"), d.now)
	has(t, "from the list", err, user.ErrLinkNeeded)
	same(t, "by the link", d.accept(v.User).Status, user.Active)
	same(t, "admins", tn.workspace().Admins, 2)
}

func TestAWrongAccountWritesNothing(t *testing.T) {
	d := newDeployment(t)
	tn := d.found(workspace.Patch{})
	u := tn.invite("john@corp.com")
	before := d.writes.Load()
	_, err := d.Accept(t.Context(), d.follow(u), guest("jane@corp.com"), d.now)
	isFault(t, "another account", err, "recipient_mismatch")
	if strings.Contains(err.Error(), "john@") {
		t.Errorf("the address is given away: %v", err)
	}
	same(t, "writes", d.writes.Load(), before)
	same(t, "the right account", d.accept(u).Status, user.Active)
}

func TestAnInvitationEndsWithItsInvitersAuthority(t *testing.T) {
	d := newDeployment(t)
	tn := d.found(workspace.Patch{})
	p := person("jane@corp.com")
	p.Role = user.Admin
	v, err := tn.tryInvite(p, invitation.Call{})
	d.check("invite an admin", err)
	jane := d.accept(v.User)
	g := tn.grant("")
	g.Actor = jane.ID
	v, err = tn.Invite(t.Context(), g, person("john@corp.com"), invitation.Call{}, d.now)
	d.check("invite by her", err)
	by, err := d.Inviter(t.Context(), d.follow(v.User))
	d.check("read the inviter", err)
	same(t, "the inviter", by.ID, jane.ID)
	tn.archive(jane)
	_, err = d.Accept(t.Context(), d.follow(v.User), guest("john@corp.com"), d.now)
	has(t, "she is archived", err, user.ErrInviterGone)
	tn.erase(jane)
	_, err = d.Accept(t.Context(), d.follow(v.User), guest("john@corp.com"), d.now)
	has(t, "she is erased", err, user.ErrInviterGone)
}

func TestAnotherAccountsRecordIsHidden(t *testing.T) {
	d := newDeployment(t)
	tn := d.found(workspace.Patch{})
	u := d.accept(tn.invite("john@corp.com"))
	later := user.Guest{Subject: "a later owner of the mailbox", Email: u.Email}
	_, err := d.own(tn, later)
	has(t, "another account's record", err, workspace.ErrNotFound)
	_, err = d.own(tn, guest("stranger@corp.com"))
	has(t, "no record", err, workspace.ErrNotFound)
	_, err = d.own(tn, guest(u.Email))
	d.check("their own", err)
	tn.archive(u)
	_, err = d.own(tn, guest(u.Email))
	has(t, "an archived one", err, workspace.ErrNotFound)
}

func TestDeadLinksAreAllAlike(t *testing.T) {
	d := newDeployment(t)
	tn := d.found(workspace.Patch{})
	u := tn.invite("john@corp.com")
	token := d.token(link.Accept, u)
	stranger := u
	stranger.ID = user.IDFor(tn.id, "stranger@corp.com")
	tn.archive(u)
	for what, text := range map[string]string{
		"archived": token, "forged": token[:len(token)-4] + "AAAA", "nobody's": d.token(link.Accept, stranger), "no token": "x",
		"of another purpose": d.token(link.OptOut, u),
	} {
		_, err := d.Follow(t.Context(), text, u.Email, d.now)
		has(t, what, err, user.ErrNoInvitation)
	}
}

func TestAPersonDeclines(t *testing.T) {
	d := newDeployment(t)
	tn := d.found(workspace.Patch{SeatLimit: is(3)})
	byLink := d.decline(tn.invite("john@corp.com"))
	same(t, "by the link", byLink.Status, user.Declined)
	tn.invite("jane@corp.com")
	o, err := d.own(tn, guest("jane@corp.com"))
	d.check("open", err)
	fromList, err := d.Decline(t.Context(), o, d.now)
	d.check("decline", err)
	same(t, "from the list", fromList.Status, user.Declined)
	_, err = d.Decline(t.Context(), o, d.now)
	isFault(t, "twice", err, "status_conflict")
	_, err = d.Accept(t.Context(), d.follow(byLink), guest("john@corp.com"), d.now)
	isFault(t, "accepting in the end", err, "status_conflict")
	tn.invite("third@corp.com") // the seats are free
	tn.invite("fourth@corp.com")
}

func TestAcceptingTellsTheOtherWorkspacesOfTheAccount(t *testing.T) {
	d := newDeployment(t)
	one, other := d.found(workspace.Patch{}), d.found(workspace.Patch{})
	u, waiting := one.invite("john@corp.com"), other.invite("john@corp.com")
	same(t, "before", other.load(waiting.ID).Status, user.Requested)
	d.accept(u)
	same(t, "after", other.load(waiting.ID).Status, user.Invited)
	same(t, "a third", d.found(workspace.Patch{}).invite("John@corp.com").Status, user.Requested) // its mail waits, so nobody learns
	d.pass(time.Hour)
	same(t, "a fourth", d.found(workspace.Patch{}).invite("John@corp.com").Status, user.Invited)
}

// The account becomes known with the acceptance, and not before: a repeat still
// tells every other workspace.
func TestAFailureBeforeTheAcceptanceLeavesItRepeatable(t *testing.T) {
	d := newDeployment(t)
	one, other := d.found(workspace.Patch{}), d.found(workspace.Patch{})
	u, waiting := one.invite("john@corp.com"), other.invite("john@corp.com")
	o := d.follow(u)
	ctx, cancel := context.WithCancel(t.Context())
	transactions := 0
	d.listen(func(operation, _ string) {
		if operation != "TransactWriteItems" {
			return
		}
		if transactions++; transactions == 2 { // the first tells the other workspace
			cancel()
		}
	})
	if _, err := d.Accept(ctx, o, guest(u.Email), d.now); err == nil {
		t.Fatal("it goes through")
	}
	d.listen(nil)
	same(t, "status", one.load(u.ID).Status, user.Requested)
	same(t, "the other workspace", other.load(waiting.ID).Status, user.Invited)
	d.pass(time.Hour)
	third := d.found(workspace.Patch{}) // invites in between
	late := third.invite("john@corp.com")
	same(t, "a third workspace", late.Status, user.Requested)
	same(t, "the repeat", d.accept(u).Status, user.Active)
	same(t, "the third workspace afterwards", third.load(late.ID).Status, user.Invited)
}

func TestAnAccountThatAppearsTurnsRequestedIntoInvited(t *testing.T) {
	d := newDeployment(t)
	tn := d.found(workspace.Patch{})
	u := tn.invite("john@corp.com")
	for range 2 { // it may be repeated
		_, err := d.AccountAppeared(t.Context(), "JOHN@corp.com", d.now)
		d.check("an account appears", err)
		same(t, "status", tn.load(u.ID).Status, user.Invited)
	}
	same(t, "counts", tn.counts()[user.Requested], 0)
}
