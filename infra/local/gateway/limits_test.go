package gateway

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/latchkey/latchkey/infra/blueprint"
)

func TestThrottle(t *testing.T) {
	now := noon
	g := newGateway(t, answers(`{}`), func(c *Config) {
		c.Now = func() time.Time { return now }
		c.Functions = []blueprint.Function{{Name: "f", Routes: []blueprint.Route{
			{Method: "GET", Path: "/a", Auth: blueprint.Public, Throttle: blueprint.Throttle{Rate: 2, Burst: 3}},
			{Method: "GET", Path: "/b", Auth: blueprint.Public, Throttle: blueprint.Throttle{Rate: 2, Burst: 3}},
		}}}
	})
	pass := func() (n int) {
		for range 10 {
			switch resp := do(g, request("GET", "/a", "")); resp.StatusCode {
			case 200:
				n++
			case 429:
				if body := bodyOf(t, resp); body != `{"message":"Too Many Requests"}` {
					t.Errorf("body %s", body)
				}
			}
		}
		return n
	}
	for _, step := range []struct {
		after time.Duration
		want  int
	}{{0, 3}, {time.Second, 2}, {250 * time.Millisecond, 0}, {250 * time.Millisecond, 1}, {time.Hour, 3}, {-time.Hour, 0}, {time.Second, 2}} {
		now = now.Add(step.after)
		if got := pass(); got != step.want {
			t.Errorf("after %v: %d passed, want %d", step.after, got, step.want)
		}
	}
	if resp := do(g, request("GET", "/b", "")); resp.StatusCode != 200 {
		t.Error("one route's throttle holds for another")
	}
}

// As at API Gateway, a request counts before its token is looked at.
func TestBadTokensCount(t *testing.T) {
	g := newGateway(t, answers(`{}`), func(c *Config) {
		c.Functions = []blueprint.Function{{Name: "f", Routes: []blueprint.Route{
			{Method: "GET", Path: "/a", Auth: blueprint.SignedIn, Throttle: blueprint.Throttle{Rate: 1, Burst: 3}},
		}}}
	})
	var got []int
	for range 3 {
		got = append(got, do(g, request("GET", "/a", "", "Authorization", "Bearer bad")).StatusCode)
	}
	got = append(got, do(g, request("GET", "/a", "", "Authorization", "Bearer good")).StatusCode)
	if want := []int{401, 401, 401, 429}; !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}

// A body may be within the gateway's limit and its event beyond Lambda's.
func TestSizes(t *testing.T) {
	g := newGateway(t, answers(`{}`), nil)
	for _, c := range []struct {
		name, contentType string
		size, want        int
	}{
		{"text that fits", "text/plain", 6<<20 - 4<<10, 200},
		{"text that does not", "text/plain", 6 << 20, 413},
		{"what becomes base64", "application/octet-stream", 4 << 20, 200},
		{"what becomes too much base64", "application/octet-stream", 4<<20 + 600<<10, 413},
		{"text that is escaped", "text/csv", 3 << 20, 413},
		{"more than the gateway takes", "text/plain", 10<<20 + 1, 413},
	} {
		body := strings.Repeat("x", c.size)
		if c.contentType == "text/csv" {
			body = strings.Repeat("\n", c.size)
		}
		resp := do(g, request("POST", "/v1/workspaces", body, "Authorization", "Bearer good", "Content-Type", c.contentType))
		if resp.StatusCode != c.want {
			t.Errorf("%s: %d, want %d", c.name, resp.StatusCode, c.want)
		}
		if said := bodyOf(t, resp); c.want == 413 && said != `{"message":"Request Entity Too Large"}` {
			t.Errorf("%s: %s", c.name, said)
		}
	}
}

func TestAccessLog(t *testing.T) {
	var log bytes.Buffer
	g := newGateway(t, answers(`{}`), func(c *Config) { c.Log = slog.New(slog.NewJSONHandler(&log, nil)) })
	for _, r := range []*http.Request{
		request("GET", "/invite/secret-token?secret-query=1", "", "User-Agent", "secret-agent"),
		request("GET", "/v1/workspaces/secret-ws", "", "Authorization", "Bearer secret-jwt"),
		request("GET", "/secret-path", ""),
		request("GET", "/v1/workspaces/x", "", "Authorization", "Bearer good"),
	} {
		log.Reset()
		resp := do(g, r)
		var line map[string]any
		if err := json.Unmarshal(log.Bytes(), &line); err != nil {
			t.Fatal(err)
		}
		if line["requestId"] != resp.Header.Get("Apigw-Requestid") || line["status"] != float64(resp.StatusCode) ||
			line["method"] != "GET" || line["routeKey"] == "" || line["latencyMs"] == nil {
			t.Errorf("line %s", log.String())
		}
		for _, secret := range []string{"secret", "192.0.2.9", "good"} {
			if strings.Contains(log.String(), secret) {
				t.Errorf("the log says %s: %s", secret, log.String())
			}
		}
	}
}
