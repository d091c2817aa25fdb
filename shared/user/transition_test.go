package user_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/latchkey/latchkey/shared/fault"
	"github.com/latchkey/latchkey/shared/id"
	"github.com/latchkey/latchkey/shared/user"
)

var t0 = time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)

const (
	week = 7 * day
	day  = 24 * time.Hour
)

// stamp is a change by an admin; of two at one instant the later sorts behind.
func stamp(at time.Time) user.Stamp {
	stamps++
	random := binary.BigEndian.AppendUint64(make([]byte, 2), stamps)
	event, err := id.Ordered("evt_", at, bytes.NewReader(random))
	if err != nil {
		panic(err)
	}
	return user.Stamp{ID: event, Actor: "usr_admin", At: at}
}

var stamps uint64

var (
	john = user.Details{Name: "John Doe", Email: "john@corp.com", Role: user.Builder}
	// guest is john, signed in.
	guest = user.Guest{Subject: "sub-john", Email: "John@Corp.com"}
	// byLink is the answer by a link of the newest generation.
	byLink = func(u user.User) user.Answer {
		return user.Answer{Generation: u.Invitation.Generation, ByLink: true}
	}
	inviter = user.User{ID: "usr_admin", WorkspaceID: "ws_1", Role: user.Admin, Status: user.Active, Subject: "sub-admin"}
	again   = user.Inviting{SendEmail: true, Lasts: week, RemindFor: day}
)

func invited(at time.Time, hasAccount bool) user.User {
	how := again
	how.HasAccount = hasAccount
	return must(user.New(stamp(at), "ws_1", john, how, user.Erased{}, user.Mailbox{}, user.Recipient{}))
}

func must(u user.User, err error) user.User {
	if err != nil {
		panic(err)
	}
	return u
}

// operation is one thing that can happen to a user.
type operation string

const (
	accountAppears operation = "account appears"
	accept         operation = "accept"
	decline        operation = "decline"
	expire         operation = "expire"
	remind         operation = "remind"
	release        operation = "release"
	resend         operation = "resend"
	resendAccount  operation = "resend, has an account"
	resendQuietly  operation = "resend without a mail"
	archive        operation = "archive"
	restore        operation = "restore"
	reinvite       operation = "restore with reinvite"
	edit           operation = "edit"
	erase          operation = "erase"
)

var operations = []operation{
	accountAppears, accept, decline, expire, remind, release, release, resend, resendAccount, resendQuietly, archive, restore, reinvite, edit, erase,
}

// apply makes an operation whose mail may leave at mailAt; what is left of an
// erased user is in the second result.
func apply(u user.User, op operation, at, mailAt time.Time) (user.User, user.Erased, error) {
	s := stamp(at)
	how := again
	how.MailAt = mailAt
	var err error
	next := u
	switch op {
	case accountAppears:
		next = u.AccountAppeared(s)
	case accept:
		next, err = u.Accept(s, byLink(u), guest, inviter)
	case decline:
		next, err = u.Decline(s, byLink(u))
	case expire:
		next, err = u.Expire(s)
	case remind:
		next, err = u.Remind(s, mailAt)
	case release:
		next, err = u.Release(s, mailAt)
	case resend:
		next, err = u.Resend(s, how)
	case resendAccount:
		how.HasAccount = true
		next, err = u.Resend(s, how)
	case resendQuietly:
		how.SendEmail = false
		next, err = u.Resend(s, how)
	case archive:
		next, err = u.Archive(s)
	case restore:
		next, err = u.Restore(s, false, how)
	case reinvite:
		next, err = u.Restore(s, true, how)
	case edit:
		name := u.Name + "!"
		next = u.Edit(s, user.Patch{Name: &name})
	case erase:
		var left user.Erased
		left, err = u.Erase(s)
		return u, left, err
	}
	return next, user.Erased{}, err
}

