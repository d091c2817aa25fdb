package invitation_test

import (
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/latchkey/latchkey/shared/access"
	"github.com/latchkey/latchkey/shared/fault"
	"github.com/latchkey/latchkey/shared/invitation"
	"github.com/latchkey/latchkey/shared/user"
	"github.com/latchkey/latchkey/shared/workspace"
)

func TestInviteCreatesAUserWithALink(t *testing.T) {
	d := newDeployment(t)
	tn := d.found(workspace.Patch{})
	p := invitation.NewPerson(invitation.Person{
		Details:   user.Details{Name: "John Doe", Email: "John@corp.com", Role: user.Builder, Metadata: []byte(`{"team": "blue"}`)},
		SendEmail: true, Days: 3, Locale: "de",
	})
	v, err := tn.tryInvite(p, invitation.Call{})
	d.check("invite", err)
	same(t, "metadata", string(v.Metadata), `{"team":"blue"}`)
	if !strings.HasPrefix(v.URL, "https://api.corp.com/invite/") || v.Replayed {
		t.Errorf("the answer is %+v", v)
	}
	u := tn.load(v.User.ID)
	if strings.Contains(string(u.SealedMetadata), "blue") {
		t.Error("metadata is stored in the clear")
	}
	same(t, "status", u.Status, user.Requested)
	same(t, "delivery", u.Invitation.Delivery, user.DeliveryQueued)
	same(t, "locale", u.Invitation.Locale, "de")
	same(t, "inviter", u.Invitation.InvitedBy, tn.admin)
	same(t, "end", u.Invitation.ExpiresAt, t0.Add(3*day))
	same(t, "asked", tn.asked(), 1)
}

func TestInviteKnowsAnAccount(t *testing.T) {
	d := newDeployment(t)
	tn := d.found(workspace.Patch{})
	d.check("note an account", d.Store.InsertAccount(t.Context(), "jane@corp.com", d.now))
	same(t, "with an account", tn.invite("Jane@corp.com").Status, user.Invited)
	same(t, "without one", tn.invite("john@corp.com").Status, user.Requested)
}

func TestInviteLeavesAKnownPersonAlone(t *testing.T) {
	d := newDeployment(t)
	tn := d.found(workspace.Patch{})
	before := tn.invite("john@corp.com")
	d.pass(time.Hour)
	_, err := tn.tryInvite(person("JOHN@corp.com"), invitation.Call{})
	isFault(t, "again", err, "user_exists")
	var f *fault.Error
	if errors.As(err, &f) && (f.User == nil || f.User.ID != before.ID) {
		t.Errorf("the fault names %+v", f.User)
	}
	same(t, "version", tn.load(before.ID).Version, before.Version)
	same(t, "asked", tn.asked(), 1)
}

func TestInviteNeedsASeat(t *testing.T) {
	d := newDeployment(t)
	tn := d.found(workspace.Patch{SeatLimit: is(2)})
	tn.invite("john@corp.com")
	_, err := tn.tryInvite(person("jane@corp.com"), invitation.Call{})
	isFault(t, "without a seat", err, workspace.ErrSeatLimit.Code)
	if tn.exists("jane@corp.com") {
		t.Error("the person exists")
	}
}

func TestInviteNamesEveryWrongFieldAtOnce(t *testing.T) {
	d := newDeployment(t)
	tn := d.found(workspace.Patch{AllowedEmailDomains: &[]string{"corp.com"}})
	p := invitation.NewPerson(invitation.Person{
		Details: user.Details{Name: "", Email: "john@other.com", Role: "king", Groups: []string{"nobody", "No Group"}},
		Message: "Hello", Locale: "xx-not-a-locale", Days: 31, SendEmail: true,
	})
	before := d.writes.Load()
	_, err := tn.tryInvite(p, invitation.Call{})
	var f *fault.Error
	if !errors.As(err, &f) || f.Code != fault.CodeInvalid {
		t.Fatalf("%v", err)
	}
	var got []string
	for _, field := range f.Fields {
		got = append(got, field.Pointer)
	}
	slices.Sort(got)
	want := []string{"/email", "/expiresInDays", "/groups/0", "/groups/1", "/locale", "/message", "/name", "/role"}
	if !slices.Equal(got, want) {
		t.Errorf("wrong are %v, want %v", got, want)
	}
	same(t, "writes", d.writes.Load(), before)
}

func TestNobodyIsInvitedWhilePaused(t *testing.T) {
	d := newDeployment(t)
	tn := d.found(workspace.Patch{Paused: is(true)})
	_, err := tn.tryInvite(person("john@corp.com"), invitation.Call{})
	has(t, "one", err, workspace.ErrPaused)
	_, err = tn.InviteAll(t.Context(), tn.grant(""), people(2), invitation.Call{}, false, d.now)
	has(t, "many", err, workspace.ErrPaused)
}

