package store_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/latchkey/latchkey/shared/fault"
	"github.com/latchkey/latchkey/shared/store"
	"github.com/latchkey/latchkey/shared/user"
	"github.com/latchkey/latchkey/shared/workspace"
)

func (tb *table) put(t testing.TB, workspaceID string, groups ...string) {
	t.Helper()
	for _, id := range groups {
		if _, _, err := tb.PutGroup(t.Context(), workspaceID, workspace.Group{ID: id, Name: id, CreatedAt: t0}); err != nil {
			t.Fatal(err)
		}
	}
}

// people are n users of a workspace, of every status and in one of several
// sets of groups.
func people(workspaceID string, n int, sets ...[]string) []user.User {
	users := batchOf(workspaceID, 0, n)
	for i := range users {
		users[i].Groups = slices.Clone(sets[i%len(sets)])
		users[i].Status = user.Statuses()[i%len(user.Statuses())]
	}
	return users
}

func always() time.Time { return t0 }

func bySchedule() (user.Stamp, error) { return stamp(user.ActorSchedule, t0.Add(day)), nil }

func (tb *table) groupsOf(t testing.TB, workspaceID string) map[string][]string {
	t.Helper()
	groups := map[string][]string{}
	for _, u := range tb.list(t, workspaceID, store.Filter{}) {
		groups[u.ID] = tb.load(t, u).Groups
	}
	return groups
}

func (tb *table) groupIDs(t testing.TB, workspaceID string) string {
	t.Helper()
	groups, err := tb.ListGroups(t.Context(), workspaceID)
	if err != nil {
		t.Fatal(err)
	}
	var ids []string
	for _, g := range groups {
		ids = append(ids, g.ID)
	}
	return strings.Join(ids, " ")
}

// A deleted group leaves no user who points at it, whatever their status, and
// touches nobody else.
func TestADeletedGroupHasNobody(t *testing.T) {
	tb := newTable(t)
	w, _ := tb.found(t)
	tb.put(t, w.ID, "a", "aa", "b")
	users := people(w.ID, 100, nil, []string{"a"}, []string{"a", "b"}, []string{"aa", "b"}, []string{"aa"})
	// An elsewhere of the same group's name.
	other := people(newWorkspaceID(), 5, []string{"a"})
	tb.insertAll(t, append(slices.Clone(users), other...))

	if err := tb.DeleteGroup(t.Context(), w.ID, "a", t0); err != nil {
		t.Fatal(err)
	}
	done, err := tb.EmptyGroup(t.Context(), w.ID, "a", t0.Add(time.Minute), always, bySchedule)
	if err != nil || !done {
		t.Fatal(done, err)
	}
	now := tb.groupsOf(t, w.ID)
	for _, u := range users {
		want := slices.DeleteFunc(slices.Clone(u.Groups), func(g string) bool { return g == "a" })
		if !slices.Equal(now[u.ID], want) {
			t.Errorf("%q became %q", u.Groups, now[u.ID])
		}
		changed := len(want) != len(u.Groups)
		is := tb.load(t, u)
		if changed != (is.Version == u.Version+1) || !changed && is.Version != u.Version || is.Status != u.Status {
			t.Errorf("%q: version %d, %s", u.Groups, is.Version, is.Status)
		}
		if changed && (is.Last.Type != user.UserUpdated || !slices.Equal(is.Last.Changed, []string{"groups"}) || is.Last.Actor != user.ActorSchedule) {
			t.Errorf("the change is noted as %+v", is.Last)
		}
	}
	for _, u := range other {
		if is := tb.load(t, u); is.Version != u.Version {
			t.Errorf("another workspace's user is in %q", is.Groups)
		}
	}
	tb.checkTally(t, w.ID, 0)
	// It is gone from the lists, and its id is taken until the schedule has come by.
	if got := tb.groupIDs(t, w.ID); got != "aa b" {
		t.Errorf("listed are %q", got)
	}
	if err := tb.DropGroup(t.Context(), w.ID, "a"); err != nil {
		t.Fatal(err)
	}
	if item := tb.raw(t, "WS#"+w.ID, "GROUP#a"); item != nil {
		t.Errorf("the group is %v", item)
	}
}

