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
	"github.com/latchkey/latchkey/shared/invitation"
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
		invitations: invitation.Service{
			Store:    store.FromEnv(env),
			DataKeys: datakey.FromEnv(env, rand.Reader),
			Links:    linkkey.FromEnv(env),
			Reports:  settings.Int(setting.ReportsToPause),
			Random:   rand.Reader,
		},
		log:       log,
		dashboard: settings.URL(setting.DashboardURL),
	}
	settings.ExitOnError(log)
	lambda.StartHandlerFunc(h.routes().Lambda(log, time.Now))
}
