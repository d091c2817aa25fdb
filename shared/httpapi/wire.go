package httpapi

import (
	"context"
	"encoding/json"
	"log/slog"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	lambdaevents "github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"
)

// Handler returns the function's handler as the runtime calls it. It does what
// Lambda does over the bytes of event and response: of the event it reads what a
// Request has, and the body of a response, which is JSON already, is not taken
// through encoding/json once more.
func (routes Routes) Handler(log *slog.Logger, now func() time.Time) lambda.Handler {
	return invoker(routes.Lambda(log, now))
}

type invoker func(context.Context, lambdaevents.APIGatewayV2HTTPRequest) (lambdaevents.APIGatewayV2HTTPResponse, error)

// wireEvent is what a function reads of an event in payload format 2.0.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
type wireEvent struct {
	RouteKey              string            `json:"routeKey"`
	Headers               map[string]string `json:"headers"`
	QueryStringParameters map[string]string `json:"queryStringParameters"`
	PathParameters        map[string]string `json:"pathParameters"`
	Body                  string            `json:"body"`
	IsBase64Encoded       bool              `json:"isBase64Encoded"`
	RequestContext        struct {
		RequestID  string `json:"requestId"`
		Authorizer struct {
			JWT *lambdaevents.APIGatewayV2HTTPRequestContextAuthorizerJWTDescription `json:"jwt"`
		} `json:"authorizer"`
	} `json:"requestContext"`
}

// Invoke implements lambda.Handler.
func (f invoker) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	var e wireEvent
	if err := json.Unmarshal(payload, &e); err != nil {
		return nil, err
	}
	in := lambdaevents.APIGatewayV2HTTPRequest{
		RouteKey: e.RouteKey, Headers: e.Headers, QueryStringParameters: e.QueryStringParameters,
		PathParameters: e.PathParameters, Body: e.Body, IsBase64Encoded: e.IsBase64Encoded,
	}
	in.RequestContext.RequestID = e.RequestContext.RequestID
	in.RequestContext.Authorizer = &lambdaevents.APIGatewayV2HTTPRequestContextAuthorizerDescription{JWT: e.RequestContext.Authorizer.JWT}
	out, err := f(ctx, in)
	if err != nil {
		return nil, err
	}
	return encode(out), nil
}

// encode returns a response as JSON.
func encode(r lambdaevents.APIGatewayV2HTTPResponse) []byte {
	raw := make([]byte, 0, len(r.Body)+len(r.Body)/4+512)
	raw = append(raw, `{"statusCode":`...)
	raw = strconv.AppendInt(raw, int64(r.StatusCode), 10)
	raw = append(raw, `,"headers":{`...)
	for i, name := range slices.Sorted(maps.Keys(r.Headers)) {
		if i > 0 {
			raw = append(raw, ',')
		}
		raw = appendText(raw, name)
		raw = append(raw, ':')
		raw = appendText(raw, r.Headers[name])
	}
	raw = append(raw, `},"body":`...)
	raw = appendText(raw, r.Body)
	return append(raw, '}')
}

// appendText appends a text as JSON. What is no UTF-8 becomes U+FFFD, as in
// encoding/json.
func appendText(raw []byte, text string) []byte {
	if !utf8.ValidString(text) {
		text = strings.ToValidUTF8(text, "\ufffd")
	}
	raw = append(raw, '"')
	begin := 0
	for i := range len(text) {
		c := text[i]
		if c >= ' ' && c != '"' && c != '\\' {
			continue
		}
		raw = append(raw, text[begin:i]...)
		begin = i + 1
		switch c {
		case '"', '\\':
			raw = append(raw, '\\', c)
		case '\n':
			raw = append(raw, '\\', 'n')
		case '\r':
			raw = append(raw, '\\', 'r')
		default:
			const hex = "0123456789abcdef"
			raw = append(raw, '\\', 'u', '0', '0', hex[c>>4], hex[c&0xf])
		}
	}
	raw = append(raw, text[begin:]...)
	return append(raw, '"')
}
