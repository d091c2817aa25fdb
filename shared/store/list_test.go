package store_test

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"pgregory.net/rapid"

	"github.com/latchkey/latchkey/infra/blueprint"
	"github.com/latchkey/latchkey/infra/local/dynamodblocal"
	"github.com/latchkey/latchkey/shared/httpapi"
	"github.com/latchkey/latchkey/shared/id"
	"github.com/latchkey/latchkey/shared/store"
	"github.com/latchkey/latchkey/shared/user"
)

// list is every user that a filter chooses, from as few pages as can be.
func (tb *table) list(t testing.TB, workspaceID string, f store.Filter) []user.User {
	t.Helper()
	var users []user.User
	for after := ""; ; {
		page, next, err := tb.ListUsers(t.Context(), workspaceID, f, store.Page{Limit: 100, After: after}, t0)
		if err != nil {
			t.Fatal(err)
		}
		users = append(users, page...)
		if next == "" {
			return users
		}
		after = next
	}
}

// listed is the time at which the lists of these tests are read.
var listed = t0.Add(30 * day)

// chosen is the model: what a filter means, said without the table.
func chosen(f store.Filter, u user.User) bool {
	shown := u.Status
	if (shown == user.Requested || shown == user.Invited) && !listed.Before(u.Invitation.ExpiresAt) {
		shown = user.Expired
	}
	found := strings.Contains(strings.ToLower(u.Name+"\x00"+u.Email), strings.ToLower(f.Text))
	return (len(f.Statuses) == 0 || slices.Contains(f.Statuses, shown)) &&
		(f.Role == "" || u.Role == f.Role) && (f.Group == "" || slices.Contains(u.Groups, f.Group)) && found
}

func newestFirst(a, b user.User) int {
	return cmp.Or(b.CreatedAt.Compare(a.CreatedAt), strings.Compare(b.ID, a.ID))
}

// anyUsers draws users of one workspace: many of the same instant, and with
// ids that lie side by side.
func anyUsers(t *rapid.T, wsID string) []user.User {
	var users []user.User
	for i := range rapid.IntRange(0, 24).Draw(t, "users") {
		u := invited(wsID, fmt.Sprintf("%s%d@corp.com", rapid.SampledFrom([]string{"anna", "Bob", "carl.a"}).Draw(t, "email"), i), "", t0)
		raw := make([]byte, id.HashBytes)
		raw[id.HashBytes-1] = byte(i*37 + 3) // each is another
		raw[id.HashBytes-2] = byte(rapid.IntRange(0, 1).Draw(t, "id"))
		u.ID = id.FromBytes(user.IDPrefix, raw)
		u.CreatedAt = t0.Add(time.Duration(rapid.IntRange(0, 3).Draw(t, "created")) * time.Millisecond)
		u.Name = rapid.SampledFrom([]string{"Anna Bell", "BOB", "Zoë"}).Draw(t, "name")
		u.Status = rapid.SampledFrom(user.Statuses()).Draw(t, "status")
		u.Role = rapid.SampledFrom(user.Roles()).Draw(t, "role")
		u.Groups = rapid.SampledFrom([][]string{nil, {"a"}, {"a", "b"}, {"b"}}).Draw(t, "groups")
		u.Invitation.ExpiresAt = listed.Add(time.Duration(rapid.SampledFrom([]int64{-1000, -1, 0, 1, 1000}).Draw(t, "ends")) * time.Millisecond)
		users = append(users, u)
	}
	return users
}

func anyFilter(t *rapid.T) store.Filter {
	return store.Filter{
		Statuses: rapid.SliceOfNDistinct(rapid.SampledFrom(user.Statuses()), 0, 6, rapid.ID).Draw(t, "statuses"),
		Role:     rapid.SampledFrom(append(user.Roles(), "", "", "")).Draw(t, "role"),
		Group:    rapid.SampledFrom([]string{"", "", "a", "b", "c"}).Draw(t, "group"),
		Text:     rapid.SampledFrom([]string{"", "", "", "bob", "ANNA", "zoË", "carl.a1", "@corp.com"}).Draw(t, "text"),
	}
}

