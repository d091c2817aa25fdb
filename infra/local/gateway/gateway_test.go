package gateway

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/latchkey/latchkey/infra/blueprint"
)

var noon = time.Date(2026, 3, 12, 19, 3, 58, 123e6, time.UTC)

type invokeFunc func(ctx context.Context, payload []byte) ([]byte, error)

func (f invokeFunc) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	return f(ctx, payload)
}

// fakeAuthorizer knows one good header.
type fakeAuthorizer struct{}

func (fakeAuthorizer) Authorize(_ context.Context, header string) (Claims, error) {
	switch header {
	case "":
		return nil, ErrNoToken
	case "Bearer good":
		return Claims{"sub": "1", "email_verified": "true"}, nil
	}
	return nil, &TokenError{Description: "the token has expired"}
}

func answers(answer string) invokeFunc {
	return func(context.Context, []byte) ([]byte, error) { return []byte(answer), nil }
}

// newGateway serves the blueprint's own functions.
func newGateway(t *testing.T, invoker Invoker, change func(*Config)) *Gateway {
	t.Helper()
	cfg := Config{
		Functions:  blueprint.Functions(),
		Invoker:    func(string) Invoker { return invoker },
		Authorizer: fakeAuthorizer{},
		Now:        func() time.Time { return noon },
	}
	if change != nil {
		change(&cfg)
	}
	g, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func request(method, target, body string, header ...string) *http.Request {
	r := httptest.NewRequest(method, target, strings.NewReader(body))
	r.RemoteAddr = "192.0.2.9:1234"
	for i := 0; i < len(header); i += 2 {
		r.Header.Add(header[i], header[i+1])
	}
	return r
}

func do(g http.Handler, r *http.Request) *http.Response {
	w := httptest.NewRecorder()
	g.ServeHTTP(w, r)
	return w.Result()
}

func bodyOf(t *testing.T, resp *http.Response) string {
	t.Helper()
	var b bytes.Buffer
	if _, err := b.ReadFrom(resp.Body); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestEvent(t *testing.T) {
	golden, err := os.ReadFile("testdata/event.json")
	if err != nil {
		t.Fatal(err)
	}
	var got []byte
	g := newGateway(t, invokeFunc(func(_ context.Context, payload []byte) ([]byte, error) {
		got = payload
		return []byte(`{"statusCode":201}`), nil
	}), nil)
	resp := do(g, request("POST", "http://api.localhost:8080/v1/workspaces/ws%20%C3%A9/users?q=a%20b&q=c&empty=",
		`{"name":"<John"`, "Authorization", "Bearer good", "Cookie", "a=1; b=2", "Accept", "text/html",
		"Accept", "application/json", "Content-Type", "application/json", "User-Agent", "test/1",
		"Connection", "keep-alive", "X-Amzn-Trace-Id", "Root=1-67891233-abcdef012345678912345678"))
	id := resp.Header.Get("Apigw-Requestid")
	if resp.StatusCode != 201 || len(id) != 16 {
		t.Fatalf("status %d, request id %q", resp.StatusCode, id)
	}
	var have, want any
	if err := json.Unmarshal(got, &have); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(bytes.Replace(golden, []byte("REQUEST"), []byte(id), 1), &want); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(have, want) {
		t.Errorf("got  %s\nwant %s", got, golden)
	}
}

func TestEventOfPublicRoute(t *testing.T) {
	var e map[string]any
	g := newGateway(t, invokeFunc(func(_ context.Context, payload []byte) ([]byte, error) {
		return []byte(`{}`), json.Unmarshal(payload, &e)
	}), nil)
	do(g, request("GET", "/v1/invitations/abc", "", "X-Forwarded-For", "198.51.100.7"))
	for _, absent := range []string{"body", "cookies", "queryStringParameters"} {
		if _, ok := e[absent]; ok {
			t.Errorf("%s is there", absent)
		}
	}
	if _, ok := e["requestContext"].(map[string]any)["authorizer"]; ok {
		t.Error("a public route has an authorizer")
	}
	h := e["headers"].(map[string]any)
	if h["x-forwarded-for"] != "198.51.100.7, 192.0.2.9" || h["x-forwarded-port"] != "80" || h["x-amzn-trace-id"] == "" {
		t.Errorf("headers %v", h)
	}
}

func TestBase64OfBodies(t *testing.T) {
	for _, test := range []struct {
		contentType, body string
		base64            bool
	}{
		{"application/json", "{}", false},
		{"Application/JSON; charset=utf-8", "{}", false},
		{"application/merge-patch+json", "{}", false},
		{"application/xml", "<a/>", false},
		{"application/javascript", "1", false},
		{"text/csv", "a,b", false},
		{"text/plain; charset", "x", false},
		{"application/json", "", false},
		{"application/octet-stream", "", false},
		{"application/octet-stream", "x", true},
		{"application/x-www-form-urlencoded", "List-Unsubscribe=One-Click", true},
		{"image/png", "x", true},
		{"multipart/form-data; boundary=x", "--x--", true},
		{"", "{}", true},
		{"application/json", "\xff", true},
	} {
		var e struct {
			Body   []byte `json:"body"` // decodes base64
			Base64 bool   `json:"isBase64Encoded"`
		}
		g := newGateway(t, invokeFunc(func(_ context.Context, payload []byte) ([]byte, error) {
			if err := json.Unmarshal(payload, &e); err != nil && test.base64 {
				t.Error(err)
			}
			return []byte(`{}`), nil
		}), nil)
		r := request("POST", "/v1/invitations/abc/decline", test.body)
		r.Header.Set("Content-Type", test.contentType)
		do(g, r)
		if e.Base64 != test.base64 || test.base64 && string(e.Body) != test.body {
			t.Errorf("%q, %q: base64 %v, body %q", test.contentType, test.body, e.Base64, e.Body)
		}
	}
}

func TestAnswers(t *testing.T) {
	for _, test := range []struct {
		answer      string
		status      int
		contentType string
		body        string
	}{
		{`{"statusCode":201,"headers":{"content-type":"application/json"},"body":"{}"}`, 201, "application/json", "{}"},
		{`{"statusCode":200,"headers":null,"multiValueHeaders":null,"body":"hi","cookies":null}`, 200, "text/plain; charset=utf-8", "hi"},
		{`{"statusCode":"404","body":"x"}`, 404, "text/plain; charset=utf-8", "x"},
		{`{"statusCode":200,"body":"aGk=","isBase64Encoded":true}`, 200, "text/plain; charset=utf-8", "hi"},
		{`{"statusCode":204}`, 204, "", ""},
		{`{"name":"no status"}`, 200, "application/json", `{"name":"no status"}`},
		{`"text"`, 200, "application/json", `"text"`},
		{`not JSON`, 200, "application/json", `not JSON`},
		{`{"statusCode":0}`, 500, "application/json", `{"message":"Internal Server Error"}`},
		{`{"statusCode":200,"body":{}}`, 500, "application/json", `{"message":"Internal Server Error"}`},
		{`{"statusCode":200,"body":"*","isBase64Encoded":true}`, 500, "application/json", `{"message":"Internal Server Error"}`},
	} {
		resp := do(newGateway(t, answers(test.answer), nil), request("GET", "/v1/invitations/abc", ""))
		if body := bodyOf(t, resp); resp.StatusCode != test.status || resp.Header.Get("Content-Type") != test.contentType || body != test.body {
			t.Errorf("%s: %d %s %s", test.answer, resp.StatusCode, resp.Header.Get("Content-Type"), body)
		}
	}
	resp := do(newGateway(t, answers(`{"statusCode":302,"headers":{"location":"/x","Content-Length":"7","apigw-requestid":"mine"},"cookies":["a=1","b=2; HttpOnly"]}`), nil),
		request("GET", "/invite/abc", ""))
	if resp.Header.Get("Location") != "/x" || len(resp.Header.Values("Set-Cookie")) != 2 ||
		resp.Header.Get("Content-Length") == "7" || resp.Header.Get("Apigw-Requestid") == "mine" {
		t.Errorf("headers %v", resp.Header)
	}
}

func TestGatewayErrors(t *testing.T) {
	failing := invokeFunc(func(context.Context, []byte) ([]byte, error) { return nil, errors.New("boom") })
	slow := invokeFunc(func(ctx context.Context, _ []byte) ([]byte, error) {
		<-ctx.Done()
		return nil, ctx.Err()
	})
	const signedIn = "/v1/workspaces"
	for _, test := range []struct {
		name      string
		invoker   Invoker
		request   *http.Request
		status    int
		message   string
		challenge string
	}{
		{"no route", failing, request("GET", "/nowhere", ""), 404, "Not Found", ""},
		{"HEAD", failing, request("HEAD", "/invite/abc", ""), 404, "Not Found", ""},
		{"no token", failing, request("POST", signedIn, ""), 401, "Unauthorized", "Bearer"},
		{"two tokens", failing, request("POST", signedIn, "", "Authorization", "Bearer good", "Authorization", "Bearer good"), 401, "Unauthorized", "Bearer"},
		{"bad token", failing, request("POST", signedIn, "", "Authorization", "Bearer bad"), 401, "Unauthorized",
			`Bearer scope="" error="invalid_token" error_description="the token has expired"`},
		{"large body", failing, request("POST", signedIn, strings.Repeat("x", 10<<20+1), "Authorization", "Bearer good"), 413, "Request Entity Too Large", ""},
		{"function error", failing, request("GET", "/invite/abc", ""), 500, "Internal Server Error", ""},
		{"slow function", slow, request("GET", "/invite/abc", ""), 503, "Service Unavailable", ""},
	} {
		g := newGateway(t, test.invoker, nil)
		g.timeout = 20 * time.Millisecond
		resp := do(g, test.request)
		if body := bodyOf(t, resp); resp.StatusCode != test.status || body != `{"message":"`+test.message+`"}` {
			t.Errorf("%s: %d %s", test.name, resp.StatusCode, body)
		}
		if got := resp.Header.Get("Www-Authenticate"); got != test.challenge {
			t.Errorf("%s: challenge %s", test.name, got)
		}
		if resp.Header.Get("Content-Type") != "application/json" || resp.Header.Get("Apigw-Requestid") == "" {
			t.Errorf("%s: headers %v", test.name, resp.Header)
		}
	}
}
