package awsapi_test

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strings"
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

// What EventBridge refuses is refused, as a whole or entry by entry.
func TestTheLimitsOfPutEvents(t *testing.T) {
	url, queues := serve(t, t.TempDir())
	client := eventbridge.New(eventbridge.Options{Region: "us-east-1", BaseEndpoint: &url, Credentials: dynamodblocal.Credentials})
	put := func(entries ...ebtypes.PutEventsRequestEntry) (*eventbridge.PutEventsOutput, error) {
		return client.PutEvents(t.Context(), &eventbridge.PutEventsInput{Entries: entries})
	}
	good := ebtypes.PutEventsRequestEntry{
		Source: aws.String("latchkey"), DetailType: aws.String("user.invited"), Detail: aws.String(`{"sendEmail":true}`),
		Resources: []string{"arn:x"}, Time: aws.Time(time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)),
	}
	noSource, noDetail, list := good, good, good
	noSource.Source, noDetail.Detail, list.Detail = nil, nil, aws.String("[]")

	out, err := put(noSource, good, noDetail, list)
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []string{"InvalidArgument", "", "InvalidArgument", "MalformedDetail"} {
		if got := aws.ToString(out.Entries[i].ErrorCode); got != want {
			t.Errorf("entry %d: %q, want %q", i, got, want)
		}
	}
	found, err := queues.Messages(blueprint.QueueMail)
	if err != nil || len(found) != 1 {
		t.Fatalf("%d messages, %v", len(found), err)
	}
	var e messaging.Envelope
	if err := json.Unmarshal([]byte(found[0].Body), &e); err != nil || len(e.Resources) != 1 || !e.Time.Equal(*good.Time) {
		t.Errorf("envelope %s, %v", found[0].Body, err)
	}

	large := good
	large.Detail = aws.String(`{"text":"` + strings.Repeat("x", 600<<10) + `"}`)
	if _, err := put(large); err != nil {
		t.Errorf("600 KB: %v", err)
	}
	if _, err := put(large, large); err == nil || !strings.Contains(err.Error(), "ValidationException") {
		t.Errorf("1,200 KB: %v", err)
	}
	if _, err := put(make([]ebtypes.PutEventsRequestEntry, 11)...); err == nil {
		t.Error("11 entries were taken")
	}
}

func TestWhatKMSRefuses(t *testing.T) {
	url, _ := serve(t, t.TempDir())
	client := kms.New(kms.Options{Region: "us-east-1", BaseEndpoint: &url, Credentials: dynamodblocal.Credentials})
	generate := func(in kms.GenerateDataKeyWithoutPlaintextInput) (*kms.GenerateDataKeyWithoutPlaintextOutput, error) {
		return client.GenerateDataKeyWithoutPlaintext(t.Context(), &in)
	}
	var missing *kmstypes.NotFoundException
	if _, err := generate(kms.GenerateDataKeyWithoutPlaintextInput{KeyId: aws.String("other"), KeySpec: kmstypes.DataKeySpecAes256}); !errors.As(err, &missing) {
		t.Errorf("another key: %v", err)
	}
	if _, err := generate(kms.GenerateDataKeyWithoutPlaintextInput{KeyId: aws.String("metadata")}); err == nil {
		t.Error("a key of no length was made")
	}
	made, err := generate(kms.GenerateDataKeyWithoutPlaintextInput{KeyId: aws.String("metadata"), NumberOfBytes: aws.Int32(32)})
	if err != nil {
		t.Fatal(err)
	}
	// No context and an empty one are the same.
	if _, err := client.Decrypt(t.Context(), &kms.DecryptInput{CiphertextBlob: made.CiphertextBlob, EncryptionContext: map[string]string{}}); err != nil {
		t.Errorf("an empty context: %v", err)
	}
	var incorrect *kmstypes.IncorrectKeyException
	if _, err := client.Decrypt(t.Context(), &kms.DecryptInput{KeyId: aws.String("other"), CiphertextBlob: made.CiphertextBlob}); !errors.As(err, &incorrect) {
		t.Errorf("with another key: %v", err)
	}
	var refused *kmstypes.InvalidCiphertextException
	if _, err := client.Decrypt(t.Context(), &kms.DecryptInput{CiphertextBlob: []byte("short")}); !errors.As(err, &refused) {
		t.Errorf("a blob that is none: %v", err)
	}
}

func TestWhatIsNotThereIsSaid(t *testing.T) {
	url, _ := serve(t, t.TempDir())
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, strings.NewReader("{}"))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("X-Amz-Target", "Other.Decrypt")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	var f struct {
		Type string `json:"__type"`
	}
	if err := json.NewDecoder(res.Body).Decode(&f); err != nil || res.StatusCode != http.StatusBadRequest || f.Type != "UnknownOperationException" {
		t.Errorf("%d %+v %v", res.StatusCode, f, err)
	}
}

// Keys are never replaced behind anybody's back: all links and all metadata
// would be lost.
func TestADamagedKeyStopsTheStart(t *testing.T) {
	dir := t.TempDir()
	serve(t, dir)
	path := filepath.Join(dir, "metadata-master.key")
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 || info.Size() != 32 {
		t.Fatalf("%v, %v", info, err)
	}
	if err := os.Truncate(path, 16); err != nil {
		t.Fatal(err)
	}
	if _, err := awsapi.New(awsapi.Config{DataDir: dir, Random: rand.Reader}); err == nil {
		t.Error("half a key was taken for one")
	}
	left, err := filepath.Glob(filepath.Join(dir, "*.*.*"))
	if err != nil || len(left) != 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}
