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

// ids is the body of the batches that name users by id.
func ids(users ...string) map[string]any { return map[string]any{"users": users} }

// crowd invites so many quiet people, and gives their ids.
func (o office) crowd(n int) (users []string) {
	o.t.Helper()
	for _, r := range o.admin.batch(o.path+"/users/batch", map[string]any{"users": quiet(n)}, nil).Results {
		users = append(users, r.User.ID)
	}
	return users
}

// operator is a backend's client.
func operator(t *testing.T, name string) *client {
	return newClient(t, token(t, map[string]any{"clientId": name, "scope": "latchkey/operator"}))
}

// link is a user with the link that they have now.
func (o office) link(userID string) apiUser {
	o.t.Helper()
	return want[apiUser](o.t, o.admin.send("GET", o.path+"/users/"+userID+"/link", nil, nil), http.StatusOK)
}

func TestArchiveAndRestoreAHundred(t *testing.T) {
	o := newOffice(t)
	users := o.crowd(100)
	o.accept(o.link(users[99]))
	a := o.admin.batch(o.path+"/users/batch/archive", ids(users...), nil)
	for i, r := range a.Results {
		if r.ID != users[i] || r.Outcome != "archived" || r.User == nil || r.User.ID != r.ID || r.User.Status != "archived" || r.User.ArchivedAt == nil {
			t.Fatalf("id %d: %+v", i, r)
		}
	}
	if len(a.Results) != 100 || o.counted()["archived"] != 100 {
		t.Errorf("%d results, counts %v", len(a.Results), o.counted())
	}
	again := o.admin.batch(o.path+"/users/batch/archive", ids(users[:2]...), nil)
	equal(t, "archived twice", again.said(), []string{"failed: status_conflict", "failed: status_conflict"})

	// Who never accepted is invited anew, who was active is active at once.
	restored := o.admin.batch(o.path+"/users/batch/restore", ids(users[97:]...), nil)
	equal(t, "restored", restored.said(), []string{"restored", "restored", "restored"})
	for i, status := range []string{"requested", "requested", "active"} {
		if r := restored.Results[i]; r.ID != users[97+i] || r.User.Status != status || r.User.ArchivedAt != nil {
			t.Errorf("restored: %+v", r.User)
		}
	}
	for _, r := range restored.Results[:2] {
		link, _ := linksOf(t, inbox(t, r.User.Email, 1)[0])
		if link != o.link(r.ID).Invitation.URL {
			t.Errorf("the mailed link of a restored user is %q", link)
		}
	}
	if m := inbox(t, restored.Results[2].User.Email, 1)[0]; !strings.Contains(m.Subject, "You have access") {
		t.Errorf("whoever is active again reads %q", m.Subject)
	}
	o.wait(users[99], 2*time.Minute)
	// reinvite makes whoever was active accept once more.
	want[any](t, o.admin.send("POST", o.path+"/users/"+users[99]+"/archive", nil, nil), http.StatusOK)
	anew := o.admin.batch(o.path+"/users/batch/restore", map[string]any{"users": users[99:], "reinvite": true}, nil)
	if r := anew.Results[0]; r.Outcome != "restored" || r.User.Status != "invited" {
		t.Errorf("invited anew: %+v", r)
	}
	inbox(t, anew.Results[0].User.Email, 2)
	o.counted()
}

func TestBadBatchesOfIDs(t *testing.T) {
	o := newOffice(t)
	u := o.invite(map[string]any{"sendEmail": false})
	many := make([]string, 101)
	for i := range many {
		many[i] = user.IDFor(o.id, fmt.Sprint(i, "@corp.com"))
	}
	for _, operation := range []string{"archive", "restore", "resend"} {
		for _, c := range []struct {
			body   any
			code   string
			fields []string
		}{
			{nil, "body_required", nil},
			{`[]`, "invalid_json", nil},
			{`{}`, "invalid_request", []string{"/users required"}},
			{`{"users":[]}`, "invalid_request", []string{"/users required"}},
			{`{"users":null}`, "invalid_request", []string{"/users required"}},
			{`{"users":"` + u.ID + `"}`, "invalid_request", []string{"/users wrong_type"}},
			{`{"users":[null]}`, "invalid_request", []string{"/users wrong_type"}},
			{`{"users":[1]}`, "invalid_request", []string{"/users wrong_type"}},
			{`{"users":["` + u.ID + `"],"all":true}`, "invalid_request", []string{"/all unknown_field"}},
			{ids(many...), "invalid_request", []string{"/users too_many"}},
		} {
			p := refused(t, o.admin.wrong().send("POST", o.path+"/users/batch/"+operation, c.body, nil), http.StatusBadRequest, c.code)
			equal(t, fmt.Sprint(operation, " ", c.body), p.fields(), c.fields)
		}
	}
	p := refused(t, o.admin.wrong().send("POST", o.path+"/users/batch/restore", `{"users":["`+u.ID+`"],"reinvite":"yes"}`, nil), http.StatusBadRequest, "invalid_request")
	equal(t, "reinvite", p.fields(), []string{"/reinvite wrong_type"})
	p = refused(t, o.admin.wrong().send("POST", o.path+"/users/batch/archive", `{"users":["`+u.ID+`"],"reinvite":true}`, nil), http.StatusBadRequest, "invalid_request")
	equal(t, "reinvite when archiving", p.fields(), []string{"/reinvite unknown_field"})
	unchanged(t, o, u)
}

