// Command invite is the function that invites people, one or many, sends
// invitations again, and gives an admin the link of one.
package main

import (
	"crypto/rand"
	"log/slog"
	"os"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambdacontext"

	"github.com/latchkey/latchkey/shared/awsenv"
	"github.com/latchkey/latchkey/shared/datakey"
	"github.com/latchkey/latchkey/shared/invitation"
	"github.com/latchkey/latchkey/shared/linkkey"
	"github.com/latchkey/latchkey/shared/store"
	"github.com/latchkey/latchkey/shared/workspace"
)

func main() {
	env := awsenv.Env{Get: os.Getenv}
	h := handler{invitation.Service{
		Store:    store.FromEnv(env),
		DataKeys: datakey.FromEnv(env, rand.Reader),
		Links:    linkkey.FromEnv(env),
		Limits:   limits(env),
		Random:   rand.Reader,
	}}
	lambda.StartHandlerFunc(h.routes().Lambda(slog.New(lambdacontext.NewLogHandler()), time.Now))
}

func limits(env awsenv.Env) workspace.Limits {
	return workspace.Limits{
		Inviter: env.Int("MAILS_PER_INVITER", 200), NewWorkspace: env.Int("MAILS_PER_NEW_WORKSPACE", 200), Workspace: env.Int("MAILS_PER_WORKSPACE", 2000),
	}
}
