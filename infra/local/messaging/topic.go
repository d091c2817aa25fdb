package messaging

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/latchkey/latchkey/infra/blueprint"
)

// Topic is an SNS topic with its one subscription, a queue.
type Topic struct {
	queues *Queues
	spec   blueprint.Topic
}

// NewTopic returns a topic. It fails if one of its queues does not exist.
func NewTopic(queues *Queues, spec blueprint.Topic) (*Topic, error) {
	for _, name := range []string{spec.Queue, spec.DeadLetter} {
		if _, ok := queues.specs[name]; !ok {
			return nil, fmt.Errorf("topic %s: there is no queue %q", spec.Name, name)
		}
	}
	return &Topic{queues, spec}, nil
}

// notification is the envelope of a subscription without raw delivery.
// https://docs.aws.amazon.com/sns/latest/dg/sns-message-and-json-formats.html
type notification struct {
	Type             string
	MessageID        string `json:"MessageId"`
	TopicArn         string
	Subject          string `json:",omitempty"`
	Message          string
	Timestamp        string
	SignatureVersion string
	Signature        string
	SigningCertURL   string
	UnsubscribeURL   string
}

// Publish sends a message to the subscription, in SNS's envelope unless delivery
// is raw. A message that the queue does not accept goes to the subscription's
// dead-letter queue.
func (t *Topic) Publish(subject, message string) error {
	body := message
	if !t.spec.Raw {
		id := NewID()
		raw, err := json.Marshal(notification{
			Type: "Notification", MessageID: id, TopicArn: "arn:aws:sns:us-east-1:000000000000:" + t.spec.Name,
			Subject: subject, Message: message, Timestamp: t.queues.now().UTC().Format("2006-01-02T15:04:05.000Z"),
			// A placeholder: the certificate does not exist.
			SignatureVersion: "1", Signature: "bG9jYWw=", SigningCertURL: "https://sns.us-east-1.invalid/local.pem",
			UnsubscribeURL: "https://sns.us-east-1.invalid/?Action=Unsubscribe",
		})
		if err != nil {
			return err
		}
		body = string(raw)
	}
	_, err := t.queues.Send(t.spec.Queue, body, nil)
	if err == nil {
		return nil
	}
	if _, deadErr := t.queues.Send(t.spec.DeadLetter, body, nil); deadErr != nil {
		return errors.Join(err, deadErr)
	}
	return nil
}
