// Command import is a CDK app of somebody else: it takes Latchkey into its own
// stack and wires on to it. In an app of one's own, leave the replace line of
// go.mod out and run: go get github.com/latchkey/latchkey
package main

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsevents"
	"github.com/aws/aws-cdk-go/awscdk/v2/awseventstargets"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssqs"
	"github.com/aws/jsii-runtime-go"

	latchkey "github.com/latchkey/latchkey/infra/cloud"
)

func main() {
	defer jsii.Close()

	app := awscdk.NewApp(nil)
	stack := awscdk.NewStack(app, jsii.String("Product"), nil)

	service := latchkey.New(stack, "Latchkey", &latchkey.Props{
		Dashboards: []string{"https://app.example.com"},
		Sender:     "Example <invitations@example.com>",
		NamePrefix: "product-users",
		AlarmMail:  "on-call@example.com",
	})
	service.AddOutputs()

	// A rule of one's own: whoever joins gets a seat in billing.
	joined := awssqs.NewQueue(stack, jsii.String("Joined"), &awssqs.QueueProps{EnforceSSL: jsii.Bool(true)})
	awsevents.NewRule(stack, jsii.String("WhenSomebodyJoins"), &awsevents.RuleProps{
		EventBus: service.Bus,
		EventPattern: &awsevents.EventPattern{
			Source:     jsii.Strings("latchkey"),
			DetailType: jsii.Strings("user.accepted"),
		},
		Targets: &[]awsevents.IRuleTarget{awseventstargets.NewSqsQueue(joined, nil)},
	})

	slack(stack, service.Bus, "#invitations")
	webhook(stack, service.Bus, "https://hooks.example.com/latchkey")

	// A backend that invites people by itself.
	service.GrantOperator("signup")

	app.Synth(nil)
}
