package messaging_test

import (
	"encoding/json"
	"testing"

	"github.com/latchkey/latchkey/infra/blueprint"
	"github.com/latchkey/latchkey/infra/local/messaging"
)

// Raw delivery hands the message on as it is; without it, SNS's envelope is
// around it.
func TestRawDeliveryAndNot(t *testing.T) {
	for _, raw := range []bool{true, false} {
		q := openWith(t, messaging.Options{})
		topic, err := messaging.NewTopic(q, blueprint.Topic{Name: "notices", Queue: "work", DeadLetter: "dead", Raw: raw})
		if err != nil {
			t.Fatal(err)
		}
		if err := topic.Publish("About a mail", `{"eventType":"Bounce"}`); err != nil {
			t.Fatal(err)
		}
		body := receive(t, q, 1)[0].Body
		if raw {
			if body != `{"eventType":"Bounce"}` {
				t.Errorf("raw: %s", body)
			}
			continue
		}
		var n map[string]string
		if err := json.Unmarshal([]byte(body), &n); err != nil {
			t.Fatalf("%s: %v", body, err)
		}
		if n["Type"] != "Notification" || n["Message"] != `{"eventType":"Bounce"}` || n["Subject"] != "About a mail" ||
			n["TopicArn"] != "arn:aws:sns:us-east-1:000000000000:notices" || n["MessageId"] == "" || n["Timestamp"] == "" {
			t.Errorf("envelope %s", body)
		}
	}
}

func TestATopicNamesQueuesThatExist(t *testing.T) {
	q := openWith(t, messaging.Options{})
	for _, spec := range []blueprint.Topic{{Queue: "nowhere", DeadLetter: "dead"}, {Queue: "work", DeadLetter: "nowhere"}} {
		if _, err := messaging.NewTopic(q, spec); err == nil {
			t.Errorf("%+v was taken", spec)
		}
	}
}
