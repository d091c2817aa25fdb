package store_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/latchkey/latchkey/shared/store"
	"github.com/latchkey/latchkey/shared/user"
)

// checkGroups finds everybody in the lists of their groups and in no other one.
func (tb *table) checkGroups(t *testing.T) {
	t.Helper()
	var want, got []string
	for _, item := range tb.all(t) {
		wsID := strings.TrimPrefix(textOf(item["pk"]), "WS#")
		switch textOf(item["entity"]) {
		case "inGroup":
			got = append(got, wsID+" "+textOf(item["sk"]))
		case "user":
			u, ok, err := tb.LoadUser(t.Context(), wsID, strings.TrimPrefix(textOf(item["sk"]), "USER#"))
			if err != nil || !ok {
				t.Fatal(err)
			}
			for _, group := range u.Groups {
				want = append(want, wsID+" INGROUP#"+group+"#"+store.Position(u))
			}
		}
	}
	slices.Sort(want)
	slices.Sort(got)
	if !slices.Equal(got, want) {
		t.Errorf("in groups are\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func groupsNamed(prefix string, n int) (groups []string) {
	for i := range n {
		groups = append(groups, fmt.Sprintf("%s%02d", prefix, i))
	}
	return groups
}

// The list of a group follows its users, in whatever number and way they change.
func TestTheListOfAGroupHasItsUsers(t *testing.T) {
	tb := newTable(t)
	wsID := tb.bare(t)
	users := make([]user.User, 36) // with their groups, more than a transaction has room for
	for i := range users {
		users[i] = invited(wsID, fmt.Sprintf("user%d@corp.com", i), user.EndUser, t0.Add(time.Duration(i)*time.Second))
		users[i].Groups = groupsNamed("a", i%5)
	}
	tb.insertAll(t, users)
	tb.checkGroups(t)

	in := func(groups []string) func(user.User) (user.User, error) {
		return func(u user.User) (user.User, error) {
			return u.Edit(byAdmin(u.UpdatedAt.Add(time.Hour)), user.Patch{Groups: &groups}), nil
		}
	}
	u := tb.change(t, users[4], in(groupsNamed("b", user.MaxGroups)))
	u = tb.change(t, u, in(groupsNamed("c", user.MaxGroups))) // out of all and into as many
	tb.checkGroups(t)
	u = tb.change(t, u, archive)
	tb.checkGroups(t)
	tb.erase(t, u)
	tb.change(t, users[9], in(nil))
	tb.checkGroups(t)
}

// forget makes a workspace and its users what an earlier release wrote.
func (tb *table) forget(t *testing.T, wsID string) {
	t.Helper()
	for _, item := range tb.all(t) {
		if textOf(item["pk"]) != "WS#"+wsID {
			continue
		}
		key := store.Item{"pk": item["pk"], "sk": item["sk"]}
		var err error
		switch textOf(item["entity"]) {
		case "inGroup":
			_, err = tb.db.DeleteItem(t.Context(), &dynamodb.DeleteItemInput{TableName: &tb.name, Key: key})
		case "user", "workspace":
			_, err = tb.db.UpdateItem(t.Context(), &dynamodb.UpdateItemInput{
				TableName: &tb.name, Key: key, UpdateExpression: aws.String("REMOVE rolePk, #i"),
				ExpressionAttributeNames: map[string]string{"#i": "indexed"},
			})
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// listIn lists a workspace as its item says.
func (tb *table) listIn(t *testing.T, wsID string, f store.Filter) (found string, page int) {
	t.Helper()
	w := tb.workspace(t, wsID)
	var users []user.User
	for after, first := "", true; ; first = false {
		page3, next, err := tb.Store.ListUsers(t.Context(), w, f, store.Page{Limit: 3, After: after}, t0)
		if err != nil {
			t.Fatal(err)
		}
		if first {
			page = len(page3)
		}
		users = append(users, page3...)
		if next == "" {
			return names(users), page
		}
		after = next
	}
}

// In a workspace of an earlier release, lists search for users. After the backfill
// they read keys, also of users who were changed while it ran.
func TestBackfill(t *testing.T) {
	tb := newTable(t)
	wsID := tb.bare(t)
	users := make([]user.User, 40)
	for i := range users {
		users[i] = invited(wsID, fmt.Sprintf("user%d@corp.com", i), user.EndUser, t0.Add(time.Duration(i)*time.Second))
		if i < 4 {
			users[i].Role, users[i].Groups = user.Builder, []string{"a", "b"}
		}
	}
	tb.insertAll(t, users)
	tb.forget(t, wsID)
	// Of somebody who is changed, the change writes the keys that it knows of.
	to := user.Builder
	tb.change(t, users[20], func(u user.User) (user.User, error) {
		return u.Edit(byAdmin(t0.Add(day)), user.Patch{Role: &to, Groups: &[]string{"a"}}), nil
	})
	tb.change(t, users[1], func(u user.User) (user.User, error) { return u.LeaveGroup(byAdmin(t0.Add(day)), "a"), nil })

	filters := []store.Filter{{Role: user.Builder}, {Group: "a"}, {Group: "b"}, {Role: user.EndUser}}
	var searched []string
	for _, f := range filters {
		found, first := tb.listIn(t, wsID, f)
		if f.Role != user.EndUser && first == 3 {
			t.Errorf("%+v: the first page of a search is full", f)
		}
		searched = append(searched, found)
	}
	done, err := tb.Backfill(t.Context())
	if want := (store.Backfilled{Users: 40, Workspaces: 1}); err != nil || done != want {
		t.Fatalf("%+v, %v", done, err)
	}
	tb.checkGroups(t)
	check := func() {
		t.Helper()
		for i, f := range filters {
			if found, first := tb.listIn(t, wsID, f); found != searched[i] || first != 3 {
				t.Errorf("%+v: %d on the first page, in all\n%s\nwant\n%s", f, first, found, searched[i])
			}
		}
	}
	check()
	if _, err := tb.Backfill(t.Context()); err != nil { // harmless
		t.Fatal(err)
	}
	check()
	if again := tb.change(t, tb.load(t, users[30]), archive); tb.load(t, again).Role != user.EndUser {
		t.Error("a user changes after the backfill")
	}
}

// The workspaces of all earlier releases show everybody by role and group, before
// the backfill and after it.
func TestListsOfEarlierReleases(t *testing.T) {
	tb := newTable(t)
	all := map[string][]user.User{}
	for _, old := range tb.writeOldItems(t) {
		if old.text("entity") != "user" {
			continue
		}
		wsID := strings.TrimPrefix(old.text("pk"), "WS#")
		u, ok, err := tb.LoadUser(t.Context(), wsID, strings.TrimPrefix(old.text("sk"), "USER#"))
		if err != nil || !ok {
			t.Fatal(old.Label, err)
		}
		all[wsID] = append(all[wsID], u)
	}
	check := func(when string) {
		checked := 0
		for wsID, users := range all {
			w := tb.workspace(t, wsID)
			filters := []store.Filter{}
			for _, u := range users {
				filters = append(filters, store.Filter{Role: u.Role})
				for _, group := range u.Groups {
					filters = append(filters, store.Filter{Group: group})
				}
			}
			for _, f := range filters {
				want := 0
				for _, u := range users {
					if (f.Role == "" || u.Role == f.Role) && (f.Group == "" || slices.Contains(u.Groups, f.Group)) {
						want++
					}
				}
				page, _, err := tb.Store.ListUsers(t.Context(), w, f, store.Page{Limit: 100}, t0)
				if err != nil || len(page) != want {
					t.Errorf("%s, %+v: %d users, want %d, %v", when, f, len(page), want, err)
				}
				checked++
			}
		}
		if checked < 5 {
			t.Errorf("%s: only %d lists", when, checked)
		}
	}
	check("before")
	if _, err := tb.Backfill(t.Context()); err != nil {
		t.Fatal(err)
	}
	check("after")
}
