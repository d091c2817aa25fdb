// Command import is the function that works through imports: each write of a
// running import to the table calls for its next step.
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
		invitations: invitation.FromEnv(env, settings).WithLimits(settings).WithMetadata(env, settings),
		log:         log,
		now:         time.Now,
	}
	settings.ExitOnError(log)
	lambda.StartHandlerFunc(h.handle)
}
