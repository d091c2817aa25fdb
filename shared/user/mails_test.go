package user_test

import (
	"errors"
	"reflect"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/latchkey/latchkey/shared/fault"
	"github.com/latchkey/latchkey/shared/user"
)

// Rule 15 of the pitfalls: one mail a minute and five a UTC day to one address,
// whatever became of them. Next is the first instant that keeps to both.
func TestAMailboxTakesOneMailAMinuteAndFiveADay(t *testing.T) {
	midnight := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	gaps := rapid.OneOf(
		rapid.Int64Range(0, int64(2*time.Minute)),
		rapid.Int64Range(0, int64(8*time.Hour)),
		rapid.SampledFrom([]int64{0, int64(time.Minute), int64(time.Minute - time.Millisecond), int64(day)}),
	)
	rapid.Check(t, func(t *rapid.T) {
		var box user.Mailbox
		var model mailed
		now := midnight.Add(time.Duration(rapid.Int64Range(0, int64(day)).Draw(t, "start"))).Truncate(time.Millisecond)
		for range rapid.IntRange(1, 30).Draw(t, "mails") {
			now = now.Add(time.Duration(gaps.Draw(t, "gap")).Truncate(time.Millisecond))
			// A clock elsewhere makes no difference to a day of UTC.
			elsewhere := now.In(time.FixedZone("", 11*3600))
			next := box.Next(elsewhere)
			if !next.Equal(model.next(now)) {
				t.Fatalf("after %v it is mailed at %v, not %v", model, next, model.next(now))
			}
			if !box.Next(next).Equal(next) {
				t.Fatalf("at %v the wait begins anew: %v", next, box.Next(next))
			}
			before := box
			now = next.UTC()
			box = box.Counted(next)
			model = append(model, now)
			if box.Version <= before.Version || box.Version < int(now.UnixMilli()) {
				t.Fatalf("version %d after %d", box.Version, before.Version)
			}
		}
	})
}

// A bounce is kept until an admin confirms the address; a count for two days.
func TestAMailboxIsKeptAsLongAsItMatters(t *testing.T) {
	box := user.Mailbox{}.Counted(t0)
	if until := box.RetainUntil(); until.Before(t0.Add(day + time.Minute)) {
		t.Errorf("a count is kept until %v", until)
	}
	bounced := box.Bounced(t0.Add(time.Hour))
	if !bounced.RetainUntil().IsZero() || bounced.Mails != 1 || bounced.Version <= box.Version {
		t.Errorf("%+v", bounced)
	}
	if counted := bounced.Counted(t0.Add(2 * time.Hour)); counted.BouncedAt.IsZero() {
		t.Error("another mail hides the bounce")
	}
	confirmed := bounced.Confirmed(t0.Add(2 * time.Hour))
	if !confirmed.BouncedAt.IsZero() || confirmed.Version <= bounced.Version || confirmed.Mails != 1 {
		t.Errorf("%+v", confirmed)
	}
	if same := confirmed.Confirmed(t0.Add(3 * time.Hour)); same != confirmed {
		t.Errorf("a confirmation of nothing made %+v", same)
	}
}

// What a person says about mail holds until they take it back themselves; the
// reason that is theirs comes before what a mail provider said.
func TestAWishHoldsUntilThePersonTakesItBack(t *testing.T) {
	stops := map[user.Wish]error{user.OptOut: user.ErrOptedOut, user.Complain: user.ErrComplained, user.Report: user.ErrReported}
	for wish, want := range stops {
		u := invited(t0, true).Express(stamp(t0.Add(time.Hour)), wish)
		if err := u.MayBeMailed(true); !errors.Is(err, want) {
			t.Errorf("%d: a confirmed address is mailed: %v", wish, err)
		}
		if !u.Invitation.ReminderAt.IsZero() {
			t.Errorf("%d: a reminder is still due", wish)
		}
		if same := u.Express(stamp(t0.Add(2*time.Hour)), wish); !reflect.DeepEqual(same, u) {
			t.Errorf("%d: said twice it changed %+v", wish, same)
		}
		how := again
		how.Confirmed = true
		if _, err := u.Resend(stamp(t0.Add(2*time.Hour)), how); !errors.Is(err, want) {
			t.Errorf("%d: resend: %v", wish, err)
		}
		archived := must(u.Archive(stamp(t0.Add(2 * time.Hour))))
		if _, err := archived.Restore(stamp(t0.Add(3*time.Hour)), false, how); !errors.Is(err, want) {
			t.Errorf("%d: restore: %v", wish, err)
		}
		if _, err := user.New(stamp(t0.Add(3*time.Hour)), "ws_1", john, how, user.Erased{}, user.Mailbox{}, u.Recipient); !errors.Is(err, want) {
			t.Errorf("%d: inviting anew: %v", wish, err)
		}
		quiet := how
		quiet.SendEmail = false
		resent, err := u.Resend(stamp(t0.Add(2*time.Hour)), quiet)
		if err != nil || resent.Recipient != u.Recipient || resent.Invitation.Delivery != user.DeliveryNone {
			t.Errorf("%d: resend without a mail: %+v, %v", wish, resent, err)
		}
		back := u.Express(stamp(t0.Add(4*time.Hour)), user.OptIn)
		if back.Recipient.Wishes() || back.MayBeMailed(false) != nil {
			t.Errorf("%d: taken back: %+v", wish, back.Recipient)
		}
	}
}

