// Package upgrade compares the CloudFormation templates of two versions of a
// stack and says in a sentence what a deployment of the second does to each
// resource of the first. It knows what holds data, and reports what an update
// would lose or could not do.
//
// It works on templates alone, without CDK and without an account.
package upgrade

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
)

// Template holds the part of a CloudFormation template that Compare needs.
type Template struct {
	Resources map[string]Resource
}

// Resource is one resource of a template.
type Resource struct {
	Type                string
	Properties          map[string]any
	DeletionPolicy      string
	UpdateReplacePolicy string
	UpdatePolicy        any
	DependsOn           any
}

// Kind is what an update does to a resource.
type Kind string

const (
	Created  Kind = "created"
	Removed  Kind = "removed"
	Changed  Kind = "changed in place"
	Replaced Kind = "replaced"
)

// Change is what an update does to one resource.
type Change struct {
	ID         string // logical id
	Type       string
	Kind       Kind
	Properties []string // that differ, sorted
	Sentence   string
	// Problem is why the update must not be deployed: it loses data, breaks what
	// clients rely on, or CloudFormation would refuse it. Empty if the update is
	// fine.
	Problem string
}

// stateful are the types whose resources a deployment cannot restore, each with
// what is lost. An API is among them because its address is in every link that
// was sent, and a client because dashboards are configured with its id.
var stateful = map[string]string{
	"AWS::DynamoDB::GlobalTable":    "every workspace and user",
	"AWS::KMS::Key":                 "all metadata that is encrypted under it",
	"AWS::SecretsManager::Secret":   "every invitation link that is out",
	"AWS::Cognito::UserPool":        "every account",
	"AWS::Cognito::UserPoolClient":  "the client id that dashboards and backends use",
	"AWS::Cognito::UserPoolDomain":  "the address of the sign-in page",
	"AWS::ApiGatewayV2::Api":        "the address in every invitation link that is out",
	"AWS::ApiGatewayV2::DomainName": "the target that DNS points to",
	"AWS::S3::Bucket":               "every file in it",
	"AWS::SQS::Queue":               "the messages that wait in it",
	"AWS::Events::EventBus":         "the rules that others put on it",
	"AWS::SES::EmailIdentity":       "the DKIM records that are in DNS",
	"AWS::SES::ConfigurationSet":    "its sending reputation",
	"AWS::CloudFront::Distribution": "the target that DNS points to",
	"AWS::Logs::LogGroup":           "its log",
}

// immutable are the properties that CloudFormation changes by replacing the
// resource (createOnlyProperties of its public schemas), by type.
var immutable = func() map[string][]string {
	var all map[string][]string
	if err := json.Unmarshal(immutableJSON, &all); err != nil {
		panic("upgrade: immutable.json: " + err.Error())
	}
	return all
}()

//go:embed immutable.json
var immutableJSON []byte

// Compare returns what an update from before to after does, by logical id.
// What stays the same is not listed.
func Compare(before, after Template) []Change {
	var changes []Change
	for _, id := range slices.Sorted(maps.Keys(before.Resources)) {
		old := before.Resources[id]
		now, stays := after.Resources[id]
		switch {
		case !stays:
			changes = append(changes, removed(id, old))
		case old.Type != now.Type:
			changes = append(changes, removed(id, old), created(id, now))
		default:
			if c, differs := compare(id, old, now); differs {
				changes = append(changes, c)
			}
		}
	}
	for _, id := range slices.Sorted(maps.Keys(after.Resources)) {
		if _, was := before.Resources[id]; !was {
			changes = append(changes, created(id, after.Resources[id]))
		}
	}
	return changes
}

// Problems returns the changes that must not be deployed as they are.
func Problems(changes []Change) []Change {
	return slices.DeleteFunc(slices.Clone(changes), func(c Change) bool { return c.Problem == "" })
}

// Kept lists what deleting a stack with this template leaves in the account.
func Kept(t Template) []string {
	var names []string
	for _, id := range slices.Sorted(maps.Keys(t.Resources)) {
		if r := t.Resources[id]; retained(r) {
			names = append(names, title(id, r))
		}
	}
	return names
}

