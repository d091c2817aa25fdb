// Command publish is the function that turns the table's stream into domain
// events: lines of history, and events on the bus.
package main

import (
	"log/slog"
	"os"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambdacontext"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"

	"github.com/latchkey/latchkey/shared/awsenv"
	"github.com/latchkey/latchkey/shared/setting"
	"github.com/latchkey/latchkey/shared/store"
)

func main() {
	env := awsenv.Env{Get: os.Getenv}
	log := slog.New(lambdacontext.NewLogHandler())
	settings := setting.NewReader(os.Getenv)
	settings.Check(setting.Table)
	h := handler{
		store: store.FromEnv(env),
		bus: eventbridge.New(eventbridge.Options{
			Region: env.Region(), Credentials: env.Credentials(),
			BaseEndpoint: env.Endpoint("EVENTBRIDGE"), Retryer: awsenv.Retryer(),
		}),
		busName: settings.Text(setting.Bus),
		keep:    time.Duration(settings.Int(setting.HistoryDays)) * 24 * time.Hour,
		log:     log,
	}
	settings.ExitOnError(log)
	lambda.StartHandlerFunc(h.handle)
}
