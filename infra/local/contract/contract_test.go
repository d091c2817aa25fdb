package contract_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/latchkey/latchkey/infra/blueprint"
	"github.com/latchkey/latchkey/infra/local/contract"
)

const (
	root = "../../.."
	path = root + "/openapi.yaml"
)

func load(t *testing.T) *contract.Contract {
	t.Helper()
	c, err := contract.Load(path)
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

// Any operation can meet a body that is too large, a throttle, a defect and a
// busy table; one that asks who is calling, somebody who is not signed in.
func TestEveryOperationDocumentsWhatAnyMayAnswer(t *testing.T) {
	document := read(t)
	for path, item := range document.Paths.Map() {
		for method, operation := range item.Operations() {
			statuses := []int{413, 429, 500, 503}
			if operation.Security == nil || len(*operation.Security) > 0 {
				statuses = append(statuses, 401)
			}
			for _, status := range statuses {
				if operation.Responses.Status(status) == nil {
					t.Errorf("%s %s has no answer %d", method, path, status)
				}
			}
		}
	}
}

// canned answers every request alike.
type canned struct {
	status            int
	contentType, body string
	header            map[string]string
}

func (c canned) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Body != nil {
		if _, err := io.Copy(io.Discard, r.Body); err != nil {
			return nil, err
		}
	}
	h := http.Header{"Apigw-Requestid": {"1"}, "Etag": {`"1"`}}
	if c.contentType != "" {
		h.Set("Content-Type", c.contentType)
	}
	for name, value := range c.header {
		h.Set(name, value)
	}
	for name := range h {
		if h.Get(name) == "" {
			h.Del(name)
		}
	}
	return &http.Response{StatusCode: c.status, Header: h, Body: io.NopCloser(strings.NewReader(c.body)), Request: r}, nil
}

const (
	wsID      = "ws_000000000000000000000000"
	userID    = "usr_00000000000000000000000000000000"
	linkToken = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
	noon      = `"2026-01-01T12:00:00Z"`
	group     = `{"id":"manager","name":"Manager","createdAt":` + noon + `}`
	invited   = `"invitedBy":"` + userID + `","sentAt":` + noon + `,"expiresAt":` + noon + `,"sends":1,"delivery":"queued"`
	link      = `,"url":"https://api.example.com/invite/` + linkToken + `"`
	secret    = `,"metadata":{"apiKey":{"any":["thing"]}}`
	body      = `{"name":"John Doe","email":"john@corp.com","role":"builder"}`
	jsonType  = "application/json"
	problems  = "application/problem+json"
	groups    = "/v1/workspaces/" + wsID + "/groups/manager"
	users     = "/v1/workspaces/" + wsID + "/users"
	location  = "/v1/workspaces/" + wsID + "/users/" + userID
)

func user(status, invitation, more string) string {
	return `{"id":"` + userID + `","workspaceId":"` + wsID + `","name":"J","email":"j@corp.com","role":"builder","groups":[],"status":"` + status +
		`","createdAt":` + noon + `,"updatedAt":` + noon + `,"activatedAt":null,"archivedAt":null,"version":1,"invitation":` + invitation + more + `}`
}

// shown are the members of a preview that a member's lacks.
const shown = `,"inviter":{"name":"A"},"name":"J","email":"j@corp.com","role":"builder","expiresAt":` + noon

func preview(status, more string) string {
	return `{"workspace":{"id":"` + wsID + `","slug":"nexus","name":"Nexus"},"status":"` + status + `","next":"login"` + more + `}`
}

func problem(status int, code, more string) canned {
	return canned{status: status, contentType: problems, body: fmt.Sprintf(
		`{"type":"about:blank","title":"T","status":%d,"detail":"D","code":%q,"requestId":"1"%s}`, status, code, more)}
}

func ok(body string) canned { return canned{status: 200, contentType: jsonType, body: body} }

func created(body, location string) canned {
	return canned{status: 201, contentType: jsonType, body: body, header: map[string]string{"Location": location}}
}

