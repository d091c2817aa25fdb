package store_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"pgregory.net/rapid"

	"github.com/latchkey/latchkey/shared/awsenv"
	"github.com/latchkey/latchkey/shared/fault"
	"github.com/latchkey/latchkey/shared/store"
	"github.com/latchkey/latchkey/shared/user"
	"github.com/latchkey/latchkey/shared/workspace"
)

// statuses counts the users of a workspace one by one, in one read.
func (tb *table) statuses(t tester, workspaceID string) map[user.Status]int {
	t.Helper()
	out, err := tb.db.Query(t.Context(), &dynamodb.QueryInput{
		TableName: &tb.name, ConsistentRead: aws.Bool(true),
		KeyConditionExpression:    aws.String("pk = :pk AND begins_with(sk, :user)"),
		ExpressionAttributeValues: store.Item{":pk": s("WS#" + workspaceID), ":user": s("USER#")},
	})
	if err != nil || out.LastEvaluatedKey != nil {
		t.Fatalf("count the users: %v", err)
	}
	counts := map[user.Status]int{}
	for _, item := range out.Items {
		if textOf(item["entity"]) == "user" {
			counts[user.Status(textOf(item["status"]))]++
		}
	}
	return counts
}

func seatsOf(counts map[user.Status]int) int {
	return counts[user.Requested] + counts[user.Invited] + counts[user.Active]
}

// checkTally compares the tally with the users, and its rooms with the limit:
// none is negative, and they add up to what is free.
func (tb *table) checkTally(t tester, workspaceID string, limit int) {
	t.Helper()
	want := tb.statuses(t, workspaceID)
	counts, err := tb.Counts(t.Context(), workspaceID)
	if err != nil {
		t.Fatal(err)
	}
	for _, status := range user.Statuses() {
		if counts[status] != want[status] {
			t.Fatalf("counted are %v, there are %v", counts, want)
		}
	}
	if len(counts) != len(user.Statuses()) {
		t.Fatalf("counted are %v", counts)
	}
	left, err := tb.SeatsLeft(t.Context(), workspaceID)
	if err != nil {
		t.Fatal(err)
	}
	if limit == 0 {
		if left < 1_000_000 {
			t.Fatalf("%d seats are left without a limit", left)
		}
		return
	}
	if left != limit-seatsOf(want) {
		t.Fatalf("%d seats are left of %d, and in use are %v", left, limit, want)
	}
	for part := range workspace.Parts {
		if room := tb.room(t, workspaceID, part); room < 0 {
			t.Fatalf("part %d has room for %d", part, room)
		}
	}
}

