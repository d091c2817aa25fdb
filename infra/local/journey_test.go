package local_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/latchkey/latchkey/shared/user"
)

// The main job, as its people go through it: invite, mail, link, sign in,
// accept, list, archive, restore.
func TestTheWholeJourney(t *testing.T) {
	o := newOffice(t)
	want[any](t, o.admin.send("PUT", o.path+"/groups/manager", map[string]any{"name": "Manager"}, nil), http.StatusCreated)
	john := o.invite(map[string]any{"groups": []string{"manager"}, "metadata": map[string]any{"apiKey": "abc123"}})
	if john.Status != "requested" || john.Invitation.Delivery != "queued" || john.Invitation.Sends != 1 || string(john.Metadata) != `{"apiKey":"abc123"}` || len(john.Groups) != 1 {
		t.Errorf("invited: %+v", john)
	}

	m := inbox(t, john.Email, 1)[0]
	if !strings.Contains(m.Subject, "Ada Admin") || !strings.Contains(m.Subject, "Nexus") {
		t.Errorf("the subject %q names neither inviter nor workspace", m.Subject)
	}
	for part, text := range map[string]string{"HTML": m.Body.HTML, "text": m.Body.Text} {
		for _, needed := range []string{"Ada Admin", "Nexus", "uilder", john.Invitation.ExpiresAt.Format("2 January 2006")} {
			if !strings.Contains(text, needed) {
				t.Errorf("the %s part lacks %q", part, needed)
			}
		}
	}
	fromHTML, fromText := linksOf(t, m)
	if fromHTML != john.Invitation.URL || fromText != john.Invitation.URL {
		t.Errorf("links %q and %q, not %q", fromHTML, fromText, john.Invitation.URL)
	}
	eventually(t, func() error {
		if u := o.get(john.ID); u.Invitation.Delivery != "delivered" {
			return fmt.Errorf("delivery is %s", u.Invitation.Delivery)
		}
		return nil
	})

	nobody := newClient(t, "")
	follow := nobody.send("GET", fromText, nil, nil)
	if follow.status != http.StatusFound || follow.header.Get("location") != stack.URL+"/signup#invitation="+tokenOf(fromText) {
		t.Errorf("the link leads to %d %q", follow.status, follow.header.Get("location"))
	}
	type preview struct {
		Workspace           struct{ ID, Slug, Name string }
		Inviter             struct{ Name string }
		Email, Role, Status string
		ExpiresAt           time.Time
		Next                string
	}
	invitation := "/v1/invitations/" + tokenOf(fromText)
	p := want[preview](t, nobody.send("GET", invitation, nil, nil), http.StatusOK)
	if p.Workspace.Name != "Nexus" || p.Inviter.Name != "Ada Admin" || p.Email != john.Email || p.Role != "builder" || p.Next != "signup" || p.Status != "pending" {
		t.Errorf("preview %+v", p)
	}

	// John signs up, and is known to have an account from then on.
	signUp := nobody.send("POST", "/local/signup", map[string]any{"email": john.Email, "name": "John Doe"}, nil)
	if signUp.status != http.StatusOK {
		t.Fatalf("sign-up: %d %s", signUp.status, signUp.body)
	}
	if u := o.get(john.ID); u.Status != "invited" {
		t.Errorf("after the sign-up, %s", u.Status)
	}
	if p := want[preview](t, nobody.send("GET", invitation, nil, nil), http.StatusOK); p.Next != "login" {
		t.Errorf("with an account, next is %s", p.Next)
	}

	johns := person(t, john.Email, "John Doe")
	active := want[apiUser](t, johns.send("POST", invitation+"/accept", nil, nil), http.StatusOK)
	if active.Status != "active" || active.ActivatedAt == nil || string(active.Metadata) != `{"apiKey":"abc123"}` {
		t.Errorf("accepted: %+v", active)
	}
	if got := refused(t, johns.send("POST", invitation+"/accept", nil, nil), http.StatusConflict, "status_conflict"); got.User == nil || got.User.Status != "active" {
		t.Errorf("a second accept names %+v", got.User)
	}
	if users := o.list("?status=active"); len(users) != 2 {
		t.Errorf("%d active users", len(users))
	}
	mine := want[struct {
		Workspaces []struct{ ID, Slug, Name, Role, Status string }
	}](t, johns.send("GET", "/v1/me/workspaces", nil, nil), http.StatusOK)
	if len(mine.Workspaces) != 1 || mine.Workspaces[0].Status != "active" || mine.Workspaces[0].Slug != o.slug {
		t.Errorf("John's workspaces: %+v", mine)
	}
	me := want[apiUser](t, johns.send("GET", o.path+"/users/me", nil, nil), http.StatusOK)
	if me.ID != john.ID || string(me.Metadata) != `{"apiKey":"abc123"}` {
		t.Errorf("me: %+v", me)
	}
	refused(t, johns.send("GET", o.path+"/users", nil, nil), http.StatusForbidden, "admin_required")

	archived := want[apiUser](t, o.admin.send("POST", o.path+"/users/"+john.ID+"/archive", nil, nil), http.StatusOK)
	if archived.Status != "archived" || archived.ArchivedAt == nil {
		t.Errorf("archived: %+v", archived)
	}
	refused(t, johns.send("GET", o.path, nil, nil), http.StatusNotFound, "workspace_not_found")
	refused(t, nobody.send("GET", invitation, nil, nil), http.StatusNotFound, "invitation_not_found")

	restored := want[apiUser](t, o.admin.send("POST", o.path+"/users/"+john.ID+"/restore", nil, nil), http.StatusOK)
	if restored.Status != "active" || restored.ArchivedAt != nil || restored.Role != "builder" {
		t.Errorf("restored: %+v", restored)
	}
	want[any](t, johns.send("GET", o.path, nil, nil), http.StatusOK)
	inbox(t, john.Email, 1) // and no second mail has come of all this
}