// Access is theirs in any case: a wish about mail stops only the mail.
func TestAWishAboutMailDoesNotStopAccess(t *testing.T) {
	u := invited(t0, true)
	u = must(u.Accept(stamp(t0.Add(time.Second)), byLink(u), guest, inviter)).Express(stamp(t0.Add(time.Minute)), user.OptOut)
	u = must(u.Archive(stamp(t0.Add(time.Hour))))
	back, err := u.Restore(stamp(t0.Add(2*time.Hour)), false, again)
	if err != nil || back.Status != user.Active || back.Invitation.SendEmail || back.Mailbox != u.Mailbox {
		t.Errorf("%+v, %v", back, err)
	}
}

// Only the instruction to mail a returned address again lifts a bounce.
func TestABounceStopsMailUntilAnAdminConfirmsTheAddress(t *testing.T) {
	u := invited(t0, true)
	u.Mailbox = u.Mailbox.Bounced(t0.Add(time.Second))
	// Within the minute, the more useful answer comes first.
	if _, err := u.Resend(stamp(t0.Add(2*time.Second)), again); fault.Code(err) != "recipient_undeliverable" {
		t.Errorf("within a minute: %v", err)
	}
	opted := u.Express(stamp(t0.Add(2*time.Second)), user.OptOut)
	if _, err := opted.Resend(stamp(t0.Add(3*time.Second)), again); fault.Code(err) != "recipient_unsubscribed" {
		t.Errorf("opted out, within a minute: %v", err)
	}
	how := again
	how.SendEmail = false
	quiet := must(u.Resend(stamp(t0.Add(time.Minute)), how))
	if quiet.Mailbox != u.Mailbox {
		t.Errorf("a link without a mail made %+v", quiet.Mailbox)
	}
	how = again
	how.Confirmed = true
	sent := must(u.Resend(stamp(t0.Add(time.Minute)), how))
	if !sent.Mailbox.BouncedAt.IsZero() || sent.Invitation.Delivery != user.DeliveryQueued {
		t.Errorf("confirmed: %+v, %s", sent.Mailbox, sent.Invitation.Delivery)
	}
}

func TestASecondMailWithinAMinuteNamesTheWait(t *testing.T) {
	u := invited(t0, true)
	for after, want := range map[time.Duration]time.Duration{
		0: time.Minute, time.Millisecond: time.Minute - time.Millisecond, time.Minute - time.Millisecond: time.Millisecond, time.Minute: 0,
	} {
		_, err := u.Resend(stamp(t0.Add(after)), again)
		var f *fault.Error
		switch {
		case want == 0 && err != nil:
			t.Errorf("after %v: %v", after, err)
		case want > 0 && (!errors.As(err, &f) || f.Kind != fault.Limited || f.Code != "mail_limit_recipient_minute" || f.RetryAfter != want):
			t.Errorf("after %v: %+v, want a wait of %v", after, err, want)
		}
	}
}

