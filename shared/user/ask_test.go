package user_test

import (
	"reflect"
	"testing"
	"time"

	"github.com/latchkey/latchkey/shared/fault"
	"github.com/latchkey/latchkey/shared/user"
)

// Only by the newest link, and only once it has ended.
func TestAskAgain(t *testing.T) {
	pending := invited(t0, true)
	end := pending.Invitation.ExpiresAt
	generation := pending.Invitation.Generation
	active := must(pending.Accept(stamp(t0.Add(time.Hour)), byLink(pending), guest, inviter))
	for name, c := range map[string]struct {
		of         user.User
		generation int
		at         time.Time
		code       string
	}{
		"declined":             {must(pending.Decline(stamp(t0), byLink(pending))), generation, t0.Add(time.Hour), ""},
		"expired":              {must(pending.Expire(stamp(end))), generation, end, ""},
		"expired by the clock": {pending, generation, end, ""},
		"pending":              {pending, generation, end.Add(-time.Millisecond), "status_conflict"},
		"active":               {active, generation, end, "status_conflict"},
		"archived":             {must(active.Archive(stamp(end))), generation, end, "invitation_not_found"},
		"by an older link":     {must(pending.Resend(stamp(end), again)), generation, end.Add(2 * week), "invitation_not_found"},
	} {
		next, err := c.of.AskAgain(stamp(c.at), c.generation)
		switch {
		case c.code != "" && (fault.Code(err) != c.code || !reflect.DeepEqual(next, c.of)):
			t.Errorf("%s: %+v, %v", name, next, err)
		case c.code == "" && (err != nil || next.Last.Type != user.AskedAgain || next.Status != c.of.Status || !next.Invitation.AskedAt.Equal(c.at)):
			t.Errorf("%s: %+v, %v", name, next, err)
		}
	}
}

func TestAPersonAsksOnceADay(t *testing.T) {
	u := must(invited(t0, true).Decline(stamp(t0), byLink(invited(t0, true))))
	ask := func(at time.Time) (asked bool) {
		next := must(u.AskAgain(stamp(at), u.Invitation.Generation))
		asked = next.Version != u.Version
		u = next
		return asked
	}
	midnight := t0.Truncate(day).Add(day)
	for i, c := range []struct {
		at   time.Time
		want bool
	}{{t0.Add(time.Hour), true}, {t0.Add(2 * time.Hour), false}, {midnight.Add(-time.Millisecond), false}, {midnight, true}, {midnight.Add(time.Hour), false}} {
		if got := ask(c.at); got != c.want {
			t.Errorf("%d: %v", i, got)
		}
	}
	if anew := must(u.Resend(stamp(midnight.Add(2*time.Hour)), again)); !anew.Invitation.AskedAt.IsZero() {
		t.Error("a new link is asked for already")
	}
}