func created(id string, r Resource) Change {
	return Change{ID: id, Type: r.Type, Kind: Created, Sentence: title(id, r) + " is created."}
}

func removed(id string, r Resource) Change {
	c := Change{ID: id, Type: r.Type, Kind: Removed, Sentence: title(id, r) + " is deleted."}
	if retained(r) {
		c.Sentence = title(id, r) + " leaves the stack and stays in the account."
	}
	if lost, holds := stateful[r.Type]; holds {
		c.Problem = "the stack loses " + lost
	}
	return c
}

func retained(r Resource) bool { return strings.HasPrefix(r.DeletionPolicy, "Retain") }

func compare(id string, old, now Resource) (c Change, differs bool) {
	c = Change{ID: id, Type: now.Type, Kind: Changed}
	for _, name := range slices.Sorted(maps.Keys(union(old.Properties, now.Properties))) {
		if !reflect.DeepEqual(old.Properties[name], now.Properties[name]) {
			c.Properties = append(c.Properties, name)
		}
	}
	var policies []string
	for name, pair := range map[string][2]any{
		"DeletionPolicy": {old.DeletionPolicy, now.DeletionPolicy}, "UpdateReplacePolicy": {old.UpdateReplacePolicy, now.UpdateReplacePolicy},
		"UpdatePolicy": {old.UpdatePolicy, now.UpdatePolicy}, "DependsOn": {old.DependsOn, now.DependsOn},
	} {
		if !reflect.DeepEqual(pair[0], pair[1]) {
			policies = append(policies, name)
		}
	}
	slices.Sort(policies)
	if len(c.Properties)+len(policies) == 0 {
		return c, false
	}
	fixed := slices.DeleteFunc(slices.Clone(c.Properties), func(name string) bool { return !fixes(now.Type, name, old, now) })
	what := words(append(slices.Clone(c.Properties), policies...))
	switch {
	case len(fixed) > 0:
		c.Kind = Replaced
		c.Sentence = fmt.Sprintf("%s is deleted and created anew, since %s cannot change.", title(id, now), words(fixed))
		if lost, holds := stateful[now.Type]; holds {
			c.Problem = "it loses " + lost
		}
	case len(c.Properties) == 0:
		c.Sentence = fmt.Sprintf("%s stays as it is; how CloudFormation treats it changes (%s).", title(id, now), what)
	default:
		c.Sentence = fmt.Sprintf("%s changes in place: %s.", title(id, now), what)
	}
	if problem := refused(now.Type, old, now); problem != "" {
		c.Problem = problem
	}
	if _, holds := stateful[now.Type]; holds && retained(old) && !retained(now) {
		c.Problem = "it would be deleted with the stack from now on, and was kept before"
	}
	return c, true
}

// fixes reports whether the difference in a property replaces the resource.
// Schemas name nested properties as Outer.Inner.
func fixes(kind, property string, old, now Resource) bool {
	for _, path := range immutable[kind] {
		outer, inner, nested := strings.Cut(path, ".")
		if outer != property {
			continue
		}
		if !nested || !reflect.DeepEqual(member(old.Properties[outer], inner), member(now.Properties[outer], inner)) {
			return true
		}
	}
	return false
}

func member(value any, path string) any {
	for part := range strings.SplitSeq(path, ".") {
		inner, ok := value.(map[string]any)
		if !ok {
			return nil
		}
		value = inner[part]
	}
	return value
}

// refused says why the service would refuse the update; "" if it would not.
func refused(kind string, old, now Resource) string {
	switch kind {
	case "AWS::DynamoDB::GlobalTable":
		// https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-dynamodb-globaltable.html
		if n := moved(old.Properties["GlobalSecondaryIndexes"], now.Properties["GlobalSecondaryIndexes"], "IndexName"); n > 1 {
			return "DynamoDB creates or deletes one index for each update: deploy them one after the other"
		}
		if n := moved(old.Properties["Replicas"], now.Properties["Replicas"], "Region"); n > 1 {
			return "DynamoDB adds or removes one replica for each update: deploy them one after the other"
		}
	case "AWS::Cognito::UserPool":
		for _, fixed := range []string{"Schema", "UsernameAttributes", "AliasAttributes", "UsernameConfiguration"} {
			if !reflect.DeepEqual(old.Properties[fixed], now.Properties[fixed]) {
				return "Cognito refuses another " + fixed + " of a pool that exists"
			}
		}
	}
	return ""
}

