package local_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/latchkey/latchkey/infra/local"
)

// A1, E1: what a stranger sends is not worth more than one call to the table,
// and groups beyond the limit are not looked up for anybody.
func TestA01AStrangersPatchCostsOneTableCall(t *testing.T) {
	var calls atomic.Int64
	onStack(t, local.Config{TableFault: func(c local.TableCall) (f local.TableFault) {
		if c.Function == "update" {
			calls.Add(1)
		}
		return f
	}})
	o := newOffice(t)
	u := o.invite(map[string]any{"sendEmail": false})
	groups := make([]string, 28_000)
	for i := range groups {
		groups[i] = fmt.Sprintf("g%05d", i)
	}
	body := map[string]any{"groups": groups}
	if raw, _ := json.Marshal(body); len(raw) < 240*1024 || len(raw) > 256*1024 {
		t.Fatalf("a body of %d bytes", len(raw))
	}
	stranger := person(t, "eve-"+unique()+"@corp.com", "Eve")
	path := o.path + "/users/" + u.ID
	refused(t, stranger.wrong().send("PATCH", path, body, nil), http.StatusNotFound, "workspace_not_found")
	if n := calls.Swap(0); n > 1 {
		t.Errorf("a stranger's body caused %d calls to the table", n)
	}
	refused(t, o.admin.wrong().send("PATCH", path, body, nil), http.StatusBadRequest, "invalid_request")
	if n := calls.Load(); n > 1 {
		t.Errorf("an admin's body caused %d calls to the table", n)
	}
}

// A8: a version that somebody had before they were erased is none of the person
// who is invited later.
func TestA08NoVersionComesBackAfterErasure(t *testing.T) {
	o := newOffice(t)
	u := o.invite(map[string]any{"sendEmail": false})
	seen := []int{u.Version, want[apiUser](t, o.act(u.ID, "archive"), http.StatusOK).Version}
	want[any](t, o.erase(u.ID), http.StatusNoContent)
	again := o.invite(map[string]any{"email": u.Email, "sendEmail": false})
	for _, name := range []string{"John", "Johnny", "Jack"} {
		for _, version := range seen {
			a := o.patch(u.ID, map[string]any{"role": "admin"}, map[string]string{"if-match": etag(version)})
			refused(t, a, http.StatusPreconditionFailed, "version_mismatch")
		}
		again = o.edit(u.ID, map[string]any{"name": name})
	}
	if again.Role != "builder" || again.Version <= seen[1] {
		t.Errorf("%+v", again)
	}
}

// A9: a batch that is repeated while it is under way counts, writes and mails
// once, and every answer says so.
func TestA09ARepeatInFlightCountsOnce(t *testing.T) {
	awayFromMidnight()
	o := newOffice(t)
	rows := loud(100)
	key := map[string]string{"Idempotency-Key": unique()}
	var mu sync.Mutex
	var said []map[string]int
	race(t, 4, func(int) (answer, error) {
		a, err := o.admin.try("POST", o.path+"/users/batch", map[string]any{"users": rows}, key)
		if err == nil && a.status == http.StatusOK {
			var b batchAnswer
			a.decode(t, &b)
			mu.Lock()
			defer mu.Unlock()
			said = append(said, b.tally())
		}
		return a, err
	})
	if len(said) != 4 || slices.ContainsFunc(said, func(n map[string]int) bool { return n["created"] != 100 }) {
		t.Errorf("answers %v", said)
	}
	if total, mine := o.mails(); total != 100 || mine != 100 {
		t.Errorf("%d mails are counted, %d of them the admin's, want 100", total, mine)
	}
	for _, row := range rows {
		inbox(t, row["email"].(string), 1)
	}
}

// A20: the contract lets every row through, because each has its own outcome: a
// client or proxy that validates must not refuse a batch for one bad row. The
// client of these tests validates.
func TestA20TheContractLetsBadRowsThrough(t *testing.T) {
	o := newOffice(t)
	good := quiet(1)[0]
	wrong := maps.Clone(quiet(1)[0])
	wrong["expiresInDays"], wrong["role"], wrong["name"] = 31, "owner", ""
	a := o.admin.batch(o.path+"/users/batch", map[string]any{"users": []any{
		good, wrong, map[string]any{}, map[string]any{"email": "nonsense", "unknown": true}, "six",
	}}, nil)
	if n := a.tally(); n["created"] != 1 || len(a.Results) != 5 {
		t.Errorf("outcomes %v", a.said())
	}
}

