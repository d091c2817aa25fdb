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
	"github.com/latchkey/latchkey/shared/invitation"
	"github.com/latchkey/latchkey/shared/setting"
	"github.com/latchkey/latchkey/shared/store"
	"github.com/latchkey/latchkey/shared/workspace"
)

func main() {
	env := awsenv.Env{Get: os.Getenv}
	log := slog.New(lambdacontext.NewLogHandler())
	settings := setting.NewReader(os.Getenv)
	settings.Check(setting.Table)
	h := handler{
		invitations: invitation.Service{Store: store.FromEnv(env), Limits: workspace.LimitsFrom(settings), Random: rand.Reader},
		log:         log,
		now:         time.Now,
	}
	settings.ExitOnError(log)
	lambda.StartHandlerFunc(h.handle)
}
