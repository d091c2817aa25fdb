package latchkey_test

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/aws/aws-cdk-go/awscdk/v2"

	"github.com/latchkey/latchkey/infra/blueprint"
	latchkey "github.com/latchkey/latchkey/infra/cloud"
)

const siteCertificate = "arn:aws:acm:us-east-1:123456789012:certificate/11111111-2222-3333-4444-555555555555"

// builtSite is a folder like the one that make build writes.
func builtSite(t *testing.T) string {
	t.Helper()
	folder := t.TempDir()
	for name, content := range map[string]string{blueprint.DashboardPage: "<!doctype html>", "assets/index-1.js": "1"} {
		path := filepath.Join(folder, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return folder
}

func withSite(t *testing.T) latchkey.Props {
	t.Helper()
	props := minimal()
	props.Site = &latchkey.Site{CertificateARN: siteCertificate, HostedZoneID: "Z0123456789ABCDEFGHIJ", Folder: builtSite(t)}
	props.Tags = map[string]string{"team": "identity"}
	props.PermissionsBoundary = "arn:aws:iam::123456789012:policy/boundary"
	props.OmitDashboard = true // CloudWatch's
	return props
}

// TestSite checks how the dashboard is served, with nothing but the template.
func TestSite(t *testing.T) {
	made := synth(t, withSite(t), nil)
	for id, bucket := range made.of("AWS::S3::Bucket") {
		if text(bucket.Properties["PublicAccessBlockConfiguration"]) != `{"BlockPublicAcls":true,"BlockPublicPolicy":true,"IgnorePublicAcls":true,"RestrictPublicBuckets":true}` {
			t.Errorf("%s may be public: %s", id, text(bucket.Properties))
		}
	}
	for id, policy := range made.of("AWS::S3::BucketPolicy") {
		for _, s := range policy.Properties["PolicyDocument"].(map[string]any)["Statement"].([]any) {
			statement := s.(map[string]any)
			if statement["Effect"] == "Deny" || strings.Contains(text(statement["Principal"]), "S3AutoDeleteObjects") {
				continue
			}
			if text(statement["Principal"]) != `{"Service":"cloudfront.amazonaws.com"}` || text(statement["Action"]) != `"s3:GetObject"` ||
				!strings.Contains(text(statement["Condition"]), "distribution/") {
				t.Errorf("%s: %s", id, text(statement))
			}
		}
	}
	distributions := made.of("AWS::CloudFront::Distribution")
	if len(distributions) != 1 {
		t.Fatalf("%d distributions", len(distributions))
	}
	for id, d := range distributions {
		c := d.Properties["DistributionConfig"].(map[string]any)
		behavior := c["DefaultCacheBehavior"].(map[string]any)
		if text(c["Aliases"]) != `["app.example.com"]` || !strings.Contains(text(c["ViewerCertificate"]), `"TLSv1.2_2021"`) ||
			behavior["ViewerProtocolPolicy"] != "redirect-to-https" || behavior["ResponseHeadersPolicyId"] == nil || behavior["FunctionAssociations"] == nil {
			t.Errorf("%s: %s", id, text(c))
		}
		for _, o := range c["Origins"].([]any) {
			if o.(map[string]any)["OriginAccessControlId"] == nil {
				t.Errorf("the bucket is read without an access control: %s", text(o))
			}
		}
	}
	if emptied := made.of("Custom::S3AutoDeleteObjects"); len(emptied) != 1 {
		t.Errorf("%d custom resources empty the bucket when the stack goes, want 1", len(emptied))
	}
	for id, f := range made.of("AWS::Lambda::Function") {
		if f.Properties["LoggingConfig"] == nil {
			t.Errorf("%s writes a log group that outlives the stack", id)
		}
	}
	if got := len(made.of("AWS::Route53::RecordSet")); got != 2 {
		t.Errorf("%d records", got)
	}
	for id, role := range made.of("AWS::IAM::Role") {
		if role.Properties["PermissionsBoundary"] != "arn:aws:iam::123456789012:policy/boundary" {
			t.Errorf("%s has no boundary", id)
		}
	}
	for id, f := range made.of("AWS::Lambda::Function") {
		if !strings.Contains(text(f.Properties["Tags"]), `"identity"`) {
			t.Errorf("%s has no tag", id)
		}
	}
	caching := map[string]bool{}
	for _, copied := range made.of("Custom::CDKBucketDeployment") {
		caching[text(copied.Properties["SystemMetadata"])+text(copied.Properties["Exclude"])+text(copied.Properties["Include"])] = true
	}
	for _, want := range []string{
		`{"cache-control":"` + blueprint.DashboardCaching("assets/x.js") + `"}["*"]["assets/*"]`,
		`{"cache-control":"` + blueprint.DashboardCaching("config.json") + `"}["assets/*"][]`,
	} {
		if !caching[want] {
			t.Errorf("no files are copied as %s, but as %v", want, caching)
		}
	}
	lint(t, made)
	if len(standard(t).of("AWS::CloudFront::Distribution"))+len(standard(t).of("AWS::S3::Bucket")) > 0 {
		t.Error("a dashboard is deployed without Site")
	}
}

// TestSiteHeaders finds every header of the blueprint in the template, and the
// origins that browsers call in the Content-Security-Policy.
func TestSiteHeaders(t *testing.T) {
	for name, c := range map[string]struct {
		change  func(*latchkey.Props)
		origins []string
	}{
		"pool": {func(*latchkey.Props) {}, []string{`"ApiEndpoint"]}," https://cognito-idp.eu-central-1.`, ".auth.eu-central-1.amazoncognito.com"}},
		"own issuer": {func(p *latchkey.Props) {
			p.Issuer, p.Audience = "https://login.example.com/tenant/", []string{"dashboard"}
			p.Site.IssuerOrigins = []string{"https://oauth2.example.com"}
		}, []string{`"ApiEndpoint"]}," https://login.example.com https://oauth2.example.com;`, "form-action 'none'"}},
		"an issuer that takes a token": {func(p *latchkey.Props) {
			p.Issuer, p.Audience = "https://login.example.com/tenant/", []string{"dashboard"}
			p.Site.SignOutWithToken = true
		}, []string{"form-action 'self' https://login.example.com;"}},
	} {
		props := withSite(t)
		c.change(&props)
		made := synth(t, props, nil)
		for _, policy := range made.of("AWS::CloudFront::ResponseHeadersPolicy") {
			sent := text(policy.Properties)
			for header, value := range blueprint.DashboardHeaders(blueprint.DashboardOrigins{}) {
				if header == "Content-Security-Policy" {
					value = "default-src 'none'; script-src 'self'"
				}
				if header != "X-Content-Type-Options" && !strings.Contains(sent, value) {
					t.Errorf("%s: %s %q is not sent", name, header, value)
				}
			}
			if !strings.Contains(sent, `"ContentTypeOptions":{"Override":true}`) || !strings.Contains(sent, `"AccessControlMaxAgeSec":31536000`) {
				t.Errorf("%s: %s", name, sent)
			}
			for _, origin := range c.origins {
				if !strings.Contains(sent, origin) {
					t.Errorf("%s: browsers may not call %s: %s", name, origin, sent)
				}
			}
		}
	}
}

// TestSiteConfig reads config.json as it is deployed: the four fields, of which
// those that only the deployment knows are filled in there.
func TestSiteConfig(t *testing.T) {
	made := synth(t, withSite(t), nil)
	files, err := filepath.Glob(filepath.Join(made.folder, "asset.*", "config.json"))
	if err != nil || len(files) != 1 {
		t.Fatalf("config.json: %v, %v", files, err)
	}
	content, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	filled := regexp.MustCompile(`<<marker:[^>]+>>`).ReplaceAll(content, []byte(`"filled in"`))
	var config blueprint.DashboardConfig
	decoder := json.NewDecoder(bytes.NewReader(filled))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&config); err != nil || config.API == "" || config.Issuer == "" || config.ClientID == "" || config.SignUp == "" {
		t.Errorf("config.json: %s, %v", content, err)
	}
	markers := ""
	for _, copied := range made.of("Custom::CDKBucketDeployment") {
		markers += text(copied.Properties["SourceMarkers"])
	}
	for _, value := range []string{`"ApiEndpoint"`, `UserPoolDashboard`, `.amazoncognito.com/signup`, `https://cognito-idp.eu-central-1.`} {
		if !strings.Contains(markers, value) {
			t.Errorf("%s is not filled in: %s", value, markers)
		}
	}
}

// TestSiteFile runs the function at the edge beside the blueprint's.
func TestSiteFile(t *testing.T) {
	made := synth(t, withSite(t), nil)
	for id, f := range made.of("AWS::CloudFront::Function") {
		paths := []string{"/", "/login", "/nexus/workspace-settings/users/add", "/index.html", "/config.json", "/assets/index-1.js", "/a.b/c", "/callback"}
		asked, err := json.Marshal(paths)
		if err != nil {
			t.Fatal(err)
		}
		script := f.Properties["FunctionCode"].(string) + `console.log(JSON.stringify(` + string(asked) + `.map(uri => handler({request: {uri}}).uri)))`
		out, err := exec.Command("node", "-e", script).Output()
		if err != nil {
			t.Fatal(err)
		}
		var answered []string
		if err := json.Unmarshal(out, &answered); err != nil {
			t.Fatal(err)
		}
		for i, path := range paths {
			if want := "/" + blueprint.DashboardFile(path); answered[i] != want {
				t.Errorf("%s: %s is answered by %s, on the laptop by %s", id, path, answered[i], want)
			}
		}
	}
}

// TestSiteNag applies cdk-nag with the dashboard.
func TestSiteNag(t *testing.T) {
	loadNag(t)
	nagFindings(t, synth(t, withSite(t), func(stack awscdk.Stack, _ *latchkey.Latchkey) { watch(stack) }))
}
