// Command accept is the function of the invited person's side: where the mailed
// link leads, what it is about, accepting and declining.
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
	"github.com/latchkey/latchkey/shared/linkkey"
	"github.com/latchkey/latchkey/shared/setting"
	"github.com/latchkey/latchkey/shared/store"
)

func main() {
	env := awsenv.Env{Get: os.Getenv}
	log := slog.New(lambdacontext.NewLogHandler())
	settings := setting.NewReader(os.Getenv)
	settings.Check(setting.Table, setting.LinkKey, setting.MetadataKey)
	h := handler{
		store:     store.FromEnv(env),
		dataKeys:  datakey.FromEnv(env, rand.Reader),
		links:     linkkey.FromEnv(env),
		random:    rand.Reader,
		threshold: settings.Int(setting.ReportsToPause),
		log:       log,
		dashboard: settings.URL(setting.DashboardURL),
	}
	settings.ExitOnError(log)
	lambda.StartHandlerFunc(h.routes().Lambda(log, time.Now))
}