func (o office) list(query string) (users []apiUser) {
	o.t.Helper()
	cursor := ""
	for {
		path := o.path + "/users" + query
		if cursor != "" {
			path += map[bool]string{true: "&", false: "?"}[strings.Contains(path, "?")] + "cursor=" + cursor
		}
		page := want[struct {
			Users      []apiUser
			NextCursor *string
		}](o.t, o.admin.send("GET", path, nil, nil), http.StatusOK)
		users = append(users, page.Users...)
		if page.NextCursor == nil {
			return users
		}
		cursor = *page.NextCursor
	}
}

func TestRequestedAndInvitedAreToldApart(t *testing.T) {
	o := newOffice(t)
	known := "known-" + unique() + "@corp.com"
	want[any](t, person(t, known, "Known").send("PUT", "/v1/me", nil, nil), http.StatusNoContent)
	if u := o.invite(map[string]any{"email": strings.ToUpper(known)}); u.Status != "invited" || u.Email != strings.ToUpper(known) {
		t.Errorf("somebody with an account is %s as %s", u.Status, u.Email)
	}
	stranger := o.invite(nil)
	if stranger.Status != "requested" {
		t.Errorf("somebody without an account is %s", stranger.Status)
	}
	// A token alone makes no account.
	token(t, map[string]any{"email": stranger.Email})
	if u := o.get(stranger.ID); u.Status != "requested" {
		t.Errorf("a token made %s of requested", u.Status)
	}
	want[any](t, person(t, stranger.Email, "").send("PUT", "/v1/me", nil, nil), http.StatusNoContent)
	if u := o.get(stranger.ID); u.Status != "invited" {
		t.Errorf("with an account, %s", u.Status)
	}
}