// Whatever strays from the document is reported, and nothing else is.
func TestStrayingIsReported(t *testing.T) {
	pending, plain := "{"+invited+link+"}", "{"+invited+"}"
	fields := `,"errors":[{"pointer":"/email","code":"required","detail":"D"}]`
	about := `,"user":{"id":"` + userID + `","status":"active"}`
	cases := []struct {
		name, request, body string
		answer              canned
		wants               bool
	}{
		{"all is well", "PUT " + groups, `{"name":"M"}`, canned{status: 201, contentType: jsonType, body: group}, false},
		{"without the body that is optional", "PUT " + groups, "", ok(group), false},
		{"a stray member", "PUT " + groups, `{}`, ok(strings.Replace(group, "{", `{"x":1,`, 1)), true},
		{"a missing member", "PUT " + groups, `{}`, ok(`{"id":"manager"}`), true},
		{"a wrong type", "PUT " + groups, `{}`, ok(strings.Replace(group, `"Manager"`, "1", 1)), true},
		{"a time that is not UTC", "PUT " + groups, `{}`, ok(strings.Replace(group, `00Z"`, `00+01:00"`, 1)), true},
		{"a time to the microsecond", "PUT " + groups, `{}`, ok(strings.Replace(group, `00Z"`, `00.123456Z"`, 1)), true},
		{"no JSON", "PUT " + groups, `{}`, ok(`{`), true},
		{"a wrong media type", "PUT " + groups, `{}`, canned{status: 200, contentType: "text/plain", body: group}, true},
		{"no request id", "PUT " + groups, `{}`, canned{200, jsonType, group, map[string]string{"apigw-requestid": ""}}, true},
		{"an undocumented status", "PUT " + groups, `{}`, canned{status: 202, contentType: jsonType, body: group}, true},
		{"a redirection that nobody documented", "PUT " + groups, `{}`, canned{status: 301}, true},
		{"a status that only the default answer has", "GET /invite/" + linkToken, "", canned{status: 418, contentType: jsonType, body: `{"message":"M"}`}, true},
		{"a redirection", "GET /invite/" + linkToken, "", canned{status: 302, header: map[string]string{"Location": "http://x/login#invitation=" + linkToken}}, false},
		{"a redirection with a body", "GET /invite/" + linkToken, "", canned{status: 302, body: "x", header: map[string]string{"Location": "http://x/login#invitation=" + linkToken}}, true},
		{"a redirection that leads nowhere", "GET /invite/" + linkToken, "", canned{status: 302}, true},

		{"an unknown member is sent", "PUT " + groups, `{"title":"M"}`, ok(group), true},
		{"a bad path", "PUT /v1/workspaces/ws_1/groups/manager", `{}`, ok(group), true},
		{"a bad parameter", "GET " + users + "?limit=0", "", problem(400, "invalid_request", fields), true},
		{"a parameter of a list", "GET " + users + "?status=active,invited&limit=100", "", ok(`{"users":[],"nextCursor":null}`), false},
		{"an undocumented parameter", "GET " + users + "?order=up", "", problem(400, "invalid_request", fields), true},
		{"no body", "POST " + users, "", problem(400, "body_required", ""), true},
		{"a body where none belongs", "PUT /v1/me", `{}`, canned{status: 204}, true},
		{"a body of another type", "POST " + users, "[]", problem(400, "invalid_json", ""), true},
		{"null for what is optional", "POST " + users, `{"name":"John Doe","email":"john@corp.com","role":"builder","groups":null,"metadata":null,"sendEmail":null,"expiresInDays":null,"locale":null,"message":null}`,
			created(user("invited", pending, secret), location), false},
		{"null for what is required", "POST " + users, `{"name":null,"email":"john@corp.com","role":"builder"}`, problem(400, "invalid_request", fields), true},

		{"a user", "GET " + users + "/me", "", ok(user("invited", plain, "")), false},
		{"a user with metadata", "GET " + users + "/me", "", ok(user("invited", plain, secret)), false},
		{"a user who was never invited", "GET " + users + "/me", "", ok(user("active", "null", "")), false},
		{"a user without a tag", "GET " + users + "/me", "", canned{200, jsonType, user("invited", plain, ""), map[string]string{"ETag": ""}}, true},
		{"a user with a stray member", "GET " + users + "/me", "", ok(user("invited", plain, `,"subject":"1"`)), true},
		{"a link where none belongs", "GET " + users + "/me", "", ok(user("invited", pending, "")), true},
		{"a link in a list", "GET " + users, "", ok(`{"users":[` + user("invited", pending, "") + `],"nextCursor":null}`), true},
		{"a link for who accepts", "POST /v1/invitations/" + linkToken + "/accept", "", ok(user("active", pending, secret)), true},
		{"a link where it belongs", "GET " + users + "/me/link", "", ok(user("invited", pending, secret)), false},
		{"no link where one belongs", "GET " + users + "/me/link", "", ok(user("invited", plain, secret)), true},
		{"a link of who is not pending", "GET " + users + "/me/link", "", ok(user("expired", pending, secret)), true},
		{"no metadata for an admin", "GET " + users + "/me/link", "", ok(user("invited", pending, "")), true},
		{"a link with a stray member", "GET " + users + "/me/link", "", ok(user("invited", strings.Replace(pending, "{", `{"generation":1,`, 1), secret)), true},
		{"an invitation", "POST " + users, body, created(user("requested", pending, secret), location), false},
		{"a repeat of an invitation that was accepted", "POST " + users, body, created(user("active", plain, secret), location), false},
		{"an invitation without its link", "POST " + users, body, created(user("requested", plain, secret), location), true},
		{"an invitation without its location", "POST " + users, body, canned{status: 201, contentType: jsonType, body: user("requested", pending, secret)}, true},
		{"restored, and invited anew", "POST " + users + "/me/restore", `{"reinvite":true}`, ok(user("invited", pending, secret)), false},
		{"restored, and active", "POST " + users + "/me/restore", "", ok(user("active", "null", secret)), false},
		{"restored, and active, with a link", "POST " + users + "/me/restore", "", ok(user("active", pending, secret)), true},

		{"rows", "POST " + users + "/batch", `{"users":[` + body + `]}`, ok(`{"dryRun":false,"scheduled":0,"results":[{"row":1,"outcome":"created","user":` + user("requested", plain, "") + `}]}`), false},
		{"rows with metadata", "POST " + users + "/batch", `{"users":[` + body + `]}`, ok(`{"dryRun":false,"scheduled":0,"results":[{"row":1,"outcome":"created","user":` + user("requested", plain, secret) + `}]}`), true},
		{"a row of somebody who was erased since", "POST " + users + "/batch", `{"users":[` + body + `]}`, ok(`{"dryRun":false,"scheduled":0,"results":[{"row":1,"outcome":"created"}]}`), false},
		{"a row that exists without a user", "POST " + users + "/batch", `{"users":[` + body + `]}`, ok(`{"dryRun":false,"scheduled":0,"results":[{"row":1,"outcome":"exists"}]}`), true},
		{"rows that are no invitations", "POST " + users + "/batch", `{"users":[null,1,"x",[],{},{"name":1},{"name":"J","mail":"j@corp.com"}]}`, ok(`{"dryRun":false,"scheduled":0,"results":[{"row":1,"outcome":"failed","errors":[{"pointer":"","code":"wrong_type","detail":"D"}]}]}`), false},
		{"rows that are no list", "POST " + users + "/batch", `{"users":` + body + `}`, problem(400, "invalid_request", fields), true},
		{"rows without the count of scheduled mails", "POST " + users + "/batch", `{"users":[` + body + `]}`, ok(`{"dryRun":false,"results":[{"row":1,"outcome":"created","user":` + user("requested", plain, "") + `}]}`), true},
		{"an id that is empty", "POST " + users + "/batch/archive", `{"users":[""]}`, ok(`{"results":[{"outcome":"failed","errors":[{"pointer":"","code":"user_not_found","detail":"D"}]}]}`), false},
		{"archived without an id", "POST " + users + "/batch/archive", `{"users":["` + userID + `"]}`, ok(`{"results":[{"outcome":"archived","user":` + user("archived", "null", "") + `}]}`), true},
		{"rows of a dry run", "POST " + users + "/batch?dryRun=true", `{"users":[` + body + `]}`, ok(`{"dryRun":true,"scheduled":0,"results":[{"row":1,"outcome":"created"}]}`), false},
		{"rows of a dry run that were created", "POST " + users + "/batch?dryRun=true", `{"users":[` + body + `]}`, ok(`{"dryRun":true,"scheduled":0,"results":[{"row":1,"outcome":"created","user":` + user("requested", plain, "") + `}]}`), true},
		{"a row that failed for no reason", "POST " + users + "/batch", `{"users":[` + body + `]}`, ok(`{"dryRun":false,"scheduled":0,"results":[{"row":1,"outcome":"failed","errors":[]}]}`), true},

		{"a problem", "GET " + users, "", problem(403, "admin_required", ""), false},
		{"a problem with fields without need", "GET " + users, "", problem(403, "admin_required", fields), true},
		{"a problem of another status", "GET " + users, "", problem(404, "admin_required", ""), true},
		{"a problem that says another status", "GET " + users, "", canned{403, problems, problem(404, "admin_required", "").body, nil}, true},
		{"a problem of another operation", "GET " + users, "", problem(403, "recipient_mismatch", ""), true},
		{"an unknown code", "GET " + users, "", problem(403, "nonsense", ""), true},
		{"fields without what is wrong", "GET " + users, "", problem(400, "invalid_request", ""), true},
		{"an unknown code of a field", "GET " + users, "", problem(400, "invalid_request", strings.Replace(fields, "required", "nonsense", 1)), true},
		{"a conflict about a user", "POST " + users, body, problem(409, "user_exists", about), false},
		{"a conflict about nobody", "POST " + users, body, problem(409, "user_exists", ""), true},
		{"a conflict about somebody without need", "POST " + users + "/me/archive", "", problem(409, "last_admin", about), true},
		{"another version", "PATCH " + users + "/me", `{"name":"J"}`, problem(412, "version_mismatch", about), false},
		{"a mail too soon", "POST " + users + "/me/resend", "", problem(429, "mail_limit_recipient_minute", ""), false},
		{"a mail too soon where it is delayed", "POST " + users, body, problem(429, "mail_limit_recipient_minute", ""), true},
		{"too many workspaces", "POST /v1/workspaces", `{"name":"Nexus"}`, problem(429, "workspace_limit_day", ""), false},

		{"a preview", "GET /v1/invitations/" + linkToken, "", ok(preview("pending", shown)), false},
		{"a preview of a member", "GET /v1/invitations/" + linkToken, "", ok(preview("active", "")), false},
		{"a preview without a status", "GET /v1/invitations/" + linkToken, "", ok(strings.Replace(preview("active", ""), `"status":"active",`, "", 1)), true},
		{"a decline that says too little", "POST /v1/invitations/" + linkToken + "/decline", "", ok(preview("declined", "")), true},
		{"one's own invitation", "POST /v1/me/workspaces/" + wsID + "/decline", "", ok(preview("declined", shown)), false},
		{"a role that takes the link", "POST /v1/me/workspaces/" + wsID + "/accept", "", problem(403, "link_required", ""), false},
		{"a link that is needed where there is one", "POST /v1/invitations/" + linkToken + "/accept", "", problem(403, "link_required", ""), true},
		{"busy", "GET " + users, "", canned{503, problems, problem(503, "unavailable", "").body, map[string]string{"Retry-After": "1"}}, false},
		{"busy, until some day", "GET " + users, "", canned{503, problems, problem(503, "unavailable", "").body, map[string]string{"Retry-After": "soon"}}, true},
		{"the gateway's own error", "GET " + users, "", canned{status: 429, contentType: jsonType, body: `{"message":"Too Many Requests"}`}, false},
		{"the gateway's error where none belongs", "GET " + users, "", canned{status: 403, contentType: jsonType, body: `{"message":"Forbidden"}`}, true},
	}
	document := load(t)
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			reported := send(t, document, c.request, c.body, nil, c.answer)
			if (len(reported) > 0) != c.wants {
				t.Errorf("reported: %v", reported)
			}
		})
	}
}

