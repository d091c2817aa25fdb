package main

import (
	"encoding/json"
	"slices"
	"testing"
	"time"

	"github.com/latchkey/latchkey/shared/email"
	"github.com/latchkey/latchkey/shared/event"
	"github.com/latchkey/latchkey/shared/user"
	"github.com/latchkey/latchkey/shared/workspace"
)

// Any message leads to a known kind of mail, and never to one for a user who is not
// pending.
func FuzzEvent(f *testing.F) {
	for _, seed := range []string{
		`{"detail":{"id":"evt_1","type":"user.invited","workspaceId":"ws_1","userId":"usr_1","generation":7,"status":"requested","time":"2026-01-01T12:00:00Z"}}`,
		`{"detail":{"type":"user.restored","status":"active","generation":7}}`, `{"detail":{"type":"invitation.mail_due","generation":-1}}`,
		`{"detail":{"type":"user.asked_again","generation":7}}`, `{"detail":{"type":1}}`, `{"detail":null}`, `{"detail":[]}`, `null`, `"`, ``,
	} {
		f.Add(seed)
	}
	now := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	kinds := []email.Kind{"", email.Invitation, email.Reinvitation, email.Reminder, email.Accepted, email.Access, email.Asked}
	f.Fuzz(func(t *testing.T, body string) {
		var envelope struct {
			Detail event.Event `json:"detail"`
		}
		if json.Unmarshal([]byte(body), &envelope) != nil {
			return
		}
		e := envelope.Detail
		for _, status := range user.Statuses() {
			u := user.User{ID: "usr_1", Status: status, Invitation: user.Invitation{Generation: 7, SendEmail: true, ExpiresAt: now.Add(time.Hour)}}
			kind := kindOf(e, u)
			if !slices.Contains(kinds, kind) {
				t.Errorf("%s calls for %q", body, kind)
			}
			err := due(kind, e, u, workspace.Workspace{}, now)
			toMember := kind == email.Access || kind == email.Accepted
			stands := status.Pending() && !toMember || status == user.Active && toMember
			if kind == email.Asked {
				stands = status == user.Expired || status == user.Declined
			}
			if err == nil && (e.Generation != 7 || !stands) {
				t.Errorf("%s calls for %q to somebody who is %s", body, kind, status)
			}
		}
	})
}