// allowed is the table of the design, written out: what comes of an operation
// on a user who is seen as having a status. Everything else is refused.
func allowed(u user.User, seen user.Status, op operation, now time.Time) (to user.Status, ok bool) {
	wasActive := !u.ActivatedAt.IsZero()
	open := seen.Pending() || seen == user.Expired || seen == user.Declined
	switch op {
	case accountAppears:
		if seen == user.Requested {
			return user.Invited, true
		}
		return u.Status, true
	case accept:
		return user.Active, seen.Pending()
	case decline:
		return user.Declined, seen.Pending()
	case expire:
		return user.Expired, seen == user.Expired && u.Status.Pending()
	case remind:
		due := u.Invitation.ReminderAt
		return u.Status, seen.Pending() && !due.IsZero() && !now.Before(due)
	case release:
		return u.Status, u.Invitation.Delivery == user.DeliveryScheduled && !now.Before(u.Invitation.ScheduledFor)
	case resend, resendQuietly:
		return user.Requested, open
	case resendAccount:
		return user.Invited, open
	case archive:
		return user.Archived, seen != user.Archived
	case restore:
		if wasActive {
			return user.Active, seen == user.Archived
		}
		return user.Requested, seen == user.Archived
	case reinvite:
		return user.Requested, seen == user.Archived
	case edit:
		return u.Status, true
	case erase:
		return "", seen == user.Archived || seen == user.Declined || seen == user.Expired
	}
	return "", false
}

// freshLink is true for what gives a new link.
func freshLink(u user.User, op operation) bool {
	switch op {
	case resend, resendAccount, resendQuietly, reinvite:
		return true
	case restore:
		return u.ActivatedAt.IsZero()
	}
	return false
}

// mailed is the model of a mailbox: every mail that left.
type mailed []time.Time

func (m mailed) tooSoon(now time.Time) bool {
	return len(m) > 0 && now.Sub(m[len(m)-1]) < time.Minute
}

// next is when one more mail may leave.
func (m mailed) next(now time.Time) time.Time {
	today := 0
	for _, at := range m {
		if at.Format(time.DateOnly) == now.Format(time.DateOnly) {
			today++
		}
	}
	next := now
	if today >= 5 {
		next = now.Truncate(day).Add(day)
	}
	if len(m) > 0 && m[len(m)-1].Add(time.Minute).After(next) {
		next = m[len(m)-1].Add(time.Minute)
	}
	return next
}

// life is a user and what the model knows of them.
type life struct {
	u     user.User
	gone  *user.Erased // they were erased
	mails mailed
}

// No sequence of operations, at whatever times, reaches a state that the table
// of transitions forbids, or sends one mail too many; what is refused changes
// nothing; and a mail over a limit waits, and ends with what it was for. Rule 15
// of the pitfalls: no detour leads around the limits.
func TestEverySequenceKeepsToTheTable(t *testing.T) {
	pauses := rapid.OneOf(
		rapid.Int64Range(0, int64(2*time.Minute)),
		rapid.Int64Range(0, int64(6*time.Hour)),
		rapid.Int64Range(0, int64(4*day)),
	)
	rapid.Check(t, func(t *rapid.T) {
		now := t0
		l := life{u: invited(now, rapid.Bool().Draw(t, "has account")), mails: mailed{now}}
		for range rapid.IntRange(1, 40).Draw(t, "length") {
			now = now.Add(time.Duration(pauses.Draw(t, "pause")).Truncate(time.Millisecond))
			mailAt := l.mails.next(now)
			if rapid.IntRange(0, 3).Draw(t, "workspace over its limit") == 0 && mailAt.Before(user.Tomorrow(now)) {
				mailAt = user.Tomorrow(now)
			}
			if l.gone != nil {
				l.inviteAnew(t, now, mailAt)
				continue
			}
			l.operate(t, rapid.SampledFrom(operations).Draw(t, "operation"), now, mailAt)
		}
	})
}

func (l *life) operate(t *rapid.T, op operation, now, mailAt time.Time) {
	u := l.u
	if box := u.Mailbox.Next(now); !box.Equal(l.mails.next(now)) {
		t.Fatalf("the mailbox lets the next mail leave at %v, not %v", box, l.mails.next(now))
	}
	seen := u.StatusAt(now)
	if op == release && seen != u.Status {
		return // the schedule ends what has expired instead
	}
	want, may := allowed(u, seen, op, now)
	code := ""
	switch {
	case !may && seen == user.Archived && (op == accept || op == decline):
		code = "invitation_not_found"
	case !may:
		code = "status_conflict"
	case (op == resend || op == resendAccount) && l.mails.tooSoon(now):
		code = "mail_limit_recipient_minute"
	}
	next, left, err := apply(u, op, now, mailAt)
	if code != "" {
		if fault.Code(err) != code {
			t.Fatalf("%s of a user who is %s: %v, not %s", op, seen, err, code)
		}
		if !reflect.DeepEqual(next, u) {
			t.Fatalf("%s was refused, yet changed the user", op)
		}
		return
	}
	if err != nil {
		t.Fatalf("%s of a user who is %s: %v", op, seen, err)
	}
	if op == erase {
		checkErased(t, u, left, now)
		l.gone = &left
		return
	}
	l.checkMail(t, u, next, op, now, mailAt)
	check(t, u, next, op, want, now)
	l.u = next
}

