package gateway

import (
	"maps"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/latchkey/latchkey/infra/blueprint"
)

func table(t *testing.T, keys ...string) *routes {
	t.Helper()
	f := blueprint.Function{Name: "f"}
	for _, key := range keys {
		method, path, _ := strings.Cut(key, " ")
		f.Routes = append(f.Routes, blueprint.Route{
			Method: method, Path: path, Auth: blueprint.Public, Throttle: blueprint.Throttle{Rate: 1, Burst: 1},
		})
	}
	rs, err := newRoutes(Config{
		Functions: []blueprint.Function{f},
		Invoker:   func(string) Invoker { return answers(`{}`) },
	}, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	return rs
}

func TestRouting(t *testing.T) {
	rs := table(t,
		"GET /v1/w/{w}/users/{u}", "GET /v1/w/{w}/users", "POST /v1/w/{w}/users/batch",
		"POST /v1/w/{w}/users/{u}", "POST /v1/w/{w}/users/{u}/archive", "POST /v1/w/{w}/users/batch/{verb}",
		"PUT /v1/me", "GET /v1/{x}/mine/all", "GET /v1/me/{y}/all", "GET /",
	)
	for _, test := range []struct {
		method, path, key string
		params            map[string]string
	}{
		{"GET", "/v1/w/1/users/2", "GET /v1/w/{w}/users/{u}", map[string]string{"w": "1", "u": "2"}},
		{"GET", "/v1/w/1/users", "GET /v1/w/{w}/users", map[string]string{"w": "1"}},
		{"GET", "/v1/w/1/users/batch", "GET /v1/w/{w}/users/{u}", map[string]string{"w": "1", "u": "batch"}},
		{"POST", "/v1/w/1/users/batch", "POST /v1/w/{w}/users/batch", map[string]string{"w": "1"}},
		{"POST", "/v1/w/1/users/batch/archive", "POST /v1/w/{w}/users/batch/{verb}", map[string]string{"w": "1", "verb": "archive"}},
		{"POST", "/v1/w/1/users/2/archive", "POST /v1/w/{w}/users/{u}/archive", map[string]string{"w": "1", "u": "2"}},
		{"GET", "/v1/me/mine/all", "GET /v1/me/{y}/all", map[string]string{"y": "mine"}},
		{"PUT", "/v1/me", "PUT /v1/me", nil},
		{"GET", "/", "GET /", nil},
		{"HEAD", "/v1/w/1/users", "", nil},
		{"DELETE", "/v1/me", "", nil},
		{"PUT", "/v1/me/", "", nil},
		{"PUT", "//v1/me", "", nil},
		{"PUT", "/V1/me", "", nil},
		{"GET", "/v1/w//users", "", nil},
		{"GET", "/v1/w/1/users/", "", nil},
		{"GET", "/v1/w/1/users/2/3", "", nil},
		{"OPTIONS", "*", "", nil},
	} {
		got, params := rs.match(test.method, test.path)
		key := ""
		if got != nil {
			key = got.key
		}
		if key != test.key || !maps.Equal(params, test.params) {
			t.Errorf("%s %s: %q %v", test.method, test.path, key, params)
		}
	}
}

func TestRefusedRoutes(t *testing.T) {
	throttle := blueprint.Throttle{Rate: 1, Burst: 1}
	for name, rs := range map[string][]blueprint.Route{
		"same requests": {{Method: "GET", Path: "/{a}", Auth: blueprint.Public, Throttle: throttle}, {Method: "GET", Path: "/{b}", Auth: blueprint.Public, Throttle: throttle}},
		"greedy":        {{Method: "GET", Path: "/{a+}", Auth: blueprint.Public, Throttle: throttle}},
		"relative":      {{Method: "GET", Path: "a", Auth: blueprint.Public, Throttle: throttle}},
		"unguarded":     {{Method: "GET", Path: "/a", Auth: blueprint.SignedIn, Throttle: throttle}},
		"no auth said":  {{Method: "GET", Path: "/a", Throttle: throttle}},
		"no throttle":   {{Method: "GET", Path: "/a", Auth: blueprint.Public}},
	} {
		_, err := New(Config{
			Functions: []blueprint.Function{{Name: "f", Routes: rs}},
			Invoker:   func(string) Invoker { return answers(`{}`) },
		})
		if err == nil {
			t.Errorf("%s: served", name)
		}
	}
}

func TestCORS(t *testing.T) {
	const ours, theirs = "https://app.example.com", "https://evil.example"
	function := answers(`{"statusCode":200,"headers":{"access-control-allow-origin":"https://evil.example","vary":"Accept"}}`)
	g := newGateway(t, function, func(c *Config) { c.CORSOrigins = []string{ours, "https://other.example"} })
	preflight := func(origin string) *http.Response {
		return do(g, request("OPTIONS", "/v1/workspaces", "", "Origin", origin,
			"Access-Control-Request-Method", "POST", "Access-Control-Request-Headers", "authorization"))
	}

	resp := preflight(ours)
	h := resp.Header
	if resp.StatusCode != 204 || h.Get("Access-Control-Allow-Origin") != ours || h.Get("Vary") != "Origin" ||
		!strings.Contains(h.Get("Access-Control-Allow-Methods"), "PATCH") ||
		!strings.Contains(h.Get("Access-Control-Allow-Headers"), "authorization") ||
		h.Get("Access-Control-Max-Age") == "" || h.Get("Apigw-Requestid") == "" {
		t.Errorf("%d %v", resp.StatusCode, h)
	}
	if resp := preflight(theirs); resp.StatusCode != 204 || hasCORS(resp) {
		t.Errorf("a stranger's preflight: %d %v", resp.StatusCode, resp.Header)
	}
	if resp := do(g, request("OPTIONS", "/v1/workspaces", "", "Origin", ours)); resp.StatusCode != 404 {
		t.Errorf("OPTIONS that is no preflight: %d", resp.StatusCode)
	}

	resp = do(g, request("GET", "/invite/abc", "", "Origin", ours))
	if got := resp.Header.Values("Access-Control-Allow-Origin"); len(got) != 1 || got[0] != ours {
		t.Errorf("allowed %v", got)
	}
	if got := resp.Header.Values("Vary"); len(got) != 2 {
		t.Errorf("vary %v", got)
	}
	if resp := do(g, request("POST", "/v1/workspaces", "", "Origin", ours)); resp.StatusCode != 401 || !hasCORS(resp) {
		t.Errorf("an error that the dashboard cannot read: %d %v", resp.StatusCode, resp.Header)
	}
	for _, r := range []*http.Request{request("GET", "/invite/abc", "", "Origin", theirs), request("GET", "/invite/abc", "")} {
		if resp := do(g, r); resp.StatusCode != 200 || hasCORS(resp) {
			t.Errorf("origin %q: %d %v", r.Header.Get("Origin"), resp.StatusCode, resp.Header)
		}
	}

	everyone := newGateway(t, function, func(c *Config) { c.CORSOrigins = []string{"*"} })
	if resp := do(everyone, request("GET", "/invite/abc", "", "Origin", theirs)); resp.Header.Get("Access-Control-Allow-Origin") != "*" {
		t.Errorf("any origin: %v", resp.Header)
	}
	without := newGateway(t, function, nil)
	if resp := do(without, request("GET", "/invite/abc", "", "Origin", theirs)); resp.Header.Get("Access-Control-Allow-Origin") != theirs {
		t.Errorf("without CORS the function speaks for itself: %v", resp.Header)
	}
}

func hasCORS(resp *http.Response) bool {
	for name := range resp.Header {
		if strings.HasPrefix(name, "Access-Control-") {
			return true
		}
	}
	return false
}