// A scheduled mail carries its invitation along: it lasts from the moment that
// the mail leaves.
func TestAnInvitationLastsFromTheMomentItsMailLeaves(t *testing.T) {
	how := again
	how.MailAt = user.Tomorrow(t0)
	u := must(user.New(stamp(t0), "ws_1", john, how, user.Erased{}, user.Mailbox{}, user.Recipient{}))
	if u.Invitation.Sends != 0 || u.Mailbox != (user.Mailbox{}) || !u.Invitation.ExpiresAt.Equal(how.MailAt.Add(week)) {
		t.Fatalf("scheduled: %+v", u)
	}
	if _, err := u.Release(stamp(how.MailAt.Add(-time.Millisecond)), how.MailAt); fault.Code(err) != "status_conflict" {
		t.Errorf("before its time: %v", err)
	}
	// The limits are used up once more: it moves, which is no news.
	moved := must(u.Release(stamp(how.MailAt), how.MailAt.Add(day)))
	if moved.Last.ID != u.Last.ID || moved.Version != u.Version+1 || !moved.Invitation.ScheduledFor.Equal(how.MailAt.Add(day)) ||
		!moved.Invitation.ExpiresAt.Equal(how.MailAt.Add(day+week)) {
		t.Errorf("moved: %+v", moved)
	}
	at := how.MailAt.Add(day + time.Hour)
	left := must(moved.Release(stamp(at), at))
	i := left.Invitation
	if left.Last.Type != user.MailDue || i.Delivery != user.DeliveryQueued || !i.ScheduledFor.IsZero() || i.Sends != 1 || left.Mailbox.Mails != 1 ||
		!i.ExpiresAt.Equal(at.Add(week)) || !i.ReminderAt.Equal(i.ExpiresAt.Add(-day)) || !i.SentAt.Equal(at) {
		t.Errorf("left: %+v", left)
	}
	if _, err := left.Release(stamp(at), at); fault.Code(err) != "status_conflict" {
		t.Errorf("a second time: %v", err)
	}
}

// A reminder that the limits hold back moves, unless it would come after the
// end; one to somebody who is not to be mailed is dropped.
func TestAReminderMovesOrIsDropped(t *testing.T) {
	u := invited(t0, true)
	due, end := u.Invitation.ReminderAt, u.Invitation.ExpiresAt
	bounced := u
	bounced.Mailbox = bounced.Mailbox.Bounced(t0)
	for _, c := range []struct {
		name string
		u    user.User
		at   time.Time
		next time.Time // of the reminder
		sent bool
	}{
		{"at once", u, due, time.Time{}, true},
		{"later", u, due.Add(time.Hour), due.Add(time.Hour), false},
		{"at the end", u, end, time.Time{}, false},
		{"after the end", u, end.Add(time.Hour), time.Time{}, false},
		{"to a returned address", bounced, due, time.Time{}, false},
	} {
		got, err := c.u.Remind(stamp(due), c.at)
		if err != nil || !got.Invitation.ReminderAt.Equal(c.next) || got.Version != c.u.Version+1 {
			t.Errorf("%s: %+v, %v", c.name, got.Invitation, err)
		}
		if sent := got.Last.Type == user.UserReminded; sent != c.sent || sent != (got.Mailbox != c.u.Mailbox) {
			t.Errorf("%s: %s, %+v", c.name, got.Last.Type, got.Mailbox)
		}
	}
}

// A person who moves on leaves no scheduled mail behind; what the mail service has said
// about one that left stays.
func TestNoMailStaysScheduledForSomebodyWhoMovedOn(t *testing.T) {
	how := again
	how.MailAt = user.Tomorrow(t0)
	u := must(user.New(stamp(t0), "ws_1", john, how, user.Erased{}, user.Mailbox{}, user.Recipient{}))
	at := t0.Add(time.Hour)
	opted := u.Express(stamp(at), user.OptOut)
	for name, c := range map[string]struct {
		next user.User
		want user.Delivery
	}{
		"accepts":  {must(u.Accept(stamp(at), byLink(u), guest, inviter)), user.DeliveryNone},
		"declines": {must(u.Decline(stamp(at), byLink(u))), user.DeliveryNone},
		"expires":  {must(u.Expire(stamp(u.Invitation.ExpiresAt))), user.DeliveryNone},
		"archived": {must(u.Archive(stamp(at))), user.DeliveryNone},
		"opts out": {opted, user.DeliverySuppressed},
		"bounced":  {u.Withhold(stamp(at), user.ErrUndeliverable), user.DeliverySuppressed},
	} {
		i := c.next.Invitation
		if i.Delivery != c.want || !i.ScheduledFor.IsZero() || (c.want == user.DeliverySuppressed) != (i.DeliveryReason != "") {
			t.Errorf("%s: %s %q for %v", name, i.Delivery, i.DeliveryReason, i.ScheduledFor)
		}
	}
	sent := invited(t0, true)
	sent.Invitation.Delivery, sent.Invitation.DeliveryWeight = user.DeliveryDelivered, user.WeightDelivered
	if next := must(sent.Accept(stamp(at), byLink(sent), guest, inviter)); next.Invitation.Delivery != user.DeliveryDelivered {
		t.Errorf("a delivered mail is %s", next.Invitation.Delivery)
	}
}