// moved counts the entries that only one of two lists has, by the value of key.
func moved(old, now any, key string) (n int) {
	index := func(list any) map[string]bool {
		entries, _ := list.([]any)
		keys := map[string]bool{}
		for _, entry := range entries {
			keys[fmt.Sprint(member(entry, key))] = true
		}
		return keys
	}
	a, b := index(old), index(now)
	for k := range union(a, b) {
		if a[k] != b[k] {
			n++
		}
	}
	return n
}

func union[V any](a, b map[string]V) map[string]bool {
	all := map[string]bool{}
	for k := range a {
		all[k] = true
	}
	for k := range b {
		all[k] = true
	}
	return all
}

// nouns are the names of resource types in sentences.
var nouns = map[string]string{
	"AWS::ApiGatewayV2::Api": "API", "AWS::ApiGatewayV2::Authorizer": "authorizer", "AWS::ApiGatewayV2::Integration": "API's way to a function",
	"AWS::ApiGatewayV2::Route": "route", "AWS::ApiGatewayV2::Stage": "API's stage", "AWS::CloudWatch::Alarm": "alarm",
	"AWS::CloudWatch::Dashboard": "CloudWatch dashboard", "AWS::CodeDeploy::Application": "CodeDeploy application",
	"AWS::CodeDeploy::DeploymentGroup": "CodeDeploy group", "AWS::Cognito::ManagedLoginBranding": "sign-in page's branding",
	"AWS::Cognito::UserPool": "user pool", "AWS::Cognito::UserPoolClient": "pool's client", "AWS::Cognito::UserPoolDomain": "sign-in page's domain",
	"AWS::DynamoDB::GlobalTable": "table", "AWS::Events::EventBus": "event bus", "AWS::Events::Rule": "rule", "AWS::IAM::Role": "role",
	"AWS::KMS::Key": "key", "AWS::Lambda::Alias": "alias", "AWS::Lambda::EventInvokeConfig": "retry rule",
	"AWS::Lambda::EventSourceMapping": "event source", "AWS::Lambda::Function": "function", "AWS::Lambda::Permission": "permission to call",
	"AWS::Lambda::Version": "published version", "AWS::Logs::LogGroup": "log group", "AWS::Logs::MetricFilter": "metric filter",
	"AWS::SES::ConfigurationSet": "configuration set", "AWS::SES::ConfigurationSetEventDestination": "destination of mail events",
	"AWS::SES::EmailIdentity": "mail identity", "AWS::SNS::Subscription": "subscription", "AWS::SNS::Topic": "topic",
	"AWS::SNS::TopicPolicy": "topic's policy", "AWS::SQS::Queue": "queue", "AWS::SQS::QueuePolicy": "queue's policy",
	"AWS::Scheduler::Schedule": "schedule", "AWS::SecretsManager::Secret": "secret",
}

// title names a resource at the start of a sentence: by the name that it has in
// the account where the template gives one, else by its logical id.
func title(id string, r Resource) string {
	noun, known := nouns[r.Type]
	if !known {
		noun = r.Type
	}
	name := id
	for _, property := range []string{"FunctionName", "AlarmName", "QueueName", "TopicName", "LogGroupName", "RouteKey", "UserPoolName", "ClientName", "Name"} {
		if text, ok := r.Properties[property].(string); ok {
			name = text
			break
		}
	}
	return "The " + noun + " " + name
}

func words(names []string) string {
	switch len(names) {
	case 0:
		return ""
	case 1:
		return names[0]
	}
	return strings.Join(names[:len(names)-1], ", ") + " and " + names[len(names)-1]
}
