package local

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/latchkey/latchkey/infra/blueprint"
)

// runSchedule fires a schedule at once: POST /local/run/expire {"now"?}.
func (s *Stack) runSchedule(w http.ResponseWriter, r *http.Request) {
	for _, f := range blueprint.Functions() {
		if f.Schedule == nil || f.Schedule.Name != r.PathValue("schedule") {
			continue
		}
		event, err := scheduleEvent(r.Body)
		if err != nil {
			problem(w, http.StatusBadRequest, "invalid_request", err.Error())
			return
		}
		report, err := s.Invoke(r.Context(), f.Name, event)
		if err != nil {
			problem(w, http.StatusInternalServerError, "internal", "The function failed. The log says why.")
			return
		}
		w.Header().Set("content-type", "application/json")
		_, _ = w.Write(report)
		return
	}
	problem(w, http.StatusNotFound, "schedule_not_found", "There is no schedule of this name.")
}

func scheduleEvent(body io.Reader) ([]byte, error) {
	raw, err := io.ReadAll(io.LimitReader(body, 1<<16))
	if err != nil || len(raw) == 0 {
		return []byte("{}"), err
	}
	in := map[string]time.Time{}
	if json.Unmarshal(raw, &in) != nil {
		return nil, errors.New(`the body is {} or {"now": "2026-01-31T12:00:00Z"}`)
	}
	for name := range in {
		if name != "now" {
			return nil, fmt.Errorf("there is no field %q", name)
		}
	}
	return raw, nil
}

func problem(w http.ResponseWriter, status int, code, detail string) {
	w.Header().Set("content-type", "application/problem+json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]any{
		"type": "about:blank", "title": http.StatusText(status), "status": status, "code": code, "detail": detail,
	})
}
