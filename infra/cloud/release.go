package latchkey

import (
	"slices"
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awscodedeploy"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/aws-cdk-go/awscdk/v2/interfaces/interfacesawscloudwatch"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"github.com/latchkey/latchkey/infra/blueprint"
)

const (
	// CanaryOff switches every function to its new version at once.
	CanaryOff = "off"
	// defaultCanary leaves api-5xx, which looks at ten minutes, time to decide.
	defaultCanary = "Canary10Percent15Minutes"
	// liveAlias is the alias that everything calls.
	liveAlias = "live"
)

// canaries are CodeDeploy's predefined ways to shift a Lambda alias, without
// the prefix CodeDeployDefault.Lambda.
// https://docs.aws.amazon.com/codedeploy/latest/userguide/deployment-configurations.html
var canaries = []string{
	CanaryOff,
	"Canary10Percent5Minutes", "Canary10Percent10Minutes", "Canary10Percent15Minutes", "Canary10Percent30Minutes",
	"Linear10PercentEvery1Minute", "Linear10PercentEvery2Minutes", "Linear10PercentEvery3Minutes", "Linear10PercentEvery10Minutes",
}

func (p Props) validateCanary(wrong report) {
	if !slices.Contains(canaries, p.Canary) {
		wrong("Canary", `%q is not known; set one of %s`, p.Canary, strings.Join(canaries, ", "))
	}
}

// recognizeVersions makes CDK publish a version only for changes that Lambda
// publishes one for: a changed tag would otherwise fail the deployment.
func recognizeVersions(scope constructs.Construct) {
	scope.Node().SetContext(jsii.String("@aws-cdk/aws-lambda:recognizeVersionProps"), true)
}

// entry returns the target of calls to a function: its alias, or the function
// itself with CanaryOff.
func (l *Latchkey) entry(f blueprint.Function, function awslambda.Function) awslambda.IFunction {
	if l.props.Canary == CanaryOff {
		return function
	}
	alias := awslambda.NewAlias(l.scope, jsii.String("Alias-"+f.Name), &awslambda.AliasProps{
		AliasName: jsii.String(liveAlias), Version: function.CurrentVersion(),
	})
	l.aliases[f.Name] = alias
	return alias
}

// rollbackAlarms are the alarms that end a release of f and return to the
// version before. Dead letters are not among them: one that waits from an
// earlier fault would stop the release that mends it.
func rollbackAlarms(f blueprint.Function) []string {
	names := []string{"api-5xx"}
	if len(f.Routes) > 0 {
		names = append(names, "api-latency")
	}
	if f.Stream != nil && f.Stream.AgeAlarm != "" {
		names = append(names, f.Stream.AgeAlarm)
	}
	if f.Queue != nil {
		names = append(names, f.Queue.Queue+"-age")
	}
	if f.Name == "mail" {
		names = append(names, "mail-failed")
	}
	return names
}

// addReleases lets CodeDeploy shift each alias to a new version little by
// little, and back when an alarm goes off.
func (l *Latchkey) addReleases() {
	if l.props.Canary == CanaryOff {
		return
	}
	application := awscodedeploy.NewLambdaApplication(l.scope, jsii.String("Releases"), &awscodedeploy.LambdaApplicationProps{
		ApplicationName: &l.props.NamePrefix,
	})
	config := awscodedeploy.LambdaDeploymentConfig_FromLambdaDeploymentConfigName(l.scope, jsii.String("ReleaseConfig"),
		jsii.String("CodeDeployDefault.Lambda"+l.props.Canary))
	role := l.addReleaseRole()
	for _, f := range blueprint.Functions() {
		var alarms []interfacesawscloudwatch.IAlarmRef
		for _, name := range rollbackAlarms(f) {
			alarms = append(alarms, l.alarms[name])
		}
		awscodedeploy.NewLambdaDeploymentGroup(l.scope, jsii.String("Release-"+f.Name), &awscodedeploy.LambdaDeploymentGroupProps{
			Application: application, Alias: l.aliases[f.Name], DeploymentGroupName: &f.Name,
			DeploymentConfig: config, Alarms: &alarms, Role: role,
			AutoRollback: &awscodedeploy.AutoRollbackConfig{
				DeploymentInAlarm: jsii.Bool(true), FailedDeployment: jsii.Bool(true), StoppedDeployment: jsii.Bool(true),
			},
		})
	}
}

// addReleaseRole makes CodeDeploy's role: it moves the aliases of this
// deployment and reads alarms. AWS's managed policy would let it move any
// function's alias.
func (l *Latchkey) addReleaseRole() awsiam.IRole {
	var functions []*string // an alias belongs to its function's ARN for some actions, to its own for others
	for _, f := range blueprint.Functions() {
		arn := l.functions[f.Name].FunctionArn()
		functions = append(functions, arn, awscdk.Fn_Join(jsii.String(":"), &[]*string{arn, jsii.String(liveAlias)}))
	}
	role := awsiam.NewRole(l.scope, jsii.String("ReleaseRole"), &awsiam.RoleProps{
		Description: jsii.String("Latchkey: shifts the functions' aliases to a new version"),
		AssumedBy: awsiam.NewServicePrincipal(jsii.String("codedeploy.amazonaws.com"), &awsiam.ServicePrincipalOpts{
			Conditions: &map[string]any{"StringEquals": map[string]any{"aws:SourceAccount": l.stack.Account()}},
		}),
		InlinePolicies: &map[string]awsiam.PolicyDocument{"release": awsiam.NewPolicyDocument(&awsiam.PolicyDocumentProps{
			Statements: &[]awsiam.PolicyStatement{
				awsiam.NewPolicyStatement(&awsiam.PolicyStatementProps{
					Actions:   jsii.Strings("lambda:GetAlias", "lambda:GetProvisionedConcurrencyConfig", "lambda:UpdateAlias"),
					Resources: &functions}),
				awsiam.NewPolicyStatement(&awsiam.PolicyStatementProps{
					Actions: jsii.Strings("cloudwatch:DescribeAlarms"), Resources: jsii.Strings("*")}),
			},
		})},
	})
	suppress(role.Node().DefaultChild(), suppression{"AwsSolutions-IAM5", "AWS's own policy for CodeDeploy reads alarms on every resource, too"})
	return role.WithoutPolicyUpdates(nil)
}
