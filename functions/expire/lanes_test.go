package main

import (
	"fmt"
	"sync"
	"testing"

	"github.com/latchkey/latchkey/shared/store"
)

// Of workspaces with many mails and few, each gets its turn, and the mails of
// one leave in order.
func TestWorkspacesTakeTurns(t *testing.T) {
	var mu sync.Mutex
	var order []string
	work := func(d store.Due) {
		mu.Lock()
		defer mu.Unlock()
		order = append(order, d.WorkspaceID+d.UserID)
	}
	l := &lanes{work: work, stopped: func() bool { return false }, queues: map[string][]store.Due{}}
	l.change = sync.NewCond(&l.mu)
	for _, ws := range []string{"a", "b"} { // all of a before any of b
		for i := range 100 {
			l.add(store.Due{WorkspaceID: ws, UserID: fmt.Sprintf("%02d", i), Mail: true})
		}
	}
	l.done.Go(l.run)
	l.wait()
	for i, got := range order {
		if want := fmt.Sprintf("%c%02d", "ab"[i%2], i/2); got != want {
			t.Fatalf("number %d is %s, want %s", i, got, want)
		}
	}
	if len(order) != 200 {
		t.Errorf("%d were handled", len(order))
	}
}

func TestManyWorkersHandleEverythingOnceAndInOrder(t *testing.T) {
	var mu sync.Mutex
	last, handled := map[string]string{}, 0
	l := newLanes(func(d store.Due) {
		mu.Lock()
		defer mu.Unlock()
		handled++
		if d.Mail && d.UserID <= last[d.WorkspaceID] {
			t.Errorf("%s after %s", d.UserID, last[d.WorkspaceID])
		}
		last[d.WorkspaceID] = d.UserID
	}, func() bool { return false })
	for i := range 30_000 { // more than are held
		l.add(store.Due{WorkspaceID: fmt.Sprint(i % 7), UserID: fmt.Sprintf("%05d", i), Mail: true})
	}
	l.wait()
	if handled != 30_000 {
		t.Errorf("%d were handled", handled)
	}
}