// Rule 25: resend works from every state of the table, keeps the id, and kills
// older links.
func TestRule25ResendWorksFromEveryState(t *testing.T) {
	o := newOffice(t)
	nobody := newClient(t, "")
	resend := func(u apiUser) apiUser {
		t.Helper()
		o.wait(u.ID, time.Minute)
		again := want[apiUser](t, o.admin.send("POST", o.path+"/users/"+u.ID+"/resend", nil, nil), http.StatusOK)
		if again.ID != u.ID || again.Invitation.URL == u.Invitation.URL || again.Invitation.Sends != u.Invitation.Sends+1 {
			t.Errorf("resent: %+v", again.Invitation)
		}
		refused(t, nobody.send("GET", "/v1/invitations/"+tokenOf(u.Invitation.URL), nil, nil), http.StatusNotFound, "invitation_not_found")
		return again
	}
	pending := o.invite(nil)
	inbox(t, pending.Email, 1) // or the mail of a dead link would rightly not be sent
	resend(pending)
	inbox(t, pending.Email, 2)

	declined := o.invite(nil)
	want[any](t, nobody.send("POST", "/v1/invitations/"+tokenOf(declined.Invitation.URL)+"/decline", nil, nil), http.StatusOK)
	if u := o.get(declined.ID); u.Status != "declined" {
		t.Errorf("declined is %s", u.Status)
	}
	resend(declined)

	expired := o.invite(map[string]any{"expiresInDays": 1})
	o.expire(25 * time.Hour)
	if u := o.get(expired.ID); u.Status != "expired" {
		t.Errorf("a day later, %s", u.Status)
	}
	again := resend(expired)
	if u := o.accept(again); u.Status != "active" {
		t.Errorf("accepted after a resend: %s", u.Status)
	}
	refused(t, o.admin.send("POST", o.path+"/users/"+expired.ID+"/resend", nil, nil), http.StatusConflict, "status_conflict")
}

// expire fires the schedule as if it were so much later.
func (o office) expire(later time.Duration) {
	o.t.Helper()
	res := o.admin.send("POST", "/local/run/expire", map[string]any{"now": time.Now().Add(later)}, nil)
	if res.status != http.StatusOK {
		o.t.Fatalf("the schedule: %d %s", res.status, res.body)
	}
}

// Copying the link changes nothing: the one that was mailed stays good.
func TestCopiedLinkIsTheMailedOne(t *testing.T) {
	o := newOffice(t)
	u := o.invite(nil)
	copied := want[apiUser](t, o.admin.send("GET", o.path+"/users/"+u.ID+"/link", nil, nil), http.StatusOK)
	mailed, _ := linksOf(t, inbox(t, u.Email, 1)[0])
	if copied.Invitation.URL != mailed || copied.Version != u.Version {
		t.Errorf("copied %q, mailed %q", copied.Invitation.URL, mailed)
	}
	o.accept(u)
	refused(t, o.admin.send("GET", o.path+"/users/"+u.ID+"/link", nil, nil), http.StatusConflict, "status_conflict")
}

func TestRestoreOfWhoNeverAcceptedMailsANewLink(t *testing.T) {
	o := newOffice(t)
	u := o.invite(nil)
	inbox(t, u.Email, 1)
	want[any](t, o.admin.send("POST", o.path+"/users/"+u.ID+"/archive", nil, nil), http.StatusOK)
	o.wait(u.ID, time.Minute)
	restored := want[apiUser](t, o.admin.send("POST", o.path+"/users/"+u.ID+"/restore", nil, nil), http.StatusOK)
	if restored.Status != "requested" || restored.Invitation.URL == u.Invitation.URL {
		t.Errorf("restored: %+v", restored)
	}
	m := inbox(t, u.Email, 2)[1]
	if link, _ := linksOf(t, m); link != restored.Invitation.URL {
		t.Errorf("mailed %q, not %q", link, restored.Invitation.URL)
	}
	o.accept(restored)
	want[any](t, o.admin.send("POST", o.path+"/users/"+u.ID+"/archive", nil, nil), http.StatusOK)
	o.wait(u.ID, time.Minute)
	anew := want[apiUser](t, o.admin.send("POST", o.path+"/users/"+u.ID+"/restore", map[string]any{"reinvite": true}, nil), http.StatusOK)
	if anew.Status != "invited" || anew.Invitation.URL == "" {
		t.Errorf("invited anew: %+v", anew)
	}
}

