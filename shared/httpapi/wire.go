package httpapi

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"time"

	lambdaevents "github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"
)

// Handler returns the function's handler as the runtime calls it. It does what
// Lambda does over the bytes of event and response, but reads of the event only
// what a Request has: the runtime's own handler decodes all of it.
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
	return encode(out)
}

// encode returns a response as JSON. It leaves <, > and & as they are: the body
// is JSON whose every escape would be escaped once more.
func encode(r lambdaevents.APIGatewayV2HTTPResponse) ([]byte, error) {
	var b bytes.Buffer
	b.Grow(len(r.Body) + len(r.Body)/4 + 512)
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	err := encoder.Encode(struct {
		StatusCode int               `json:"statusCode"`
		Headers    map[string]string `json:"headers"`
		Body       string            `json:"body"`
	}{r.StatusCode, r.Headers, r.Body})
	return b.Bytes(), err
}
