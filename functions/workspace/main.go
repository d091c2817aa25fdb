// Command workspace is the function that creates and reads a workspace and
// changes its settings and groups.
package main

import (
	"crypto/rand"
	"log/slog"
	"os"
	"strings"
	"time"
	_ "time/tzdata" // the runtime provided.al2023 carries no time zones

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambdacontext"

	"github.com/latchkey/latchkey/shared/awsenv"
	"github.com/latchkey/latchkey/shared/datakey"
	"github.com/latchkey/latchkey/shared/invitation"
	"github.com/latchkey/latchkey/shared/store"
)

func main() {
	env := awsenv.Env{Get: os.Getenv}
	table := store.FromEnv(env)
	h := handler{
		invitations:   invitation.Service{Store: table, Random: rand.Reader},
		store:         table,
		perDay:        env.Int("WORKSPACES_PER_ACCOUNT", 10),
		dataKeys:      datakey.FromEnv(env, rand.Reader),
		random:        rand.Reader,
		now:           time.Now,
		logoHosts:     strings.FieldsFunc(env.Get("LOGO_HOSTS"), func(r rune) bool { return r == ',' }),
		operatorsOnly: env.Get("WORKSPACE_CREATION") == "operators",
	}
	lambda.StartHandlerFunc(h.routes().Lambda(slog.New(lambdacontext.NewLogHandler()), time.Now))
}
