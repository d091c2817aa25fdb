package latchkey

import (
	"path/filepath"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslogs"
	"github.com/aws/jsii-runtime-go"

	"github.com/latchkey/latchkey/infra/blueprint"
	"github.com/latchkey/latchkey/infra/blueprint/policy"
	"github.com/latchkey/latchkey/shared/setting"
)

// addFunctions makes every function of the blueprint, with its role, its log
// and its triggers.
func (l *Latchkey) addFunctions() {
	code := l.codeFolders()
	settings := l.settings()
	for _, f := range blueprint.Functions() {
		f = f.AtMailRate(l.props.MailRate)
		function := l.addFunction(f, code(f.Name), settings)
		l.functions[f.Name] = function
		l.entries[f.Name] = l.entry(f, function)
		l.addTriggers(f)
	}
}

// codeFolders gives the folder of a function's bootstrap, built here where no
// folder is given.
func (l *Latchkey) codeFolders() func(name string) string {
	if given := l.props.FunctionsFolder; given != "" {
		return func(name string) string { return filepath.Join(given, name) }
	}
	module, err := moduleFolder()
	if err != nil {
		panic("latchkey: " + err.Error())
	}
	folder := filepath.Join(*awscdk.Stage_Of(l.scope).Outdir(), ".functions")
	return func(name string) string {
		out, err := build(module, folder, name)
		if err != nil {
			panic("latchkey: " + err.Error())
		}
		return out
	}
}

func (l *Latchkey) addFunction(f blueprint.Function, folder string, settings map[setting.Definition]*string) awslambda.Function {
	log := l.newLog(f.Name, l.logGroupName(f))
	l.logGroups[f.Name] = log

	environment := map[string]*string{}
	for _, d := range f.Settings {
		name := d.About().Name
		value, ok := settings[d]
		if !ok {
			panic("latchkey: the blueprint gives " + f.Name + " the setting " + name + ", which infra/cloud does not know; teach settings about it")
		}
		environment[name] = value
	}
	props := &awslambda.FunctionProps{
		FunctionName:          l.named(f.Name),
		Description:           jsii.String("Latchkey: " + f.Purpose),
		Runtime:               awslambda.Runtime_PROVIDED_AL2023(),
		Architecture:          awslambda.Architecture_ARM_64(),
		Handler:               jsii.String("bootstrap"),
		Code:                  awslambda.Code_FromAsset(&folder, nil),
		MemorySize:            jsii.Number(float64(f.MemoryMB)),
		Timeout:               seconds(f.Timeout.Seconds()),
		Environment:           &environment,
		Role:                  l.addRole(f),
		LogGroup:              log,
		LoggingFormat:         awslambda.LoggingFormat_JSON,
		ApplicationLogLevelV2: awslambda.ApplicationLogLevel_INFO,
		SystemLogLevelV2:      awslambda.SystemLogLevel_INFO,
	}
	if l.props.ReserveConcurrency && f.ReservedConcurrency > 0 {
		props.ReservedConcurrentExecutions = jsii.Number(float64(f.ReservedConcurrency))
	}
	function := awslambda.NewFunction(l.scope, jsii.String("Function-"+f.Name), props)
	resource := function.Node().DefaultChild().(awslambda.CfnFunction)
	// The construct lists the role a second time here, which cfn-lint minds.
	resource.AddDeletionOverride(jsii.String("DependsOn"))
	exceptions := []suppression{{"Serverless-LambdaDLQ", "nothing invokes it asynchronously: what calls it has a dead-letter queue of its own, or waits for the answer"}}
	if l.props.Tracing {
		// Set here and not by the construct, which would widen the role.
		resource.SetTracingConfig(&awslambda.CfnFunction_TracingConfigProperty{Mode: jsii.String("Active")})
	} else {
		exceptions = append(exceptions, suppression{"Serverless-LambdaTracing", "X-Ray is an option (Tracing), off by default"})
	}
	suppress(resource, exceptions...)
	return function
}

// newLog makes a log group that goes with the stack.
func (l *Latchkey) newLog(of string, name *string) awslogs.LogGroup {
	group := awslogs.NewLogGroup(l.scope, jsii.String("Log-"+of), &awslogs.LogGroupProps{
		LogGroupName: name, RemovalPolicy: awscdk.RemovalPolicy_DESTROY,
	})
	// The number as it was configured; the construct wants its own names.
	group.Node().DefaultChild().(awslogs.CfnLogGroup).SetRetentionInDays(jsii.Number(float64(l.props.LogRetentionDays)))
	return group
}

func (l *Latchkey) logGroupName(f blueprint.Function) *string {
	return jsii.String("/aws/lambda/" + *l.named(f.Name))
}

// addRole makes the role of one function, which has its rendered policy and
// what options add.
func (l *Latchkey) addRole(f blueprint.Function) awsiam.IRole {
	grants := policy.Grants(f)
	exceptions := []suppression{{"AwsSolutions-IAM5", "log streams are named by Lambda: the wildcard stands for the streams of its own log group"}}
	if l.props.TableKey != nil {
		grants = append(grants, withTableKey(f))
	}
	if l.props.LinkKeySecret && opensLinkKeys(f) {
		grants = append(grants, withLinkKeySecret)
	}
	if l.props.Tracing {
		grants = append(grants, traced)
		exceptions[0].reason += "; X-Ray's two actions know no resource"
		exceptions = append(exceptions, suppression{"Serverless-LambdaStarPermissions", "X-Ray's two actions know no resource"})
	}

	statements := l.statements(f, grants)
	role := awsiam.NewRole(l.scope, jsii.String("Role-"+f.Name), &awsiam.RoleProps{
		Description: jsii.String("Latchkey: the function " + f.Name),
		AssumedBy:   awsiam.NewServicePrincipal(jsii.String("lambda.amazonaws.com"), nil),
		InlinePolicies: &map[string]awsiam.PolicyDocument{
			// Not minimized: each statement is one line of the matrix.
			"grants": awsiam.NewPolicyDocument(&awsiam.PolicyDocumentProps{Statements: &statements, Minimize: jsii.Bool(false)}),
		},
	})
	suppress(role.Node().DefaultChild(), exceptions...)
	// Immutable, so that no construct widens it behind the matrix's back.
	return role.WithoutPolicyUpdates(nil)
}

// settings are the values of the environment variables.
func (l *Latchkey) settings() map[setting.Definition]*string {
	values := map[setting.Definition]*string{
		setting.Table:                l.Table.TableName(),
		setting.MetadataKey:          l.dataKey.KeyArn(),
		setting.Bus:                  l.Bus.EventBusName(),
		setting.DashboardURL:         &l.props.Dashboards[0],
		setting.APIURL:               l.apiURL,
		setting.MailConfigurationSet: l.configurationSet,
		setting.MailAttempts:         jsii.String(setting.MailAttempts.Format(blueprint.MailAttempts)),
		setting.MailInterval:         jsii.String(setting.MailInterval.Format(blueprint.MailInterval(l.props.MailRate))),
	}
	for _, s := range l.props.Settings() {
		values[s.Definition] = jsii.String(s.Text())
	}
	return values
}
