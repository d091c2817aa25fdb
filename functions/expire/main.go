// Command expire is the function that the schedule fires: it persists what the
// clock has decided about invitations, and sends reminders.
package main

import (
	"crypto/rand"
	"log/slog"
	"os"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambdacontext"

	"github.com/latchkey/latchkey/shared/awsenv"
	"github.com/latchkey/latchkey/shared/store"
)

func main() {
	env := awsenv.Env{Get: os.Getenv}
	h := handler{
		store:  store.FromEnv(env),
		random: rand.Reader,
		log:    slog.New(lambdacontext.NewLogHandler()),
		now:    time.Now,
	}
	lambda.StartHandlerFunc(h.handle)
}
