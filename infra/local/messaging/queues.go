// Package messaging is the bus and the queues of this machine: EventBridge
// rules, SQS standard queues with dead-letter queues, and the event source
// mapping that feeds a queue to a function. What a queue holds is kept in one
// file, so that a restart loses nothing.
//
// It may import infra/blueprint and bbolt, a small embedded store that has
// been stable for a decade.
package messaging

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"sync"
	"time"

	"go.etcd.io/bbolt"

	"github.com/latchkey/latchkey/infra/blueprint"
)

// Message is a message as a queue keeps it.
type Message struct {
	ID   string `json:"id"`
	Body string `json:"body"`
	// Group is the tenant whose message it is; queues are fair among them.
	Group string `json:"group,omitempty"`
	// Attributes are the message's attributes, all of them texts.
	Attributes    map[string]string `json:"attributes,omitempty"`
	SentAt        time.Time         `json:"sentAt"`
	VisibleAt     time.Time         `json:"visibleAt"`
	Receives      int               `json:"receives"`
	FirstReceived time.Time         `json:"firstReceived"`
	// Copy marks a message that is already part of an intended duplicate.
	Copy bool `json:"copy,omitempty"`

	key []byte
}

// Options configure queues. The zero value never duplicates a message.
type Options struct {
	Now func() time.Time // nil is time.Now
	// Speed divides the time until a failed message reappears, and batch
	// windows. 0 is 1.
	Speed float64
	// Duplicates is the share of messages, from 0 to 1, that are delivered
	// twice: half of them concurrently, half after the first delivery was
	// deleted. SQS guarantees at-least-once delivery only.
	// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/standard-queues-at-least-once-delivery.html
	Duplicates float64
	Random     func() float64 // from 0 up to 1; nil is math/rand's
}

// Queues are all queues. They are safe for concurrent use.
type Queues struct {
	db    *bbolt.DB
	now   func() time.Time
	speed float64
	lucky func(share float64) bool
	share float64 // of messages to deliver twice
	specs map[string]blueprint.Queue

	mu    sync.Mutex
	wakes map[string]chan struct{}
	turns map[string]string // by queue: the group that was served last
}

