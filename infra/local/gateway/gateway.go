// Package gateway stands on this machine where API Gateway stands in the
// cloud: an HTTP API with Lambda integrations of payload format 2.0, a JWT
// authorizer, CORS, throttled routes and an access log. It serves the routes of
// infra/blueprint and does with a request what API Gateway would, its own plain
// errors included.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
//
// It may import the standard library, golang-jwt and infra/blueprint. How a
// function runs is its caller's business.
package gateway

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"time"

	"github.com/latchkey/latchkey/infra/blueprint"
)

// Limits of HTTP APIs.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-quotas.html
const (
	maxBody            = 10 << 20
	maxEvent           = 6 << 20 // Lambda's, of the whole event in JSON
	integrationTimeout = 30 * time.Second
)

// Invoker runs one function.
type Invoker interface {
	Invoke(ctx context.Context, payload []byte) ([]byte, error)
}

// Config says what to serve.
type Config struct {
	Functions []blueprint.Function // their routes are served
	// Invoker finds the function of this name; it is asked once for each
	// function that has routes.
	Invoker    func(function string) Invoker
	Authorizer Authorizer // for routes that are not public
	// CORSOrigins are the origins that browsers may call from; "*" is any.
	// None leaves CORS to the functions, as API Gateway does.
	CORSOrigins []string
	// Log takes a record for each request: requestId, routeKey, method,
	// status, latencyMs, and what kind of error the gateway met. Never a
	// path, a query, an address or a token. nil discards.
	Log *slog.Logger
	Now func() time.Time // nil is time.Now
}

// Gateway is the HTTP handler.
type Gateway struct {
	routes     *routes
	authorizer Authorizer
	cors       cors
	log        *slog.Logger
	now        func() time.Time
	timeout    time.Duration
}

// New makes a gateway; it fails for routes that API Gateway would refuse, and
// for signed-in routes that nothing would guard.
func New(cfg Config) (*Gateway, error) {
	g := &Gateway{
		authorizer: cfg.Authorizer, log: cfg.Log, now: cfg.Now,
		timeout: integrationTimeout,
	}
	if g.now == nil {
		g.now = time.Now
	}
	if g.log == nil {
		g.log = slog.New(slog.DiscardHandler)
	}
	var err error
	if g.routes, err = newRoutes(cfg, g.now); err != nil {
		return nil, fmt.Errorf("gateway: %w", err)
	}
	g.cors = newCORS(cfg.CORSOrigins, blueprint.Browsers.Methods)
	return g, nil
}

// A reply is what a request comes to.
type reply struct {
	status int
	header http.Header
	body   []byte
	reason string // for the access log, where the gateway made an error
}

// gatewayError is an error as API Gateway words it.
func gatewayError(status int, message, reason string) reply {
	return reply{
		status: status,
		header: http.Header{"Content-Type": {"application/json"}},
		body:   []byte(`{"message":"` + message + `"}`),
		reason: reason,
	}
}

func (g *Gateway) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	start := g.now()
	requestID := newRequestID()
	routeKey := "-"
	var out reply
	if g.cors.isPreflight(r) {
		out = reply{status: http.StatusNoContent, header: g.cors.preflight(r)}
	} else if route, params := g.routes.match(r.Method, r.URL.Path); route == nil {
		out = gatewayError(http.StatusNotFound, "Not Found", "no route")
	} else {
		routeKey = route.key
		out = g.serve(w, r, call{route: route, params: params, requestID: requestID, start: start})
	}
	g.cors.finish(r, out.header)
	h := w.Header()
	for name, values := range out.header {
		h[name] = values
	}
	h.Set("Apigw-Requestid", requestID)
	w.WriteHeader(out.status)
	if bodyAllowed(out.status) {
		_, _ = w.Write(out.body) // the caller has gone, if it fails
	}

	attrs := []slog.Attr{
		slog.String("requestId", requestID), slog.String("routeKey", routeKey),
		slog.String("method", r.Method), slog.Int("status", out.status),
		slog.Int64("latencyMs", g.now().Sub(start).Milliseconds()),
	}
	if out.reason != "" {
		attrs = append(attrs, slog.String("error", out.reason))
	}
	g.log.LogAttrs(r.Context(), slog.LevelInfo, "request", attrs...)
}

// serve answers a request that has a route.
func (g *Gateway) serve(w http.ResponseWriter, r *http.Request, c call) reply {
	if !c.route.bucket.take() {
		return gatewayError(http.StatusTooManyRequests, "Too Many Requests", "throttled")
	}
	if c.route.auth != blueprint.Public {
		var err error
		if c.claims, err = g.authorizer.Authorize(r.Context(), authorization(r)); err != nil {
			return unauthorized(err)
		}
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		return gatewayError(http.StatusRequestEntityTooLarge, "Request Entity Too Large", "body over 10 MB")
	case err != nil:
		return gatewayError(http.StatusBadRequest, "Bad Request", "body could not be read")
	}
	event, err := newEvent(r, c, body)
	if err != nil {
		return gatewayError(http.StatusInternalServerError, "Internal Server Error", "no event could be made")
	}
	// Base64 and JSON escaping can make a body under 10 MB exceed Lambda's
	// limit. Lambda rejects the event with 413.
	// https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html#API_Invoke_Errors
	if len(event) > maxEvent {
		return gatewayError(http.StatusRequestEntityTooLarge, "Request Entity Too Large", "event over 6 MB")
	}
	ctx, cancel := context.WithTimeout(r.Context(), g.timeout)
	defer cancel()
	answer, err := c.route.invoker.Invoke(ctx, event)
	switch {
	// The function's own timeout is an error like any other; this is the
	// gateway's patience. A function that answers in time wins.
	case err != nil && ctx.Err() != nil:
		return gatewayError(http.StatusServiceUnavailable, "Service Unavailable", "integration timed out")
	case err != nil: // the function's log says more
		return gatewayError(http.StatusInternalServerError, "Internal Server Error", "function failed")
	}
	out, err := readAnswer(answer)
	if err != nil {
		return gatewayError(http.StatusInternalServerError, "Internal Server Error", "function's answer is malformed")
	}
	return out
}

// authorization is the header as the authorizer sees it: two are none that
// could be trusted.
func authorization(r *http.Request) string {
	if values := r.Header.Values("Authorization"); len(values) == 1 {
		return values[0]
	}
	return ""
}

func unauthorized(err error) reply {
	challenge := "Bearer"
	reason := "no token"
	var invalid *TokenError
	if errors.As(err, &invalid) {
		challenge = fmt.Sprintf(`Bearer scope="" error="invalid_token" error_description=%q`, invalid.Description)
		reason = invalid.Description
	}
	out := gatewayError(http.StatusUnauthorized, "Unauthorized", reason)
	out.header.Set("Www-Authenticate", challenge)
	return out
}

// newRequestID looks like API Gateway's: 16 characters that mean nothing.
func newRequestID() string {
	var b [11]byte
	_, _ = rand.Read(b[:]) // never fails
	return base64.URLEncoding.EncodeToString(b[:])
}
