package httpapi_test

import (
	"context"
	"encoding/json"
	"log/slog"
	"strings"
	"testing"
	"time"

	lambdaevents "github.com/aws/aws-lambda-go/events"

	"github.com/latchkey/latchkey/shared/httpapi"
)

// A body of any form is read, or refused with an answer of a bounded length.
func FuzzObject(f *testing.F) {
	for _, seed := range []string{
		`{"name":"John","users":[{"name":1},null,"x"],"groups":["a"],"n":1e400,"yes":"true","raw":{"a":[]}}`,
		`{"name":null}`, `{"name":"a","name":"b"}`, `{"~/":1,"":2}`, `{"users":{}}`, `[]`, `null`, `{`, ``, "{\"a\":\"\xff\"}", `{"a":` + strings.Repeat("[", 200),
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, body string) {
		o, err := (&httpapi.Request{Body: []byte(body)}).Object()
		if err != nil {
			return
		}
		var members map[string]json.RawMessage
		if err := json.Unmarshal([]byte(body), &members); err != nil {
			t.Fatalf("%q was read: %v", body, err)
		}
		o.String("name")
		o.OptionalString("name")
		o.OptionalInt("n")
		o.Bool("yes", true)
		o.OptionalStrings("groups")
		o.IDs("users")
		o.Raw("raw")
		for _, row := range o.Objects("users") {
			row.String("name")
			row.Unknown()
			_ = row.Err()
		}
		raw, err := json.Marshal(o.Err())
		if err != nil {
			t.Fatal(err)
		}
		if most := 200_000; len(raw) > most {
			t.Errorf("%d bytes of body make %d of answer", len(body), len(raw))
		}
	})
}

// An event of any form is answered: never with a 500, and in JSON of a bounded
// length.
func FuzzEvent(f *testing.F) {
	for _, seed := range []string{
		`{"routeKey":"POST /v1/workspaces/{workspace}/users","headers":{"if-match":"\"1\""},"pathParameters":{"workspace":"ws_"},"body":"{\"name\":1}","requestContext":{"requestId":"r","authorizer":{"jwt":{"claims":{"sub":"s","email":"a@b.c","email_verified":"true","name":"\u202e"},"scopes":null}}}}`,
		`{"routeKey":"POST /v1/workspaces/{workspace}/users","body":"=","isBase64Encoded":true}`,
		`{"routeKey":"POST /v1/workspaces/{workspace}/users","body":"e30=","isBase64Encoded":true,"headers":{"if-match":"W/\"\",,"},"requestContext":{"authorizer":{"jwt":{"claims":{"email":"@"},"scopes":["latchkey/operator"]}}}}`,
		`{"routeKey":"GET /","requestContext":{"authorizer":{}}}`, `{"body":"` + strings.Repeat("x", 300) + `"}`, `{}`, `null`, `[]`, ``,
	} {
		f.Add(seed)
	}
	log := slog.New(slog.DiscardHandler)
	f.Fuzz(func(t *testing.T, raw string) {
		var in lambdaevents.APIGatewayV2HTTPRequest
		if json.Unmarshal([]byte(raw), &in) != nil {
			return
		}
		routes := httpapi.Routes{route: func(_ context.Context, r *httpapi.Request) (httpapi.Response, error) {
			if _, err := r.IfMatch(); err != nil {
				return httpapi.Response{}, err
			}
			o, err := r.Object()
			if err != nil {
				return httpapi.Response{}, err
			}
			o.String("name")
			return httpapi.OK(r.Caller), o.Err()
		}}
		out, err := routes.Lambda(log, func() time.Time { return t0 })(t.Context(), in)
		if err != nil || out.StatusCode == 0 || out.StatusCode >= 500 {
			t.Errorf("%q is answered %d %s, %v", raw, out.StatusCode, out.Body, err)
		}
		if !json.Valid([]byte(out.Body)) || len(out.Body) > 200_000 {
			t.Errorf("%q makes %d bytes: %.200s", raw, len(out.Body), out.Body)
		}
	})
}
