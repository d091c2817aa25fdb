package latchkey_test

import (
	"maps"
	"slices"
	"strings"
	"testing"
)

// TestPromises states what the design promises about permissions, straight
// from the template.
func TestPromises(t *testing.T) {
	made := standard(t)
	holders := func(prefix string) []string {
		var names []string
		for name, role := range roles(t, made) {
			for _, s := range statements(role) {
				if slices.ContainsFunc(many(s["Action"]), func(a string) bool { return strings.HasPrefix(a, prefix) }) {
					names = append(names, name)
					break
				}
			}
		}
		slices.Sort(names)
		return names
	}
	if got := holders("ses:"); !slices.Equal(got, []string{"mail"}) {
		t.Errorf("%v may call SES; only mail may", got)
	}
	for _, write := range []string{"dynamodb:Put", "dynamodb:Update", "dynamodb:Delete", "dynamodb:BatchWrite"} {
		if slices.Contains(holders(write), "list") {
			t.Errorf("list holds %s", write)
		}
	}
	if got := holders("dynamodb:Scan"); len(got) > 0 {
		t.Errorf("%v may scan", got)
	}
	if got := holders("secretsmanager:"); len(got) > 0 {
		t.Errorf("%v may read secrets", got)
	}
}

// TestWildcards allows a wildcard only where this list explains it.
func TestWildcards(t *testing.T) {
	for _, made := range []template{standard(t), everything(t)} {
		for id, r := range made.of("AWS::IAM::Role") {
			for _, s := range statements(r) {
				raw, actions := text(s["Resource"]), many(s["Action"])
				if slices.ContainsFunc(actions, func(a string) bool { return strings.Contains(a, "*") }) {
					t.Errorf("%s: actions %v", id, actions)
				}
				explained := !strings.Contains(raw, "*") ||
					// The streams of a function's own log group are named by Lambda.
					strings.Contains(raw, ":log-group:/aws/lambda/") && slices.Equal(actions, []string{"logs:CreateLogStream", "logs:PutLogEvents"}) ||
					// X-Ray has no resources to name. It is on by option.
					slices.Equal(actions, []string{"xray:PutTelemetryRecords", "xray:PutTraceSegments"}) ||
					// CodeDeploy reads the alarms that end a release.
					slices.Equal(actions, []string{"cloudwatch:DescribeAlarms"})
				if !explained {
					t.Errorf("%s: %v on %s", id, actions, raw)
				}
				if s["Effect"] != "Allow" || s["NotAction"] != nil || s["NotResource"] != nil {
					t.Errorf("%s: %s", id, text(s))
				}
			}
		}
	}
}

// TestNoPlaintextSecret looks for values that nobody may read in a template.
func TestNoPlaintextSecret(t *testing.T) {
	made := standard(t)
	for id, r := range made.of("AWS::SecretsManager::Secret") {
		if r.Properties["SecretString"] != nil || r.Properties["GenerateSecretString"] == nil {
			t.Errorf("%s carries its value", id)
		}
	}
	plain := []string{"DASHBOARD_URL", "MAIL_FROM", "MAIL_ATTEMPTS", "WORKSPACE_CREATION", "HISTORY_DAYS",
		"MAIL_INTERVAL_MS", "REPORTS_TO_PAUSE", "LOGO_HOSTS", "MAILS_PER_INVITER", "MAILS_PER_NEW_WORKSPACE", "MAILS_PER_WORKSPACE", "WORKSPACES_PER_ACCOUNT"}
	for id, r := range made.of("AWS::Lambda::Function") {
		variables := r.Properties["Environment"].(map[string]any)["Variables"].(map[string]any)
		for _, name := range slices.Sorted(maps.Keys(variables)) {
			if _, isText := variables[name].(string); isText && !slices.Contains(plain, name) {
				t.Errorf("%s: %s is plain text: %v", id, name, variables[name])
			}
		}
	}
	if len(made.Parameters) > 1 { // the bootstrap version is CDK's own
		t.Errorf("parameters: %v", made.Parameters)
	}
}
