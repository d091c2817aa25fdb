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
	"github.com/latchkey/latchkey/shared/store"
	"github.com/latchkey/latchkey/shared/workspace"
)

func main() {
	env := awsenv.Env{Get: os.Getenv}
	h := handler{
		invitations: invitation.Service{
			Store: store.FromEnv(env), Random: rand.Reader,
			Limits: workspace.Limits{
				Inviter: env.Int("MAILS_PER_INVITER", 200), NewWorkspace: env.Int("MAILS_PER_NEW_WORKSPACE", 200), Workspace: env.Int("MAILS_PER_WORKSPACE", 2000),
			},
		},
		log: slog.New(lambdacontext.NewLogHandler()),
		now: time.Now,
	}
	lambda.StartHandlerFunc(h.handle)
}
