package latchkey_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/jsii-runtime-go"

	latchkey "github.com/latchkey/latchkey/infra/cloud"
)

// deployment is one stage in one region.
type deployment struct {
	stack, region string
	made          template
}

// deploy synthesizes a deployment with the dashboard, as infra/main.go does.
func deploy(t *testing.T, region string, props latchkey.Props) deployment {
	t.Helper()
	folder, err := os.MkdirTemp(scratch, "cdk")
	if err != nil {
		t.Fatal(err)
	}
	props.FunctionsFolder = stubs()
	app := awscdk.NewApp(&awscdk.AppProps{Outdir: &folder, AnalyticsReporting: jsii.Bool(false)})
	stack := awscdk.NewStack(app, jsii.String(props.StackName()), &awscdk.StackProps{
		Env: &awscdk.Environment{Account: jsii.String("123456789012"), Region: &region},
	})
	latchkey.New(stack, "Latchkey", &props).AddOutputs()
	app.Synth(nil)
	raw, err := os.ReadFile(filepath.Join(folder, props.StackName()+".template.json"))
	if err != nil {
		t.Fatal(err)
	}
	return deployment{props.StackName(), region, parse(t, raw)}
}

// withoutRegion are the services whose names all regions of an account share.
// https://docs.aws.amazon.com/general/latest/gr/rande.html
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Dashboards.html
var withoutRegion = regexp.MustCompile(`^AWS::(CloudFront|IAM|S3|Route53)::|^AWS::CloudWatch::Dashboard$`)

// local are names that mean something within another resource alone, or that
// two resources may share.
var local = []string{
	"AWS::CloudWatch::Alarm MetricName", "AWS::ApiGatewayV2::Stage StageName", "AWS::ApiGatewayV2::Route OperationName",
	"AWS::Lambda::Alias Name", "AWS::Route53::RecordSet Name", "AWS::IAM::Policy PolicyName",
	"AWS::CodeDeploy::DeploymentGroup DeploymentConfigName", "AWS::CodeDeploy::DeploymentGroup DeploymentGroupName",
}

// physicalNames are the names that the template gives to its resources, each
// with the space that it has to be unique in.
func (d deployment) physicalNames() []string {
	var names []string
	note := func(kind, property string, value any) {
		name := text(value)
		if strings.HasPrefix(name, `{"Ref"`) || strings.HasPrefix(name, `{"Fn::GetAtt"`) || slices.Contains(local, kind+" "+property) {
			return
		}
		space := kind
		if !withoutRegion.MatchString(kind) {
			space += " in " + d.region
		}
		names = append(names, space+" "+property+" "+strings.ReplaceAll(name, "AWS::StackId", d.stack+d.region))
	}
	for _, r := range d.made.Resources {
		for property, value := range r.Properties {
			if strings.HasSuffix(property, "Name") || property == "EmailIdentity" || r.Type == "AWS::Cognito::UserPoolDomain" && property == "Domain" {
				note(r.Type, property, value)
			}
			if inner, ok := value.(map[string]any); ok && strings.HasSuffix(property, "Config") && inner["Name"] != nil {
				note(r.Type, property+".Name", inner["Name"])
			}
		}
	}
	return names
}

// TestStagesShareNothing synthesizes two stages in two regions of one account:
// no name that AWS wants to be unique is given twice.
func TestStagesShareNothing(t *testing.T) {
	site := func() *latchkey.Site {
		return &latchkey.Site{CertificateARN: siteCertificate, Folder: builtSite(t)}
	}
	staging := minimal()
	staging.NamePrefix, staging.Stage, staging.Dashboards = "latchkey-staging", latchkey.StageDevelopment, []string{"https://staging.example.com"}
	staging.Site = site()
	// An SES identity is the domain itself: the first stage has it.
	staging.SenderIdentity = "example.com"
	production := minimal()
	production.Site = site()

	given := map[string]string{}
	stacks := map[string]bool{}
	for _, region := range []string{"eu-central-1", "us-east-1"} {
		for _, props := range []latchkey.Props{production, staging} {
			d := deploy(t, region, props)
			if stacks[d.stack+region] {
				t.Errorf("two stages are one stack, %s in %s", d.stack, region)
			}
			stacks[d.stack+region] = true
			here := fmt.Sprintf("%s in %s", d.stack, region)
			names := d.physicalNames()
			if len(names) < 50 {
				t.Errorf("%s: %d names: the test does not see them", here, len(names))
			}
			for _, name := range names {
				if other, taken := given[name]; taken {
					t.Errorf("%s is in %s and in %s", name, other, here)
				}
				given[name] = here
			}
			for id, output := range d.made.Outputs {
				if output.(map[string]any)["Export"] != nil {
					t.Errorf("%s: the output %s is exported: names of exports are the account's", here, id)
				}
			}
		}
	}
}

