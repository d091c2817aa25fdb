package httpapi_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	lambdaevents "github.com/aws/aws-lambda-go/events"

	"github.com/latchkey/latchkey/shared/fault"
	"github.com/latchkey/latchkey/shared/httpapi"
	"github.com/latchkey/latchkey/shared/identity"
)

var t0 = time.Date(2026, 1, 1, 12, 0, 0, 123_456_789, time.FixedZone("somewhere", 3600))

const route = "POST /v1/workspaces/{workspace}/users"

func event() lambdaevents.APIGatewayV2HTTPRequest {
	var in lambdaevents.APIGatewayV2HTTPRequest
	in.RouteKey = route
	in.RequestContext.RequestID = "req-1"
	in.Body = "{}"
	return in
}

// answer is what came of one request.
type answer struct {
	lambdaevents.APIGatewayV2HTTPResponse
	log string
}

func call(t testing.TB, in lambdaevents.APIGatewayV2HTTPRequest, h httpapi.Handler) answer {
	t.Helper()
	return callWith(t, t.Context(), in, h)
}

func callWith(t testing.TB, ctx context.Context, in lambdaevents.APIGatewayV2HTTPRequest, h httpapi.Handler) answer {
	t.Helper()
	var log bytes.Buffer
	lambda := httpapi.Routes{route: h}.Lambda(slog.New(slog.NewJSONHandler(&log, nil)), func() time.Time { return t0 })
	out, err := lambda(ctx, in)
	if err != nil {
		t.Fatalf("the function itself fails: %v", err)
	}
	if lines := strings.Count(log.String(), "\n"); lines != 1 {
		t.Errorf("%d lines are logged: %s", lines, log.String())
	}
	return answer{out, log.String()}
}

func failing(err error) httpapi.Handler {
	return func(context.Context, *httpapi.Request) (httpapi.Response, error) { return httpapi.Response{}, err }
}

