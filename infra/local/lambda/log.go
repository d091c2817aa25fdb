//go:build unix

package lambda

import (
	"bytes"
	"encoding/json"
	"io"
	"sync"
	"time"
)

// maxLine is the length at which a line is cut: CloudWatch's limit.
const maxLine = 256 << 10

// lockedWriter lets the instances of a function share its log.
type lockedWriter struct {
	mu sync.Mutex
	to io.Writer
}

func (w *lockedWriter) Write(line []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.to.Write(line)
}

// event is a line of the host's own, in the form of Lambda's JSON logs. A log
// that cannot be written must not fail an invocation.
func (w *lockedWriter) event(requestID, message string) {
	line, _ := json.Marshal(struct { // strings always have a JSON form
		Time      string `json:"timestamp"`
		Level     string `json:"level"`
		Message   string `json:"message"`
		RequestID string `json:"requestId,omitempty"`
	}{time.Now().UTC().Format(time.RFC3339Nano), "ERROR", message, requestID})
	_, _ = w.Write(append(line, '\n'))
}

// lineWriter gathers what one process writes and passes it on line by line.
type lineWriter struct {
	to      io.Writer
	partial []byte
}

func (w *lineWriter) Write(p []byte) (int, error) {
	w.partial = append(w.partial, p...)
	for {
		end := bytes.IndexByte(w.partial, '\n') + 1
		if end == 0 {
			break
		}
		// What the log cannot take is lost; the process must not stall.
		_, _ = w.to.Write(w.partial[:end])
		w.partial = w.partial[end:]
	}
	if len(w.partial) >= maxLine {
		w.flush()
	}
	return len(p), nil
}

// flush passes on a last line that has no end.
func (w *lineWriter) flush() {
	if len(w.partial) > 0 {
		_, _ = w.to.Write(append(w.partial, '\n'))
		w.partial = nil
	}
}
