// Command hello is a Lambda that does nothing: the measure for the cold starts
// of the others.
package main

import (
	"context"
	"encoding/json"

	"github.com/aws/aws-lambda-go/lambda"
)

func main() {
	lambda.StartHandlerFunc(func(_ context.Context, in json.RawMessage) (json.RawMessage, error) { return in, nil })
}