// inOrder checks that users come by creation. Those of one instant may come in any
// order.
func inOrder(t *rapid.T, users []user.User, oldest bool) {
	if !slices.IsSortedFunc(users, func(a, b user.User) int {
		if oldest {
			a, b = b, a
		}
		return b.CreatedAt.Compare(a.CreatedAt)
	}) {
		t.Fatalf("not in order: %s", names(users))
	}
}

// lapses reports whether a filter may find users of the index whose time has
// passed since: they are read, and not shown.
func lapses(f store.Filter) bool {
	return !slices.Contains(f.Statuses, user.Expired) && slices.ContainsFunc(f.Statuses, user.Status.Pending)
}

// searches reports whether pages of a filter may be short before the end: the
// table has its users by one of status, role and group.
func (tb *table) searches(f store.Filter) bool {
	asked := 0
	for _, yes := range []bool{len(f.Statuses) > 0, f.Role != "", f.Group != ""} {
		if yes {
			asked++
		}
	}
	return f.Text != "" || asked > 1 && (f.Role != "" || f.Group != "") || tb.searching && asked > 0 && len(f.Statuses) == 0
}

// counted is what an answer says of how much was read.
type counted struct {
	ScannedCount int64
	Item         json.RawMessage
	Responses    map[string][]json.RawMessage
}

func readsOf(t rapid.TB, response []byte) int64 {
	var out counted
	if err := json.Unmarshal(response, &out); err != nil {
		t.Error(err)
	}
	reads := out.ScannedCount
	for _, items := range out.Responses {
		reads += int64(len(items))
	}
	if out.Item != nil {
		reads++
	}
	return reads
}

// pages reads page by page, and does something between two of them. No page
// reads more than it may, whatever the filter.
func (tb *table) pages(t *rapid.T, wsID string, f store.Filter, limit int, oldest bool, between func()) []user.User {
	var all []user.User
	after := ""
	for range 200 {
		var reads atomic.Int64
		tb.calls.listen(func(_, _ string, response []byte) { reads.Add(readsOf(t, response)) })
		page, next, err := tb.ListUsers(t.Context(), wsID, f, store.Page{Limit: limit, After: after, Oldest: oldest}, listed)
		tb.calls.listen(nil)
		if err != nil {
			t.Fatal(err)
		}
		searches := tb.searches(f)
		most := 2*limit + 2*6
		if searches {
			most = 5*limit + 6
		}
		if searches && !tb.searching && (f.Role != "" || f.Group != "") {
			most = 2 * (5*limit + 1) // a key and a user each
		}
		if f.Text != "" {
			most++ // the user with that email
		}
		if slices.Contains(f.Statuses, user.Expired) {
			most += 50 // in search of those whose time has just passed
		}
		if int(reads.Load()) > most {
			t.Fatalf("%+v: a page of %d reads %d users", f, limit, reads.Load())
		}
		if len(page) > limit || len(page) < limit && next != "" && !searches && !lapses(f) {
			t.Fatalf("%+v: a page has %d users, the limit is %d, and the next begins at %q", f, len(page), limit, next)
		}
		all = append(all, page...)
		if next == "" {
			return all
		}
		if next == after {
			t.Fatalf("the page behind %s leads back to it", after)
		}
		after = next
		between()
	}
	t.Fatal("the pages never end")
	return nil
}

func names(users []user.User) string {
	var b strings.Builder
	for _, u := range users {
		fmt.Fprintf(&b, "%s#%s %s; ", u.CreatedAt.Format(".000"), u.ID[len(u.ID)-3:], u.Status)
	}
	return b.String()
}

func TestPagesHaveEverybodyOnceInOrder(t *testing.T) {
	tb := newTable(t)
	rapid.Check(t, func(t *rapid.T) {
		wsID := tb.bare(t)
		users := anyUsers(t, wsID)
		tb.insertAll(t, append(anyUsers(t, tb.bare(t)), users...)) // another workspace's, too
		tb.searching = rapid.Bool().Draw(t, "searching")
		for range 4 {
			f := anyFilter(t)
			want := slices.DeleteFunc(slices.Clone(users), func(u user.User) bool { return !chosen(f, u) })
			slices.SortFunc(want, newestFirst)
			oldest := rapid.Bool().Draw(t, "oldest")
			got := tb.pages(t, wsID, f, rapid.IntRange(1, 7).Draw(t, "limit"), oldest, func() {})
			inOrder(t, got, oldest)
			slices.SortFunc(got, newestFirst)
			if names(got) != names(want) {
				t.Fatalf("%+v:\ngot  %s\nwant %s", f, names(got), names(want))
			}
		}
	})
}