// send sends through the Transport, checks that request and answer come
// through as they are, and gives what was reported.
func send(t *testing.T, document *contract.Contract, request, body string, header map[string]string, answer canned) (reported []error) {
	t.Helper()
	client := http.Client{
		Transport:     document.Transport(answer, func(err error) { reported = append(reported, err) }),
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	method, target, _ := strings.Cut(request, " ")
	req, err := http.NewRequestWithContext(t.Context(), method, "http://127.0.0.1:9"+target, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if body != "" {
		req.Header.Set("Content-Type", jsonType)
	}
	for name, value := range header {
		req.Header.Set(name, value)
	}
	res, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	got, err := io.ReadAll(res.Body)
	if err != nil || string(got) != answer.body || res.StatusCode != answer.status {
		t.Errorf("the answer came through as %d %q, %v", res.StatusCode, got, err)
	}
	return reported
}

// echo answers with what it was sent.
type echo struct{}

func (echo) RoundTrip(r *http.Request) (*http.Response, error) {
	answer := canned{status: 201, contentType: jsonType}
	if r.Body != nil {
		raw, err := io.ReadAll(r.Body)
		if err != nil {
			return nil, err
		}
		answer.body = fmt.Sprintf("%s %d %s", r.Header.Get("X-Sent"), r.ContentLength, raw)
	}
	return answer.RoundTrip(&http.Request{})
}

// What is sent arrives as it was, and the request of the caller stays as it is.
func TestRequestsArriveAsTheyWere(t *testing.T) {
	r, err := http.NewRequestWithContext(t.Context(), "POST", "http://127.0.0.1"+users, strings.NewReader(`{"role":1}`))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("X-Sent", "header")
	r.Header.Set("Content-Type", jsonType)
	before := *r
	var reported []error
	res, err := load(t).Transport(echo{}, func(err error) { reported = append(reported, err) }).RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	got, err := io.ReadAll(res.Body)
	if want := `header 10 {"role":1}`; err != nil || string(got) != want {
		t.Errorf("%q arrived, not %q, %v", got, want, err)
	}
	if r.Body != before.Body || r.ContentLength != before.ContentLength || r.URL != before.URL || len(r.Header) != 2 {
		t.Error("the caller's request was changed")
	}
	if len(reported) != 2 { // the request and the answer
		t.Errorf("reported: %v", reported)
	}
}

// A test may break the contract on purpose; its answer still has to keep it.
func TestRequestsThatAreBadOnPurpose(t *testing.T) {
	for _, c := range []struct {
		answer canned
		wants  int
	}{
		{problem(400, "invalid_request", `,"errors":[{"pointer":"/x","code":"unknown_field","detail":"D"}]`), 0},
		{problem(400, "invalid_request", `,"errors":[{"pointer":"x","code":"unknown_field","detail":"D"}]`), 1},
	} {
		r, err := http.NewRequestWithContext(contract.Bad(t.Context()), "POST", "http://127.0.0.1"+users+"?x=y", strings.NewReader(`{"x":1}`))
		if err != nil {
			t.Fatal(err)
		}
		var reported []error
		if _, err := load(t).Transport(c.answer, func(err error) { reported = append(reported, err) }).RoundTrip(r); err != nil {
			t.Fatal(err)
		}
		if len(reported) != c.wants {
			t.Errorf("reported: %v", reported)
		}
	}
}

// What is not in the document passes, and is not noted.
func TestOthersPass(t *testing.T) {
	document := load(t)
	for _, request := range []string{"GET /local/nothing", "POST /local/token", "HEAD /invite/" + linkToken, "OPTIONS " + users} {
		if reported := send(t, document, request, "nonsense", nil, canned{status: 418, contentType: "text/plain", body: "x"}); len(reported) > 0 {
			t.Errorf("%s: %v", request, reported)
		}
	}
	if got := document.Exercised(); len(got) > 0 {
		t.Errorf("exercised: %v", got)
	}
}

func TestExercised(t *testing.T) {
	document := load(t)
	var done sync.WaitGroup
	for _, answer := range []canned{ok(group), problem(403, "admin_required", ""), ok("nonsense"), {status: 201, contentType: jsonType, body: group}} {
		done.Go(func() { send(t, document, "PUT "+groups, `{}`, nil, answer) })
	}
	done.Wait()
	send(t, document, "PUT /v1/me", "", nil, canned{status: 204})
	got := document.Exercised()
	if want := (map[string][]int{"putGroup": {200, 201, 403}, "recordAccount": {204}}); fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("exercised: %v, want %v", got, want)
	}
	got["putGroup"][0] = 0
	if document.Exercised()["putGroup"][0] != 200 {
		t.Error("the record can be changed from outside")
	}
}

// The other side's failure is handed on, and nothing is reported.
type failing struct{}

var errFailing = errors.New("failing")

func (failing) RoundTrip(*http.Request) (*http.Response, error) { return nil, errFailing }
func (failing) Read([]byte) (int, error)                        { return 0, errFailing }

func TestFailuresAreHandedOn(t *testing.T) {
	broken := roundTripper(func(r *http.Request) (*http.Response, error) {
		res, err := ok("").RoundTrip(r)
		res.Body = io.NopCloser(failing{})
		return res, err
	})
	for name, c := range map[string]struct {
		next http.RoundTripper
		body io.Reader
	}{
		"sending":    {failing{}, nil},
		"the body":   {ok(group), failing{}},
		"the answer": {broken, nil},
	} {
		r, err := http.NewRequestWithContext(t.Context(), "PUT", "http://127.0.0.1"+groups, c.body)
		if err != nil {
			t.Fatal(err)
		}
		_, err = load(t).Transport(c.next, func(err error) { t.Errorf("%s: reported %v", name, err) }).RoundTrip(r)
		if !errors.Is(err, errFailing) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// A document is refused that is none, or whose examples are not as it says.
func TestLoadRefuses(t *testing.T) {
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	good := string(raw)
	for name, text := range map[string]string{
		"nonsense":                        "nonsense",
		"no title":                        strings.Replace(good, "title: Latchkey", "", 1),
		"a dangling reference":            strings.Replace(good, "#/components/responses/NoPerson", "#/components/responses/Nobody", 1),
		"an example with a stray member":  strings.Replace(good, "value: { name: Nexus }", "value: { name: Nexus, colour: red }", 1),
		"an example with a bad value":     strings.Replace(good, "delivery: queued", "delivery: lost", 1),
		"a stray member in an invitation": strings.Replace(good, "delivery: queued", "delivery: queued, generation: 1", 1),
		"a parameter with a bad example":  strings.Replace(good, "example: builder", "example: owner", 1),
	} {
		t.Run(name, func(t *testing.T) {
			if text == good {
				t.Fatal("the document was not changed")
			}
			file := filepath.Join(t.TempDir(), "openapi.yaml")
			if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			if _, err := contract.Load(file); err == nil {
				t.Error("it was taken")
			}
		})
	}
	if _, err := contract.Load(filepath.Join(t.TempDir(), "none.yaml")); err == nil {
		t.Error("a file that is not there was taken")
	}
}