// A complaint is about the person: it counts whichever mail it is about. Other
// notices are about the newest mail alone.
func TestALateComplaintCountsAndALateNoticeDoesNot(t *testing.T) {
	u := invited(t0, true)
	old := u.Invitation.Generation
	u = must(u.Resend(stamp(t0.Add(time.Hour)), again))
	at := stamp(t0.Add(2 * time.Hour))
	complained := u.Learn(at, old, user.Notice{Delivery: user.DeliveryComplained, Weight: user.WeightComplained})
	if !errors.Is(complained.MayBeMailed(true), user.ErrComplained) || complained.Invitation.Delivery != user.DeliveryQueued || !complained.Invitation.ReminderAt.IsZero() {
		t.Errorf("%+v", complained)
	}
	for _, n := range []user.Notice{
		{Delivery: user.DeliveryDelivered, Weight: user.WeightDelivered},
		{Delivery: user.DeliveryBounced, Weight: user.WeightUndeliverable},
	} {
		if got := u.Learn(at, old, n); !reflect.DeepEqual(got, u) {
			t.Errorf("%s of an older mail made %+v", n.Delivery, got)
		}
		got := u.Learn(at, u.Invitation.Generation, n)
		if got.Invitation.Delivery != n.Delivery || got.Version != u.Version+1 {
			t.Errorf("%s of the newest: %+v", n.Delivery, got)
		}
		if twice := got.Learn(at, u.Invitation.Generation, n); !reflect.DeepEqual(twice, got) {
			t.Errorf("%s twice: %+v", n.Delivery, twice)
		}
	}
}

// Numbers of one id never come again, however fast they were used up.
func TestNoGenerationOrVersionComesTwiceEvenAfterErasure(t *testing.T) {
	u := invited(t0, true)
	how := again
	how.SendEmail = false
	now := t0
	used := map[int]bool{u.Invitation.Generation: true}
	for range 150 { // within one second
		now = now.Add(time.Millisecond)
		u = must(u.Resend(stamp(now), how))
		if used[u.Invitation.Generation] {
			t.Fatalf("generation %d comes twice", u.Invitation.Generation)
		}
		used[u.Invitation.Generation] = true
	}
	gone, err := must(u.Archive(stamp(now))).Erase(stamp(now))
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		at     time.Time
		before user.Erased
	}{
		"at once":               {now.Add(time.Millisecond), gone},
		"when nothing is left":  {gone.RetainUntil(), user.Erased{}},
		"just before that time": {gone.RetainUntil().Add(-time.Millisecond), gone},
	} {
		anew := must(user.New(stamp(c.at), "ws_1", john, how, c.before, user.Mailbox{}, user.Recipient{}))
		if used[anew.Invitation.Generation] || anew.Invitation.Generation < gone.Generation || anew.Version <= gone.Version {
			t.Errorf("%s: generation %d after %d, version %d after %d", name, anew.Invitation.Generation, gone.Generation, anew.Version, gone.Version)
		}
	}
	if gone.RetainUntil().Before(now.Add(day)) {
		t.Errorf("a repeat of the call that created them is recognized until %v", gone.RetainUntil())
	}
}

// Two functions' clocks differ; the changes of a record still stand in order.
func TestChangesStandInOrderWhateverTheClocksSay(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		u := invited(t0, true)
		for range rapid.IntRange(1, 20).Draw(t, "changes") {
			at := t0.Add(time.Duration(rapid.Int64Range(int64(-time.Hour), int64(time.Hour)).Draw(t, "clock"))).Truncate(time.Millisecond)
			name := u.Name + "!"
			next := u.Edit(stamp(at), user.Patch{Name: &name})
			if !next.UpdatedAt.After(u.UpdatedAt) || next.Last.ID <= u.Last.ID || !next.Last.At.Equal(next.UpdatedAt) || next.UpdatedAt.Before(at) {
				t.Fatalf("at %v, %v became %v, and %s %s", at, u.UpdatedAt, next.UpdatedAt, u.Last.ID, next.Last.ID)
			}
			u = next
		}
	})
}

