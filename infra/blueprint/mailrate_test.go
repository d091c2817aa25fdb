package blueprint_test

import (
	"testing"
	"time"

	"github.com/latchkey/latchkey/infra/blueprint"
)

// C6: whatever the rate, as many instances run as it takes, and no more than
// the rate leaves.
func TestC06MailReachesTheAccountsRate(t *testing.T) {
	const oneMail = 162 * time.Millisecond // as measured
	for rate := 1; rate <= 500; rate++ {
		n, interval := blueprint.MailConcurrency(rate), blueprint.MailInterval(rate)
		each := max(interval, oneMail)
		if got := float64(n) / each.Seconds(); got < 0.99*float64(rate) || got > 1.01*float64(rate) {
			t.Errorf("%d instances at %s leave %.1f mails a second, want %d", n, interval, got, rate)
		}
		f, _ := blueprint.FunctionNamed("mail")
		if f = f.AtMailRate(rate); f.Queue.MaxConcurrency != n || f.ReservedConcurrency != n {
			t.Errorf("rate %d: %+v", rate, f.Queue)
		}
	}
	if f, _ := blueprint.FunctionNamed("mail"); f.Queue.MaxConcurrency != 5 {
		t.Errorf("AtMailRate changed the blueprint: %d", f.Queue.MaxConcurrency)
	}
}
