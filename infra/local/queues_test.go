package local_test

import (
	"fmt"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/latchkey/latchkey/infra/local/mailbox"
)

// A mail that SES refused for now waits for its queue's visibility timeout, as
// at AWS, and nobody has to wait for that here.
func TestAMailIsTriedAgainAfterTheVisibilityTimeout(t *testing.T) {
	o := newOffice(t)
	var refusals atomic.Int32
	stack.Mailbox.Fail(func() mailbox.Fault { refusals.Add(1); return mailbox.Throttled })
	defer stack.Mailbox.Fail(nil)
	u := o.invite(nil)
	eventually(t, func() error {
		if refusals.Load() == 0 {
			return fmt.Errorf("SES was not asked")
		}
		return nil
	})
	stack.Mailbox.Fail(nil)
	time.Sleep(1500 * time.Millisecond)
	if d := o.get(u.ID).Invitation.Delivery; d != "queued" {
		t.Errorf("delivery is %s long before the timeout", d)
	}
	nobody := newClient(t, "")
	for body, status := range map[string]int{
		`{"seconds":0}`: http.StatusBadRequest, `{"minutes":1}`: http.StatusBadRequest, `{"seconds":1209601}`: http.StatusBadRequest, `{"seconds":180}`: http.StatusNoContent,
	} {
		if a := nobody.send("POST", "/local/queues/advance", body, nil); a.status != status {
			t.Errorf("%s: %d %s", body, a.status, a.body)
		}
	}
	inbox(t, u.Email, 1)
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
