package latchkey_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/latchkey/latchkey/infra/blueprint"
	"github.com/latchkey/latchkey/infra/blueprint/policy"
)

const (
	securityPage = "../../docs/security.md"
	matrixBegin  = "<!-- matrix: written by go test ./infra/cloud -run TestMatrix -update -->\n"
	matrixEnd    = "<!-- end of matrix -->\n"
)

// TestMatrix keeps docs/security.md true: the matrix is what the blueprint
// grants.
func TestMatrix(t *testing.T) {
	page, err := os.ReadFile(securityPage)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok := strings.Cut(string(page), matrixBegin)
	_, after, ok2 := strings.Cut(rest, matrixEnd)
	if !ok || !ok2 {
		t.Fatalf("%s has no place for the matrix: %s … %s", securityPage, matrixBegin, matrixEnd)
	}
	want := before + matrixBegin + matrix() + matrixEnd + after
	if *update {
		if err := os.WriteFile(securityPage, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	} else if !bytes.Equal(page, []byte(want)) {
		t.Errorf("the matrix in %s is not the blueprint's; write it anew with: go test ./infra/cloud -run TestMatrix -update", securityPage)
	}
}

func matrix() string {
	var out strings.Builder
	out.WriteString("\n| function | may | on | only | IAM actions | for |\n|---|---|---|---|---|---|\n")
	for _, f := range blueprint.Functions() {
		for _, g := range policy.Grants(f) {
			fmt.Fprintf(&out, "| %s | %s | %s | %s | %s | %s |\n", f.Name, g.What, g.On, g.Where, quoted(g.Action), g.Why)
		}
	}
	out.WriteString("\n")
	return out.String()
}

func quoted(words []string) string {
	return "`" + strings.Join(slices.Sorted(slices.Values(words)), "`, `") + "`"
}

// TestRoles compares each role of the template with the function's rendered
// policy, which infra/local judges calls by: nothing more, nothing less.
func TestRoles(t *testing.T) {
	made := standard(t)
	for name, role := range roles(t, made) {
		if len(role.Properties["ManagedPolicyArns"].([]any)) > 0 {
			t.Errorf("the role of %s has managed policies", name)
		}
		f, _ := blueprint.FunctionNamed(name)
		rendered := policy.For(f).Fill(func(token string) (string, bool) { return made.tokenValue(t, name, token), true })
		var want, got []string
		for _, s := range rendered.Statement {
			slices.Sort(s.Action)
			raw, err := json.Marshal(s)
			if err != nil {
				t.Fatal(err)
			}
			want = append(want, normal(t, raw))
		}
		for _, s := range statements(role) {
			s = maps.Clone(s) // the template is shared with other tests
			s["Action"] = many(s["Action"])
			slices.Sort(s["Action"].([]string))
			s["Resource"] = flattened(t, s["Resource"])
			got = append(got, normal(t, []byte(text(s))))
		}
		for _, more := range without(got, want) {
			t.Errorf("the role of %s has what its policy does not say: %s", name, more)
		}
		for _, less := range without(want, got) {
			t.Errorf("the role of %s lacks what its policy says: %s", name, less)
		}
	}
	for id := range made.of("AWS::IAM::Policy") {
		t.Errorf("%s widens a role outside its policy", id)
	}
}

// without removes one of each of the others from a list.
func without(list, others []string) []string {
	left := slices.Clone(list)
	for _, o := range others {
		if i := slices.Index(left, o); i >= 0 {
			left = slices.Delete(left, i, i+1)
		}
	}
	return left
}

// normal is JSON with sorted members.
func normal(t *testing.T, raw []byte) string {
	t.Helper()
	var v any
	if err := json.Unmarshal(raw, &v); err != nil {
		t.Fatal(err)
	}
	return text(v)
}

// flattened lists resources as texts, in which ${Id.Attribute} stands for what
// CloudFormation fills in.
func flattened(t *testing.T, v any) []string {
	t.Helper()
	if list, ok := v.([]any); ok {
		var all []string
		for _, one := range list {
			all = append(all, flattened(t, one)...)
		}
		return all
	}
	if s, ok := v.(string); ok {
		return []string{s}
	}
	intrinsic := v.(map[string]any)
	if of, ok := intrinsic["Fn::GetAtt"]; ok {
		return []string{"${" + of.([]any)[0].(string) + "." + of.([]any)[1].(string) + "}"}
	}
	if id, ok := intrinsic["Ref"]; ok {
		return []string{"${" + id.(string) + "}"}
	}
	if parts, ok := intrinsic["Fn::Join"]; ok && parts.([]any)[0] == "" {
		return []string{strings.Join(flattened(t, parts.([]any)[1]), "")}
	}
	t.Fatalf("what is this resource? %s", text(v))
	return nil
}

// tokenValue finds what a token of a policy stands for by looking for the one
// resource of the template that it can be.
func (made template) tokenValue(t *testing.T, function, token string) string {
	t.Helper()
	only := func(kind string) string {
		found := slices.Collect(maps.Keys(made.of(kind)))
		if len(found) != 1 {
			t.Fatalf("%s could be any of %v", token, found)
		}
		return found[0]
	}
	const home = ":eu-central-1:123456789012:" // where synth puts the stack
	const ses = "arn:${AWS::Partition}:ses" + home
	switch token {
	case policy.Table:
		return "${" + only("AWS::DynamoDB::GlobalTable") + ".Arn}"
	case policy.Stream:
		return "${" + only("AWS::DynamoDB::GlobalTable") + ".StreamArn}"
	case policy.Bus:
		return "${" + only("AWS::Events::EventBus") + ".Arn}"
	case policy.MetadataKey:
		return "${" + only("AWS::KMS::Key") + ".Arn}"
	case policy.Identity:
		return ses + "identity/example.com"
	case policy.ConfigurationSet:
		return ses + "configuration-set/${" + only("AWS::SES::ConfigurationSet") + "}"
	case policy.Sender:
		return "invitations@example.com"
	case policy.LogStreams:
		return "arn:${AWS::Partition}:logs" + home + "log-group:/aws/lambda/latchkey-" + function + ":*"
	}
	for id, q := range made.of("AWS::SQS::Queue") {
		if q.Properties["QueueName"] == "latchkey-"+strings.Trim(strings.TrimPrefix(token, "{queue "), "}") {
			return "${" + id + ".Arn}"
		}
	}
	t.Fatalf("what is %s?", token)
	return ""
}

// TestOtherRoles checks the two roles beside the functions': the schedule's
// calls its function and uses its dead-letter queue, and CodeDeploy's moves
// aliases and reads alarms.
func TestOtherRoles(t *testing.T) {
	made := standard(t)
	ofFunctions := map[string]bool{}
	for _, role := range roles(t, made) {
		ofFunctions[text(role.Properties["Description"])] = true
	}
	others := 0
	for id, role := range made.of("AWS::IAM::Role") {
		if ofFunctions[text(role.Properties["Description"])] {
			continue
		}
		others++
		var may []string
		for _, s := range statements(role) {
			may = append(may, strings.Join(many(s["Action"]), " ")+" "+text(s["Resource"]))
		}
		want := []string{`lambda:InvokeFunction {"Ref":"LatchkeyAliasexpire`, `sqs:SendMessage {"Fn::GetAtt":["LatchkeyQueuescheduledead`}
		if strings.Contains(id, "ReleaseRole") {
			want = []string{`lambda:GetAlias lambda:GetProvisionedConcurrencyConfig lambda:UpdateAlias [{"Fn::GetAtt":["LatchkeyFunction`, `cloudwatch:DescribeAlarms "*"`}
		}
		if !slices.EqualFunc(may, want, strings.HasPrefix) {
			t.Errorf("%s may %v, want %v", id, may, want)
		}
	}
	if others != 2 {
		t.Errorf("%d roles beside the functions', want 2", others)
	}
}

// roles gives the role of each function, found from the function.
func roles(t *testing.T, made template) map[string]resource {
	t.Helper()
	found := map[string]resource{}
	for _, f := range made.of("AWS::Lambda::Function") {
		name := strings.TrimPrefix(f.Properties["FunctionName"].(string), "latchkey-")
		id := f.Properties["Role"].(map[string]any)["Fn::GetAtt"].([]any)[0].(string)
		role := made.Resources[id]
		if role.Properties["ManagedPolicyArns"] == nil {
			role.Properties["ManagedPolicyArns"] = []any{}
		}
		found[name] = role
	}
	if len(found) != len(blueprint.Functions()) {
		t.Fatalf("%d functions with roles, %d in the blueprint", len(found), len(blueprint.Functions()))
	}
	return found
}

func statements(role resource) []map[string]any {
	var all []map[string]any
	policies, _ := role.Properties["Policies"].([]any)
	for _, p := range policies {
		for _, s := range p.(map[string]any)["PolicyDocument"].(map[string]any)["Statement"].([]any) {
			all = append(all, s.(map[string]any))
		}
	}
	return all
}

// many is one text or several, as IAM has it.
func many(v any) []string {
	if one, ok := v.(string); ok {
		return []string{one}
	}
	var all []string
	for _, one := range v.([]any) {
		all = append(all, one.(string))
	}
	return all
}
