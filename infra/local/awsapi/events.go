package awsapi

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/latchkey/latchkey/infra/local/messaging"
)

const (
	maxEntries = 10
	// maxEntryBytes bounds all entries of a request together. It was 256 KB
	// until EventBridge raised it.
	maxEntryBytes = 1 << 20
)

type entry struct {
	Source, DetailType, Detail string
	Resources                  []string
	Time                       *float64 // Unix seconds
}

// size is what an entry counts as.
// https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-putevent-size.html
func (e entry) size() int {
	n := len(e.Source) + len(e.DetailType) + len(e.Detail)
	for _, r := range e.Resources {
		n += len(r)
	}
	if e.Time != nil {
		n += 14
	}
	return n
}

type entryResult struct {
	EventID      string `json:"EventId,omitempty"`
	ErrorCode    string `json:",omitempty"`
	ErrorMessage string `json:",omitempty"`
}

// putEvents refuses a request that is too much as a whole; an entry that is
// wrong fails alone.
// https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEvents.html
func (h *Handler) putEvents(body []byte) (any, error) {
	var in struct{ Entries []entry }
	if err := json.Unmarshal(body, &in); err != nil || len(in.Entries) == 0 || len(in.Entries) > maxEntries {
		return nil, failure{"ValidationException", fmt.Sprintf("1 to %d entries are needed", maxEntries)}
	}
	total := 0
	for _, e := range in.Entries {
		total += e.size()
	}
	if total >= maxEntryBytes {
		return nil, failure{"ValidationException", "Total size of the entries in the request is over the limit."}
	}
	out := struct {
		FailedEntryCount int
		Entries          []entryResult
	}{}
	for _, e := range in.Entries {
		r := h.putEvent(e)
		if r.ErrorCode != "" {
			out.FailedEntryCount++
		}
		out.Entries = append(out.Entries, r)
	}
	return out, nil
}

func (h *Handler) putEvent(e entry) entryResult {
	for _, field := range []struct{ name, value string }{{"Source", e.Source}, {"DetailType", e.DetailType}, {"Detail", e.Detail}} {
		if field.value == "" {
			return entryResult{ErrorCode: "InvalidArgument", ErrorMessage: "Parameter " + field.name + " is not valid. Reason: " + field.name + " is a required argument."}
		}
	}
	if !json.Valid([]byte(e.Detail)) || !strings.HasPrefix(strings.TrimSpace(e.Detail), "{") {
		return entryResult{ErrorCode: "MalformedDetail", ErrorMessage: "Detail is malformed."}
	}
	at := time.Time{}
	if e.Time != nil {
		at = time.UnixMilli(int64(*e.Time * 1000))
	}
	id, err := h.cfg.Bus.Put(messaging.Entry{Source: e.Source, DetailType: e.DetailType, Detail: json.RawMessage(e.Detail), Resources: e.Resources, Time: at})
	if err != nil {
		return entryResult{ErrorCode: "InternalFailure", ErrorMessage: err.Error()}
	}
	return entryResult{EventID: id}
}
