package main

import (
	"sync"

	"github.com/latchkey/latchkey/shared/store"
)

const (
	// sideBySide is how many due items a run handles at the same time.
	sideBySide = 32
	// readAhead is how many due items a run holds. Up to that many items of one
	// workspace do not delay another.
	readAhead = 20_000
)

// lanes handle due items side by side. The scheduled mails of one workspace
// share a lane, so that they leave in order, and all lanes take turns: a
// workspace with many mails does not delay the others. Any other item has a lane of
// its own.
type lanes struct {
	work    func(store.Due)
	stopped func() bool // no further item is begun

	mu     sync.Mutex
	change *sync.Cond
	queues map[string][]store.Due // by lane, not empty
	ready  []string               // lanes whose next item may begin, in turn
	held   int
	closed bool
	done   sync.WaitGroup
}

func newLanes(work func(store.Due), stopped func() bool) *lanes {
	l := &lanes{work: work, stopped: stopped, queues: map[string][]store.Due{}}
	l.change = sync.NewCond(&l.mu)
	for range sideBySide {
		l.done.Go(l.run)
	}
	return l
}

func laneOf(d store.Due) string {
	if d.Mail {
		return d.WorkspaceID
	}
	return d.WorkspaceID + "/" + d.UserID + "/" + d.GroupID + "/" + d.ImportID + "/" + d.Departed
}

// add hands over an item; it waits while too many are held.
func (l *lanes) add(d store.Due) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for l.held >= readAhead {
		l.change.Wait()
	}
	lane := laneOf(d)
	queue, busy := l.queues[lane]
	l.queues[lane] = append(queue, d)
	l.held++
	if !busy {
		l.ready = append(l.ready, lane)
		l.change.Broadcast()
	}
}

// run handles the next item of the next lane, until all are closed and empty.
func (l *lanes) run() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for {
		for len(l.ready) == 0 {
			if l.closed && l.held == 0 {
				return
			}
			l.change.Wait()
		}
		lane := l.ready[0]
		l.ready = l.ready[1:]
		d := l.queues[lane][0]
		l.mu.Unlock()
		if !l.stopped() {
			l.work(d)
		}
		l.mu.Lock()
		l.held--
		l.queues[lane] = l.queues[lane][1:]
		if len(l.queues[lane]) > 0 {
			l.ready = append(l.ready, lane)
		} else {
			delete(l.queues, lane)
		}
		l.change.Broadcast()
	}
}

// wait returns when every item is handled, or was left to the next run.
func (l *lanes) wait() {
	l.mu.Lock()
	l.closed = true
	l.change.Broadcast()
	l.mu.Unlock()
	l.done.Wait()
}
