package latchkey_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/jsii-runtime-go"

	latchkey "github.com/latchkey/latchkey/infra/cloud"
)

func TestValidate(t *testing.T) {
	site := &latchkey.Site{Folder: builtSite(t), CertificateARN: siteCertificate}
	for _, c := range []struct {
		name   string
		change func(*latchkey.Props)
		field  string // "" where nothing is wrong
		says   string
	}{
		{"minimal", func(*latchkey.Props) {}, "", ""},
		{"no sender", func(p *latchkey.Props) { p.Sender = "" }, "Sender", "set an email address such as"},
		{"half a sender", func(p *latchkey.Props) { p.Sender = "invitations" }, "Sender", `is "invitations"; set an email address`},
		{"no dashboard", func(p *latchkey.Props) { p.Dashboards = nil }, "Dashboards", "set the address of the web page"},
		{"http dashboard", func(p *latchkey.Props) { p.Dashboards = []string{"http://app.example.com"} }, "Dashboards", "https://"},
		{"slash", func(p *latchkey.Props) { p.Dashboards = []string{"https://app.example.com/"} }, "Dashboards", "without a trailing slash"},
		{"query", func(p *latchkey.Props) { p.Dashboards = []string{"https://app.example.com?a=b"} }, "Dashboards", "query, fragment or wildcard"},
		{"any origin", func(p *latchkey.Props) { p.Dashboards = []string{"https://*.example.com"} }, "Dashboards", "query, fragment or wildcard"},
		{"issuer without audience", func(p *latchkey.Props) { p.Issuer = "https://login.example.com" }, "Audience", "set the client id"},
		{"audience without issuer", func(p *latchkey.Props) { p.Audience = []string{"a"} }, "Audience", "set the address of the OIDC issuer"},
		{"http issuer", func(p *latchkey.Props) { p.Issuer, p.Audience = "http://login.example.com", []string{"a"} }, "Issuer", "openid-configuration"},
		{"mfa of a foreign issuer", func(p *latchkey.Props) {
			p.Issuer, p.Audience, p.RequireMFA = "https://login.example.com", []string{"a"}, true
		}, "RequireMFA", "at the issuer"},
		{"foreign identity", func(p *latchkey.Props) { p.SenderIdentity = "other.example" }, "SenderIdentity", "does not cover"},
		{"identity by suffix", func(p *latchkey.Props) { p.SenderIdentity = "ample.com" }, "SenderIdentity", "does not cover"},
		{"identity of the address", func(p *latchkey.Props) { p.SenderIdentity = "invitations@example.com" }, "", ""},
		{"mail from elsewhere", func(p *latchkey.Props) { p.MailFromDomain = "bounce.other.example" }, "MailFromDomain", "bounce.example.com"},
		{"mail from the domain", func(p *latchkey.Props) { p.MailFromDomain = "example.com" }, "MailFromDomain", "subdomain"},
		{"creation", func(p *latchkey.Props) { p.WorkspaceCreation = "anyone" }, "WorkspaceCreation", `is "anyone"; set signed-in or operators`},
		{"history", func(p *latchkey.Props) { p.HistoryDays = -1 }, "HistoryDays", `is "-1"; set a whole number from 1 to 3650`},
		{"mail rate", func(p *latchkey.Props) { p.MailRate = 501 }, "MailRate", "from 1 to 500"},
		{"logo hosts", func(p *latchkey.Props) { p.LogoHosts = []string{"cdn.example.com", "https://x"} }, "LogoHosts", "host names such as cdn.example.com"},
		{"workspaces", func(p *latchkey.Props) { p.WorkspacesPerAccount = 10_001 }, "WorkspacesPerAccount", "from 1 to 10000"},
		{"retention", func(p *latchkey.Props) { p.LogRetentionDays = 31 }, "LogRetentionDays", "30 60 90"},
		{"prefix", func(p *latchkey.Props) { p.NamePrefix = "Acme_" }, "NamePrefix", "lower case"},
		{"prefix of Cognito", func(p *latchkey.Props) { p.NamePrefix = "my-aws" }, "NamePrefix", "Cognito refuses"},
		{"stage", func(p *latchkey.Props) { p.Stage = "test" }, "Stage", `"development"`},
		{"no alarm topic", func(p *latchkey.Props) { p.AlarmMail = "" }, "AlarmMail", "notify no one"},
		{"no alarm topic, declined", func(p *latchkey.Props) { p.AlarmMail, p.OmitAlarmTopic = "", true }, "", ""},
		{"no alarm topic in development", func(p *latchkey.Props) { p.AlarmMail, p.Stage = "", latchkey.StageDevelopment }, "", ""},
		{"alarm mail", func(p *latchkey.Props) { p.AlarmMail = "On call <on-call@example.com>" }, "AlarmMail", "on-call@example.com"},
		{"topic and none", func(p *latchkey.Props) { p.OmitAlarmTopic = true }, "OmitAlarmTopic", "one of the three"},
		{"unprotected development", func(p *latchkey.Props) { p.Unprotected, p.Stage = true, latchkey.StageDevelopment }, "Unprotected", "production"},
		{"boundary", func(p *latchkey.Props) { p.PermissionsBoundary = "boundary" }, "PermissionsBoundary", "arn:aws:iam"},
		{"replica", func(p *latchkey.Props) { p.Replicas = []string{"Frankfurt"} }, "Replicas", "eu-central-1"},
		{"domain", func(p *latchkey.Props) { p.Domain = &latchkey.Domain{Name: "https://x"} }, "Domain", "host name"},
		{"certificate", func(p *latchkey.Props) { p.Domain = &latchkey.Domain{Name: "a.example.com"} }, "Domain", "ACM certificate"},
		{"site", func(p *latchkey.Props) { p.Site = site }, "", ""},
		{"site's certificate", func(p *latchkey.Props) {
			p.Site = &latchkey.Site{Folder: site.Folder, CertificateARN: "arn:aws:acm:eu-central-1:123456789012:certificate/1"}
		}, "Site", "us-east-1"},
		{"site's folder", func(p *latchkey.Props) { p.Site = &latchkey.Site{Folder: "nowhere", CertificateARN: siteCertificate} }, "Site", "make build"},
		{"site below a path", func(p *latchkey.Props) { p.Dashboards, p.Site = []string{"https://app.example.com/users"}, site }, "Site", "root of a host"},
		{"site's callback", func(p *latchkey.Props) { p.Site, p.CallbackPath = site, "/back" }, "CallbackPath", "leave it unset"},
		{"site's origins", func(p *latchkey.Props) {
			p.Issuer, p.Audience = "https://login.example.com", []string{"a"}
			p.Site = &latchkey.Site{Folder: site.Folder, CertificateARN: siteCertificate, IssuerOrigins: []string{"https://a.example.com/path"}}
		}, "Site", "not an origin"},
		{"origins of the pool", func(p *latchkey.Props) {
			p.Site = &latchkey.Site{Folder: site.Folder, CertificateARN: siteCertificate, IssuerOrigins: []string{"https://a.example.com"}}
		}, "Site", "without Issuer"},
		{"a token to sign out of the pool", func(p *latchkey.Props) {
			p.Site = &latchkey.Site{Folder: site.Folder, CertificateARN: siteCertificate, SignOutWithToken: true}
		}, "Site", "without Issuer"},
	} {
		props := minimal()
		c.change(&props)
		err := props.Validate()
		if c.field == "" {
			if err != nil {
				t.Errorf("%s: %v", c.name, err)
			}
			continue
		}
		var problems latchkey.Problems
		if !errors.As(err, &problems) {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		if problems[0].Field != c.field || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

// TestValidateAtOnce names every problem in one go.
func TestValidateAtOnce(t *testing.T) {
	err := latchkey.Props{WorkspaceCreation: "x", HistoryDays: 9999}.Validate()
	for _, field := range []string{"Dashboards", "Sender", "WorkspaceCreation", "HistoryDays"} {
		if !strings.Contains(err.Error(), field+": ") {
			t.Errorf("%s is not named: %v", field, err)
		}
	}
}

// TestGrantOperator gives a backend its scope, and the authorizer its client.
func TestGrantOperator(t *testing.T) {
	made := synth(t, minimal(), func(_ awscdk.Stack, l *latchkey.Latchkey) {
		l.GrantOperator("billing")
		l.GrantOperator("sync")
	})
	var operators []string
	for id, c := range made.of("AWS::Cognito::UserPoolClient") {
		if !strings.Contains(text(c.Properties["AllowedOAuthScopes"]), "/operator") {
			continue
		}
		operators = append(operators, id)
		if text(c.Properties["AllowedOAuthFlows"]) != `["client_credentials"]` || c.Properties["GenerateSecret"] != true ||
			text(c.Properties["ExplicitAuthFlows"]) != `["ALLOW_REFRESH_TOKEN_AUTH"]` {
			t.Errorf("people can sign in with %s: %s", id, text(c.Properties))
		}
	}
	if len(operators) != 2 || len(made.of("AWS::Cognito::UserPoolResourceServer")) != 1 {
		t.Fatalf("operators %v", operators)
	}
	for _, a := range made.of("AWS::ApiGatewayV2::Authorizer") {
		for _, id := range operators {
			if !strings.Contains(text(a.Properties["JwtConfiguration"]), `{"Ref":"`+id+`"}`) {
				t.Errorf("the authorizer does not know %s", id)
			}
		}
	}
}

// TestTwo puts two deployments into one stack: an importer may want that.
func TestTwo(t *testing.T) {
	made := synth(t, minimal(), func(stack awscdk.Stack, _ *latchkey.Latchkey) {
		second := minimal()
		second.NamePrefix, second.FunctionsFolder = "second", stubs()
		second.SenderIdentity = "example.com"
		latchkey.New(stack, "Second", &second)
	})
	if got := len(made.of("AWS::DynamoDB::GlobalTable")); got != 2 {
		t.Errorf("%d tables", got)
	}
}

// TestUnfit panics with a sentence, as constructs do.
func TestUnfit(t *testing.T) {
	defer func() {
		if said, _ := recover().(string); !strings.Contains(said, "Sender: is empty; set") {
			t.Errorf("said %q", said)
		}
	}()
	app := awscdk.NewApp(nil)
	latchkey.New(awscdk.NewStack(app, jsii.String("S"), nil), "L", &latchkey.Props{})
}