// checkMail checks what becomes of the mail that an operation calls for.
func (l *life) checkMail(t *rapid.T, before, after user.User, op operation, now, mailAt time.Time) {
	fresh := freshLink(before, op)
	i := after.Invitation
	asks := fresh && op != resendQuietly || op == restore || op == release
	sent := 0
	if after.Mailbox.Version != before.Mailbox.Version && after.Mailbox.LastMailAt.Equal(now) {
		sent = 1
	}
	wants := 0
	if (asks || op == remind) && !mailAt.After(now) {
		wants = 1
	}
	switch {
	case sent != wants:
		t.Fatalf("%s sent %d mails, though the limits let one leave at %v, and it is %v", op, sent, mailAt, now)
	case asks && wants == 1 && (i.Delivery != user.DeliveryQueued || !i.ScheduledFor.IsZero()):
		t.Fatalf("%s: a mail that may leave is %s for %v", op, i.Delivery, i.ScheduledFor)
	case asks && wants == 0 && (i.Delivery != user.DeliveryScheduled || !i.ScheduledFor.Equal(mailAt)):
		t.Fatalf("%s: a mail that may leave at %v is %s for %v", op, mailAt, i.Delivery, i.ScheduledFor)
	case (i.Delivery == user.DeliveryScheduled) == i.ScheduledFor.IsZero():
		t.Fatalf("%s: %s for %v", op, i.Delivery, i.ScheduledFor)
	case i.Delivery == user.DeliveryScheduled && !after.Status.Pending() && i.MailKind != user.MailAccess:
		t.Fatalf("%s: the mail of somebody who is %s stays scheduled", op, after.Status)
	case i.Delivery == user.DeliveryScheduled && after.Status.Pending() && !i.ExpiresAt.After(i.ScheduledFor):
		t.Fatalf("%s: the invitation ends at %v, before its mail leaves", op, i.ExpiresAt)
	case sent == 1 && !after.Mailbox.LastMailAt.Equal(now), sent == 0 && after.Mailbox != before.Mailbox:
		t.Fatalf("%s: %d mails, and the mailbox is %+v after %+v", op, sent, after.Mailbox, before.Mailbox)
	}
	if sent == 1 {
		l.mails = append(l.mails, now)
	}
}

// inviteAnew invites somebody who was erased: like anybody else, but what they
// were sent still counts.
func (l *life) inviteAnew(t *rapid.T, now, mailAt time.Time) {
	gone := *l.gone
	if !now.Before(gone.RetainUntil()) && rapid.Bool().Draw(t, "swept") {
		gone = user.Erased{} // what was left of them is gone by now
	}
	how := again
	how.SendEmail, how.MailAt = rapid.Bool().Draw(t, "with a mail"), mailAt
	u, err := user.New(stamp(now), "ws_1", john, how, gone, l.u.Mailbox, user.Recipient{})
	if err != nil {
		t.Fatalf("inviting anew: %v", err)
	}
	if u.Invitation.Sends == 1 {
		l.mails = append(l.mails, now)
	}
	if leaves := how.SendEmail && !mailAt.After(now); leaves != (u.Invitation.Sends == 1) {
		t.Fatalf("invited anew at %v with a mail for %v: %+v", now, mailAt, u.Invitation)
	}
	if u.Status != user.Requested || u.Last.Type != user.UserInvited || u.ID != l.u.ID {
		t.Fatalf("invited anew: %+v", u)
	}
	if u.Invitation.Generation <= l.gone.Generation {
		t.Fatalf("invited anew with generation %d after %d: an old link lives again", u.Invitation.Generation, l.gone.Generation)
	}
	if u.Version <= l.gone.Version {
		t.Fatalf("invited anew with version %d after %d: an old ETag fits again", u.Version, l.gone.Version)
	}
	l.u, l.gone = u, nil
}

