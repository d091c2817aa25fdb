// Command workspace is the function that creates and reads a workspace and
// changes its settings and groups.
package main

import (
	"log/slog"
	"os"
	"time"
	_ "time/tzdata" // the runtime provided.al2023 carries no time zones

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
	h := handler{
		invitations:   invitations,
		store:         invitations.Store,
		perDay:        settings.Int(setting.WorkspacesPerAccount),
		dataKeys:      invitations.DataKeys,
		random:        invitations.Random,
		now:           time.Now,
		logoHosts:     settings.Hosts(setting.LogoHosts),
		operatorsOnly: settings.Choice(setting.WorkspaceCreation) == setting.CreationOperators,
	}
	settings.ExitOnError(log)
	lambda.Start(h.routes().Handler(log, time.Now))
}
