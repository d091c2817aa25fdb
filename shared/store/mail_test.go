package store_test

import (
	"sync/atomic"
	"testing"
	"time"

	"github.com/latchkey/latchkey/shared/store"
)

const lease = 5 * time.Minute

func (tb *table) claim(t testing.TB, m store.Mail, at time.Time) store.Claim {
	t.Helper()
	return tb.try(t, m, attempt(at))
}

func (tb *table) try(t testing.TB, m store.Mail, a store.Attempt) store.Claim {
	t.Helper()
	c, err := tb.ClaimMail(t.Context(), m, a)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// attempt is one run's try, told apart from all others.
func attempt(at time.Time) store.Attempt {
	return store.Attempt{ID: newID("try_"), At: at, Lease: lease}
}

func newMail() store.Mail {
	return store.Mail{WorkspaceID: newWorkspaceID(), UserID: newID("usr_"), Generation: 1, Kind: "invitation"}
}

func TestOfManyClaimsOnAMailOneWins(t *testing.T) {
	tb := newTable(t)
	for range 5 {
		m := newMail()
		var won, others atomic.Int32
		race(20, func(int) {
			switch c, err := tb.ClaimMail(t.Context(), m, attempt(t0)); {
			case err != nil:
				t.Error(err)
			case c == store.Claimed:
				won.Add(1)
			case c == store.ClaimedElse:
				others.Add(1)
			}
		})
		if won.Load() != 1 || others.Load() != 19 {
			t.Errorf("%d claimed it, %d were told to wait", won.Load(), others.Load())
		}
	}
}

func TestAClaimLastsAsLongAsItsLease(t *testing.T) {
	tb := newTable(t)
	m := newMail()
	for _, c := range []struct {
		at   time.Time
		want store.Claim
	}{
		{t0, store.Claimed},
		{t0.Add(lease - time.Millisecond), store.ClaimedElse},
		{t0.Add(lease), store.Claimed},
		{t0.Add(lease + time.Millisecond), store.ClaimedElse}, // the second lease runs
	} {
		if got := tb.claim(t, m, c.at); got != c.want {
			t.Errorf("%v after the first: %v, want %v", c.at.Sub(t0), got, c.want)
		}
	}
}

func TestOfManyWhoSucceedADeadClaimOneWins(t *testing.T) {
	tb := newTable(t)
	m := newMail()
	tb.claim(t, m, t0)
	var won atomic.Int32
	race(20, func(int) {
		if c, err := tb.ClaimMail(t.Context(), m, attempt(t0.Add(lease))); err == nil && c == store.Claimed {
			won.Add(1)
		}
	})
	if won.Load() != 1 {
		t.Errorf("%d claimed it", won.Load())
	}
}

func TestAMailThatWasSentIsNeverClaimedAgain(t *testing.T) {
	tb := newTable(t)
	m := newMail()
	first := attempt(t0)
	tb.try(t, m, first)
	err := tb.MarkMailSent(t.Context(), m, t0)
	if err != nil {
		t.Fatal(err)
	}
	// A release that comes too late opens nothing.
	err = tb.ReleaseMail(t.Context(), m, first)
	if err != nil {
		t.Fatal(err)
	}
	for _, after := range []time.Duration{0, lease, 20 * day} {
		if got := tb.claim(t, m, t0.Add(after)); got != store.AlreadySent {
			t.Errorf("%v later: %v", after, got)
		}
	}
}

func TestAReleasedMailIsClaimedAtOnce(t *testing.T) {
	tb := newTable(t)
	m := newMail()
	first := attempt(t0)
	tb.try(t, m, first)
	err := tb.ReleaseMail(t.Context(), m, first)
	if err != nil {
		t.Fatal(err)
	}
	if got := tb.claim(t, m, t0.Add(time.Second)); got != store.Claimed {
		t.Errorf("after the release: %v", got)
	}
	if got := tb.claim(t, m, t0.Add(time.Second)); got != store.ClaimedElse {
		t.Errorf("after the next claim: %v", got)
	}
	// What nobody claimed is not there to be released.
	other := newMail()
	err = tb.ReleaseMail(t.Context(), other, first)
	if err != nil || tb.raw(t, "WS#"+other.WorkspaceID, "MAIL#"+other.UserID+"#1#invitation") != nil {
		t.Errorf("a release made a claim: %v", err)
	}
}

// Whoever was too slow does not end the claim of their successor, or a third
// would send as well.
func TestASuccessorsClaimIsNotReleased(t *testing.T) {
	tb := newTable(t)
	m := newMail()
	first := attempt(t0)
	tb.try(t, m, first)
	if got := tb.claim(t, m, t0.Add(lease)); got != store.Claimed {
		t.Fatalf("after the lease: %v", got)
	}
	if err := tb.ReleaseMail(t.Context(), m, first); err != nil {
		t.Fatal(err)
	}
	if got := tb.claim(t, m, t0.Add(lease+time.Second)); got != store.ClaimedElse {
		t.Errorf("after a late release: %v", got)
	}
}

// A claim whose answer was lost is repeated, and recognized: the run sends at
// once instead of waiting for its own lease to end.
func TestARunRecognizesItsOwnClaim(t *testing.T) {
	tb := newTable(t)
	m, mine := newMail(), attempt(t0)
	for n := range 3 {
		if got := tb.try(t, m, mine); got != store.Claimed {
			t.Errorf("repeat %d: %v", n, got)
		}
	}
	if got := tb.claim(t, m, t0); got != store.ClaimedElse {
		t.Errorf("another run: %v", got)
	}
}

func TestEveryGenerationAndKindIsAMailOfItsOwn(t *testing.T) {
	tb := newTable(t)
	m := newMail()
	next, reminder, other := m, m, newMail()
	next.Generation, reminder.Kind = 2, "reminder"
	for _, m := range []store.Mail{m, next, reminder, other} {
		if got := tb.claim(t, m, t0); got != store.Claimed {
			t.Errorf("%+v: %v", m, got)
		}
	}
}

// Claims go by themselves, but not before every queue has forgotten the message.
func TestClaimsAreKeptForLongerThanAQueueKeepsAMessage(t *testing.T) {
	tb := newTable(t)
	tb.claim(t, newMail(), t0)
	items := tb.all(t)
	if len(items) != 1 {
		t.Fatalf("%d items", len(items))
	}
	if kept := ttlOf(t, items[0]).Sub(t0); kept < 14*day || kept > 90*day {
		t.Errorf("a claim is kept for %v", kept)
	}
}
