// Command update is the function that edits what admins write about a user:
// name, role, groups, metadata.
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
	"github.com/latchkey/latchkey/shared/setting"
	"github.com/latchkey/latchkey/shared/store"
)

func main() {
	env := awsenv.Env{Get: os.Getenv}
	log := slog.New(lambdacontext.NewLogHandler())
	settings := setting.NewReader(os.Getenv)
	settings.Check(setting.Table, setting.MetadataKey)
	h := handler{invitation.Service{
		Store: store.FromEnv(env), DataKeys: datakey.FromEnv(env, rand.Reader), Random: rand.Reader,
	}}
	settings.ExitOnError(log)
	lambda.StartHandlerFunc(h.routes().Lambda(log, time.Now))
}
