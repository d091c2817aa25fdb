// Package httpapi stands between API Gateway and a function's behavior:
// payload-2.0 events become requests with a caller, answers and faults become
// responses, and each request leaves one log line that names no person, no
// token and no address.
//
// It may import aws-lambda-go and the domain packages, but no AWS client.
package httpapi

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	lambdaevents "github.com/aws/aws-lambda-go/events"

	"github.com/latchkey/latchkey/shared/fault"
	"github.com/latchkey/latchkey/shared/id"
	"github.com/latchkey/latchkey/shared/identity"
	"github.com/latchkey/latchkey/shared/trace"
	"github.com/latchkey/latchkey/shared/workspace"
)

// MaxBody is the largest request body, in bytes.
const MaxBody = 256 * 1024

// margin is what is kept of a function's time to answer that it ran out.
const margin = time.Second

// Request is one call of an operation.
type Request struct {
	ID     string            // the gateway's request id, which people can quote
	Params map[string]string // of the path
	Query  map[string]string
	Header map[string]string // names in lower case
	Body   []byte
	Caller identity.Caller
	Now    time.Time // one time for the whole request, to the millisecond
}

// Text is a body that is no JSON; its media type is in the response's Header.
type Text string

// Response is an answer. A nil Body is none.
type Response struct {
	Status int
	Header map[string]string
	Body   any
}

// OK answers 200 with a body.
func OK(body any) Response { return Response{Status: http.StatusOK, Body: body} }

// Handler is the behavior of one operation.
type Handler func(ctx context.Context, r *Request) (Response, error)

// Routes maps the gateway's route keys ("GET /v1/me/workspaces") to behavior.
type Routes map[string]Handler

// Lambda is a function's handler over its routes. It never returns an error:
// everything that goes wrong is an answer, and a defect's is a bare 500.
func (routes Routes) Lambda(log *slog.Logger, now func() time.Time) func(context.Context, lambdaevents.APIGatewayV2HTTPRequest) (lambdaevents.APIGatewayV2HTTPResponse, error) {
	return func(ctx context.Context, in lambdaevents.APIGatewayV2HTTPRequest) (lambdaevents.APIGatewayV2HTTPResponse, error) {
		began := now()
		if deadline, ok := ctx.Deadline(); ok {
			var cancel context.CancelFunc
			ctx, cancel = context.WithDeadline(ctx, deadline.Add(-margin))
			defer cancel()
		}
		ctx = trace.With(ctx, trace.Of(in.RequestContext.RequestID))
		response, err := routes.answer(ctx, in, began)
		if err != nil {
			// A problem is made of texts: it can always be rendered.
			response, _ = render(problem(err, in.RequestContext.RequestID))
		}
		logRequest(ctx, log, in, response.StatusCode, now().Sub(began), err)
		return response, nil
	}
}

func (routes Routes) answer(ctx context.Context, in lambdaevents.APIGatewayV2HTTPRequest, now time.Time) (response lambdaevents.APIGatewayV2HTTPResponse, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = &panicked{value: p, stack: debug.Stack()}
		}
	}()
	handle, ok := routes[in.RouteKey]
	if !ok {
		return response, fault.New(fault.NotFound, "route_not_found", "There is no such operation.")
	}
	r, err := request(in, now)
	if err != nil {
		return response, err
	}
	out, err := handle(ctx, r)
	if err != nil {
		return response, err
	}
	return render(out)
}

func request(in lambdaevents.APIGatewayV2HTTPRequest, now time.Time) (*Request, error) {
	r := &Request{
		ID: in.RequestContext.RequestID, Params: in.PathParameters,
		Query: in.QueryStringParameters, Header: in.Headers,
		Body: []byte(in.Body), Now: now.UTC().Truncate(time.Millisecond),
	}
	if in.IsBase64Encoded {
		raw, err := base64.StdEncoding.DecodeString(in.Body)
		if err != nil {
			return nil, fault.New(fault.Invalid, "invalid_body", "The body could not be read.")
		}
		r.Body = raw
	}
	if len(r.Body) > MaxBody {
		return nil, fault.New(fault.TooLarge, "body_too_large", "The body may have 256 KB at most.")
	}
	if a := in.RequestContext.Authorizer; a != nil && a.JWT != nil {
		r.Caller = identity.FromClaims(a.JWT.Claims, a.JWT.Scopes)
	}
	return r, nil
}

