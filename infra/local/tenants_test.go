package local_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/latchkey/latchkey/infra/blueprint"
	"github.com/latchkey/latchkey/shared/user"
)

// routes are all routes below a workspace, from the blueprint: one that is
// added there is tried here.
func routes() (all []blueprint.Route) {
	for _, f := range blueprint.Functions() {
		for _, r := range f.Routes {
			if strings.Contains(r.Path, "{workspace}") {
				all = append(all, r)
			}
		}
	}
	return all
}

// ownInvitation are the operations that answer one's own invitation: no admin's.
var ownInvitation = []string{"acceptMine", "declineMine", "askMine"}

// operatorsAlone are the operations that refuse everybody else, whatever the
// workspace.
var operatorsAlone = []string{"restoreWorkspace"}

// bodyFor is a body that would do something if its sender were allowed the
// operation.
func bodyFor(t *testing.T, r blueprint.Route, target apiUser) any {
	bodies := map[string]any{
		"updateWorkspace":   map[string]any{"name": "Stolen"},
		"putGroup":          map[string]any{"name": "Stolen"},
		"inviteUser":        map[string]any{"name": "X", "email": "x-" + unique() + "@corp.com", "role": "admin"},
		"inviteUsers":       map[string]any{"users": quiet(2)},
		"resendInvitations": ids(target.ID),
		"archiveUsers":      ids(target.ID),
		"restoreUsers":      ids(target.ID),
		"updateUser":        map[string]any{"name": "Stolen", "role": "admin"},
		"restoreUser":       map[string]any{"reinvite": true},
		"resendInvitation":  nil,
		"correctEmail":      map[string]any{"email": "stolen-" + unique() + "@corp.com"},
		"archiveUser":       nil,
		"leaveWorkspace":    nil,
		"acceptMine":        nil,
		"declineMine":       nil,
		"askMine":           nil,
		"createImport":      nil,
		"addImportRows":     map[string]any{"users": quiet(1)},
		"startImport":       nil,
		"cancelImport":      nil,
		"restoreWorkspace":  nil,
	}
	body, known := bodies[r.Operation]
	if !known && r.Method != http.MethodGet && r.Method != http.MethodDelete {
		t.Fatalf("give %s a body here, or nil: it is tried by strangers and members", r.Operation)
	}
	return body
}

func (c *client) call(t *testing.T, r blueprint.Route, workspaceID, userID, group string, body any) answer {
	t.Helper()
	return c.callPath(t, r, strings.NewReplacer("{workspace}", workspaceID, "{user}", userID, "{group}", group, "{import}", noImport).Replace(r.Path), body)
}

// noImport is the id of no import.
const noImport = "imp_00000000000000000000000000"

func (c *client) callPath(t *testing.T, r blueprint.Route, path string, body any) answer {
	t.Helper()
	if r.Operation == "addImportRows" {
		path += "?firstRow=1"
	}
	mine := *c
	mine.t = t
	return mine.wrong().send(r.Method, path, body, nil)
}

// Rule 7, for every route below a workspace: somebody from another workspace
// gets the same 404 as for a workspace that does not exist, and another
// workspace's user is not found in one's own. Nothing is written.
func TestRule07TenantsAreKeptApartOnEveryRoute(t *testing.T) {
	o, other := newOffice(t), newOffice(t)
	victim := other.invite(nil)
	member := other.invite(map[string]any{"sendEmail": false})
	other.accept(member)
	gone := other.invite(map[string]any{"sendEmail": false})
	want[any](t, other.act(gone.ID, "archive"), http.StatusOK)
	want[any](t, other.admin.send("PUT", other.path+"/groups/secret", nil, nil), http.StatusCreated)
	theirs := want[struct{ ID string }](t, other.admin.send("POST", other.path+"/imports", nil, nil), http.StatusCreated)
	inbox(t, victim.Email, 1)
	other.becomes(victim.ID, "delivered")
	eventually(t, func() error {
		if n := len(steps(other.history(""))); n != 6 {
			return fmt.Errorf("%d lines of history", n)
		}
		if n := other.statistics().Totals; n.Invited != 3 || n.Delivered != 1 || n.Accepted != 1 {
			return fmt.Errorf("counted are %+v", n)
		}
		return nil
	})
	texts := func() []string {
		all := slices.Concat(itemTexts(t, "WS#"+other.id), itemTexts(t, "HISTORY#"+other.id))
		slices.Sort(all)
		return all
	}
	before := texts()
	strangers := map[string]*client{
		"another workspace's admin":   o.admin,
		"nobody's member":             person(t, "nobody-"+unique()+"@corp.com", "Nobody"),
		"the invited, not yet in":     person(t, victim.Email, "John"),
		"the archived":                person(t, gone.Email, "John"),
		"a backend without the scope": newClient(t, token(t, map[string]any{"clientId": "reporting", "scope": "latchkey/read"})),
	}
	for _, r := range routes() {
		t.Run(r.Operation, func(t *testing.T) {
			for who, c := range strangers {
				if slices.Contains(operatorsAlone, r.Operation) {
					refused(t, c.call(t, r, other.id, "", "", nil), http.StatusForbidden, "operator_required")
					continue
				}
				if slices.Contains(ownInvitation, r.Operation) && who == "a backend without the scope" {
					refused(t, c.call(t, r, other.id, "", "", nil), http.StatusForbidden, "person_required") // whatever the workspace
					continue
				}
				for _, target := range []string{victim.ID, "me"} {
					var first *apiProblem
					for _, workspaceID := range []string{"ws_000000000000000000000000", "ws_nonsense", other.id} {
						if workspaceID == other.id && slices.Contains(ownInvitation, r.Operation) && who == "the invited, not yet in" {
							continue // their own to answer
						}
						p := refused(t, c.call(t, r, workspaceID, target, "secret", bodyFor(t, r, victim)), http.StatusNotFound, "workspace_not_found")
						p.RequestID = ""
						if first == nil {
							first = &p
						} else if fmt.Sprint(*first) != fmt.Sprint(p) {
							t.Errorf("%s: for %s the answer is %+v, not %+v", who, workspaceID, p, *first)
						}
					}
					if !strings.Contains(r.Path, "{user}") {
						break
					}
				}
			}
			if strings.Contains(r.Path, "{user}") {
				for _, foreign := range []string{victim.ID, member.ID, "usr_nonsense"} {
					refused(t, o.admin.call(t, r, o.id, foreign, "", bodyFor(t, r, victim)), http.StatusNotFound, "user_not_found")
				}
			}
			if strings.Contains(r.Path, "{import}") {
				for _, foreign := range []string{theirs.ID, noImport, "imp_nonsense"} {
					path := strings.NewReplacer("{workspace}", o.id, "{import}", foreign).Replace(r.Path)
					refused(t, o.admin.callPath(t, r, path, bodyFor(t, r, victim)), http.StatusNotFound, "import_not_found")
				}
			}
			if a := newClient(t, "").call(t, r, other.id, victim.ID, "secret", bodyFor(t, r, victim)); a.status != http.StatusUnauthorized {
				t.Errorf("without a token: %d", a.status)
			}
		})
	}
	equal(t, "what the other workspace has", texts(), before)
}

