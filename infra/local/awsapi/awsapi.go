// Package awsapi answers for the AWS services that a function calls besides
// DynamoDB and SES: EventBridge's PutEvents, KMS's data keys, and Secrets
// Manager's GetSecretValue. It speaks just enough of their protocol (AWS JSON
// 1.1) for the real clients.
//
// It may import infra/local/messaging.
package awsapi

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/latchkey/latchkey/infra/local/messaging"
)

// Config says what the services know.
type Config struct {
	Bus           *messaging.Bus
	DataDir       string // keeps the keys
	LinkKeyID     string // the name of the one secret
	MetadataKeyID string // the name of the one KMS key
	Random        io.Reader
}

// Handler is the services' endpoint.
type Handler struct {
	cfg  Config
	keys keys
}

// New reads the keys, making them where they are missing.
func New(cfg Config) (*Handler, error) {
	k, err := loadKeys(cfg.DataDir, cfg.Random)
	return &Handler{cfg, k}, err
}

// failure is an error as AWS answers it.
type failure struct {
	Type    string `json:"__type"`
	Message string `json:"message"`
}

func (f failure) Error() string { return f.Type + ": " + f.Message }

// maxRequest is more than any of these services takes.
const maxRequest = 2 << 20

func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(io.LimitReader(r.Body, maxRequest))
	var out any
	if err == nil {
		out, err = h.answer(r.Header.Get("X-Amz-Target"), body)
	}
	w.Header().Set("content-type", "application/x-amz-json-1.1")
	if err != nil {
		var f failure
		if !errors.As(err, &f) {
			f = failure{"InternalServerError", err.Error()}
			w.WriteHeader(http.StatusInternalServerError)
		} else {
			w.WriteHeader(http.StatusBadRequest)
		}
		out = f
	}
	_ = json.NewEncoder(w).Encode(out)
}

func (h *Handler) answer(target string, body []byte) (any, error) {
	switch operation := target[strings.LastIndexByte(target, '.')+1:]; operation {
	case "PutEvents":
		return h.putEvents(body)
	case "GenerateDataKeyWithoutPlaintext":
		return h.generateDataKey(body)
	case "Decrypt":
		return h.decrypt(body)
	case "GetSecretValue":
		return h.getSecretValue(body)
	}
	return nil, failure{"UnknownOperationException", "this machine has no operation " + target}
}

// https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEvents.html
func (h *Handler) putEvents(body []byte) (any, error) {
	var in struct {
		Entries []struct {
			Source, DetailType, Detail, EventBusName string
			Time                                     *float64
		}
	}
	if err := json.Unmarshal(body, &in); err != nil || len(in.Entries) == 0 || len(in.Entries) > 10 {
		return nil, failure{"ValidationException", "1 to 10 entries are needed"}
	}
	type result struct {
		EventID      string `json:"EventId,omitempty"`
		ErrorCode    string `json:",omitempty"`
		ErrorMessage string `json:",omitempty"`
	}
	out := struct {
		FailedEntryCount int
		Entries          []result
	}{}
	for _, e := range in.Entries {
		r := result{}
		switch {
		case e.Source == "" || e.DetailType == "" || e.Detail == "":
			r = result{ErrorCode: "InvalidArgument", ErrorMessage: "Source, DetailType and Detail are needed"}
		case !json.Valid([]byte(e.Detail)) || !strings.HasPrefix(strings.TrimSpace(e.Detail), "{"):
			r = result{ErrorCode: "MalformedDetail", ErrorMessage: "Detail is malformed"}
		default:
			at := time.Time{}
			if e.Time != nil {
				at = time.UnixMilli(int64(*e.Time * 1000))
			}
			id, err := h.cfg.Bus.Put(messaging.Entry{Source: e.Source, DetailType: e.DetailType, Detail: json.RawMessage(e.Detail), Time: at})
			if err != nil {
				return nil, err
			}
			r.EventID = id
		}
		if r.ErrorCode != "" {
			out.FailedEntryCount++
		}
		out.Entries = append(out.Entries, r)
	}
	return out, nil
}

// https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_GetSecretValue.html
func (h *Handler) getSecretValue(body []byte) (any, error) {
	var in struct{ SecretID string }
	if err := json.Unmarshal(body, &in); err != nil || in.SecretID != h.cfg.LinkKeyID {
		return nil, failure{"ResourceNotFoundException", "Secrets Manager can't find the specified secret."}
	}
	secret, err := h.keys.link()
	return map[string]any{"Name": in.SecretID, "ARN": in.SecretID, "SecretString": secret, "VersionId": "local"}, err
}
