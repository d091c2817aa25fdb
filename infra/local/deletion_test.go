package local_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/latchkey/latchkey/shared/workspace"
)

func (o office) delete(slug any) answer {
	o.t.Helper()
	return o.admin.send("DELETE", o.path, map[string]any{"slug": slug}, nil)
}

func (o office) restoreAll() answer {
	o.t.Helper()
	return operator(o.t, "support").send("POST", o.path+"/restore", nil, nil)
}

// due makes a deleted workspace older, and runs the schedule.
func (o office) due(d time.Duration) {
	o.t.Helper()
	moveBack(o.t, key("WS#"+o.id, "WORKSPACE"), d, "nextStage", "dueSk")
	o.expire(0)
}

func TestADeletionNeedsTheSlug(t *testing.T) {
	o := newOffice(t)
	for _, wrong := range []string{"other", strings.ToUpper(o.slug), o.slug + " "} {
		equal(t, wrong, refused(t, o.delete(wrong), http.StatusBadRequest, "invalid_request").fields(), []string{"/slug wrong_slug"})
	}
	for body, fields := range map[string][]string{`{}`: {"/slug required"}, `{"slug":1}`: {"/slug wrong_type"}, `{"slug":"` + o.slug + `","force":true}`: {"/force unknown_field"}} {
		equal(t, body, refused(t, o.admin.wrong().send("DELETE", o.path, body, nil), http.StatusBadRequest, "invalid_request").fields(), fields)
	}
	refused(t, o.admin.wrong().send("DELETE", o.path, nil, nil), http.StatusBadRequest, "body_required")
	want[any](t, o.admin.send("GET", o.path, nil, nil), http.StatusOK)
}

// To its admin and to operators, every operation on a deleted workspace answers
// as on one that never was. Restored, it is as before, for everybody.
func TestADeletedWorkspaceAnswersLikeOneThatNeverWas(t *testing.T) {
	o := newOffice(t)
	pending := o.invite(nil)
	mail := inbox(t, pending.Email, 1)[0]
	o.becomes(pending.ID, "delivered")
	member := o.invite(map[string]any{"sendEmail": false})
	o.accept(member)
	paths := []string{"/v1/invitations/" + tokenOf(pending.Invitation.URL)}
	for _, link := range ways.FindAllString(mail.Body.Text, -1) {
		paths = append(paths, strings.TrimPrefix(link, stack.URL))
	}
	if len(paths) != 3 {
		t.Fatalf("the links of the mail are %v", paths)
	}
	gone := want[struct {
		ID, Slug        string
		RestorableUntil time.Time
	}](t, o.delete(o.slug), http.StatusOK)
	if in := time.Until(gone.RestorableUntil); gone.ID != o.id || gone.Slug != o.slug || in < 29*24*time.Hour || in > 30*24*time.Hour {
		t.Errorf("deleted: %+v", gone)
	}
	callers := map[string]*client{"the admin": o.admin, "a member": person(t, member.Email, "M"), "an operator": operator(t, "support")}
	for who, c := range callers {
		for _, r := range routes() {
			if slices.Contains(operatorsAlone, r.Operation) || slices.Contains(ownInvitation, r.Operation) && who == "an operator" {
				continue
			}
			was := refused(t, c.call(t, r, o.id, pending.ID, "g", bodyFor(t, r, pending)), http.StatusNotFound, "workspace_not_found")
			never := refused(t, c.call(t, r, "ws_000000000000000000000000", pending.ID, "g", bodyFor(t, r, pending)), http.StatusNotFound, "workspace_not_found")
			was.RequestID, never.RequestID = "", ""
			equal(t, r.Operation+" by "+who, []string{fmt.Sprint(was)}, []string{fmt.Sprint(never)})
		}
	}
	nobody := newClient(t, "")
	for _, path := range paths {
		refused(t, nobody.send("GET", path, nil, nil), http.StatusNotFound, "invitation_not_found")
	}
	refused(t, o.admin.send("POST", o.path+"/restore", nil, nil), http.StatusForbidden, "operator_required")
	invited := person(t, pending.Email, "John")
	for who, c := range map[string]*client{"the admin": o.admin, "the invited": invited} {
		if mine := want[struct{ Workspaces []any }](t, c.send("GET", "/v1/me/workspaces", nil, nil), http.StatusOK).Workspaces; len(mine) != 0 {
			t.Errorf("%s is in %v", who, mine)
		}
	}
	refused(t, o.admin.send("POST", "/v1/workspaces", map[string]any{"name": "Nexus", "slug": o.slug}, nil), http.StatusConflict, "slug_taken")

	restored := want[struct{ ID, Slug string }](t, o.restoreAll(), http.StatusOK)
	if restored.ID != o.id || restored.Slug != o.slug {
		t.Errorf("restored: %+v", restored)
	}
	want[any](t, o.restoreAll(), http.StatusOK)
	o.accept(pending)
	if users := o.list(""); len(users) != 3 {
		t.Errorf("%d users are back", len(users))
	}
	o.counted()
	eventually(t, func() error {
		var types []string
		for _, l := range o.history("") {
			types = append(types, l.Type)
		}
		if !slices.Contains(types, "workspace.deleted") || !slices.Contains(types, "workspace.restored") {
			return fmt.Errorf("the history is %v", types)
		}
		return nil
	})
}