// While somebody pages, users change their status, role and groups. A user who
// matches the filter all the time is seen exactly once, and one who never matches is
// not seen.
func TestWhoChangesBetweenPagesIsNeitherLostNorSeenTwice(t *testing.T) {
	tb := newTable(t)
	rapid.Check(t, func(rt *rapid.T) {
		wsID := tb.bare(rt)
		users := anyUsers(rt, wsID)
		for i := range users {
			if users[i].Role == user.Admin { // nobody counts admins here
				users[i].Role = user.EndUser
			}
		}
		tb.insertAll(rt, users)
		f := anyFilter(rt)
		always, ever := map[string]bool{}, map[string]bool{}
		for _, u := range users {
			always[u.ID], ever[u.ID] = chosen(f, u), chosen(f, u)
		}
		oldest := rapid.Bool().Draw(rt, "oldest")
		got := tb.pages(rt, wsID, f, rapid.IntRange(1, 7).Draw(rt, "limit"), oldest, func() {
			for range rapid.IntRange(0, 3).Draw(rt, "changes") {
				i := rapid.IntRange(0, len(users)-1).Draw(rt, "who")
				to := rapid.SampledFrom(user.Statuses()).Draw(rt, "to")
				role := rapid.SampledFrom([]user.Role{user.Builder, user.EndUser}).Draw(rt, "role")
				groups := rapid.SampledFrom([][]string{nil, {"a"}, {"b", "a"}}).Draw(rt, "groups")
				next, err := tb.ChangeUser(t.Context(), users[i], func(u user.User) (user.User, error) {
					u.Status, u.Role, u.Groups = to, role, groups
					u.Version++
					u.Last.ID = newID("evt_")
					return u, nil
				})
				if err != nil {
					rt.Fatal(err)
				}
				users[i] = next
				always[next.ID] = always[next.ID] && chosen(f, next)
				ever[next.ID] = ever[next.ID] || chosen(f, next)
			}
		})
		inOrder(rt, got, oldest)
		seen := map[string]int{}
		for _, u := range got {
			seen[u.ID]++
			if seen[u.ID] > 1 || !ever[u.ID] {
				rt.Fatalf("%s is seen %d times, ever chosen: %v", u.ID, seen[u.ID], ever[u.ID])
			}
		}
		for id, yes := range always {
			if yes && seen[id] == 0 {
				rt.Fatalf("%s was chosen all the while, and not seen", id)
			}
		}
	})
}

// The statuses are read side by side, so somebody can change from one to
// another in between: they are seen twice in the reads, but not in the page.
func TestWhoChangesStatusWithinAPageIsSeenOnce(t *testing.T) {
	tb := newTable(t)
	wsID := newWorkspaceID()
	u := tb.insert(t, invited(wsID, "john@corp.com", user.Builder, t0))
	tb.insert(t, active(wsID, "older@corp.com", user.Builder, t0.Add(-day)))
	other := &table{Store: store.New(server.Client(), tb.name), db: tb.db, name: tb.name}
	requestedRead, accepted := make(chan struct{}), make(chan struct{})
	tb.calls.ahead(func(operation, request string) {
		if operation == "Query" && strings.Contains(request, `"active#"`) {
			<-accepted
		}
	})
	tb.calls.listen(func(operation, request string, _ []byte) {
		if operation == "Query" && strings.Contains(request, `"requested#"`) {
			close(requestedRead)
		}
	})
	go func() {
		defer close(accepted)
		<-requestedRead
		_, err := other.ChangeUser(t.Context(), u, func(u user.User) (user.User, error) { return accept(u, byAdmin(t0.Add(time.Hour)), "sub") })
		if err != nil {
			t.Error(err)
		}
	}()
	both := store.Filter{Statuses: []user.Status{user.Active, user.Requested}}
	page, next, err := tb.ListUsers(t.Context(), wsID, both, store.Page{Limit: 50}, t0.Add(day))
	if err != nil || next != "" {
		t.Fatalf("%q, %v", next, err)
	}
	if len(page) != 2 {
		t.Errorf("the page has %s", names(page))
	}
}

