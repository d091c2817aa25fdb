package upgrade

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/latchkey/latchkey/infra/blueprint"
	"github.com/latchkey/latchkey/infra/local"
	"github.com/latchkey/latchkey/tests/caller"
)

const (
	day = 24 * time.Hour
	// answersKept and historyKept are how long a release keeps the answer to a
	// call with an Idempotency-Key, and the history.
	answersKept = day
	historyKept = 400 * day
)

// TestDataOfEarlierReleasesGoesOn starts this code on what each earlier release
// left, and goes on as the people in it would. The fixture's invitations end,
// at the latest, 30 days after its making: the test asks of each link what its
// age calls for, so that it holds on any day.
func TestDataOfEarlierReleasesGoesOn(t *testing.T) {
	if *release != "" {
		t.Skip("testdata is being written")
	}
	files, err := filepath.Glob(path("*.tar.gz"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no fixture: %v", err)
	}
	for _, file := range files {
		name := strings.TrimSuffix(file, ".tar.gz")
		t.Run(filepath.Base(name), func(t *testing.T) {
			data := t.TempDir()
			if err := unpack(file, data); err != nil {
				t.Fatal(err)
			}
			h := &heir{t: t, fixture: readFixture(t, name+".json"), stack: start(t, data, nil)}
			h.goOn()
		})
	}
}

// heir is a stack of this code with the data of an earlier release.
type heir struct {
	t       *testing.T
	fixture fixture
	stack   *local.Stack
}

// goOn runs the steps in an order in which each still finds what it needs: what
// reads comes first, the schedule's run of a distant day last.
func (h *heir) goOn() {
	for _, step := range []struct {
		name string
		run  func(*heir)
	}{
		{"workspaces read as before", (*heir).workspacesReadAsBefore},
		{"users read as before", (*heir).usersReadAsBefore},
		{"history reads as before", (*heir).historyReadsAsBefore},
		{"answers are repeated", (*heir).answersAreRepeated},
		{"old links open what they did", (*heir).oldLinksOpenWhatTheyDid},
		{"dead links stay dead", (*heir).deadLinksStayDead},
		{"an old ETag guards an edit", (*heir).anOldETagGuardsAnEdit},
		{"whoever asked for no mail gets none", (*heir).unsubscribedStayUnmailed},
		{"old links have one purpose", (*heir).oldLinksHaveOnePurpose},
		{"an address that bounced needs confirming", (*heir).bouncedNeedsConfirming},
		{"old invitations are accepted", (*heir).oldInvitationsAreAccepted},
		{"resending kills the old link", (*heir).resendingKillsTheOldLink},
		{"archived users come back", (*heir).archivedUsersComeBack},
		{"active users can be archived", (*heir).activeUsersCanBeArchived},
		{"erased users can come back", (*heir).erasedUsersCanComeBack},
		{"new users are invited and mailed", (*heir).newUsersAreInvitedAndMailed},
		{"the seat limit is exact", (*heir).theSeatLimitIsExact},
		{"a pause holds until an operator ends it", (*heir).aPauseHolds},
		{"the schedule ends what is due", (*heir).theScheduleEndsWhatIsDue},
		{"counts are exact", (*heir).countsAreExact},
		{"nothing was given up", (*heir).nothingWasGivenUp},
	} {
		outer := h.t
		outer.Run(step.name, func(t *testing.T) {
			h.t = t
			step.run(h)
		})
		h.t = outer
	}
}

// past reports whether an invitation of the fixture has ended by now.
func past(u caller.User) bool { return u.Invitation != nil && time.Now().After(u.Invitation.ExpiresAt) }

func pending(status string) bool { return status == "requested" || status == "invited" }

// tenant is a workspace of the fixture, in the hands of its admin.
type tenant struct {
	*heir
	view  *workspaceView
	admin caller.Caller
	path  string
}

func (h *heir) tenant(label string) tenant {
	h.t.Helper()
	view := h.fixture.Workspaces[label]
	if view == nil {
		h.t.Fatalf("the fixture has no workspace %q", label)
	}
	o := tenant{heir: h, view: view, path: "/v1/workspaces/" + view.ID}
	if view.AdminEmail == "" {
		o.admin = caller.Operator(h.t, h.stack.URL, "crm")
	} else {
		o.admin = caller.Person(h.t, h.stack.URL, view.AdminEmail, "Ada Admin")
	}
	return o
}

// tenants returns all workspaces of the fixture, by label.
func (h *heir) tenants() map[string]tenant {
	all := map[string]tenant{}
	for label := range h.fixture.Workspaces {
		all[label] = h.tenant(label)
	}
	return all
}

type settings struct {
	SeatLimit         int
	InvitationsPaused bool
}

// settings returns what the workspace was set to when the fixture was made.
func (o tenant) settings() (s settings) {
	o.t.Helper()
	if err := json.Unmarshal(o.view.Settings, &s); err != nil {
		o.t.Fatal(err)
	}
	return s
}

// was returns a user as they were when the fixture was made.
func (o tenant) was(label string) (view *userView, u caller.User) {
	o.t.Helper()
	view = o.view.Users[label]
	if view == nil {
		o.t.Fatalf("the fixture has no user %q", label)
	}
	if err := json.Unmarshal(view.User, &u); err != nil {
		o.t.Fatal(err)
	}
	return view, u
}

func (o tenant) get(id string) (u caller.User) {
	o.t.Helper()
	o.admin.Send("GET", o.path+"/users/"+id, nil).Into(http.StatusOK, &u)
	return u
}

func (o tenant) act(id, operation string, body any) caller.Answer {
	return o.admin.Send("POST", o.path+"/users/"+id+"/"+operation, body)
}

func (o tenant) invite(email string, sendEmail bool) caller.Answer {
	return o.admin.Send("POST", o.path+"/users", map[string]any{"name": "Nina New", "email": email, "role": "builder", "sendEmail": sendEmail})
}

func (o tenant) person(u caller.User) caller.Caller {
	return caller.Person(o.t, o.stack.URL, u.Email, u.Name)
}

func (h *heir) nobody() caller.Caller { return caller.Anyone(h.t, h.stack.URL) }

// lacks returns what want has and got has not, or has otherwise, as JSON
// pointers. What got has besides is newer than want.
func lacks(pointer string, got, want any) (wrong []string) {
	members, ok := want.(map[string]any)
	if !ok {
		if !reflect.DeepEqual(got, want) {
			return []string{fmt.Sprintf("%s is %v, was %v", pointer, got, want)}
		}
		return nil
	}
	now, _ := got.(map[string]any)
	for name, value := range members {
		wrong = append(wrong, lacks(pointer+"/"+name, now[name], value)...)
	}
	return wrong
}

func parse(t *testing.T, raw []byte) (v any) {
	t.Helper()
	if err := json.Unmarshal(raw, &v); err != nil {
		t.Fatalf("%s: %v", raw, err)
	}
	return v
}

func (h *heir) workspacesReadAsBefore() {
	for label, o := range h.tenants() {
		for path, was := range map[string]json.RawMessage{"": o.view.Settings, "/groups": o.view.Groups} {
			now := o.admin.Send("GET", o.path+path, nil).Into(http.StatusOK, nil).Body
			if wrong := lacks(label+path, parse(h.t, now), parse(h.t, was)); wrong != nil {
				h.t.Error(wrong)
			}
		}
		if now := counts(o.admin, o.path); !maps.Equal(now, o.view.Counts) {
			h.t.Errorf("%s: counts %v, were %v", label, now, o.view.Counts)
		}
	}
}

// Everybody has the status, role, groups, metadata and delivery that they had,
// but those whose time has passed, who are expired; and everybody is listed.
func (h *heir) usersReadAsBefore() {
	for label, o := range h.tenants() {
		for who, view := range o.view.Users {
			_, u := o.was(who)
			want := parse(h.t, view.User).(map[string]any)
			if pending(u.Status) && past(u) {
				want["status"] = "expired"
			}
			now := o.admin.Send("GET", o.path+"/users/"+u.ID, nil).Into(http.StatusOK, nil).Body
			if wrong := lacks(label+"/"+who, parse(h.t, now), want); wrong != nil {
				h.t.Error(wrong)
			}
		}
		if n := len(o.list("")); n != len(o.view.Users) {
			h.t.Errorf("%s lists %d users, had %d", label, n, len(o.view.Users))
		}
	}
}

// list returns all users of a query.
func (o tenant) list(query string) (users []caller.User) {
	o.t.Helper()
	for cursor := ""; ; {
		var page struct {
			Users      []caller.User
			NextCursor *string
		}
		o.admin.Send("GET", o.path+"/users?limit=100"+query+cursor, nil).Into(http.StatusOK, &page)
		users = append(users, page.Users...)
		if page.NextCursor == nil {
			return users
		}
		cursor = "&cursor=" + *page.NextCursor
	}
}

func (h *heir) historyReadsAsBefore() {
	if time.Since(h.fixture.MadeAt) > historyKept-day {
		h.t.Skip("the history of this fixture is gone by its own rule")
	}
	for label, o := range h.tenants() {
		for id, was := range o.view.History {
			now := historyOf(o.admin, o.path, id)
			if len(now) < len(was) || !slices.Equal(now[:len(was)], was) {
				h.t.Errorf("%s: the history of %q is %v, was %v", label, id, now, was)
			}
		}
	}
}

// A call that was answered before the upgrade is answered alike after it, for
// as long as its key counts; later it is a new call.
func (h *heir) answersAreRepeated() {
	o := h.tenant("people")
	if len(o.view.Requests) == 0 {
		h.t.Fatal("the fixture has no calls with an Idempotency-Key")
	}
	for _, r := range o.view.Requests {
		counts := time.Since(h.fixture.MadeAt) < answersKept-time.Minute
		a := o.admin.Send("POST", r.Path, r.Body, "idempotency-key", r.Key)
		single := !strings.HasSuffix(r.Path, "/batch")
		switch {
		case counts && single:
			a.Into(r.Status, nil)
			if wrong := lacks(r.Key, withoutURL(parse(h.t, a.Body)), withoutURL(parse(h.t, r.Answer))); wrong != nil {
				h.t.Error(wrong)
			}
			if a.Header.Get("idempotent-replay") != "true" {
				h.t.Error("a repeat is not said to be one")
			}
			o.admin.Send("POST", r.Path, strings.Replace(r.Body, "Ida", "Ada", 1), "idempotency-key", r.Key).Refused(http.StatusUnprocessableEntity, "idempotency_mismatch")
		case single:
			a.Refused(http.StatusConflict, "user_exists")
		default:
			a.Into(r.Status, nil)
			created, exist := strings.Count(string(a.Body), `"outcome":"created"`), strings.Count(string(a.Body), `"outcome":"exists"`)
			if created+exist != 2 || counts && exist > 0 {
				h.t.Errorf("%s: %s", r.Key, a.Body)
			}
		}
	}
}

// withoutURL takes an invitation's link out of a user: its host is the stack's.
func withoutURL(u any) any {
	if invitation, ok := u.(map[string]any)["invitation"].(map[string]any); ok {
		delete(invitation, "url")
	}
	return u
}

func (h *heir) oldLinksOpenWhatTheyDid() {
	opened := 0
	for label, o := range h.tenants() {
		for who, view := range o.view.Users {
			if view.Link == "" {
				continue
			}
			_, u := o.was(who)
			want := u.Status
			switch {
			case pending(u.Status) && past(u):
				want = "expired"
			case pending(u.Status):
				want = "pending"
			}
			var preview struct{ Status string }
			h.nobody().Send("GET", "/v1/invitations/"+view.Link, nil).Into(http.StatusOK, &preview)
			if preview.Status != want {
				h.t.Errorf("%s/%s: the link's preview says %s, want %s", label, who, preview.Status, want)
			}
			h.nobody().Send("GET", "/invite/"+view.Link, nil).Into(http.StatusFound, nil)
			opened++
		}
	}
	if opened < 20 {
		h.t.Errorf("%d links were opened", opened)
	}
}

func (h *heir) deadLinksStayDead() {
	dead := 0
	for _, o := range h.tenants() {
		for who, view := range o.view.Users {
			_, u := o.was(who)
			for _, token := range view.Dead {
				h.nobody().Send("GET", "/v1/invitations/"+token, nil).Refused(http.StatusNotFound, "invitation_not_found")
				o.person(u).Send("POST", "/v1/invitations/"+token+"/accept", nil).Refused(http.StatusNotFound, "invitation_not_found")
				dead++
			}
		}
	}
	if dead < 20 {
		h.t.Errorf("%d dead links were tried", dead)
	}
}

// An admin who had read a user before the upgrade edits them after it.
func (h *heir) anOldETagGuardsAnEdit() {
	o := h.tenant("people")
	view, u := o.was("grouped")
	edit := func(etag string) caller.Answer {
		return o.admin.Send("PATCH", o.path+"/users/"+u.ID, map[string]any{
			"role": "end-user", "metadata": map[string]any{"apiKey": nil, "plan": "gold"},
		}, "if-match", etag)
	}
	edit(`"999999"`).Refused(http.StatusPreconditionFailed, "version_mismatch")
	var now caller.User
	edit(view.ETag).Into(http.StatusOK, &now)
	edit(view.ETag).Refused(http.StatusPreconditionFailed, "version_mismatch")
	var metadata map[string]any
	if err := json.Unmarshal(now.Metadata, &metadata); err != nil || metadata["plan"] != "gold" || metadata["apiKey"] != nil || metadata["nested"] == nil {
		h.t.Errorf("metadata %s, %v", now.Metadata, err)
	}
	if now.Role != "end-user" || now.Status != o.get(u.ID).Status {
		h.t.Errorf("edited: %+v", now)
	}
}

func (h *heir) unsubscribedStayUnmailed() {
	o := h.tenant("people")
	_, unsubscribed := o.was("unsubscribed")
	if now := o.get(unsubscribed.ID); now.Invitation.UnsubscribedAt == nil {
		h.t.Error("the admin is not told that the person unsubscribed")
	}
	o.act(unsubscribed.ID, "resend", nil).Refused(http.StatusConflict, "recipient_unsubscribed")
	o.act(unsubscribed.ID, "resend", silent).Into(http.StatusOK, nil)

	erased := o.view.Erased["erased-unsubscribed"]
	o.invite(erased, true).Refused(http.StatusConflict, "recipient_unsubscribed")
	o.invite(erased, false).Into(http.StatusCreated, nil)

	_, active := o.was("unsubscribed-active")
	o.act(active.ID, "archive", nil).Into(http.StatusOK, nil)
	o.act(active.ID, "restore", nil).Into(http.StatusOK, nil) // access is theirs, without a mail

	o.mailsTo("control@"+domain, func() { o.invite("control@"+domain, true).Into(http.StatusCreated, nil) })
	for _, address := range []string{unsubscribed.Email, erased, active.Email} {
		if n := len(o.inbox(address)); n > 0 {
			h.t.Errorf("%s was sent %d mails", address, n)
		}
	}
}

// mailsTo waits until what do asks for has led to a mail.
func (h *heir) mailsTo(address string, do func()) (texts []string) {
	h.t.Helper()
	before := len(h.inbox(address))
	do()
	caller.Eventually(h.t, 20*time.Second, func() error {
		if texts = h.inbox(address); len(texts) == before {
			return fmt.Errorf("%s has had %d mails", address, before)
		}
		return nil
	})
	return texts
}

// inbox returns the texts of the mails to an address that this stack has sent.
func (h *heir) inbox(address string) (texts []string) {
	h.t.Helper()
	var store struct {
		Emails []struct {
			Destination struct{ To []string }
			Body        struct{ Text string }
		}
	}
	caller.Anyone(h.t, h.stack.MailURL).Send("GET", "/store", nil).Into(http.StatusOK, &store)
	for _, m := range store.Emails {
		if slices.Contains(m.Destination.To, address) {
			texts = append(texts, m.Body.Text)
		}
	}
	return texts
}

// The ways out of an old mail were the link to accept, which admins can copy: it
// leads to no other purpose any more.
func (h *heir) oldLinksHaveOnePurpose() {
	o := h.tenant("settings")
	view, u := o.was("to-remind")
	for _, way := range []string{"unsubscribe", "report"} {
		h.nobody().Send("POST", "/v1/invitations/"+view.Link+"/"+way, nil).Refused(http.StatusNotFound, "invitation_not_found")
	}
	if now := o.get(u.ID); now.Invitation.UnsubscribedAt != nil {
		h.t.Error("a link to accept unsubscribed its person")
	}
}

func (h *heir) bouncedNeedsConfirming() {
	if time.Since(h.fixture.MadeAt) < time.Minute {
		time.Sleep(time.Minute) // of one mail to one person
	}
	o := h.tenant("people")
	_, complained := o.was("simulated-complaint")
	o.act(complained.ID, "resend", nil).Refused(http.StatusConflict, "recipient_complained")
	_, bounced := o.was("simulated-bounce")
	o.act(bounced.ID, "resend", nil).Refused(http.StatusConflict, "recipient_undeliverable")
	o.act(bounced.ID, "resend", map[string]any{"confirm": true}).Into(http.StatusOK, nil)
}

// live returns a link of a pending user that can be accepted: the fixture's
// own, or a new one where the fixture's has ended, which must say so. In a
// workspace whose invitations are paused there is no new one.
func (o tenant) live(label string) (token string, u caller.User) {
	o.t.Helper()
	view, u := o.was(label)
	if !past(u) {
		return view.Link, u
	}
	a := o.person(u).Send("POST", "/v1/invitations/"+view.Link+"/accept", nil)
	a.Refused(http.StatusConflict, "status_conflict")
	a = o.act(u.ID, "resend", silent)
	if o.settings().InvitationsPaused {
		a.Refused(http.StatusConflict, "invitations_paused")
		return "", u
	}
	a.Into(http.StatusOK, &u)
	return u.Token(), u
}

func (h *heir) oldInvitationsAreAccepted() {
	for workspace, labels := range map[string][]string{
		"people":    {"requested", "invited", "restored-pending", "reinvited", "resent", "edited", "reported", "erased-and-back", "grouped"},
		"settings":  {"umlaut", "with-message"},
		"operators": {"by-backend-pending"},
		"paused":    {"annoyed-0"},
	} {
		o := h.tenant(workspace)
		for _, label := range labels {
			token, was := o.live(label)
			if token == "" {
				continue
			}
			var u caller.User
			o.person(was).Send("POST", "/v1/invitations/"+token+"/accept", nil).Into(http.StatusOK, &u)
			if u.Status != "active" || u.Role == "" {
				h.t.Errorf("%s/%s accepted: %+v", workspace, label, u)
			}
			o.person(was).Send("POST", "/v1/invitations/"+token+"/accept", nil).Refused(http.StatusConflict, "status_conflict")
			o.person(was).Send("GET", o.path, nil).Into(http.StatusOK, nil)
			if !strings.Contains(string(o.person(was).Send("GET", "/v1/me/workspaces", nil).Into(http.StatusOK, nil).Body), o.view.ID) {
				h.t.Errorf("%s/%s does not list the workspace", workspace, label)
			}
		}
	}
	o := h.tenant("people")
	token, was := o.live("requested-unmailed")
	h.nobody().Send("POST", "/v1/invitations/"+token+"/decline", nil).Into(http.StatusOK, nil)
	if now := o.get(was.ID); now.Status != "declined" {
		h.t.Errorf("declined: %+v", now)
	}
}

func (h *heir) resendingKillsTheOldLink() {
	o := h.tenant("people")
	for _, label := range []string{"declined", "expired", "simulated-success"} {
		view, u := o.was(label)
		var now caller.User
		o.act(u.ID, "resend", silent).Into(http.StatusOK, &now)
		h.nobody().Send("GET", "/v1/invitations/"+view.Link, nil).Refused(http.StatusNotFound, "invitation_not_found")
		var preview struct{ Status string }
		h.nobody().Send("GET", "/v1/invitations/"+now.Token(), nil).Into(http.StatusOK, &preview)
		if !pending(now.Status) || preview.Status != "pending" {
			h.t.Errorf("%s was sent again and is %s, its link %s", label, now.Status, preview.Status)
		}
	}
}

func (h *heir) archivedUsersComeBack() {
	o := h.tenant("people")
	_, active := o.was("archived-active")
	var now caller.User
	o.act(active.ID, "restore", silent).Into(http.StatusOK, &now)
	if now.Status != "active" || !slices.Equal(now.Groups, []string{"managers"}) {
		h.t.Errorf("restored: %+v", now)
	}
	o.person(active).Send("GET", o.path, nil).Into(http.StatusOK, nil)
	_, waiting := o.was("archived-pending")
	o.act(waiting.ID, "restore", silent).Into(http.StatusOK, &now)
	if !pending(now.Status) || !strings.Contains(string(now.Metadata), "kept") {
		h.t.Errorf("restored: %+v", now)
	}
	o.person(waiting).Send("POST", "/v1/invitations/"+now.Token()+"/accept", nil).Into(http.StatusOK, nil)
}

func (h *heir) activeUsersCanBeArchived() {
	o := h.tenant("people")
	for _, label := range []string{"active", "second-admin", "restored-active"} {
		_, u := o.was(label)
		o.person(u).Send("GET", o.path, nil).Into(http.StatusOK, nil) // bound to their account still
		o.act(u.ID, "archive", nil).Into(http.StatusOK, nil)
		o.person(u).Send("GET", o.path, nil).Refused(http.StatusNotFound, "workspace_not_found")
	}
	_, founder := o.was("founder")
	o.act(founder.ID, "archive", nil).Refused(http.StatusConflict, "last_admin")
}

func (h *heir) erasedUsersCanComeBack() {
	o := h.tenant("people")
	view, u := o.was("expired-mailed")
	o.admin.Send("DELETE", o.path+"/users/"+u.ID, nil).Into(http.StatusNoContent, nil)
	o.admin.Send("GET", o.path+"/users/"+u.ID, nil).Refused(http.StatusNotFound, "user_not_found")
	o.invite(u.Email, false).Into(http.StatusCreated, nil)
	h.nobody().Send("GET", "/v1/invitations/"+view.Link, nil).Refused(http.StatusNotFound, "invitation_not_found")

	o.invite(o.view.Erased["erased"], false).Into(http.StatusCreated, nil)
}

func (h *heir) newUsersAreInvitedAndMailed() {
	for label, o := range h.tenants() {
		if label == "full" || label == "seats" || label == "paused" {
			continue // tried below
		}
		address := "nina." + label + "@" + domain
		var u caller.User
		mails := o.mailsTo(address, func() { o.invite(address, true).Into(http.StatusCreated, &u) })
		if len(mails) != 1 || !strings.Contains(mails[0], "/invite/"+u.Token()) {
			h.t.Errorf("%s: the mail has not the link %s: %q", label, u.Token(), mails)
		}
		o.person(u).Send("POST", "/v1/invitations/"+u.Token()+"/accept", nil).Into(http.StatusOK, nil)
		o.invite(address, true).Refused(http.StatusConflict, "user_exists")
	}
}

// As many get in as there are seats, and no more, however many are invited at
// once. Those whose time has passed hold none; an invitation that meets another
// one at freeing their seats may be refused, and gets in when it is repeated.
func (h *heir) theSeatLimitIsExact() {
	for _, label := range []string{"seats", "full"} {
		o := h.tenant(label)
		free := o.settings().SeatLimit
		for who := range o.view.Users {
			if _, u := o.was(who); u.Status == "active" || pending(u.Status) && !past(u) {
				free--
			}
		}
		answers := make([]caller.Answer, free+5)
		var all sync.WaitGroup
		for i := range answers {
			all.Go(func() { answers[i] = o.invite(fmt.Sprintf("seat-%d@%s", i, domain), false) })
		}
		all.Wait()
		answers = append(answers, o.invite("repeated-1@"+domain, false), o.invite("repeated-2@"+domain, false))
		got := 0
		for _, a := range answers {
			if a.Status == http.StatusCreated {
				got++
			} else {
				a.Refused(http.StatusConflict, "seat_limit_reached")
			}
		}
		if got != free {
			h.t.Errorf("%s: %d got in, %d seats were free", label, got, free)
		}
		_, u := o.was("pending") // may have ended, and then needs a seat anew
		o.act(u.ID, "archive", nil).Into(http.StatusOK, nil)
		if past(u) {
			continue
		}
		o.invite("freed@"+domain, false).Into(http.StatusCreated, nil)
		o.invite("freed-2@"+domain, false).Refused(http.StatusConflict, "seat_limit_reached")
	}
}

func (h *heir) aPauseHolds() {
	o := h.tenant("paused")
	o.invite("after@"+domain, false).Refused(http.StatusConflict, "invitations_paused")
	caller.Operator(h.t, h.stack.URL, "ops").Send("PATCH", o.path, map[string]any{"invitationsPaused": false}).Into(http.StatusOK, nil)
	o.invite("after@"+domain, false).Into(http.StatusCreated, nil)
}

// A run of the schedule on a distant day expires everybody who is pending, and
// ends the deletion of a group that the earlier release had begun.
func (h *heir) theScheduleEndsWhatIsDue() {
	o := h.tenant("people")
	for _, group := range o.view.Deleting {
		o.admin.Send("PUT", o.path+"/groups/"+group, nil).Refused(http.StatusConflict, "group_being_deleted")
	}
	now := map[string]any{"now": time.Now().Add(40 * day).UTC().Format(time.RFC3339)}
	h.nobody().Send("POST", "/local/run/expire", now).Into(http.StatusOK, nil)
	for label, o := range h.tenants() {
		if now := counts(o.admin, o.path); now["requested"]+now["invited"] > 0 {
			h.t.Errorf("%s: still pending after 40 days: %v", label, now)
		}
		for _, group := range o.view.Deleting {
			if left := o.list("&group=" + group); len(left) > 0 {
				h.t.Errorf("%d users are in the deleted group %s", len(left), group)
			}
			o.admin.Send("PUT", o.path+"/groups/"+group, nil).Into(http.StatusCreated, nil)
		}
	}
}

func (h *heir) countsAreExact() {
	for label, o := range h.tenants() {
		listed := map[string]int{}
		for _, u := range o.list("") {
			listed[u.Status]++
		}
		for status, n := range counts(o.admin, o.path) {
			if n != listed[status] {
				h.t.Errorf("%s counts %d %s, lists %d", label, n, status, listed[status])
			}
		}
	}
}

func (h *heir) nothingWasGivenUp() {
	for _, q := range blueprint.Queues() {
		if q.DeadLetter != "" {
			continue
		}
		if depth, err := h.stack.Queues.Depth(q.Name); err != nil || depth.Visible+depth.InFlight > 0 {
			h.t.Errorf("%s holds %+v, %v", q.Name, depth, err)
		}
	}
}

// The items that are kept for the tests of the store are of every entity that
// the table knows.
func TestItemsCoverEveryEntity(t *testing.T) {
	files, err := filepath.Glob(path("items-*.json"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no items: %v", err)
	}
	for _, file := range files {
		raw, err := os.ReadFile(file)
		var items []labelled
		if err == nil {
			err = json.Unmarshal(raw, &items)
		}
		if err != nil {
			t.Fatal(err)
		}
		have := map[string]bool{}
		for _, i := range items {
			entity, _, _ := strings.Cut(i.Label, " ")
			have[entity] = true
		}
		for _, entity := range []string{"account", "erased", "group", "history", "mail", "request", "sent", "slug", "tally", "user", "workspace"} {
			if !have[entity] {
				t.Errorf("%s has no item of the entity %s", file, entity)
			}
		}
	}
}