// While a group is being deleted nobody is put into it and it cannot be made
// anew; deleting it once more changes nothing. Afterwards its id is free.
func TestAGroupThatIsBeingDeletedIsGoneForEverybody(t *testing.T) {
	tb := newTable(t)
	w, _ := tb.found(t)
	tb.put(t, w.ID, "a", "b")
	for _, at := range []time.Time{t0, t0.Add(time.Hour)} {
		if err := tb.DeleteGroup(t.Context(), w.ID, "a", at); err != nil {
			t.Error(err)
		}
	}
	item := tb.raw(t, "WS#"+w.ID, "GROUP#a")
	if due := textOf(item["dueSk"]); due != "2026-01-01T12:01:00.000Z" {
		t.Errorf("the schedule ends it at %s", due)
	}
	_, created, err := tb.PutGroup(t.Context(), w.ID, workspace.Group{ID: "a", Name: "Anew", CreatedAt: t0})
	var f *fault.Error
	if created || !errors.As(err, &f) || f.Code != "group_being_deleted" || f.Kind != fault.Conflict || f.RetryAfter != 5*time.Minute {
		t.Errorf("put: %v, %v", created, err)
	}
	snap, err := tb.Load(t.Context(), store.Want{Workspace: w.ID, Groups: []string{"a", "b"}})
	if err != nil || snap.Groups["a"] || !snap.Groups["b"] {
		t.Errorf("loaded are %v, %v", snap.Groups, err)
	}
	for range 2 { // another run was faster
		if err := tb.DropGroup(t.Context(), w.ID, "a"); err != nil {
			t.Error(err)
		}
	}
	if err := tb.DropGroup(t.Context(), w.ID, "b"); err != nil || tb.groupIDs(t, w.ID) != "b" {
		t.Errorf("a group that nobody deletes was dropped: %v", err)
	}
	_, created, err = tb.PutGroup(t.Context(), w.ID, workspace.Group{ID: "a", Name: "Anew", CreatedAt: t0.Add(day)})
	if !created || err != nil || tb.groupIDs(t, w.ID) != "a b" {
		t.Errorf("put afterwards: %v, %v", created, err)
	}
	if item := tb.raw(t, "WS#"+w.ID, "GROUP#a"); item["deleting"] != nil || item["duePk"] != nil {
		t.Errorf("the new group is %v", item)
	}
	for _, id := range []string{"c", "aa"} {
		if err := tb.DeleteGroup(t.Context(), w.ID, id, t0); !errors.Is(err, workspace.ErrGroupNotFound) {
			t.Errorf("a group that is not there: %v", err)
		}
	}
	if err := tb.DeleteGroup(t.Context(), newWorkspaceID(), "a", t0); !errors.Is(err, workspace.ErrGroupNotFound) {
		t.Errorf("a group of another workspace: %v", err)
	}
}

// A deletion that is due stands in the schedule's list beside the users who are.
func TestADeletionIsDueOnce(t *testing.T) {
	tb := newTable(t)
	var want []string
	for range 20 { // in some of the shards
		wsID := tb.bare(t)
		tb.put(t, wsID, "a", "b")
		if err := tb.DeleteGroup(t.Context(), wsID, "a", t0); err != nil {
			t.Fatal(err)
		}
		want = append(want, wsID+" a")
	}
	dueGroups := func(at time.Time) []string {
		var found []string
		for _, d := range tb.overdue(t, at) {
			if d.UserID != "" {
				t.Errorf("a user is due: %+v", d)
			}
			found = append(found, d.WorkspaceID+" "+d.GroupID)
		}
		slices.Sort(found)
		return found
	}
	if got := dueGroups(t0.Add(time.Minute - time.Millisecond)); len(got) != 0 {
		t.Errorf("within the first minute %d are due", len(got))
	}
	slices.Sort(want)
	if got := dueGroups(t0.Add(time.Minute)); !slices.Equal(got, want) {
		t.Errorf("due are %q\nwant    %q", got, want)
	}
	// A group is no user whose seat could be freed.
	wsID, _, _ := strings.Cut(want[0], " ")
	if _, lapsed, err := tb.Lapsed(t.Context(), wsID, t0.Add(week)); len(lapsed) != 0 || err != nil {
		t.Errorf("%q have lapsed, %v", lapsed, err)
	}
	for _, d := range want {
		wsID, group, _ := strings.Cut(d, " ")
		if err := tb.DropGroup(t.Context(), wsID, group); err != nil {
			t.Error(err)
		}
	}
	if got := dueGroups(t0.Add(week)); len(got) != 0 {
		t.Errorf("dropped, and due still: %q", got)
	}
}

