package store_test

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/latchkey/latchkey/shared/awsenv"
	"github.com/latchkey/latchkey/shared/fault"
	"github.com/latchkey/latchkey/shared/store"
	"github.com/latchkey/latchkey/shared/user"
)

// Rules 8 and 10 of the pitfalls: one conditional write decides, at accept.
func TestOneInvitationIsAcceptedOnce(t *testing.T) {
	tb := newTable(t)
	for round := range 2 {
		u := tb.insert(t, invited(newWorkspaceID(), "john@corp.com", user.Builder, t0))
		var won, told atomic.Int32
		race(30, func(i int) {
			_, err := tb.ChangeUser(t.Context(), u, func(u user.User) (user.User, error) {
				return accept(u, byAdmin(t0.Add(time.Hour)), fmt.Sprintf("sub-%d", i))
			})
			var f *fault.Error
			switch {
			case err == nil:
				won.Add(1)
			case errors.As(err, &f) && f.Code == "status_conflict" && f.User != nil && f.User.Status == string(user.Active):
				told.Add(1)
			default:
				t.Error(err)
			}
		})
		if won.Load() != 1 || told.Load() != 29 {
			t.Errorf("round %d: %d accepted, %d were told that the user is active", round, won.Load(), told.Load())
		}
		if now := tb.load(t, u); now.Version != u.Version+1 || now.Status != user.Active {
			t.Errorf("round %d: the user is %s in version %d", round, now.Status, now.Version)
		}
	}
}

var errDeadLink = errors.New("the link is dead")

// contender is one of those who race: it reads and decides as a function does.
type contender struct {
	name       string
	transition func(u user.User) (user.User, error)
}

// contenders race for u, whose time is up at its end. Those who accept and decline are just in time by their own clock.
func contenders(u user.User) []contender {
	end, first := u.Invitation.ExpiresAt, u.Invitation.Generation
	intime, late := end.Add(-time.Millisecond), end
	renewed := max(first+1, int(late.Unix()))
	follow := func(generation int, then func(user.User) (user.User, error)) func(user.User) (user.User, error) {
		return func(u user.User) (user.User, error) {
			if u.Invitation.Generation != generation {
				return u, errDeadLink
			}
			return then(u)
		}
	}
	again := user.Inviting{SendEmail: true, Lasts: week}
	return []contender{
		{"accept", follow(first, func(u user.User) (user.User, error) { return accept(u, stamp("accept", intime), "sub-john") })},
		{"accept", follow(first, func(u user.User) (user.User, error) { return accept(u, stamp("accept", intime), "sub-other") })},
		{"accept the new link", follow(renewed, func(u user.User) (user.User, error) { return accept(u, stamp("accept 2", late), "sub-john") })},
		{"decline", follow(first, func(u user.User) (user.User, error) { return decline(u, stamp("decline", intime)) })},
		{"expire", func(u user.User) (user.User, error) { return u.Expire(stamp("expire", late)) }},
		{"resend", func(u user.User) (user.User, error) { return u.Resend(stamp("resend", late), again) }},
		{"archive", func(u user.User) (user.User, error) { return u.Archive(stamp("archive", late)) }},
		{"account appears", func(u user.User) (user.User, error) { return u.AccountAppeared(stamp("account", intime)), nil }},
	}
}

// Whoever races, what went through is one line of transitions, each decided on
// what the one before it left: nothing is lost and nothing happens twice.
func TestRacingTransitionsAreOneLine(t *testing.T) {
	tb := newTable(t)
	seen := map[string]int{}
	for round := range 24 {
		u := tb.insert(t, invited(newWorkspaceID(), "john@corp.com", user.Builder, t0))
		racers := contenders(u)
		// Not everybody takes part each time, lest archive ends every race.
		racers = slices.DeleteFunc(racers, func(c contender) bool {
			return c.name == "archive" && round%3 != 0 || c.name == "resend" && round%2 != 0 || c.name == "expire" && round%5 == 0
		})
		var mu sync.Mutex
		line := []user.User{u}
		race(len(racers), func(i int) {
			// Half of them come with what they read before the race.
			now := u
			if i%2 == round%2 {
				now = tb.load(t, u)
			}
			var decidedOn int
			next, err := tb.ChangeUser(t.Context(), now, func(u user.User) (user.User, error) {
				decidedOn = u.Version
				return racers[i].transition(u)
			})
			var f *fault.Error
			switch {
			case errors.Is(err, errDeadLink):
			case errors.As(err, &f):
				// An archived user's links open nothing.
				if f.Code != "status_conflict" && f.Code != user.ErrNoInvitation.Code {
					t.Errorf("%s: %v", racers[i].name, err)
				}
			case err != nil:
				t.Errorf("%s: %v", racers[i].name, err)
			case next.Version == decidedOn: // it changed nothing
			default:
				mu.Lock()
				line = append(line, next)
				mu.Unlock()
			}
		})
		seen[checkLine(t, line, tb.load(t, u))]++
	}
	if len(seen) < 3 {
		t.Errorf("the races had %d outcomes alone, which shows little: %v", len(seen), seen)
	}
}

