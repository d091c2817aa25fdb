package user_test

import (
	"fmt"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/latchkey/latchkey/shared/fault"
	"github.com/latchkey/latchkey/shared/user"
)

const other = "john.doe@corp.com"

func correct(u user.User, at time.Time, email string) (user.User, user.Erased, error) {
	return u.CorrectEmail(stamp(at), email, again, user.Erased{}, user.Mailbox{}, user.Recipient{})
}

// Only the email of a person who has not joined can be corrected.
func TestWhoseEmailCanBeCorrected(t *testing.T) {
	pending := invited(t0, true)
	active := must(pending.Accept(stamp(t0.Add(time.Hour)), byLink(pending), guest, inviter))
	end := pending.Invitation.ExpiresAt
	for name, c := range map[string]struct {
		of user.User
		at time.Time
		ok bool
	}{
		"requested":            {invited(t0, false), t0.Add(time.Hour), true},
		"invited":              {pending, t0.Add(time.Hour), true},
		"expired by the clock": {pending, end, true},
		"expired":              {must(pending.Expire(stamp(end))), end, true},
		"active":               {active, t0.Add(2 * time.Hour), false},
		"archived":             {must(active.Archive(stamp(t0.Add(2 * time.Hour)))), t0.Add(3 * time.Hour), false},
		"declined":             {must(pending.Decline(stamp(t0), byLink(pending))), t0.Add(time.Hour), false},
	} {
		next, _, err := correct(c.of, c.at, other)
		switch {
		case c.ok && (err != nil || next.Status != user.Requested || next.Email != other):
			t.Errorf("%s: %s at %s, %v", name, next.Status, next.Email, err)
		case !c.ok && (fault.Code(err) != "status_conflict" || !reflect.DeepEqual(next, c.of)):
			t.Errorf("%s: %+v, %v", name, next, err)
		}
	}
}

func TestACorrectedEmailIsANewRecordOfTheSamePerson(t *testing.T) {
	u := invited(t0, true)
	u.Groups, u.SealedMetadata, u.Invitation.Locale, u.Invitation.Message, u.Request = []string{"eu"}, []byte("sealed"), "de", "Hello", "call"
	u.Mailbox.BouncedAt, u.Recipient.OptedOutAt = t0, t0
	now := t0.Add(time.Hour)
	box := user.Mailbox{LastMailAt: t0, Mails: 1, Version: 7}
	// The new email had a user before, who was erased, with links and versions of their own.
	before := user.Erased{Generation: u.Invitation.Generation + 10_000, Version: u.Version + 100_000_000}
	next, left, err := u.CorrectEmail(stamp(now), other, again, before, box, user.Recipient{})
	if err != nil {
		t.Fatal(err)
	}
	i := next.Invitation
	switch {
	case next.ID != user.IDFor("ws_1", other), next.Name != u.Name, next.Role != u.Role, !slices.Equal(next.Groups, u.Groups), !next.CreatedAt.Equal(u.CreatedAt):
		t.Errorf("the person is %+v", next)
	case i.Locale != "de", i.Message != "Hello", i.Sends != 2, i.Delivery != user.DeliveryQueued, i.MailKind != user.MailInvitation, !i.ExpiresAt.Equal(now.Add(week)):
		t.Errorf("the invitation is %+v", i)
	case next.Mailbox != box.Counted(now), next.Recipient.Wishes(), next.Request != "":
		t.Errorf("the new email brings %+v, %+v, %q", next.Mailbox, next.Recipient, next.Request)
	case i.Generation <= u.Invitation.Generation, i.Generation <= before.Generation, next.Version <= u.Version, next.Version <= before.Version:
		t.Errorf("generation %d and version %d", i.Generation, next.Version)
	case next.Last.Type != user.EmailCorrected, next.Last.From != user.Invited, !slices.Contains(next.Last.Changed, "email"), next.PreviousID() != u.ID:
		t.Errorf("noted as %+v, before %q", next.Last, next.PreviousID())
	case left.ID != u.ID, left.Generation != u.Invitation.Generation, left.Version <= u.Version, left.Request != "call", !reflect.DeepEqual(left.Last, u.Last):
		t.Errorf("left is %+v", left)
	}
	if edited := next.Edit(stamp(now), user.Patch{Role: new(user.Role)}); edited.PreviousID() != "" {
		t.Errorf("an edit is noted with the former id %q", edited.PreviousID())
	}
}

// The new email is what is mailed: what is known of it counts, as on invite.
func TestACorrectedEmailThatTakesNoMailIsRefused(t *testing.T) {
	u := invited(t0, true)
	u.Recipient.OptedOutAt = t0 // by the reader of the wrong address
	bounced := user.Mailbox{}.Bounced(t0)
	for name, c := range map[string]struct {
		in     user.Inviting
		box    user.Mailbox
		wishes user.Recipient
		want   error
	}{
		"nothing known":     {again, user.Mailbox{}, user.Recipient{}, nil},
		"opted out":         {again, user.Mailbox{}, user.Recipient{OptedOutAt: t0}, user.ErrOptedOut},
		"complained":        {again, user.Mailbox{}, user.Recipient{ComplainedAt: t0}, user.ErrComplained},
		"returned mail":     {again, bounced, user.Recipient{}, user.ErrUndeliverable},
		"and is confirmed":  {user.Inviting{SendEmail: true, Confirmed: true, Lasts: week}, bounced, user.Recipient{}, nil},
		"and wants no mail": {user.Inviting{Lasts: week}, bounced, user.Recipient{OptedOutAt: t0}, nil},
	} {
		_, _, err := u.CorrectEmail(stamp(t0.Add(time.Hour)), other, c.in, user.Erased{}, c.box, c.wishes)
		if err != c.want {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestFormerIDs(t *testing.T) {
	u := invited(t0, true)
	first := u.ID
	at := func(i int) time.Time { return t0.Add(time.Duration(i) * time.Hour) }
	u, _, _ = correct(u, at(1), other)
	if back, _, _ := correct(u, at(2), john.Email); back.ID != first || len(back.Former) != 1 || back.Former[0].ID != u.ID {
		t.Errorf("back at the first email: %+v", back.Former)
	}
	for i := range 20 {
		u, _, _ = correct(u, at(3+i), fmt.Sprintf("j%d@corp.com", i))
	}
	if n := len(u.Former); n != 10 || u.Former[9].ID != user.IDFor("ws_1", "j18@corp.com") {
		t.Errorf("%d former ids: %+v", n, u.Former)
	}
}