// Requests that had read the group before it was marked may put people into it
// afterwards; the schedule, which looks once more, finds them.
func TestStragglersLeaveTheGroupToo(t *testing.T) {
	tb := newTable(t)
	w, _ := tb.found(t)
	tb.put(t, w.ID, "a")
	tb.insertAll(t, people(w.ID, 20, []string{"a"}, nil))
	if err := tb.DeleteGroup(t.Context(), w.ID, "a", t0); err != nil {
		t.Fatal(err)
	}
	if done, err := tb.EmptyGroup(t.Context(), w.ID, "a", t0.Add(time.Minute), always, bySchedule); err != nil || !done {
		t.Fatal(done, err)
	}
	invitedLate := quiet(w.ID, "late@corp.com", t0)
	invitedLate.Groups = []string{"a"}
	tb.insert(t, invitedLate)
	tb.change(t, tb.load(t, quiet(w.ID, "user1@corp.com", t0)), func(u user.User) (user.User, error) {
		return u.Edit(byAdmin(t0), user.Patch{Groups: &[]string{"a", "b"}}), nil
	})
	if done, err := tb.EmptyGroup(t.Context(), w.ID, "a", t0.Add(time.Minute), always, bySchedule); err != nil || !done {
		t.Fatal(done, err)
	}
	for id, groups := range tb.groupsOf(t, w.ID) {
		if slices.Contains(groups, "a") {
			t.Errorf("%s is in %q", id, groups)
		}
	}
}

// Where time runs out half-way, the next call finds what is left and ends it.
func TestADeletionThatRanOutOfTimeIsEndedByTheNext(t *testing.T) {
	tb := newTable(t)
	w, _ := tb.found(t)
	tb.put(t, w.ID, "a")
	const n = 200
	tb.insertAll(t, people(w.ID, n, []string{"a"}))
	if err := tb.DeleteGroup(t.Context(), w.ID, "a", t0); err != nil {
		t.Fatal(err)
	}
	left := n
	for runs := 1; ; runs++ {
		var ticks atomic.Int64
		clock := func() time.Time { return t0.Add(time.Duration(ticks.Add(1)) * time.Second) } // each look at the clock is a second
		done, err := tb.EmptyGroup(t.Context(), w.ID, "a", t0.Add(time.Minute), clock, bySchedule)
		if err != nil {
			t.Fatal(err)
		}
		before := left
		left = 0
		for _, groups := range tb.groupsOf(t, w.ID) {
			left += len(groups)
		}
		if done != (left == 0) {
			t.Fatalf("run %d: done is %v, and %d are in the group", runs, done, left)
		}
		if done {
			if runs < 3 {
				t.Errorf("it took %d runs: time never ran out", runs)
			}
			break
		}
		if left >= before || before-left > 61 {
			t.Fatalf("run %d: of %d there are %d left", runs, before, left)
		}
	}
	// No time at all is no harm.
	late := func() time.Time { return t0.Add(time.Hour) }
	if done, err := tb.EmptyGroup(t.Context(), w.ID, "a", t0, late, bySchedule); err != nil || done {
		t.Errorf("without time: %v, %v", done, err)
	}
}

