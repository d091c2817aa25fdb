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
		user.UserExpired, user.UserUpdated, user.UserArchived, user.UserRestored, user.DeliveryChanged, user.MailDue,
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
	const queued, scheduled, none = user.DeliveryQueued, user.DeliveryScheduled, user.DeliveryNone
	for _, c := range []struct {
		what     user.ChangeType
		status   user.Status
		delivery user.Delivery
		want     bool
	}{
		{user.UserInvited, user.Requested, queued, true},
		{user.UserInvited, user.Requested, scheduled, false}, // invitation.mail_due follows
		{user.UserInvited, user.Requested, none, false},
		{user.UserReinvited, user.Invited, queued, true},
		{user.UserReinvited, user.Invited, scheduled, false},
		{user.UserReinvited, user.Invited, none, false},
		{user.UserReminded, user.Invited, user.DeliveryDelivered, true},
		{user.MailDue, user.Invited, queued, true},
		{user.UserRestored, user.Requested, queued, true},
		{user.UserRestored, user.Requested, scheduled, false},
		{user.UserRestored, user.Active, queued, true}, // access is theirs again
		{user.UserDeclined, user.Declined, queued, false},
		{user.UserExpired, user.Expired, queued, false},
		{user.UserArchived, user.Archived, queued, false},
		{user.UserUpdated, user.Invited, queued, false},
		{user.DeliveryChanged, user.Invited, queued, false},
	} {
		u := user.User{Status: c.status, Last: user.Change{Type: c.what}}
		u.Invitation.SendEmail, u.Invitation.Delivery = c.delivery != none, c.delivery
		if got := event.OfUser(u).SendEmail; got != c.want {
			t.Errorf("%s of somebody who is %s now, %s: %v", c.what, c.status, c.delivery, got)
		}
	}
	// The mail of an acceptance goes to the inviter.
	for _, wanted := range []bool{true, false} {
		u := user.User{Status: user.Active, Last: user.Change{Type: user.UserAccepted}}
		u.Invitation.NotifyInviter, u.Invitation.SendEmail, u.Invitation.Delivery = wanted, true, queued
		if got := event.OfUser(u).SendEmail; got != wanted {
			t.Errorf("an acceptance, where the inviter wants to know %v: %v", wanted, got)
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