func TestAProblemOfEachKind(t *testing.T) {
	fields := fault.Fields{{Pointer: "/name", Code: "required", Detail: "This may not be empty."}, {Pointer: "/role", Code: "unknown_role", Detail: "No."}}
	conflict := &fault.Error{Kind: fault.Conflict, Code: "user_exists", Detail: "It is there.", User: &fault.UserRef{ID: "usr_1", Status: "archived"}}
	busy := &fault.Error{Kind: fault.Unavailable, Code: "unavailable", Detail: "Busy.", RetryAfter: 1500 * time.Millisecond}
	limited := &fault.Error{Kind: fault.Limited, Code: "mail_limit_inviter_day", Detail: "Enough.", RetryAfter: 3 * time.Hour}
	stale := &fault.Error{Kind: fault.Precondition, Code: "version_mismatch", Detail: "Read again.", User: &fault.UserRef{ID: "usr_1", Status: "active"}}
	const internal = `{"type":"about:blank","title":"Internal Server Error","status":500,"detail":"Something went wrong on our side. Quote the request id when you report it.","code":"internal","requestId":"req-1"}`
	for _, c := range []struct {
		err    error
		status int
		want   string
	}{
		{fault.New(fault.Unauthenticated, "x", "Sign in."), 401, `{"type":"about:blank","title":"Unauthorized","status":401,"detail":"Sign in.","code":"x","requestId":"req-1"}`},
		{fault.New(fault.Forbidden, "x", "No."), 403, `{"type":"about:blank","title":"Forbidden","status":403,"detail":"No.","code":"x","requestId":"req-1"}`},
		{fault.New(fault.NotFound, "x", "No."), 404, `{"type":"about:blank","title":"Not Found","status":404,"detail":"No.","code":"x","requestId":"req-1"}`},
		{fault.New(fault.Mismatch, "x", "No."), 422, `{"type":"about:blank","title":"Unprocessable Entity","status":422,"detail":"No.","code":"x","requestId":"req-1"}`},
		{fault.New(fault.TooLarge, "x", "No."), 413, `{"type":"about:blank","title":"Request Entity Too Large","status":413,"detail":"No.","code":"x","requestId":"req-1"}`},
		{fault.New(fault.Unsupported, "x", "No."), 415, `{"type":"about:blank","title":"Unsupported Media Type","status":415,"detail":"No.","code":"x","requestId":"req-1"}`},
		{stale, 412, `{"type":"about:blank","title":"Precondition Failed","status":412,"detail":"Read again.","code":"version_mismatch","requestId":"req-1","user":{"id":"usr_1","status":"active"}}`},
		{limited, 429, `{"type":"about:blank","title":"Too Many Requests","status":429,"detail":"Enough.","code":"mail_limit_inviter_day","requestId":"req-1"}`},
		{fields.Err(), 400, `{"type":"about:blank","title":"Bad Request","status":400,"detail":"2 fields of the request are wrong.","code":"invalid_request","requestId":"req-1",` +
			`"errors":[{"pointer":"/name","code":"required","detail":"This may not be empty."},{"pointer":"/role","code":"unknown_role","detail":"No."}]}`},
		{conflict, 409, `{"type":"about:blank","title":"Conflict","status":409,"detail":"It is there.","code":"user_exists","requestId":"req-1","user":{"id":"usr_1","status":"archived"}}`},
		{fmt.Errorf("wrapped: %w", conflict), 409, `{"type":"about:blank","title":"Conflict","status":409,"detail":"It is there.","code":"user_exists","requestId":"req-1","user":{"id":"usr_1","status":"archived"}}`},
		{busy, 503, `{"type":"about:blank","title":"Service Unavailable","status":503,"detail":"Busy.","code":"unavailable","requestId":"req-1"}`},
		{errors.New("SECRET of the database"), 500, internal},
		{&fault.Error{Kind: fault.Internal, Code: "SECRET", Detail: "SECRET"}, 500, internal},
	} {
		out := call(t, event(), failing(c.err))
		if out.StatusCode != c.status || out.Body != c.want {
			t.Errorf("%v:\ngot  %d %s\nwant %d %s", c.err, out.StatusCode, out.Body, c.status, c.want)
		}
		if out.Headers["content-type"] != "application/problem+json" {
			t.Errorf("%v: %v", c.err, out.Headers)
		}
		if retry, want := out.Headers["retry-after"], map[int]string{503: "2", 429: "10800"}[c.status]; retry != want {
			t.Errorf("%v: retry-after is %q, want %q", c.err, retry, want)
		}
	}
}

func TestEveryKindOfFaultHasAStatus(t *testing.T) {
	for kind := fault.Internal; kind <= fault.Unavailable; kind++ {
		if out := call(t, event(), failing(fault.New(kind, "x", "x"))); out.StatusCode < 400 || out.StatusCode > 599 {
			t.Errorf("kind %d is %d", kind, out.StatusCode)
		}
	}
}

func TestAnswersAreNeitherKeptNorPassedOn(t *testing.T) {
	for name, h := range map[string]httpapi.Handler{
		"an answer": func(context.Context, *httpapi.Request) (httpapi.Response, error) {
			return httpapi.OK(map[string]int{"n": 1}), nil
		},
		"no body": func(context.Context, *httpapi.Request) (httpapi.Response, error) {
			return httpapi.Response{Status: http.StatusNoContent}, nil
		},
		"a redirect": func(context.Context, *httpapi.Request) (httpapi.Response, error) {
			return httpapi.Response{Status: http.StatusFound, Header: map[string]string{"location": "https://x"}}, nil
		},
		"a text": func(context.Context, *httpapi.Request) (httpapi.Response, error) {
			return httpapi.Response{Status: http.StatusOK, Header: map[string]string{"content-type": "text/csv"}, Body: httpapi.Text("a,b")}, nil
		},
		"a problem": failing(errors.New("x")),
		"a panic":   func(context.Context, *httpapi.Request) (httpapi.Response, error) { panic("x") },
	} {
		out := call(t, event(), h)
		for header, want := range map[string]string{"cache-control": "no-store", "referrer-policy": "no-referrer", "x-content-type-options": "nosniff"} {
			if out.Headers[header] != want {
				t.Errorf("%s: %s is %q", name, header, out.Headers[header])
			}
		}
		if hasBody := out.Body != ""; hasBody != (out.Headers["content-type"] != "") {
			t.Errorf("%s: the body %q is %q", name, out.Body, out.Headers["content-type"])
		}
	}
}