// Open opens the queues' file, making it where it is missing. Two processes
// cannot have it open at once.
func Open(path string, queues []blueprint.Queue, options Options) (*Queues, error) {
	if options.Now == nil {
		options.Now = time.Now
	}
	if options.Random == nil {
		options.Random = rand.Float64
	}
	db, err := bbolt.Open(path, 0o600, &bbolt.Options{Timeout: time.Second})
	if err != nil {
		return nil, fmt.Errorf("the data folder is in use, or its queues cannot be read: %w", err)
	}
	q := &Queues{
		db: db, now: options.Now, speed: cmp.Or(options.Speed, 1), share: options.Duplicates,
		lucky: func(share float64) bool { return options.Random() < share },
		specs: map[string]blueprint.Queue{}, wakes: map[string]chan struct{}{}, turns: map[string]string{},
	}
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

// Send puts a message into a queue; attributes may be nil.
func (q *Queues) Send(queue, body string, attributes map[string]string) (id string, err error) {
	return q.SendFair(queue, "", body, attributes)
}

// SendFair puts a message of a group into a queue.
func (q *Queues) SendFair(queue, group, body string, attributes map[string]string) (id string, err error) {
	now := q.now()
	m := Message{ID: NewID(), Group: group, Body: body, Attributes: attributes, SentAt: now, VisibleAt: now}
	err = q.db.Update(func(tx *bbolt.Tx) error {
		if q.lucky(q.share / 2) {
			m.Copy = true // both of them, so that neither is duplicated again
			if err := insert(tx, queue, m); err != nil {
				return err
			}
		}
		return insert(tx, queue, m)
	})
	if err != nil {
		return "", fmt.Errorf("send to %s: %w", queue, err)
	}
	q.wake(queue)
	return m.ID, nil
}

func bucketOf(tx *bbolt.Tx, queue string) (*bbolt.Bucket, error) {
	bucket := tx.Bucket([]byte(queue))
	if bucket == nil {
		return nil, fmt.Errorf("there is no queue %q", queue)
	}
	return bucket, nil
}

func insert(tx *bbolt.Tx, queue string, m Message) error {
	bucket, err := bucketOf(tx, queue)
	if err != nil {
		return err
	}
	n, err := bucket.NextSequence()
	if err != nil {
		return err
	}
	return put(bucket, binary.BigEndian.AppendUint64([]byte(m.Group+endOfGroup), n), m)
}

// A key is a group, its end, and a number that rises: the messages of a group
// lie together, the oldest first.
const endOfGroup = "\x00"

func groupOf(key []byte) string {
	group, _, _ := bytes.Cut(key, []byte(endOfGroup))
	return string(group)
}

// behind is the first key that may belong to the next group.
func behind(group string) []byte { return []byte(group + "\x01") }

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

// errNothing rolls a transaction back that has nothing to write: a look at a
// queue with nothing to receive costs no write to the disk.
var errNothing = errors.New("messaging: nothing to receive")

// Receive takes up to max messages and hides them for the queue's visibility
// timeout: of each group in turn one, the oldest first, as a fair queue of SQS
// serves its tenants. A message that has been received as often as the queue
// allows goes to the dead-letter queue instead, and does not keep those behind
// it waiting. next is when a message that is hidden now becomes visible; zero
// where none is.
func (q *Queues) Receive(queue string, max int) (found []Message, next time.Time, err error) {
	spec := q.specs[queue]
	now := q.now()
	var dead, stale []Message
	q.mu.Lock()
	turn := q.turns[queue]
	q.mu.Unlock()
	err = q.db.Update(func(tx *bbolt.Tx) error {
		bucket, err := bucketOf(tx, queue)
		if err != nil {
			return err
		}
		cursor := bucket.Cursor()
		done := map[string][]byte{} // by group: how far it was read
		for served := true; served && len(found) < max; {
			served = false
			for _, group := range groupsFrom(cursor, turn) {
				if len(found) == max {
					break
				}
				if m := q.oldest(cursor, group, done, spec, now, &next, &dead, &stale); m != nil {
					found, turn, served = append(found, *m), group, true
				}
			}
		}
		if len(found)+len(dead)+len(stale) == 0 {
			return errNothing
		}
		// Written only now: a cursor may miss its way when its bucket changes.
		for i := range found {
			m := &found[i]
			if m.Receives == 0 {
				m.FirstReceived = now
			}
			m.Receives++
			m.VisibleAt = now.Add(spec.Visibility)
			if err := put(bucket, m.key, *m); err != nil {
				return err
			}
		}
		for _, m := range stale {
			if err := bucket.Delete(m.key); err != nil {
				return err
			}
		}
		for _, m := range dead {
			if err := bury(tx, bucket, spec.DeadLetter, m, now); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil && !errors.Is(err, errNothing) {
		return nil, time.Time{}, fmt.Errorf("receive from %s: %w", queue, err)
	}
	q.mu.Lock()
	q.turns[queue] = turn
	q.mu.Unlock()
	if len(dead) > 0 {
		q.wake(spec.DeadLetter)
	}
	return found, next, nil
}

// groupsFrom are the groups that have messages, beginning behind the one whose
// turn it was.
func groupsFrom(cursor *bbolt.Cursor, turn string) []string {
	var before, after []string
	for key, _ := cursor.First(); key != nil; {
		group := groupOf(key)
		if group <= turn {
			before = append(before, group)
		} else {
			after = append(after, group)
		}
		key, _ = cursor.Seek(behind(group))
	}
	return append(after, before...)
}

// oldest is the oldest visible message of a group, behind those that were read
// before; nil where there is none.
func (q *Queues) oldest(cursor *bbolt.Cursor, group string, done map[string][]byte, spec blueprint.Queue, now time.Time, next *time.Time, dead, stale *[]Message) *Message {
	key, raw := cursor.Seek([]byte(group + endOfGroup))
	if last := done[group]; last != nil {
		cursor.Seek(last)
		key, raw = cursor.Next()
	}
	for ; key != nil && groupOf(key) == group; key, raw = cursor.Next() {
		done[group] = bytes.Clone(key)
		m := read(key, raw)
		switch {
		case expired(spec, m, now):
			*stale = append(*stale, m)
		case m.VisibleAt.After(now):
			if next.IsZero() || m.VisibleAt.Before(*next) {
				*next = m.VisibleAt
			}
		case spec.DeadLetter != "" && m.Receives >= spec.MaxReceives:
			*dead = append(*dead, m)
		default:
			return &m
		}
	}
	return nil
}

// expired reports whether a message is older than its queue's retention.
func expired(spec blueprint.Queue, m Message, now time.Time) bool {
	return spec.Retention > 0 && !m.SentAt.IsZero() && now.Sub(m.SentAt) > spec.Retention
}

// bury moves a message to a dead-letter queue. It keeps its id and the time
// when it was sent, as SQS has it.
func bury(tx *bbolt.Tx, bucket *bbolt.Bucket, dead string, m Message, now time.Time) error {
	key := m.key
	m.VisibleAt, m.Receives = now, 0
	if m.SentAt.IsZero() { // undecodable
		m.SentAt = now
	}
	if err := insert(tx, dead, m); err != nil {
		return err
	}
	return bucket.Delete(key)
}

// read decodes a stored message and copies key, which is valid during the
// transaction only. An undecodable message has an excessive receive count, so
// that it goes to the dead-letter queue and does not block others.
func read(key, raw []byte) (m Message) {
	if err := json.Unmarshal(raw, &m); err != nil {
		m = Message{ID: NewID(), Body: string(raw), Receives: math.MaxInt32}
	}
	m.key = bytes.Clone(key)
	return m
}

// Delete ends a message that was received: it is done. A message that has been
// received again since then belongs to that receive, and stays.
func (q *Queues) Delete(queue string, m Message) error {
	return q.settle(queue, m, func(bucket *bbolt.Bucket, m Message) error {
		if !m.Copy && q.lucky(q.share/2) {
			m.Copy, m.VisibleAt = true, q.now()
			return put(bucket, m.key, m)
		}
		return bucket.Delete(m.key)
	})
}

// Release makes a received message visible again after a time: SQS's
// ChangeMessageVisibility. It has no effect on a message that was deleted or
// received again in the meantime.
func (q *Queues) Release(queue string, m Message, after time.Duration) error {
	err := q.settle(queue, m, func(bucket *bbolt.Bucket, m Message) error {
		m.VisibleAt = q.now().Add(q.scaled(after))
		return put(bucket, m.key, m)
	})
	q.wake(queue)
	return err
}

// Advance moves the clock of all queues: every message ages by d, and hidden
// messages reappear earlier by d.
func (q *Queues) Advance(d time.Duration) error {
	err := q.db.Update(func(tx *bbolt.Tx) error {
		for name := range q.specs {
			if err := age(tx.Bucket([]byte(name)), d); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("advance the queues: %w", err)
	}
	for name := range q.specs {
		q.wake(name)
	}
	return nil
}

func age(bucket *bbolt.Bucket, d time.Duration) error {
	var all []Message
	err := bucket.ForEach(func(key, raw []byte) error {
		all = append(all, read(key, raw))
		return nil
	})
	if err != nil {
		return err
	}
	for _, m := range all {
		if m.SentAt.IsZero() {
			continue // undecodable: stays as it is
		}
		m.SentAt, m.VisibleAt = m.SentAt.Add(-d), m.VisibleAt.Add(-d)
		if m.Receives > 0 {
			m.FirstReceived = m.FirstReceived.Add(-d)
		}
		if err := put(bucket, m.key, m); err != nil {
			return err
		}
	}
	return nil
}

// settle changes a message if it is still as this receive left it: its key and
// its count of receives together are what a receipt handle is at SQS.
func (q *Queues) settle(queue string, m Message, change func(*bbolt.Bucket, Message) error) error {
	err := q.db.Update(func(tx *bbolt.Tx) error {
		bucket, err := bucketOf(tx, queue)
		if err != nil {
			return err
		}
		raw := bucket.Get(m.key)
		if raw == nil {
			return nil
		}
		now := read(m.key, raw)
		if now.Receives != m.Receives {
			return nil
		}
		return change(bucket, now)
	})
	if err != nil {
		return fmt.Errorf("settle a message of %s: %w", queue, err)
	}
	return nil
}
