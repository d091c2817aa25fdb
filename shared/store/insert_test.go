package store_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/latchkey/latchkey/shared/awsenv"
	"github.com/latchkey/latchkey/shared/store"
	"github.com/latchkey/latchkey/shared/user"
	"github.com/latchkey/latchkey/shared/workspace"
)

func TestInvitingAgainGivesTheExistingUser(t *testing.T) {
	tb := newTable(t)
	first := tb.insert(t, invited(newWorkspaceID(), "john@corp.com", user.Builder, t0))
	again := invited(first.WorkspaceID, "john@corp.com", user.Admin, t0.Add(day))
	again.Name = "Somebody Else"
	existing, inserted, err := tb.InsertUser(t.Context(), again)
	if err != nil || inserted {
		t.Fatalf("the second is inserted: %v, %v", inserted, err)
	}
	if existing.Name != first.Name || existing.Role != user.Builder || existing.Version != first.Version || existing.ID != first.ID {
		t.Errorf("the second gets %+v", existing)
	}
	if now := tb.load(t, first); now.Name != first.Name || now.Role != first.Role {
		t.Errorf("the second changed the first: %+v", now)
	}
}

// Rule 20 of the pitfalls: Foo@x and foo@x are one person.
func TestOneEmailInManySpellingsIsInsertedOnce(t *testing.T) {
	tb := newTable(t)
	spellings := []string{"john@bücher.example", " John@Bücher.example", "JOHN@BÜCHER.EXAMPLE\t", "john@xn--bcher-kva.example", "jOhN@bu\u0308cher.example "}
	for range 3 {
		wsID := newWorkspaceID()
		var inserted, existed atomic.Int32
		race(20, func(i int) {
			u := invited(wsID, spellings[i%len(spellings)], user.Builder, t0)
			u.Email = spellings[i%len(spellings)]
			existing, ok, err := tb.InsertUser(t.Context(), u)
			switch {
			case err != nil:
				t.Error(err)
			case ok:
				inserted.Add(1)
			case existing.ID == u.ID:
				existed.Add(1)
			}
		})
		if inserted.Load() != 1 || existed.Load() != 19 {
			t.Errorf("%d inserted, %d told of the existing one; want 1 and 19", inserted.Load(), existed.Load())
		}
		if users := tb.list(t, wsID, store.Filter{}); len(users) != 1 {
			t.Errorf("the workspace has %d users", len(users))
		}
	}
}

func TestOneEmailInTwoWorkspacesIsTwoUsers(t *testing.T) {
	tb := newTable(t)
	a := tb.insert(t, invited(newWorkspaceID(), "john@corp.com", user.Builder, t0))
	b := tb.insert(t, invited(newWorkspaceID(), "john@corp.com", user.Builder, t0))
	if a.ID == b.ID {
		t.Error("the id is the same in both")
	}
	// Rule 7: nobody is found by an id that belongs to another workspace.
	_, ok, err := tb.LoadUser(t.Context(), b.WorkspaceID, a.ID)
	if ok || err != nil {
		t.Errorf("the user of one workspace is found in another: %v, %v", ok, err)
	}
}

func TestAWorkspaceIsWrittenWithItsFounderAndSlug(t *testing.T) {
	tb := newTable(t)
	w, founder := tb.found(t)
	snap, err := tb.Load(t.Context(), store.Want{Workspace: w.ID, Users: []string{founder.ID}})
	if err != nil || snap.Workspace.Slug != w.Slug || snap.Workspace.Admins != 1 {
		t.Errorf("the workspace is %+v, %v", snap.Workspace, err)
	}
	if !snap.Users[founder.ID].Manages() {
		t.Errorf("the founder is %+v", snap.Users[founder.ID])
	}
}

func TestAWorkspaceOfAnOperatorHasNoAdmin(t *testing.T) {
	tb := newTable(t)
	w := workspace.New(stamp("svc_backend", t0), newWorkspaceID(), "Corp", "corp", []byte("wrapped"))
	err := tb.InsertWorkspace(t.Context(), w, nil)
	if err != nil {
		t.Fatal(err)
	}
	if now := tb.workspace(t, w.ID); now.Admins != 0 || now.Slug != "corp" {
		t.Errorf("the workspace is %+v", now)
	}
	if users := tb.list(t, w.ID, store.Filter{}); len(users) != 0 {
		t.Errorf("it has %d users", len(users))
	}
}