func TestATextIsWrittenAsItStands(t *testing.T) {
	const text = "name,\"<b>\"\r\n"
	out := call(t, event(), func(context.Context, *httpapi.Request) (httpapi.Response, error) {
		return httpapi.Response{Status: http.StatusOK, Header: map[string]string{"content-type": "text/csv"}, Body: httpapi.Text(text)}, nil
	})
	if out.Body != text || out.Headers["content-type"] != "text/csv" || out.IsBase64Encoded {
		t.Errorf("%+v", out)
	}
}

func TestARequestAsTheHandlerSeesIt(t *testing.T) {
	in := event()
	in.PathParameters = map[string]string{"workspace": "ws_1"}
	in.QueryStringParameters = map[string]string{"q": "x"}
	in.Headers = map[string]string{"idempotency-key": "k"}
	in.Body = base64.StdEncoding.EncodeToString([]byte("{\"name\": \"\xc3\xa9\"}"))
	in.IsBase64Encoded = true
	in.RequestContext.Authorizer = &lambdaevents.APIGatewayV2HTTPRequestContextAuthorizerDescription{
		JWT: &lambdaevents.APIGatewayV2HTTPRequestContextAuthorizerJWTDescription{Claims: map[string]string{"sub": "s", "email": "a@corp.com", "email_verified": "true"}},
	}
	var got *httpapi.Request
	out := call(t, in, func(_ context.Context, r *httpapi.Request) (httpapi.Response, error) {
		got = r
		return httpapi.OK(struct{}{}), nil
	})
	if out.StatusCode != 200 || out.Body != "{}" || out.Headers["content-type"] != "application/json" {
		t.Fatalf("%+v", out)
	}
	if got.ID != "req-1" || got.Params["workspace"] != "ws_1" || got.Query["q"] != "x" || got.Header["idempotency-key"] != "k" ||
		string(got.Body) != "{\"name\": \"\xc3\xa9\"}" {
		t.Errorf("%+v", got)
	}
	if want := (identity.Caller{Subject: "s", Email: "a@corp.com", EmailVerified: true, ClientID: "s"}); got.Caller != want {
		t.Errorf("the caller is %+v", got.Caller)
	}
	if want := time.Date(2026, 1, 1, 11, 0, 0, 123_000_000, time.UTC); got.Now != want {
		t.Errorf("it is %v, want %v: to the millisecond, in UTC", got.Now, want)
	}
}

func TestABodyThatCannotBeReadNeverReachesTheHandler(t *testing.T) {
	in := event()
	in.Body, in.IsBase64Encoded = "this is no base64!", true
	out := call(t, in, func(context.Context, *httpapi.Request) (httpapi.Response, error) {
		t.Error("it did")
		return httpapi.Response{}, nil
	})
	if out.StatusCode != 400 || !strings.Contains(out.Body, `"code":"invalid_body"`) {
		t.Errorf("%d %s", out.StatusCode, out.Body)
	}
}

func TestABodyMayHave256KB(t *testing.T) {
	for _, encoded := range []bool{false, true} {
		for size, want := range map[int]int{httpapi.MaxBody: 200, httpapi.MaxBody + 1: 413} {
			in := event()
			in.Body = strings.Repeat("x", size)
			if encoded {
				in.Body, in.IsBase64Encoded = base64.StdEncoding.EncodeToString([]byte(in.Body)), true
			}
			out := call(t, in, func(context.Context, *httpapi.Request) (httpapi.Response, error) { return httpapi.OK(1), nil })
			if out.StatusCode != want || want == 413 && !strings.Contains(out.Body, `"code":"body_too_large"`) {
				t.Errorf("%d bytes, in base64: %v: %d %.200s", size, encoded, out.StatusCode, out.Body)
			}
		}
	}
	if httpapi.MaxBody != 262144 {
		t.Errorf("the limit is %d", httpapi.MaxBody)
	}
}

