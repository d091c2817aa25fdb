package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"
)

// timeout is as long as an API Gateway HTTP API waits for a function.
const timeout = 30 * time.Second

// client calls one deployment and notes how long each answer took.
type client struct {
	api  string // base address, without a slash at the end
	http *http.Client

	mu    sync.Mutex
	calls []call
}

// call is one answered request.
type call struct {
	operation string
	took      time.Duration
}

func newClient(api string) *client {
	return &client{api: api, http: &http.Client{
		Timeout:       timeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// answer is the response to a request.
type answer struct {
	status int
	header http.Header
	body   []byte
}

// request is one call: operation is its name in openapi.yaml, and token that of
// the caller, "" for nobody.
type request struct {
	operation, token, method, path string
	body                           any
	want                           int
}

// do sends a request and reads the answer into out, unless out is nil. Any
// status but the wanted one is an error that quotes the answer. A throttled
// request is sent again, three times at most.
func (c *client) do(ctx context.Context, r request, out any) (answer, error) {
	for attempt := 0; ; attempt++ {
		a, err := c.send(ctx, r)
		if err != nil {
			return a, fmt.Errorf("%s: %w", r.operation, err)
		}
		if a.status == http.StatusTooManyRequests && r.want != a.status && attempt < 3 {
			if err := sleep(ctx, 2*time.Second); err != nil {
				return a, err
			}
			continue
		}
		if a.status != r.want {
			return a, fmt.Errorf("%s: answered %d, want %d: %s", r.operation, a.status, r.want, a.body)
		}
		if out == nil {
			return a, nil
		}
		if err := json.Unmarshal(a.body, out); err != nil {
			return a, fmt.Errorf("%s: %w", r.operation, err)
		}
		return a, nil
	}
}

func (c *client) send(ctx context.Context, r request) (answer, error) {
	var body io.Reader
	if r.body != nil {
		raw, err := json.Marshal(r.body)
		if err != nil {
			return answer{}, err
		}
		body = bytes.NewReader(raw)
	}
	req, err := http.NewRequestWithContext(ctx, r.method, c.api+r.path, body)
	if err != nil {
		return answer{}, err
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if r.token != "" {
		req.Header.Set("Authorization", "Bearer "+r.token)
	}
	began := time.Now()
	res, err := c.http.Do(req)
	if err != nil {
		return answer{}, err
	}
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	if err != nil {
		return answer{}, err
	}
	if r.operation != "" {
		c.mu.Lock()
		c.calls = append(c.calls, call{r.operation, time.Since(began)})
		c.mu.Unlock()
	}
	return answer{res.StatusCode, res.Header, raw}, nil
}

// connect opens the connection that the journey uses, so that the first figure
// has no TLS handshake in it. No route answers this path.
func (c *client) connect(ctx context.Context) error {
	_, err := c.send(ctx, request{method: http.MethodGet, path: "/smoke"})
	return err
}

func sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}
