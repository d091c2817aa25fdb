package local_test

import (
	"net/http"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/latchkey/latchkey/infra/local"
	"github.com/latchkey/latchkey/shared/setting"
)

// limited checks that a mail was refused by a limit, and that the answer says
// how many seconds to wait: at least one, at most a number.
func limited(t *testing.T, a answer, code string, atMost time.Duration) {
	t.Helper()
	refused(t, a, http.StatusTooManyRequests, code)
	after, err := strconv.Atoi(a.header.Get("retry-after"))
	if err != nil || after < 1 || time.Duration(after)*time.Second > atMost {
		t.Errorf("%s: retry after %q seconds, at most %v", code, a.header.Get("retry-after"), atMost)
	}
}

func (o office) act(userID, operation string) answer {
	o.t.Helper()
	return o.admin.send("POST", o.path+"/users/"+userID+"/"+operation, nil, nil)
}

// awayFromMidnight waits until the day of UTC lasts, because the limits of a
// day begin anew with it.
func awayFromMidnight() {
	if now := time.Now().UTC(); now.Add(30*time.Second).Day() != now.Day() {
		time.Sleep(31 * time.Second)
	}
}

// Rule 15: one mail a minute to one person, whatever the detour.
func TestRule15OneMailAMinuteToOnePerson(t *testing.T) {
	awayFromMidnight()
	o := newOffice(t)
	u := o.invite(nil)
	limited(t, o.act(u.ID, "resend"), "mail_limit_recipient_minute", time.Minute)
	want[any](t, o.act(u.ID, "archive"), http.StatusOK)
	limited(t, o.act(u.ID, "restore"), "mail_limit_recipient_minute", time.Minute)
	if got := o.get(u.ID); got.Status != "archived" {
		t.Errorf("refused, and yet %s", got.Status)
	}
	equal(t, "in a batch", o.admin.batch(o.path+"/users/batch/restore", ids(u.ID), nil).said(), []string{"failed: mail_limit_recipient_minute"})
	want[any](t, o.admin.send("DELETE", o.path+"/users/"+u.ID, nil, nil), http.StatusNoContent)
	again := map[string]any{"name": "John", "email": u.Email, "role": "builder"}
	limited(t, o.admin.send("POST", o.path+"/users", again, nil), "mail_limit_recipient_minute", time.Minute)
	equal(t, "in a batch", o.admin.batch(o.path+"/users/batch", map[string]any{"users": []any{again}}, nil).said(), []string{"failed: mail_limit_recipient_minute"})
	if total, mine := o.mails(); total != 1 || mine != 1 {
		t.Errorf("%d mails are counted, %d of them the admin's: one was asked for and sent", total, mine)
	}
	o.wait(u.ID, time.Minute)
	want[apiUser](t, o.admin.send("POST", o.path+"/users", again, nil), http.StatusCreated)
}

// Rule 15: five mails a day to one person, whatever the detour, and another
// workspace's mails are its own.
func TestRule15FiveMailsADayToOnePerson(t *testing.T) {
	awayFromMidnight()
	o := newOffice(t)
	u := o.invite(nil)
	sent := 1
	for _, operation := range []string{"resend", "", "resend", "erase"} {
		// Not o.wait: that would move the counted mails into yesterday at night.
		moveBack(t, key("WS#"+o.id, "USER#"+u.ID), sinceMidnight(), "mailedAt")
		switch operation {
		case "resend":
			want[any](t, o.act(u.ID, "resend"), http.StatusOK)
		case "":
			want[any](t, o.act(u.ID, "archive"), http.StatusOK)
			want[any](t, o.act(u.ID, "restore"), http.StatusOK)
		case "erase":
			want[any](t, o.act(u.ID, "archive"), http.StatusOK)
			want[any](t, o.admin.send("DELETE", o.path+"/users/"+u.ID, nil, nil), http.StatusNoContent)
			want[any](t, o.admin.send("POST", o.path+"/users", map[string]any{"name": "John", "email": u.Email, "role": "builder"}, nil), http.StatusCreated)
		}
		sent++
	}
	moveBack(t, key("WS#"+o.id, "USER#"+u.ID), sinceMidnight(), "mailedAt")
	limited(t, o.act(u.ID, "resend"), "mail_limit_recipient_day", 24*time.Hour)
	want[any](t, o.act(u.ID, "archive"), http.StatusOK)
	limited(t, o.act(u.ID, "restore"), "mail_limit_recipient_day", 24*time.Hour)
	if total, _ := o.mails(); total != sent {
		t.Errorf("%d mails are counted, %d were asked for", total, sent)
	}
	// A new day, and another workspace.
	newOffice(t).invite(map[string]any{"email": u.Email})
	moveBack(t, key("WS#"+o.id, "USER#"+u.ID), 24*time.Hour, "mailedAt")
	want[any](t, o.act(u.ID, "restore"), http.StatusOK)
}

// sinceMidnight is as long as a mail of now can be moved back and stay within
// the day: two minutes, or less soon after midnight.
func sinceMidnight() time.Duration {
	now := time.Now().UTC()
	return min(2*time.Minute, now.Sub(now.Truncate(24*time.Hour)))
}

