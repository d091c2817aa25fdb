package event_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/latchkey/latchkey/shared/event"
	"github.com/latchkey/latchkey/shared/user"
	"github.com/latchkey/latchkey/shared/workspace"
)

var t0 = time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)

// Whoever subscribes to the bus learns what happened, and nothing that opens a
// door or names a person.
func TestNoEventHoldsASecretOrAPerson(t *testing.T) {
	u := user.User{
		ID: "usr_1", WorkspaceID: "ws_1", Name: "PRIVATE-name", Email: "PRIVATE@corp.com", Role: user.Admin,
		Groups: []string{"PRIVATE-group"}, SealedMetadata: []byte("PRIVATE-metadata"), Status: user.Invited, Subject: "PRIVATE-subject",
		Request: "PRIVATE-key",
		Last:    user.Change{ID: "evt_1", Actor: "usr_admin", At: t0, From: user.Requested, Changed: []string{"name"}},
	}
	u.Invitation = user.Invitation{InvitedBy: "usr_admin", Generation: 2, Message: "PRIVATE-message", Delivery: user.DeliverySent}
	for _, what := range []user.ChangeType{
		user.UserInvited, user.UserReinvited, user.UserReminded, user.UserAccepted, user.UserDeclined,
		user.UserExpired, user.UserUpdated, user.UserArchived, user.UserRestored, user.DeliveryChanged,
	} {
		u.Last.Type = what
		checkPublic(t, string(what), event.OfUser(u))
	}
	w := workspace.New(user.Stamp{ID: "evt_1", Actor: "usr_admin", At: t0}, "ws_1", "PRIVATE-name", "PRIVATE-slug", []byte("PRIVATE-key"))
	w.AllowedEmailDomains = []string{"PRIVATE.com"}
	checkPublic(t, "a workspace", event.OfWorkspace(w))
}

func checkPublic(t *testing.T, what string, e event.Event) {
	t.Helper()
	raw, err := json.Marshal(e)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(raw), "PRIVATE") || strings.Contains(string(raw), "UFJJVkFURS") { // as text, and in base64
		t.Errorf("%s: %s", what, raw)
	}
	if e.ID != "evt_1" || e.WorkspaceID != "ws_1" || e.Actor != "usr_admin" || !e.Time.Equal(t0) || e.Version != event.Version {
		t.Errorf("%s: %s", what, raw)
	}
}

func TestAnEventSaysWhetherAMailIsDue(t *testing.T) {
	for _, c := range []struct {
		what   user.ChangeType
		status user.Status
		asked  bool
		want   bool
	}{
		{user.UserInvited, user.Requested, true, true},
		{user.UserInvited, user.Requested, false, false},
		{user.UserReinvited, user.Invited, true, true},
		{user.UserReinvited, user.Invited, false, false},
		{user.UserReminded, user.Invited, true, true},
		{user.MailDue, user.Invited, true, true},
		{user.MailDue, user.Active, false, true}, // the mail that tells of restored access
		{user.UserRestored, user.Requested, true, true},
		{user.UserRestored, user.Requested, false, false},
		{user.UserRestored, user.Active, true, true}, // access is theirs again
		{user.UserRestored, user.Active, false, false},
		{user.UserAccepted, user.Active, true, false},
		{user.UserDeclined, user.Declined, true, false},
		{user.UserExpired, user.Expired, true, false},
		{user.UserArchived, user.Archived, true, false},
		{user.UserUpdated, user.Invited, true, false},
		{user.DeliveryChanged, user.Invited, true, false},
	} {
		u := user.User{Status: c.status, Last: user.Change{Type: c.what}}
		u.Invitation.SendEmail, u.Invitation.Delivery = c.asked, user.DeliveryQueued
		if got := event.OfUser(u).SendEmail; got != c.want {
			t.Errorf("%s of somebody who is %s now, asked for %v: %v", c.what, c.status, c.asked, got)
		}
	}
}

// Its own event says when a scheduled mail is due.
func TestAScheduledMailIsNotDue(t *testing.T) {
	for _, what := range []user.ChangeType{user.UserInvited, user.UserReinvited, user.UserRestored} {
		u := user.User{Status: user.Invited, Last: user.Change{Type: what}}
		u.Invitation.SendEmail, u.Invitation.Delivery = true, user.DeliveryScheduled
		if event.OfUser(u).SendEmail {
			t.Errorf("%s calls for a mail that is scheduled", what)
		}
	}
}

func TestOnlyADeliveryEventTellsTheDelivery(t *testing.T) {
	u := user.User{Status: user.Invited, Last: user.Change{Type: user.DeliveryChanged}}
	u.Invitation.Delivery, u.Invitation.DeliveryReason = user.DeliveryFailed, "refused"
	if e := event.OfUser(u); e.Delivery != "failed" || e.DeliveryReason != "refused" {
		t.Errorf("%+v", e)
	}
	u.Last.Type = user.UserUpdated
	if e := event.OfUser(u); e.Delivery != "" || e.DeliveryReason != "" {
		t.Errorf("%+v", e)
	}
}
