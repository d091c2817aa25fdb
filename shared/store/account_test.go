package store_test

import (
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/latchkey/latchkey/shared/store"
	"github.com/latchkey/latchkey/shared/user"
	"github.com/latchkey/latchkey/shared/workspace"
)

func TestAnAccountBecomesKnownOnce(t *testing.T) {
	tb := newTable(t)
	var created atomic.Int32
	race(10, func(i int) {
		new, err := tb.InsertAccount(t.Context(), []string{"john@corp.com", "JOHN@corp.com "}[i%2], t0)
		if err != nil {
			t.Error(err)
		}
		if new {
			created.Add(1)
		}
	})
	if created.Load() != 1 {
		t.Errorf("it became known %d times", created.Load())
	}
	for email, want := range map[string]bool{"John@Corp.com": true, "other@corp.com": false} {
		snap, err := tb.Load(t.Context(), store.Want{Email: email})
		if err != nil || snap.HasAccount != want {
			t.Errorf("%s has an account: %v, %v", email, snap.HasAccount, err)
		}
	}
}

// joinMany puts an email into n workspaces, with one status after another.
func (tb *table) joinMany(t *testing.T, email string, n int) []user.User {
	t.Helper()
	users := make([]user.User, n)
	race(4, func(worker int) {
		for i := worker; i < n; i += 4 {
			wsID := newWorkspaceID()
			w := workspace.New(byAdmin(t0), wsID, fmt.Sprintf("Corp %d", i), "slug-"+strings.TrimPrefix(wsID, "ws_"), nil)
			if err := tb.InsertWorkspace(t.Context(), w, nil); err != nil {
				t.Error(err)
				return
			}
			users[i] = invited(wsID, email, user.Builder, t0)
			users[i].Status = user.Statuses()[i%len(user.Statuses())]
			if _, ok, err := tb.InsertUser(t.Context(), users[i]); err != nil || !ok {
				t.Error(ok, err)
			}
		}
	})
	return users
}

func TestMembershipsPageThroughManyWorkspaces(t *testing.T) {
	tb := newTable(t)
	const n = 130
	users := tb.joinMany(t, "john@corp.com", n)
	tb.joinMany(t, "other@corp.com", 3)
	// A record whose workspace has gone is left out.
	tb.insert(t, invited(newWorkspaceID(), "john@corp.com", user.Builder, t0))

	seen := map[string]user.Status{}
	last, pages := "", 0
	for after := ""; ; {
		found, next, err := tb.Memberships(t.Context(), " JOHN@corp.com", after)
		if err != nil {
			t.Fatal(err)
		}
		pages++
		if len(found) > store.MaxMemberships {
			t.Errorf("a page has %d", len(found))
		}
		for _, m := range found {
			if m.Workspace.ID <= last {
				t.Errorf("%s comes behind %s", m.Workspace.ID, last)
			}
			last = m.Workspace.ID
			if m.User.WorkspaceID != m.Workspace.ID || m.User.Email != "john@corp.com" || m.Workspace.Name == "" {
				t.Errorf("the user of %s and %s", m.User.WorkspaceID, m.Workspace.ID)
			}
			seen[m.Workspace.ID] = m.User.Status
		}
		if next == "" {
			break
		}
		after = next
	}
	if pages != 3 || len(seen) != n {
		t.Errorf("%d workspaces on %d pages, want %d on 3", len(seen), pages, n)
	}
	for _, u := range users {
		if seen[u.WorkspaceID] != u.Status {
			t.Errorf("in %s the user is %q, not %s", u.WorkspaceID, seen[u.WorkspaceID], u.Status)
		}
	}
	found, next, err := tb.Memberships(t.Context(), "nobody@corp.com", "")
	if len(found) != 0 || next != "" || err != nil {
		t.Errorf("nobody is in %d workspaces, %q, %v", len(found), next, err)
	}
}

func TestWhenAnAccountAppearsRequestedBecomesInvitedEverywhere(t *testing.T) {
	tb := newTable(t)
	users := tb.joinMany(t, "john@corp.com", 124)
	strangers := tb.joinMany(t, "other@corp.com", 6)
	except := users[5].WorkspaceID // requested, as users[11] and so on
	if users[5].Status != user.Requested {
		t.Fatalf("the excepted one is %s", users[5].Status)
	}
	now := t0.Add(day)
	versions := map[string]int{}
	for try := range 2 {
		err := tb.AccountAppeared(t.Context(), "John@corp.com", except, func(workspaceID string) (user.Stamp, error) {
			return stamp("usr_in_"+workspaceID, now), nil
		}, now)
		if err != nil {
			t.Fatal(err)
		}
		for _, u := range append(users, strangers...) {
			want := u.Status
			promoted := want == user.Requested && u.Email == "john@corp.com" && u.WorkspaceID != except
			if promoted {
				want = user.Invited
			}
			is := tb.load(t, u)
			if is.Status != want {
				t.Errorf("%s, who was %s, is %s", u.Email, u.Status, is.Status)
			}
			if promoted && (is.Last.Actor != "usr_in_"+u.WorkspaceID || is.Last.Type != user.UserUpdated || is.Last.From != user.Requested) {
				t.Errorf("the change is noted as %+v", is.Last)
			}
			if try == 1 && is.Version != versions[u.ID] {
				t.Errorf("the repeat raised version %d to %d", versions[u.ID], is.Version)
			}
			versions[u.ID] = is.Version
		}
	}
}

func TestAnInvitationThatHasLapsedIsNotPromoted(t *testing.T) {
	tb := newTable(t)
	w, _ := tb.found(t)
	u := tb.insert(t, invited(w.ID, "john@corp.com", user.Builder, t0))
	late := t0.Add(week)
	err := tb.AccountAppeared(t.Context(), u.Email, "", func(string) (user.Stamp, error) { return byAdmin(late), nil }, late)
	if now := tb.load(t, u); err != nil || now.Version != u.Version || now.Status != user.Requested {
		t.Errorf("the user is %s in version %d, %v", now.Status, now.Version, err)
	}
}

func TestWhoAcceptedMeanwhileStaysActive(t *testing.T) {
	tb := newTable(t)
	u := tb.insert(t, invited(newWorkspaceID(), "john@corp.com", user.Builder, t0))
	_, err := tb.ChangeUser(t.Context(), u, func(u user.User) (user.User, error) { return u.Accept(byAdmin(t0.Add(time.Hour)), "sub") })
	if err != nil {
		t.Fatal(err)
	}
	err = tb.Promote(t.Context(), u, func(string) (user.Stamp, error) { return byAdmin(t0.Add(day)), nil })
	if now := tb.load(t, u); err != nil || now.Status != user.Active {
		t.Errorf("the user is %s, %v", now.Status, err)
	}
}
