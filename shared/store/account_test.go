package store_test

import (
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/latchkey/latchkey/shared/store"
	"github.com/latchkey/latchkey/shared/user"
	"github.com/latchkey/latchkey/shared/workspace"
)

func TestAnAccountBecomesKnownOnce(t *testing.T) {
	tb := newTable(t)
	race(10, func(i int) {
		if err := tb.InsertAccount(t.Context(), []string{"john@corp.com", "JOHN@corp.com "}[i%2], t0); err != nil {
			t.Error(err)
		}
	})
	first := tb.all(t)
	if err := tb.InsertAccount(t.Context(), "john@corp.com", t0.Add(day)); err != nil {
		t.Fatal(err)
	}
	if again := tb.all(t); len(first) != 1 || !reflect.DeepEqual(again, first) {
		t.Errorf("it became known as %v, then %v", first, again)
	}
	for email, want := range map[string]bool{"John@Corp.com": true, "other@corp.com": false} {
		st, err := tb.Load(t.Context(), store.Want{Accounts: []string{email}})
		if err != nil || st.HasAccount(email) != want {
			t.Errorf("%s has an account: %v, %v", email, !want, err)
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
	const n = 110
	users := tb.joinMany(t, "john@corp.com", n)
	tb.joinMany(t, "other@corp.com", 3)
	// A record whose workspace has gone is left out.
	tb.insert(t, invited(newWorkspaceID(), "john@corp.com", user.Builder, t0))

	seen := map[string]user.Status{}
	last, pages := "", 0
	for after := ""; ; {
		found, next, err := tb.Memberships(t.Context(), user.EmailKey(" JOHN@corp.com"), after)
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
	found, next, err := tb.Memberships(t.Context(), user.EmailKey("nobody@corp.com"), "")
	if len(found) != 0 || next != "" || err != nil {
		t.Errorf("nobody is in %d workspaces, %q, %v", len(found), next, err)
	}
}
