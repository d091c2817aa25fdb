// Command workspace is the function that creates and reads a workspace and
// changes its settings and groups.
package main

import (
	"crypto/rand"
	"log/slog"
	"os"
	"time"
	_ "time/tzdata" // the runtime provided.al2023 carries no time zones

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
	table := store.FromEnv(env)
	h := handler{
		invitations:   invitation.Service{Store: table, Random: rand.Reader},
		store:         table,
		perDay:        settings.Int(setting.WorkspacesPerAccount),
		dataKeys:      datakey.FromEnv(env, rand.Reader),
		random:        rand.Reader,
		now:           time.Now,
		logoHosts:     settings.Hosts(setting.LogoHosts),
		operatorsOnly: settings.Choice(setting.WorkspaceCreation) == setting.CreationOperators,
	}
	settings.ExitOnError(log)
	lambda.StartHandlerFunc(h.routes().Lambda(log, time.Now))
}
