package store_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"sync/atomic"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/latchkey/latchkey/shared/awsenv"
	"github.com/latchkey/latchkey/shared/fault"
	"github.com/latchkey/latchkey/shared/store"
	"github.com/latchkey/latchkey/shared/user"
)

// admins makes a workspace with n active admins.
func (tb *table) admins(t testing.TB, n int) (workspaceID string, all []user.User) {
	t.Helper()
	w, founder := tb.found(t)
	all = append(all, founder)
	for i := 1; i < n; i++ {
		u := tb.insert(t, invited(w.ID, fmt.Sprintf("admin%d@corp.com", i), user.Admin, t0))
		u, err := tb.ChangeUser(t.Context(), u, func(u user.User) (user.User, error) { return accept(u, byAdmin(t0.Add(time.Hour)), "sub") })
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, u)
	}
	return w.ID, all
}

// checkAdmins compares the count with the list, and gives it.
func (tb *table) checkAdmins(t testing.TB, workspaceID string) int {
	t.Helper()
	active := len(tb.list(t, workspaceID, store.Filter{Statuses: []user.Status{user.Active}, Role: user.Admin}))
	if counted := tb.workspace(t, workspaceID).Admins; counted != active {
		t.Fatalf("%d admins are counted, %d are active", counted, active)
	}
	return active
}

func archive(u user.User) (user.User, error) { return u.Archive(byAdmin(t0.Add(day))) }

// leave is what leaving of one's own accord comes to.
func leave(u user.User) (user.User, error) { return u.Leave(stamp(u.ID, t0.Add(day)), u.Subject) }

// demote is what updating a role comes to.
func demote(u user.User) (user.User, error) {
	u.Role = user.Builder
	u.Version++
	u.Last = user.Change{ID: newID("evt_"), Type: user.UserUpdated, Actor: "usr_admin", At: t0.Add(day)}
	return u, nil
}

// untilDecided repeats what was too busy, as a caller who is told 503 does.
func untilDecided(do func() error) error {
	for {
		err := do()
		if !errors.Is(err, awsenv.ErrBusy) {
			return err
		}
	}
}

// Rule 11 of the pitfalls.
func TestTheLastAdminStaysHoweverManyLeaveAtOnce(t *testing.T) {
	tb := newTable(t)
	const n = 10
	others := rand.New(rand.NewPCG(1, 2))
	for round := range 4 {
		wsID, all := tb.admins(t, n)
		targets := others.Perm(n)
		if round%2 == 0 {
			for i := range targets {
				targets[i] = i // each archives themselves
			}
		}
		var left, last atomic.Int32
		race(n, func(i int) {
			goes := archive
			switch {
			case round%3 == 2 && i%2 == 0:
				goes = demote
			case i%3 == 1:
				goes = leave
			}
			err := untilDecided(func() error {
				_, err := tb.ChangeUser(t.Context(), all[targets[i]], goes)
				return err
			})
			switch {
			case err == nil:
				left.Add(1)
			case errors.Is(err, user.ErrLastAdmin):
				last.Add(1)
			default:
				t.Error(err)
			}
		})
		if left.Load() != n-1 || last.Load() != 1 {
			t.Errorf("round %d: %d left, %d were told that they are the last", round, left.Load(), last.Load())
		}
		if remain := tb.checkAdmins(t, wsID); remain != 1 {
			t.Errorf("round %d: %d admins remain", round, remain)
		}
	}
}

