package store_test

import (
	"errors"
	"fmt"
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
	if existing.Name != first.Name || existing.Role != user.Builder || existing.Version != 1 || existing.ID != first.ID {
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
	for range 5 {
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
	for round := range 5 {
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
	if slugs != 5 || workspaces != 5 {
		t.Errorf("%d slugs and %d workspaces; want 5 of each", slugs, workspaces)
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
	_, err := tb.ChangeUser(t.Context(), u, func(u user.User) (user.User, error) { return u.Accept(byAdmin(t0.Add(day)), "sub") })
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
	wsID := newWorkspaceID()
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