func check(t *rapid.T, before, after user.User, op operation, want user.Status, now time.Time) {
	silent := op == accountAppears && after.Status == before.Status ||
		(op == remind || op == release) && after.Mailbox == before.Mailbox // it has to wait
	nothing := silent && op == accountAppears && before.HasAccount
	later := after.UpdatedAt.After(before.UpdatedAt) && !after.UpdatedAt.Before(now) && after.Last.ID > before.Last.ID
	switch {
	case after.Status != want:
		t.Fatalf("%s made %s of %s, not %s", op, after.Status, before.Status, want)
	case nothing && !reflect.DeepEqual(after, before):
		t.Fatalf("%s changed %+v", op, before)
	case !nothing && after.Version != before.Version+1:
		t.Fatalf("%s: version %d after %d", op, after.Version, before.Version)
	case after.ID != before.ID || after.Email != before.Email || after.Role != before.Role || !after.CreatedAt.Equal(before.CreatedAt):
		t.Fatalf("%s changed who the user is", op)
	case silent && (!reflect.DeepEqual(after.Last, before.Last) || !after.UpdatedAt.Equal(before.UpdatedAt)):
		t.Fatalf("%s is noted though nobody sees it: %+v", op, after.Last)
	case !silent && (!later || !after.Last.At.Equal(after.UpdatedAt)):
		t.Fatalf("%s is not noted behind %+v: %+v", op, before.Last, after.Last)
	case !silent && op != release && after.Last.From != before.Status:
		t.Fatalf("%s from %s is noted from %s", op, before.Status, after.Last.From)
	case !silent && slices.Contains(after.Last.Changed, "status") != (after.Status != before.Status):
		t.Fatalf("%s from %s to %s is noted as a change of %q", op, before.Status, after.Status, after.Last.Changed)
	case after.Status == user.Active && after.Subject == "":
		t.Fatalf("%s: active without an account", op)
	case after.Status == user.Active && before.Status != user.Active && op != accept && op != restore:
		t.Fatalf("%s made somebody active", op)
	case (after.Status == user.Archived) != !after.ArchivedAt.IsZero():
		t.Fatalf("%s: archivedAt is %v for %s", op, after.ArchivedAt, after.Status)
	case !after.Status.Pending() && !after.Invitation.ReminderAt.IsZero():
		t.Fatalf("%s: a reminder is due for somebody who is %s", op, after.Status)
	case op == edit && (after.Invitation != before.Invitation || after.Subject != before.Subject || after.Name == before.Name):
		t.Fatalf("an edit made %+v of %+v", after, before)
	}
	fresh := freshLink(before, op)
	risen := after.Invitation.Generation > before.Invitation.Generation && after.Invitation.Generation >= int(now.Unix())
	starts := now
	if after.Invitation.Delivery == user.DeliveryScheduled {
		starts = after.Invitation.ScheduledFor
	}
	switch {
	case fresh != risen, !fresh && after.Invitation.Generation != before.Invitation.Generation:
		t.Fatalf("%s made generation %d of %d", op, after.Invitation.Generation, before.Invitation.Generation)
	case (fresh || op == release && after.Status.Pending()) && !after.Invitation.ExpiresAt.Equal(starts.Add(week)):
		t.Fatalf("%s: expires at %v, though the mail leaves at %v", op, after.Invitation.ExpiresAt, starts)
	case fresh && !after.StatusAt(now).Pending():
		t.Fatalf("%s gave a new link to somebody who is %s", op, after.StatusAt(now))
	case fresh && after.Subject != "":
		t.Fatalf("%s: somebody who is invited has an account bound", op)
	}
}

func checkErased(t *rapid.T, u user.User, left user.Erased, now time.Time) {
	if left.ID != u.ID || left.WorkspaceID != u.WorkspaceID || left.Generation != u.Invitation.Generation || left.Version != u.Version+1 || left.Request != u.Request {
		t.Fatalf("left of %+v is %+v", u, left)
	}
	if last := left.Last; last.Type != user.UserErased || last.From != u.Status || last.At.Before(now) || !last.At.After(u.UpdatedAt) || last.ID <= u.Last.ID {
		t.Fatalf("the erasure of %+v is noted as %+v", u, last)
	}
}