func (tb *table) room(t tester, workspaceID string, part int) int {
	t.Helper()
	out, err := tb.db.GetItem(t.Context(), &dynamodb.GetItemInput{
		TableName: &tb.name, ConsistentRead: aws.Bool(true),
		Key: store.Item{"pk": s("WS#" + workspaceID), "sk": s("TALLY#" + strconv.Itoa(part))},
	})
	if err != nil {
		t.Fatal(err)
	}
	room, ok := out.Item["room"].(*types.AttributeValueMemberN)
	if !ok {
		return 0
	}
	n, err := strconv.Atoi(room.Value)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// limitSeats sets a seat limit, 0 for none.
func (tb *table) limitSeats(ctx context.Context, w workspace.Workspace, limit int) (workspace.Workspace, error) {
	return tb.ChangeWorkspace(ctx, w, func(w workspace.Workspace) (workspace.Workspace, error) {
		next, fields := w.Apply(byAdmin(t0), workspace.Patch{SeatLimit: &limit})
		return next, fields.Err()
	})
}

func (tb *table) limited(t testing.TB, limit int) workspace.Workspace {
	t.Helper()
	w, _ := tb.found(t)
	w, err := tb.limitSeats(t.Context(), w, limit)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

var noMail = user.Inviting{Lasts: week}

// quiet is somebody who is invited without a mail, so that no limit of mails
// stops what happens to them.
func quiet(workspaceID, email string, at time.Time) user.User {
	d := user.Details{Name: "John Doe", Email: email, Role: user.Builder}
	return newUser(d, workspaceID, at, noMail)
}

// transitions are all that changes a status.
var transitions = map[string]func(user.User, user.Stamp) (user.User, error){
	"accept":   func(u user.User, s user.Stamp) (user.User, error) { return accept(u, s, "sub") },
	"decline":  func(u user.User, s user.Stamp) (user.User, error) { return decline(u, s) },
	"expire":   func(u user.User, s user.Stamp) (user.User, error) { return u.Expire(s) },
	"archive":  func(u user.User, s user.Stamp) (user.User, error) { return u.Archive(s) },
	"restore":  func(u user.User, s user.Stamp) (user.User, error) { return u.Restore(s, false, noMail) },
	"reinvite": func(u user.User, s user.Stamp) (user.User, error) { return u.Restore(s, true, noMail) },
	"resend":   func(u user.User, s user.Stamp) (user.User, error) { return u.Resend(s, noMail) },
	"account":  func(u user.User, s user.Stamp) (user.User, error) { return u.AccountAppeared(s), nil },
	"rename": func(u user.User, s user.Stamp) (user.User, error) {
		name := "Somebody " + strconv.Itoa(u.Version)
		return u.Edit(s, user.Patch{Name: &name}), nil
	},
}

// Whatever happens in a workspace, in whatever order: the tally is what a
// count of the users comes to, and more seats are never taken than there are.
func TestTheTallyIsExactWhateverHappens(t *testing.T) {
	tb := newTable(t)
	names := []string{"accept", "decline", "expire", "archive", "restore", "reinvite", "resend", "account", "rename", "erase", "insert", "limit", "limit"}
	rapid.Check(t, func(rt *rapid.T) {
		w, _ := tb.found(t)
		now := t0
		users := map[string]user.User{}
		for step := range rapid.IntRange(1, 20).Draw(rt, "length") {
			now = now.Add(time.Duration(rapid.IntRange(0, 30).Draw(rt, "hours")) * time.Hour)
			name := rapid.SampledFrom(names).Draw(rt, "operation")
			before := tb.statuses(rt, w.ID)
			inUse := seatsOf(before)
			switch name {
			case "limit":
				limit := rapid.SampledFrom([]int{0, max(inUse-1, 1), max(inUse, 1), max(inUse, 1), inUse + 1, inUse + 3, inUse + 40}).Draw(rt, "seats")
				next, err := tb.limitSeats(rt.Context(), w, limit)
				tooLow := limit > 0 && limit < inUse && limit != w.SeatLimit
				if tooLow != (fault.Code(err) == workspace.CodeSeatsInUse) || err != nil && !tooLow {
					rt.Fatalf("limit %d, in use %d: %v", limit, inUse, err)
				}
				if err == nil {
					w = next
				}
			case "insert":
				n := rapid.IntRange(1, 12).Draw(rt, "users")
				batch := make([]user.User, n)
				for i := range batch {
					batch[i] = quiet(w.ID, fmt.Sprintf("user%d-%d@corp.com", step, i), now)
				}
				done, err := tb.InsertUsers(rt.Context(), batch, store.Answer{}, now)
				fit := n
				if w.SeatLimit > 0 {
					fit = min(n, w.SeatLimit-inUse)
				}
				if err != nil || len(done.Existing) > 0 || len(done.Seatless) != n-fit {
					rt.Fatalf("%d of %d fit: %v, %+v", fit, n, err, done)
				}
				for i, u := range batch {
					if done.Seatless[u.ID] != (i >= fit) {
						rt.Fatalf("user %d of %d has no seat: %v; %d fit", i, n, done.Seatless[u.ID], fit)
					}
					if i < fit {
						users[u.ID] = u
					}
				}
			default:
				if len(users) == 0 {
					continue
				}
				candidates := sortedUsers(users)
				if full := w.SeatLimit > 0 && inUse >= w.SeatLimit; full && rapid.Bool().Draw(rt, "wants a seat") {
					without := slices.DeleteFunc(slices.Clone(candidates), func(u user.User) bool { return u.Status.HoldsSeat() })
					if len(without) > 0 {
						candidates, name = without, rapid.SampledFrom([]string{"restore", "reinvite", "resend"}).Draw(rt, "operation")
					}
				}
				u := rapid.SampledFrom(candidates).Draw(rt, "user")
				tb.oneChange(rt, w, users, u, name, now, inUse)
			}
			tb.checkTally(rt, w.ID, w.SeatLimit)
		}
	})
}

func sortedUsers(users map[string]user.User) []user.User {
	return slices.SortedFunc(maps.Values(users), func(a, b user.User) int { return strings.Compare(a.Email, b.Email) })
}

func (tb *table) oneChange(rt *rapid.T, w workspace.Workspace, users map[string]user.User, u user.User, name string, now time.Time, inUse int) {
	if name == "erase" {
		err := tb.EraseUser(rt.Context(), u, func(u user.User) (user.Erased, error) { return u.Erase(byAdmin(now)) })
		if _, wrong := u.Erase(byAdmin(now)); fault.Code(err) != fault.Code(wrong) {
			rt.Fatalf("erase %s: %v, not %v", u.Status, err, wrong)
		}
		if err == nil {
			delete(users, u.ID)
		}
		return
	}
	transition := func(u user.User) (user.User, error) { return transitions[name](u, byAdmin(now)) }
	want, wrong := transition(u)
	full := w.SeatLimit > 0 && inUse >= w.SeatLimit && wrong == nil && !u.Status.HoldsSeat() && want.Status.HoldsSeat()
	next, err := tb.ChangeUser(rt.Context(), u, transition)
	switch {
	case full:
		if !errors.Is(err, workspace.ErrSeatLimit) {
			rt.Fatalf("%s with %d of %d seats in use: %v", name, inUse, w.SeatLimit, err)
		}
		if next.ID != u.ID {
			rt.Fatalf("whom it was about is %q after it failed", next.ID)
		}
	case fault.Code(err) != fault.Code(wrong):
		rt.Fatalf("%s of %s: %v, not %v", name, u.Status, err, wrong)
	case err == nil:
		users[u.ID] = next
	}
}

// Thousands of operations at once: none takes one seat too many, at any
// moment; and in the end the tally is exact. Rule 10 of the pitfalls.
func TestSeatsAreNeverExceededHoweverManyRace(t *testing.T) {
	tb := newTable(t)
	const limit, racers, each = 10, 24, 8
	w := tb.limited(t, limit)
	often := strings.Fields("accept decline decline expire expire archive archive archive restore restore reinvite resend resend erase")
	var done, seatless, busy atomic.Int64
	over := make(chan string, 1)
	ctx, stop := context.WithCancel(t.Context())
	var watch sync.WaitGroup
	watch.Go(func() {
		for ; ctx.Err() == nil; time.Sleep(5 * time.Millisecond) {
			if counts := tb.statuses(t, w.ID); seatsOf(counts) > limit {
				select {
				case over <- fmt.Sprint(counts):
				default:
				}
			}
		}
	})
	race(racers, func(i int) {
		random := rand.New(rand.NewPCG(uint64(i), 3))
		now := t0
		for n := range each {
			now = now.Add(time.Duration(random.IntN(8*24)) * time.Hour)
			email := fmt.Sprintf("user%d@corp.com", random.IntN(24))
			u, ok, err := tb.LoadUser(t.Context(), w.ID, user.IDFor(w.ID, email))
			if err != nil {
				t.Error(err)
				return
			}
			name := "insert"
			if ok {
				name = often[random.IntN(len(often))]
			}
			switch {
			case !ok:
				fresh := []user.User{quiet(w.ID, email, now)}
				if n%5 == 0 { // a small batch, some of them there already
					for j := range 3 {
						fresh = append(fresh, quiet(w.ID, fmt.Sprintf("batch%d@corp.com", (i+j)%10), now))
					}
				}
				var insertion Insertion
				insertion, err = tb.InsertUsers(t.Context(), fresh, store.Answer{}, now)
				if len(insertion.Seatless) > 0 {
					err = workspace.ErrSeatLimit
				}
			case name == "erase":
				err = tb.EraseUser(t.Context(), u, func(u user.User) (user.Erased, error) { return u.Erase(byAdmin(now)) })
			default:
				_, err = tb.ChangeUser(t.Context(), u, func(u user.User) (user.User, error) { return transitions[name](u, byAdmin(now)) })
			}
			var f *fault.Error
			switch {
			case err == nil:
				done.Add(1)
			case errors.Is(err, workspace.ErrSeatLimit):
				seatless.Add(1)
			case errors.Is(err, awsenv.ErrBusy):
				busy.Add(1)
			case errors.As(err, &f) && (f.Kind == fault.Conflict || f.Kind == fault.NotFound):
			default:
				t.Errorf("%s: %v", name, err)
			}
		}
	})
	stop()
	watch.Wait()
	select {
	case counts := <-over:
		t.Errorf("at some moment there were %s", counts)
	default:
	}
	tb.checkTally(t, w.ID, limit)
	t.Logf("%d went through, %d found no seat, %d were too busy", done.Load(), seatless.Load(), busy.Load())
	if done.Load() < 12 || seatless.Load() < 30 { // how many find a seat is chance; the first ten do
		t.Errorf("%d went through and %d found no seat: that shows little", done.Load(), seatless.Load())
	}
	if busy.Load() > racers*each/20 {
		t.Errorf("%d of %d were told that the table is busy", busy.Load(), racers*each)
	}
}

// What failed for want of a seat tells whom it was about, so that it can be
// tried once more when a seat is free.
func TestNobodyComesInWithoutASeat(t *testing.T) {
	tb := newTable(t)
	w := tb.limited(t, 2)
	guest := tb.insert(t, quiet(w.ID, "guest@corp.com", t0))
	away := tb.change(t, guest, func(u user.User) (user.User, error) { return decline(u, byAdmin(t0)) })
	tb.insert(t, quiet(w.ID, "other@corp.com", t0)) // beside the founder
	for _, name := range []string{"resend", "archive then restore", "archive then reinvite"} {
		before, do := away, transitions["resend"]
		if then, ok := strings.CutPrefix(name, "archive then "); ok {
			before, do = tb.change(t, tb.load(t, away), archive), transitions[then]
		}
		next, err := tb.ChangeUser(t.Context(), before, func(u user.User) (user.User, error) { return do(u, byAdmin(t0.Add(day))) })
		if !errors.Is(err, workspace.ErrSeatLimit) || next.ID != guest.ID {
			t.Errorf("%s: %v; it is %q", name, err, next.ID)
		}
		if now := tb.load(t, guest); now.Version != before.Version {
			t.Errorf("%s: something was written: %s in version %d", name, now.Status, now.Version)
		}
		if name != "resend" {
			break
		}
	}
	tb.checkTally(t, w.ID, 2)
}

// A limit that is set while people are invited holds from that instant: what
// came before it was counted, what comes after it keeps to it.
func TestALimitSetWhileManyAreInvitedHolds(t *testing.T) {
	tb := newTable(t)
	for round := range 3 {
		w, _ := tb.found(t)
		limit := 8 + 10*round
		var inserted, seatless, set, tooLow atomic.Int64
		race(24, func(i int) {
			if i%8 == 0 {
				err := untilDecided(func() error {
					_, err := tb.limitSeats(t.Context(), w, limit)
					return err
				})
				switch {
				case err == nil:
					set.Add(1)
				case fault.Code(err) == workspace.CodeSeatsInUse:
					tooLow.Add(1)
				default:
					t.Error(err)
				}
				return
			}
			for n := range 2 {
				err := untilDecided(func() error {
					done, err := tb.InsertUsers(t.Context(), []user.User{quiet(w.ID, fmt.Sprintf("user%d-%d@corp.com", i, n), t0)}, store.Answer{}, t0)
					if err == nil && len(done.Seatless) > 0 {
						return workspace.ErrSeatLimit
					}
					return err
				})
				switch {
				case err == nil:
					inserted.Add(1)
				case errors.Is(err, workspace.ErrSeatLimit):
					seatless.Add(1)
				default:
					t.Error(err)
				}
			}
		})
		now := tb.workspace(t, w.ID)
		if (now.SeatLimit == limit) != (set.Load() > 0) || set.Load()+tooLow.Load() != 3 {
			t.Errorf("round %d: the limit is %d; %d set it, %d were told that too many seats are in use", round, now.SeatLimit, set.Load(), tooLow.Load())
		}
		if inserted.Load()+seatless.Load() != 42 || now.SeatLimit > 0 && inserted.Load() != int64(limit-1) {
			t.Errorf("round %d: limit %d: %d came in, %d found no seat", round, now.SeatLimit, inserted.Load(), seatless.Load())
		}
		tb.checkTally(t, w.ID, now.SeatLimit)
	}
}

// Of limits that are set at once the last one holds, and the free seats are
// what it leaves.
func TestLimitsSetAtOnceLeaveTheTallyRight(t *testing.T) {
	tb := newTable(t)
	for range 3 {
		w, _ := tb.found(t)
		race(4, func(i int) {
			err := untilDecided(func() error {
				_, err := tb.limitSeats(t.Context(), w, 100+10*i)
				return err
			})
			if err != nil {
				t.Error(err)
			}
		})
		tb.checkTally(t, w.ID, tb.workspace(t, w.ID).SeatLimit)
	}
}

// A limit below the seats in use is refused, with how many those are; raised,
// lowered and taken away, it leaves the tally right.
func TestALimitIsRaisedLoweredAndTakenAway(t *testing.T) {
	tb := newTable(t)
	w, _ := tb.found(t)
	w = tb.workspace(t, w.ID)
	var users []user.User
	for i := range 39 {
		users = append(users, quiet(w.ID, fmt.Sprintf("user%d@corp.com", i), t0))
	}
	tb.insertAll(t, users)
	for _, step := range []struct{ limit, wants int }{{39, 40}, {1, 40}, {40, 0}, {1_000_000, 0}, {41, 0}, {0, 0}, {57, 0}, {56, 0}, {39, 40}} {
		next, err := tb.limitSeats(t.Context(), w, step.limit)
		if step.wants > 0 {
			if fault.Code(err) != workspace.CodeSeatsInUse || !strings.Contains(err.Error(), "40 seats") {
				t.Errorf("limit %d: %v", step.limit, err)
			}
			continue
		}
		if err != nil {
			t.Fatalf("limit %d: %v", step.limit, err)
		}
		w = next
		tb.checkTally(t, w.ID, step.limit)
		if now := tb.workspace(t, w.ID); !reflect.DeepEqual(now, w) {
			t.Errorf("limit %d: stored is %+v", step.limit, now)
		}
	}
	// The rooms of 56-40 seats are one for each part: a batch walks through them.
	var more []user.User
	for i := range 20 {
		more = append(more, quiet(w.ID, fmt.Sprintf("more%d@corp.com", i), t0))
	}
	done, err := tb.InsertUsers(t.Context(), more, store.Answer{}, t0)
	if err != nil || len(done.Seatless) != 4 || len(done.Existing) != 0 {
		t.Fatalf("%+v, %v", done, err)
	}
	for i, u := range more {
		if done.Seatless[u.ID] != (i >= 16) {
			t.Errorf("user %d has no seat: %v", i, done.Seatless[u.ID])
		}
	}
	tb.checkTally(t, w.ID, 56)
}

// Settings that are changed while the limit is, are kept; and who counts the
// admins leaves the limit alone.
func TestALimitAndOtherSettingsAtOnceAreBothKept(t *testing.T) {
	tb := newTable(t)
	w, _ := tb.found(t)
	name, limit := "Renamed", 5
	race(4, func(i int) {
		var err error
		switch i {
		case 0:
			_, err = tb.limitSeats(t.Context(), w, limit)
		case 1:
			_, err = tb.ChangeWorkspace(t.Context(), w, func(w workspace.Workspace) (workspace.Workspace, error) {
				next, fields := w.Apply(byAdmin(t0), workspace.Patch{Name: &name})
				return next, fields.Err()
			})
		default:
			u := quiet(w.ID, fmt.Sprintf("user%d@corp.com", i), t0)
			u.Role = user.Admin
			err = untilDecided(func() error {
				_, err := tb.InsertUsers(t.Context(), []user.User{u}, store.Answer{}, t0)
				return err
			})
			if err == nil {
				err = untilDecided(func() error {
					_, err := tb.ChangeUser(t.Context(), u, func(u user.User) (user.User, error) { return accept(u, byAdmin(t0), "sub") })
					return err
				})
			}
		}
		if err != nil {
			t.Errorf("%d: %v", i, err)
		}
	})
	now := tb.workspace(t, w.ID)
	if now.SeatLimit != limit || now.Name != name || now.Admins != 3 || now.Version != w.Version+2 {
		t.Errorf("%+v", now)
	}
	tb.checkTally(t, w.ID, limit)
}

// Somebody may leave a status in another part of the tally than they came to
// it in; read in between, their going alone is seen.
func TestCountsAreNeverNegative(t *testing.T) {
	tb := newTable(t)
	w, _ := tb.found(t)
	ctx, stop := context.WithCancel(t.Context())
	var watch sync.WaitGroup
	for range 2 {
		watch.Go(func() {
			for ; ctx.Err() == nil; time.Sleep(2 * time.Millisecond) {
				counts, err := tb.Counts(t.Context(), w.ID)
				if err != nil {
					t.Error(err)
					return
				}
				for status, n := range counts {
					if n < 0 {
						t.Errorf("%d are %s", n, status)
						return
					}
				}
			}
		})
	}
	race(6, func(i int) {
		for n := range 8 {
			u := tb.insert(t, quiet(w.ID, fmt.Sprintf("user%d-%d@corp.com", i, n), t0))
			u = tb.change(t, u, func(u user.User) (user.User, error) { return decline(u, byAdmin(t0)) })
			tb.change(t, u, archive)
		}
	})
	stop()
	watch.Wait()
	tb.checkTally(t, w.ID, 0)
}
