package latchkey_test

import (
	"bytes"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/latchkey/latchkey/infra/blueprint"
	latchkey "github.com/latchkey/latchkey/infra/cloud"
)

const (
	securityPage = "../../docs/security.md"
	matrixBegin  = "<!-- matrix: written by go test ./infra/cloud -run TestMatrix -update -->\n"
	matrixEnd    = "<!-- end of matrix -->\n"
)

// row is one line of the matrix, without its words.
type row struct{ function, on, where, actions string }

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
		for _, g := range latchkey.Grants(f) {
			fmt.Fprintf(&out, "| %s | %s | %s | %s | %s | %s |\n", f.Name, g.What, g.On, g.Where, quoted(g.Actions), g.Why)
		}
	}
	out.WriteString("\n")
	return out.String()
}

func quoted(words []string) string {
	return "`" + strings.Join(slices.Sorted(slices.Values(words)), "`, `") + "`"
}

// matrixRows reads the matrix back from the page: what people were told.
func matrixRows(t *testing.T) []row {
	t.Helper()
	page, err := os.ReadFile(securityPage)
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(page), matrixBegin)
	text, _, _ := strings.Cut(rest, matrixEnd)
	var rows []row
	for line := range strings.Lines(text) {
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), "|")
		if len(cells) != 6 || strings.HasPrefix(cells[0], "---") || strings.TrimSpace(cells[0]) == "function" {
			continue
		}
		rows = append(rows, row{strings.TrimSpace(cells[0]), strings.TrimSpace(cells[2]), strings.TrimSpace(cells[3]), strings.TrimSpace(cells[4])})
	}
	return rows
}

// TestRoles compares each statement of each role in the template with the
// matrix on the page: nothing more, nothing less.
func TestRoles(t *testing.T) {
	made := standard(t)
	granted := map[row]int{}
	for name, role := range roles(t, made) {
		if len(role.Properties["ManagedPolicyArns"].([]any)) > 0 {
			t.Errorf("the role of %s has managed policies", name)
		}
		for _, s := range statements(role) {
			granted[row{name, resourceWords(t, s), conditionWords(t, s), quoted(many(s["Action"]))}]++
		}
	}
	told := map[row]int{}
	for _, r := range matrixRows(t) {
		told[r]++
	}
	if len(told) < len(blueprint.Functions()) {
		t.Fatalf("%d rows in the matrix", len(told))
	}
	for r, n := range granted {
		if told[r] != n {
			t.Errorf("a role has what the matrix does not say: %+v", r)
		}
	}
	for r, n := range told {
		if granted[r] != n {
			t.Errorf("the matrix says what no role has: %+v", r)
		}
	}
	for id := range made.of("AWS::IAM::Policy") {
		t.Errorf("%s widens a role outside the matrix", id)
	}
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

// resourceWords says in the words of the matrix what a statement is about.
func resourceWords(t *testing.T, s map[string]any) string {
	t.Helper()
	raw := text(s["Resource"])
	switch {
	case strings.Contains(raw, `"*"`):
		return "everything"
	case strings.Contains(raw, "LatchkeyTable") && strings.Contains(raw, `"StreamArn"`):
		return "table stream"
	case strings.Contains(raw, "LatchkeyTable") && strings.Contains(raw, "/index/"):
		_, index, _ := strings.Cut(raw, "/index/")
		return "index " + index[:strings.IndexByte(index, '"')]
	case strings.Contains(raw, "LatchkeyTable"):
		return "table"
	case strings.Contains(raw, "LatchkeyBus"):
		return "event bus"
	case strings.HasPrefix(raw, `{"Ref":"LatchkeyLinkKey`):
		return "link key"
	case strings.Contains(raw, "LatchkeyMetadataKey"):
		return "metadata key"
	case strings.Contains(raw, ":identity/example.com") && strings.Contains(raw, ":configuration-set/"):
		return "mail identity and configuration set"
	case strings.Contains(raw, ":log-group:/aws/lambda/latchkey-"):
		return "own log group"
	}
	for _, q := range blueprint.Queues() {
		if strings.Contains(raw, "LatchkeyQueue"+strings.ReplaceAll(q.Name, "-", "")) && strings.Contains(q.Name, "dead") == strings.Contains(raw, "dead") {
			return "queue " + q.Name
		}
	}
	t.Errorf("what is this resource? %s", raw)
	return raw
}

// conditionWords says in the words of the matrix when a statement holds.
func conditionWords(t *testing.T, s map[string]any) string {
	t.Helper()
	if s["Condition"] == nil {
		return ""
	}
	raw := text(s["Condition"])
	const leading = `{"ForAllValues:StringLike":{"dynamodb:LeadingKeys":`
	switch {
	case strings.HasPrefix(raw, leading):
		keys := many(s["Condition"].(map[string]any)["ForAllValues:StringLike"].(map[string]any)["dynamodb:LeadingKeys"])
		return "partition keys `" + strings.Join(keys, "`, `") + "`"
	case raw == `{"ForAllValues:StringEquals":{"kms:EncryptionContextKeys":["workspace"]},"Null":{"kms:EncryptionContext:workspace":"false"}}`:
		return "encryption context names the workspace, and nothing else"
	case raw == `{"StringEquals":{"ses:FromAddress":"invitations@example.com"}}`:
		return "from the configured sender"
	}
	t.Errorf("what is this condition? %s", raw)
	return raw
}
