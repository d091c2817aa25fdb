// Command infra is the CDK app that deploys Latchkey alone: cdk.json names it.
// Its settings are CDK context, either in cdk.json or on the command line:
//
//	cdk deploy -c latchkey:sender='Example <invitations@example.com>' -c latchkey:dashboards=https://app.example.com
//
// settings.go lists them all. Who has a CDK app already imports infra/cloud
// instead.
package main

import (
	"fmt"
	"os"
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awskms"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssns"
	"github.com/aws/jsii-runtime-go"

	latchkey "github.com/latchkey/latchkey/infra/cloud"
)

func main() {
	err := run()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
	jsii.Close()
	if err != nil {
		os.Exit(1)
	}
}

func run() error {
	app := awscdk.NewApp(nil)
	context, _ := app.Node().GetAllContext(nil).(map[string]any)
	c, err := readConfig(context)
	if err != nil {
		return err
	}
	name := c.stack
	if name == "" {
		name = c.props.StackName()
	}
	stack := awscdk.NewStack(app, &name, &awscdk.StackProps{
		Description:           jsii.String("Latchkey: invitations and users of workspaces"),
		Env:                   environment(c.region),
		TerminationProtection: jsii.Bool(c.props.Protected()),
	})
	if c.tableKeyARN != "" {
		c.props.TableKey = awskms.Key_FromKeyArn(stack, jsii.String("TableKey"), &c.tableKeyARN)
	}
	if c.alarmTopicARN != "" {
		c.props.AlarmTopic = awssns.Topic_FromTopicArn(stack, jsii.String("AlarmTopic"), &c.alarmTopicARN)
	}
	service := latchkey.New(stack, "Latchkey", &c.props)
	for _, operator := range c.operators {
		client := service.GrantOperator(operator)
		service.Outputs.More["Operator"+pascal(operator)+"ClientId"] = client.UserPoolClientId()
	}
	service.AddOutputs()
	app.Synth(nil)
	return nil
}

// validate checks the settings before there is a stack. Resources that are
// imported by ARN need a stack, so stand-ins say that they are set.
func (c config) validate() error {
	props := c.props
	if c.tableKeyARN != "" {
		props.TableKey = struct{ awskms.IKey }{}
	}
	if c.alarmTopicARN != "" {
		props.AlarmTopic = struct{ awssns.ITopic }{}
	}
	return props.Validate()
}

// environment is the account and region that the CDK command line works with;
// without credentials there are none, and the template fits any.
func environment(region string) *awscdk.Environment {
	env := &awscdk.Environment{}
	if account := os.Getenv("CDK_DEFAULT_ACCOUNT"); account != "" {
		env.Account = &account
	}
	if region == "" {
		region = os.Getenv("CDK_DEFAULT_REGION")
	}
	if region != "" {
		env.Region = &region
	}
	return env
}

// pascal is a name as CloudFormation takes it in an output: letters and digits.
func pascal(name string) string {
	var out strings.Builder
	for part := range strings.FieldsFuncSeq(name, func(r rune) bool { return !strings.ContainsRune(alphanumeric, r) }) {
		out.WriteString(strings.ToUpper(part[:1]) + part[1:])
	}
	return out.String()
}

const alphanumeric = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
