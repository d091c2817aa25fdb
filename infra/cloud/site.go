package latchkey

import (
	"encoding/json"
	"maps"
	"net/url"
	"slices"
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awscertificatemanager"
	"github.com/aws/aws-cdk-go/awscdk/v2/awscloudfront"
	"github.com/aws/aws-cdk-go/awscdk/v2/awscloudfrontorigins"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslogs"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsroute53"
	"github.com/aws/aws-cdk-go/awscdk/v2/awss3"
	"github.com/aws/aws-cdk-go/awscdk/v2/awss3deployment"
	"github.com/aws/jsii-runtime-go"

	"github.com/latchkey/latchkey/infra/blueprint"
)

// siteFile runs at CloudFront's edge on every request, and does what
// blueprint.DashboardFile does; a test holds them together.
const siteFile = `function handler(event) {
  var request = event.request;
  if (request.uri.substring(request.uri.lastIndexOf('/') + 1).indexOf('.') < 0) request.uri = '/` + blueprint.DashboardPage + `';
  return request;
}
`

// cloudFrontZone is the hosted zone of every distribution's own name.
// https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-properties-route53-aliastarget.html
const cloudFrontZone = "Z2FDTNDATAQYW2"

// addSite deploys the reference dashboard: a private bucket, CloudFront before
// it, and config.json with what this deployment's outputs are.
func (l *Latchkey) addSite() {
	bucket := awss3.NewBucket(l.scope, jsii.String("SiteBucket"), &awss3.BucketProps{
		BlockPublicAccess: awss3.BlockPublicAccess_BLOCK_ALL(),
		Encryption:        awss3.BucketEncryption_S3_MANAGED,
		EnforceSSL:        jsii.Bool(true),
		ObjectOwnership:   awss3.ObjectOwnership_BUCKET_OWNER_ENFORCED,
		// Nothing is in it that a build does not make again.
		// CloudFormation deletes empty buckets alone, so they are emptied first.
		RemovalPolicy: awscdk.RemovalPolicy_DESTROY, AutoDeleteObjects: jsii.Bool(true),
	})
	suppress(bucket.Node().DefaultChild(), suppression{"AwsSolutions-S1", "CloudFront alone reads it, and what it reads is public"})

	log := l.newLog("site", jsii.String("/aws/lambda/"+*l.named("site")))
	distribution := l.addDistribution(bucket)
	l.addSiteRecords(distribution)
	l.addSiteFiles(bucket, log)
	l.governEmptying(log)
}

func (l *Latchkey) addDistribution(bucket awss3.Bucket) awscloudfront.Distribution {
	site, _ := url.Parse(l.props.Dashboards[0]) // Validate has parsed it
	route := awscloudfront.NewFunction(l.scope, jsii.String("SiteFile"), &awscloudfront.FunctionProps{
		FunctionName: l.global("page"),
		Comment:      jsii.String("Latchkey: one file answers for every page of the dashboard"),
		Runtime:      awscloudfront.FunctionRuntime_JS_2_0(),
		Code:         awscloudfront.FunctionCode_FromInline(jsii.String(siteFile)),
	})
	access := awscloudfront.NewS3OriginAccessControl(l.scope, jsii.String("SiteAccess"), &awscloudfront.S3OriginAccessControlProps{
		OriginAccessControlName: l.global("dashboard"),
	})
	distribution := awscloudfront.NewDistribution(l.scope, jsii.String("Site"), &awscloudfront.DistributionProps{
		Comment:     jsii.String("Latchkey: the dashboard"),
		DomainNames: jsii.Strings(site.Host),
		Certificate: awscertificatemanager.Certificate_FromCertificateArn(l.scope, jsii.String("SiteCertificate"), &l.props.Site.CertificateARN),

		MinimumProtocolVersion: awscloudfront.SecurityPolicyProtocol_TLS_V1_2_2021,
		HttpVersion:            awscloudfront.HttpVersion_HTTP2_AND_3,
		DefaultBehavior: &awscloudfront.BehaviorOptions{
			Origin:               awscloudfrontorigins.S3BucketOrigin_WithOriginAccessControl(bucket, &awscloudfrontorigins.S3BucketOriginWithOACProps{OriginAccessControl: access}),
			AllowedMethods:       awscloudfront.AllowedMethods_ALLOW_GET_HEAD(),
			ViewerProtocolPolicy: awscloudfront.ViewerProtocolPolicy_REDIRECT_TO_HTTPS,
			// Keeps to the Cache-Control of each file.
			CachePolicy:           awscloudfront.CachePolicy_CACHING_OPTIMIZED(),
			ResponseHeadersPolicy: l.addSiteHeaders(),
			FunctionAssociations: &[]*awscloudfront.FunctionAssociation{{
				EventType: awscloudfront.FunctionEventType_VIEWER_REQUEST, Function: route,
			}},
		},
		// S3 says 403 of what is not there to who may not list the bucket.
		ErrorResponses: &[]*awscloudfront.ErrorResponse{{
			HttpStatus: jsii.Number(403), ResponseHttpStatus: jsii.Number(404), ResponsePagePath: jsii.String("/" + blueprint.DashboardPage),
			Ttl: seconds(0),
		}},
	})
	suppress(distribution.Node().DefaultChild(),
		suppression{"AwsSolutions-CFR1", "people are invited from everywhere"},
		suppression{"AwsSolutions-CFR2", "static files, the same for everybody: a firewall would have nothing to guard; who wants one sets it on the distribution"},
		suppression{"AwsSolutions-CFR3", "an access log would keep the addresses of people, and tell nothing that the API's does not"},
	)
	return distribution
}

