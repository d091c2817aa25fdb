package table_test

import (
	"encoding/pem"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"

	"github.com/latchkey/latchkey/shared/awsenv"
	"github.com/latchkey/latchkey/shared/table"
)

// The first request finds the connection that was opened in the init phase.
func TestTheFirstCallFindsAConnection(t *testing.T) {
	var connections, calls atomic.Int32
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("X-Amz-Target") != "" {
			calls.Add(1)
		}
		_, _ = io.WriteString(w, "{}")
	}))
	server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			connections.Add(1)
		}
	}
	server.StartTLS()
	defer server.Close()
	// Go reads the root certificates once, at the first handshake of a process.
	roots := filepath.Join(t.TempDir(), "roots.pem")
	if err := os.WriteFile(roots, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("SSL_CERT_FILE", roots)
	db := table.FromEnv(awsenv.Env{Get: func(name string) string {
		return map[string]string{
			"AWS_REGION": "us-east-1", "AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x", "TABLE": "latchkey",
			"AWS_ENDPOINT_URL_DYNAMODB": server.URL,
		}[name]
	}})
	if connections.Load() != 1 || calls.Load() != 0 {
		t.Fatalf("%d connections, %d calls before the first request", connections.Load(), calls.Load())
	}
	if _, err := db.Get(t.Context(), table.Key{PK: "a", SK: "b"}); err != nil {
		t.Fatal(err)
	}
	if connections.Load() != 1 || calls.Load() != 1 {
		t.Errorf("%d connections, %d calls", connections.Load(), calls.Load())
	}
}

// A function starts where DynamoDB cannot be reached, and an endpoint without TLS
// is not called before the first request.
func TestStartingDoesNotDependOnTheConnection(t *testing.T) {
	for _, url := range []string{"http://127.0.0.1:1", "https://127.0.0.1:1", "https://[", ""} {
		table.FromEnv(awsenv.Env{Get: func(name string) string {
			if name == "AWS_ENDPOINT_URL_DYNAMODB" {
				return url
			}
			return ""
		}})
	}
}
