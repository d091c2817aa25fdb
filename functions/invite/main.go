// Command invite is the function that invites people, one or many, sends
// invitations again, and gives an admin the link of one.
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
	settings.Check(setting.APIURL)
	h := handler{invitation.FromEnv(env, settings).WithLimits(settings).WithLinks(env, settings)}
	settings.ExitOnError(log)
	lambda.Start(h.routes().Handler(log, time.Now))
}