func TestAnUnknownRouteIsNotFound(t *testing.T) {
	in := event()
	in.RouteKey = "GET /elsewhere"
	out := call(t, in, failing(nil))
	if out.StatusCode != 404 || !strings.Contains(out.Body, `"code":"route_not_found"`) {
		t.Errorf("%d %s", out.StatusCode, out.Body)
	}
}

// A defect is answered with its request id and nothing else; the log has the
// place where it happened.
func TestAPanicIsABareAnswerAndALineWithItsStack(t *testing.T) {
	for name, value := range map[string]any{
		"a text": "SECRET value", "an error": errors.New("oops"), "a fault": fault.New(fault.NotFound, "oops", "SECRET detail"),
	} {
		out := call(t, event(), func(context.Context, *httpapi.Request) (httpapi.Response, error) { panic(value) })
		want := `{"type":"about:blank","title":"Internal Server Error","status":500,"detail":"Something went wrong on our side. Quote the request id when you report it.","code":"internal","requestId":"req-1"}`
		if out.StatusCode != 500 || out.Body != want {
			t.Errorf("%s: %d %s", name, out.StatusCode, out.Body)
		}
		var line map[string]any
		if err := json.Unmarshal([]byte(out.log), &line); err != nil {
			t.Fatal(err)
		}
		if line["level"] != "ERROR" || line["apiRequestId"] != "req-1" || line["status"] != 500.0 || line["code"] != "internal" ||
			!strings.Contains(fmt.Sprint(line["stack"]), "lambda_test.go") {
			t.Errorf("%s: the log says %s", name, out.log)
		}
	}
}

// An answer that cannot be written as JSON is a defect too: metadata that is
// broken in the table, for one.
func TestAnAnswerThatCannotBeRenderedIsADefect(t *testing.T) {
	for name, body := range map[string]any{
		"broken JSON": httpapi.User{Metadata: json.RawMessage(`{"apiKey": SECRET`)},
		"a function":  func() {},
	} {
		func() {
			defer func() {
				if p := recover(); p != nil {
					t.Errorf("%s: the function panics: %v", name, p)
				}
			}()
			out := call(t, event(), func(context.Context, *httpapi.Request) (httpapi.Response, error) {
				return httpapi.Response{Status: 201, Body: body}, nil
			})
			if out.StatusCode != 500 || out.Headers["content-type"] != "application/problem+json" ||
				!strings.Contains(out.Body, `"requestId":"req-1"`) || strings.Contains(out.Body, "SECRET") {
				t.Errorf("%s: %d %v %s", name, out.StatusCode, out.Headers, out.Body)
			}
			if !strings.Contains(out.log, `"level":"ERROR"`) || strings.Contains(out.log, "SECRET") {
				t.Errorf("%s: the log says %s", name, out.log)
			}
		}()
	}
}

// The handler is stopped while there is time to say so.
func TestTheHandlersTimeEndsBeforeTheFunctions(t *testing.T) {
	const lasts = 10 * time.Second
	ctx, cancel := context.WithTimeout(t.Context(), lasts)
	defer cancel()
	deadline, _ := ctx.Deadline()
	callWith(t, ctx, event(), func(ctx context.Context, _ *httpapi.Request) (httpapi.Response, error) {
		got, ok := ctx.Deadline()
		if left := deadline.Sub(got); !ok || left < 100*time.Millisecond || left > time.Second {
			t.Errorf("%v is left for the answer", left)
		}
		return httpapi.OK(1), nil
	})
	callWith(t, t.Context(), event(), func(ctx context.Context, _ *httpapi.Request) (httpapi.Response, error) {
		if _, ok := ctx.Deadline(); ok {
			t.Error("a deadline came from nowhere")
		}
		return httpapi.OK(1), nil
	})
}