// Rule 7: an id of another workspace is no id at all here.
func TestRule07BatchesFindNobodyElse(t *testing.T) {
	o, other := newOffice(t), newOffice(t)
	mine, theirs := o.invite(map[string]any{"sendEmail": false}), other.invite(map[string]any{"sendEmail": false})
	gone := other.invite(map[string]any{"sendEmail": false})
	want[any](t, other.admin.send("POST", other.path+"/users/"+gone.ID+"/archive", nil, nil), http.StatusOK)
	// The same address in the other workspace has another id.
	unknown := user.IDFor(o.id, "nobody-"+unique()+"@corp.com")
	for _, c := range [][2]string{{"archive", "archived"}, {"restore", "restored"}, {"resend", "resent"}} {
		operation, outcome := c[0], c[1]
		o.wait(mine.ID, time.Minute)
		a := o.admin.batch(o.path+"/users/batch/"+operation, ids(theirs.ID, gone.ID, unknown, "usr_nonsense", "me", mine.ID, mine.ID), nil)
		nobody := "failed: user_not_found"
		equal(t, operation, a.said(), []string{nobody, nobody, nobody, nobody, nobody, outcome, "failed: duplicate"})
		for i, r := range a.Results {
			if (r.User != nil) != (i == 5) {
				t.Errorf("%s: id %d shows %+v", operation, i, r.User)
			}
		}
		if refusedText, foreignText := fmt.Sprint(a.Results[2].Errors), fmt.Sprint(a.Results[0].Errors); refusedText != foreignText {
			t.Errorf("%s tells a foreign id %s from an unknown one %s", operation, foreignText, refusedText)
		}
	}
	unchanged(t, other, theirs)
	if u := other.get(gone.ID); u.Status != "archived" {
		t.Errorf("the other workspace's archived user is %s", u.Status)
	}
}

// Rule 11: among all admins in one batch, or in many at once, one stays.
func TestRule11TheLastAdminStaysInEveryBatch(t *testing.T) {
	o := newOffice(t)
	admins := []string{o.me()}
	clients := []*client{o.admin}
	for range 4 {
		u := o.invite(map[string]any{"role": "admin", "sendEmail": false})
		o.accept(u)
		admins, clients = append(admins, u.ID), append(clients, person(t, u.Email, u.Name))
	}
	backend := operator(t, "backend")
	a := backend.batch(o.path+"/users/batch/archive", ids(admins...), nil)
	if n := a.tally(); n["archived"] != 4 || n["failed: last_admin"] != 1 {
		t.Errorf("outcomes %v", n)
	}
	restored := backend.batch(o.path+"/users/batch/restore", ids(admins...), nil)
	if n := restored.tally(); n["restored"] != 4 || n["failed: status_conflict"] != 1 {
		t.Errorf("outcomes %v", n)
	}
	// Each of the five archives all the others, and themselves, at once.
	race(t, len(clients), func(i int) (answer, error) {
		return clients[i].try("POST", o.path+"/users/batch/archive", ids(admins...), nil)
	})
	left := want[struct{ Users []apiUser }](t, backend.send("GET", o.path+"/users?status=active&role=admin", nil, nil), http.StatusOK).Users
	if len(left) != 1 {
		t.Errorf("%d admins are left, want 1", len(left))
	}
}

