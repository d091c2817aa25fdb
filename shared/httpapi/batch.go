package httpapi

import (
	"errors"
	"fmt"
	"time"

	"github.com/latchkey/latchkey/shared/fault"
	"github.com/latchkey/latchkey/shared/user"
)

// Result is the result for one row or one id of a batch.
type Result struct {
	Row         int          `json:"row,omitempty"`  // of inviteUsers, from 1
	Line        int          `json:"line,omitempty"` // where a row of CSV begins, from 1
	ID          string       `json:"id,omitempty"`
	WorkspaceID string       `json:"workspaceId,omitempty"`
	Outcome     string       `json:"outcome"`
	User        *User        `json:"user,omitempty"`
	Errors      fault.Fields `json:"errors,omitempty"`
}

// Failed is the outcome of a row that could not be done.
const Failed = "failed"

// MaxRowErrors is how many errors a result has: a batch has up to 500 results.
const MaxRowErrors = 10

// MaxBatch is how many ids a batch has at most.
const MaxBatch = 100

// IDs reads the ids of a batch.
func (o *Object) IDs(name string) []string {
	ids := o.Strings(name)
	switch {
	case o.Bad(name):
	case len(ids) == 0:
		o.Errors.Add("/"+name, "required", "At least one user's id is needed.")
	case len(ids) > MaxBatch:
		o.Errors.Add("/"+name, "too_many", fmt.Sprintf("A batch may have %d ids at most.", MaxBatch))
	}
	return ids
}

// Failure returns the result of a row or id that a fault refused.
func (r Result) Failure(reason error) Result {
	r.Outcome = Failed
	var f *fault.Error
	if errors.As(reason, &f) {
		r.Errors = f.Fields[:min(len(f.Fields), MaxRowErrors)]
		if len(f.Fields) == 0 {
			r.Errors = fault.Fields{{Code: f.Code, Detail: f.Detail}}
		}
	}
	return r
}

// Of returns the result with its outcome and the user, if there is one, or with the
// fault that refused it.
func (r Result) Of(outcome string, u user.User, reason error, now time.Time) Result {
	r.Outcome = outcome
	switch {
	case reason != nil:
		return r.Failure(reason)
	case u.ID != "":
		shown := ShowUser(u, now)
		r.User = &shown
	}
	return r
}