// An invitation reaches no further than the authority of its inviter, opens by
// its newest link alone, and for its own person.
func TestWhoMayAccept(t *testing.T) {
	u := invited(t0, true)
	admin := u
	admin.Role = user.Admin
	byOperator := u
	byOperator.Invitation.InvitedBy = "svc_billing"
	archived := must(u.Archive(stamp(t0)))
	demoted, gone := inviter, inviter
	demoted.Role, gone.Status = user.Builder, user.Archived
	old, own := byLink(u), user.Answer{}
	old.Generation--
	for _, c := range []struct {
		name    string
		u       user.User
		answer  user.Answer
		guest   user.Guest
		inviter user.User
		want    string
	}{
		{"by the link", u, byLink(u), guest, inviter, ""},
		{"from one's own list", u, own, guest, inviter, ""},
		{"by an older link", u, old, guest, inviter, "invitation_not_found"},
		{"archived, by the link", archived, byLink(u), guest, inviter, "invitation_not_found"},
		{"archived, from one's own list", archived, own, guest, inviter, "invitation_not_found"},
		{"an older link of another person", u, old, user.Guest{Subject: "x", Email: "x@corp.com"}, inviter, "invitation_not_found"},
		{"another person", u, byLink(u), user.Guest{Subject: "x", Email: "x@corp.com"}, inviter, "recipient_mismatch"},
		{"an admin, by the link", admin, byLink(admin), guest, inviter, ""},
		{"an admin, from one's own list", admin, own, guest, inviter, "link_required"},
		{"the inviter is demoted", u, byLink(u), guest, demoted, "inviter_not_admin"},
		{"the inviter is archived", u, byLink(u), guest, gone, "inviter_not_admin"},
		{"the inviter is erased", u, byLink(u), guest, user.User{}, "inviter_not_admin"},
		{"a backend invited", byOperator, byLink(u), guest, user.User{}, ""},
	} {
		got, err := c.u.Accept(stamp(t0.Add(time.Hour)), c.answer, c.guest, c.inviter)
		switch {
		case c.want == "" && (err != nil || got.Status != user.Active || got.Subject != guest.Subject || !got.Invitation.ReminderAt.IsZero()):
			t.Errorf("%s: %+v, %v", c.name, got, err)
		case c.want != "" && (fault.Code(err) != c.want || !reflect.DeepEqual(got, c.u)):
			t.Errorf("%s: %v, want %s", c.name, err, c.want)
		}
	}
}

func TestAMaskedEmailShowsOneLetter(t *testing.T) {
	for email, want := range map[string]string{
		"john@corp.com":                 "j***@corp.com",
		"j@corp.com":                    "j***@corp.com",
		"John+secret@corp.com":          "J***@corp.com",
		"john@bücher.example":           "j***@bücher.example",
		"jörg@corp.com":                 "***",
		"öl@corp.com":                   "***",
		"a@b@corp.com":                  "***",
		"john.doe@corp":                 "***",
		"john.doe@corp.com, jane@corp":  "***",
		"john@corp.com <jane@doe.com>":  "***",
		"\u202ejohn@corp.com":           "***",
		"\xffjohn@corp.com":             "***",
		"j\u0308ohn@corp.com":           "***",
		" john@corp.com":                "***",
		"john@corp.com\r\nBcc: x@y.com": "***",
		"@corp.com":                     "***",
		"john@":                         "***",
		"john":                          "***",
		"":                              "***",
	} {
		if got := user.MaskEmail(email); got != want {
			t.Errorf("%q: %q, want %q", email, got, want)
		}
	}
}

// The history of a person continues after an erasure: the next change is later,
// even if the clock that dated the erasure was ahead.
func TestANewInvitationIsLaterThanTheErasureBeforeIt(t *testing.T) {
	ahead := stamp(t0.Add(5 * time.Minute))
	gone, err := must(invited(t0, true).Archive(ahead)).Erase(ahead)
	if err != nil {
		t.Fatal(err)
	}
	u := must(user.New(stamp(t0.Add(time.Minute)), "ws_1", john, again, gone, user.Mailbox{}, user.Recipient{}))
	if !u.Last.At.After(gone.Last.At) || u.Last.ID <= gone.Last.ID {
		t.Errorf("erased at %v (%s), invited at %v (%s)", gone.Last.At, gone.Last.ID, u.Last.At, u.Last.ID)
	}
}