func TestASlugInUseWritesNothing(t *testing.T) {
	tb := newTable(t)
	first, _ := tb.found(t)
	before := len(tb.all(t))
	wsID := newWorkspaceID()
	st := stamp(user.IDFor(wsID, "other@corp.com"), t0)
	founder := user.Founder(st, wsID, "Other", "other@corp.com", "sub-other")
	err := tb.InsertWorkspace(t.Context(), workspace.New(st, wsID, "Other", first.Slug, nil), &founder)
	if !errors.Is(err, workspace.ErrSlugTaken) {
		t.Fatalf("the answer is %v", err)
	}
	if after := len(tb.all(t)); after != before {
		t.Errorf("%d items became %d", before, after)
	}
	if w := tb.workspace(t, wsID); w.ID != "" {
		t.Errorf("the workspace was written: %+v", w)
	}
}

func TestOfWorkspacesRacingForASlugOneWins(t *testing.T) {
	tb := newTable(t)
	for round := range 3 {
		slug := fmt.Sprintf("contested-%d", round)
		var won atomic.Int32
		race(10, func(int) {
			wsID := newWorkspaceID()
			st := stamp(user.IDFor(wsID, "founder@corp.com"), t0)
			founder := user.Founder(st, wsID, "Founder", "founder@corp.com", "sub")
			for {
				err := tb.InsertWorkspace(t.Context(), workspace.New(st, wsID, "Corp", slug, nil), &founder)
				switch {
				case err == nil:
					won.Add(1)
				case errors.Is(err, awsenv.ErrBusy):
					continue
				case !errors.Is(err, workspace.ErrSlugTaken):
					t.Error(err)
				}
				return
			}
		})
		if won.Load() != 1 {
			t.Errorf("%d workspaces have the slug %s", won.Load(), slug)
		}
	}
	slugs, workspaces := 0, 0
	for _, item := range tb.all(t) {
		switch textOf(item["entity"]) {
		case "slug":
			slugs++
		case "workspace":
			workspaces++
		}
	}
	if slugs != 3 || workspaces != 3 {
		t.Errorf("%d slugs and %d workspaces; want 3 of each", slugs, workspaces)
	}
}

func TestSettingsChangedAtOnceAreAllKept(t *testing.T) {
	tb := newTable(t)
	w, _ := tb.found(t)
	days, name, zone := 14, "Corp International", "Europe/Berlin"
	members, messages := "members", true
	patches := []workspace.Patch{{InvitationDays: &days}, {Name: &name}, {Timezone: &zone}, {Directory: &members}, {PersonalMessages: &messages}}
	race(len(patches), func(i int) {
		_, err := tb.ChangeWorkspace(t.Context(), w, func(w workspace.Workspace) (workspace.Workspace, error) {
			next, fields := w.Apply(byAdmin(t0.Add(day)), patches[i])
			return next, fields.Err()
		})
		if err != nil {
			t.Error(err)
		}
	})
	now := tb.workspace(t, w.ID)
	if now.InvitationDays != days || now.Name != name || now.Timezone != zone || now.Directory != workspace.DirectoryMembers || !now.PersonalMessages {
		t.Errorf("a setting was lost: %+v", now)
	}
	if now.Version != w.Version+len(patches) {
		t.Errorf("the version is %d", now.Version)
	}
}

