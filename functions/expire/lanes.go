package main

import (
	"hash/fnv"
	"sync"

	"github.com/latchkey/latchkey/shared/store"
)

// sideBySide is how many due items a run handles at the same time.
const sideBySide = 32

// lanes handle due items side by side. The scheduled mails of one workspace
// share a lane, so that they leave in order; anything else takes the next lane.
type lanes struct {
	queues [sideBySide]chan store.Due
	next   int
	done   sync.WaitGroup
}

func newLanes(work func(store.Due)) *lanes {
	l := &lanes{}
	for i := range l.queues {
		queue := make(chan store.Due, 1)
		l.queues[i] = queue
		l.done.Go(func() {
			for due := range queue {
				work(due)
			}
		})
	}
	return l
}

func (l *lanes) add(d store.Due) {
	lane := l.next
	if d.Mail {
		hash := fnv.New32a()
		hash.Write([]byte(d.WorkspaceID))
		lane = int(hash.Sum32() % sideBySide)
	} else {
		l.next = (l.next + 1) % sideBySide
	}
	l.queues[lane] <- d
}

func (l *lanes) wait() {
	for _, queue := range l.queues {
		close(queue)
	}
	l.done.Wait()
}
