package latchkey

import (
	"maps"
	"net/mail"
	"slices"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsapigatewayv2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awscloudwatch"
	"github.com/aws/aws-cdk-go/awscdk/v2/awscognito"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsdynamodb"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsevents"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awskms"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslogs"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssecretsmanager"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssns"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssqs"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"github.com/latchkey/latchkey/infra/blueprint"
)

// Latchkey is the whole service. What an importer may want to wire on is
// exported.
type Latchkey struct {
	// Table is the one table, with its stream.
	Table awsdynamodb.TableV2
	// Bus carries the domain events; their source is "latchkey".
	Bus awsevents.EventBus
	// API is the HTTP API.
	API awsapigatewayv2.HttpApi
	// UserPool is the pool that was made; nil with an issuer of one's own.
	UserPool awscognito.UserPool
	// Outputs are what dashboards and backends need to know.
	Outputs Outputs

	scope   constructs.Construct // parent of everything that is made here
	props   Props
	sender  mail.Address
	stack   awscdk.Stack
	linkKey awssecretsmanager.Secret // of 0.1.0
	dataKey awskms.Key

	queues    map[string]awssqs.Queue
	functions map[string]awslambda.Function
	logGroups map[string]awslogs.LogGroup
	alarms    map[string]awscloudwatch.Alarm
	entries   map[string]awslambda.IFunction // what calls go to
	aliases   map[string]awslambda.Alias
	apiURL    *string

	alarmTopics []awssns.ITopic

	configurationSet *string // its name
	senderARNs       []*string

	authorizer     awsapigatewayv2.CfnAuthorizer
	issuerOrigins  []*string // which browsers call to sign in
	signUpURL      *string   // of the pool
	audience       []*string
	operatorServer awscognito.UserPoolResourceServer
	operatorScope  awscognito.OAuthScope
}

// Outputs of a deployment. ClientID is empty with an issuer of one's own.
type Outputs struct {
	APIURL, Issuer, ClientID, BusName, TableName *string
	// More holds what is there only sometimes, by name: DKIM records,
	// the targets of the API's domain and of the dashboard's.
	More map[string]*string
}

// New adds Latchkey to a stack. As every construct does, it panics where it
// can't go on; with props that pass Validate, only building the functions can
// fail.
func New(scope constructs.Construct, id string, props *Props) *Latchkey {
	if err := props.Validate(); err != nil {
		panic("latchkey: " + err.Error())
	}
	l := &Latchkey{
		scope:     constructs.NewConstruct(scope, &id),
		props:     props.withDefaults(),
		stack:     awscdk.Stack_Of(scope),
		queues:    map[string]awssqs.Queue{},
		functions: map[string]awslambda.Function{},
		logGroups: map[string]awslogs.LogGroup{},
		alarms:    map[string]awscloudwatch.Alarm{},
		entries:   map[string]awslambda.IFunction{},
		aliases:   map[string]awslambda.Alias{},
		Outputs:   Outputs{More: map[string]*string{}},
	}
	sender, _ := mail.ParseAddress(props.Sender) // Validate has parsed it
	l.sender = *sender
	recognizeVersions(l.scope)
	l.govern()

	l.addTable()
	l.addKey()
	if l.props.LinkKeySecret {
		l.addLinkKeySecret()
	}
	l.addMessaging()
	l.addMail()
	l.addAPI()
	l.addFunctions()
	l.addIdentity()
	l.addRoutes()
	l.addMetrics()
	l.addAlarms()
	l.addReleases()
	if !l.props.OmitDashboard {
		l.addDashboard()
	}
	if l.props.Site != nil {
		l.addSite()
	}
	l.Outputs.APIURL = l.apiURL
	l.Outputs.BusName = l.Bus.EventBusName()
	l.Outputs.TableName = l.Table.TableName()
	return l
}

// govern applies what a platform team asks of every resource.
func (l *Latchkey) govern() {
	for _, key := range slices.Sorted(maps.Keys(l.props.Tags)) {
		awscdk.Tags_Of(l.scope).Add(&key, jsii.String(l.props.Tags[key]), nil)
	}
	if arn := l.props.PermissionsBoundary; arn != "" {
		policy := awsiam.ManagedPolicy_FromManagedPolicyArn(l.scope, jsii.String("Boundary"), &arn)
		awsiam.PermissionsBoundary_Of(l.scope).Apply(policy)
	}
}

// AddOutputs makes the outputs the stack's: Version, ApiUrl, Issuer, ClientId, BusName,
// TableName and what there is more.
func (l *Latchkey) AddOutputs() {
	add := func(name string, value *string) {
		if value != nil {
			awscdk.NewCfnOutput(l.stack, &name, &awscdk.CfnOutputProps{Value: value})
		}
	}
	add("Version", jsii.String(blueprint.Version))
	add("ApiUrl", l.Outputs.APIURL)
	add("Issuer", l.Outputs.Issuer)
	add("ClientId", l.Outputs.ClientID)
	add("BusName", l.Outputs.BusName)
	add("TableName", l.Outputs.TableName)
	for _, name := range slices.Sorted(maps.Keys(l.Outputs.More)) {
		add(name, l.Outputs.More[name])
	}
}

// Function is one of the functions, by its name in the blueprint; nil where
// there is none of that name.
func (l *Latchkey) Function(name string) awslambda.IFunction {
	if f, ok := l.functions[name]; ok {
		return f
	}
	return nil
}

// named is a name that people read: the prefix and what it is.
func (l *Latchkey) named(what string) *string {
	return jsii.String(l.props.NamePrefix + "-" + what)
}

// global is the name of something whose names are shared by all regions of the
// account, so that it says which region it belongs to. An empty what names the
// deployment itself.
func (l *Latchkey) global(what string) *string {
	parts := []*string{&l.props.NamePrefix, &what, l.stack.Region()}
	if what == "" {
		parts = []*string{&l.props.NamePrefix, l.stack.Region()}
	}
	return awscdk.Fn_Join(jsii.String("-"), &parts)
}

// arn is an ARN in the stack's region and account.
func (l *Latchkey) arn(service, resource string) *string {
	return l.stack.FormatArn(&awscdk.ArnComponents{
		Service: &service, Resource: &resource, ArnFormat: awscdk.ArnFormat_NO_RESOURCE_NAME,
	})
}
