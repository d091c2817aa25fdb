package latchkey

import (
	"encoding/json"
	"net/url"
	"slices"

	"github.com/aws/aws-cdk-go/awscdk/v2/awsapigatewayv2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsroute53"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"github.com/latchkey/latchkey/infra/blueprint"
)

const stageName = "$default"

// accessLog is one line for each request. It names the route and neither path
// nor query, because a path may hold the token of an invitation; and no
// address of the caller.
var accessLog = map[string]string{
	"requestId":          "$context.requestId",
	"time":               "$context.requestTime",
	"routeKey":           "$context.routeKey",
	"status":             "$context.status",
	"responseLatency":    "$context.responseLatency",
	"integrationLatency": "$context.integrationLatency",
	"responseLength":     "$context.responseLength",
	"integrationStatus":  "$context.integrationStatus",
	"integrationError":   "$context.integrationErrorMessage",
	"authorizerError":    "$context.authorizer.error",
}

// addAPI makes the API and its address. Its routes come when the functions
// are there, which need the address.
func (l *Latchkey) addAPI() {
	origins := make([]*string, 0, len(l.props.Dashboards))
	for _, d := range l.props.Dashboards {
		u, _ := url.Parse(d) // Validate has parsed it
		if origin := u.Scheme + "://" + u.Host; !slices.ContainsFunc(origins, func(o *string) bool { return *o == origin }) {
			origins = append(origins, &origin)
		}
	}
	methods := make([]awsapigatewayv2.CorsHttpMethod, len(blueprint.Browsers.Methods))
	for i, m := range blueprint.Browsers.Methods {
		methods[i] = awsapigatewayv2.CorsHttpMethod(m)
	}
	l.API = awsapigatewayv2.NewHttpApi(l.scope, jsii.String("Api"), &awsapigatewayv2.HttpApiProps{
		ApiName:            &l.props.NamePrefix,
		Description:        jsii.String("Latchkey: invitations and users of workspaces"),
		CreateDefaultStage: jsii.Bool(false),
		CorsPreflight: &awsapigatewayv2.CorsPreflightOptions{
			AllowOrigins:  &origins,
			AllowMethods:  &methods,
			AllowHeaders:  jsii.Strings(blueprint.Browsers.Sends...),
			ExposeHeaders: jsii.Strings(blueprint.Browsers.Reads...),
			MaxAge:        seconds(blueprint.Browsers.MaxAge.Seconds()),
		},
		// With an address of one's own, that is the only way in.
		DisableExecuteApiEndpoint: jsii.Bool(l.props.Domain != nil),
	})
	if l.props.Domain != nil {
		l.apiURL = jsii.String("https://" + l.props.Domain.Name)
	} else {
		l.apiURL = l.API.ApiEndpoint()
	}
}

// addRoutes makes every route of the blueprint, the stage with their
// throttles, and the domain.
func (l *Latchkey) addRoutes() {
	throttles := map[string]any{}
	var routes []constructs.IDependable
	for _, f := range blueprint.Functions() {
		if len(f.Routes) == 0 {
			continue
		}
		target := l.addIntegration(f)
		for _, r := range f.Routes {
			route := awsapigatewayv2.NewCfnRoute(l.scope, jsii.String("Route-"+r.Operation), &awsapigatewayv2.CfnRouteProps{
				ApiId: l.API.ApiId(), RouteKey: jsii.String(r.Key()), OperationName: &r.Operation, Target: target,
				AuthorizationType: jsii.String("JWT"), AuthorizerId: l.authorizer.Ref(),
			})
			if r.Auth == blueprint.Public {
				route.SetAuthorizationType(jsii.String("NONE"))
				route.SetAuthorizerId(nil)
				suppress(route, suppression{"AwsSolutions-APIG4",
					"invited people have no account yet: the link in the path authenticates itself, and lets nobody join"})
			}
			throttles[r.Key()] = map[string]any{"ThrottlingRateLimit": r.Throttle.Rate, "ThrottlingBurstLimit": r.Throttle.Burst}
			routes = append(routes, route)
		}
	}
	stage := l.addStage(throttles)
	// The stage's throttles name the routes, which have to be there before.
	stage.Node().AddDependency(routes...)
	if l.props.Domain != nil {
		l.addDomain(stage)
	}
}