// People are edited, archived and erased while they are taken out of a group:
// nothing of it is lost.
func TestWhoChangesWhileAGroupIsEmptiedKeepsTheChange(t *testing.T) {
	tb := newTable(t)
	w, _ := tb.found(t)
	tb.put(t, w.ID, "a")
	users := batchOf(w.ID, 0, 48)
	for i := range users {
		users[i].Groups = []string{"a", "b"}
	}
	tb.insertAll(t, users)
	if err := tb.DeleteGroup(t.Context(), w.ID, "a", t0); err != nil {
		t.Fatal(err)
	}
	var erased sync.Map
	race(3, func(i int) {
		if i == 0 {
			if done, err := tb.EmptyGroup(t.Context(), w.ID, "a", t0.Add(time.Minute), always, bySchedule); err != nil || !done {
				t.Errorf("%v, %v", done, err)
			}
			return
		}
		for n := i - 1; n < len(users); n += 2 {
			var err error
			if n%4 == 0 {
				u := tb.change(t, users[n], archive)
				err = tb.EraseUser(t.Context(), u, func(u user.User) (user.Erased, error) { return u.Erase(byAdmin(t0)) })
				erased.Store(u.ID, true)
			} else {
				name := fmt.Sprintf("Renamed %d", n)
				_, err = tb.ChangeUser(t.Context(), users[n], func(u user.User) (user.User, error) {
					return u.Edit(byAdmin(t0), user.Patch{Name: &name}), nil
				})
			}
			if err != nil {
				t.Error(err)
			}
		}
	})
	// The index that the run read may have lagged behind: the schedule comes by.
	if done, err := tb.EmptyGroup(t.Context(), w.ID, "a", t0.Add(time.Minute), always, bySchedule); err != nil || !done {
		t.Fatal(done, err)
	}
	for n, u := range users {
		now, ok, err := tb.LoadUser(t.Context(), w.ID, u.ID)
		if err != nil {
			t.Fatal(err)
		}
		if _, gone := erased.Load(u.ID); gone {
			if ok {
				t.Errorf("user %d came back", n)
			}
			continue
		}
		if !ok || now.Name != fmt.Sprintf("Renamed %d", n) || !slices.Equal(now.Groups, []string{"b"}) {
			t.Errorf("user %d is %q in %q", n, now.Name, now.Groups)
		}
	}
	tb.checkTally(t, w.ID, 0)
}

// A workspace of more than a megabyte is read page by page. All of it is in the
// group, because DynamoDB Local counts the megabyte behind the filter.
func TestALargeWorkspaceIsEmptiedPageByPage(t *testing.T) {
	tb := newTable(t)
	w, _ := tb.found(t)
	tb.put(t, w.ID, "a")
	users := people(w.ID, 300, []string{"a"})
	for i := range users {
		users[i].SealedMetadata = make([]byte, 4000)
	}
	tb.insertAll(t, users)
	queries := 0
	tb.calls.listen(func(operation, _ string, _ []byte) {
		if operation == "Query" {
			queries++
		}
	})
	done, err := tb.EmptyGroup(t.Context(), w.ID, "a", t0.Add(time.Minute), always, bySchedule)
	tb.calls.listen(nil)
	if err != nil || !done || queries < 2 {
		t.Fatalf("%v, %v, in %d pages", done, err, queries)
	}
	for id, groups := range tb.groupsOf(t, w.ID) {
		if len(groups) > 0 {
			t.Errorf("%s is in %q", id, groups)
		}
	}
}

// A group that is put while it is deleted is one or the other, never half.
func TestPutAndDeleteAtOnce(t *testing.T) {
	tb := newTable(t)
	for range 10 {
		wsID := tb.bare(t)
		tb.put(t, wsID, "a")
		race(8, func(i int) {
			if i%2 == 0 {
				if err := tb.DeleteGroup(t.Context(), wsID, "a", t0); err != nil {
					t.Error(err)
				}
				return
			}
			_, created, err := tb.PutGroup(t.Context(), wsID, workspace.Group{ID: "a", Name: "Renamed", CreatedAt: t0.Add(day)})
			if created || err != nil && !errors.Is(err, workspace.ErrGroupDeleting) {
				t.Error(created, err)
			}
		})
		item := tb.raw(t, "WS#"+wsID, "GROUP#a")
		if item["deleting"] == nil || textOf(item["dueSk"]) == "" || textOf(item["name"]) == "" || textOf(item["createdAt"]) == "" {
			t.Errorf("the group is %v", item)
		}
	}
}