// Rule 9 of the pitfalls: valid until the expiry time, not until the sweeper.
func TestAcceptEndsWithTheExpiryTimeItself(t *testing.T) {
	u := invited(t0, true)
	end := u.Invitation.ExpiresAt
	for _, c := range []struct {
		at   time.Time
		want user.Status
		code string
	}{
		{end.Add(-time.Millisecond), user.Active, ""},
		{end, user.Invited, "status_conflict"},
		{end.Add(time.Millisecond), user.Invited, "status_conflict"},
	} {
		next, err := u.Accept(stamp(c.at), byLink(u), guest, inviter)
		if next.Status != c.want || (err == nil) != (c.code == "") || err != nil && fault.Code(err) != c.code {
			t.Errorf("accept at %v: %s, %v", c.at, next.Status, err)
		}
		var f *fault.Error
		if errors.As(err, &f) && f.User.Status != string(user.Expired) {
			t.Errorf("accept at %v names the status %s", c.at, f.User.Status)
		}
	}
}

func TestRestoreForgetsTheOldAccountWhenInvitingAnew(t *testing.T) {
	u := invited(t0, true)
	u = must(u.Accept(stamp(t0.Add(time.Hour)), byLink(u), user.Guest{Subject: "sub-old", Email: u.Email}, inviter))
	u, _ = u.Archive(stamp(t0.Add(2 * time.Hour)))
	back, err := u.Restore(stamp(t0.Add(3*time.Hour)), false, user.Inviting{})
	if err != nil || back.Subject != "sub-old" || back.Invitation.Generation != u.Invitation.Generation {
		t.Errorf("restored: %+v, %v", back, err)
	}
	anew, err := u.Restore(stamp(t0.Add(3*time.Hour)), true, user.Inviting{Lasts: week, SendEmail: true})
	if err != nil || anew.Subject != "" || !anew.ActivatedAt.IsZero() || anew.Invitation.Generation <= u.Invitation.Generation {
		t.Errorf("invited anew: %+v, %v", anew, err)
	}
}

func TestEmails(t *testing.T) {
	same := [][]string{
		{"john@corp.com", " John@Corp.com ", "JOHN@CORP.COM"},
		{"a@bücher.example", "a@BÜCHER.example", "A@xn--bcher-kva.example", "a@bu\u0308cher.example"},
	}
	for _, group := range same {
		for _, other := range group[1:] {
			if user.IDFor("ws_1", group[0]) != user.IDFor("ws_1", other) {
				t.Errorf("%q and %q are two people", group[0], other)
			}
		}
	}
	different := []string{"john@corp.com", "j.ohn@corp.com", "john+x@corp.com", "john@corp.org"}
	for i, a := range different {
		for _, b := range different[i+1:] {
			if user.EmailKey(a) == user.EmailKey(b) {
				t.Errorf("%q and %q are one person", a, b)
			}
		}
	}
	if got := user.MailAddress(" John@Bücher.example"); got != "John@xn--bcher-kva.example" {
		t.Errorf("mail goes to %q", got)
	}
}

func text(n int) string { return fmt.Sprintf("%0*d", n, 0) }

