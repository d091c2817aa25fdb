package user_test

import (
	"testing"
	"time"

	"github.com/latchkey/latchkey/shared/user"
)

func TestMailIsTriedAgainEverLaterOnCommonInstants(t *testing.T) {
	since := time.Date(2026, 1, 31, 10, 2, 0, 0, time.UTC)
	var at []string
	for now := since; now.Sub(since) < 4*time.Hour; {
		now = user.RetryAt(since, now)
		at = append(at, now.Format("15:04"))
	}
	want := []string{"10:05", "10:10", "10:15", "10:30", "10:45", "11:00", "11:15", "12:00", "13:00", "14:00", "15:00"}
	for i := range want {
		if len(at) != len(want) || at[i] != want[i] {
			t.Fatalf("%v, want %v", at, want)
		}
	}
}

// A mail waits 14 days at most, and keeps the invitation's time for the person.
func TestAPostponedInvitationDoesNotRunOut(t *testing.T) {
	now := time.Date(2026, 1, 31, 10, 2, 0, 0, time.UTC)
	u, err := user.New(user.Stamp{ID: "evt_1", Actor: "usr_admin", At: now}, "ws_1", user.Details{Name: "John", Email: "john@corp.com", Role: user.Builder},
		user.Inviting{SendEmail: true, Lasts: 7 * 24 * time.Hour}, user.Erased{}, user.Mailbox{}, user.Recipient{})
	if err != nil {
		t.Fatal(err)
	}
	end := now.Add(user.PostponedAtMost)
	for ok := true; now.Before(end); {
		before := u
		if u, ok = u.Postpone(user.Stamp{At: now}, user.MailInvitation, "paused", time.Time{}); !ok {
			t.Fatalf("given up at %v", now)
		}
		if again, _ := u.Postpone(user.Stamp{At: now}, user.MailInvitation, "paused", time.Time{}); again.Version != u.Version || u.Version == before.Version {
			t.Fatal("a repeat is a change, or a change is none")
		}
		if _, err := u.Retry(user.Stamp{At: now}); err == nil {
			t.Fatal("it leaves too early")
		}
		now = u.Invitation.ScheduledFor
		if left := u.Invitation.ExpiresAt.Sub(now); left != 7*24*time.Hour {
			t.Fatalf("%s are left", left)
		}
		if u, err = u.Retry(user.Stamp{ID: "evt_2", Actor: user.ActorSchedule, At: now}); err != nil || u.Invitation.Sends != 1 || u.Mailbox.Mails != 1 {
			t.Fatalf("%v; counted %d times", err, u.Invitation.Sends)
		}
	}
	if _, ok := u.Postpone(user.Stamp{At: now}, user.MailInvitation, "paused", time.Time{}); ok {
		t.Error("it waits for ever")
	}
}

// A reminder waits without a word about the invitation, whose mail arrived, and
// never beyond the end.
func TestAPostponedReminderLeavesDeliveryAlone(t *testing.T) {
	now := time.Date(2026, 1, 31, 10, 2, 0, 0, time.UTC)
	u := user.User{Status: user.Invited, Invitation: user.Invitation{Delivery: user.DeliveryDelivered, DeliveryWeight: user.WeightDelivered, ExpiresAt: now.Add(time.Hour)}}
	next, ok := u.Postpone(user.Stamp{At: now}, user.MailReminder, "paused", time.Time{})
	if !ok || next.Invitation.Delivery != user.DeliveryDelivered || !next.Invitation.Waits(user.MailReminder) || next.Invitation.ExpiresAt != u.Invitation.ExpiresAt {
		t.Errorf("%+v", next.Invitation)
	}
	if _, ok := u.Postpone(user.Stamp{At: now.Add(58 * time.Minute)}, user.MailReminder, "paused", time.Time{}); ok {
		t.Error("it would come after the end")
	}
	joined, err := next.Archive(user.Stamp{ID: "evt_2", At: now})
	if err != nil || joined.Invitation.Waits(user.MailReminder) {
		t.Error("it outlives the invitation")
	}
}