// addSiteHeaders sends the blueprint's security headers with every file.
func (l *Latchkey) addSiteHeaders() awscloudfront.IResponseHeadersPolicy {
	origins := []string{*l.apiURL}
	for _, o := range l.issuerOrigins {
		if !slices.Contains(origins, *o) {
			origins = append(origins, *o)
		}
	}
	security := map[string]any{
		// The blueprint has no such header, since the laptop speaks plain HTTP.
		"strictTransportSecurity": map[string]any{"accessControlMaxAgeSec": 31536000, "override": true},
	}
	var others []any
	used := blueprint.DashboardOrigins{Call: origins}
	if l.props.Site.SignOutWithToken {
		used.SignOut = origins[1:]
	}
	headers := blueprint.DashboardHeaders(used)
	for _, name := range slices.Sorted(maps.Keys(headers)) {
		value := headers[name]
		switch name { // CloudFront has fields of their own for these
		case "Content-Security-Policy":
			security["contentSecurityPolicy"] = map[string]any{"contentSecurityPolicy": value, "override": true}
		case "Referrer-Policy":
			security["referrerPolicy"] = map[string]any{"referrerPolicy": value, "override": true}
		case "X-Content-Type-Options":
			security["contentTypeOptions"] = map[string]any{"override": true}
		case "X-Frame-Options":
			security["frameOptions"] = map[string]any{"frameOption": value, "override": true}
		default:
			others = append(others, map[string]any{"header": name, "value": value, "override": true})
		}
	}
	policy := awscloudfront.NewCfnResponseHeadersPolicy(l.scope, jsii.String("SiteHeaders"), &awscloudfront.CfnResponseHeadersPolicyProps{
		ResponseHeadersPolicyConfig: map[string]any{
			"name":                  l.global("dashboard"),
			"securityHeadersConfig": security,
			"customHeadersConfig":   map[string]any{"items": others},
		},
	})
	return awscloudfront.ResponseHeadersPolicy_FromResponseHeadersPolicyId(l.scope, jsii.String("SiteHeadersUsed"), policy.AttrId())
}

// addSiteRecords leads the dashboard's name to the distribution where the zone
// is known.
func (l *Latchkey) addSiteRecords(distribution awscloudfront.Distribution) {
	l.Outputs.More["DashboardTarget"] = distribution.DistributionDomainName()
	if l.props.Site.HostedZoneID == "" {
		return
	}
	site, _ := url.Parse(l.props.Dashboards[0])
	for _, kind := range []string{"A", "AAAA"} {
		awsroute53.NewCfnRecordSet(l.scope, jsii.String("SiteRecord"+kind), &awsroute53.CfnRecordSetProps{
			Name: &site.Host, Type: &kind, HostedZoneId: &l.props.Site.HostedZoneID,
			AliasTarget: map[string]any{"dnsName": distribution.DistributionDomainName(), "hostedZoneId": cloudFrontZone},
		})
	}
}

