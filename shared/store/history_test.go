package store_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"pgregory.net/rapid"

	"github.com/latchkey/latchkey/infra/blueprint"
	"github.com/latchkey/latchkey/shared/event"
	"github.com/latchkey/latchkey/shared/id"
	"github.com/latchkey/latchkey/shared/store"
	"github.com/latchkey/latchkey/shared/user"
)

func someEvents(wsID string, n int) []event.Event {
	events := make([]event.Event, n)
	for i := range events {
		events[i] = event.Event{
			ID: fmt.Sprintf("evt_%04d", i), Type: "user.updated", Version: event.Version,
			WorkspaceID: wsID, UserID: fmt.Sprintf("usr_%d", i%7), Actor: "usr_admin", Time: t0.Add(time.Duration(i) * time.Second),
			Status: "active", PreviousStatus: "invited", Changed: []string{"name", "role"},
			Delivery: "failed", DeliveryReason: "refused", Generation: 1767268800,
		}
	}
	return events
}

func TestHistoryTakesMoreEventsThanOneBatch(t *testing.T) {
	tb := newTable(t)
	events := someEvents(newWorkspaceID(), 60)
	batches := make(chan int, 10)
	tb.calls.listen(func(_, request string, _ []byte) { batches <- strings.Count(request, "PutRequest") })
	err := tb.AppendHistory(t.Context(), events, 365*day)
	tb.calls.listen(nil)
	if err != nil {
		t.Fatal(err)
	}
	close(batches)
	for n := range batches {
		if n > 25 {
			t.Errorf("a batch has %d", n)
		}
	}
	if items := tb.all(t); len(items) != 60 {
		t.Errorf("%d lines are written", len(items))
	}
}

// The stream delivers at least once, in batches that overlap, and a batch may
// have an event twice.
func TestHistoryWrittenAgainIsTheSame(t *testing.T) {
	tb := newTable(t)
	events := someEvents(newWorkspaceID(), 30)
	var first []store.Item
	twice := []event.Event{events[0], events[1], events[0], events[0]}
	for _, batch := range [][]event.Event{events, events, append(slices.Clone(events[10:]), events[:20]...), twice, nil} {
		err := tb.AppendHistory(t.Context(), batch, 365*day)
		if err != nil {
			t.Fatal(err)
		}
		now := tb.all(t)
		slices.SortFunc(now, func(a, b store.Item) int { return strings.Compare(textOf(a["statusSk"]), textOf(b["statusSk"])) })
		if first != nil && !reflect.DeepEqual(now, first) {
			t.Fatalf("%d lines became %d", len(first), len(now))
		}
		first = now
	}
	if len(first) != 30 {
		t.Errorf("%d lines", len(first))
	}
}

