package httpapi_test

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"

	lambdaevents "github.com/aws/aws-lambda-go/events"

	"github.com/latchkey/latchkey/shared/fault"
	"github.com/latchkey/latchkey/shared/httpapi"
)

// telling is a request with a word of its own in every place.
func telling() lambdaevents.APIGatewayV2HTTPRequest {
	in := event()
	in.RawPath = "/v1/workspaces/ws_1/users/PATHWORD"
	in.RawQueryString = "q=QUERYWORD"
	in.Cookies = []string{"session=COOKIEWORD"}
	in.PathParameters = map[string]string{"workspace": "ws_cpkmct35cln20ojpehin6891", "user": "PARAMWORD@corp.com", "token": "TOKENWORD"}
	in.QueryStringParameters = map[string]string{"q": "QUERYWORD", "cursor": "CURSORWORD"}
	in.Headers = map[string]string{
		"authorization": "Bearer HEADERWORD", "cookie": "COOKIEWORD", "user-agent": "AGENTWORD",
		"referer": "https://x/REFERERWORD", "x-forwarded-for": "203.0.113.99", "idempotency-key": "KEYWORD",
	}
	in.Body = `{"email": "BODYWORD@corp.com", "metadata": {"apiKey": "BODYWORD"}}`
	in.RequestContext.HTTP.Path = in.RawPath
	in.RequestContext.HTTP.SourceIP = "203.0.113.99"
	in.RequestContext.HTTP.UserAgent = "AGENTWORD"
	in.RequestContext.Authorizer = &lambdaevents.APIGatewayV2HTTPRequestContextAuthorizerDescription{
		JWT: &lambdaevents.APIGatewayV2HTTPRequestContextAuthorizerJWTDescription{
			Claims: map[string]string{"sub": "SUBJECTWORD", "email": "EMAILWORD@corp.com", "email_verified": "true", "name": "NAMEWORD"},
		},
	}
	return in
}

func checkSilent(t *testing.T, what, log string) {
	t.Helper()
	for _, word := range []string{"WORD", "203.0.113.99", "@corp.com", "/users/"} {
		if strings.Contains(log, word) {
			t.Errorf("%s: %q is in the log: %s", what, word, log)
		}
	}
}

// Rule 23 of the pitfalls: the log names the route, and not what came with it.
func TestTheLogNamesNoPersonNoTokenAndNoAddress(t *testing.T) {
	outcomes := map[string]httpapi.Handler{
		"an answer": func(_ context.Context, r *httpapi.Request) (httpapi.Response, error) {
			return httpapi.OK(map[string]string{"email": r.Caller.Email, "url": "https://x/invite/TOKENWORD"}), nil
		},
		"a fault":  failing(&fault.Error{Kind: fault.Conflict, Code: "user_exists", Detail: "DETAILWORD", User: &fault.UserRef{ID: "usr_1", Status: "active"}}),
		"fields":   failing(fault.Fields{{Pointer: "/POINTERWORD", Code: "unknown_field", Detail: "There is no field DETAILWORD."}}.Err()),
		"busy":     failing(&fault.Error{Kind: fault.Unavailable, Code: "unavailable", Detail: "Busy.", Cause: errors.New("throttled")}),
		"a defect": failing(errors.New("the table is gone")),
		"a panic":  func(_ context.Context, r *httpapi.Request) (httpapi.Response, error) { panic("with " + string(r.Body)) },
		"a wrong index": func(_ context.Context, r *httpapi.Request) (httpapi.Response, error) {
			return httpapi.OK(string(r.Body[len(r.Body)+1])), nil
		},
	}
	for name, h := range outcomes {
		out := call(t, telling(), h)
		checkSilent(t, name, out.log)
		if !strings.Contains(out.log, route) || !strings.Contains(out.log, "req-1") || !strings.Contains(out.log, "ws_cpkmct35cln20ojpehin6891") {
			t.Errorf("%s: the log does not say what it is about: %s", name, out.log)
		}
	}
	unread := telling()
	unread.Body, unread.IsBase64Encoded = "!BODYWORD", true
	checkSilent(t, "a broken body", call(t, unread, failing(nil)).log)
	large := telling()
	large.Body = strings.Repeat("BODYWORD", httpapi.MaxBody)
	checkSilent(t, "a large body", call(t, large, failing(nil)).log)
	elsewhere := telling()
	elsewhere.RouteKey = "GET /elsewhere"
	checkSilent(t, "another route", call(t, elsewhere, failing(nil)).log)
}

// The path says which workspace is meant, and a path says whatever its author
// likes.
func TestTheLogTakesNoWorkspaceThatIsNone(t *testing.T) {
	for _, named := range []string{"john.PARAMWORD@corp.com", "TOKENWORD", strings.Repeat("WORD", 1000), "ws_WORD", "ws_cpkmct35cln20ojpehin6891WORD"} {
		in := event()
		in.PathParameters = map[string]string{"workspace": named}
		checkSilent(t, "a made-up workspace", call(t, in, failing(fault.New(fault.NotFound, "workspace_not_found", "No."))).log)
	}
}

func TestALineOfTheLog(t *testing.T) {
	for name, c := range map[string]struct {
		handler httpapi.Handler
		level   string
		status  float64
		more    []string
	}{
		"an answer": {func(context.Context, *httpapi.Request) (httpapi.Response, error) { return httpapi.OK(1), nil }, "INFO", 200, nil},
		"a fault":   {failing(fault.New(fault.Conflict, "last_admin", "No.")), "INFO", 409, []string{"code"}},
		"busy":      {failing(fault.New(fault.Unavailable, "unavailable", "No.")), "ERROR", 503, []string{"code", "error"}},
		"a defect":  {failing(errors.New("oops")), "ERROR", 500, []string{"code", "error"}},
	} {
		in := event()
		in.PathParameters = map[string]string{"workspace": "ws_cpkmct35cln20ojpehin6891"}
		var line map[string]any
		if err := json.Unmarshal([]byte(call(t, in, c.handler).log), &line); err != nil {
			t.Fatal(err)
		}
		if line["level"] != c.level || line["status"] != c.status || line["route"] != route || line["workspaceId"] != "ws_cpkmct35cln20ojpehin6891" {
			t.Errorf("%s: %v", name, line)
		}
		want := append([]string{"apiRequestId", "correlationId", "durationMs", "level", "msg", "route", "status", "time", "workspaceId"}, c.more...)
		slices.Sort(want)
		if got := slices.Sorted(maps.Keys(line)); !slices.Equal(got, want) {
			t.Errorf("%s: it says %q, want %q", name, got, want)
		}
	}
}
