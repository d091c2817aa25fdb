package local_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/latchkey/latchkey/infra/local"
)

// inviteAgain invites an address, and returns the answer whatever it is.
func (o office) inviteAgain(email string, sendEmail bool) answer {
	o.t.Helper()
	return o.admin.send("POST", o.path+"/users", map[string]any{"name": "John Doe", "email": email, "role": "builder", "sendEmail": sendEmail}, nil)
}

// archiveAndErase removes somebody, and everything that names them.
func (o office) archiveAndErase(userID string) {
	o.t.Helper()
	want[any](o.t, o.act(userID, "archive"), http.StatusOK)
	want[any](o.t, o.erase(userID), http.StatusNoContent)
}

// A2: one account with many workspaces sends one person one mail a minute, and
// makes a bounded number of workspaces a day.
func TestA02OneRecipientIsMailedOnceAMinuteAcrossWorkspaces(t *testing.T) {
	awayFromMidnight()
	admin := person(t, "ada-"+unique()+"@corp.com", "Ada Admin")
	email := "victim-" + unique() + "@corp.com"
	deliveries := map[string]int{}
	for i := range 10 {
		ws := want[struct{ ID string }](t, admin.send("POST", "/v1/workspaces", map[string]any{"name": "Nexus"}, nil), http.StatusCreated)
		if i >= 8 {
			continue
		}
		u := want[apiUser](t, admin.send("POST", "/v1/workspaces/"+ws.ID+"/users", map[string]any{"name": "V", "email": email, "role": "builder"}, nil), http.StatusCreated)
		deliveries[u.Invitation.Delivery]++
	}
	if deliveries["queued"] != 1 || deliveries["scheduled"] != 7 {
		t.Errorf("deliveries of one person's invitations: %v", deliveries)
	}
	limited(t, admin.send("POST", "/v1/workspaces", map[string]any{"name": "Nexus"}, nil), "workspace_limit_day", 24*time.Hour)
	inbox(t, email, 1)
}

// runAt fires the schedule as if it were that instant, and returns how many
// scheduled mails left.
func (o office) runAt(now time.Time) (mailed int) {
	o.t.Helper()
	report := want[struct{ Mailed, Failed int }](o.t, o.admin.send("POST", "/local/run/expire", map[string]any{"now": now}, nil), http.StatusOK)
	if report.Failed > 0 {
		o.t.Errorf("%d items failed", report.Failed)
	}
	return report.Mailed
}

// A3, A14: a batch over the day's limit is done as a whole. Its mails leave on
// the days to come, those of the first rows first, and none twice.
func TestA14ABatchOverTheLimitIsMailedOverTheNextDays(t *testing.T) {
	awayFromMidnight()
	onStack(t, local.Config{})
	o := newOffice(t)
	rows := loud(500)
	a := o.admin.batch(o.path+"/users/batch", map[string]any{"users": rows}, nil)
	if a.tally()["created"] != 500 || a.Scheduled != 300 {
		t.Fatalf("outcomes %v, %d mails wait", a.tally(), a.Scheduled)
	}
	if total, mine := o.mails(); total != 200 || mine != 200 {
		t.Errorf("%d mails are counted today, %d of them the admin's", total, mine)
	}
	waiting := func(want int) { // the rows from there on
		t.Helper()
		for i, r := range a.Results {
			if delivery := o.get(r.User.ID).Invitation.Delivery; (delivery == "scheduled") != (i >= want) {
				t.Fatalf("row %d is %s, and %d rows were to be mailed", i+1, delivery, want)
			}
		}
	}
	waiting(200)
	day := time.Now().UTC().Truncate(24 * time.Hour)
	for i, c := range []struct{ mailed, first int }{{200, 400}, {100, 500}, {0, 500}} {
		now := day.Add(time.Duration(i+1)*24*time.Hour + time.Hour)
		mailed := o.runAt(now) + o.runAt(now.Add(time.Hour))
		if mailed != c.mailed {
			t.Errorf("day %d: %d mails left, want %d", i+1, mailed, c.mailed)
		}
		waiting(c.first)
	}
	addresses := map[string]int{}
	within(t, time.Minute, func() error { // 500 mails
		clear(addresses)
		var store struct{ Emails []mail }
		newClient(t, "").send("GET", stack.MailURL+"/store", nil, nil).decode(t, &store)
		for _, m := range store.Emails {
			addresses[m.Destination.To[0]]++
		}
		if missing := slices.IndexFunc(rows, func(row map[string]any) bool { return addresses[row["email"].(string)] == 0 }); missing >= 0 {
			u := o.get(a.Results[missing].User.ID)
			return fmt.Errorf("%d people have a mail; row %d is %s %q", len(addresses), missing+1, u.Invitation.Delivery, u.Invitation.DeliveryReason)
		}
		return nil
	})
	for _, row := range rows {
		if n := addresses[row["email"].(string)]; n != 1 {
			t.Errorf("%s has %d mails", row["email"], n)
		}
	}
}

