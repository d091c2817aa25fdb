package user_test

import (
	"errors"
	"testing"
	"time"

	"github.com/latchkey/latchkey/shared/fault"
	"github.com/latchkey/latchkey/shared/user"
)

// Rule 15 of the pitfalls: one mail a minute and five a day of UTC, whatever
// became of them.
func TestOneRecipientGetsOneMailAMinuteAndFiveADay(t *testing.T) {
	day := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	const minute, day1 = "mail_limit_recipient_minute", "mail_limit_recipient_day"
	type mail struct {
		at   time.Duration // after midnight
		want string
		wait time.Duration
	}
	for name, mails := range map[string][]mail{
		"within a minute": {
			{0, "", 0}, {0, minute, time.Minute}, {time.Millisecond, minute, time.Minute - time.Millisecond},
			{time.Minute - time.Millisecond, minute, time.Millisecond}, {time.Minute, "", 0},
		},
		"refused ones do not count": {
			{0, "", 0}, {30 * time.Second, minute, 30 * time.Second}, {time.Minute, "", 0},
		},
		"five, then none until midnight": {
			{time.Hour, "", 0}, {2 * time.Hour, "", 0}, {3 * time.Hour, "", 0}, {4 * time.Hour, "", 0}, {5 * time.Hour, "", 0},
			{5*time.Hour + time.Second, day1, 19*time.Hour - time.Second}, // the longer wait is named
			{6 * time.Hour, day1, 18 * time.Hour}, {24*time.Hour - time.Millisecond, day1, time.Millisecond}, {24 * time.Hour, "", 0},
		},
		"the minute goes over midnight": {
			{24*time.Hour - 20*time.Second, "", 0}, {24 * time.Hour, minute, 40 * time.Second}, {24*time.Hour + 40*time.Second, "", 0},
		},
		"five on each of two days": {
			{19 * time.Hour, "", 0}, {20 * time.Hour, "", 0}, {21 * time.Hour, "", 0}, {22 * time.Hour, "", 0}, {23 * time.Hour, "", 0}, {23*time.Hour + time.Minute, day1, 59 * time.Minute},
			{25 * time.Hour, "", 0}, {26 * time.Hour, "", 0}, {27 * time.Hour, "", 0}, {28 * time.Hour, "", 0}, {29 * time.Hour, "", 0}, {30 * time.Hour, day1, 18 * time.Hour},
		},
	} {
		u := user.Founder(stamp(day), "ws_1", "John Doe", "john@corp.com", "sub") // who was sent nothing
		u.Status = user.Declined
		for i, m := range mails {
			// A clock elsewhere makes no difference to a day of UTC.
			at := day.Add(m.at).In(time.FixedZone("", 11*3600))
			next, err := u.Resend(stamp(at), user.Inviting{SendEmail: true, Lasts: week})
			var f *fault.Error
			if m.want == "" {
				if err != nil {
					t.Errorf("%s: mail %d: %v", name, i, err)
				}
				u = next
				u.Status = user.Declined
			} else if !errors.As(err, &f) || f.Kind != fault.Limited || f.Code != m.want || f.RetryAfter != m.wait {
				t.Errorf("%s: mail %d: %+v, want %s after %v", name, i, err, m.want, m.wait)
			}
		}
	}
}

// The limits are one recipient's: no way of getting a new link leads around
// them, and what gets none needs no mail.
func TestEveryWayToANewLinkKeepsToTheLimit(t *testing.T) {
	u := invited(t0, true)
	soon := t0.Add(30 * time.Second)
	again := user.Inviting{SendEmail: true, Lasts: week}
	archived, err := u.Archive(stamp(t0.Add(time.Second)))
	if err != nil {
		t.Fatal(err)
	}
	erased, err := archived.Erase(stamp(t0.Add(2 * time.Second)))
	if err != nil {
		t.Fatal(err)
	}
	details := user.Details{Name: "John Doe", Email: "john@corp.com", Role: user.Builder}
	for name, do := range map[string]func(user.Inviting, time.Time) error{
		"resend": func(how user.Inviting, at time.Time) error { _, err := u.Resend(stamp(at), how); return err },
		"restore": func(how user.Inviting, at time.Time) error {
			_, err := archived.Restore(stamp(at), false, how)
			return err
		},
		"reinvite": func(how user.Inviting, at time.Time) error {
			_, err := archived.Restore(stamp(at), true, how)
			return err
		},
		"invite anew": func(how user.Inviting, at time.Time) error {
			_, err := user.New(stamp(at), "ws_1", details, how, erased)
			return err
		},
	} {
		if err := do(again, soon); fault.Code(err) != "mail_limit_recipient_minute" {
			t.Errorf("%s: %v", name, err)
		}
		if err := do(again, t0.Add(time.Minute)); err != nil {
			t.Errorf("%s, a minute later: %v", name, err)
		}
		if err := do(user.Inviting{Lasts: week}, soon); err != nil {
			t.Errorf("%s without a mail: %v", name, err)
		}
	}
	was, _ := u.Accept(stamp(t0.Add(time.Second)), "sub")
	was, _ = was.Archive(stamp(t0.Add(2 * time.Second)))
	if _, err := was.Restore(stamp(soon), false, again); err != nil {
		t.Errorf("who was active is restored without a mail: %v", err)
	}
}

// A reminder counts, and no limit stops it.
func TestAReminderCountsAndIsNotStopped(t *testing.T) {
	u := invited(t0, true)
	u.Mails.Count = user.MailsPerDay
	u.Invitation.ReminderAt = t0.Add(time.Second)
	reminded, err := u.Remind(stamp(t0.Add(time.Second)))
	if err != nil || reminded.Mails != (user.Mails{Last: t0.Add(time.Second), Count: user.MailsPerDay + 1}) {
		t.Errorf("%+v, %v", reminded.Mails, err)
	}
	if _, err := reminded.Resend(stamp(t0.Add(time.Hour)), user.Inviting{SendEmail: true, Lasts: week}); fault.Code(err) != "mail_limit_recipient_day" {
		t.Errorf("after it: %v", err)
	}
}

func TestCountsMatterUntilNoLimitNeedsThem(t *testing.T) {
	for _, c := range []struct{ last, want string }{
		{"2026-03-01T00:00:00Z", "2026-03-02T00:01:00Z"},
		{"2026-03-01T23:59:59Z", "2026-03-02T00:01:00Z"},
	} {
		last, _ := time.Parse(time.RFC3339, c.last)
		want, _ := time.Parse(time.RFC3339, c.want)
		if got := (user.Mails{Last: last, Count: 1}).Matter(); !got.Equal(want) {
			t.Errorf("%s: until %v", c.last, got)
		}
	}
	if got := (user.Mails{}).Matter(); !got.IsZero() {
		t.Errorf("nothing was sent, and matters until %v", got)
	}
	for now, want := range map[string]time.Duration{"2026-03-01T00:00:00Z": 24 * time.Hour, "2026-03-01T23:59:59+01:00": time.Hour + time.Second} {
		at, _ := time.Parse(time.RFC3339, now)
		if got := user.UntilTomorrow(at); got != want {
			t.Errorf("%s: tomorrow is in %v", now, got)
		}
	}
}
