package local

import (
	"encoding/json"
	"io"
	"net/http"
	"time"
)

// usualDuplicates is the share of messages that queues deliver twice: far more
// than at SQS, so that a function that minds is found out.
const usualDuplicates = 0.05

func duplicates(share float64) float64 {
	if share == 0 {
		return usualDuplicates
	}
	return max(share, 0)
}

// advanceQueues lets time pass for the queues alone, so that nobody has to wait
// three minutes for a retry: POST /local/queues/advance {"seconds": 180}.
func (s *Stack) advanceQueues(w http.ResponseWriter, r *http.Request) {
	var in struct{ Seconds int }
	decoder := json.NewDecoder(io.LimitReader(r.Body, 1<<10))
	decoder.DisallowUnknownFields()
	const most = 14 * 24 * 60 * 60 // as long as SQS keeps a message
	if err := decoder.Decode(&in); err != nil || in.Seconds < 1 || in.Seconds > most {
		problem(w, http.StatusBadRequest, "invalid_request", `The body is {"seconds": 180}: from 1 to 1,209,600.`)
		return
	}
	if err := s.Queues.Advance(time.Duration(in.Seconds) * time.Second); err != nil {
		problem(w, http.StatusInternalServerError, "internal", "The queues' file cannot be written. The log says why.")
		return
	}
	w.WriteHeader(http.StatusNoContent)
}