// Pitfall 28: expired is computed from the clock, not from what was persisted.
func TestAnExpiryThatIsNotPersistedYetIsListedAsExpired(t *testing.T) {
	tb := newTable(t)
	u := tb.insert(t, invited(newWorkspaceID(), "john@corp.com", user.Builder, t0))
	for at, want := range map[time.Time]user.Status{
		u.Invitation.ExpiresAt.Add(-time.Millisecond): user.Requested,
		u.Invitation.ExpiresAt:                        user.Expired,
	} {
		for _, status := range user.Statuses() {
			page, _, err := tb.ListUsers(t.Context(), u.WorkspaceID, store.Filter{Statuses: []user.Status{status}}, store.Page{Limit: 10}, at)
			if err != nil {
				t.Fatal(err)
			}
			if listed := len(page) == 1; listed != (status == want) {
				t.Errorf("%v: listed under %s: %v", at, status, listed)
			}
		}
	}
}

// No read grows with the workspace, however its users spread over the statuses: a
// page reads at most twice what it shows, in few calls, and is full before the end.
func TestAPageReadsAtMostTwiceWhatItShows(t *testing.T) {
	tb := newTable(t)
	const limit = 10
	for name, statusOf := range map[string]func(int) user.Status{
		"evenly": func(i int) user.Status { return user.Statuses()[i%6] },
		"one rules": func(i int) user.Status {
			return []user.Status{user.Active, user.Archived, user.Declined}[max(0, i-87)%3]
		},
		"in blocks":  func(i int) user.Status { return user.Statuses()[i/10%6] },
		"two rule":   func(i int) user.Status { return []user.Status{user.Active, user.Archived}[i%2] },
		"by halves":  func(i int) user.Status { return []user.Status{user.Active, user.Archived}[i/45] },
		"last dense": func(i int) user.Status { return []user.Status{user.Archived, user.Active}[min(1, i/60)] },
	} {
		wsID := newWorkspaceID()
		users := make([]user.User, 90)
		for i := range users {
			users[i] = invited(wsID, fmt.Sprintf("user%d@corp.com", i), user.Builder, t0.Add(time.Duration(i)*time.Second))
			users[i].Status = statusOf(i)
		}
		tb.insertAll(t, users)
		for _, f := range []store.Filter{
			{},
			{Statuses: []user.Status{user.Active}},
			{Statuses: []user.Status{user.Active, user.Archived}},
			{Statuses: []user.Status{user.Active, user.Archived, user.Declined, user.Invited, user.Requested}},
		} {
			for after := ""; ; {
				var reads, calls atomic.Int64
				tb.calls.listen(func(_, _ string, response []byte) {
					reads.Add(readsOf(t, response))
					calls.Add(1)
				})
				page, next, err := tb.ListUsers(t.Context(), wsID, f, store.Page{Limit: limit, After: after}, t0.Add(day))
				tb.calls.listen(nil)
				if err != nil {
					t.Fatal(err)
				}
				if next != "" && len(page) != limit || int(reads.Load()) > 2*limit+2*max(1, len(f.Statuses)) || calls.Load() > 18 {
					t.Errorf("%s, %v: a page of %d reads %d users in %d calls", name, f.Statuses, len(page), reads.Load(), calls.Load())
				}
				if next == "" {
					break
				}
				after = next
			}
		}
	}
}

// However rare a role or a group is, and wherever its users are, a page of them is
// full before the end and reads a key and a user for each that it shows.
func TestAPageOfARoleOrGroupReadsAKeyAndAUserForEach(t *testing.T) {
	tb := newTable(t)
	const limit, people = 10, 400
	wsID := newWorkspaceID()
	users := make([]user.User, people)
	rare := 0
	for i := range users {
		users[i] = invited(wsID, fmt.Sprintf("user%d@corp.com", i), user.EndUser, t0.Add(time.Duration(i)*time.Second))
		if i%17 == 3 { // 24 of them
			users[i].Role, users[i].Groups = user.Builder, []string{"rare", "rarer"}
			rare++
		}
	}
	tb.insertAll(t, users)
	for _, f := range []store.Filter{{Role: user.Builder}, {Group: "rare"}, {Role: user.EndUser}} {
		for _, oldest := range []bool{false, true} {
			seen := 0
			for after := ""; ; {
				var reads, calls atomic.Int64
				tb.calls.listen(func(_, _ string, response []byte) {
					reads.Add(readsOf(t, response))
					calls.Add(1)
				})
				page, next, err := tb.ListUsers(t.Context(), wsID, f, store.Page{Limit: limit, After: after, Oldest: oldest}, t0.Add(day))
				tb.calls.listen(nil)
				if err != nil {
					t.Fatal(err)
				}
				if next != "" && len(page) != limit || reads.Load() > 2*(limit+1) || calls.Load() > 2 {
					t.Errorf("%+v: a page of %d reads %d in %d calls", f, len(page), reads.Load(), calls.Load())
				}
				seen += len(page)
				if next == "" {
					break
				}
				after = next
			}
			if want := map[bool]int{true: people - rare, false: rare}[f.Role == user.EndUser]; seen != want {
				t.Errorf("%+v: %d users, want %d", f, seen, want)
			}
		}
	}
}

