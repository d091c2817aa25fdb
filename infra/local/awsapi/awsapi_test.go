package awsapi_test

import (
	"crypto/rand"
	"errors"
	"net/http/httptest"
	"path/filepath"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	ebtypes "github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	kmstypes "github.com/aws/aws-sdk-go-v2/service/kms/types"

	"github.com/latchkey/latchkey/infra/blueprint"
	"github.com/latchkey/latchkey/infra/local/awsapi"
	"github.com/latchkey/latchkey/infra/local/dynamodblocal"
	"github.com/latchkey/latchkey/infra/local/messaging"
)

func serve(t *testing.T, dir string) (url string, queues *messaging.Queues) {
	t.Helper()
	queues, err := messaging.Open(filepath.Join(t.TempDir(), "queues.db"), blueprint.Queues(), messaging.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = queues.Close() })
	bus, err := messaging.NewBus(queues, blueprint.Rules(), time.Now)
	if err != nil {
		t.Fatal(err)
	}
	h, err := awsapi.New(awsapi.Config{Bus: bus, Queues: queues, DataDir: dir, MetadataKeyID: "metadata", Random: rand.Reader})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	return server.URL, queues
}

func TestPutEventsReachesTheMailQueue(t *testing.T) {
	url, queues := serve(t, t.TempDir())
	client := eventbridge.New(eventbridge.Options{Region: "us-east-1", BaseEndpoint: &url, Credentials: dynamodblocal.Credentials})
	entry := func(kind, detail string) ebtypes.PutEventsRequestEntry {
		return ebtypes.PutEventsRequestEntry{Source: aws.String("latchkey"), DetailType: &kind, Detail: &detail, EventBusName: aws.String("latchkey")}
	}
	out, err := client.PutEvents(t.Context(), &eventbridge.PutEventsInput{Entries: []ebtypes.PutEventsRequestEntry{
		entry("user.invited", `{"sendEmail":true}`), entry("user.accepted", `{"sendEmail":false}`), entry("user.invited", `nonsense`),
	}})
	if err != nil || out.FailedEntryCount != 1 || aws.ToString(out.Entries[2].ErrorCode) != "MalformedDetail" || aws.ToString(out.Entries[0].EventId) == "" {
		t.Errorf("%+v, %v", out, err)
	}
	if found, err := queues.Messages(blueprint.QueueMail); err != nil || len(found) != 1 {
		t.Errorf("%d messages, %v", len(found), err)
	}
}

func TestDataKeysOpenForTheirContextAlone(t *testing.T) {
	dir := t.TempDir()
	url, _ := serve(t, dir)
	client := kms.New(kms.Options{Region: "us-east-1", BaseEndpoint: &url, Credentials: dynamodblocal.Credentials})
	made, err := client.GenerateDataKeyWithoutPlaintext(t.Context(), &kms.GenerateDataKeyWithoutPlaintextInput{
		KeyId: aws.String("metadata"), KeySpec: kmstypes.DataKeySpecAes256, EncryptionContext: map[string]string{"workspace": "ws_1"},
	})
	if err != nil {
		t.Fatal(err)
	}
	again, _ := serve(t, dir) // a restart
	client = kms.New(kms.Options{Region: "us-east-1", BaseEndpoint: &again, Credentials: dynamodblocal.Credentials})
	opened, err := client.Decrypt(t.Context(), &kms.DecryptInput{CiphertextBlob: made.CiphertextBlob, EncryptionContext: map[string]string{"workspace": "ws_1"}})
	if err != nil || len(opened.Plaintext) != 32 {
		t.Errorf("opened %d bytes, %v", len(opened.Plaintext), err)
	}
	made.CiphertextBlob[20] ^= 1
	bent := made.CiphertextBlob
	var refused *kmstypes.InvalidCiphertextException
	if _, err := client.Decrypt(t.Context(), &kms.DecryptInput{CiphertextBlob: bent, EncryptionContext: map[string]string{"workspace": "ws_1"}}); !errors.As(err, &refused) {
		t.Errorf("a bent key: %v", err)
	}
	bent[20] ^= 1
	if _, err := client.Decrypt(t.Context(), &kms.DecryptInput{CiphertextBlob: bent, EncryptionContext: map[string]string{"workspace": "ws_2"}}); !errors.As(err, &refused) {
		t.Errorf("another workspace's key: %v", err)
	}
}
