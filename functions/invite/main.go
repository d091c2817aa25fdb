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
	"github.com/latchkey/latchkey/shared/setting"
	"github.com/latchkey/latchkey/shared/store"
	"github.com/latchkey/latchkey/shared/workspace"
)

func main() {
	env := awsenv.Env{Get: os.Getenv}
	log := slog.New(lambdacontext.NewLogHandler())
	settings := setting.NewReader(os.Getenv)
	settings.Check(setting.Table, setting.LinkKey, setting.MetadataKey, setting.APIURL)
	h := handler{invitation.Service{
		Store:    store.FromEnv(env),
		DataKeys: datakey.FromEnv(env, rand.Reader),
		Links:    linkkey.FromEnv(env),
		Limits:   workspace.LimitsFrom(settings),
		Random:   rand.Reader,
	}}
	settings.ExitOnError(log)
	lambda.StartHandlerFunc(h.routes().Lambda(log, time.Now))
}
