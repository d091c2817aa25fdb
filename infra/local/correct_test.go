package local_test

import (
	"fmt"
	"net/http"
	"slices"
	"testing"
)

// A mail went to a mistyped address; the right person gets their own.
func TestAMistypedEmailIsCorrected(t *testing.T) {
	o := newOffice(t)
	want[any](t, o.admin.send("PUT", o.path+"/groups/eu", map[string]any{"name": "Europe"}, nil), http.StatusCreated)
	wrong := o.invite(map[string]any{"groups": []string{"eu"}, "metadata": map[string]any{"plan": "gold"}})
	inbox(t, wrong.Email, 1)
	o.becomes(wrong.ID, "delivered")
	right := "right-" + wrong.Email
	key := map[string]string{"Idempotency-Key": unique()}
	correct := func(id string) answer {
		return o.admin.send("POST", o.path+"/users/"+id+"/email", map[string]any{"email": right}, key)
	}
	u := want[apiUser](t, correct(wrong.ID), http.StatusOK)
	if u.ID == wrong.ID || u.Email != right || u.Role != wrong.Role || !slices.Equal(u.Groups, wrong.Groups) || string(u.Metadata) != `{"plan":"gold"}` {
		t.Errorf("corrected: %+v", u)
	}
	fromHTML, _ := linksOf(t, inbox(t, right, 1)[0])
	if fromHTML != u.Invitation.URL {
		t.Errorf("the mail has the link %s, not %s", fromHTML, u.Invitation.URL)
	}
	nobody := newClient(t, "")
	refused(t, nobody.send("GET", "/v1/invitations/"+tokenOf(wrong.Invitation.URL), nil, nil), http.StatusNotFound, "invitation_not_found")
	refused(t, o.admin.send("GET", o.path+"/users/"+wrong.ID, nil, nil), http.StatusNotFound, "user_not_found")
	eventually(t, func() error { // newest first, those of the wrong address last
		lines := steps(o.history(u.ID))
		if len(lines) != 2 || lines[0].Type != "user.email_corrected" || *lines[0].UserID != u.ID || lines[1].Type != "user.invited" || *lines[1].UserID != wrong.ID {
			return fmt.Errorf("the history is %+v", lines)
		}
		return nil
	})
	// The owner of the wrong address is invited, too: their history is not John's.
	stranger := o.invite(map[string]any{"email": wrong.Email, "sendEmail": false})
	o.edit(stranger.ID, map[string]any{"name": "Jane"})
	eventually(t, func() error {
		if lines := steps(o.history(stranger.ID)); len(lines) != 3 {
			return fmt.Errorf("the stranger's history is %+v", lines)
		}
		return nil
	})
	if lines := steps(o.history(u.ID)); len(lines) != 2 {
		t.Errorf("John's history has a stranger's lines: %+v", lines)
	}

	if again := correct(wrong.ID); again.header.Get("idempotent-replay") != "true" || want[apiUser](t, again, http.StatusOK).ID != u.ID {
		t.Errorf("a repeat: %s", again.body)
	}
	o.accept(u)
	refused(t, o.admin.send("POST", o.path+"/users/"+u.ID+"/email", map[string]any{"email": "x-" + right}, nil), http.StatusConflict, "status_conflict")
	inbox(t, right, 1)
	o.counted()
}
