package main

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/latchkey/latchkey/shared/user"
	"github.com/latchkey/latchkey/shared/workspace"
)

// Copies of a link, which every admin had, are no way to watch a member.
func TestALinkOfAMemberShowsItsStatusAlone(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	for status, named := range map[user.Status]bool{user.Requested: true, user.Invited: true, user.Active: false} {
		var u user.User
		u.Name, u.Email, u.Role, u.Status = "Jane Doe", "jane@corp.com", user.Builder, status
		u.Invitation.ExpiresAt = now.Add(time.Hour)
		raw, err := json.Marshal(show(u, workspace.Workspace{Name: "Nexus"}, user.User{Name: "Ada Admin"}, now))
		if err != nil {
			t.Fatal(err)
		}
		for _, text := range []string{"Jane Doe", "jane@corp.com", "builder", "Ada Admin", "expiresAt"} {
			if strings.Contains(string(raw), text) != named {
				t.Errorf("%s: %s", status, raw)
			}
		}
		if strings.Contains(string(raw), "requested") || strings.Contains(string(raw), "invited") {
			t.Errorf("it tells whether the address has an account: %s", raw)
		}
	}
}
