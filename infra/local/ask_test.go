package local_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"
)

// A person whose invitation has ended asks for a new link; the inviter gets one
// mail, and the answer to the holder of the link does not reveal it.
func TestAnEndedInvitationAsksForANewLink(t *testing.T) {
	o := newOffice(t)
	u := o.invite(map[string]any{"sendEmail": false})
	nobody := newClient(t, "")
	ask := func() answer {
		return nobody.send("POST", "/v1/invitations/"+tokenOf(u.Invitation.URL)+"/ask", nil, nil)
	}
	refused(t, ask(), http.StatusConflict, "status_conflict") // while it is pending
	o.wait(u.ID, 8*24*time.Hour)
	for range 3 {
		if a := ask(); a.status != http.StatusNoContent || len(a.body) > 0 {
			t.Fatalf("asked: %d %s", a.status, a.body)
		}
	}
	m := inbox(t, o.email, 1)[0]
	if m.Subject != "John Doe asks for a new invitation to Nexus" {
		t.Errorf("the subject is %q", m.Subject)
	}
	eventually(t, func() error {
		asked := 0
		for _, l := range o.history(u.ID) {
			if l.Type == "user.asked_again" && l.Actor == u.ID && *l.Status == "expired" {
				asked++
			}
		}
		if asked != 1 {
			return fmt.Errorf("%d lines of history", asked)
		}
		return nil
	})
	inbox(t, o.email, 1)
	want[any](t, o.admin.send("POST", o.path+"/users/"+u.ID+"/resend", map[string]any{"sendEmail": false}, nil), http.StatusOK)
	refused(t, ask(), http.StatusNotFound, "invitation_not_found") // by the older link
	refused(t, nobody.wrong().send("POST", "/v1/invitations/nonsense/ask", nil, nil), http.StatusNotFound, "invitation_not_found")
}

// A role that manages takes the link, so the person may ask for it while the
// invitation is pending; everyone else joins from their own list.
func TestAManagersLinkIsAskedForFromOnesOwnList(t *testing.T) {
	o := newOffice(t)
	manager := o.invite(map[string]any{"role": "admin", "sendEmail": false})
	builder := o.invite(map[string]any{"sendEmail": false})
	ask := func(u apiUser) answer {
		return person(t, u.Email, u.Name).send("POST", "/v1/me"+strings.TrimPrefix(o.path, "/v1")+"/ask", nil, nil)
	}
	refused(t, ask(builder), http.StatusConflict, "status_conflict")
	for range 2 {
		if a := ask(manager); a.status != http.StatusNoContent {
			t.Fatalf("asked: %d %s", a.status, a.body)
		}
	}
	m := inbox(t, o.email, 1)[0]
	if m.Subject != "John Doe asks for a new invitation to Nexus" {
		t.Errorf("the subject is %q", m.Subject)
	}
	refused(t, person(t, builder.Email, builder.Name).send("POST", "/v1/me/workspaces/ws_000000000000000000000000/ask", nil, nil), http.StatusNotFound, "workspace_not_found")
}
