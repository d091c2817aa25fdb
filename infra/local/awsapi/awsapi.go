// Package awsapi answers for the AWS services that a function calls besides
// DynamoDB and SES: EventBridge's PutEvents, KMS's data keys and SQS's
// ChangeMessageVisibility. It speaks just enough of their protocol (AWS JSON
// 1.1) for the real clients.
//
// It may import infra/local/messaging.
package awsapi

import (
	"crypto/cipher"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync/atomic"

	"github.com/latchkey/latchkey/infra/local/messaging"
)

// Config says what the services know.
type Config struct {
	Bus           *messaging.Bus
	Queues        *messaging.Queues
	DataDir       string // keeps the KMS key
	MetadataKeyID string // the name of the one KMS key
	Random        io.Reader
}

// Handler is the services' endpoint.
type Handler struct {
	cfg      Config
	master   cipher.AEAD
	disabled atomic.Bool // the metadata key
}

// DisableMetadataKey makes KMS refuse to use the metadata key, or use it again.
func (h *Handler) DisableMetadataKey(disabled bool) { h.disabled.Store(disabled) }

// New reads the KMS key, making it where it is missing.
func New(cfg Config) (*Handler, error) {
	master, err := loadMaster(cfg.DataDir, cfg.Random)
	return &Handler{cfg: cfg, master: master}, err
}

// failure is an error as AWS answers it.
type failure struct {
	Type    string `json:"__type"`
	Message string `json:"message"`
}

func (f failure) Error() string { return f.Type + ": " + f.Message }

// maxRequest is more than any of these services takes: JSON may need several
// bytes for one that counts.
const maxRequest = 8 << 20

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
	if h.disabled.Load() && strings.HasPrefix(target, "TrentService.") {
		return nil, failure{"DisabledException", "the key is disabled."}
	}
	switch target {
	case "AWSEvents.PutEvents":
		return h.putEvents(body)
	case "TrentService.GenerateDataKeyWithoutPlaintext":
		return h.generateDataKey(body)
	case "TrentService.Decrypt":
		return h.decrypt(body)
	case "TrentService.Encrypt":
		return h.encrypt(body)
	case "AmazonSQS.ChangeMessageVisibility":
		return h.changeMessageVisibility(body)
	}
	return nil, failure{"UnknownOperationException", "this machine has no operation " + target}
}
