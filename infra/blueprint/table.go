package blueprint

// Names of the table's attributes that keys, streams and TTL refer to. The
// rest of an item's shape is the business of shared/store.
const (
	AttrPK     = "pk"
	AttrSK     = "sk"
	AttrEntity = "entity" // what an item is: user, workspace, …; streams filter by it
	AttrStatus = "status" // of a user or an import; a stream filters by it
	AttrTTL    = "ttl"

	IndexByStatus   = "byStatus"
	IndexByDue      = "byDue"
	IndexByEmail    = "byEmail"
	IndexByCreation = "byCreation"
	IndexByRole     = "byRole"
)

// listed are the attributes of a user that listUsers shows. An index that holds
// them alone is read for about half the units. It may hold 20 besides its keys.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ServiceQuotas.html#limits-secondary-indexes
var listed = []string{
	"name", "email", "role", "groups", "metadata", "locale", "status", "version",
	"updatedAt", "activatedAt", "archivedAt", "invitedBy", "sentAt", "expiresAt", "sends",
	"scheduledFor", "delivery", "deliveryReason", "askedAt", "unsubscribedAt",
}

// TheTable describes the one table.
func TheTable() Table {
	return Table{
		PartitionKey: AttrPK,
		SortKey:      AttrSK,
		TTLAttribute: AttrTTL,
		Indexes: []Index{
			{
				Name: IndexByStatus, PartitionKey: "statusPk", SortKey: "statusSk",
				Purpose: "users of a workspace by status and creation; history of a workspace by time",
			},
			{
				Name: IndexByDue, PartitionKey: "duePk", SortKey: "dueSk", KeysOnly: true,
				Purpose: "pending users by the time of their next reminder or expiry, groups that are being deleted, and deleted workspaces, in 16 shards",
			},
			{
				Name: IndexByEmail, PartitionKey: "emailPk", SortKey: "emailSk", KeysOnly: true,
				Purpose: "the workspaces of one email key",
			},
			{
				// Its keys are attributes that users had before it, so DynamoDB
				// fills it by itself.
				Name: IndexByCreation, PartitionKey: "statusPk", SortKey: "createdAt", Attributes: listed,
				Purpose: "what a list shows of the users of a workspace, by creation, whatever their status",
			},
			{
				Name: IndexByRole, PartitionKey: "rolePk", SortKey: "createdAt", KeysOnly: true,
				Purpose: "users of a workspace by role and creation",
			},
		},
	}
}
