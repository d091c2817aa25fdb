// Command account is the function that learns of accounts: from people who
// sign in (recordAccount), and from the identity provider when a sign-up is
// confirmed. What was requested for the account's email turns into invited.
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
