package upgrade

import (
	"encoding/json"
	"maps"
	"os/exec"
	"reflect"
	"slices"
	"strings"
	"testing"
)

func template(resources string) Template {
	var t Template
	if err := json.Unmarshal([]byte(`{"Resources": {`+resources+`}}`), &t); err != nil {
		panic(err)
	}
	return t
}

const table = `"Table": {"Type": "AWS::DynamoDB::GlobalTable", "DeletionPolicy": "Retain", "Properties": {
	"KeySchema": [{"AttributeName": "pk"}], "GlobalSecondaryIndexes": [{"IndexName": "a"}], "Replicas": [{"Region": "eu-west-1"}]}}`

func TestCompare(t *testing.T) {
	for name, c := range map[string]struct {
		before, after string
		kind          Kind
		sentence      string
		problem       string // a part of it; "" for none
	}{
		"created":     {``, `"A": {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": "mail"}}`, Created, "The queue mail is created.", ""},
		"alarm goes":  {`"A": {"Type": "AWS::CloudWatch::Alarm", "Properties": {"AlarmName": "x"}}`, ``, Removed, "The alarm x is deleted.", ""},
		"queue goes":  {`"A": {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": "mail"}}`, ``, Removed, "The queue mail is deleted.", "messages that wait"},
		"table goes":  {table, ``, Removed, "The table Table leaves the stack and stays in the account.", "every workspace"},
		"type":        {`"A": {"Type": "AWS::SQS::Queue"}`, `"A": {"Type": "AWS::SNS::Topic"}`, Removed, "The queue A is deleted.", "messages"},
		"in place":    {`"A": {"Type": "AWS::Lambda::Function", "Properties": {"FunctionName": "invite", "Timeout": 1, "Code": "a"}}`, `"A": {"Type": "AWS::Lambda::Function", "Properties": {"FunctionName": "invite", "Timeout": 2, "Code": "b"}}`, Changed, "The function invite changes in place: Code and Timeout.", ""},
		"queue named": {`"A": {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": "mail"}}`, `"A": {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": "post"}}`, Replaced, "The queue post is deleted and created anew, since QueueName cannot change.", "messages"},
		"key":         {table, strings.Replace(table, `"pk"`, `"id"`, 1), Replaced, "The table Table is deleted and created anew, since KeySchema cannot change.", "every workspace"},
		"one index":   {table, strings.Replace(table, `{"IndexName": "a"}`, `{"IndexName": "a"}, {"IndexName": "b"}`, 1), Changed, "The table Table changes in place: GlobalSecondaryIndexes.", ""},
		"two indexes": {table, strings.Replace(table, `{"IndexName": "a"}`, `{"IndexName": "b"}`, 1), Changed, "The table Table changes in place: GlobalSecondaryIndexes.", "one index for each update"},
		"one replica": {table, strings.Replace(table, `{"Region": "eu-west-1"}`, `{"Region": "eu-west-1"}, {"Region": "us-east-1"}`, 1), Changed, "The table Table changes in place: Replicas.", ""},
		"two replicas": {table, strings.Replace(table, `{"Region": "eu-west-1"}`, `{"Region": "eu-west-1"}, {"Region": "us-east-1"}, {"Region": "us-west-2"}`, 1),
			Changed, "The table Table changes in place: Replicas.", "one replica for each update"},
		"pool":  {`"A": {"Type": "AWS::Cognito::UserPool", "Properties": {"Schema": [1]}}`, `"A": {"Type": "AWS::Cognito::UserPool", "Properties": {"Schema": [1, 2]}}`, Changed, "The user pool A changes in place: Schema.", "Cognito refuses another Schema"},
		"keeps": {table, strings.Replace(table, `"Retain"`, `"RetainExceptOnCreate"`, 1), Changed, "The table Table stays as it is; how CloudFormation treats it changes (DeletionPolicy).", ""},
		"drops": {table, strings.Replace(table, `"Retain"`, `"Delete"`, 1), Changed, "The table Table stays as it is; how CloudFormation treats it changes (DeletionPolicy).", "deleted with the stack from now on"},
	} {
		changes := Compare(template(c.before), template(c.after))
		if len(changes) == 0 {
			t.Errorf("%s: no change", name)
			continue
		}
		got := changes[0]
		if got.Kind != c.kind || got.Sentence != c.sentence {
			t.Errorf("%s: %s, %q; want %s, %q", name, got.Kind, got.Sentence, c.kind, c.sentence)
		}
		if (got.Problem == "") != (c.problem == "") || !strings.Contains(got.Problem, c.problem) {
			t.Errorf("%s: problem %q, want %q", name, got.Problem, c.problem)
		}
	}
	if changes := Compare(template(table), template(table)); len(changes) != 0 {
		t.Errorf("of the same template: %v", changes)
	}
}

// schemas prints the createOnlyProperties of CloudFormation's public schemas,
// which cfn-lint carries.
const schemas = `
import json, sys
from cfnlint.schema.manager import PROVIDER_SCHEMA_MANAGER as manager
found = {}
for kind in sys.argv[1:]:
    schema = manager.get_resource_schema("us-east-1", kind).schema
    paths = schema.get("createOnlyProperties", []) + schema.get("conditionalCreateOnlyProperties", [])
    found[kind] = sorted(".".join(path.split("/")[2:]) for path in paths)
print(json.dumps(found))
`

// TestImmutable compares the properties that replace a resource with
// CloudFormation's own schemas.
func TestImmutable(t *testing.T) {
	lint, err := exec.LookPath("cfn-lint")
	if err != nil {
		t.Skip("cfn-lint is not installed (pip install cfn-lint): immutable.json is not compared with CloudFormation's schemas")
	}
	python := "python3"
	if _, err := exec.Command(python, "-c", "import cfnlint").CombinedOutput(); err != nil {
		t.Skipf("%s belongs to another Python than %s: immutable.json is not compared with CloudFormation's schemas", lint, python)
	}
	out, err := exec.Command(python, append([]string{"-c", schemas}, slices.Sorted(maps.Keys(immutable))...)...).Output()
	if err != nil {
		t.Fatal(err)
	}
	var want map[string][]string
	if err := json.Unmarshal(out, &want); err != nil {
		t.Fatal(err)
	}
	for kind, properties := range immutable {
		if !reflect.DeepEqual(properties, want[kind]) {
			t.Errorf("%s: %v, in the schemas %v", kind, properties, want[kind])
		}
	}
}
