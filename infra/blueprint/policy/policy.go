// Package policy renders a function's permissions as an IAM policy document and
// evaluates such documents as IAM does. infra/cloud deploys the documents;
// infra/local evaluates each AWS call of a function against the same ones, so
// both permit the same calls.
//
// It may import infra/blueprint and the standard library.
package policy

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"

	"github.com/latchkey/latchkey/infra/blueprint"
)

// Document is a policy document.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements.html
type Document struct {
	Version   string
	Statement []Statement
}

// Statement allows actions on resources under a condition.
type Statement struct {
	Effect    string
	Action    []string
	Resource  []string
	Condition Condition `json:",omitempty"`
}

// Condition holds the tests of a statement by operator and condition key. A test
// passes if one of its values matches.
type Condition map[string]map[string][]string

// MarshalJSON writes a single value as a string, except after a set operator,
// which takes a list.
func (c Condition) MarshalJSON() ([]byte, error) {
	out := map[string]map[string]any{}
	for operator, tests := range c {
		out[operator] = map[string]any{}
		for key, values := range tests {
			if len(values) == 1 && !strings.Contains(operator, ":") {
				out[operator][key] = values[0]
			} else {
				out[operator][key] = values
			}
		}
	}
	return json.Marshal(out)
}

// Tokens are placeholders in a rendered document for values that only a
// deployment knows. Queue returns the token of a queue.
const (
	Table            = "{table}"
	Stream           = "{stream}"
	Bus              = "{bus}"
	MetadataKey      = "{metadata key}"
	Identity         = "{identity}"          // of the mail's sender
	ConfigurationSet = "{configuration set}" // that mails are sent with
	LogStreams       = "{log streams}"       // of the function's own log group
	Sender           = "{sender}"            // an address, not an ARN
)

// Queue returns the token of a queue's ARN.
func Queue(name string) string { return "{queue " + name + "}" }

var token = regexp.MustCompile(`\{[^{}]+\}`)

// Fill returns the document with every token replaced by its value. It panics
// if a token has none, since the statement would silently allow nothing.
func (d Document) Fill(value func(token string) (string, bool)) Document {
	fill := func(texts []string) []string {
		filled := make([]string, len(texts))
		for i, text := range texts {
			filled[i] = token.ReplaceAllStringFunc(text, func(name string) string {
				v, ok := value(name)
				if !ok {
					panic("policy: there is no value for " + name)
				}
				return v
			})
		}
		return filled
	}
	out := Document{Version: d.Version}
	for _, s := range d.Statement {
		s.Resource = fill(s.Resource)
		condition := Condition{}
		for operator, tests := range s.Condition {
			condition[operator] = map[string][]string{}
			for key, values := range tests {
				condition[operator][key] = fill(values)
			}
		}
		if s.Condition != nil {
			s.Condition = condition
		}
		out.Statement = append(out.Statement, s)
	}
	return out
}

// Grant is a statement with its reason: one line of the matrix in
// docs/security.md.
type Grant struct {
	What  string // in plain words
	On    blueprint.Resource
	Where string // the condition, in plain words
	Why   string
	Statement
}

// Of returns the document that consists of these grants.
func Of(grants []Grant) Document {
	d := Document{Version: "2012-10-17"}
	for _, g := range grants {
		d.Statement = append(d.Statement, g.Statement)
	}
	return d
}

// For returns the document of a function.
func For(f blueprint.Function) Document { return Of(Grants(f)) }

// Grants returns all that a function may do: its permissions in the blueprint,
// what its triggers need, and its log.
func Grants(f blueprint.Function) []Grant {
	var grants []Grant
	for _, p := range f.Permissions {
		grants = append(grants, fromPermission(p))
	}
	if f.Stream != nil {
		grants = append(grants,
			Allow("follow", "table stream", "its trigger", []string{Stream},
				"dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator", "dynamodb:ListStreams"),
			onQueue("put", f.Stream.OnFailure, "batches that are given up", "sqs:SendMessage"))
	}
	if f.Queue != nil {
		grants = append(grants, onQueue("take", f.Queue.Queue, "its trigger",
			"sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage"))
	}
	if f.Schedule != nil {
		grants = append(grants, onQueue("put", blueprint.QueueScheduleDead, "firings that are given up", "sqs:SendMessage"))
	}
	return append(grants, Allow("write", "own log group", "its log", []string{LogStreams},
		"logs:CreateLogStream", "logs:PutLogEvents"))
}

// Allow returns a grant without a condition.
func Allow(what string, on blueprint.Resource, why string, resources []string, actions ...string) Grant {
	return Grant{What: what, On: on, Why: why, Statement: Statement{Effect: "Allow", Action: actions, Resource: resources}}
}

func onQueue(what, name, why string, actions ...string) Grant {
	return Allow(what, blueprint.OnQueue(name), why, []string{Queue(name)}, actions...)
}

func fromPermission(p blueprint.Permission) Grant {
	g := Allow(string(p.Verb), p.On, p.Why, resources(p.On), p.Verb.Actions()...)
	switch {
	case len(p.Keys) > 0:
		g.Where = "partition keys `" + strings.Join(p.Keys, "`, `") + "`"
		g.Condition = Condition{"ForAllValues:StringLike": {"dynamodb:LeadingKeys": p.Keys}}
	case p.On == blueprint.OnMetadataKey:
		g.Where = "encryption context names the workspace, and nothing else"
		g.Condition = Condition{
			"ForAllValues:StringEquals": {"kms:EncryptionContextKeys": {"workspace"}},
			// ForAllValues is true of an empty set, so presence is asked too.
			"Null": {"kms:EncryptionContext:workspace": {"false"}},
		}
	case p.On == blueprint.OnLinkKeys:
		g.Where = "encryption context says that it is for links, and nothing else"
		g.Condition = Condition{
			"ForAllValues:StringEquals": {"kms:EncryptionContextKeys": {"purpose"}},
			"StringEquals":              {"kms:EncryptionContext:purpose": {"links"}},
		}
	case p.On == blueprint.OnSender:
		g.Where = "from the configured sender"
		g.Condition = Condition{"StringEquals": {"ses:FromAddress": {Sender}}}
	}
	return g
}

func resources(on blueprint.Resource) []string {
	switch on {
	case blueprint.OnTable:
		return []string{Table}
	case blueprint.OnBus:
		return []string{Bus}
	case blueprint.OnMetadataKey, blueprint.OnLinkKeys:
		return []string{MetadataKey}
	case blueprint.OnSender:
		return []string{Identity, ConfigurationSet}
	}
	if index, ok := strings.CutPrefix(string(on), "index "); ok {
		return []string{Table + "/index/" + index}
	}
	if queue, ok := strings.CutPrefix(string(on), "queue "); ok {
		return []string{Queue(queue)}
	}
	panic(fmt.Sprintf("policy: no resource is known as %q; teach resources about it", on))
}
