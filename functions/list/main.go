// Command list is the function that reads: users of a workspace, one user, the
// history, the caller's workspaces. It writes nothing, and its role could not.
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
	invitations := invitation.FromEnv(env, settings).WithMetadata(env, settings)
	h := handler{invitations: invitations, store: invitations.Store, dataKeys: invitations.DataKeys}
	settings.ExitOnError(log)
	lambda.Start(h.routes().Handler(log, time.Now))
}