// oldGroup writes a group as releases did that counted none.
func (tb *table) oldGroup(t testing.TB, workspaceID, id string) {
	t.Helper()
	item := store.Item{}
	for name, value := range map[string]string{
		"pk": "WS#" + workspaceID, "sk": "GROUP#" + id, "entity": "group", "name": "G", "createdAt": "2026-01-01T12:00:00.000Z",
	} {
		item[name] = &types.AttributeValueMemberS{Value: value}
	}
	if _, err := tb.db.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: &tb.name, Item: item}); err != nil {
		t.Fatal(err)
	}
}

// groupCount checks that the workspace counts what a full read finds, and
// returns it.
func (tb *table) groupCount(t testing.TB, workspaceID string) int {
	t.Helper()
	groups, err := tb.ListGroups(t.Context(), workspaceID)
	if err != nil {
		t.Fatal(err)
	}
	if got := numberOf(tb.raw(t, "WS#"+workspaceID, "WORKSPACE")["groups"]); got != len(groups) {
		t.Errorf("%d groups are counted as %d", len(groups), got)
	}
	return len(groups)
}

// Concurrent requests for a workspace's last groups never exceed its limit, and
// deleting a group makes room for another.
func TestAWorkspaceNeverHasMoreGroupsThanItMay(t *testing.T) {
	tb := newTable(t)
	w, _ := tb.found(t)
	for i := range workspace.MaxGroups - 3 {
		tb.oldGroup(t, w.ID, fmt.Sprintf("g%04d", i))
	}
	made := func(prefix string, n int) int64 {
		var count atomic.Int64
		race(n, func(i int) {
			_, created, err := tb.PutGroup(t.Context(), w.ID, workspace.Group{ID: fmt.Sprintf("%s%d", prefix, i), Name: "N", CreatedAt: t0})
			switch {
			case created:
				count.Add(1)
			case !errors.Is(err, workspace.ErrTooManyGroups):
				t.Error(err)
			}
		})
		return count.Load()
	}
	// The workspace is of an earlier release: nobody has counted yet.
	if n := made("x", 12); n != 3 {
		t.Errorf("%d of 3 places were taken", n)
	}
	tb.put(t, w.ID, "g0001") // renaming needs no room
	race(5, func(int) {      // deleting one several times makes room for one
		if err := tb.DeleteGroup(t.Context(), w.ID, "g0002", t0); err != nil {
			t.Error(err)
		}
	})
	if n := made("y", 5); n != 1 {
		t.Errorf("%d of 1 place were taken", n)
	}
	if n := tb.groupCount(t, w.ID); n != workspace.MaxGroups {
		t.Errorf("there are %d groups", n)
	}
}

// Groups that are made and deleted while they are counted for the first time
// are counted once.
func TestGroupsAreCountedFromTheFirstOn(t *testing.T) {
	tb := newTable(t)
	for range 5 {
		w, _ := tb.found(t)
		for _, id := range []string{"a", "b", "c"} {
			tb.oldGroup(t, w.ID, id)
		}
		race(8, func(i int) {
			if i%2 == 0 {
				tb.put(t, w.ID, fmt.Sprint("n", i))
			} else if err := tb.DeleteGroup(t.Context(), w.ID, []string{"a", "b"}[i/2%2], t0); err != nil {
				t.Error(err)
			}
		})
		if n := tb.groupCount(t, w.ID); n != 5 {
			t.Errorf("%d groups are left of 7", n)
		}
	}
	if _, _, err := tb.PutGroup(t.Context(), newWorkspaceID(), workspace.Group{ID: "a", Name: "A", CreatedAt: t0}); !errors.Is(err, workspace.ErrNotFound) {
		t.Errorf("a group of no workspace: %v", err)
	}
}
