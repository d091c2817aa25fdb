package store_test

import (
	"bytes"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

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
			Delivery: "failed", DeliveryReason: "refused",
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
			ID: eventID, Type: "user.updated", Version: event.Version, WorkspaceID: wsID, Actor: "usr_admin", Time: at,
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

// Pages of history have every line once, the newest first, of the workspace
// and of each user, and none of anybody else.
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
		for _, about := range append(users, "", "usr_nobody") {
			limit := rapid.IntRange(1, 7).Draw(rt, "limit")
			want := eventIDs(events, func(e event.Event) bool { return about == "" || e.UserID == about })
			var got []string
			for after := ""; ; {
				page, next, err := tb.ListHistory(t.Context(), wsID, about, limit, after, t0)
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
				rt.Fatalf("%q:\ngot  %q\nwant %q", about, got, want)
			}
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
	lines, _, err := tb.ListHistory(t.Context(), wsID, "", 10, "", t0)
	want := []store.Entry{
		{ID: "evt_1", Type: "workspace.created", Actor: "svc_x", At: t0},
		{ID: "evt_0000", Type: "user.updated", Actor: "usr_admin", At: t0, UserID: "usr_0", Status: "active", PreviousStatus: "invited",
			Changed: []string{"name", "role"}, Delivery: "failed", DeliveryReason: "refused"},
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
		page, next, err := tb.ListHistory(t.Context(), wsID, "", 3, after, t0)
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
			page, next, err := tb.ListHistory(t.Context(), wsID, "", 3, after, t0.Add(at))
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

// Names are those of today, whoever is asked for, in as few calls as can be;
// who was erased, or never was, has none.
func TestNamesAreThoseOfToday(t *testing.T) {
	tb := newTable(t)
	wsID := newWorkspaceID()
	renamed, gone := tb.insert(t, quiet(wsID, "renamed@corp.com", t0)), tb.insert(t, quiet(wsID, "gone@corp.com", t0))
	other := tb.insert(t, quiet(newWorkspaceID(), "other@corp.com", t0))
	many := batchOf(wsID, 0, 120)
	tb.insertAll(t, many)
	name := "Jane Doe"
	tb.change(t, renamed, func(u user.User) (user.User, error) { return u.Edit(byAdmin(t0), user.Patch{Name: &name}), nil })
	tb.erase(t, tb.change(t, gone, archive))
	wanted := []string{renamed.ID, gone.ID, other.ID, "usr_nobody", renamed.ID}
	for _, u := range many {
		wanted = append(wanted, u.ID)
	}
	names, err := tb.Names(t.Context(), wsID, wanted)
	if err != nil {
		t.Fatal(err)
	}
	for id, want := range map[string]string{renamed.ID: name, gone.ID: "", other.ID: "", "usr_nobody": ""} {
		if names[id] != want {
			t.Errorf("%s is named %q, not %q", id, names[id], want)
		}
	}
	for _, u := range many {
		if names[u.ID] != u.Name {
			t.Errorf("%s is named %q, not %q", u.ID, names[u.ID], u.Name)
		}
	}
	if none, err := tb.Names(t.Context(), wsID, nil); err != nil || len(none) != 0 {
		t.Errorf("nobody is named %v, %v", none, err)
	}
}