// checkLine checks one race and gives its transitions in order.
func checkLine(t *testing.T, line []user.User, stored user.User) string {
	t.Helper()
	slices.SortFunc(line, func(a, b user.User) int { return a.Version - b.Version })
	left := 0 // transitions out of pending for one generation
	var order []string
	for i := 1; i < len(line); i++ {
		before, after := line[i-1], line[i]
		if after.Version != before.Version+1 {
			t.Fatalf("version %d follows %d: %v", after.Version, before.Version, order)
		}
		if after.Last.ID == before.Last.ID { // a version without an event
			want := before
			want.Version, want.HasAccount = after.Version, true
			if before.HasAccount || before.Status == user.Requested || !reflect.DeepEqual(after, want) {
				t.Fatalf("without an event, %+v became %+v", before, after)
			}
			order = append(order, "account noted")
			continue
		}
		order = append(order, after.Last.Actor)
		switch {
		case after.Last.From != before.Status:
			t.Fatalf("%s was decided on %s, but the user was %s", after.Last.Actor, after.Last.From, before.Status)
		case !legal(before, after):
			t.Fatalf("%s made %s of %s", after.Last.Actor, after.Status, before.Status)
		}
		switch after.Last.Actor {
		case "accept", "decline", "expire", "accept 2":
			left++
		case "resend":
			left = 0
		}
		if left > 1 {
			t.Fatalf("an invitation ended twice: %v", order)
		}
		if after.Last.Actor == "accept" && after.Invitation.Generation != line[0].Invitation.Generation || after.Last.Actor == "accept 2" && after.Invitation.Generation <= line[0].Invitation.Generation {
			t.Fatalf("a dead link let somebody in: %v", order)
		}
	}
	last := line[len(line)-1]
	if !reflect.DeepEqual(stored, last) {
		t.Fatalf("stored is\n%+v, but the last transition left\n%+v: %v", stored, last, order)
	}
	return strings.Join(order, ", ")
}

// legal is the table of the design for those who race here.
func legal(before, after user.User) bool {
	switch after.Last.Actor {
	case "accept", "accept 2":
		return before.Status.Pending() && after.Status == user.Active && after.Subject != ""
	case "decline":
		return before.Status.Pending() && after.Status == user.Declined
	case "expire":
		return before.Status.Pending() && after.Status == user.Expired
	case "resend":
		return (before.Status.Pending() || before.Status == user.Expired || before.Status == user.Declined) && after.Status.Pending() &&
			after.Invitation.Generation > before.Invitation.Generation
	case "archive":
		return before.Status != user.Archived && after.Status == user.Archived
	case "account":
		return before.Status == user.Requested && after.Status == user.Invited
	}
	return false
}

// Rule 9 of the pitfalls: the time is compared inside the write's condition.
// Here the decision itself is wrong; the write refuses all the same.
func TestTheWriteItselfRefusesToAcceptTooLate(t *testing.T) {
	tb := newTable(t)
	u := tb.insert(t, invited(newWorkspaceID(), "john@corp.com", user.Builder, t0))
	late := u.Invitation.ExpiresAt
	ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
	defer cancel()
	_, err := tb.ChangeUser(ctx, u, func(u user.User) (user.User, error) {
		next, err := accept(u, byAdmin(late.Add(-time.Millisecond)), "sub-john")
		next.ActivatedAt = late
		return next, err
	})
	if !errors.Is(err, awsenv.ErrBusy) {
		t.Errorf("the answer is %v", err)
	}
	if now := tb.load(t, u); now.Status != user.Requested || now.Version != u.Version {
		t.Errorf("the user is %s in version %d", now.Status, now.Version)
	}
}

func TestARefusedTransitionWritesNothing(t *testing.T) {
	tb := newTable(t)
	u := tb.insert(t, invited(newWorkspaceID(), "john@corp.com", user.Builder, t0))
	st, err := tb.Load(t.Context(), store.Want{Workspace: u.WorkspaceID, Users: []string{u.ID}})
	if err != nil {
		t.Fatal(err)
	}
	tb.calls.listen(func(operation, _ string, _ []byte) { t.Errorf("it called %s", operation) })
	_, err = tb.Store.ChangeUser(t.Context(), st, u.ID, func(u user.User) (user.User, error) { return accept(u, byAdmin(u.Invitation.ExpiresAt), "sub") })
	if fault.Code(err) != "status_conflict" {
		t.Errorf("the answer is %v", err)
	}
	_, err = tb.Store.ChangeUser(t.Context(), st, u.ID, func(u user.User) (user.User, error) { return u, nil })
	if err != nil {
		t.Errorf("no change at all: %v", err)
	}
}

func TestAUserWhoHasGoneIsNotFound(t *testing.T) {
	tb := newTable(t)
	w, _ := tb.found(t)
	for _, role := range []user.Role{user.Builder, user.Admin} {
		u := invited(w.ID, "never@corp.com", role, t0) // never written
		_, err := tb.ChangeUser(t.Context(), u, func(u user.User) (user.User, error) { return accept(u, byAdmin(t0), "sub") })
		if !errors.Is(err, user.ErrNotFound) {
			t.Errorf("%s: the answer is %v", role, err)
		}
		if tb.rawUser(t, u) != nil {
			t.Errorf("%s: a record appeared", role)
		}
	}
	if now := tb.workspace(t, w.ID); now.Admins != 1 {
		t.Errorf("%d admins are counted", now.Admins)
	}
}
