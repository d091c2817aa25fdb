package policy_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/latchkey/latchkey/infra/blueprint"
	"github.com/latchkey/latchkey/infra/blueprint/policy"
)

const (
	table = "arn:aws:dynamodb:eu-central-1:123456789012:table/latchkey"
	key   = "arn:aws:kms:eu-central-1:123456789012:key/k"
)

func document(statements ...policy.Statement) policy.Document {
	for i := range statements {
		if statements[i].Effect == "" {
			statements[i].Effect = "Allow"
		}
	}
	return policy.Document{Version: "2012-10-17", Statement: statements}
}

// The rules of IAM's evaluation, each with the page's own kind of example.
func TestEvaluation(t *testing.T) {
	leading := policy.Condition{"ForAllValues:StringLike": {"dynamodb:LeadingKeys": {"WS#*", "SLUG#?"}}}
	context := policy.Condition{
		"ForAllValues:StringEquals": {"kms:EncryptionContextKeys": {"workspace"}},
		"Null":                      {"kms:EncryptionContext:workspace": {"false"}},
	}
	get := document(policy.Statement{Action: []string{"dynamodb:GetItem"}, Resource: []string{table}, Condition: leading})
	decrypt := document(policy.Statement{Action: []string{"kms:Decrypt"}, Resource: []string{key}, Condition: context})
	for _, c := range []struct {
		name string
		d    policy.Document
		r    policy.Request
		want bool
	}{
		{"nothing is allowed that is not said", document(), policy.Request{Action: "dynamodb:GetItem", Resource: table}, false},
		{"what is said is allowed", get, policy.Request{Action: "dynamodb:GetItem", Resource: table, Context: map[string][]string{"dynamodb:LeadingKeys": {"WS#1"}}}, true},
		{"another action", get, policy.Request{Action: "dynamodb:PutItem", Resource: table, Context: map[string][]string{"dynamodb:LeadingKeys": {"WS#1"}}}, false},
		{"another table", get, policy.Request{Action: "dynamodb:GetItem", Resource: table + "2", Context: map[string][]string{"dynamodb:LeadingKeys": {"WS#1"}}}, false},
		{"an index is not its table", get, policy.Request{Action: "dynamodb:GetItem", Resource: table + "/index/byDue", Context: map[string][]string{"dynamodb:LeadingKeys": {"WS#1"}}}, false},
		{"the case of a condition key does not matter", get, policy.Request{Action: "dynamodb:getitem", Resource: table, Context: map[string][]string{"DynamoDB:leadingkeys": {"WS#1"}}}, true},
		{"the case of a value does", get, policy.Request{Action: "dynamodb:GetItem", Resource: table, Context: map[string][]string{"dynamodb:LeadingKeys": {"ws#1"}}}, false},
		{"one value of many that does not match", get, policy.Request{Action: "dynamodb:GetItem", Resource: table, Context: map[string][]string{"dynamodb:LeadingKeys": {"WS#1", "ACCOUNT#1"}}}, false},
		{"a question mark is one character", get, policy.Request{Action: "dynamodb:GetItem", Resource: table, Context: map[string][]string{"dynamodb:LeadingKeys": {"SLUG#a"}}}, true},
		{"and not two", get, policy.Request{Action: "dynamodb:GetItem", Resource: table, Context: map[string][]string{"dynamodb:LeadingKeys": {"SLUG#ab"}}}, false},
		{"ForAllValues is true of no values", get, policy.Request{Action: "dynamodb:GetItem", Resource: table}, true},
		{"Null false wants the key", decrypt, policy.Request{Action: "kms:Decrypt", Resource: key}, false},
		{"the context that is wanted", decrypt, policy.Request{Action: "kms:Decrypt", Resource: key, Context: map[string][]string{
			"kms:EncryptionContextKeys": {"workspace"}, "kms:EncryptionContext:workspace": {"ws_1"}}}, true},
		{"a context with more in it", decrypt, policy.Request{Action: "kms:Decrypt", Resource: key, Context: map[string][]string{
			"kms:EncryptionContextKeys": {"workspace", "user"}, "kms:EncryptionContext:workspace": {"ws_1"}}}, false},
		{"StringEquals wants the key", document(policy.Statement{Action: []string{"ses:SendEmail"}, Resource: []string{"*"}, Condition: policy.Condition{"StringEquals": {"ses:FromAddress": {"a@b"}}}}),
			policy.Request{Action: "ses:SendEmail", Resource: "arn:aws:ses:x:1:identity/b"}, false},
		{"a star in an action", document(policy.Statement{Action: []string{"dynamodb:*Item"}, Resource: []string{"*"}}), policy.Request{Action: "dynamodb:PutItem", Resource: table}, true},
		{"a star stays in its segment", document(policy.Statement{Action: []string{"*"}, Resource: []string{"arn:aws:dynamodb:*:table/latchkey"}}), policy.Request{Action: "dynamodb:PutItem", Resource: table}, false},
		{"a star reaches beyond a slash", document(policy.Statement{Action: []string{"*"}, Resource: []string{table + "*"}}), policy.Request{Action: "dynamodb:Query", Resource: table + "/index/byDue"}, true},
		{"a denial wins", document(policy.Statement{Action: []string{"*"}, Resource: []string{"*"}}, policy.Statement{Effect: "Deny", Action: []string{"dynamodb:Put*"}, Resource: []string{table}}),
			policy.Request{Action: "dynamodb:PutItem", Resource: table}, false},
	} {
		if err := c.d.Check(); err != nil {
			t.Errorf("%s: %v", c.name, err)
		}
		if got := c.d.Allows(c.r); got != c.want {
			t.Errorf("%s: %v", c.name, got)
		}
	}
}

