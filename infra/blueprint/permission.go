package blueprint

// Verb is what a function may do, in plain words; Actions translates it.
type Verb string

const (
	Read       Verb = "read"        // single items, by key
	Query      Verb = "query"       // a partition of the table or of an index
	Insert     Verb = "insert"      // put an item
	InsertMany Verb = "insert many" // put up to 25 items in one call
	Change     Verb = "change"      // update an item
	Remove     Verb = "remove"      // delete an item
	RemoveMany Verb = "remove many" // delete up to 25 items in one call
	Check      Verb = "check"       // check an item's condition in a transaction
	Publish    Verb = "publish"     // put events on the bus
	Send       Verb = "send"        // mail
	Unwrap     Verb = "unwrap"      // decrypt a data key or link key
	MakeKey    Verb = "make key"    // generate a data key or link key, wrapped
	Postpone   Verb = "postpone"    // say when a message that failed shows again
)

// Actions returns the IAM actions that a verb stands for, and no others.
func (v Verb) Actions() []string {
	switch v {
	case Read:
		return []string{"dynamodb:GetItem", "dynamodb:BatchGetItem"}
	case Query:
		return []string{"dynamodb:Query"}
	case Insert:
		return []string{"dynamodb:PutItem"}
	case InsertMany, RemoveMany: // IAM does not tell them apart
		return []string{"dynamodb:BatchWriteItem"}
	case Change:
		return []string{"dynamodb:UpdateItem"}
	case Remove:
		return []string{"dynamodb:DeleteItem"}
	case Check:
		return []string{"dynamodb:ConditionCheckItem"}
	case Publish:
		return []string{"events:PutEvents"}
	case Send:
		return []string{"ses:SendEmail"}
	case Unwrap:
		return []string{"kms:Decrypt"}
	case MakeKey:
		return []string{"kms:GenerateDataKeyWithoutPlaintext"}
	case Postpone:
		return []string{"sqs:ChangeMessageVisibility"}
	}
	return nil
}

// Resource is what a permission is about.
type Resource string

const (
	OnTable       Resource = "table"
	OnByStatus    Resource = "index byStatus"
	OnByDue       Resource = "index byDue"
	OnByEmail     Resource = "index byEmail"
	OnByCreation  Resource = "index byCreation"
	OnByRole      Resource = "index byRole"
	OnBus         Resource = "event bus"
	OnMetadataKey Resource = "metadata key"
	OnLinkKeys    Resource = "metadata key, for link keys"
	OnSender      Resource = "mail identity and configuration set"
)

// OnQueue returns the resource that is a queue.
func OnQueue(name string) Resource { return Resource("queue " + name) }

// Permission lets a function do something to one resource.
type Permission struct {
	Verb Verb
	On   Resource
	// Keys limits it to partition keys of these shapes ("WS#*"), by the
	// condition dynamodb:LeadingKeys. Empty where it does not apply.
	Keys []string
	Why  string
}