// Rule 26: an archived person is restored, not invited as somebody new.
func TestRule26WhoIsArchivedIsRestoredNotInvitedAnew(t *testing.T) {
	o := newOffice(t)
	u := o.invite(nil)
	again := func(email string) answer {
		return o.admin.send("POST", o.path+"/users", map[string]any{"name": "X", "email": email, "role": "builder"}, nil)
	}
	for _, email := range []string{u.Email, strings.ToUpper(u.Email), "  " + u.Email + " "} { // rule 20
		if p := refused(t, again(email), http.StatusConflict, "user_exists"); p.User == nil || p.User.ID != u.ID || p.User.Status != "requested" {
			t.Errorf("%q: %+v", email, p.User)
		}
	}
	want[any](t, o.admin.send("POST", o.path+"/users/"+u.ID+"/archive", nil, nil), http.StatusOK)
	if p := refused(t, again(u.Email), http.StatusConflict, "user_exists"); p.User.ID != u.ID || p.User.Status != "archived" {
		t.Errorf("archived: %+v", p.User)
	}
	o.wait(u.ID, time.Minute)
	if back := want[apiUser](t, o.act(u.ID, "restore"), http.StatusOK); back.ID != u.ID || back.Role != u.Role || back.Name != u.Name {
		t.Errorf("restored: %+v", back)
	}
	eventually(t, func() error { // the history goes on
		if lines := o.history(u.ID); lines[0].Type != "user.restored" || lines[len(lines)-1].Type != "user.invited" {
			return fmt.Errorf("the history is %+v", lines)
		}
		return nil
	})
}

func TestRemindersAndExpiryBySchedule(t *testing.T) {
	o := newOffice(t)
	want[any](t, o.admin.send("PATCH", o.path, map[string]any{"reminderDays": 2}, nil), http.StatusOK)
	u := o.invite(nil)
	inbox(t, u.Email, 1)
	o.expire(4 * 24 * time.Hour)
	if got := o.get(u.ID); got.Invitation.Sends != 1 {
		t.Errorf("reminded too early: %+v", got.Invitation)
	}
	o.expire(5*24*time.Hour + time.Minute)
	o.expire(5*24*time.Hour + time.Hour)
	if got := o.get(u.ID); got.Invitation.Sends != 2 || got.Status != "requested" {
		t.Errorf("not reminded once: %+v", got)
	}
	reminder := inbox(t, u.Email, 2)[1]
	if link, _ := linksOf(t, reminder); link != u.Invitation.URL {
		t.Errorf("the reminder's link is %q, not %q", link, u.Invitation.URL)
	}
	o.expire(7*24*time.Hour + time.Minute)
	if got := o.get(u.ID); got.Status != "expired" {
		t.Errorf("after its time, %s", got.Status)
	}
	if users := o.list("?status=expired"); len(users) != 1 || users[0].ID != u.ID {
		t.Errorf("listed as expired: %+v", users)
	}
}

// However many runs of the schedule meet, everybody is reminded once, and no
// limit of mails stops that; a reminder is counted all the same.
func TestManyRunsOfTheScheduleRemindOnce(t *testing.T) {
	o := newOffice(t)
	want[any](t, o.admin.send("PATCH", o.path, map[string]any{"reminderDays": 2}, nil), http.StatusOK)
	var users []apiUser
	for range 4 {
		users = append(users, o.invite(nil))
	}
	quiet := o.invite(map[string]any{"sendEmail": false})
	for _, u := range users {
		inbox(t, u.Email, 1)
	}
	o.mailed(200, 100) // nothing is left of today's
	later := map[string]any{"now": time.Now().Add(5*24*time.Hour + time.Minute)}
	race(t, 5, func(int) (answer, error) { return o.admin.try("POST", "/local/run/expire", later, nil) })
	o.expire(5*24*time.Hour + 2*time.Minute)
	for _, u := range users {
		reminder := inbox(t, u.Email, 2)[1]
		if link, _ := linksOf(t, reminder); link != u.Invitation.URL {
			t.Errorf("the reminder's link is %q, not %q", link, u.Invitation.URL)
		}
		if got := o.get(u.ID); got.Invitation.Sends != 2 {
			t.Errorf("%d mails were asked for", got.Invitation.Sends)
		}
	}
	inbox(t, quiet.Email, 0) // who was sent nothing is reminded of nothing
	o.accept(users[0])
}