func render(out Response) (lambdaevents.APIGatewayV2HTTPResponse, error) {
	headers := map[string]string{
		"cache-control":          "no-store",
		"referrer-policy":        "no-referrer",
		"x-content-type-options": "nosniff",
	}
	body := ""
	if text, ok := out.Body.(Text); ok {
		body = string(text)
	} else if out.Body != nil {
		var text strings.Builder
		encoder := json.NewEncoder(&text)
		encoder.SetEscapeHTML(false) // no browser takes it for HTML, and < would be six bytes
		if err := encoder.Encode(out.Body); err != nil {
			return lambdaevents.APIGatewayV2HTTPResponse{}, fmt.Errorf("render an answer: %w", err)
		}
		body = strings.TrimSuffix(text.String(), "\n")
		headers["content-type"] = "application/json"
	}
	for name, value := range out.Header {
		headers[name] = value
	}
	return lambdaevents.APIGatewayV2HTTPResponse{StatusCode: out.Status, Headers: headers, Body: body}, nil
}

// logRequest writes the one line of a request. The path, the query and the
// body stay out of it: they hold tokens and addresses.
func logRequest(ctx context.Context, log *slog.Logger, in lambdaevents.APIGatewayV2HTTPRequest, status int, took time.Duration, err error) {
	attrs := []slog.Attr{
		slog.String("apiRequestId", in.RequestContext.RequestID),
		slog.String("correlationId", trace.ID(ctx)),
		slog.String("route", in.RouteKey),
		slog.Int("status", status),
		slog.Float64("durationMs", float64(took.Microseconds())/1000),
	}
	ws := in.PathParameters["workspace"]
	if _, ok := id.Bytes(workspace.IDPrefix, ws, id.RandomBytes); ok { // anything else could be anything
		attrs = append(attrs, slog.String("workspaceId", ws))
	}
	level := slog.LevelInfo
	if err != nil {
		attrs = append(attrs, slog.String("code", fault.Code(err)))
	}
	if status >= 500 {
		level = slog.LevelError
		attrs = append(attrs, slog.String("error", err.Error()))
		var p *panicked
		if errors.As(err, &p) {
			attrs = append(attrs, slog.String("stack", string(p.stack)))
		}
	}
	log.LogAttrs(ctx, level, "request", attrs...)
}

type panicked struct {
	value any
	stack []byte
}

func (p *panicked) Error() string {
	if err, ok := p.value.(error); ok {
		return "panic: " + err.Error()
	}
	return "panic"
}

// Problem is an error answer: application/problem+json (RFC 9457).
type Problem struct {
	Type      string         `json:"type"`
	Title     string         `json:"title"`
	Status    int            `json:"status"`
	Detail    string         `json:"detail"`
	Code      string         `json:"code"`
	RequestID string         `json:"requestId"`
	Errors    []fault.Field  `json:"errors,omitempty"`
	User      *fault.UserRef `json:"user,omitempty"`
}

// statuses is the only place where a kind of fault meets an HTTP status.
var statuses = map[fault.Kind]int{
	fault.Internal:        http.StatusInternalServerError,
	fault.Invalid:         http.StatusBadRequest,
	fault.Unauthenticated: http.StatusUnauthorized,
	fault.Forbidden:       http.StatusForbidden,
	fault.NotFound:        http.StatusNotFound,
	fault.Conflict:        http.StatusConflict,
	fault.Precondition:    http.StatusPreconditionFailed,
	fault.Mismatch:        http.StatusUnprocessableEntity,
	fault.TooLarge:        http.StatusRequestEntityTooLarge,
	fault.Unsupported:     http.StatusUnsupportedMediaType,
	fault.Limited:         http.StatusTooManyRequests,
	fault.Unavailable:     http.StatusServiceUnavailable,
}

func problem(err error, requestID string) Response {
	var f *fault.Error
	if !errors.As(err, &f) || f.Kind == fault.Internal {
		f = fault.New(fault.Internal, "internal", "Something went wrong on our side. Quote the request id when you report it.")
	}
	status := statuses[f.Kind]
	header := map[string]string{"content-type": "application/problem+json"}
	if f.RetryAfter > 0 {
		header["retry-after"] = strconv.Itoa(int((f.RetryAfter + time.Second - 1) / time.Second))
	}
	return Response{Status: status, Header: header, Body: Problem{
		Type: "about:blank", Title: http.StatusText(status), Status: status,
		Detail: f.Detail, Code: f.Code, RequestID: requestID, Errors: f.Fields, User: f.User,
	}}
}
