package user_test

import (
	"testing"
	"time"

	"github.com/latchkey/latchkey/shared/fault"
	"github.com/latchkey/latchkey/shared/user"
)

// Only a member leaves, and only by the account that has joined.
func TestLeave(t *testing.T) {
	pending := invited(t0, true)
	active := must(pending.Accept(stamp(t0.Add(time.Hour)), byLink(pending), guest, inviter))
	for name, c := range map[string]struct {
		of      user.User
		subject string
		code    string // of the refusal
	}{
		"a member":        {active, guest.Subject, ""},
		"another account": {active, "sub-other", "user_not_found"},
		"nobody's":        {active, "", "user_not_found"},
		"invited":         {pending, guest.Subject, "status_conflict"},
		"archived":        {must(active.Archive(stamp(t0.Add(2 * time.Hour)))), guest.Subject, "status_conflict"},
		"declined":        {must(pending.Decline(stamp(t0), byLink(pending))), guest.Subject, "status_conflict"},
	} {
		s := stamp(t0.Add(3 * time.Hour))
		s.Actor = c.of.ID
		next, err := c.of.Leave(s, c.subject)
		if (err == nil) != (c.code == "") || err != nil && fault.Code(err) != c.code {
			t.Errorf("%s: %v", name, err)
		}
		if left := next.Status == user.Archived && next.Last.Type == user.UserArchived && next.Last.Actor == c.of.ID; left != (c.code == "") {
			t.Errorf("%s: %s by %s, %s", name, next.Status, next.Last.Actor, next.Last.Type)
		}
	}
}