// A whole email is one read, however it is written, and its user must be one that
// the rest of the filter chooses.
func TestAWholeEmailIsOneRead(t *testing.T) {
	tb := newTable(t)
	wsID := newWorkspaceID()
	tb.insertAll(t, []user.User{
		invited(wsID, "Ann@bücher.example", user.Builder, t0), invited(wsID, "joann@bücher.example", user.EndUser, t0.Add(time.Second)),
	})
	for _, c := range []struct {
		text string
		role user.Role
		want string
		one  bool // read
	}{
		{"ann@bücher.example", "", "Ann@bücher.example", true},
		{" ANN@xn--bcher-kva.example ", user.Builder, "Ann@bücher.example", true},
		{"nn@bücher.example", user.EndUser, "joann@bücher.example", false},
		{"ann@bücher.example", user.EndUser, "joann@bücher.example", false},
		{"bob@bücher.example", "", "", false},
	} {
		var calls atomic.Int64
		tb.calls.listen(func(string, string, []byte) { calls.Add(1) })
		page, next, err := tb.ListUsers(t.Context(), wsID, store.Filter{Text: c.text, Role: c.role}, store.Page{Limit: 10}, t0)
		tb.calls.listen(nil)
		var emails []string
		for _, u := range page {
			emails = append(emails, u.Email)
		}
		if got := strings.Join(emails, " "); err != nil || got != c.want || next != "" || (calls.Load() == 1) != c.one {
			t.Errorf("%q of role %q: %q in %d calls, %v", c.text, c.role, got, calls.Load(), err)
		}
	}
}

// A key whose user has left the role or the group, was erased, or was invited anew
// shows nobody, and the page is filled up.
func TestAKeyBehindItsUserShowsNobody(t *testing.T) {
	tb := newTable(t)
	wsID := tb.bare(t)
	var users []user.User
	for i := range 8 {
		u := invited(wsID, fmt.Sprintf("user%d@corp.com", i), user.EndUser, t0.Add(time.Duration(i)*time.Second))
		u.Groups = []string{"a"}
		users = append(users, u)
	}
	tb.insertAll(t, users)
	keep := func(u user.User) { // the key, as if a write were on its way
		if _, err := tb.db.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: &tb.name, Item: store.Item{
			"pk": s("WS#" + wsID), "sk": s("INGROUP#a#" + store.Position(u)), "entity": s("inGroup"),
		}}); err != nil {
			t.Fatal(err)
		}
	}
	tb.change(t, users[7], func(u user.User) (user.User, error) { return u.LeaveGroup(byAdmin(t0.Add(day)), "a"), nil })
	keep(users[7])
	gone := tb.change(t, users[6], archive)
	tb.erase(t, gone)
	keep(gone)
	moved := users[5]
	moved.CreatedAt = moved.CreatedAt.Add(-time.Hour)
	keep(moved)
	page, next, err := tb.ListUsers(t.Context(), wsID, store.Filter{Group: "a"}, store.Page{Limit: 5}, t0)
	if err != nil || len(page) != 5 || page[0].ID != users[5].ID || next != store.Position(users[1]) {
		t.Errorf("%s, the next begins at %q, %v", names(page), next, err)
	}
	rest, next, err := tb.ListUsers(t.Context(), wsID, store.Filter{Group: "a"}, store.Page{Limit: 5, After: next}, t0)
	if err != nil || len(rest) != 1 || rest[0].ID != users[0].ID || next != "" {
		t.Errorf("then %s, the next begins at %q, %v", names(rest), next, err)
	}
}

