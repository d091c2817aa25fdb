package local_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// A web page whose name was made to resolve to this machine gets nothing from
// any of its ports, and a page of another site can start nothing.
func TestThePortsAnswerLoopbackNamesAlone(t *testing.T) {
	ask := func(method, address, host, origin, body string) int {
		t.Helper()
		req, err := http.NewRequest(method, address, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		req.Host = host
		if origin != "" {
			req.Header.Set("Origin", origin)
		}
		req.Header.Set("X-Amz-Target", "DynamoDB_20120810.ListTables")
		req.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=a/20260101/us-east-1/dynamodb/aws4_request, SignedHeaders=host, Signature=x")
		req.Header.Set("Content-Type", "application/x-amz-json-1.0")
		res, err := http.DefaultTransport.RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		return res.StatusCode
	}
	port := func(address string) string {
		u, err := url.Parse(address)
		if err != nil {
			t.Fatal(err)
		}
		return ":" + u.Port()
	}
	env := stack.Env()
	for _, c := range []struct {
		name, address, method, path string
		alone                       int // what another name gets
	}{
		{"the API", stack.URL, "GET", "/v1/me/workspaces", 421},
		{"the dashboard", stack.URL, "GET", "/", 421},
		{"the issuer", stack.URL, "GET", "/.well-known/jwks.json", 421},
		{"the schedule", stack.URL, "POST", "/local/run/none", 421},
		{"the inbox", stack.MailURL, "GET", "/store", 421},
		{"the table", stack.TableURL, "POST", "/", 404},
		{"the services", env.Get("AWS_ENDPOINT_URL_KMS"), "POST", "/", 421},
		{"SES", env.Get("AWS_ENDPOINT_URL_SESV2"), "POST", "/v2/email/outbound-emails", 421},
	} {
		for _, name := range []string{"evil.example", "127.0.0.1.evil.example"} {
			if got := ask(c.method, c.address+c.path, name+port(c.address), "", "{}"); got != c.alone {
				t.Errorf("%s under the name %s: %d, want %d", c.name, name, got, c.alone)
			}
		}
		for _, name := range []string{"127.0.0.1", "localhost"} {
			if got := ask(c.method, c.address+c.path, name+port(c.address), "", "{}"); got == 421 || c.name == "the table" && got != 200 {
				t.Errorf("%s under the name %s: %d", c.name, name, got)
			}
		}
	}
	for _, c := range [][2]string{
		{stack.URL, "/local/run/expire"}, {stack.URL, "/local/queues/advance"}, {stack.URL, "/local/token"}, {stack.MailURL, "/clear-store"},
	} {
		if got := ask("POST", c[0]+c[1], "127.0.0.1"+port(c[0]), "http://evil.example", `{"seconds":1}`); got != http.StatusForbidden {
			t.Errorf("%s from another site: %d", c[1], got)
		}
	}
}

// Ninety requests with a bad token on a batch's route, which once used up its
// throttle, leave an admin's batch alone.
func TestBadTokensLeaveRoomForAnAdmin(t *testing.T) {
	o := newOffice(t)
	for range 90 {
		if a := newClient(t, "bad").send("POST", o.path+"/users/batch", map[string]any{"users": quiet(1)}, nil); a.status != http.StatusUnauthorized {
			t.Fatalf("%d %s", a.status, a.body)
		}
	}
	want[any](t, o.admin.send("POST", o.path+"/users/batch", map[string]any{"users": quiet(1)}, nil), http.StatusOK)
}
