package httpapi_test

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"reflect"
	"testing"
	"time"

	lambdaevents "github.com/aws/aws-lambda-go/events"
	"pgregory.net/rapid"

	"github.com/latchkey/latchkey/shared/httpapi"
)

// Over the bytes a function sees the request, and its caller the answer, that
// encoding/json would make of them.
func TestTheHandlerIsLambdaOverBytes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		texts := rapid.MapOfN(rapid.String(), rapid.String(), 0, 4)
		var in lambdaevents.APIGatewayV2HTTPRequest
		in.RouteKey = route
		in.Headers, in.QueryStringParameters, in.PathParameters = texts.Draw(t, "headers"), texts.Draw(t, "query"), texts.Draw(t, "path")
		in.Body, in.RequestContext.RequestID = rapid.String().Draw(t, "body"), rapid.String().Draw(t, "id")
		if rapid.Bool().Draw(t, "signed in") {
			in.RequestContext.Authorizer = &lambdaevents.APIGatewayV2HTTPRequestContextAuthorizerDescription{
				JWT: &lambdaevents.APIGatewayV2HTTPRequestContextAuthorizerJWTDescription{Claims: map[string]string{"sub": "s", "email": "a@corp.com"}, Scopes: []string{"x"}},
			}
		}
		header, body := texts.Draw(t, "answer's headers"), rapid.String().Draw(t, "answer")
		if rapid.Bool().Draw(t, "no UTF-8") {
			body += "\xff\x00\x1f\"\\\r\n\t"
		}
		var seen []httpapi.Request
		routes := httpapi.Routes{route: func(_ context.Context, r *httpapi.Request) (httpapi.Response, error) {
			seen = append(seen, *r)
			return httpapi.Response{Status: 201, Header: header, Body: httpapi.Text(body)}, nil
		}}
		log, now := slog.New(slog.NewJSONHandler(io.Discard, nil)), func() time.Time { return t0 }
		event, err := json.Marshal(in)
		if err != nil {
			t.Fatal(err)
		}
		var sent lambdaevents.APIGatewayV2HTTPRequest
		if err := json.Unmarshal(event, &sent); err != nil {
			t.Fatal(err)
		}
		want, err := routes.Lambda(log, now)(t.Context(), sent)
		if err != nil {
			t.Fatal(err)
		}
		raw, err := routes.Handler(log, now).Invoke(t.Context(), event)
		if err != nil {
			t.Fatal(err)
		}
		wanted, err := json.Marshal(want)
		if err != nil {
			t.Fatal(err)
		}
		var got, expected lambdaevents.APIGatewayV2HTTPResponse
		if err := json.Unmarshal(raw, &got); err != nil {
			t.Fatalf("%s: %v", raw, err)
		}
		if err := json.Unmarshal(wanted, &expected); err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(got, expected) {
			t.Fatalf("got  %+v\nwant %+v", got, expected)
		}
		if len(seen) != 2 || !reflect.DeepEqual(seen[0], seen[1]) {
			t.Fatalf("the requests differ: %+v", seen)
		}
	})
}
