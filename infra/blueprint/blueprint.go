// Package blueprint says what Latchkey consists of: functions with their
// routes, triggers and permissions, the table with its indexes, queues, rules
// and settings. It is plain Go data, written once; infra/cloud renders it with
// AWS CDK and infra/local renders it on one machine, so neither can have what
// the other lacks.
//
// Beside the standard library it imports shared/setting alone: neither CDK nor
// an emulator nor the AWS SDK, so that anything may import it.
package blueprint

import (
	"slices"
	"time"

	"github.com/latchkey/latchkey/shared/setting"
)

// Auth says whom the gateway lets through to a route. What the caller may do
// there is decided later, by their own user record.
type Auth string

const (
	// Public routes take no token from the caller; the link in the path is
	// their only credential.
	Public Auth = "public"
	// SignedIn routes need a JWT that the gateway's authorizer has verified.
	SignedIn Auth = "signed in"
)

// Throttle bounds a route at the gateway: Rate requests a second on average
// (1 or more), Burst at once (1 or more).
type Throttle struct {
	Rate  int
	Burst int
}

// Route is one operation of the HTTP contract.
type Route struct {
	Method    string // GET, POST, PUT, PATCH or DELETE
	Path      string // as API Gateway writes it: /v1/workspaces/{workspace}
	Operation string // the operationId of openapi.yaml
	Auth      Auth
	Throttle  Throttle
}

// Key is the route key of API Gateway: "POST /v1/workspaces".
func (r Route) Key() string { return r.Method + " " + r.Path }

// Function is one Lambda: the folder functions/<Name>, built as its bootstrap.
type Function struct {
	Name    string
	Purpose string
	// MemoryMB and Timeout are Lambda's; both renderings keep to the timeout.
	MemoryMB int
	Timeout  time.Duration
	// ReservedConcurrency caps (and keeps) parallel runs; 0 reserves nothing.
	ReservedConcurrency int

	Routes   []Route
	Stream   *StreamSource
	Queue    *QueueSource
	Schedule *Schedule
	// OnAccountConfirmed is true for the function that the identity provider
	// calls when a person's account is confirmed (Cognito PostConfirmation).
	OnAccountConfirmed bool

	Permissions []Permission
	// Settings are those that the function reads. The renderings put them into
	// its environment, and no others.
	Settings []setting.Definition
}

// Reads reports whether the function reads a setting.
func (f Function) Reads(d setting.Definition) bool { return slices.Contains(f.Settings, d) }

// StreamSource feeds the table's stream to a function, with Lambda's
// semantics for DynamoDB streams: in order for each item, a failure named by
// the SequenceNumber of the first record that failed.
// https://docs.aws.amazon.com/lambda/latest/dg/services-ddb-batchfailurereporting.html
type StreamSource struct {
	// Filter is a list of event patterns of Lambda's filter criteria; a
	// record that matches any one reaches the function.
	Filter        []map[string]any
	BatchSize     int // 1-10,000
	MaxRetries    int
	MaxRecordAge  time.Duration
	BisectOnError bool
	// OnFailure names the queue that is told of a batch that was given up.
	OnFailure string
	// AgeAlarm names the alarm that goes off if records wait for long; "" for a
	// function whose delay disturbs nobody, since each alarm costs.
	AgeAlarm string
}

// QueueSource feeds a queue to a function; failures are reported message by
// message (ReportBatchItemFailures).
type QueueSource struct {
	Queue     string
	BatchSize int // 1-10
	// BatchWindow is how long Lambda waits for a batch to fill, in whole
	// seconds (0-300).
	BatchWindow time.Duration
	// MaxConcurrency bounds how many runs drain the queue at once (2-1000,
	// as SQS event sources have it).
	MaxConcurrency int
}

// Schedule fires a function again and again.
type Schedule struct {
	Name  string
	Every time.Duration // whole minutes, at least one
	// Retries is how often a failed invocation is retried (0-2) before it goes
	// to QueueScheduleDead.
	Retries int
}

// Queue is an SQS standard queue. One with a DeadLetter hands over what was
// received MaxReceives times without success.
type Queue struct {
	Name        string
	Visibility  time.Duration
	MaxReceives int
	DeadLetter  string // the name of another queue; empty for none
	Retention   time.Duration
}

// Rule takes events from the bus to a queue. Pattern is an EventBridge event
// pattern; the local bus knows exact values and prefix.
type Rule struct {
	Name    string
	Pattern map[string]any
	Queue   string
	// DeadLetter names the queue for events that could not be delivered.
	DeadLetter string
	// Tenant is the path of the field by which the queue is fair: a tenant
	// with many messages keeps no other waiting. Empty: first come, first
	// served.
	Tenant string
}

// Topic takes the mail service's notices of these kinds to a queue. A Raw
// message is the notice itself, without the topic's envelope around it.
type Topic struct {
	Name       string
	Notices    []string // as SES names them: https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_EventDestination.html
	Queue      string
	Raw        bool
	DeadLetter string // the queue for notices that could not be delivered
}

// Index is a global secondary index of the table.
type Index struct {
	Name         string
	PartitionKey string
	SortKey      string
	// KeysOnly projects keys alone, and Attributes these beside them; without
	// either, all attributes are.
	KeysOnly   bool
	Attributes []string
	Purpose    string
}

// Table is the one table. All keys are strings.
type Table struct {
	PartitionKey string
	SortKey      string
	Indexes      []Index
	TTLAttribute string // holds Unix seconds
}

// FunctionNamed finds a function; ok is false where there is none.
func FunctionNamed(name string) (f Function, ok bool) {
	for _, f := range Functions() {
		if f.Name == name {
			return f, true
		}
	}
	return Function{}, false
}
