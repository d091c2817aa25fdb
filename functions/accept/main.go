// Command accept is the function of the invited person's side: where the mailed
// link leads, what it is about, accepting and declining.
package main

import (
	"log/slog"
	"os"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambdacontext"

	"github.com/latchkey/latchkey/shared/awsenv"
	"github.com/latchkey/latchkey/shared/invitation"
	"github.com/latchkey/latchkey/shared/setting"
)

func main() {
	env := awsenv.Env{Get: os.Getenv}
	log := slog.New(lambdacontext.NewLogHandler())
	settings := setting.NewReader(os.Getenv)
	h := handler{
		invitations: invitation.FromEnv(env, settings).WithReports(settings).WithLinks(env, settings),
		log:         log,
		dashboard:   settings.URL(setting.DashboardURL),
	}
	settings.ExitOnError(log)
	lambda.Start(h.routes().Handler(log, time.Now))
}