// One line serves both questions: what happened to a user, and what happened
// in the workspace, each by time.
func TestALineOfHistoryStandsUnderItsUserAndItsWorkspace(t *testing.T) {
	tb := newTable(t)
	wsID := newWorkspaceID()
	err := tb.AppendHistory(t.Context(), someEvents(wsID, 1), 10*day)
	if err != nil {
		t.Fatal(err)
	}
	item := tb.raw(t, "HISTORY#"+wsID, "usr_0#evt_0000")
	if textOf(item["statusPk"]) != "HISTORY#"+wsID || textOf(item["statusSk"]) != "evt_0000" {
		t.Errorf("the line is %v", item)
	}
	for name, want := range map[string]string{"type": "user.updated", "actor": "usr_admin", "status": "active", "previousStatus": "invited", "delivery": "failed", "deliveryReason": "refused", "at": "2026-01-01T12:00:00.000Z"} {
		if got := textOf(item[name]); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	if ttl := ttlOf(t, item); !ttl.Equal(t0.Add(10 * day)) {
		t.Errorf("it is kept until %v", ttl)
	}
	// It is in the index by status, and yet no user of any workspace.
	if users := tb.list(t, wsID, store.Filter{}); len(users) != 0 {
		t.Errorf("it is listed as a user: %+v", users)
	}
}

// What became of a mail is read with its user alone: a line of it costs one write
// unit, because no index has it.
func TestALineAboutMailIsInNoIndex(t *testing.T) {
	tb := newTable(t)
	wsID := newWorkspaceID()
	events := someEvents(wsID, 2)
	events[0].Type, events[1].Type = "invitation.delivery_changed", "invitation.mail_due"
	if err := tb.AppendHistory(t.Context(), events, 10*day); err != nil {
		t.Fatal(err)
	}
	for _, e := range events {
		item := tb.raw(t, "HISTORY#"+wsID, e.UserID+"#"+e.ID)
		for _, index := range blueprint.TheTable().Indexes {
			if item == nil || item[index.PartitionKey] != nil && item[index.SortKey] != nil {
				t.Errorf("%s has the line %v", index.Name, item)
			}
		}
	}
}

// someTypes are some of the types of lines, two of them about mail.
var someTypes = []string{"user.updated", "user.invited", "invitation.delivery_changed", "invitation.mail_due"}

// anyEvents draws events of one workspace, many of the same millisecond and
// with ids that lie side by side.
func anyEvents(t *rapid.T, wsID string, users []string) []event.Event {
	events := make([]event.Event, rapid.IntRange(0, 30).Draw(t, "events"))
	for i := range events {
		at := t0.Add(time.Duration(rapid.IntRange(0, 2).Draw(t, "ms")) * time.Millisecond)
		random := []byte{9: byte(i)} // each is another
		random[8] = byte(rapid.IntRange(0, 1).Draw(t, "random"))
		eventID, err := id.Ordered("evt_", at, bytes.NewReader(random))
		if err != nil {
			t.Fatal(err)
		}
		events[i] = event.Event{
			ID: eventID, Type: rapid.SampledFrom(someTypes).Draw(t, "type"), Version: event.Version, WorkspaceID: wsID, Actor: "usr_admin", Time: at,
			UserID: rapid.SampledFrom(append(users, "")).Draw(t, "user"),
		}
	}
	return events
}

func eventIDs(events []event.Event, chosen func(event.Event) bool) (found []string) {
	for _, e := range events {
		if chosen(e) {
			found = append(found, e.ID)
		}
	}
	slices.Sort(found)
	slices.Reverse(found)
	return found
}

// Pages of history have every line of the types asked for once, the newest first,
// of the workspace and of each user, and none of anybody else. They are full
// before the end, and those of a workspace have no lines about mail: not even of
// a release that put them into the index.
func TestPagesOfHistoryHaveEveryLineOnceNewestFirst(t *testing.T) {
	tb := newTable(t)
	// The second user's id begins with the first one's.
	users := []string{"usr_a", "usr_ab", "usr_b"}
	rapid.Check(t, func(rt *rapid.T) {
		wsID := newWorkspaceID()
		events := anyEvents(rt, wsID, users)
		for _, events := range [][]event.Event{events, anyEvents(rt, newWorkspaceID(), users)} {
			if err := tb.AppendHistory(t.Context(), events, day); err != nil {
				rt.Fatal(err)
			}
		}
		if rapid.Bool().Draw(rt, "of an old release") {
			tb.indexHistory(t, events)
		}
		chosen := rapid.SliceOfNDistinct(rapid.SampledFrom(someTypes), 0, 3, rapid.ID).Draw(rt, "types")
		for _, about := range append(users, "", "usr_nobody") {
			limit := rapid.IntRange(1, 7).Draw(rt, "limit")
			want := eventIDs(events, func(e event.Event) bool {
				if about != "" && e.UserID != about || len(chosen) > 0 && !slices.Contains(chosen, e.Type) {
					return false
				}
				return about != "" || !user.ChangeType(e.Type).OfMail()
			})
			if about == "" && slices.ContainsFunc(chosen, func(t string) bool { return user.ChangeType(t).OfMail() }) {
				continue // nobody may ask for them
			}
			var got []string
			for after := ""; ; {
				page, next, err := tb.ListHistory(t.Context(), wsID, about, store.HistoryPage{Limit: limit, After: after, Types: chosen}, t0)
				if err != nil {
					rt.Fatal(err)
				}
				if len(page) > limit || next != "" && len(page) != limit || len(got) > len(events) {
					rt.Fatalf("a page has %d lines, and the limit is %d", len(page), limit)
				}
				for _, line := range page {
					got = append(got, line.ID)
					if about != "" && line.UserID != about {
						rt.Fatalf("the line of %q is among those of %q", line.UserID, about)
					}
				}
				if next == "" {
					break
				}
				after = next
			}
			if !slices.Equal(got, want) {
				rt.Fatalf("%q, %q:\ngot  %q\nwant %q", about, chosen, got, want)
			}
		}
	})
}

// indexHistory puts all lines into the index, as an earlier release did.
func (tb *table) indexHistory(t testing.TB, events []event.Event) {
	t.Helper()
	for _, e := range events {
		pk := "HISTORY#" + e.WorkspaceID
		item := tb.raw(t, pk, e.UserID+"#"+e.ID)
		item["statusPk"] = s(pk)
		if _, err := tb.db.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: &tb.name, Item: item}); err != nil {
			t.Fatal(err)
		}
	}
}

