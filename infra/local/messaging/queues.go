// Package messaging is the bus and the queues of this machine: EventBridge
// rules, SQS standard queues with dead-letter queues, and the event source
// mapping that feeds a queue to a function. What a queue holds is kept in one
// file, so that a restart loses nothing.
//
// It may import infra/blueprint and bbolt, a small embedded store that has
// been stable for a decade.
package messaging

import (
	"crypto/rand"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"sync"
	"time"

	"go.etcd.io/bbolt"

	"github.com/latchkey/latchkey/infra/blueprint"
)

// Message is a message as a queue keeps it.
type Message struct {
	ID            string    `json:"id"`
	Body          string    `json:"body"`
	SentAt        time.Time `json:"sentAt"`
	VisibleAt     time.Time `json:"visibleAt"`
	Receives      int       `json:"receives"`
	FirstReceived time.Time `json:"firstReceived"`

	key []byte
}

// Queues are all queues. They are safe for concurrent use.
type Queues struct {
	db    *bbolt.DB
	now   func() time.Time
	specs map[string]blueprint.Queue

	mu    sync.Mutex
	wakes map[string]chan struct{}
}

// Open opens the queues' file, making it where it is missing. Two processes
// cannot have it open at once.
func Open(path string, queues []blueprint.Queue, now func() time.Time) (*Queues, error) {
	db, err := bbolt.Open(path, 0o600, &bbolt.Options{Timeout: time.Second})
	if err != nil {
		return nil, fmt.Errorf("the data folder is in use, or its queues cannot be read: %w", err)
	}
	q := &Queues{db: db, now: now, specs: map[string]blueprint.Queue{}, wakes: map[string]chan struct{}{}}
	err = db.Update(func(tx *bbolt.Tx) error {
		for _, spec := range queues {
			q.specs[spec.Name] = spec
			q.wakes[spec.Name] = make(chan struct{}, 1)
			if _, err := tx.CreateBucketIfNotExists([]byte(spec.Name)); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		_ = db.Close()
		return nil, fmt.Errorf("make the queues: %w", err)
	}
	return q, nil
}

// Close closes the file.
func (q *Queues) Close() error { return q.db.Close() }

// Send puts a message into a queue.
func (q *Queues) Send(queue, body string) (id string, err error) {
	raw := make([]byte, 16)
	if _, err := rand.Read(raw); err != nil {
		return "", err
	}
	now := q.now()
	m := Message{ID: hex.EncodeToString(raw), Body: body, SentAt: now, VisibleAt: now}
	err = q.db.Update(func(tx *bbolt.Tx) error { return insert(tx, queue, m) })
	if err != nil {
		return "", fmt.Errorf("send to %s: %w", queue, err)
	}
	q.wake(queue)
	return m.ID, nil
}

func insert(tx *bbolt.Tx, queue string, m Message) error {
	bucket := tx.Bucket([]byte(queue))
	if bucket == nil {
		return fmt.Errorf("there is no queue %q", queue)
	}
	n, err := bucket.NextSequence()
	if err != nil {
		return err
	}
	return put(bucket, binary.BigEndian.AppendUint64(nil, n), m)
}

func put(bucket *bbolt.Bucket, key []byte, m Message) error {
	raw, err := json.Marshal(m)
	if err != nil {
		return err
	}
	return bucket.Put(key, raw)
}

func (q *Queues) wake(queue string) {
	q.mu.Lock()
	defer q.mu.Unlock()
	select {
	case q.wakes[queue] <- struct{}{}:
	default:
	}
}

// Receive takes up to max messages, the oldest first, and hides them for the
// queue's visibility timeout. A message that has been received as often as the
// queue allows goes to the dead-letter queue instead. next is when a message
// that is hidden now becomes visible; zero where none is.
func (q *Queues) Receive(queue string, max int) (found []Message, next time.Time, err error) {
	spec := q.specs[queue]
	now := q.now()
	dead := false
	err = q.db.Update(func(tx *bbolt.Tx) error {
		bucket := tx.Bucket([]byte(queue))
		cursor := bucket.Cursor()
		var taken []Message
		for key, raw := cursor.First(); key != nil && len(taken) < max; key, raw = cursor.Next() {
			var m Message
			if err := json.Unmarshal(raw, &m); err != nil {
				return err
			}
			if m.VisibleAt.After(now) {
				if next.IsZero() || m.VisibleAt.Before(next) {
					next = m.VisibleAt
				}
				continue
			}
			m.key = append([]byte(nil), key...)
			taken = append(taken, m)
		}
		for _, m := range taken {
			if spec.DeadLetter != "" && m.Receives >= spec.MaxReceives {
				m.VisibleAt, m.Receives = now, 0
				if err := insert(tx, spec.DeadLetter, m); err != nil {
					return err
				}
				if err := bucket.Delete(m.key); err != nil {
					return err
				}
				dead = true
				continue
			}
			if m.Receives == 0 {
				m.FirstReceived = now
			}
			m.Receives++
			m.VisibleAt = now.Add(spec.Visibility)
			if err := put(bucket, m.key, m); err != nil {
				return err
			}
			found = append(found, m)
		}
		return nil
	})
	if err != nil {
		return nil, time.Time{}, fmt.Errorf("receive from %s: %w", queue, err)
	}
	if dead {
		q.wake(spec.DeadLetter)
	}
	return found, next, nil
}

// Delete ends a message that was received: it is done.
func (q *Queues) Delete(queue string, m Message) error {
	return q.db.Update(func(tx *bbolt.Tx) error { return tx.Bucket([]byte(queue)).Delete(m.key) })
}

// Release makes a message that was received visible again after a while.
func (q *Queues) Release(queue string, m Message, after time.Duration) error {
	m.VisibleAt = q.now().Add(after)
	err := q.db.Update(func(tx *bbolt.Tx) error { return put(tx.Bucket([]byte(queue)), m.key, m) })
	q.wake(queue)
	return err
}

// Messages shows what a queue holds, the oldest first, without taking it.
func (q *Queues) Messages(queue string) (found []Message, err error) {
	err = q.db.View(func(tx *bbolt.Tx) error {
		return tx.Bucket([]byte(queue)).ForEach(func(_, raw []byte) error {
			var m Message
			err := json.Unmarshal(raw, &m)
			found = append(found, m)
			return err
		})
	})
	return found, err
}

// Redrive sends what a dead-letter queue holds back to the queue it came from.
func (q *Queues) Redrive(dead, source string) (moved int, err error) {
	err = q.db.Update(func(tx *bbolt.Tx) error {
		bucket := tx.Bucket([]byte(dead))
		var keys [][]byte
		err := bucket.ForEach(func(key, raw []byte) error {
			var m Message
			if err := json.Unmarshal(raw, &m); err != nil {
				return err
			}
			m.Receives, m.VisibleAt = 0, q.now()
			keys = append(keys, append([]byte(nil), key...))
			return insert(tx, source, m)
		})
		if err != nil {
			return err
		}
		for _, key := range keys {
			if err := bucket.Delete(key); err != nil {
				return err
			}
		}
		moved = len(keys)
		return nil
	})
	q.wake(source)
	return moved, err
}