func TestDetails(t *testing.T) {
	good := user.Details{Name: "John Doe", Email: "john@corp.com", Role: user.Builder}
	cases := []struct {
		name   string
		change func(*user.Details)
		wants  []string // pointer code
	}{
		{"as it should be", func(*user.Details) {}, nil},
		{"nothing", func(d *user.Details) { *d = user.Details{} }, []string{"/name required", "/email required", "/role required"}},
		{"name of 100", func(d *user.Details) { d.Name = string(slices.Repeat([]rune{'n'}, 100)) }, nil},
		{"name of 101", func(d *user.Details) { d.Name = text(101) }, []string{"/name too_long"}},
		{"name of 100 wide characters", func(d *user.Details) { d.Name = fmt.Sprint(string(slices.Repeat([]rune{'漢'}, 100))) }, nil},
		{"blank name", func(d *user.Details) { d.Name = " \t " }, []string{"/name required"}},
		{"name with a line break", func(d *user.Details) { d.Name = "John\r\nBcc: x" }, []string{"/name invalid_characters"}},
		{"name that turns the text", func(d *user.Details) { d.Name = "John\u202edoe" }, []string{"/name invalid_characters"}},
		{"name that is a link", func(d *user.Details) { d.Name = "visit www.evil.example" }, []string{"/name looks_like_address"}},
		{"name with a bare domain", func(d *user.Details) { d.Name = "go to evil.example now" }, []string{"/name looks_like_address"}},
		{"name with a scheme", func(d *user.Details) { d.Name = "http://x" }, []string{"/name looks_like_address"}},
		{"name with initials", func(d *user.Details) { d.Name = "J. R. R. Tolkien" }, nil},
		{"name with tight initials", func(d *user.Details) { d.Name = "J.R.R. Tolkien Jr." }, nil},
		{"local part of 64", func(d *user.Details) { d.Email = text(64) + "@corp.com" }, nil},
		{"local part of 65", func(d *user.Details) { d.Email = text(65) + "@corp.com" }, []string{"/email email_too_long"}},
		{"address of 254", func(d *user.Details) {
			d.Email = text(64) + "@" + text(63) + "." + text(63) + "." + text(57) + ".com"
		}, nil},
		{"address of 255", func(d *user.Details) {
			d.Email = text(64) + "@" + text(63) + "." + text(63) + "." + text(58) + ".com"
		}, []string{"/email email_too_long"}},
		{"label of 64", func(d *user.Details) { d.Email = "a@" + text(64) + ".com" }, []string{"/email invalid_email"}},
		{"international domain", func(d *user.Details) { d.Email = "john@bücher.example" }, nil},
		{"local part outside ASCII", func(d *user.Details) { d.Email = "jörg@corp.com" }, []string{"/email email_not_ascii"}},
		{"no at", func(d *user.Details) { d.Email = "john.corp.com" }, []string{"/email invalid_email"}},
		{"two at", func(d *user.Details) { d.Email = "a@b@corp.com" }, []string{"/email invalid_email"}},
		{"no dot", func(d *user.Details) { d.Email = "john@localhost" }, []string{"/email invalid_email"}},
		{"display name", func(d *user.Details) { d.Email = "John <john@corp.com>" }, []string{"/email invalid_email"}},
		{"two addresses", func(d *user.Details) { d.Email = "a@corp.com,b@corp.com" }, []string{"/email invalid_email"}},
		{"header", func(d *user.Details) { d.Email = "a@corp.com\r\nBcc: b@corp.com" }, []string{"/email invalid_email"}},
		{"quoted", func(d *user.Details) { d.Email = `"a b"@corp.com` }, []string{"/email invalid_email"}},
		{"domain with a hyphen at its end", func(d *user.Details) { d.Email = "a@corp-.com" }, []string{"/email invalid_email"}},
		{"role", func(d *user.Details) { d.Role = "owner" }, []string{"/role unknown_role"}},
		{"51 groups", func(d *user.Details) { d.Groups = make([]string, 51) }, []string{"/groups too_many"}},
		{"metadata list", func(d *user.Details) { d.Metadata = []byte(`[1]`) }, []string{"/metadata wrong_type"}},
		{"metadata text", func(d *user.Details) { d.Metadata = []byte(`"x"`) }, []string{"/metadata wrong_type"}},
		{"metadata of 4,096 bytes", func(d *user.Details) { d.Metadata = []byte(`{"k":"` + text(4088) + `"}`) }, nil},
		{"metadata of 4,097 bytes", func(d *user.Details) { d.Metadata = []byte(`{"k":"` + text(4089) + `"}`) }, []string{"/metadata too_large"}},
		{"metadata with space", func(d *user.Details) { d.Metadata = []byte(`{ "k" : "` + text(4088) + `" }`) }, nil},
		{"metadata 5 deep", func(d *user.Details) { d.Metadata = []byte(`{"a":{"b":[{"c":[1,"}]{["]}]}}`) }, nil},
		{"metadata 6 deep", func(d *user.Details) { d.Metadata = []byte(`{"a":{"b":[{"c":[{}]}]}}`) }, []string{"/metadata too_deep"}},
		{"everything", func(d *user.Details) {
			*d = user.Details{Name: text(101), Email: "x", Role: "x", Groups: make([]string, 51), Metadata: []byte("1")}
		}, []string{"/name too_long", "/email invalid_email", "/role unknown_role", "/groups too_many", "/metadata wrong_type"}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			d := good
			c.change(&d)
			_, fields := d.Check()
			var got []string
			for _, f := range fields {
				got = append(got, f.Pointer+" "+f.Code)
			}
			if !slices.Equal(got, c.wants) {
				t.Errorf("got %q, want %q", got, c.wants)
			}
		})
	}
}
