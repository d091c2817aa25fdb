// Command list is the function that reads: users of a workspace, one user, the
// history, the caller's workspaces. It writes nothing, and its role could not.
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
	"github.com/latchkey/latchkey/shared/setting"
	"github.com/latchkey/latchkey/shared/store"
)

func main() {
	env := awsenv.Env{Get: os.Getenv}
	log := slog.New(lambdacontext.NewLogHandler())
	settings := setting.NewReader(os.Getenv)
	settings.Check(setting.Table, setting.MetadataKey)
	h := handler{
		store:    store.FromEnv(env),
		dataKeys: datakey.FromEnv(env, rand.Reader),
	}
	settings.ExitOnError(log)
	lambda.Start(h.routes().Handler(log, time.Now))
}