// A page of few lines among many others costs a bounded read, and says where to
// continue.
func TestAFilteredPageOfHistoryIsBounded(t *testing.T) {
	tb := newTable(t)
	wsID := newWorkspaceID()
	events := someEvents(wsID, 1100)
	events[0].Type, events[1099].Type = "user.invited", "user.invited"
	if err := tb.AppendHistory(t.Context(), events, day); err != nil {
		t.Fatal(err)
	}
	for _, about := range []string{"", "usr_0"} { // a seventh of the lines is about usr_0
		var got []string
		pages := 0
		for after := ""; ; pages++ {
			read := 0
			tb.calls.listen(func(_, _ string, response []byte) {
				var out struct{ ScannedCount int }
				_ = json.Unmarshal(response, &out)
				read += out.ScannedCount
			})
			page, next, err := tb.ListHistory(t.Context(), wsID, about, store.HistoryPage{Limit: 2, After: after, Types: []string{"user.invited"}}, t0)
			tb.calls.listen(nil)
			if err != nil || read > 1000 || pages > 3 {
				t.Fatalf("page %d of %q: %d lines were read, %v", pages, about, read, err)
			}
			for _, line := range page {
				got = append(got, line.ID)
			}
			if next == "" {
				break
			}
			after = next
		}
		want := eventIDs(events, func(e event.Event) bool {
			return e.Type == "user.invited" && (about == "" || e.UserID == about)
		})
		if !slices.Equal(got, want) {
			t.Errorf("%q: got %q, want %q", about, got, want)
		}
		if about == "" && pages != 1 {
			t.Errorf("1,100 lines in %d pages", pages+1)
		}
	}
}

// What a person did under an id that they had before is among their own lines, in
// order, and what others did under it since is not.
func TestTheHistoryOfFormerIDsIsInOrder(t *testing.T) {
	tb := newTable(t)
	rapid.Check(t, func(rt *rapid.T) {
		wsID := newWorkspaceID()
		events := anyEvents(rt, wsID, []string{"usr_a", "usr_ab", "usr_b"})
		if err := tb.AppendHistory(t.Context(), events, day); err != nil {
			rt.Fatal(err)
		}
		var former []user.FormerID
		all := eventIDs(events, func(event.Event) bool { return true })
		until := map[string]string{"usr_a": "~"}
		for _, id := range []string{"usr_ab", "usr_b"} {
			if len(all) > 0 && rapid.Bool().Draw(rt, "had "+id) {
				until[id] = rapid.SampledFrom(all).Draw(rt, "until")
				former = append(former, user.FormerID{ID: id, Until: until[id]})
			}
		}
		chosen := rapid.SliceOfNDistinct(rapid.SampledFrom(someTypes), 0, 3, rapid.ID).Draw(rt, "types")
		want := eventIDs(events, func(e event.Event) bool {
			return e.ID < until[e.UserID] && (len(chosen) == 0 || slices.Contains(chosen, e.Type))
		})
		limit := rapid.IntRange(1, 7).Draw(rt, "limit")
		var got []string
		for after := ""; ; {
			page, next, err := tb.ListUserHistory(t.Context(), wsID, "usr_a", former, store.HistoryPage{Limit: limit, After: after, Types: chosen}, t0)
			if err != nil || len(page) > limit || next != "" && len(page) != limit {
				rt.Fatalf("a page has %d lines, and the limit is %d: %v", len(page), limit, err)
			}
			for _, line := range page {
				got = append(got, line.ID)
			}
			if next == "" {
				break
			}
			after = next
		}
		if !slices.Equal(got, want) {
			rt.Fatalf("%+v, %q:\ngot  %q\nwant %q", former, chosen, got, want)
		}
	})
}