func TestChangedSettingsLeaveTheCountOfAdmins(t *testing.T) {
	tb := newTable(t)
	w, _ := tb.found(t)
	u := tb.insert(t, invited(w.ID, "second@corp.com", user.Admin, t0))
	stale := tb.workspace(t, w.ID)
	_, err := tb.ChangeUser(t.Context(), u, func(u user.User) (user.User, error) { return accept(u, byAdmin(t0.Add(day)), "sub") })
	if err != nil {
		t.Fatal(err)
	}
	name := "Renamed"
	_, err = tb.ChangeWorkspace(t.Context(), stale, func(w workspace.Workspace) (workspace.Workspace, error) {
		next, fields := w.Apply(byAdmin(t0.Add(day)), workspace.Patch{Name: &name})
		next.Admins = 99 // not theirs to say
		return next, fields.Err()
	})
	if err != nil {
		t.Fatal(err)
	}
	if now := tb.workspace(t, w.ID); now.Admins != 2 || now.Name != name {
		t.Errorf("the workspace has %d admins and the name %q", now.Admins, now.Name)
	}
}

func TestAGroupPutAgainIsRenamedAndKeepsItsAge(t *testing.T) {
	tb := newTable(t)
	wsID := tb.bare(t)
	for _, g := range []workspace.Group{{ID: "sales", Name: "Sales", CreatedAt: t0}, {ID: "b_2", Name: "B", CreatedAt: t0}} {
		_, created, err := tb.PutGroup(t.Context(), wsID, g)
		if err != nil || !created {
			t.Fatalf("put %s: %v, %v", g.ID, created, err)
		}
	}
	now, created, err := tb.PutGroup(t.Context(), wsID, workspace.Group{ID: "sales", Name: "Sellers", CreatedAt: t0.Add(day)})
	if err != nil || created || now.Name != "Sellers" || !now.CreatedAt.Equal(t0) {
		t.Errorf("put again: %+v, %v, %v", now, created, err)
	}
	tb.insert(t, invited(wsID, "john@corp.com", user.Builder, t0)) // no group
	groups, err := tb.ListGroups(t.Context(), wsID)
	var names []string
	for _, g := range groups {
		names = append(names, g.ID+"="+g.Name)
	}
	if got := strings.Join(names, " "); err != nil || got != "b_2=B sales=Sellers" {
		t.Errorf("the groups are %s, %v", got, err)
	}
}

// batchOf is n users of one workspace, who are not there yet.
func batchOf(workspaceID string, from, n int) []user.User {
	users := make([]user.User, n)
	for i := range users {
		users[i] = quiet(workspaceID, fmt.Sprintf("user%d@corp.com", from+i), t0)
	}
	return users
}

// Of a batch, those who are there already are named and left as they are, the
// others come in, in a few transactions.
func TestABatchInsertsWhoIsNotThere(t *testing.T) {
	tb := newTable(t)
	for _, n := range []int{0, 1, 36, 37, 110} {
		w, _ := tb.found(t)
		existing := batchOf(w.ID, 0, n/3)
		tb.insertAll(t, existing)
		var gone []user.User
		for i := range min(3, len(existing)) { // and some who were erased
			declined := tb.change(t, existing[i], func(u user.User) (user.User, error) { return decline(u, byAdmin(t0)) })
			tb.erase(t, declined)
			gone = append(gone, existing[i])
		}
		batch := batchOf(w.ID, 0, n)
		slices.Reverse(batch) // those who exist at the end
		for i := range batch {
			batch[i].Name = "Of the batch"
		}
		var calls atomic.Int64
		tb.calls.listen(func(string, string, []byte) { calls.Add(1) })
		done, err := tb.InsertUsers(t.Context(), batch, store.Answer{}, t0)
		tb.calls.listen(nil)
		if err != nil || len(done.Existing) != len(existing)-len(gone) || len(done.Seatless) != 0 || done.Before.Key != "" {
			t.Fatalf("%d: %d exist, %d without a seat, %v", n, len(done.Existing), len(done.Seatless), err)
		}
		// A chunk is a transaction, and a read of four items a person, 100 a call.
		if most := int64(3 * ((n + 35) / 36)); calls.Load() > most {
			t.Errorf("%d users took %d calls", n, calls.Load())
		}
		for _, u := range existing[len(gone):] {
			if is := done.Existing[u.ID]; is.ID != u.ID || is.Name != "John Doe" || is.Version != u.Version {
				t.Fatalf("%d: who is there already is %+v", n, is)
			}
		}
		snap, err := tb.Load(t.Context(), store.Want{Workspace: w.ID, Users: ids(batch)})
		if err != nil || len(snap.Users) != n {
			t.Fatalf("%d: %d are there, %v", n, len(snap.Users), err)
		}
		for id, u := range snap.Users {
			if _, there := done.Existing[id]; there != (u.Name == "John Doe") {
				t.Fatalf("%d: %s exists: %v, and is %s", n, id, there, u.Name)
			}
		}
		tb.checkTally(t, w.ID, 0)
	}
}