func TestTheOnlyAdminCanBeNeitherArchivedNorDemoted(t *testing.T) {
	tb := newTable(t)
	w, founder := tb.found(t)
	for name, goes := range map[string]func(user.User) (user.User, error){"archive": archive, "demote": demote, "leave": leave} {
		_, err := tb.ChangeUser(t.Context(), founder, goes)
		if !errors.Is(err, user.ErrLastAdmin) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if now := tb.load(t, founder); now.Version != founder.Version || !now.Manages() {
		t.Errorf("the founder is %s in version %d", now.Status, now.Version)
	}
	if remain := tb.checkAdmins(t, w.ID); remain != 1 {
		t.Errorf("%d admins", remain)
	}
}

func TestOneAdminArchivedByManyIsCountedOnce(t *testing.T) {
	tb := newTable(t)
	wsID, all := tb.admins(t, 4)
	var won atomic.Int32
	race(15, func(int) {
		err := untilDecided(func() error {
			_, err := tb.ChangeUser(t.Context(), all[1], archive)
			return err
		})
		switch {
		case err == nil:
			won.Add(1)
		case fault.Code(err) != "status_conflict":
			t.Error(err)
		}
	})
	if remain := tb.checkAdmins(t, wsID); won.Load() != 1 || remain != 3 {
		t.Errorf("%d archived the admin, %d admins remain", won.Load(), remain)
	}
}

func TestAdminsComingAndGoingAtOnceAreCountedRight(t *testing.T) {
	tb := newTable(t)
	wsID, all := tb.admins(t, 6)
	for _, u := range all[3:] {
		if _, err := tb.ChangeUser(t.Context(), u, archive); err != nil {
			t.Fatal(err)
		}
	}
	restore := func(u user.User) (user.User, error) { return u.Restore(byAdmin(t0.Add(2*day)), false, user.Inviting{}) }
	joined := tb.insert(t, invited(wsID, "joins@corp.com", user.Admin, t0))
	accept := func(u user.User) (user.User, error) { return accept(u, byAdmin(t0.Add(day)), "sub-joins") }
	race(7, func(i int) {
		u, do := joined, accept
		switch {
		case i < 3:
			u, do = all[i], archive
		case i < 6:
			u, do = tb.load(t, all[i]), restore
		}
		err := untilDecided(func() error {
			_, err := tb.ChangeUser(t.Context(), u, do)
			return err
		})
		if err != nil && !errors.Is(err, user.ErrLastAdmin) {
			t.Error(err)
		}
	})
	if remain := tb.checkAdmins(t, wsID); remain < 4 || remain > 5 {
		t.Errorf("%d admins remain; 4 came, and of the 3 who were there 2 or 3 went", remain)
	}
}

// Whatever happens to the users of a workspace, in whatever order, the count
// of admins is the number of active admins, and never reaches zero.
func TestTheCountOfAdminsIsAlwaysRight(t *testing.T) {
	tb := newTable(t)
	rapid.Check(t, func(rt *rapid.T) {
		w, founder := tb.found(t)
		users := []user.User{founder}
		for i := range rapid.IntRange(1, 4).Draw(rt, "users") {
			role := rapid.SampledFrom([]user.Role{user.Admin, user.Admin, user.Builder}).Draw(rt, "role")
			users = append(users, tb.insert(t, invited(w.ID, fmt.Sprintf("user%d@corp.com", i), role, t0)))
		}
		now := t0
		again := user.Inviting{Lasts: 3 * day}
		for range rapid.IntRange(1, 15).Draw(rt, "length") {
			now = now.Add(time.Duration(rapid.IntRange(0, 40).Draw(rt, "hours")) * time.Hour)
			i := rapid.IntRange(0, len(users)-1).Draw(rt, "user")
			op := rapid.SampledFrom([]string{"accept", "archive", "restore", "reinvite", "resend", "decline", "expire", "promote", "demote"}).Draw(rt, "operation")
			st := byAdmin(now)
			before := users[i]
			next, err := tb.ChangeUser(t.Context(), before, func(u user.User) (user.User, error) {
				switch op {
				case "accept":
					return accept(u, st, "sub")
				case "archive":
					return u.Archive(st)
				case "restore":
					return u.Restore(st, false, again)
				case "reinvite":
					return u.Restore(st, true, again)
				case "resend":
					return u.Resend(st, again)
				case "decline":
					return decline(u, st)
				case "expire":
					return u.Expire(st)
				case "promote":
					u.Role = user.Admin
				case "demote":
					u.Role = user.Builder
				}
				u.Version++
				u.Last = user.Change{ID: st.ID, Type: user.UserUpdated, Actor: st.Actor, At: st.At}
				return u, nil
			})
			if err == nil {
				users[i] = next
			}
			admins := 0
			for _, u := range users {
				if u.Manages() {
					admins++
				}
			}
			if counted := tb.workspace(t, w.ID).Admins; counted != admins || counted < 1 {
				rt.Fatalf("after %s of %s %s (%v): %d admins are counted, %d are active", op, before.Status, before.Role, err, counted, admins)
			}
			if errors.Is(err, user.ErrLastAdmin) && admins != 1 {
				rt.Fatalf("%s was refused for the sake of the last admin, but there are %d", op, admins)
			}
			if stored := tb.load(t, users[i]); stored.Version != users[i].Version || stored.Status != users[i].Status || stored.Role != users[i].Role {
				rt.Fatalf("after %s: stored is %s %s, not %s %s", op, stored.Status, stored.Role, users[i].Status, users[i].Role)
			}
		}
	})
}