// E5: the link to accept neither unsubscribes nor reports, the ways out do not
// accept, and after joining a link shows no more than the status.
func TestE05EachLinkIsForOnePurpose(t *testing.T) {
	o := newOffice(t)
	u := o.invite(nil)
	unsubscribe, report := waysOut(t, inbox(t, u.Email, 1)[0])
	accept := tokenOf(o.link(u.ID).Invitation.URL)
	nobody, john := newClient(t, ""), person(t, u.Email, u.Name)
	for _, way := range []string{"unsubscribe", "resubscribe", "report"} {
		refused(t, nobody.send("POST", "/v1/invitations/"+accept+"/"+way, "", oneClick), http.StatusNotFound, "invitation_not_found")
	}
	for _, way := range []string{unsubscribe, report} {
		token := strings.Split(strings.TrimPrefix(way, stack.URL+"/v1/invitations/"), "/")[0]
		refused(t, nobody.send("GET", "/v1/invitations/"+token, nil, nil), http.StatusNotFound, "invitation_not_found")
		refused(t, john.send("POST", "/v1/invitations/"+token+"/accept", nil, nil), http.StatusNotFound, "invitation_not_found")
		refused(t, nobody.send("POST", "/v1/invitations/"+token+"/decline", nil, nil), http.StatusNotFound, "invitation_not_found")
	}
	o.accept(o.link(u.ID))
	o.edit(u.ID, map[string]any{"name": "Secret Name", "role": "admin"})
	shown := want[map[string]any](t, nobody.send("GET", "/v1/invitations/"+accept, nil, nil), http.StatusOK)
	if members := slices.Sorted(maps.Keys(shown)); !slices.Equal(members, []string{"next", "status", "workspace"}) || shown["status"] != "active" {
		t.Errorf("a member's old link shows %v", shown)
	}
}

// E6: whether an address has an account is not told to somebody who asks about
// more addresses than a day's invitations.
func TestE06OverTheLimitNobodyLearnsOfAccounts(t *testing.T) {
	awayFromMidnight()
	known := newOffice(t)
	member := known.invite(map[string]any{"sendEmail": false})
	known.accept(member)
	o := newOffice(t)
	if u := o.invite(map[string]any{"email": member.Email, "sendEmail": false}); u.Status != "invited" {
		t.Errorf("within the limit, the status is %s", u.Status)
	}
	for _, sendEmail := range []bool{true, false} {
		o := newOffice(t)
		o.mailed(200, 200)
		u := o.invite(map[string]any{"email": member.Email, "sendEmail": sendEmail})
		stranger := o.invite(map[string]any{"sendEmail": sendEmail})
		if u.Status != "requested" || stranger.Status != "requested" {
			t.Errorf("over the limit, sendEmail %v: %s with an account, %s without", sendEmail, u.Status, stranger.Status)
		}
		row := map[string]any{"name": "Known", "email": known.email, "role": "builder", "sendEmail": sendEmail}
		if a := o.admin.batch(o.path+"/users/batch", map[string]any{"users": []any{row}}, nil); a.Results[0].User.Status != "requested" {
			t.Errorf("over the limit, a row: %s", a.Results[0].User.Status)
		}
	}
}

// E6: invitations that somebody does not want leave their list by their own
// hand; a role that manages takes the link.
func TestE06InvitationsAreAnsweredFromOnesOwnList(t *testing.T) {
	email := "victim-" + unique() + "@corp.com"
	victim := person(t, email, "Victim")
	o, p, q := newOffice(t), newOffice(t), newOffice(t)
	o.invite(map[string]any{"email": email, "sendEmail": false})
	joined := p.invite(map[string]any{"email": email, "sendEmail": false})
	q.invite(map[string]any{"email": email, "sendEmail": false, "role": "admin"})
	want[any](t, victim.send("POST", "/v1/me/workspaces/"+o.id+"/decline", nil, nil), http.StatusOK)
	if n := o.counted()["declined"]; n != 1 {
		t.Errorf("%d declined", n)
	}
	want[any](t, victim.send("POST", "/v1/me/workspaces/"+p.id+"/accept", nil, nil), http.StatusOK)
	if u := p.get(joined.ID); u.Status != "active" {
		t.Errorf("accepted from the list: %s", u.Status)
	}
	refused(t, victim.send("POST", "/v1/me/workspaces/"+q.id+"/accept", nil, nil), http.StatusForbidden, "link_required")
	stranger := person(t, "eve-"+unique()+"@corp.com", "Eve")
	for _, what := range []string{"accept", "decline"} {
		refused(t, stranger.send("POST", "/v1/me/workspaces/"+o.id+"/"+what, nil, nil), http.StatusNotFound, "workspace_not_found")
	}
}

// E12: a repeat of a batch does not bring back a person who was erased since.
func TestE12ARepeatDoesNotRecreateAnErasedPerson(t *testing.T) {
	o := newOffice(t)
	rows := quiet(3)
	key := map[string]string{"Idempotency-Key": unique()}
	body := map[string]any{"users": rows}
	first := o.admin.batch(o.path+"/users/batch", body, key)
	gone := first.Results[1].User.ID
	o.archiveAndErase(gone)
	again := o.admin.batch(o.path+"/users/batch", body, key)
	equal(t, "repeated", again.said(), first.said())
	refused(t, o.admin.send("GET", o.path+"/users/"+gone, nil, nil), http.StatusNotFound, "user_not_found")
}
