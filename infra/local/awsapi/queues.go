package awsapi

import (
	"encoding/json"
	"path"
	"time"

	"github.com/latchkey/latchkey/infra/local/messaging"
)

// maxVisibility is SQS's, in seconds.
const maxVisibility = 12 * 60 * 60

// changeMessageVisibility sets when a message reappears that the function is
// about to fail.
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_ChangeMessageVisibility.html
func (h *Handler) changeMessageVisibility(body []byte) (any, error) {
	var in struct {
		QueueURL          string `json:"QueueUrl"`
		ReceiptHandle     string
		VisibilityTimeout *int
	}
	if err := json.Unmarshal(body, &in); err != nil || in.VisibilityTimeout == nil || *in.VisibilityTimeout < 0 || *in.VisibilityTimeout > maxVisibility {
		return nil, failure{"com.amazonaws.sqs#InvalidParameterValue", "VisibilityTimeout must be from 0 to 43200 seconds."}
	}
	m, err := messaging.Received(in.ReceiptHandle)
	if err != nil {
		return nil, failure{"com.amazonaws.sqs#ReceiptHandleIsInvalid", err.Error()}
	}
	queue := path.Base(in.QueueURL)
	if _, err := h.cfg.Queues.Depth(queue); err != nil {
		return nil, failure{"com.amazonaws.sqs#QueueDoesNotExist", "The specified queue does not exist."}
	}
	return map[string]any{}, h.cfg.Queues.Release(queue, m, time.Duration(*in.VisibilityTimeout)*time.Second)
}
