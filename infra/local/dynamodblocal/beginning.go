package dynamodblocal

import (
	"bytes"
	"io"
	"sync"
)

// maxBeginning is enough for what Java says when it cannot start.
const maxBeginning = 4 << 10

// beginning passes on what a program says, and keeps the first of it for the
// error message of a program that did not start.
type beginning struct {
	to io.Writer

	mu   sync.Mutex
	kept []byte
}

func (b *beginning) Write(p []byte) (int, error) {
	b.mu.Lock()
	b.kept = append(b.kept, p[:min(len(p), maxBeginning-len(b.kept))]...)
	b.mu.Unlock()
	if b.to == nil {
		return len(p), nil
	}
	return b.to.Write(p)
}

func (b *beginning) text() []byte {
	b.mu.Lock()
	defer b.mu.Unlock()
	return bytes.Clone(b.kept)
}