// TestStackName keeps the default's name and gives each prefix its own.
func TestStackName(t *testing.T) {
	for prefix, want := range map[string]string{"": "Latchkey", "latchkey": "Latchkey", "latchkey-staging": "Latchkey-staging", "acme": "Acme"} {
		if got := (latchkey.Props{NamePrefix: prefix}).StackName(); got != want {
			t.Errorf("%q: stack %s, want %s", prefix, got, want)
		}
	}
}

// stateful are the resources that hold what a build cannot make again.
var stateful = []string{
	"AWS::DynamoDB::GlobalTable", "AWS::KMS::Key", "AWS::Cognito::UserPool",
}

// TestRetention checks what each stage keeps when the stack is deleted, and
// that a first deployment that fails leaves nothing behind.
func TestRetention(t *testing.T) {
	first := minimal()
	first.Unprotected = true
	development := minimal()
	development.Stage = latchkey.StageDevelopment
	for name, c := range map[string]struct {
		props                latchkey.Props
		deletion, protection string
	}{
		"production":       {minimal(), "RetainExceptOnCreate", "ACTIVE"},
		"first deployment": {first, "RetainExceptOnCreate", "INACTIVE"},
		"development":      {development, "Delete", "INACTIVE"},
	} {
		made := synth(t, c.props, nil)
		kept := 0
		for id, r := range made.Resources {
			want := "Delete"
			if slices.Contains(stateful, r.Type) {
				want = c.deletion
				kept++
			}
			if got := r.DeletionPolicy; got != want && (got != "" || want != "Delete") {
				t.Errorf("%s: the deletion policy of %s is %q, want %s", name, id, got, want)
			}
			if p := r.Properties["DeletionProtection"]; p != nil && p != c.protection {
				t.Errorf("%s: %s has deletion protection %v, want %s", name, id, p, c.protection)
			}
		}
		if kept != len(stateful) {
			t.Errorf("%s: %d stateful resources, want %d", name, kept, len(stateful))
		}
		for id, table := range made.of("AWS::DynamoDB::GlobalTable") {
			replica := table.Properties["Replicas"].([]any)[0].(map[string]any)
			if replica["DeletionProtectionEnabled"] != (c.protection == "ACTIVE") {
				t.Errorf("%s: %s has deletion protection %v", name, id, replica["DeletionProtectionEnabled"])
			}
		}
	}
}

// TestDataComesLast creates what fails in first deployments before the table
// and the keys.
func TestDataComesLast(t *testing.T) {
	props := minimal()
	props.Domain = &latchkey.Domain{Name: "invitations.example.com",
		CertificateARN: "arn:aws:acm:eu-central-1:123456789012:certificate/11111111-2222-3333-4444-555555555555"}
	made := synth(t, props, nil)
	for _, kind := range stateful[:2] {
		for id, r := range made.of(kind) {
			for _, first := range []string{"LatchkeySenderIdentity", "LatchkeyDomain"} {
				if !slices.ContainsFunc(many(r.DependsOn), func(d string) bool { return strings.HasPrefix(d, first) }) {
					t.Errorf("%s does not wait for %s", id, first)
				}
			}
		}
	}
}

// TestAlarmMail creates a topic that CloudWatch may publish to and subscribes
// the address.
func TestAlarmMail(t *testing.T) {
	made := standard(t)
	for id, s := range made.of("AWS::SNS::Subscription") {
		if s.Properties["Protocol"] == "email" && s.Properties["Endpoint"] != "on-call@example.com" {
			t.Errorf("%s: %s", id, text(s.Properties))
		}
	}
	allowed := false
	for _, p := range made.of("AWS::SNS::TopicPolicy") {
		raw := text(p.Properties)
		if strings.Contains(raw, "LatchkeyAlarmTopic") {
			allowed = strings.Contains(raw, `{"Service":"cloudwatch.amazonaws.com"}`) && strings.Contains(raw, `"AWS:SourceAccount"`)
		}
	}
	if !allowed {
		t.Error("CloudWatch may not publish to the alarm topic")
	}
	for id, alarm := range made.of("AWS::CloudWatch::Alarm") {
		for _, list := range []string{"AlarmActions", "OKActions"} {
			if !strings.Contains(text(alarm.Properties[list]), "LatchkeyAlarmTopic") {
				t.Errorf("%s: %s is %s", id, list, text(alarm.Properties[list]))
			}
		}
	}
}