func ids(users []user.User) []string {
	var ids []string
	for _, u := range users {
		ids = append(ids, u.ID)
	}
	return ids
}

// Where seats are short, the first of a batch come in; who is there already
// needs none, wherever they stand in it.
func TestABatchFillsTheSeatsInItsOrder(t *testing.T) {
	tb := newTable(t)
	for _, c := range []struct{ existing, seats, batch int }{
		{0, 0, 5}, {0, 1, 5}, {0, 5, 5}, {3, 0, 10}, {3, 4, 10}, {0, 45, 80}, {12, 60, 80}, {20, 60, 60},
	} {
		w, _ := tb.found(t)
		existing := batchOf(w.ID, c.batch-c.existing, c.existing) // at the end of the batch
		tb.insertAll(t, existing)
		limit := 1 + c.existing + c.seats // the founder has one
		w, err := tb.limitSeats(t.Context(), tb.workspace(t, w.ID), limit)
		if err != nil {
			t.Fatal(err)
		}
		batch := batchOf(w.ID, 0, c.batch)
		done, err := tb.InsertUsers(t.Context(), batch, store.Answer{}, t0)
		if err != nil || len(done.Existing) != c.existing || len(done.Seatless) != max(c.batch-c.existing-c.seats, 0) {
			t.Errorf("%+v: %d exist, %d found no seat, %v", c, len(done.Existing), len(done.Seatless), err)
		}
		for i, u := range batch[:c.batch-c.existing] {
			if done.Seatless[u.ID] != (i >= c.seats) {
				t.Errorf("%+v: user %d has no seat: %v", c, i, done.Seatless[u.ID])
				break
			}
		}
		tb.checkTally(t, w.ID, limit)
	}
}

// Two callers who bring the same people at once: each person comes in once, and
// each caller is told of every one of them.
func TestTwinsOfABatchComeInOnce(t *testing.T) {
	tb := newTable(t)
	w, _ := tb.found(t)
	const twins, n = 4, 120
	var inserted atomic.Int64
	var done [twins]Insertion
	race(twins, func(i int) {
		batch := batchOf(w.ID, 0, n)
		if i%2 == 1 {
			slices.Reverse(batch)
		}
		var err error
		done[i], err = tb.InsertUsers(t.Context(), batch, store.Answer{}, t0)
		if err != nil || len(done[i].Seatless) > 0 {
			t.Errorf("%d: %v, %d without a seat", i, err, len(done[i].Seatless))
		}
		inserted.Add(int64(n - len(done[i].Existing)))
	})
	if inserted.Load() != n {
		t.Errorf("%d came in, want %d", inserted.Load(), n)
	}
	tb.checkTally(t, w.ID, 0)
}

// The same at a full workspace: who was brought in by the twin exists, and is
// not somebody for whom no seat is left.
func TestTwinsAtTheLastSeatsAreToldTheTruth(t *testing.T) {
	tb := newTable(t)
	for range 4 {
		w := tb.limited(t, 1+6)
		var told atomic.Int64
		race(6, func(i int) {
			done, err := tb.InsertUsers(t.Context(), batchOf(w.ID, 0, 6), store.Answer{}, t0)
			if err != nil {
				t.Error(err)
			}
			told.Add(int64(6 - len(done.Existing) - len(done.Seatless)))
			for id := range done.Seatless {
				if _, ok, err := tb.LoadUser(t.Context(), w.ID, id); ok || err != nil {
					t.Errorf("%s has no seat, and is there: %v", id, err)
				}
			}
		})
		if told.Load() != 6 {
			t.Errorf("%d came in", told.Load())
		}
		tb.checkTally(t, w.ID, 7)
	}
}
