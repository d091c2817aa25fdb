package awsapi_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/latchkey/latchkey/infra/blueprint"
	"github.com/latchkey/latchkey/infra/local/messaging"
)

type invoker func(payload []byte) ([]byte, error)

func (f invoker) Invoke(_ context.Context, payload []byte) ([]byte, error) { return f(payload) }

// A function that fails a message may say itself when it shows again.
func TestChangeMessageVisibility(t *testing.T) {
	url, queues := serve(t, t.TempDir())
	call := func(body string) string {
		req, err := http.NewRequest(http.MethodPost, url, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("X-Amz-Target", "AmazonSQS.ChangeMessageVisibility")
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		said, err := io.ReadAll(res.Body)
		if err != nil {
			t.Fatal(err)
		}
		return fmt.Sprint(res.StatusCode, " ", string(said))
	}
	for body, want := range map[string]string{
		`{"QueueUrl":"https://sqs/0/mail","ReceiptHandle":"nonsense","VisibilityTimeout":1}`: "ReceiptHandleIsInvalid",
		`{"QueueUrl":"https://sqs/0/other","ReceiptHandle":"AQ.1","VisibilityTimeout":1}`:    "QueueDoesNotExist",
		`{"QueueUrl":"https://sqs/0/mail","ReceiptHandle":"AQ.1","VisibilityTimeout":43201}`: "InvalidParameterValue",
		`{"QueueUrl":"https://sqs/0/mail","ReceiptHandle":"AQ.1"}`:                           "InvalidParameterValue",
	} {
		if said := call(body); !strings.HasPrefix(said, "400 ") || !strings.Contains(said, want) {
			t.Errorf("%s: %s", body, said)
		}
	}

	if _, err := queues.Send(blueprint.QueueMail, "x", nil); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	runs := 0
	messaging.NewPoller(messaging.PollerConfig{
		Queues: queues, Source: blueprint.QueueSource{Queue: blueprint.QueueMail, BatchSize: 1, MaxConcurrency: 1},
		Invoker: invoker(func(payload []byte) ([]byte, error) {
			var e struct {
				Records []struct{ ReceiptHandle string }
			}
			if err := json.Unmarshal(payload, &e); err != nil {
				return nil, err
			}
			if runs++; runs == 2 {
				cancel()
				return nil, nil
			}
			if said := call(`{"QueueUrl":"https://sqs/0/mail","VisibilityTimeout":0,"ReceiptHandle":"` + e.Records[0].ReceiptHandle + `"}`); !strings.HasPrefix(said, "200 ") {
				t.Error(said)
			}
			return nil, fmt.Errorf("not now")
		}),
	}).Run(ctx)
	if runs != 2 {
		t.Errorf("%d runs: the queue's own timeout is 3 minutes", runs)
	}
}
