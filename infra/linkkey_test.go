package main

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/latchkey/latchkey/infra/blueprint"
	"github.com/latchkey/latchkey/infra/local/awsapi"
	"github.com/latchkey/latchkey/infra/local/dynamodblocal"
	"github.com/latchkey/latchkey/shared/awsenv"
	"github.com/latchkey/latchkey/shared/datakey"
	"github.com/latchkey/latchkey/shared/link"
	"github.com/latchkey/latchkey/shared/linkkey"
	"github.com/latchkey/latchkey/shared/store"
)

// The secret that 0.1.0 kept the link keys in, rotated once.
const oldSecret = `{"current": "current-current-current-current-current-current", "previous": "previous-previous-previous-previous-previous"}`

// TestLinkKeyCommands runs the commands of docs/operations.md that bring the
// link key along from 0.1.0, rotate it, and replace it, with an AWS CLI that
// calls KMS and DynamoDB as the laptop has them.
func TestLinkKeyCommands(t *testing.T) {
	for _, tool := range []string{"bash", "jq", "openssl"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skip("the commands need " + tool + ", which .ci/run installs")
		}
	}
	var adopt, rotate string
	for _, b := range blocks(t) {
		switch {
		case strings.Contains(b.text, "aws kms encrypt"):
			adopt = b.text
		case strings.Contains(b.text, "generate-data-key-without-plaintext"):
			rotate = b.text
		}
	}
	env := startTableAndKMS(t)
	run := func(commands string) {
		t.Helper()
		cmd := exec.Command("bash", "-e", "-c", `out() { echo latchkey; }; aws() { "$FAKE_AWS" "$@"; }; `+commands)
		exe, err := os.Executable()
		if err != nil {
			t.Fatal(err)
		}
		cmd.Env = append(os.Environ(), "FAKE_AWS="+exe, "DYNAMODB="+env.Get("AWS_ENDPOINT_URL_DYNAMODB"), "KMS="+env.Get("AWS_ENDPOINT_URL_KMS"))
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s\n%s", err, commands, out)
		}
	}
	keys := func(at time.Time) link.Keys {
		t.Helper()
		k, err := linkkey.New(store.FromEnv(env), datakey.FromEnv(env, rand.Reader), env).Keys(t.Context(), at)
		if err != nil || len(k.Current) != 32 {
			t.Fatalf("a current key of %d bytes, %v", len(k.Current), err)
		}
		return k
	}
	has := func(k link.Keys, text string) bool {
		key := sha256.Sum256([]byte(text))
		for _, other := range append(k.Others, k.Current) {
			if bytes.Equal(other, key[:]) {
				return true
			}
		}
		return false
	}
	const current, previous = "current-current-current-current-current-current", "previous-previous-previous-previous-previous"

	run(adopt)
	now := time.Now()
	adopted := keys(now)
	if want := sha256.Sum256([]byte(current)); !bytes.Equal(adopted.Current, want[:]) || len(adopted.Others) != 1 || !has(adopted, previous) {
		t.Errorf("adopted: %d others", len(adopted.Others))
	}
	run(rotate)
	if k := keys(now); !bytes.Equal(k.Current, adopted.Current) || len(k.Others) != 2 {
		t.Errorf("right after the rotation: %d others", len(k.Others))
	}
	rotated := keys(now.Add(11 * time.Minute))
	if bytes.Equal(rotated.Current, adopted.Current) || !has(rotated, current) || !has(rotated, previous) {
		t.Error("ten minutes after the rotation the new key does not sign, or an old one is gone")
	}
	run(strings.NewReplacer("list_append(#k, :new)", ":new", `"'"$(($(date +%s) + 600))"'"`, `"0"`).Replace(rotate))
	if k := keys(now); len(k.Others) != 0 || has(k, current) {
		t.Errorf("after the key leaked: %d others", len(k.Others))
	}
	// Copied late: the new key still signs, and old links work again.
	replaced := keys(now)
	run(adopt)
	if k := keys(now); !bytes.Equal(k.Current, replaced.Current) || !has(k, current) || !has(k, previous) {
		t.Error("adopted late, the old keys do not verify, or the new one does not sign")
	}
}

func startTableAndKMS(t *testing.T) awsenv.Env {
	t.Helper()
	dir, err := dynamodblocal.FindDir()
	if err != nil {
		t.Fatal(err)
	}
	table, err := dynamodblocal.Start(t.Context(), dynamodblocal.Config{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = table.Stop() })
	if err := dynamodblocal.CreateTable(t.Context(), table.Client(), "latchkey", blueprint.TheTable()); err != nil {
		t.Fatal(err)
	}
	api, err := awsapi.New(awsapi.Config{DataDir: t.TempDir(), MetadataKeyID: "key", Random: rand.Reader})
	if err != nil {
		t.Fatal(err)
	}
	kms := httptest.NewServer(api)
	t.Cleanup(kms.Close)
	return awsenv.Env{Get: func(name string) string {
		return map[string]string{
			"AWS_REGION": "us-east-1", "AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x", "TABLE": "latchkey", "METADATA_KEY": "key",
			"AWS_ENDPOINT_URL_DYNAMODB": table.Endpoint(), "AWS_ENDPOINT_URL_KMS": kms.URL,
		}[name]
	}}
}

func TestMain(m *testing.M) {
	if os.Getenv("FAKE_AWS") != "" {
		if err := awsCLI(os.Args[1:]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// awsCLI is the part of the AWS CLI, version 2, that these commands need. Its
// blobs are base64, as in the services' own JSON, so it passes parameters on
// unchanged.
func awsCLI(args []string) error {
	if len(args) < 2 {
		return fmt.Errorf("no operation: %q", args)
	}
	operation, input, query := args[1], map[string]any{}, ""
	for i := 2; i+1 < len(args); i += 2 {
		switch name, value := args[i], args[i+1]; {
		case name == "--output":
		case name == "--query":
			query = value
		case strings.HasPrefix(value, "{"):
			var object map[string]any
			if err := json.Unmarshal([]byte(value), &object); err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
			input[pascal(name)] = object
		case name == "--encryption-context":
			key, value, _ := strings.Cut(value, "=")
			input[pascal(name)] = map[string]string{key: value}
		default:
			input[pascal(name)] = value
		}
	}
	switch args[0] {
	case "cloudformation":
		fmt.Println("key")
		return nil
	case "secretsmanager":
		fmt.Println(oldSecret)
		return nil
	}
	at := map[string][2]string{"kms": {os.Getenv("KMS"), "TrentService"}, "dynamodb": {os.Getenv("DYNAMODB"), "DynamoDB_20120810"}}[args[0]]
	body, err := json.Marshal(input)
	if err != nil {
		return err
	}
	req, err := http.NewRequest(http.MethodPost, at[0], bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("X-Amz-Target", at[1]+"."+pascal(operation))
	req.Header.Set("Content-Type", "application/x-amz-json-1.0")
	req.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=x/20260101/us-east-1/dynamodb/aws4_request, SignedHeaders=host, Signature=x")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != http.StatusOK {
		return fmt.Errorf("%s %s: %s %s %v", operation, body, res.Status, raw, err)
	}
	var out map[string]any
	if query != "" && json.Unmarshal(raw, &out) == nil {
		fmt.Println(out[query])
	}
	return nil
}
