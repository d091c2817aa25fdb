package local_test

import (
	"net/http"
	"testing"

	"github.com/latchkey/latchkey/infra/local/mailbox"
)

// The queues' clock moves on request, by a bounded number of whole seconds, so
// that nobody has to wait for a visibility timeout here.
func TestTheQueuesClockMovesOnRequest(t *testing.T) {
	nobody := newClient(t, "")
	for body, status := range map[string]int{
		`{"seconds":0}`: http.StatusBadRequest, `{"minutes":1}`: http.StatusBadRequest, `{"seconds":1209601}`: http.StatusBadRequest, `{"seconds":180}`: http.StatusNoContent,
	} {
		if a := nobody.send("POST", "/local/queues/advance", body, nil); a.status != status {
			t.Errorf("%s: %d %s", body, a.status, a.body)
		}
	}
}

// In SES's sandbox, mail to an address that is not verified is refused for
// good, and the admin reads so.
func TestTheSandboxRefusesStrangers(t *testing.T) {
	o := newOffice(t)
	before := stack.Mailbox.SetAccount(mailbox.Account{Identities: []string{"latchkey.example"}, Sandbox: true})
	defer stack.Mailbox.SetAccount(before)
	u := o.becomes(o.invite(nil).ID, "failed")
	if u.Invitation.DeliveryReason != "The mail service refused the mail." {
		t.Errorf("because %q", u.Invitation.DeliveryReason)
	}
	o.becomes(o.invite(map[string]any{"email": simulator("success")}).ID, "delivered")
}