// Members who are no admins get 403 on the admins' routes, whomever they try
// them on, themselves too, and nothing is written.
func TestMembersWhoAreNoAdmins(t *testing.T) {
	o := newOffice(t)
	want[any](t, o.admin.send("PUT", o.path+"/groups/g", nil, nil), http.StatusCreated)
	pending := o.invite(map[string]any{"sendEmail": false})
	forAll := []string{"getWorkspace", "listGroups"}
	for _, role := range []string{"builder", "end-user"} {
		u := o.invite(map[string]any{"role": role, "sendEmail": false})
		o.accept(u)
		u = o.get(u.ID)
		member := person(t, u.Email, u.Name)
		before := itemsIn(t, o.id)
		tried := 0
		for _, r := range routes() {
			if slices.Contains(forAll, r.Operation) {
				if a := member.call(t, r, o.id, "", "", nil); a.status != http.StatusOK {
					t.Errorf("a %s gets %d from %s", role, a.status, r.Operation)
				}
				continue
			}
			if r.Operation == "leaveWorkspace" {
				continue // theirs to do: TestAMemberLeaves
			}
			if slices.Contains(ownInvitation, r.Operation) {
				refused(t, member.call(t, r, o.id, "", "", nil), http.StatusConflict, "status_conflict")
				continue
			}
			if slices.Contains(operatorsAlone, r.Operation) {
				refused(t, member.call(t, r, o.id, "", "", nil), http.StatusForbidden, "operator_required")
				continue
			}
			for _, target := range []string{o.me(), pending.ID, user.IDFor(o.id, "nobody@corp.com"), u.ID, "me"} {
				if r.Operation == "getUser" && (target == u.ID || target == "me") {
					want[apiUser](t, member.call(t, r, o.id, target, "", nil), http.StatusOK) // oneself always
					continue
				}
				tried++
				refused(t, member.call(t, r, o.id, target, "g", bodyFor(t, r, pending)), http.StatusForbidden, "admin_required")
				if !strings.Contains(r.Path, "{user}") {
					break
				}
			}
		}
		if tried < 20 {
			t.Errorf("only %d calls were tried", tried)
		}
		if after := itemsIn(t, o.id); after != before {
			t.Errorf("%d items became %d", before, after)
		}
		unchanged(t, o, pending)
		unchanged(t, o, u)
		want[any](t, o.admin.send("PATCH", o.path, map[string]any{"directory": "members"}, nil), http.StatusOK)
		seen := want[struct{ Users []apiUser }](t, member.send("GET", o.path+"/users", nil, nil), http.StatusOK)
		for _, s := range seen.Users {
			if (s.Metadata != nil) != (s.ID == u.ID) {
				t.Errorf("a %s sees the metadata %s of %s", role, s.Metadata, s.Name)
			}
		}
		sheet := member.send("GET", o.path+"/users?format=csv", nil, nil)
		if header, _, _ := strings.Cut(string(sheet.body), "\n"); sheet.status != http.StatusOK || strings.Contains(header, "metadata") {
			t.Errorf("a %s exports %d with the columns %s", role, sheet.status, header)
		}
		refused(t, member.send("GET", o.path+"/history", nil, nil), http.StatusForbidden, "admin_required")
		want[any](t, o.admin.send("PATCH", o.path, map[string]any{"directory": "admins"}, nil), http.StatusOK)
	}
}

// A reassigned mailbox is not the person: same email, another subject.
func TestAnotherSubjectWithTheSameEmailIsAStranger(t *testing.T) {
	o := newOffice(t)
	u := o.invite(nil)
	o.accept(u)
	stranger := newClient(t, token(t, map[string]any{"email": u.Email, "name": "New owner", "sub": "another-" + unique()}))
	refused(t, stranger.send("GET", o.path, nil, nil), http.StatusNotFound, "workspace_not_found")
	mine := want[struct{ Workspaces []any }](t, stranger.send("GET", "/v1/me/workspaces", nil, nil), http.StatusOK)
	if len(mine.Workspaces) != 0 {
		t.Errorf("a stranger's workspaces: %v", mine.Workspaces)
	}
}
