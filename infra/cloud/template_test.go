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

	"github.com/latchkey/latchkey/infra/blueprint"
)

var assetHash = regexp.MustCompile(`[0-9a-f]{64}`)

// TestSnapshot shows a reviewer what changes in the cloud.
func TestSnapshot(t *testing.T) {
	const golden = "testdata/template.json"
	var made map[string]any
	if err := json.Unmarshal(standard(t).raw, &made); err != nil {
		t.Fatal(err)
	}
	for _, r := range made["Resources"].(map[string]any) {
		if metadata, ok := r.(map[string]any)["Metadata"].(map[string]any); ok {
			for key := range metadata { // paths say nothing that ids don't
				if strings.HasPrefix(key, "aws:") {
					delete(metadata, key)
				}
			}
			if len(metadata) == 0 {
				delete(r.(map[string]any), "Metadata")
			}
		}
	}
	var got bytes.Buffer
	encoder := json.NewEncoder(&got)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", " ")
	if err := encoder.Encode(made); err != nil {
		t.Fatal(err)
	}
	masked := assetHash.ReplaceAll(got.Bytes(), []byte("asset"))
	if *update {
		if err := os.WriteFile(golden, masked, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(masked, want) {
		t.Errorf("the template changed. See how with: go test ./infra/cloud -run TestSnapshot -update && git diff infra/cloud/%s\n%s", golden, firstDifference(want, masked))
	}
}

func firstDifference(want, got []byte) string {
	a, b := bytes.Split(want, []byte("\n")), bytes.Split(got, []byte("\n"))
	for i := range min(len(a), len(b)) {
		if !bytes.Equal(a[i], b[i]) {
			return "line " + string(a[i]) + "\nis now " + string(b[i])
		}
	}
	return "one goes on after the other ends"
}

// lint runs cfn-lint, a Python tool, where the machine has it.
func lint(t *testing.T, made template) {
	t.Helper()
	tool, err := exec.LookPath("cfn-lint")
	if err != nil {
		t.Skip("cfn-lint is not installed (pip install cfn-lint): the template is not linted")
	}
	out, err := exec.Command(tool, "--format", "parseable", filepath.Join(made.folder, "Latchkey.template.json")).CombinedOutput()
	if err != nil || len(bytes.TrimSpace(out)) > 0 {
		t.Errorf("cfn-lint: %v\n%s", err, out)
	}
}

func TestLint(t *testing.T)         { lint(t, standard(t)) }
func TestLintComplete(t *testing.T) { lint(t, everything(t)) }

// TestTable checks what protects the data.
func TestTable(t *testing.T) {
	for _, c := range []struct {
		name            string
		made            template
		policy, replace string
		protect         bool
	}{
		{"standard", standard(t), "RetainExceptOnCreate", "Retain", true},
		{"destroyed with the stack", everything(t), "Delete", "Delete", false},
	} {
		for id, table := range c.made.of("AWS::DynamoDB::GlobalTable") {
			p := table.Properties
			replica := p["Replicas"].([]any)[0].(map[string]any)
			if table.DeletionPolicy != c.policy || table.UpdateReplacePolicy != c.replace || replica["DeletionProtectionEnabled"] != c.protect {
				t.Errorf("%s: %s: kept %s, protected %v", c.name, id, table.DeletionPolicy, replica["DeletionProtectionEnabled"])
			}
			if p["BillingMode"] != "PAY_PER_REQUEST" || text(replica["PointInTimeRecoverySpecification"]) != `{"PointInTimeRecoveryEnabled":true}` ||
				text(p["TimeToLiveSpecification"]) != `{"AttributeName":"`+blueprint.AttrTTL+`","Enabled":true}` ||
				text(p["StreamSpecification"]) != `{"StreamViewType":"NEW_AND_OLD_IMAGES"}` {
				t.Errorf("%s: %s: %s", c.name, id, text(p))
			}
			if got := len(p["GlobalSecondaryIndexes"].([]any)); got != len(blueprint.TheTable().Indexes) {
				t.Errorf("%s: %d indexes", c.name, got)
			}
		}
		for _, kind := range []string{"AWS::KMS::Key", "AWS::SecretsManager::Secret"} {
			for id, r := range c.made.of(kind) {
				if r.DeletionPolicy != c.policy && !strings.HasPrefix(id, "TableKey") {
					t.Errorf("%s: %s is not kept with the table: %s", c.name, id, r.DeletionPolicy)
				}
			}
		}
	}
}

// TestPool checks what keeps people from taking over each other's address.
func TestPool(t *testing.T) {
	made := standard(t)
	for _, pool := range made.of("AWS::Cognito::UserPool") {
		p := pool.Properties
		if text(p["UsernameAttributes"]) != `["email"]` || p["AliasAttributes"] != nil || text(p["AutoVerifiedAttributes"]) != `["email"]` {
			t.Errorf("pool: %s", text(p))
		}
		if text(p["UserAttributeUpdateSettings"]) != `{"AttributesRequireVerificationBeforeUpdate":["email"]}` {
			t.Error("a changed address counts before it is verified")
		}
		if !strings.Contains(text(p["LambdaConfig"]), "PostConfirmation") {
			t.Error("account is not told of confirmed accounts")
		}
	}
	for id, client := range made.of("AWS::Cognito::UserPoolClient") {
		if strings.Contains(text(client.Properties), "operator") || client.Properties["GenerateSecret"] == true {
			t.Errorf("%s, the browsers' client, has more than people need", id)
		}
	}
	if strings.Contains(string(made.raw), "ForceAliasCreation") {
		t.Error("ForceAliasCreation")
	}
}

// TestManagedLogin serves the sign-in pages that know prompt=login, with a
// branding for the client that uses them, and asks for a name.
func TestManagedLogin(t *testing.T) {
	made := standard(t)
	for id, domain := range made.of("AWS::Cognito::UserPoolDomain") {
		if domain.Properties["ManagedLoginVersion"] != 2.0 {
			t.Errorf("%s: version %v of the sign-in pages, want 2", id, domain.Properties["ManagedLoginVersion"])
		}
	}
	brandings := made.of("AWS::Cognito::ManagedLoginBranding")
	if len(brandings) != 1 {
		t.Errorf("%d brandings, want 1", len(brandings))
	}
	for id, branding := range brandings {
		if !strings.Contains(text(branding.Properties["ClientId"]), "UserPoolDashboard") || branding.Properties["UseCognitoProvidedValues"] != true {
			t.Errorf("%s: %s", id, text(branding.Properties))
		}
	}
	optional := minimal()
	optional.NameOptional = true
	for _, c := range []struct {
		made template
		want string
	}{
		{made, `[{"Mutable":true,"Name":"email","Required":true},{"Mutable":true,"Name":"name","Required":true}]`},
		{synth(t, optional, nil), `[{"Mutable":true,"Name":"email","Required":true}]`},
	} {
		for id, pool := range c.made.of("AWS::Cognito::UserPool") {
			if got := text(pool.Properties["Schema"]); got != c.want {
				t.Errorf("%s asks for %s, want %s", id, got, c.want)
			}
		}
	}
	page := resolved(made.Outputs["SignUpPage"].(map[string]any)["Value"])
	for _, part := range []string{"/signup?", "redirect_uri=https%3A%2F%2Fapp.example.com%2Fcallback", "response_type=code", "&client_id=ref-LatchkeyUserPoolDashboard"} {
		if !strings.Contains(page, part) {
			t.Errorf("the sign-up page %s lacks %s", page, part)
		}
	}
}

// TestOptions checks that every option arrives.
func TestOptions(t *testing.T) {
	made := everything(t)
	for id, role := range made.of("AWS::IAM::Role") {
		if role.Properties["PermissionsBoundary"] != "arn:aws:iam::123456789012:policy/boundary" {
			t.Errorf("%s has no boundary", id)
		}
		if !strings.Contains(text(role.Properties["Tags"]), `"identity"`) {
			t.Errorf("%s has no tag", id)
		}
	}
	for id, f := range made.of("AWS::Lambda::Function") {
		name := strings.TrimPrefix(f.Properties["FunctionName"].(string), "acme-invites-")
		described, ok := blueprint.FunctionNamed(name)
		if !ok {
			t.Errorf("%s is named %s", id, f.Properties["FunctionName"])
		}
		if text(f.Properties["TracingConfig"]) != `{"Mode":"Active"}` {
			t.Errorf("%s is not traced", id)
		}
		reserved, _ := f.Properties["ReservedConcurrentExecutions"].(float64)
		if int(reserved) != described.ReservedConcurrency {
			t.Errorf("%s reserves %v", id, reserved)
		}
		variables := f.Properties["Environment"].(map[string]any)["Variables"].(map[string]any)
		for name, want := range map[string]string{
			"DASHBOARD_URL": "https://app.example.com/users", "API_URL": "https://invitations.example.com",
			"WORKSPACE_CREATION": "operators", "HISTORY_DAYS": "30", "MAIL_FROM": "invitations@mail.example.com",
		} {
			if got, ok := variables[name]; ok && got != want {
				t.Errorf("%s: %s is %v", id, name, got)
			}
		}
	}
	for _, log := range made.of("AWS::Logs::LogGroup") {
		if log.Properties["RetentionInDays"] != 90.0 {
			t.Errorf("log: %s", text(log.Properties))
		}
	}
	for _, alarm := range made.of("AWS::CloudWatch::Alarm") {
		if !strings.Contains(text(alarm.Properties["AlarmActions"]), ":on-call") {
			t.Errorf("nobody is told of %v", alarm.Properties["AlarmName"])
		}
	}
	for _, a := range made.of("AWS::ApiGatewayV2::Authorizer") {
		if text(a.Properties["JwtConfiguration"]) != `{"Audience":["dashboard","backend"],"Issuer":"https://login.example.com/"}` {
			t.Errorf("authorizer: %s", text(a.Properties))
		}
	}
	for _, api := range made.of("AWS::ApiGatewayV2::Api") {
		if api.Properties["DisableExecuteApiEndpoint"] != true {
			t.Error("there is a way in beside the domain")
		}
		if got := text(api.Properties["CorsConfiguration"].(map[string]any)["AllowOrigins"]); got != `["https://app.example.com","https://admin.example.com"]` {
			t.Errorf("origins %s", got)
		}
	}
	for kind, want := range map[string]int{
		"AWS::Cognito::UserPool": 0, "AWS::SES::EmailIdentity": 0, "AWS::CloudWatch::Dashboard": 0,
		"AWS::ApiGatewayV2::DomainName": 1, "AWS::Route53::RecordSet": 2,
	} {
		if got := len(made.of(kind)); got != want {
			t.Errorf("%d of %s, want %d", got, kind, want)
		}
	}
	if !strings.Contains(string(made.raw), ":identity/example.com") {
		t.Error("mail may not send as the identity that exists")
	}
}

// TestReplicas copies table and link key to another region.
func TestReplicas(t *testing.T) {
	props := minimal()
	props.Replicas = []string{"eu-west-1"}
	props.MailFromDomain = "bounce.example.com"
	props.AccountMailFromSender = true
	made := synth(t, props, nil)
	for _, table := range made.of("AWS::DynamoDB::GlobalTable") {
		replicas := table.Properties["Replicas"].([]any)
		for _, r := range replicas {
			replica := r.(map[string]any)
			if replica["DeletionProtectionEnabled"] != true || replica["PointInTimeRecoverySpecification"] == nil {
				t.Errorf("a replica is less protected: %s", text(replica))
			}
		}
		if len(replicas) != 2 {
			t.Errorf("replicas: %s", text(replicas))
		}
	}
	for _, secret := range made.of("AWS::SecretsManager::Secret") {
		if text(secret.Properties["ReplicaRegions"]) != `[{"Region":"eu-west-1"}]` {
			t.Errorf("link key: %s", text(secret.Properties))
		}
	}
	for _, identity := range made.of("AWS::SES::EmailIdentity") {
		if !strings.Contains(text(identity.Properties["MailFromAttributes"]), "bounce.example.com") {
			t.Errorf("identity: %s", text(identity.Properties))
		}
	}
	lint(t, made)
}