// addSiteFiles copies the built dashboard into the bucket at each deployment:
// first what the pages load, then the pages. Files of earlier builds stay, for
// who has a page of theirs open.
func (l *Latchkey) addSiteFiles(bucket awss3.Bucket, log awslogs.LogGroup) {
	role := awsiam.NewRole(l.scope, jsii.String("Role-site"), &awsiam.RoleProps{
		Description: jsii.String("Latchkey: copies the dashboard into its bucket"),
		AssumedBy:   awsiam.NewServicePrincipal(jsii.String("lambda.amazonaws.com"), nil),
	})
	log.GrantWrite(role)

	folder := awss3deployment.Source_Asset(&l.props.Site.Folder, nil)
	config := awss3deployment.Source_JsonData(jsii.String("config.json"), l.siteConfig(), nil)
	copy := func(id string, caching string, sources []awss3deployment.ISource, exclude, include []string) awss3deployment.BucketDeployment {
		return awss3deployment.NewBucketDeployment(l.scope, &id, &awss3deployment.BucketDeploymentProps{
			DestinationBucket: bucket, Sources: &sources, Role: role, LogGroup: log, MemoryLimit: jsii.Number(256),
			CacheControl: &[]awss3deployment.CacheControl{awss3deployment.CacheControl_FromString(&caching)},
			Exclude:      jsii.Strings(exclude...), Include: jsii.Strings(include...),
			Prune: jsii.Bool(false), // the bucket itself is emptied when the stack goes
		})
	}
	assets := copy("SiteAssets", blueprint.DashboardCaching("assets/"), []awss3deployment.ISource{folder}, []string{"*"}, []string{"assets/*"})
	pages := copy("SitePages", blueprint.DashboardCaching(blueprint.DashboardPage), []awss3deployment.ISource{folder, config}, []string{"assets/*"}, nil)
	pages.Node().AddDependency(assets)

	policy := role.Node().FindChild(jsii.String("DefaultPolicy")).Node().DefaultChild().(awsiam.CfnPolicy)
	suppress(policy, suppression{"AwsSolutions-IAM5",
		"CDK's own: reads CDK's bucket of assets, and writes every file of the dashboard's bucket"})
	// CDK keeps its function once in each stack, outside of this construct.
	for _, child := range *l.stack.Node().Children() {
		if !strings.HasPrefix(*child.Node().Id(), "Custom::CDKBucketDeployment") {
			continue
		}
		for _, key := range slices.Sorted(maps.Keys(l.props.Tags)) {
			awscdk.Tags_Of(child).Add(&key, jsii.String(l.props.Tags[key]), nil)
		}
		function := child.Node().DefaultChild().(awslambda.CfnFunction)
		// It waits for the role by naming it, too, which cfn-lint minds.
		function.AddOverride(jsii.String("DependsOn"), []*string{l.stack.GetLogicalId(policy)})
		suppress(function,
			suppression{"AwsSolutions-L1", "CDK's own function, in the runtime that CDK tests it with"},
			suppression{"Serverless-LambdaLatestVersion", "CDK's own function, in the runtime that CDK tests it with"},
			suppression{"Serverless-LambdaDLQ", "CloudFormation waits for its answer"},
			suppression{"Serverless-LambdaTracing", "it runs at deployments alone"},
		)
	}
}

// governEmptying applies the props to the function that empties the bucket.
// CDK keeps it once in each stack, outside of this construct, as resources
// without a class of their own.
func (l *Latchkey) governEmptying(log awslogs.LogGroup) {
	provider := l.stack.Node().FindChild(jsii.String("Custom::S3AutoDeleteObjectsCustomResourceProvider"))
	role := provider.Node().FindChild(jsii.String("Role")).(awscdk.CfnResource)
	handler := provider.Node().FindChild(jsii.String("Handler")).(awscdk.CfnResource)
	// It waits for the role by naming it, too, which cfn-lint minds.
	handler.AddDeletionOverride(jsii.String("DependsOn"))
	// Its own log group would outlive the stack.
	handler.AddPropertyOverride(jsii.String("LoggingConfig"), map[string]any{"LogGroup": log.LogGroupName()})
	if arn := l.props.PermissionsBoundary; arn != "" {
		role.AddPropertyOverride(jsii.String("PermissionsBoundary"), arn)
	}
	var tags []map[string]any
	for _, key := range slices.Sorted(maps.Keys(l.props.Tags)) {
		tags = append(tags, map[string]any{"Key": key, "Value": l.props.Tags[key]})
	}
	if len(tags) > 0 {
		role.AddPropertyOverride(jsii.String("Tags"), tags)
		handler.AddPropertyOverride(jsii.String("Tags"), tags)
	}
}

// siteConfig is config.json, by the names that it has there.
func (l *Latchkey) siteConfig() map[string]any {
	config := blueprint.DashboardConfig{API: *l.apiURL, Issuer: *l.Outputs.Issuer, ClientID: *l.audience[0], SignOutWithToken: l.props.Site.SignOutWithToken}
	if l.signUpURL != nil {
		config.SignUp = *l.signUpURL
	}
	var named map[string]any
	raw, err := json.Marshal(config)
	if err == nil {
		err = json.Unmarshal(raw, &named)
	}
	if err != nil {
		panic("latchkey: config.json: " + err.Error())
	}
	return named
}
