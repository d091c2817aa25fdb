package store_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/latchkey/latchkey/shared/store"
	"github.com/latchkey/latchkey/shared/user"
)

// due is everybody who is due in any shard, each at most once.
func (tb *table) due(t *testing.T, now time.Time) []string {
	t.Helper()
	var found []string
	seen := map[string]bool{}
	for _, d := range tb.overdue(t, now) {
		name := d.WorkspaceID + " " + d.UserID
		if seen[name] {
			t.Errorf("%s is due twice", name)
		}
		seen[name] = true
		found = append(found, name)
	}
	return found
}

// overdue is all that is due, in the order in which it is given.
func (tb *table) overdue(t *testing.T, now time.Time) []store.Due {
	t.Helper()
	walk, err := tb.ListDue(t.Context(), now)
	if err != nil {
		t.Fatal(err)
	}
	var all []store.Due
	for {
		d, ok, err := walk.Next(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if !ok {
			return all
		}
		all = append(all, d)
	}
}

func TestTheReminderIsDueFirstThenTheExpiryThenNothing(t *testing.T) {
	tb := newTable(t)
	d := user.Details{Name: "John Doe", Email: "john@corp.com", Role: user.Builder}
	u := tb.insert(t, remindable(newWorkspaceID(), d))
	tb.insert(t, active(u.WorkspaceID, "active@corp.com", user.Builder, t0))
	me := []string{u.WorkspaceID + " " + u.ID}
	check := func(what string, at time.Time, want []string) {
		t.Helper()
		if got := tb.due(t, at); !slices.Equal(got, want) {
			t.Errorf("%s: due are %q, want %q", what, got, want)
		}
	}
	reminder, expiry := t0.Add(5*day), t0.Add(week)
	check("before the reminder", reminder.Add(-time.Millisecond), nil)
	check("at the reminder", reminder, me)
	_, err := tb.ChangeUser(t.Context(), u, func(u user.User) (user.User, error) { return u.Remind(stamp(user.ActorSchedule, reminder), reminder) })
	if err != nil {
		t.Fatal(err)
	}
	check("after the reminder", expiry.Add(-time.Millisecond), nil)
	check("at the expiry", expiry, me)
	_, err = tb.ChangeUser(t.Context(), tb.load(t, u), func(u user.User) (user.User, error) { return u.Expire(stamp(user.ActorSchedule, expiry)) })
	if err != nil {
		t.Fatal(err)
	}
	check("after the expiry", expiry.Add(30*day), nil)
	_, err = tb.ChangeUser(t.Context(), tb.load(t, u), func(u user.User) (user.User, error) {
		return u.Resend(byAdmin(expiry.Add(day)), user.Inviting{SendEmail: true, Lasts: week})
	})
	if err != nil {
		t.Fatal(err)
	}
	check("invited again", expiry.Add(day), nil)
	check("invited again, at the new expiry", expiry.Add(day+week), me)
}

func TestWhoIsNotPendingIsNeverDue(t *testing.T) {
	tb := newTable(t)
	wsID := newWorkspaceID()
	ends := map[string]func(user.User) (user.User, error){
		"accept":  func(u user.User) (user.User, error) { return accept(u, byAdmin(t0.Add(day)), "sub") },
		"decline": func(u user.User) (user.User, error) { return decline(u, byAdmin(t0.Add(day))) },
		"archive": archive,
	}
	for name, end := range ends {
		u := tb.insert(t, invited(wsID, name+"@corp.com", user.Builder, t0))
		if _, err := tb.ChangeUser(t.Context(), u, end); err != nil {
			t.Fatal(err)
		}
	}
	if got := tb.due(t, t0.Add(365*day)); len(got) != 0 {
		t.Errorf("due are %q", got)
	}
}

func TestEverybodyWhoIsDueIsFoundTheLongestOverdueFirst(t *testing.T) {
	tb := newTable(t)
	wsID := newWorkspaceID()
	const n = 1900 // more than 100 in some shards
	at := map[string]time.Time{}
	var want []string
	users := make([]user.User, n)
	for i := range users {
		u := quiet(wsID, fmt.Sprintf("user%d@corp.com", i), t0.Add(time.Duration(i*7919%n)*time.Minute))
		if i%10 == 0 {
			u.Invitation.ExpiresAt = t0.Add(100 * day) // not yet
		} else {
			want = append(want, wsID+" "+u.ID)
		}
		at[u.ID] = u.Invitation.ExpiresAt
		users[i] = u
	}
	tb.insertAll(t, users)
	now := t0.Add(20 * day)
	got := tb.due(t, now)
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("%d are due, want %d", len(got), len(want))
	}
	if !slices.IsSortedFunc(tb.overdue(t, now), func(a, b store.Due) int { return at[a.UserID].Compare(at[b.UserID]) }) {
		t.Error("they are not in the order of time, over all shards")
	}
}

// remindable is a user with a reminder two days before the end.
func remindable(workspaceID string, d user.Details) user.User {
	return newUser(d, workspaceID, t0, user.Inviting{SendEmail: true, Lasts: week, RemindFor: 2 * day})
}