// A4: a complaint is the person's, not the link's: neither a resend without
// mail, nor erasure, nor a new invitation takes it back, and no reminder follows.
func TestA04AComplaintHoldsThroughEverything(t *testing.T) {
	o := newOffice(t)
	want[any](t, o.admin.send("PATCH", o.path, map[string]any{"reminderDays": 3}, nil), http.StatusOK)
	u := o.invite(map[string]any{"email": simulator("complaint")})
	o.becomes(u.ID, "complained")
	o.wait(u.ID, 2*time.Minute)
	refused(t, o.act(u.ID, "resend"), http.StatusConflict, "recipient_complained")
	want[any](t, o.admin.send("POST", o.path+"/users/"+u.ID+"/resend", map[string]any{"sendEmail": false}, nil), http.StatusOK)
	refused(t, o.act(u.ID, "resend"), http.StatusConflict, "recipient_complained")
	refused(t, o.admin.send("POST", o.path+"/users/"+u.ID+"/resend", map[string]any{"confirm": true}, nil), http.StatusConflict, "recipient_complained")
	o.archiveAndErase(u.ID)
	refused(t, o.inviteAgain(u.Email, true), http.StatusConflict, "recipient_complained")
	want[any](t, o.inviteAgain(u.Email, false), http.StatusCreated)
	refused(t, o.act(u.ID, "resend"), http.StatusConflict, "recipient_complained")

	complainer := o.invite(map[string]any{"email": simulator("complaint")})
	o.becomes(complainer.ID, "complained")
	reporter := o.invite(nil)
	_, report := waysOut(t, inbox(t, reporter.Email, 1)[0])
	want[any](t, newClient(t, "").send("POST", report, "", oneClick), http.StatusNoContent)
	o.wait(reporter.ID, 2*time.Minute)
	refused(t, o.act(reporter.ID, "resend"), http.StatusConflict, "recipient_reported")
	reminded := o.invite(nil)
	inbox(t, reminded.Email, 1)
	o.expire(5 * 24 * time.Hour)
	inbox(t, reminded.Email, 2) // so the reminders are out
	inbox(t, complainer.Email, 1)
	inbox(t, reporter.Email, 1)
	inbox(t, u.Email, 1)
}

// A5: a founder, who was never invited, learns that they have access again,
// and can refuse such mail.
func TestA05ARestoredFounderIsTold(t *testing.T) {
	o := newOffice(t)
	founder := o.me()
	second := o.colleague()
	want[any](t, second.act(founder, "archive"), http.StatusOK)
	want[any](t, second.act(founder, "restore"), http.StatusOK)
	m := inbox(t, o.email, 1)[0]
	if !strings.Contains(m.Subject, "You have access") {
		t.Errorf("the founder reads %q", m.Subject)
	}
	unsubscribe, _ := waysOut(t, m)
	want[any](t, newClient(t, "").send("POST", unsubscribe, "List-Unsubscribe=One-Click", oneClick), http.StatusNoContent)
	rested(t, o.email, 2*time.Minute)
	want[any](t, second.act(founder, "archive"), http.StatusOK)
	want[any](t, second.act(founder, "restore"), http.StatusOK)
	other := second.invite(nil)
	inbox(t, other.Email, 1)
	inbox(t, o.email, 1)
}

