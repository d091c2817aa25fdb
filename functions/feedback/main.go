// Command feedback is the function that takes SES's notices of what became of
// a mail, and notes it with the invitation.
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
		invitations: invitation.FromEnv(env, settings),
		log:         log,
		now:         time.Now,
	}
	settings.ExitOnError(log)
	lambda.StartHandlerFunc(h.handle)
}
