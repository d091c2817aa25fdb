package awsenv

import (
	"context"
	"io"
	"net/http"
	"strings"
	"time"
)

// connectPatience bounds what a slow or absent network adds to a cold start.
const connectPatience = time.Second

// Connect opens a connection to a service, for the first call to find. In the
// init phase a Lambda has a whole core; at 256 MB, the handshake takes seven
// times as long in the first invocation. Connect skips an endpoint without TLS and
// ignores errors: the first call meets them again.
func Connect(client interface {
	Do(*http.Request) (*http.Response, error)
}, endpoint string) {
	if !strings.HasPrefix(endpoint, "https://") {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), connectPatience)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, endpoint, nil)
	if err != nil {
		return
	}
	res, err := client.Do(req)
	if err != nil {
		return
	}
	_, _ = io.Copy(io.Discard, res.Body) // a connection is used again once its answer has been read
	_ = res.Body.Close()
}