func TestAnUnknownOperatorIsAnError(t *testing.T) {
	d := document(policy.Statement{Action: []string{"*"}, Resource: []string{"*"}, Condition: policy.Condition{"DateLessThan": {"aws:CurrentTime": {"2030-01-01T00:00:00Z"}}}})
	if d.Check() == nil {
		t.Error("it was taken for one that is known")
	}
	if (policy.Document{Statement: []policy.Statement{{Effect: "allow"}}}).Check() == nil {
		t.Error("an effect in lower case was taken for one that is known")
	}
}

// Every function's document can be evaluated and has a value for each token.
func TestDocumentsOfAllFunctions(t *testing.T) {
	for _, f := range blueprint.Functions() {
		seen := map[string]bool{}
		d := policy.For(f).Fill(func(token string) (string, bool) { seen[token] = true; return "x", true })
		if err := d.Check(); err != nil {
			t.Errorf("%s: %v", f.Name, err)
		}
		if !seen[policy.LogStreams] {
			t.Errorf("%s may not write its log", f.Name)
		}
		raw, err := json.Marshal(d)
		if err != nil || strings.Contains(string(raw), policy.Table) {
			t.Errorf("%s: %s %v", f.Name, raw, err)
		}
		if len(d.Statement) != len(policy.Grants(f)) {
			t.Errorf("%s: %d statements for %d grants", f.Name, len(d.Statement), len(policy.Grants(f)))
		}
	}
}

func TestATokenWithoutAValuePanics(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("a statement about nothing was rendered")
		}
	}()
	document(policy.Statement{Resource: []string{policy.Table}}).Fill(func(string) (string, bool) { return "", false })
}

func TestJSON(t *testing.T) {
	f := blueprint.Function{Name: "f", Permissions: []blueprint.Permission{
		{Verb: blueprint.Change, On: blueprint.OnByDue, Keys: []string{"WS#*"}}, {Verb: blueprint.Send, On: blueprint.OnSender},
	}}
	raw, err := json.Marshal(policy.For(f).Statement[:2])
	want := `[{"Effect":"Allow","Action":["dynamodb:UpdateItem"],"Resource":["{table}/index/byDue"],"Condition":{"ForAllValues:StringLike":{"dynamodb:LeadingKeys":["WS#*"]}}},` +
		`{"Effect":"Allow","Action":["ses:SendEmail"],"Resource":["{identity}","{configuration set}"],"Condition":{"StringEquals":{"ses:FromAddress":"{sender}"}}}]`
	if err != nil || string(raw) != want {
		t.Errorf("%s\nwant %s, %v", raw, want, err)
	}
}