// After an upgrade the indexes are filled for a while, one after the other, and
// lists go on without them.
func TestAListDoesNotNeedItsIndex(t *testing.T) {
	tb := newTable(t)
	before := blueprint.TheTable()
	before.Indexes = slices.DeleteFunc(before.Indexes, func(i blueprint.Index) bool {
		return i.Name == blueprint.IndexByCreation || i.Name == blueprint.IndexByRole
	})
	old := &table{Store: store.New(tb.db, tb.name+"-old"), db: tb.db, name: tb.name + "-old", calls: tb.calls}
	if err := dynamodblocal.CreateTable(t.Context(), tb.db, old.name, before); err != nil {
		t.Fatal(err)
	}
	wsID := newWorkspaceID()
	for i, status := range user.Statuses() {
		u := invited(wsID, fmt.Sprintf("user%d@corp.com", i), user.Builder, t0.Add(time.Duration(i)*time.Second))
		u.Status = status
		old.insertAll(t, []user.User{u})
	}
	walk := func(f store.Filter) (all []user.User) {
		for after := ""; ; {
			page, next, err := old.ListUsers(t.Context(), wsID, f, store.Page{Limit: 2, After: after}, t0)
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, page...)
			if next == "" {
				return all
			}
			after = next
		}
	}
	without, ofRole := walk(store.Filter{}), walk(store.Filter{Role: user.Builder})
	if err := dynamodblocal.CreateTable(t.Context(), tb.db, old.name, blueprint.TheTable()); err != nil {
		t.Fatal(err)
	}
	if with := walk(store.Filter{}); len(without) != 6 || names(with) != names(without) {
		t.Errorf("without the index %s\nwith it %s", names(without), names(with))
	}
	if with := walk(store.Filter{Role: user.Builder}); names(with) != names(without) || names(with) != names(ofRole) {
		t.Errorf("of a role, without the index %s\nwith it %s", names(ofRole), names(with))
	}
}

// The index of the default list holds no more than a list shows, and no less.
func TestAListShowsAllOfAUser(t *testing.T) {
	tb := newTable(t)
	u := tb.insert(t, fullUser())
	page, _, err := tb.ListUsers(t.Context(), u.WorkspaceID, store.Filter{}, store.Page{Limit: 2}, t0)
	if err != nil || len(page) != 1 {
		t.Fatalf("%d users, %v", len(page), err)
	}
	got := page[0]
	if shown, want := httpapi.ShowUser(got, t0), httpapi.ShowUser(u, t0); !reflect.DeepEqual(shown, want) {
		t.Errorf("a list shows %+v\nwant %+v", shown, want)
	}
	if !bytes.Equal(got.SealedMetadata, u.SealedMetadata) || got.Invitation.Locale != u.Invitation.Locale {
		t.Errorf("a list has the metadata %x and the locale %q", got.SealedMetadata, got.Invitation.Locale)
	}
}

// The default list is one query, for users of any status.
func TestAListWithoutAFilterIsOneQuery(t *testing.T) {
	tb := newTable(t)
	wsID := newWorkspaceID()
	tb.insertAll(t, []user.User{
		invited(wsID, "a@corp.com", user.Builder, t0), active(wsID, "b@corp.com", user.Builder, t0),
		invited(wsID, "c@corp.com", user.Builder, t0.Add(time.Hour)),
	})
	for limit, full := range map[int]bool{2: false, 3: true} {
		var calls atomic.Int64
		tb.calls.listen(func(operation, request string, _ []byte) {
			calls.Add(1)
			if operation != "Query" || !strings.Contains(request, `"byCreation"`) {
				t.Errorf("it called %s: %s", operation, request)
			}
		})
		page, next, err := tb.ListUsers(t.Context(), wsID, store.Filter{}, store.Page{Limit: limit}, t0.Add(day))
		tb.calls.listen(nil)
		if err != nil || calls.Load() != 1 || len(page) != limit || (next == "") != full {
			t.Errorf("a page of %d: %s in %d calls, the next begins at %q; %v", limit, names(page), calls.Load(), next, err)
		}
	}
}