// Every write becomes one line of history and one event on the bus.
func TestHistoryAndEventsFollowEveryWrite(t *testing.T) {
	o := newOffice(t)
	u := o.invite(nil)
	inbox(t, u.Email, 1)
	o.accept(u)
	want[any](t, o.admin.send("POST", o.path+"/users/"+u.ID+"/archive", nil, nil), http.StatusOK)
	want[any](t, o.admin.send("POST", o.path+"/users/"+u.ID+"/restore", nil, nil), http.StatusOK)
	wanted := []string{"invitation.delivery_changed", "user.accepted", "user.archived", "user.invited", "user.restored", "workspace.created"}
	eventually(t, func() error {
		got := slices.Compact(historyTypes(t, o.id)) // sent and delivered may come as one
		if fmt.Sprint(got) != fmt.Sprint(wanted) {
			return fmt.Errorf("history %v, want %v", got, wanted)
		}
		return nil
	})
	eventually(t, func() error {
		got := slices.Compact(busTypes(o.id))
		if fmt.Sprint(got) != fmt.Sprint(wanted) {
			return fmt.Errorf("events %v, want %v", got, wanted)
		}
		return nil
	})
}

func TestSendEmailFalseSendsNothing(t *testing.T) {
	o := newOffice(t)
	quiet := o.invite(map[string]any{"sendEmail": false})
	if quiet.Invitation.Delivery != "none" || quiet.Invitation.Sends != 0 || quiet.Invitation.URL == "" {
		t.Errorf("without mail: %+v", quiet.Invitation)
	}
	loud := o.invite(nil)
	inbox(t, loud.Email, 1) // sent later, arrived: so the first would have
	inbox(t, quiet.Email, 0)
	o.accept(quiet)
}

func TestOperatorsActAsAdmins(t *testing.T) {
	operator := newClient(t, token(t, map[string]any{"clientId": "billing", "scope": "latchkey/operator"}))
	ws := want[struct{ ID string }](t, operator.send("POST", "/v1/workspaces", map[string]any{"name": "Made by a backend"}, nil), http.StatusCreated)
	path := "/v1/workspaces/" + ws.ID
	u := want[apiUser](t, operator.send("POST", path+"/users", map[string]any{"name": "First Admin", "email": "first-" + unique() + "@corp.com", "role": "admin"}, nil), http.StatusCreated)
	if u.Invitation.InvitedBy != user.OperatorPrefix+"billing" {
		t.Errorf("invited by %s", u.Invitation.InvitedBy)
	}
	inbox(t, u.Email, 1)
	admin := person(t, u.Email, "First Admin")
	want[any](t, admin.send("POST", "/v1/invitations/"+tokenOf(u.Invitation.URL)+"/accept", nil, nil), http.StatusOK)
	want[any](t, admin.send("GET", path+"/users", nil, nil), http.StatusOK)
	// The backend is no member: it has no record of its own.
	refused(t, operator.send("GET", path+"/users/me", nil, nil), http.StatusNotFound, "user_not_found")
	plain := newClient(t, token(t, map[string]any{"clientId": "reporting", "scope": "other/scope"}))
	refused(t, plain.send("GET", path, nil, nil), http.StatusNotFound, "workspace_not_found")
}