// Rule 15: the mails of one admin and of one workspace are limited by the day,
// one by one and in bulk, and a refused one is not counted.
func TestRule15MailsOfADayAreLimited(t *testing.T) {
	awayFromMidnight()
	for _, c := range []struct {
		code           string
		total, byAdmin int
	}{
		{"mail_limit_inviter_day", 150, 99},
		{"mail_limit_workspace_day", 199, 20},
	} {
		t.Run(c.code, func(t *testing.T) {
			o := newOffice(t)
			u, never := o.invite(map[string]any{"sendEmail": false}), o.invite(map[string]any{"sendEmail": false})
			want[any](t, o.act(never.ID, "archive"), http.StatusOK)
			o.mailed(c.total, c.byAdmin)
			last := o.invite(nil) // the last one that may be
			loud := map[string]any{"name": "John", "email": "loud-" + unique() + "@corp.com", "role": "builder"}
			limited(t, o.admin.send("POST", o.path+"/users", loud, nil), c.code, 24*time.Hour)
			limited(t, o.act(u.ID, "resend"), c.code, 24*time.Hour)
			limited(t, o.act(never.ID, "restore"), c.code, 24*time.Hour)
			rows := quiet(3)
			delete(rows[1], "sendEmail")
			equal(t, "invited", o.admin.batch(o.path+"/users/batch", map[string]any{"users": rows}, nil).said(), []string{"created", "failed: " + c.code, "created"})
			equal(t, "resent", o.admin.batch(o.path+"/users/batch/resend", ids(u.ID), nil).said(), []string{"failed: " + c.code})
			equal(t, "restored", o.admin.batch(o.path+"/users/batch/restore", ids(never.ID), nil).said(), []string{"failed: " + c.code})
			unchanged(t, o, u)
			if total, mine := o.mails(); total != c.total+1 || mine != c.byAdmin+1 {
				t.Errorf("%d mails are counted, %d of them the admin's, want %d and %d", total, mine, c.total+1, c.byAdmin+1)
			}
			inbox(t, last.Email, 1)
			inbox(t, loud["email"].(string), 0)
			// What needs no mail goes on.
			want[any](t, o.tryInvite(), http.StatusCreated)
			o.accept(u)
		})
	}
}

// Rule 15: however many mails are asked for at once, no more are granted than
// the limit leaves, alone and in bulk.
func TestRule15LimitsHoldHoweverManyAskAtOnce(t *testing.T) {
	awayFromMidnight()
	o := newOffice(t)
	o.mailed(90, 90)
	rows := quiet(60)
	for _, row := range rows {
		delete(row, "sendEmail")
	}
	race(t, 20, func(i int) (answer, error) {
		if i%5 == 0 {
			return o.admin.try("POST", o.path+"/users/batch", map[string]any{"users": rows[20+i : 20+i+5]}, nil)
		}
		return o.admin.try("POST", o.path+"/users", rows[i], nil)
	})
	if n := o.counted()["requested"]; n != 10 {
		t.Errorf("%d are invited, and 10 mails were left", n)
	}
	if total, mine := o.mails(); total != 100 || mine != 100 {
		t.Errorf("%d mails are counted, %d of them the admin's", total, mine)
	}
}

// The numbers are settings of the deployment, and a workspace that is 30 days
// old has the one of those that are not new.
func TestTheLimitsAreSettings(t *testing.T) {
	awayFromMidnight()
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	small, err := local.Start(t.Context(), local.Config{Root: root, Functions: filepath.Join(root, "build", "local"), Settings: map[setting.Definition]string{
		setting.MailsPerInviter: "2", setting.MailsPerNewWorkspace: "3", setting.MailsPerWorkspace: "5",
	}})
	if err != nil {
		t.Fatal(err)
	}
	// Until the end of this test, the whole service is the small one.
	usual := stack
	stack = small
	defer func() {
		stack = usual
		if err := small.Close(t.Context()); err != nil {
			t.Error(err)
		}
	}()
	o := newOffice(t)
	second := office{t, o.secondAdmin(), o.id, o.slug, o.path}
	third := office{t, o.secondAdmin(), o.id, o.slug, o.path}
	ask := func(o office) answer {
		return o.admin.send("POST", o.path+"/users", map[string]any{"name": "John", "email": "j-" + unique() + "@corp.com", "role": "builder"}, nil)
	}
	for range 2 {
		want[any](t, ask(o), http.StatusCreated)
	}
	limited(t, ask(o), "mail_limit_inviter_day", 24*time.Hour)
	want[any](t, ask(second), http.StatusCreated)
	limited(t, ask(second), "mail_limit_workspace_day", 24*time.Hour)
	moveBack(t, key("WS#"+o.id, "WORKSPACE"), 29*24*time.Hour, "createdAt")
	limited(t, ask(second), "mail_limit_workspace_day", 24*time.Hour)
	moveBack(t, key("WS#"+o.id, "WORKSPACE"), 24*time.Hour, "createdAt")
	want[any](t, ask(second), http.StatusCreated)
	want[any](t, ask(third), http.StatusCreated)
	limited(t, ask(third), "mail_limit_workspace_day", 24*time.Hour)
}
