package user_test

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/latchkey/latchkey/shared/fault"
	"github.com/latchkey/latchkey/shared/user"
)

var t0 = time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)

const week = 7 * 24 * time.Hour

func stamp(at time.Time) user.Stamp { return user.Stamp{ID: "evt_1", Actor: "usr_admin", At: at} }

func invited(t0 time.Time, hasAccount bool) user.User {
	d, _ := user.Details{Name: "John Doe", Email: "john@corp.com", Role: user.Builder}.Check()
	u, err := user.New(stamp(t0), "ws_1", d, user.Inviting{HasAccount: hasAccount, SendEmail: true, Lasts: week, RemindFor: 24 * time.Hour}, user.Erased{})
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
	accountAppears, accept, decline, expire, remind, resend, resendAccount, resendQuietly, archive, restore, reinvite, edit, erase,
}

var again = user.Inviting{SendEmail: true, Lasts: week, RemindFor: 24 * time.Hour}

// apply makes an operation; what is left of an erased user is in the second result.
func apply(u user.User, op operation, at time.Time) (user.User, user.Erased, error) {
	s := stamp(at)
	how := again
	var err error
	next := u
	switch op {
	case accountAppears:
		changed := false
		if next, changed = u.AccountAppeared(s); !changed {
			err = fault.New(fault.Conflict, "status_conflict", "nothing changed")
		}
	case accept:
		next, err = u.Accept(s, "sub-john")
	case decline:
		next, err = u.Decline(s)
	case expire:
		next, err = u.Expire(s)
	case remind:
		next, err = u.Remind(s)
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

// allowed is the table of the design, written out: what may come of an
// operation on a user who is seen as having a status. Everything that is not
// here must be refused.
func allowed(u user.User, seen user.Status, op operation) (to user.Status, ok bool) {
	wasActive := !u.ActivatedAt.IsZero()
	again := seen.Pending() || seen == user.Expired || seen == user.Declined
	switch op {
	case accountAppears:
		return user.Invited, seen == user.Requested
	case accept:
		return user.Active, seen.Pending()
	case decline:
		return user.Declined, seen.Pending()
	case expire:
		return user.Expired, seen == user.Expired && u.Status.Pending()
	case remind:
		return u.Status, seen.Pending()
	case resend, resendQuietly:
		return user.Requested, again
	case resendAccount:
		return user.Invited, again
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

// mailed is the model of the limits: every mail that was asked for, whatever
// became of it.
type mailed []time.Time

// refuses is the code of the limit that one more mail would break, "" for none.
func (m mailed) refuses(now time.Time) string {
	today := 0
	for _, at := range m {
		if at.UTC().Format(time.DateOnly) == now.UTC().Format(time.DateOnly) {
			today++
		}
	}
	switch {
	case today >= 5:
		return "mail_limit_recipient_day"
	case len(m) > 0 && now.Sub(m[len(m)-1]) < time.Minute:
		return "mail_limit_recipient_minute"
	}
	return ""
}

// life is a user and what the model knows of them.
type life struct {
	u      user.User
	gone   *user.Erased // they were erased
	mails  mailed
	newest int // generation
}

// No sequence of operations, at whatever times, reaches a state that the table
// of transitions forbids, or sends one mail too many; and what is refused
// changes nothing. Rule 15 of the pitfalls: no detour leads around the limits.
func TestEverySequenceKeepsToTheTable(t *testing.T) {
	pauses := rapid.OneOf(
		rapid.Int64Range(0, int64(2*time.Minute)),
		rapid.Int64Range(0, int64(6*time.Hour)),
		rapid.Int64Range(0, int64(4*24*time.Hour)),
	)
	rapid.Check(t, func(t *rapid.T) {
		now := t0
		l := life{u: invited(now, rapid.Bool().Draw(t, "has account")), mails: mailed{now}}
		l.newest = l.u.Invitation.Generation
		for range rapid.IntRange(1, 40).Draw(t, "length") {
			now = now.Add(time.Duration(pauses.Draw(t, "pause")).Truncate(time.Millisecond))
			if l.gone != nil {
				l.inviteAnew(t, now)
				continue
			}
			l.operate(t, rapid.SampledFrom(operations).Draw(t, "operation"), now)
		}
	})
}

func (l *life) operate(t *rapid.T, op operation, now time.Time) {
	u := l.u
	seen := u.StatusAt(now)
	want, may := allowed(u, seen, op)
	if op == remind && (u.Invitation.ReminderAt.IsZero() || now.Before(u.Invitation.ReminderAt)) {
		may = false // not due
	}
	code := ""
	fresh, mails := freshLink(u, op), op != resendQuietly
	switch {
	case !may:
		code = "status_conflict"
	case fresh && mails:
		code = l.mails.refuses(now)
	}
	next, left, err := apply(u, op, now)
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
	told := op == restore && !fresh && l.mails.refuses(now) == "" // that access is theirs again
	if fresh && mails || op == remind || told {
		l.mails = append(l.mails, now)
	}
	if op == erase {
		checkErased(t, u, left, now)
		l.gone = &left
		return
	}
	check(t, u, next, op, want, now)
	l.u = next
	if fresh {
		l.made()
	}
}

// made notes a new link.
func (l *life) made() { l.newest = l.u.Invitation.Generation }

// inviteAnew invites somebody who was erased: like anybody else, but that what
// they were sent still counts.
func (l *life) inviteAnew(t *rapid.T, now time.Time) {
	gone := *l.gone
	if !now.Before(gone.Matter()) && rapid.Bool().Draw(t, "swept") {
		gone = user.Erased{} // what was left of them is gone by now
	}
	how := again
	how.SendEmail = rapid.Bool().Draw(t, "with a mail")
	code := ""
	if how.SendEmail {
		code = l.mails.refuses(now)
	}
	u, err := user.New(stamp(now), "ws_1", user.Details{Name: "John Doe", Email: "john@corp.com", Role: user.Builder}, how, gone)
	if code != "" {
		if fault.Code(err) != code {
			t.Fatalf("inviting anew: %v, not %s", err, code)
		}
		return
	}
	if err != nil {
		t.Fatalf("inviting anew: %v", err)
	}
	if how.SendEmail {
		l.mails = append(l.mails, now)
	}
	if u.Version != 1 || u.Status != user.Requested || u.Last.Type != user.UserInvited || u.ID != l.u.ID {
		t.Fatalf("invited anew: %+v", u)
	}
	l.u, l.gone = u, nil
	before := l.newest
	l.made()
	if l.newest <= before {
		t.Fatalf("invited anew with generation %d after %d: an old link lives again", l.newest, before)
	}
}

func check(t *rapid.T, before, after user.User, op operation, want user.Status, now time.Time) {
	switch {
	case after.Status != want:
		t.Fatalf("%s made %s of %s, not %s", op, after.Status, before.Status, want)
	case after.Version != before.Version+1:
		t.Fatalf("%s: version %d after %d", op, after.Version, before.Version)
	case after.ID != before.ID || after.Email != before.Email || after.Role != before.Role || !after.CreatedAt.Equal(before.CreatedAt):
		t.Fatalf("%s changed who the user is", op)
	case after.Last.Type == "" || after.Last.From != before.Status || !after.UpdatedAt.Equal(now):
		t.Fatalf("%s is not noted: %+v", op, after.Last)
	case slices.Contains(after.Last.Changed, "status") != (after.Status != before.Status):
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
	newLink := after.Invitation.Generation - before.Invitation.Generation
	fresh := freshLink(before, op)
	switch {
	case fresh && newLink != 1, !fresh && newLink != 0:
		t.Fatalf("%s raised the generation by %d", op, newLink)
	case fresh && !after.Invitation.ExpiresAt.Equal(now.Add(week)):
		t.Fatalf("%s: expires at %v", op, after.Invitation.ExpiresAt)
	case fresh && !after.StatusAt(now).Pending():
		t.Fatalf("%s gave a new link to somebody who is %s", op, after.StatusAt(now))
	case fresh && after.Subject != "":
		t.Fatalf("%s: somebody who is invited has an account bound", op)
	}
	sends := after.Invitation.Sends - before.Invitation.Sends
	if asked := fresh && op != resendQuietly || op == remind; asked && sends != 1 || !asked && sends != 0 {
		t.Fatalf("%s asked for %d mails", op, sends)
	}
}

func checkErased(t *rapid.T, u user.User, left user.Erased, now time.Time) {
	want := user.Erased{
		ID: u.ID, WorkspaceID: u.WorkspaceID, Mails: u.Mails, Generation: u.Invitation.Generation,
		Last: user.Change{ID: "evt_1", Type: user.UserErased, Actor: "usr_admin", At: now, From: u.Status},
	}
	if !reflect.DeepEqual(left, want) {
		t.Fatalf("left of %+v is %+v", u, left)
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
		next, err := u.Accept(stamp(c.at), "sub")
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
	u, _ = u.Accept(stamp(t0.Add(time.Hour)), "sub-old")
	u, _ = u.Archive(stamp(t0.Add(2 * time.Hour)))
	back, err := u.Restore(stamp(t0.Add(3*time.Hour)), false, user.Inviting{})
	if err != nil || back.Subject != "sub-old" || back.Invitation.Generation != u.Invitation.Generation {
		t.Errorf("restored: %+v, %v", back, err)
	}
	anew, err := u.Restore(stamp(t0.Add(3*time.Hour)), true, user.Inviting{Lasts: week, SendEmail: true})
	if err != nil || anew.Subject != "" || !anew.ActivatedAt.IsZero() || anew.Invitation.Generation != u.Invitation.Generation+1 {
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