// Rule 25, for many at once: new links for whoever may have one, each mailed.
func TestRule25ResendToMany(t *testing.T) {
	o := newOffice(t)
	pending := o.invite(nil)
	inbox(t, pending.Email, 1)
	declined, late, active, archived := o.invite(map[string]any{"sendEmail": false}), o.invite(map[string]any{"sendEmail": false}), o.invite(map[string]any{"sendEmail": false}), o.invite(map[string]any{"sendEmail": false})
	want[any](t, newClient(t, "").send("POST", "/v1/invitations/"+tokenOf(declined.Invitation.URL)+"/decline", nil, nil), http.StatusOK)
	o.wait(late.ID, 8*24*time.Hour) // by the clock alone
	o.accept(active)
	want[any](t, o.admin.send("POST", o.path+"/users/"+archived.ID+"/archive", nil, nil), http.StatusOK)
	soon := o.invite(nil) // mailed less than a minute ago
	inbox(t, soon.Email, 1)
	o.wait(pending.ID, time.Minute)

	a := o.admin.batch(o.path+"/users/batch/resend", ids(pending.ID, declined.ID, late.ID, active.ID, archived.ID, soon.ID), nil)
	equal(t, "outcomes", a.said(), []string{"resent", "resent", "resent", "failed: status_conflict", "failed: status_conflict", "failed: mail_limit_recipient_minute"})
	for i, before := range []apiUser{pending, declined, late} {
		now := o.link(before.ID)
		if now.Status != "requested" || now.Invitation.URL == before.Invitation.URL || now.Invitation.Sends != before.Invitation.Sends+1 {
			t.Errorf("resent: %+v", now)
		}
		mails := inbox(t, before.Email, map[bool]int{true: 2, false: 1}[i == 0])
		if link, _ := linksOf(t, mails[len(mails)-1]); link != now.Invitation.URL {
			t.Errorf("mailed %q, not %q", link, now.Invitation.URL)
		}
		refused(t, newClient(t, "").send("GET", "/v1/invitations/"+tokenOf(before.Invitation.URL), nil, nil), http.StatusNotFound, "invitation_not_found")
		o.accept(now)
	}
	unchanged(t, o, soon)
	if total, mine := o.mails(); total != 9 || mine != 9 { // six invitations, three resent
		t.Errorf("%d are counted, %d of them the admin's, not 9", total, mine)
	}
}

// A backend archives somebody everywhere at once, but for the workspaces that
// would be left without an admin.
func TestArchiveAccountEverywhere(t *testing.T) {
	var offices []office
	for range 4 {
		offices = append(offices, newOffice(t))
	}
	email := "Leaver-" + unique() + "@Corp.com"
	active := offices[0].invite(map[string]any{"email": email, "sendEmail": false})
	offices[0].accept(active)
	pending := offices[1].invite(map[string]any{"email": strings.ToLower(email), "sendEmail": false})
	gone := offices[2].invite(map[string]any{"email": strings.ToUpper(email), "sendEmail": false})
	want[any](t, offices[2].admin.send("POST", offices[2].path+"/users/"+gone.ID+"/archive", nil, nil), http.StatusOK)
	leaver := person(t, email, "Leaver")
	own := want[struct{ ID string }](t, leaver.send("POST", "/v1/workspaces", map[string]any{"name": "Their own"}, nil), http.StatusCreated)
	bystander := offices[3].invite(map[string]any{"email": "x" + email, "sendEmail": false})

	backend := operator(t, "hr-system")
	archive := func(email string) map[string]string {
		t.Helper()
		said := map[string]string{}
		for _, r := range backend.batch("/v1/accounts/archive", map[string]any{"email": email}, nil).Results {
			said[r.WorkspaceID] = r.Outcome
			for _, e := range r.Errors {
				said[r.WorkspaceID] += " " + e.Code
			}
			if r.ID != user.IDFor(r.WorkspaceID, email) {
				t.Errorf("the id in %s is %s", r.WorkspaceID, r.ID)
			}
		}
		return said
	}
	first := archive("  " + email + " ")
	wanted := map[string]string{offices[0].id: "archived", offices[1].id: "archived", offices[2].id: "unchanged", own.ID: "failed last_admin"}
	if fmt.Sprint(first) != fmt.Sprint(wanted) {
		t.Errorf("archived %v, want %v", first, wanted)
	}
	second := archive(strings.ToUpper(email))
	for _, id := range []string{offices[0].id, offices[1].id} {
		wanted[id] = "unchanged"
	}
	if fmt.Sprint(second) != fmt.Sprint(wanted) {
		t.Errorf("the second time %v, want %v", second, wanted)
	}
	refused(t, leaver.send("GET", offices[0].path, nil, nil), http.StatusNotFound, "workspace_not_found")
	refused(t, newClient(t, "").send("GET", "/v1/invitations/"+tokenOf(pending.Invitation.URL), nil, nil), http.StatusNotFound, "invitation_not_found")
	want[any](t, leaver.send("GET", "/v1/workspaces/"+own.ID, nil, nil), http.StatusOK)
	unchanged(t, offices[3], bystander)
	eventually(t, func() error {
		line := offices[0].history("")[0]
		if line.Type != "user.archived" || line.Actor != "svc_hr-system" || line.UserID == nil || *line.UserID != active.ID {
			return fmt.Errorf("the newest line of history is %+v", line)
		}
		return nil
	})
	if none := archive("nobody-" + unique() + "@corp.com"); len(none) != 0 {
		t.Errorf("nobody is archived as %v", none)
	}

	// Nobody else may.
	for name, c := range map[string]*client{
		"an admin": offices[0].admin, "the person": leaver,
		"a backend without the scope": newClient(t, token(t, map[string]any{"clientId": "reporting", "scope": "latchkey/read"})),
		"a person with the scope":     newClient(t, token(t, map[string]any{"email": "mallory-" + unique() + "@corp.com", "sub": "m"})),
	} {
		p := refused(t, c.send("POST", "/v1/accounts/archive", map[string]any{"email": email}, nil), http.StatusForbidden, "operator_required")
		if p.Detail == "" {
			t.Errorf("%s is not told why", name)
		}
	}
	if a := newClient(t, "").wrong().send("POST", "/v1/accounts/archive", map[string]any{"email": email}, nil); a.status != http.StatusUnauthorized {
		t.Errorf("nobody gets %d", a.status)
	}
	for body, fields := range map[string][]string{
		`{}`: {"/email required"}, `{"email":"nonsense"}`: {"/email invalid_email"}, `{"email":1}`: {"/email wrong_type"},
		`{"email":"a@corp.com","workspaces":[]}`: {"/workspaces unknown_field"},
	} {
		equal(t, body, refused(t, backend.wrong().send("POST", "/v1/accounts/archive", body, nil), http.StatusBadRequest, "invalid_request").fields(), fields)
	}
	refused(t, backend.wrong().send("POST", "/v1/accounts/archive", nil, nil), http.StatusBadRequest, "body_required")
}

