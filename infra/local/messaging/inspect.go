package messaging

import (
	"errors"
	"fmt"
	"time"

	"go.etcd.io/bbolt"
)

// Depth says how full a queue is.
type Depth struct {
	Visible  int           // waiting to be received
	InFlight int           // received, and hidden for now
	Oldest   time.Duration // the age of the oldest message; 0 for none
}

// Depth counts what a queue holds.
func (q *Queues) Depth(queue string) (Depth, error) {
	found, err := q.Messages(queue)
	now := q.now()
	var d Depth
	for _, m := range found {
		if m.VisibleAt.After(now) {
			d.InFlight++
		} else {
			d.Visible++
		}
		d.Oldest = max(d.Oldest, now.Sub(m.SentAt))
	}
	return d, err
}

// Messages shows what a queue holds, the oldest first, without taking it.
func (q *Queues) Messages(queue string) (found []Message, err error) {
	now := q.now()
	err = q.db.View(func(tx *bbolt.Tx) error {
		bucket, err := bucketOf(tx, queue)
		if err != nil {
			return err
		}
		return bucket.ForEach(func(key, raw []byte) error {
			if m := read(key, raw); !expired(q.specs[queue], m, now) {
				found = append(found, m)
			}
			return nil
		})
	})
	if err != nil {
		return nil, fmt.Errorf("look at %s: %w", queue, err)
	}
	return found, nil
}

// Redrive sends what a dead-letter queue holds back to the queue it came from.
// As at SQS, they are new messages there, with a new id and a new age.
func (q *Queues) Redrive(dead, source string) (moved int, err error) {
	if dead == source {
		return 0, errors.New("redrive: a queue cannot be redriven to itself")
	}
	found, err := q.Messages(dead)
	if err != nil {
		return 0, err
	}
	err = q.db.Update(func(tx *bbolt.Tx) error {
		bucket, err := bucketOf(tx, dead)
		if err != nil {
			return err
		}
		for _, m := range found {
			if bucket.Get(m.key) == nil {
				continue // gone in between
			}
			if err := bucket.Delete(m.key); err != nil {
				return err
			}
			now := q.now()
			again := Message{ID: NewID(), Group: m.Group, Body: m.Body, Attributes: m.Attributes, SentAt: now, VisibleAt: now}
			if err := insert(tx, source, again); err != nil {
				return err
			}
			moved++
		}
		return nil
	})
	if err != nil {
		return 0, fmt.Errorf("redrive %s: %w", dead, err)
	}
	q.wake(source)
	return moved, nil
}
