package user_test

import (
	"errors"
	"fmt"
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
	u, err := user.New(stamp(t0), "ws_1", d, user.Inviting{HasAccount: hasAccount, SendEmail: true, Lasts: week, RemindFor: 24 * time.Hour}, user.Mails{})
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
	archive        operation = "archive"
	restore        operation = "restore"
	reinvite       operation = "restore with reinvite"
)

var operations = []operation{accountAppears, accept, decline, expire, remind, resend, resendAccount, archive, restore, reinvite}

func apply(u user.User, op operation, at time.Time) (user.User, error) {
	s := stamp(at)
	again := user.Inviting{SendEmail: true, Lasts: week, RemindFor: 24 * time.Hour}
	switch op {
	case accountAppears:
		next, changed := u.AccountAppeared(s)
		if !changed {
			return u, errors.New("nothing changed")
		}
		return next, nil
	case accept:
		return u.Accept(s, "sub-john")
	case decline:
		return u.Decline(s)
	case expire:
		return u.Expire(s)
	case remind:
		return u.Remind(s)
	case resend:
		return u.Resend(s, again)
	case resendAccount:
		again.HasAccount = true
		return u.Resend(s, again)
	case archive:
		return u.Archive(s)
	case restore:
		return u.Restore(s, false, again)
	case reinvite:
		return u.Restore(s, true, again)
	}
	panic(op)
}

// allowed is the table of the design, written out: what may come of an
// operation on a user who is seen as having a status. Everything that is not
// here must be refused.
func allowed(u user.User, seen user.Status, op operation) (to user.Status, ok bool) {
	wasActive := !u.ActivatedAt.IsZero()
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
	case resend:
		return user.Requested, seen.Pending() || seen == user.Expired || seen == user.Declined
	case resendAccount:
		return user.Invited, seen.Pending() || seen == user.Expired || seen == user.Declined
	case archive:
		return user.Archived, seen != user.Archived
	case restore:
		if wasActive {
			return user.Active, seen == user.Archived
		}
		return user.Requested, seen == user.Archived
	case reinvite:
		return user.Requested, seen == user.Archived
	}
	return "", false
}

// No sequence of operations, at whatever times, reaches a state that the table
// of transitions forbids, and what is refused changes nothing.
func TestEverySequenceKeepsToTheTable(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		now := t0
		u := invited(now, rapid.Bool().Draw(t, "has account"))
		for range rapid.IntRange(1, 30).Draw(t, "length") {
			now = now.Add(time.Duration(rapid.Int64Range(0, int64(4*24*time.Hour)).Draw(t, "pause")).Truncate(time.Millisecond))
			op := rapid.SampledFrom(operations).Draw(t, "operation")
			seen := u.StatusAt(now)
			want, may := allowed(u, seen, op)
			next, err := apply(u, op, now)
			if op == remind && err != nil && (u.Invitation.ReminderAt.IsZero() || now.Before(u.Invitation.ReminderAt)) {
				may = false // not due
			}
			if !may {
				if err == nil {
					t.Fatalf("%s of a user who is %s went through", op, seen)
				}
				if next.Version != u.Version || next.Status != u.Status || next.Invitation != u.Invitation {
					t.Fatalf("%s was refused, yet changed the user", op)
				}
				continue
			}
			if err != nil {
				t.Fatalf("%s of a user who is %s: %v", op, seen, err)
			}
			check(t, u, next, op, want, now)
			u = next
		}
	})
}

func check(t *rapid.T, before, after user.User, op operation, want user.Status, now time.Time) {
	switch {
	case after.Status != want:
		t.Fatalf("%s made %s of %s, not %s", op, after.Status, before.Status, want)
	case after.Version != before.Version+1:
		t.Fatalf("%s: version %d after %d", op, after.Version, before.Version)
	case after.ID != before.ID || after.Email != before.Email || after.Role != before.Role:
		t.Fatalf("%s changed who the user is", op)
	case after.Last.Type == "" || after.Last.From != before.Status || !after.UpdatedAt.Equal(now):
		t.Fatalf("%s is not noted: %+v", op, after.Last)
	case after.Status == user.Active && after.Subject == "":
		t.Fatalf("%s: active without an account", op)
	case after.Status == user.Active && before.Status != user.Active && op != accept && op != restore:
		t.Fatalf("%s made somebody active", op)
	case (after.Status == user.Archived) != !after.ArchivedAt.IsZero():
		t.Fatalf("%s: archivedAt is %v for %s", op, after.ArchivedAt, after.Status)
	}
	newLink := after.Invitation.Generation - before.Invitation.Generation
	fresh := op == resend || op == resendAccount || op == reinvite || op == restore && before.ActivatedAt.IsZero()
	switch {
	case fresh && newLink != 1, !fresh && newLink != 0:
		t.Fatalf("%s raised the generation by %d", op, newLink)
	case fresh && !after.Invitation.ExpiresAt.Equal(now.Add(week)):
		t.Fatalf("%s: expires at %v", op, after.Invitation.ExpiresAt)
	case fresh && !after.StatusAt(now).Pending():
		t.Fatalf("%s gave a new link to somebody who is %s", op, after.StatusAt(now))
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
	if err != nil || back.Subject != "sub-old" || back.Invitation.Generation != 1 {
		t.Errorf("restored: %+v, %v", back, err)
	}
	anew, err := u.Restore(stamp(t0.Add(3*time.Hour)), true, user.Inviting{Lasts: week, SendEmail: true})
	if err != nil || anew.Subject != "" || !anew.ActivatedAt.IsZero() || anew.Invitation.Generation != 2 {
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
		{"name of 100", func(d *user.Details) { d.Name = text(100) }, nil},
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