// A backend does all that an admin does, in every workspace, under its own
// name, and is bound by no inviter's limit.
func TestOperatorsManageEveryWorkspace(t *testing.T) {
	o := newOffice(t)
	backend := operator(t, "provisioning")
	want[any](t, backend.send("PUT", o.path+"/groups/manager", nil, nil), http.StatusCreated)
	o.mailed(100, 100)
	invited := backend.batch(o.path+"/users/batch", "name,email,role,groups\nA,a-"+unique()+"@corp.com,builder,manager\nB,b-"+unique()+"@corp.com,builder,\n", csvFile)
	equal(t, "invited", invited.said(), []string{"created", "created"})
	id := invited.Results[0].User.ID
	if by := o.get(id).Invitation.InvitedBy; by != "svc_provisioning" {
		t.Errorf("invited by %s", by)
	}
	want[apiUser](t, backend.send("PATCH", o.path+"/users/"+id, map[string]any{"role": "admin"}, nil), http.StatusOK)
	want[apiUser](t, backend.send("POST", o.path+"/users/"+id+"/archive", nil, nil), http.StatusOK)
	want[any](t, backend.send("DELETE", o.path+"/users/"+id, nil, nil), http.StatusNoContent)
	want[any](t, backend.send("PATCH", o.path, map[string]any{"seatLimit": 10}, nil), http.StatusOK)
	want[any](t, backend.send("DELETE", o.path+"/groups/manager", nil, nil), http.StatusNoContent)
	eventually(t, func() error {
		var by []string
		for _, line := range o.history("") {
			if line.Actor == "svc_provisioning" {
				by = append(by, line.Type)
				if line.ActorName != nil {
					return fmt.Errorf("a backend is named %q", *line.ActorName)
				}
			}
		}
		slices.Sort(by)
		if wanted := []string{"user.archived", "user.erased", "user.invited", "user.invited", "user.updated", "workspace.updated"}; !slices.Equal(by, wanted) {
			return fmt.Errorf("history %v, want %v", by, wanted)
		}
		return nil
	})
	// The history can be read by it, too.
	want[any](t, backend.send("GET", o.path+"/history", nil, nil), http.StatusOK)
}
