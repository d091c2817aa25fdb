package local

import (
	"bytes"
	"encoding/json"
	"sync"
)

// Reports keeps the durations of functions' runs from a stack's log: it is a
// Config.Log. The zero value is empty.
type Reports struct {
	mu        sync.Mutex
	durations map[string][]float64
}

// Write reads one line of the log, as a stack writes it.
func (r *Reports) Write(line []byte) (int, error) {
	var in struct {
		Msg, Function string
		DurationMs    float64
	}
	if bytes.Contains(line, []byte(report)) && json.Unmarshal(line, &in) == nil && in.Msg == report {
		r.mu.Lock()
		defer r.mu.Unlock()
		if r.durations == nil {
			r.durations = map[string][]float64{}
		}
		r.durations[in.Function] = append(r.durations[in.Function], in.DurationMs)
	}
	return len(line), nil
}

// Take returns the durations since the last Take, in milliseconds, by function.
func (r *Reports) Take() map[string][]float64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	taken := r.durations
	r.durations = nil
	return taken
}
