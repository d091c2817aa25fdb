package contract_test

import (
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/latchkey/latchkey/infra/blueprint"
	"github.com/latchkey/latchkey/infra/local/contract"
)

func load(t *testing.T) *contract.Contract {
	t.Helper()
	c, err := contract.Load("../../../openapi.yaml")
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// openapi.yaml and the blueprint have the same operations, with the same
// security.
func TestTheDocumentAndTheBlueprintHaveTheSameOperations(t *testing.T) {
	var documented, routed []string
	line := func(key, id string, public bool) string {
		return map[bool]string{true: "public ", false: "signed in "}[public] + key + " " + id
	}
	for _, o := range load(t).Operations() {
		documented = append(documented, line(o.Key(), o.ID, o.Public))
	}
	for _, f := range blueprint.Functions() {
		for _, r := range f.Routes {
			routed = append(routed, line(r.Key(), r.Operation, r.Auth == blueprint.Public))
		}
	}
	slices.Sort(documented)
	slices.Sort(routed)
	if !slices.Equal(documented, routed) {
		t.Errorf("documented:\n%s\nrouted:\n%s", strings.Join(documented, "\n"), strings.Join(routed, "\n"))
	}
}

type canned struct {
	status            int
	contentType, body string
}

func (c canned) RoundTrip(r *http.Request) (*http.Response, error) {
	h := http.Header{}
	if c.contentType != "" {
		h.Set("Content-Type", c.contentType)
	}
	return &http.Response{StatusCode: c.status, Header: h, Body: io.NopCloser(strings.NewReader(c.body)), Request: r}, nil
}

const (
	group    = `{"id":"manager","name":"Manager","createdAt":"2026-01-01T12:00:00Z"}`
	ws       = "ws_000000000000000000000000"
	user     = `"id":"usr_00000000000000000000000000000000","workspaceId":"` + ws + `","name":"J","email":"j@corp.com","role":"builder","groups":[],"status":"invited","createdAt":"2026-01-01T12:00:00Z","updatedAt":"2026-01-01T12:00:00Z","activatedAt":null,"archivedAt":null,"version":1`
	invited  = `"invitedBy":"usr_00000000000000000000000000000000","sentAt":"2026-01-01T12:00:00Z","expiresAt":"2026-01-01T12:00:00Z","sends":1,"delivery":"queued"`
	problems = "application/problem+json"
)

// Whatever strays from the document is reported, and nothing else is.
func TestStrayingIsReported(t *testing.T) {
	users := "/v1/workspaces/" + ws + "/users"
	cases := []struct {
		name, method, path, body string
		answer                   canned
		bad, wants               bool
	}{
		{"all is well", "PUT", "/v1/workspaces/" + ws + "/groups/manager", `{"name":"M"}`, canned{201, "application/json", group}, false, false},
		{"a stray member", "PUT", "/v1/workspaces/" + ws + "/groups/manager", `{}`, canned{200, "application/json", strings.Replace(group, "{", `{"x":1,`, 1)}, false, true},
		{"a missing member", "PUT", "/v1/workspaces/" + ws + "/groups/manager", `{}`, canned{200, "application/json", `{"id":"manager"}`}, false, true},
		{"an undocumented status", "PUT", "/v1/workspaces/" + ws + "/groups/manager", `{}`, canned{202, "application/json", group}, false, true},
		{"a wrong request", "PUT", "/v1/workspaces/" + ws + "/groups/manager", `{"title":"M"}`, canned{200, "application/json", group}, false, true},
		{"wrong on purpose", "PUT", "/v1/workspaces/" + ws + "/groups/manager", `{"title":"M"}`, canned{200, "application/json", group}, true, false},
		{"a user", "GET", users + "/me", "", canned{200, "application/json", "{" + user + `,"invitation":{` + invited + "}}"}, false, false},
		{"a user who was never invited", "GET", users + "/me", "", canned{200, "application/json", "{" + user + `,"invitation":null}`}, false, false},
		{"a link where none belongs", "GET", users + "/me", "", canned{200, "application/json", "{" + user + `,"invitation":{` + invited + `,"url":"https://x"}}`}, false, true},
		{"a link where it belongs", "GET", users + "/me/link", "", canned{200, "application/json", "{" + user + `,"invitation":{` + invited + `,"url":"https://x"}}`}, false, false},
		{"a problem", "GET", users, "", canned{403, problems, `{"type":"about:blank","title":"T","status":403,"detail":"D","code":"admin_required","requestId":"1"}`}, false, false},
		{"an unknown code", "GET", users, "", canned{403, problems, `{"type":"about:blank","title":"T","status":403,"detail":"D","code":"nonsense","requestId":"1"}`}, false, true},
		{"an undocumented path", "GET", "/local/nothing", "", canned{418, "text/plain", "x"}, false, false},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			var reported []error
			document := load(t)
			client := http.Client{Transport: document.Transport(c.answer, func(err error) { reported = append(reported, err) })}
			ctx := t.Context()
			if c.bad {
				ctx = contract.Bad(ctx)
			}
			req, err := http.NewRequestWithContext(ctx, c.method, "http://127.0.0.1"+c.path, strings.NewReader(c.body))
			if err != nil {
				t.Fatal(err)
			}
			req.Header.Set("content-type", "application/json")
			res, err := client.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			if body, err := io.ReadAll(res.Body); err != nil || string(body) != c.answer.body {
				t.Errorf("the answer came through as %q, %v", body, err)
			}
			if (len(reported) > 0) != c.wants {
				t.Errorf("reported: %v", reported)
			}
			if !strings.HasPrefix(c.path, "/local") && len(document.Exercised()) != 1 {
				t.Errorf("exercised: %v", document.Exercised())
			}
		})
	}
}
