package user_test

import (
	"reflect"
	"testing"
	"time"

	"github.com/latchkey/latchkey/shared/fault"
	"github.com/latchkey/latchkey/shared/user"
)

// Only by the newest link or from one's own list, and only once the link has
// ended or while a role that manages needs it.
func TestAskAgain(t *testing.T) {
	pending := invited(t0, true)
	end := pending.Invitation.ExpiresAt
	active := must(pending.Accept(stamp(t0.Add(time.Hour)), byLink(pending), guest, inviter))
	manager := pending
	manager.Role = user.Admin
	link, mine := byLink(pending), user.Answer{}
	for name, c := range map[string]struct {
		of   user.User
		by   user.Answer
		at   time.Time
		code string
	}{
		"declined":                  {must(pending.Decline(stamp(t0), byLink(pending))), link, t0.Add(time.Hour), ""},
		"expired":                   {must(pending.Expire(stamp(end))), link, end, ""},
		"expired by the clock":      {pending, link, end, ""},
		"pending":                   {pending, link, end.Add(-time.Millisecond), "status_conflict"},
		"active":                    {active, link, end, "status_conflict"},
		"archived":                  {must(active.Archive(stamp(end))), link, end, "invitation_not_found"},
		"by an older link":          {must(pending.Resend(stamp(end), again)), link, end.Add(2 * week), "invitation_not_found"},
		"own, declined":             {must(pending.Decline(stamp(t0), link)), mine, t0.Add(time.Hour), ""},
		"own, expired":              {pending, mine, end, ""},
		"own, pending":              {pending, mine, t0, "status_conflict"},
		"own, pending as a manager": {manager, mine, t0, ""},
		"pending as a manager":      {manager, link, t0, "status_conflict"},
		"own, archived":             {must(active.Archive(stamp(end))), mine, end, "invitation_not_found"},
	} {
		next, err := c.of.AskAgain(stamp(c.at), c.by)
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
		next := must(u.AskAgain(stamp(at), byLink(u)))
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