// addIntegration lets the API, and nothing else, call a function.
func (l *Latchkey) addIntegration(f blueprint.Function) (target *string) {
	function := l.entries[f.Name]
	integration := awsapigatewayv2.NewCfnIntegration(l.scope, jsii.String("Integration-"+f.Name), &awsapigatewayv2.CfnIntegrationProps{
		ApiId: l.API.ApiId(), IntegrationType: jsii.String("AWS_PROXY"), IntegrationUri: function.FunctionArn(),
		PayloadFormatVersion: jsii.String("2.0"),
	})
	awslambda.NewCfnPermission(l.scope, jsii.String("ApiCalls-"+f.Name), &awslambda.CfnPermissionProps{
		Action: jsii.String("lambda:InvokeFunction"), FunctionName: function.FunctionArn(),
		Principal: jsii.String("apigateway.amazonaws.com"),
		SourceArn: l.arn("execute-api", *l.API.ApiId()+"/*/*"),
	})
	return jsii.String("integrations/" + *integration.Ref())
}

func (l *Latchkey) addStage(throttles map[string]any) awsapigatewayv2.CfnStage {
	// API Gateway adds itself to the policy of groups below /aws/vendedlogs/.
	log := l.newLog("api", jsii.String("/aws/vendedlogs/"+*l.named("api")))
	format, err := json.Marshal(accessLog)
	if err != nil {
		panic("latchkey: the access log's format: " + err.Error())
	}
	return awsapigatewayv2.NewCfnStage(l.scope, jsii.String("Stage"), &awsapigatewayv2.CfnStageProps{
		ApiId: l.API.ApiId(), StageName: jsii.String(stageName), AutoDeploy: true,
		AccessLogSettings: map[string]any{"destinationArn": l.arn("logs", "log-group:"+*log.LogGroupName()), "format": string(format)},
		// What no route matches costs a request too.
		DefaultRouteSettings: map[string]any{"throttlingRateLimit": 50, "throttlingBurstLimit": 100},
		RouteSettings:        throttles,
	})
}

// addDomain gives the API its own address, and the records for it where the
// zone is known.
func (l *Latchkey) addDomain(stage awsapigatewayv2.CfnStage) {
	d := l.props.Domain
	domain := awsapigatewayv2.NewCfnDomainName(l.scope, jsii.String("Domain"), &awsapigatewayv2.CfnDomainNameProps{
		DomainName: &d.Name,
		DomainNameConfigurations: []map[string]any{{
			"certificateArn": d.CertificateARN, "endpointType": "REGIONAL", "securityPolicy": "TLS_1_2",
		}},
	})
	l.beforeData(domain)
	awsapigatewayv2.NewCfnApiMapping(l.scope, jsii.String("DomainMapping"), &awsapigatewayv2.CfnApiMappingProps{
		ApiId: l.API.ApiId(), DomainName: domain.Ref(), Stage: stage.Ref(),
	})
	l.Outputs.More["ApiDomainTarget"] = domain.AttrRegionalDomainName()
	if d.HostedZoneID == "" {
		return
	}
	for _, kind := range []string{"A", "AAAA"} {
		awsroute53.NewCfnRecordSet(l.scope, jsii.String("Record"+kind), &awsroute53.CfnRecordSetProps{
			Name: &d.Name, Type: &kind, HostedZoneId: &d.HostedZoneID,
			AliasTarget: map[string]any{"dnsName": domain.AttrRegionalDomainName(), "hostedZoneId": domain.AttrRegionalHostedZoneId()},
		})
	}
}
