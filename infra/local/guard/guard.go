// Package guard authorizes a function's AWS calls as IAM does in the cloud: it
// evaluates the policy document that a deployment attaches to the function's
// role against every call, and rejects calls that the document does not allow.
//
// It may import infra/blueprint and infra/blueprint/policy.
package guard

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/latchkey/latchkey/infra/blueprint"
	"github.com/latchkey/latchkey/infra/blueprint/policy"
)

// Names are the names of the resources on this machine.
type Names struct {
	Table string
	Bus   string
	Key   string // the KMS key's id or alias
	// Sender is the address that mail comes from, Identity the verified
	// domain or address that it is sent by.
	Sender           string
	Identity         string
	ConfigurationSet string
}

const account = "us-east-1:000000000000:"

// value returns the values of a policy's tokens on this machine.
func (n Names) value(function string) func(token string) (string, bool) {
	return func(token string) (string, bool) {
		switch token {
		case policy.Table:
			return tableARN(n.Table), true
		case policy.Stream:
			return tableARN(n.Table) + "/stream/local", true
		case policy.Bus:
			return busARN(n.Bus), true
		case policy.MetadataKey:
			return keyARN(n.Key), true
		case policy.Identity:
			return identityARN(n.Identity), true
		case policy.ConfigurationSet:
			return configurationSetARN(n.ConfigurationSet), true
		case policy.Sender:
			return n.Sender, true
		case policy.LogStreams:
			return "arn:aws:logs:" + account + "log-group:/aws/lambda/latchkey-" + function + ":*", true
		}
		if queue, ok := strings.CutPrefix(token, "{queue "); ok {
			return queueARN(strings.TrimSuffix(queue, "}")), true
		}
		return "", false
	}
}

func tableARN(name string) string            { return arn("dynamodb", "table/", name) }
func busARN(name string) string              { return arn("events", "event-bus/", name) }
func keyARN(id string) string                { return arn("kms", "key/", strings.TrimPrefix(id, "alias/")) }
func identityARN(name string) string         { return arn("ses", "identity/", name) }
func configurationSetARN(name string) string { return arn("ses", "configuration-set/", name) }
func queueARN(name string) string            { return arn("sqs", "", name) }

// arn returns the ARN of a resource. A name that is an ARN is returned as it is.
func arn(service, kind, name string) string {
	if strings.HasPrefix(name, "arn:") {
		return name
	}
	return "arn:aws:" + service + ":" + account + kind + name
}

// Guard authorizes the calls of one function.
type Guard struct {
	function string
	names    Names
	document policy.Document
	tables   blueprint.Table
}

// New returns the guard of a function. It fails if the policy has an unsupported
// condition or does not allow what the function's triggers need: Lambda would
// refuse to create the event source mapping.
func New(f blueprint.Function, names Names) (*Guard, error) {
	g := &Guard{
		function: f.Name, names: names, tables: blueprint.TheTable(),
		document: policy.For(f).Fill(names.value(f.Name)),
	}
	if err := g.document.Check(); err != nil {
		return nil, fmt.Errorf("function %s: %w", f.Name, err)
	}
	for _, needed := range triggers(f, names) {
		if err := g.judge(needed); err != nil {
			return nil, err
		}
	}
	return g, nil
}

// triggers returns the requests that event source mappings make with the
// function's role.
func triggers(f blueprint.Function, names Names) (needed []policy.Request) {
	add := func(resource string, actions ...string) {
		for _, action := range actions {
			needed = append(needed, policy.Request{Action: action, Resource: resource})
		}
	}
	if f.Queue != nil {
		add(queueARN(f.Queue.Queue), "sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes")
	}
	if f.Stream != nil {
		add(tableARN(names.Table)+"/stream/local", "dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator")
		add(queueARN(f.Stream.OnFailure), "sqs:SendMessage")
	}
	return needed
}

// Before returns a handler that passes allowed calls to the services and answers
// the others as AWS does.
func (g *Guard) Before(services http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(io.LimitReader(r.Body, maxRequest))
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		if err := g.check(r, body); err != nil {
			refuse(w, r, err)
			return
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		services.ServeHTTP(w, r)
	})
}

const maxRequest = 64 << 20 // more than any service takes

// check returns an error for the first part of a call that is not allowed.
func (g *Guard) check(r *http.Request, body []byte) error {
	requests, err := g.requests(r, body)
	if err != nil {
		return err
	}
	for _, request := range requests {
		if err := g.judge(request); err != nil {
			return err
		}
	}
	return nil
}

// denial is a refusal in AWS's words.
type denial string

func (d denial) Error() string { return string(d) }

func (g *Guard) judge(r policy.Request) error {
	if g.document.Allows(r) {
		return nil
	}
	return denial(fmt.Sprintf("User: arn:aws:sts::000000000000:assumed-role/latchkey-%[1]s/latchkey-%[1]s is not authorized to perform: %[2]s on resource: %[3]s because no identity-based policy allows the %[2]s action%[4]s",
		g.function, r.Action, r.Resource, kinds(r.Context["dynamodb:LeadingKeys"])))
}

// kinds names the types of the partition keys in a call, which AWS's message
// omits. It leaves out what follows the first #, which may identify a person.
func kinds(keys []string) string {
	if len(keys) == 0 {
		return ""
	}
	var heads []string
	for _, key := range keys {
		head, _, _ := strings.Cut(key, "#")
		heads = append(heads, head+"#…")
	}
	return " (leading keys " + strings.Join(heads, ", ") + ")"
}

// refuse writes an access-denied response: REST JSON for SES, AWS JSON for the
// services that use X-Amz-Target.
func refuse(w http.ResponseWriter, r *http.Request, reason error) {
	status, contentType := http.StatusBadRequest, "application/x-amz-json-1.0"
	if r.Header.Get("X-Amz-Target") == "" {
		status, contentType = http.StatusForbidden, "application/json"
		w.Header().Set("X-Amzn-Errortype", "AccessDeniedException")
	}
	w.Header().Set("Content-Type", contentType)
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]string{"__type": "AccessDeniedException", "message": reason.Error()})
}
