// Command mail is the function that writes to people: domain events that call
// for a mail become one, sent by SES. It is the only one that may send.
package main

import (
	"log/slog"
	"os"
	"time"
	_ "time/tzdata" // the runtime provided.al2023 carries no time zones

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambdacontext"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sesv2"

	"github.com/latchkey/latchkey/shared/awsenv"
	"github.com/latchkey/latchkey/shared/invitation"
	"github.com/latchkey/latchkey/shared/setting"
)

func main() {
	env := awsenv.Env{Get: os.Getenv}
	log := slog.New(lambdacontext.NewLogHandler())
	settings := setting.NewReader(os.Getenv)
	settings.Check(setting.APIURL)
	h := handler{
		invitations: invitation.FromEnv(env, settings).WithLinks(env, settings),
		ses: sesv2.New(sesv2.Options{
			Region: env.Region(), Credentials: env.Credentials(), BaseEndpoint: env.Endpoint("SESV2"),
			// SES knows no idempotency: only the queue, which waits for the
			// claim's lease, may try again.
			Retryer: aws.NopRetryer{},
		}),
		from:             settings.Sender(setting.MailFrom),
		dashboard:        settings.URL(setting.DashboardURL),
		configurationSet: settings.Text(setting.MailConfigurationSet),
		attempts:         settings.Int(setting.MailAttempts),
		pacer:            pacer{interval: settings.Duration(setting.MailInterval)},
		log:              log,
		now:              time.Now,
	}
	settings.ExitOnError(log)
	lambda.StartHandlerFunc(h.handle)
}
