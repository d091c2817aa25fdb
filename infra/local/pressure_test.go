package local_test

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/latchkey/latchkey/infra/blueprint"
	"github.com/latchkey/latchkey/infra/local"
	"github.com/latchkey/latchkey/infra/local/mailbox"
)

const instances = 10 // of mail, each of which may ask SES once in vain

// inviteMany invites n people whose names begin with a prefix.
func (o office) inviteMany(prefix string, n int) {
	o.t.Helper()
	var users []map[string]any
	for i := range n {
		users = append(users, map[string]any{"name": "John Doe", "email": fmt.Sprintf("%s-%d-%s@corp.com", prefix, i, unique()), "role": "builder"})
	}
	want[any](o.t, o.admin.send("POST", o.path+"/users/batch", map[string]any{"users": users}, nil), http.StatusOK)
}

// deliveries counts the invited people of an office by prefix and delivery.
func (o office) deliveries() map[string]int {
	o.t.Helper()
	counts := map[string]int{}
	page := want[struct {
		Users []apiUser `json:"users"`
	}](o.t, o.admin.send("GET", o.path+"/users?limit=100", nil, nil), http.StatusOK)
	for _, u := range page.Users {
		if u.Invitation == nil {
			continue // the founder
		}
		delivery := u.Invitation.Delivery
		switch delivery {
		case "sent", "delivered":
			delivery = "left"
		}
		counts[u.Email[:1]+" "+delivery]++
		counts[delivery]++
	}
	return counts
}

// settles waits until the given numbers of mails have left and are scheduled.
func settles(t *testing.T, offices []office, left, scheduled int) (counts []map[string]int) {
	t.Helper()
	within(t, 90*time.Second, func() error {
		counts = nil
		var sums = map[string]int{}
		for _, o := range offices {
			counts = append(counts, o.deliveries())
			sums["left"] += counts[len(counts)-1]["left"]
			sums["scheduled"] += counts[len(counts)-1]["scheduled"]
		}
		depth, err := stack.Queues.Depth(blueprint.QueueMail)
		if err != nil || sums["left"] != left || sums["scheduled"] != scheduled || depth.Visible > 0 {
			return fmt.Errorf("%v, want %d left and %d scheduled; %+v in the queue: %v", counts, left, scheduled, depth, err)
		}
		return nil
	})
	dead, err := stack.Queues.Depth(blueprint.QueueMailDead)
	if err != nil || dead.Visible+dead.InFlight > 0 {
		t.Errorf("dead letters: %+v, %v", dead, err)
	}
	return counts
}

func sweepAt(t *testing.T, at time.Time) (mailed int) {
	t.Helper()
	report := want[struct{ Mailed, Failed int }](t, newClient(t, "").send("POST", "/local/run/expire", map[string]any{"now": at}, nil), http.StatusOK)
	if report.Failed > 0 {
		t.Errorf("%+v", report)
	}
	return report.Mailed
}

// C5: with a used-up quota mails wait for the next day, at no attempt's cost and
// without asking SES over and over. They leave oldest first, fair among
// workspaces.
func TestC05AUsedUpQuotaDelaysMail(t *testing.T) {
	onStack(t, local.Config{SES: func(a *mailbox.Account) { a.PerDay, a.PerSecond = 50, 0 }})
	offices := []office{newOffice(t), newOffice(t)}
	for _, prefix := range []string{"a", "b"} { // a before b
		for _, o := range offices {
			o.inviteMany(prefix, 30)
		}
	}
	began := time.Now()
	settles(t, offices, 50, 70)
	if calls := stack.Mailbox.Asked(); calls > 50+4*instances {
		t.Errorf("%d calls of SES on the first day", calls)
	}
	for _, hours := range []int{1, 2, 12} {
		before := stack.Mailbox.Asked()
		if mailed := sweepAt(t, began.Add(time.Duration(hours)*time.Hour)); mailed != 70 {
			t.Errorf("after %d hours %d mails were tried again", hours, mailed)
		}
		time.Sleep(time.Second)
		settles(t, offices, 50, 70)
		if calls := stack.Mailbox.Asked() - before; calls == 0 || calls > 4*instances {
			t.Errorf("after %d hours SES was called %d times", hours, calls)
		}
	}
	stack.Mailbox.Advance(24 * time.Hour)
	sweepAt(t, began.Add(25*time.Hour))
	counts := settles(t, offices, 100, 20)
	for i, c := range counts {
		// Fifty go on each of two days: neither workspace keeps the other waiting,
		// and all that were invited first have left.
		if c["left"] < 30 || c["a left"] < 29 {
			t.Errorf("workspace %d: %v; want a fair share of the mails, and the oldest first", i, c)
		}
	}
	stack.Mailbox.Advance(24 * time.Hour)
	sweepAt(t, began.Add(49*time.Hour))
	settles(t, offices, 120, 0)
	t.Logf("%d calls of SES for 120 mails", stack.Mailbox.Asked())
}

// While the account is paused, for days, mail waits.
func TestC05APauseDelaysMail(t *testing.T) {
	var account mailbox.Account
	onStack(t, local.Config{SES: func(a *mailbox.Account) { a.Paused, a.PerSecond = true, 0; account = *a }})
	offices := []office{newOffice(t)}
	offices[0].inviteMany("a", 20)
	began := time.Now()
	settles(t, offices, 0, 20)
	for hours := 12; hours <= 60; hours += 12 {
		sweepAt(t, began.Add(time.Duration(hours)*time.Hour))
		time.Sleep(time.Second)
		settles(t, offices, 0, 20)
	}
	if calls := stack.Mailbox.Asked(); calls > 6*2*instances {
		t.Errorf("%d calls of SES for 20 mails in three days", calls)
	}
	account.Paused = false
	stack.Mailbox.SetAccount(account)
	sweepAt(t, began.Add(72*time.Hour))
	settles(t, offices, 20, 0)
	t.Logf("%d calls of SES for 20 mails", stack.Mailbox.Asked())
}
