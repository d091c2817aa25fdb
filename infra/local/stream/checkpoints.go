package stream

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"go.etcd.io/bbolt"
)

// Checkpoints remember how far each shard is read: the SequenceNumber of the
// last record that is done, by the stream's ARN and the shard's id.
type Checkpoints interface {
	// At is the last record that is done; "" where none is.
	At(stream, shard string) (sequence string, err error)
	Remember(stream, shard, sequence string) error
}

// uncommitted is for how long DynamoDB Local may lose a write that it has
// answered, if it is killed.
const uncommitted = 3 * time.Second

// checkpointFile keeps checkpoints in a file of their own. What was done of late
// is written there later: what followed from those records may be lost with
// DynamoDB Local, and they are delivered again then.
type checkpointFile struct {
	db *bbolt.DB

	mu     sync.Mutex
	recent []checkpoint // not in the file yet, oldest first
}

type checkpoint struct {
	of, sequence string
	at           time.Time
}

var bucketName = []byte("checkpoints")

func openCheckpoints(path string) (*checkpointFile, error) {
	db, err := bbolt.Open(path, 0o600, &bbolt.Options{Timeout: time.Second})
	if err != nil {
		return nil, fmt.Errorf("open the stream's checkpoints: %w", err)
	}
	err = db.Update(func(tx *bbolt.Tx) error {
		_, err := tx.CreateBucketIfNotExists(bucketName)
		return err
	})
	if err != nil {
		_ = db.Close()
		return nil, fmt.Errorf("make the stream's checkpoints: %w", err)
	}
	return &checkpointFile{db: db}, nil
}

// Close writes all that is remembered.
func (f *checkpointFile) Close() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return errors.Join(f.write(time.Now()), f.db.Close())
}

func (f *checkpointFile) At(stream, shard string) (sequence string, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	of := name(stream, shard)
	for _, c := range slices.Backward(f.recent) {
		if c.of == of {
			return c.sequence, nil
		}
	}
	err = f.db.View(func(tx *bbolt.Tx) error {
		sequence = string(tx.Bucket(bucketName).Get([]byte(of)))
		return nil
	})
	return sequence, err
}

func (f *checkpointFile) Remember(stream, shard, sequence string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	now := time.Now()
	f.recent = append(f.recent, checkpoint{name(stream, shard), sequence, now})
	return f.write(now.Add(-uncommitted))
}

// write writes what was remembered until a time. The caller holds mu.
func (f *checkpointFile) write(until time.Time) error {
	n := 0
	for n < len(f.recent) && !f.recent[n].at.After(until) {
		n++
	}
	if n == 0 {
		return nil
	}
	err := f.db.Update(func(tx *bbolt.Tx) error {
		for _, c := range f.recent[:n] {
			if err := tx.Bucket(bucketName).Put([]byte(c.of), []byte(c.sequence)); err != nil {
				return err
			}
		}
		return nil
	})
	if err == nil {
		f.recent = slices.Delete(f.recent, 0, n)
	}
	return err
}

func name(stream, shard string) string { return stream + " " + shard }