// A10: somebody who was erased can still say that they want no mail.
func TestA10AnErasedPersonCanUnsubscribe(t *testing.T) {
	o := newOffice(t)
	u := o.invite(nil)
	unsubscribe, _ := waysOut(t, inbox(t, u.Email, 1)[0])
	o.archiveAndErase(u.ID)
	nobody := newClient(t, "")
	if page := nobody.send("GET", unsubscribe, nil, browser); page.status != http.StatusOK || !strings.Contains(string(page.body), "<form") {
		t.Errorf("%d %s", page.status, page.body)
	}
	want[any](t, nobody.send("POST", unsubscribe, "List-Unsubscribe=One-Click", oneClick), http.StatusNoContent)
	refused(t, o.inviteAgain(u.Email, true), http.StatusConflict, "recipient_unsubscribed")
	// They alone can take it back.
	want[any](t, nobody.send("POST", strings.TrimSuffix(unsubscribe, "unsubscribe")+"resubscribe", "", oneClick), http.StatusNoContent)
	rested(t, u.Email, 2*time.Minute)
	want[any](t, o.inviteAgain(u.Email, true), http.StatusCreated)
	inbox(t, u.Email, 2)
}

// A12: that an address returned its mail is said before that it was mailed a
// moment ago, and in every workspace.
func TestA12ABounceIsSaidWithinTheMinute(t *testing.T) {
	o := newOffice(t)
	u := o.invite(map[string]any{"email": simulator("bounce")})
	o.becomes(u.ID, "bounced")
	refused(t, o.act(u.ID, "resend"), http.StatusConflict, "recipient_undeliverable")
	other := newOffice(t)
	refused(t, other.inviteAgain(u.Email, true), http.StatusConflict, "recipient_undeliverable")
	// A row of CSV can confirm the address, as one of JSON can.
	for _, c := range [][2]string{{"", `"failed"`}, {"true", `"created"`}} {
		a := other.admin.send("POST", other.path+"/users/batch", "name,email,role,confirm\nJohn,"+u.Email+",builder,"+c[0]+"\n", csvFile)
		if a.status != http.StatusOK || !strings.Contains(string(a.body), c[1]) {
			t.Errorf("confirm %q: %d %s", c[0], a.status, a.body)
		}
	}
}

// A19: archiving by mistake and restoring within a minute works for a pending
// person, one by one and in batches; the mail waits.
func TestA19AMistakenArchiveIsUndoneAtOnce(t *testing.T) {
	awayFromMidnight()
	o := newOffice(t)
	var pending []string
	for range 3 {
		u := o.invite(nil)
		inbox(t, u.Email, 1)
		pending = append(pending, u.ID)
	}
	equal(t, "archived", o.admin.batch(o.path+"/users/batch/archive", ids(pending...), nil).said(), slices.Repeat([]string{"archived"}, 3))
	first := want[apiUser](t, o.act(pending[0], "restore"), http.StatusOK)
	equal(t, "restored", o.admin.batch(o.path+"/users/batch/restore", ids(pending[1:]...), nil).said(), slices.Repeat([]string{"restored"}, 2))
	for _, id := range pending {
		if u := o.get(id); u.Status != "requested" || u.Invitation.Delivery != "scheduled" {
			t.Errorf("restored: %s, delivery %s", u.Status, u.Invitation.Delivery)
		}
	}
	o.accept(first)
}