func TestARepeatedInviteIsAnsweredAsTheFirst(t *testing.T) {
	d := newDeployment(t)
	tn := d.found(workspace.Patch{})
	call := invitation.Call{Key: "key", Body: "body"}
	first, err := tn.tryInvite(person("john@corp.com"), call)
	d.check("invite", err)
	repeat := func(what string) {
		t.Helper()
		v, err := tn.tryInvite(person("john@corp.com"), call)
		d.check(what, err)
		if !v.Replayed || v.URL != first.URL || v.User.Version != first.User.Version || v.User.Status != user.Requested {
			t.Errorf("%s: %+v, want %+v", what, v, first)
		}
	}
	repeat("at once")
	d.pass(time.Hour)
	u := d.accept(first.User)
	repeat("after the person accepted")
	tn.archive(u)
	tn.erase(u)
	repeat("after they were erased")
	if tn.exists("john@corp.com") {
		t.Error("the erased person is back")
	}
	_, err = tn.tryInvite(person("john@corp.com"), invitation.Call{Key: "key", Body: "another"})
	has(t, "another body", err, invitation.ErrMismatch)
}

func TestAnIdempotencyKeyIsAnotherCallAfterADay(t *testing.T) {
	d := newDeployment(t)
	tn := d.found(workspace.Patch{})
	one, err := tn.tryInvite(person("john@corp.com"), invitation.Call{Key: "key", Body: "body"})
	d.check("invite", err)
	d.pass(day)
	two, err := tn.tryInvite(person("jane@corp.com"), invitation.Call{Key: "key", Body: "another"})
	d.check("invite with the old key", err)
	if two.Replayed || two.User.ID == one.User.ID {
		t.Errorf("the answer is %+v", two)
	}
	tn.inviteAll(people(1), invitation.Call{Key: "batch", Body: "body"})
	d.pass(day)
	outcomes := tn.inviteAll(people(2), invitation.Call{Key: "batch", Body: "another"})
	same(t, "yesterday's", outcomes[0].Kind, invitation.Exists)
	same(t, "today's", outcomes[1].Kind, invitation.Created)
}

// Both tries of a call are read before either writes, and one seat is left.
func TestTwoTriesOfOneCallShareTheLastSeat(t *testing.T) {
	d := newDeployment(t)
	call := invitation.Call{Key: "key", Body: "body"}
	for round := range 4 {
		tn := d.found(workspace.Patch{SeatLimit: is(2)})
		p := person(address(round))
		grants := [2]access.Grant{tn.grant("", invitation.Needs(p, call)), tn.grant("", invitation.Needs(p, call))}
		var views [2]invitation.View
		var errs [2]error
		var tries sync.WaitGroup
		for i, g := range grants {
			try := func() { views[i], errs[i] = tn.Invite(t.Context(), g, p, call, d.now) }
			if round%2 == 0 {
				tries.Go(try) // at once
			} else {
				try() // the second on what it read before the first
			}
		}
		tries.Wait()
		d.check("the first try", errs[0])
		d.check("the second try", errs[1])
		if views[0].URL == "" || views[0].URL != views[1].URL || views[0].Replayed == views[1].Replayed {
			t.Errorf("the tries are answered %+v and %+v", views[0], views[1])
		}
		same(t, "invited", tn.counts()[user.Requested], 1)
		same(t, "asked", tn.asked(), 1)
	}
}

// The person is read after the first try wrote them, the answer before.
func TestATryFindsTheAnswerThatCameLate(t *testing.T) {
	d := newDeployment(t)
	tn := d.found(workspace.Patch{})
	call := invitation.Call{Key: "key", Body: "body"}
	p := person("john@corp.com")
	needs := invitation.Needs(p, call)
	needs.People = nil
	early := tn.grant("", needs)
	first, err := tn.tryInvite(p, call)
	d.check("the first try", err)
	second, err := tn.Invite(t.Context(), early, p, call, d.now)
	d.check("the second try", err)
	if !second.Replayed || second.URL != first.URL {
		t.Errorf("it is answered %+v", second)
	}
}

// Otherwise a workspace of one's own would tell who has an account. [E6]
func TestOverTheLimitNobodyLearnsOfAccounts(t *testing.T) {
	d := newDeployment(t)
	d.Limits = daily(1)
	for i, sendEmail := range []bool{true, false} {
		tn := d.found(workspace.Patch{})
		var row [3]invitation.Person
		for j := range row {
			email := address(10*i + j) // the mailboxes of two workspaces are the same
			row[j] = person(email)
			row[j].SendEmail = sendEmail
			d.check("note an account", d.Store.InsertAccount(t.Context(), email, d.now))
		}
		outcomes := tn.inviteAll(row[:2], invitation.Call{})
		single, err := tn.tryInvite(row[2], invitation.Call{})
		d.check("invite", err)
		same(t, "the first", outcomes[0].User.Status, user.Invited)
		same(t, "the second", outcomes[1].User.Status, user.Requested)
		same(t, "the third", single.User.Status, user.Requested)
	}
}
