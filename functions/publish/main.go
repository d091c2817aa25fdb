// Command publish is the function that turns the table's stream into domain
// events: lines of history, and events on the bus.
package main

import (
	"log/slog"
	"os"
	"strconv"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambdacontext"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"

	"github.com/latchkey/latchkey/shared/awsenv"
	"github.com/latchkey/latchkey/shared/store"
)

func main() {
	env := awsenv.Env{Get: os.Getenv}
	days, err := strconv.Atoi(env.Get("HISTORY_DAYS"))
	if err != nil {
		days = 400
	}
	h := handler{
		store: store.FromEnv(env),
		bus: eventbridge.New(eventbridge.Options{
			Region: env.Region(), Credentials: env.Credentials(),
			BaseEndpoint: env.Endpoint("EVENTBRIDGE"), Retryer: awsenv.Retryer(),
		}),
		busName: env.Get("BUS"),
		keep:    time.Duration(days) * 24 * time.Hour,
		log:     slog.New(lambdacontext.NewLogHandler()),
	}
	lambda.StartHandlerFunc(h.handle)
}
