package stream

import (
	"fmt"
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

// checkpointFile keeps checkpoints in a file of their own.
type checkpointFile struct{ db *bbolt.DB }

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
	return &checkpointFile{db}, nil
}

func (f *checkpointFile) Close() error { return f.db.Close() }

func (f *checkpointFile) At(stream, shard string) (sequence string, err error) {
	err = f.db.View(func(tx *bbolt.Tx) error {
		sequence = string(tx.Bucket(bucketName).Get([]byte(stream + " " + shard)))
		return nil
	})
	return sequence, err
}

func (f *checkpointFile) Remember(stream, shard, sequence string) error {
	return f.db.Update(func(tx *bbolt.Tx) error {
		return tx.Bucket(bucketName).Put([]byte(stream+" "+shard), []byte(sequence))
	})
}