// A line that was written comes back as the event that it tells of.
func TestALineOfHistoryIsReadAsItWasWritten(t *testing.T) {
	tb := newTable(t)
	wsID := newWorkspaceID()
	events := someEvents(wsID, 1)
	aboutWorkspace := event.Event{ID: "evt_1", Type: "workspace.created", WorkspaceID: wsID, Actor: "svc_x", Time: t0}
	if err := tb.AppendHistory(t.Context(), append(events, aboutWorkspace), day); err != nil {
		t.Fatal(err)
	}
	lines, _, err := tb.ListHistory(t.Context(), wsID, "", store.HistoryPage{Limit: 10}, t0)
	want := []store.Entry{
		{ID: "evt_1", Type: "workspace.created", Actor: "svc_x", At: t0},
		{ID: "evt_0000", Type: "user.updated", Actor: "usr_admin", At: t0, UserID: "usr_0", Status: "active", PreviousStatus: "invited",
			Changed: []string{"name", "role"}, Delivery: "failed", DeliveryReason: "refused", Generation: 1767268800},
	}
	if err != nil || !reflect.DeepEqual(lines, want) {
		t.Errorf("%v\ngot  %+v\nwant %+v", err, lines, want)
	}
}

// Whoever writes is at it while somebody pages: the pages have all that was
// there at the start, once.
func TestLinesWrittenBetweenPagesMoveNothing(t *testing.T) {
	tb := newTable(t)
	wsID := newWorkspaceID()
	events := someEvents(wsID, 20)
	if err := tb.AppendHistory(t.Context(), events[:10], day); err != nil {
		t.Fatal(err)
	}
	var got []string
	for after, n := "", 10; ; n++ {
		page, next, err := tb.ListHistory(t.Context(), wsID, "", store.HistoryPage{Limit: 3, After: after}, t0)
		if err != nil {
			t.Fatal(err)
		}
		for _, line := range page {
			got = append(got, line.ID)
		}
		if next == "" {
			break
		}
		after = next
		if err := tb.AppendHistory(t.Context(), events[n:n+1], day); err != nil {
			t.Fatal(err)
		}
	}
	if want := eventIDs(events[:10], func(event.Event) bool { return true }); !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

// Rule 9: DynamoDB's TTL may lag by days; the clock decides what is shown.
func TestRule09ALineWhoseTimeIsOverIsNotShown(t *testing.T) {
	tb := newTable(t)
	wsID := newWorkspaceID()
	if err := tb.AppendHistory(t.Context(), someEvents(wsID, 10), day); err != nil { // a second apart
		t.Fatal(err)
	}
	for at, want := range map[time.Duration]int{0: 10, day - time.Second: 10, day: 9, day + 4*time.Second: 5, day + time.Hour: 0} {
		shown := 0
		for after := ""; ; {
			page, next, err := tb.ListHistory(t.Context(), wsID, "", store.HistoryPage{Limit: 3, After: after}, t0.Add(at))
			if err != nil {
				t.Fatal(err)
			}
			shown += len(page)
			if after = next; next == "" {
				break
			}
		}
		if shown != want {
			t.Errorf("after %v, %d lines are shown, not %d", at, shown, want)
		}
	}
}

// People have today's names, and are read in as few calls as possible. Those who
// were erased or never existed are absent.
func TestPeopleAreThoseOfToday(t *testing.T) {
	tb := newTable(t)
	wsID := newWorkspaceID()
	renamed, gone := tb.insert(t, invited(wsID, "renamed@corp.com", user.Builder, t0)), tb.insert(t, quiet(wsID, "gone@corp.com", t0))
	other := tb.insert(t, quiet(newWorkspaceID(), "other@corp.com", t0))
	many := batchOf(wsID, 0, 120)
	tb.insertAll(t, many)
	name := "Jane Doe"
	tb.change(t, renamed, func(u user.User) (user.User, error) { return u.Edit(byAdmin(t0), user.Patch{Name: &name}), nil })
	tb.deliver(t, renamed, user.DeliveryFailed, "The mail service refused the mail.")
	tb.erase(t, tb.change(t, gone, archive))
	wanted := []string{renamed.ID, gone.ID, other.ID, "usr_nobody", renamed.ID}
	for _, u := range many {
		wanted = append(wanted, u.ID)
	}
	people, err := tb.People(t.Context(), wsID, wanted)
	if err != nil || len(people) != 121 {
		t.Fatalf("%d people, %v", len(people), err)
	}
	want := store.Person{Name: name, Invitation: user.Invitation{
		Generation: renamed.Invitation.Generation, MailKind: user.MailInvitation,
		Delivery: user.DeliveryFailed, DeliveryReason: "The mail service refused the mail.",
	}}
	if got := people[renamed.ID]; got != want {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	for _, u := range many {
		if people[u.ID].Name != u.Name {
			t.Errorf("%s is named %q, not %q", u.ID, people[u.ID].Name, u.Name)
		}
	}
	if none, err := tb.People(t.Context(), wsID, nil); err != nil || len(none) != 0 {
		t.Errorf("nobody is %v, %v", none, err)
	}
}
