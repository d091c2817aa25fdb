package latchkey

import (
	"path/filepath"
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslogs"
	"github.com/aws/jsii-runtime-go"

	"github.com/latchkey/latchkey/infra/blueprint"
)

// addFunctions makes every function of the blueprint, with its role, its log
// and its triggers.
func (l *Latchkey) addFunctions() {
	code := l.codeFolders()
	settings := l.settings()
	for _, f := range blueprint.Functions() {
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

func (l *Latchkey) addFunction(f blueprint.Function, folder string, settings map[blueprint.Setting]*string) awslambda.Function {
	log := l.newLog(f.Name, l.logGroupName(f))
	l.logGroups[f.Name] = log

	environment := map[string]*string{}
	for _, name := range f.Settings {
		value, ok := settings[name]
		if !ok {
			panic("latchkey: the blueprint gives " + f.Name + " the setting " + string(name) + ", which infra/cloud does not know; teach settings about it")
		}
		environment[string(name)] = value
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

// addRole makes the role of one function: one statement for each grant, on
// exactly what it names.
func (l *Latchkey) addRole(f blueprint.Function) awsiam.IRole {
	grants := Grants(f)
	exceptions := []suppression{{"AwsSolutions-IAM5", "log streams are named by Lambda: the wildcard stands for the streams of its own log group"}}
	if l.props.TableKey != nil {
		grants = append(grants, withTableKey(f))
	}
	if l.props.Tracing {
		grants = append(grants, traced)
		exceptions[0].reason += "; X-Ray's two actions know no resource"
		exceptions = append(exceptions, suppression{"Serverless-LambdaStarPermissions", "X-Ray's two actions know no resource"})
	}

	statements := make([]awsiam.PolicyStatement, len(grants))
	for i, g := range grants {
		actions := make([]*string, len(g.Actions))
		for j, action := range g.Actions {
			actions[j] = jsii.String(action)
		}
		resources := l.arns(f, g.On)
		statements[i] = awsiam.NewPolicyStatement(&awsiam.PolicyStatementProps{Actions: &actions, Resources: &resources})
		for operator, test := range g.conditions {
			statements[i].AddCondition(&operator, l.filled(test))
		}
	}
	role := awsiam.NewRole(l.scope, jsii.String("Role-"+f.Name), &awsiam.RoleProps{
		Description: jsii.String("Latchkey: the function " + f.Name),
		AssumedBy:   awsiam.NewServicePrincipal(jsii.String("lambda.amazonaws.com"), nil),
		InlinePolicies: &map[string]awsiam.PolicyDocument{
			// Unminimized: each statement is one line of the matrix.
			"grants": awsiam.NewPolicyDocument(&awsiam.PolicyDocumentProps{Statements: &statements, Minimize: jsii.Bool(false)}),
		},
	})
	suppress(role.Node().DefaultChild(), exceptions...)
	// Immutable, so that no construct widens it behind the matrix's back.
	return role.WithoutPolicyUpdates(nil)
}

// filled puts what is known only here into a condition.
func (l *Latchkey) filled(test any) any {
	values := map[string]any{}
	for key, value := range test.(map[string]any) {
		switch value {
		case senderAddress:
			value = l.sender.Address
		case viaDynamoDB:
			value = awscdk.Fn_Join(jsii.String(""), &[]*string{jsii.String("dynamodb."), l.stack.Region(), jsii.String("."), l.stack.UrlSuffix()})
		}
		values[key] = value
	}
	return values
}

// settings are the values of the environment variables.
func (l *Latchkey) settings() map[blueprint.Setting]*string {
	return map[blueprint.Setting]*string{
		blueprint.SettingTable:                l.Table.TableName(),
		blueprint.SettingLinkKey:              l.linkKey.SecretArn(),
		blueprint.SettingMetadataKey:          l.dataKey.KeyArn(),
		blueprint.SettingBus:                  l.Bus.EventBusName(),
		blueprint.SettingDashboardURL:         &l.props.Dashboards[0],
		blueprint.SettingAPIURL:               l.apiURL,
		blueprint.SettingMailFrom:             &l.props.Sender,
		blueprint.SettingMailConfigurationSet: l.configurationSet,
		blueprint.SettingMailAttempts:         jsii.Sprintf("%d", blueprint.MailAttempts),
		blueprint.SettingMailInterval:         jsii.Sprintf("%d", 1000*blueprint.MailConcurrency/l.props.MailRate),
		blueprint.SettingReportsToPause:       jsii.Sprintf("%d", l.props.ReportsToPause),
		blueprint.SettingLogoHosts:            jsii.String(strings.Join(l.props.LogoHosts, ",")),
		blueprint.SettingWorkspaceCreation:    &l.props.WorkspaceCreation,
		blueprint.SettingHistoryDays:          jsii.Sprintf("%d", l.props.HistoryDays),
		blueprint.SettingMailsPerInviter:      jsii.Sprintf("%d", l.props.MailsPerInviter),
		blueprint.SettingMailsPerNewWorkspace: jsii.Sprintf("%d", l.props.MailsPerNewWorkspace),
		blueprint.SettingMailsPerWorkspace:    jsii.Sprintf("%d", l.props.MailsPerWorkspace),
	}
}
