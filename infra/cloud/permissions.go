package latchkey

import "github.com/latchkey/latchkey/infra/blueprint"

// Grant is what one statement of a function's role allows. The matrix in
// docs/security.md is written from grants, and so are the roles.
type Grant struct {
	What    string // in plain words
	Actions []string
	On      blueprint.Resource
	// Where is the statement's condition, in the words of the matrix; the
	// rendering is conditions.
	Where      string
	conditions map[string]any
	Why        string
}

// Resources that only triggers need, beside the blueprint's.
const (
	onLogs     blueprint.Resource = "own log group"
	onStream   blueprint.Resource = "table stream"
	onTracing  blueprint.Resource = "X-Ray"
	onTableKey blueprint.Resource = "table key"
)

func onQueue(name string) blueprint.Resource { return blueprint.Resource("queue " + name) }

// Grants are what a function may do, and nothing else: its permissions in the
// blueprint, what its triggers need, and its log.
func Grants(f blueprint.Function) []Grant {
	var grants []Grant
	for _, p := range f.Permissions {
		grants = append(grants, fromPermission(p))
	}
	if f.Stream != nil {
		grants = append(grants,
			Grant{What: "follow", On: onStream, Why: "its trigger",
				Actions: []string{"dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator", "dynamodb:ListStreams"}},
			Grant{What: "put", On: onQueue(f.Stream.OnFailure), Why: "batches that are given up",
				Actions: []string{"sqs:SendMessage"}})
	}
	if f.Queue != nil {
		grants = append(grants, Grant{What: "take", On: onQueue(f.Queue.Queue), Why: "its trigger",
			Actions: []string{"sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage"}})
	}
	if f.Schedule != nil {
		grants = append(grants, Grant{What: "put", On: onQueue(blueprint.QueueScheduleDead), Why: "firings that are given up",
			Actions: []string{"sqs:SendMessage"}})
	}
	return append(grants, Grant{What: "write", On: onLogs, Why: "its log",
		Actions: []string{"logs:CreateLogStream", "logs:PutLogEvents"}})
}

func fromPermission(p blueprint.Permission) Grant {
	g := Grant{What: string(p.Verb), Actions: p.Verb.Actions(), On: p.On, Why: p.Why}
	switch {
	case len(p.Keys) > 0:
		g.Where = "partition keys " + joined(p.Keys)
		g.conditions = map[string]any{"ForAllValues:StringLike": map[string]any{"dynamodb:LeadingKeys": p.Keys}}
	case p.On == blueprint.OnMetadataKey:
		g.Where = "encryption context names the workspace, and nothing else"
		g.conditions = map[string]any{
			"ForAllValues:StringEquals": map[string]any{"kms:EncryptionContextKeys": []string{"workspace"}},
			// ForAllValues is true of an empty set, so presence is asked too.
			"Null": map[string]any{"kms:EncryptionContext:workspace": "false"},
		}
	case p.On == blueprint.OnSender:
		g.Where = "from the configured sender"
		g.conditions = map[string]any{"StringEquals": map[string]any{"ses:FromAddress": senderAddress}}
	}
	return g
}

// senderAddress stands in a condition for the address of Props.Sender.
const senderAddress = "{sender}"

// traced is what X-Ray adds to a role. AWS offers no resource to name here.
// https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsx-ray.html
var traced = Grant{What: "trace", On: onTracing, Why: "only with Tracing",
	Actions: []string{"xray:PutTelemetryRecords", "xray:PutTraceSegments"}}

// withTableKey is what a customer-managed table key adds: DynamoDB uses the
// key in the caller's name, and only through DynamoDB may it be used.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/encryption.usagenotes.html
func withTableKey(f blueprint.Function) Grant {
	actions := []string{"kms:Decrypt", "kms:DescribeKey"}
	for _, p := range f.Permissions {
		switch p.Verb {
		case blueprint.Insert, blueprint.InsertMany, blueprint.Change, blueprint.Remove:
			actions = []string{"kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey", "kms:ReEncryptFrom", "kms:ReEncryptTo"}
		}
	}
	return Grant{What: "use", On: onTableKey, Actions: actions, Where: "through DynamoDB", Why: "only with TableKey",
		conditions: map[string]any{"StringEquals": map[string]any{"kms:ViaService": viaDynamoDB}}}
}

// viaDynamoDB stands in a condition for DynamoDB's name in the stack's region.
const viaDynamoDB = "{dynamodb}"

func joined(keys []string) string {
	var text string
	for i, key := range keys {
		if i > 0 {
			text += ", "
		}
		text += "`" + key + "`"
	}
	return text
}
