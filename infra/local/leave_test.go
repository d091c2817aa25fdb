package local_test

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/latchkey/latchkey/shared/user"
)

func TestAMemberLeaves(t *testing.T) {
	o := newOffice(t)
	u := o.invite(map[string]any{"sendEmail": false})
	johns := person(t, u.Email, "John Doe")
	leave := o.path + "/users/me/leave"
	refused(t, johns.send("POST", leave, nil, nil), http.StatusNotFound, "workspace_not_found") // not in yet
	o.accept(u)
	refused(t, johns.wrong().send("POST", leave, map[string]any{"user": o.me()}, nil), http.StatusBadRequest, "invalid_request")
	if a := johns.send("POST", leave, nil, nil); a.status != http.StatusNoContent || len(a.body) > 0 {
		t.Fatalf("left: %d %s", a.status, a.body)
	}
	if now := o.get(u.ID); now.Status != "archived" || now.ArchivedAt == nil {
		t.Errorf("who left is %s", now.Status)
	}
	refused(t, johns.send("GET", o.path, nil, nil), http.StatusNotFound, "workspace_not_found")
	refused(t, johns.send("POST", leave, nil, nil), http.StatusNotFound, "workspace_not_found")
	o.counted()
	eventually(t, func() error {
		if lines := o.history(u.ID); len(lines) == 0 || lines[0].Type != "user.archived" || lines[0].Actor != u.ID {
			return fmt.Errorf("the history is %+v", lines)
		}
		return nil
	})
	if back := want[apiUser](t, o.act(u.ID, "restore"), http.StatusOK); back.Status != "active" {
		t.Errorf("restored, they are %s", back.Status)
	}
	want[any](t, johns.send("GET", o.path, nil, nil), http.StatusOK)

	refused(t, o.admin.send("POST", leave, nil, nil), http.StatusConflict, user.ErrLastAdmin.Code)
	backend := newClient(t, token(t, map[string]any{"clientId": "crm", "scope": "latchkey/operator"}))
	refused(t, backend.send("POST", leave, nil, nil), http.StatusForbidden, "person_required")
}
