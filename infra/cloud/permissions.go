package latchkey

import (
	"encoding/json"
	"slices"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/jsii-runtime-go"

	"github.com/latchkey/latchkey/infra/blueprint"
	"github.com/latchkey/latchkey/infra/blueprint/policy"
)

// Tokens of what options add to a policy.
const (
	tableKey      = "{table key}"
	viaDynamoDB   = "{dynamodb}" // its name in the stack's region
	linkKeySecret = "{link key secret}"
)

// traced is what X-Ray adds to a role. AWS offers no resource to name here.
// https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsx-ray.html
var traced = policy.Allow("trace", "X-Ray", "only with Tracing", []string{"*"},
	"xray:PutTelemetryRecords", "xray:PutTraceSegments")

// withTableKey is what a customer-managed table key adds: DynamoDB uses the
// key in the caller's name, and only through DynamoDB may it be used.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/encryption.usagenotes.html
func withTableKey(f blueprint.Function) policy.Grant {
	actions := []string{"kms:Decrypt", "kms:DescribeKey"}
	for _, p := range f.Permissions {
		switch p.Verb {
		case blueprint.Insert, blueprint.InsertMany, blueprint.Change, blueprint.Remove:
			actions = []string{"kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey", "kms:ReEncryptFrom", "kms:ReEncryptTo"}
		}
	}
	g := policy.Allow("use", "table key", "only with TableKey", []string{tableKey}, actions...)
	g.Where = "through DynamoDB"
	g.Condition = policy.Condition{"StringEquals": {"kms:ViaService": {viaDynamoDB}}}
	return g
}

// withLinkKeySecret lets functions of 0.1.0 keep running while they are replaced.
var withLinkKeySecret = policy.Allow("fetch", "link key secret", "only with LinkKeySecret", []string{linkKeySecret},
	"secretsmanager:GetSecretValue")

func opensLinkKeys(f blueprint.Function) bool {
	return slices.ContainsFunc(f.Permissions, func(p blueprint.Permission) bool {
		return p.Verb == blueprint.Unwrap && p.On == blueprint.OnLinkKeys
	})
}

// statements returns the statements of a function's policy document.
func (l *Latchkey) statements(f blueprint.Function, grants []policy.Grant) []awsiam.PolicyStatement {
	document := policy.Of(grants).Fill(l.tokens(f))
	statements := make([]awsiam.PolicyStatement, len(document.Statement))
	for i, s := range document.Statement {
		raw, err := json.Marshal(s)
		var object map[string]any
		if err == nil {
			err = json.Unmarshal(raw, &object)
		}
		if err != nil {
			panic("latchkey: the policy of " + f.Name + " is not JSON: " + err.Error())
		}
		statements[i] = awsiam.PolicyStatement_FromJson(object)
	}
	return statements
}

// tokens returns the values of a policy's tokens in this stack.
func (l *Latchkey) tokens(f blueprint.Function) func(token string) (string, bool) {
	values := map[string]*string{
		policy.Table:            l.Table.TableArn(),
		policy.Stream:           l.Table.TableStreamArn(),
		policy.Bus:              l.Bus.EventBusArn(),
		policy.MetadataKey:      l.dataKey.KeyArn(),
		policy.Identity:         l.senderARNs[0],
		policy.ConfigurationSet: l.senderARNs[1],
		policy.Sender:           &l.sender.Address,
		policy.LogStreams:       l.arn("logs", "log-group:"+*l.logGroupName(f)+":*"),
		viaDynamoDB:             awscdk.Fn_Join(jsii.String(""), &[]*string{jsii.String("dynamodb."), l.stack.Region(), jsii.String("."), l.stack.UrlSuffix()}),
	}
	for name, queue := range l.queues {
		values[policy.Queue(name)] = queue.QueueArn()
	}
	if l.props.TableKey != nil {
		values[tableKey] = l.props.TableKey.KeyArn()
	}
	if l.props.LinkKeySecret {
		values[linkKeySecret] = l.linkKey.SecretArn()
	}
	return func(token string) (string, bool) {
		value, ok := values[token]
		if !ok {
			return "", false
		}
		return *value, true
	}
}
