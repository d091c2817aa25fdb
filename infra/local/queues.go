package local

import (
	"encoding/json"
	"io"
	"net/http"
	"time"
)

// usualDuplicates is the default share of messages delivered twice: far more than
// with SQS, to expose functions that are not idempotent.
const usualDuplicates = 0.05

func duplicates(share float64) float64 {
	if share == 0 {
		return usualDuplicates
	}
	return max(share, 0)
}

// advanceQueues moves the queues' clock, to skip the wait for a retry:
// POST /local/queues/advance {"seconds": 180}.
func (s *Stack) advanceQueues(w http.ResponseWriter, r *http.Request) {
	var in struct{ Seconds int }
	decoder := json.NewDecoder(io.LimitReader(r.Body, 1<<10))
	decoder.DisallowUnknownFields()
	const most = 14 * 24 * 60 * 60 // SQS's longest retention
	if err := decoder.Decode(&in); err != nil || in.Seconds < 1 || in.Seconds > most {
		problem(w, http.StatusBadRequest, "invalid_request", `The body must be {"seconds": n} with n from 1 to 1,209,600.`)
		return
	}
	if err := s.Queues.Advance(time.Duration(in.Seconds) * time.Second); err != nil {
		problem(w, http.StatusInternalServerError, "internal", "The queues' file could not be written.")
		return
	}
	w.WriteHeader(http.StatusNoContent)
}