// After 30 days the schedule erases everything in the workspace, including its last
// admin and its history; consumers get an event, and the slug becomes available.
func TestADeletedWorkspaceIsErased(t *testing.T) {
	o := newOffice(t)
	mark := "okapi" + letters()
	u := o.invite(map[string]any{"name": "Name " + mark, "email": mark + "@corp.com", "metadata": map[string]any{"apiKey": "secret" + mark}})
	inbox(t, u.Email, 1)
	o.becomes(u.ID, "delivered")
	o.invite(map[string]any{"sendEmail": false})
	want[any](t, o.admin.send("PUT", o.path+"/groups/eu", nil, nil), http.StatusCreated)
	want[any](t, o.delete(o.slug), http.StatusOK)
	eventually(t, func() error {
		if !slices.Contains(busTypes(o.id), "workspace.deleted") {
			return fmt.Errorf("on the bus are %v", busTypes(o.id))
		}
		return nil
	})
	o.expire(0)
	if n := itemsIn(t, o.id); n < 8 {
		t.Fatalf("%d items before their time", n)
	}
	o.due(workspace.Restorable)
	if n := itemsIn(t, o.id); n != 1 {
		t.Errorf("emptied, it has %d items", n)
	}
	refused(t, o.restoreAll(), http.StatusNotFound, "workspace_not_found")
	refused(t, o.admin.send("POST", "/v1/workspaces", map[string]any{"name": "Nexus", "slug": o.slug}, nil), http.StatusConflict, "slug_taken")
	o.due(workspace.Stragglers)
	eventually(t, func() error {
		if !slices.Contains(busTypes(o.id), "workspace.erased") {
			return fmt.Errorf("on the bus are %v", busTypes(o.id))
		}
		return nil
	})
	if left := itemTexts(t, "HISTORY#"+o.id); len(left) != 0 {
		t.Errorf("its history is %v", left)
	}
	if left := itemTexts(t, "WS#"+o.id); itemsIn(t, o.id) != 1 || !slices.Contains(left, "stage=erased") || strings.Contains(fmt.Sprint(left), o.slug) {
		t.Errorf("left is %v", left)
	}
	if found := inTable(t, mark); len(found) > 0 {
		t.Errorf("the table still has somebody:\n%s", strings.Join(found, "\n"))
	}
	want[any](t, o.admin.send("POST", "/v1/workspaces", map[string]any{"name": "Nexus", "slug": o.slug}, nil), http.StatusCreated)
}
