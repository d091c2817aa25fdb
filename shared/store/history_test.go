package store_test

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/latchkey/latchkey/shared/event"
	"github.com/latchkey/latchkey/shared/store"
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
