package store

import (
	"fmt"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/latchkey/latchkey/shared/id"
	"github.com/latchkey/latchkey/shared/table"
	"github.com/latchkey/latchkey/shared/user"
)

// Every key of the table is made here, and nowhere is one taken apart but here.
const (
	prefixWorkspace = "WS#"
	prefixUser      = "USER#"
	prefixGroup     = "GROUP#"
	prefixInGroup   = "INGROUP#"
	prefixAccount   = "ACCOUNT#"
	prefixHistory   = "HISTORY#"
	prefixSlug      = "SLUG#"
	prefixMail      = "MAIL#"
	prefixDue       = "DUE#"
	prefixTally     = "TALLY#"
	prefixRequest   = "REQUEST#"
	prefixRecipient = "RECIPIENT#"
	prefixInviter   = "INVITER#"
	prefixPart      = "PART#"
	prefixImport    = "IMPORT#"

	prefixImportRows = "IMPORTROWS#"

	prefixStatistics = "STATISTICS#"

	skWorkspace  = "WORKSPACE"
	skAccount    = "ACCOUNT"
	skSlug       = "SLUG"
	skMailbox    = "MAILBOX"
	skWorkspaces = "WORKSPACES"
	skDeparture  = "DEPARTURE"
	skNotices    = "NOTICES"
	skLinkKeys   = "LINKKEYS"
)

// Key is the primary key of an item.
type Key = table.Key

func workspaceKey(id string) Key { return Key{PK: prefixWorkspace + id, SK: skWorkspace} }
func userKey(workspaceID, id string) Key {
	return Key{PK: prefixWorkspace + workspaceID, SK: prefixUser + id}
}
func groupKey(workspaceID, id string) Key {
	return Key{PK: prefixWorkspace + workspaceID, SK: prefixGroup + id}
}

// inGroupKey says that the user of a position is in a group.
func inGroupKey(workspaceID, group, position string) Key {
	return Key{PK: prefixWorkspace + workspaceID, SK: prefixInGroup + group + "#" + position}
}

// rolePartition is where the users of a role are in the index byRole: 50 bits of a
// hash of the workspace and the role, since the texts themselves would take many
// records over a kilobyte, beyond which a write costs twice as much. Should two
// partitions ever fall together, a list passes over the other's users.
func rolePartition(workspaceID string, role user.Role) string {
	const characters = 10
	return id.Hash("", "latchkey/role", workspaceID, string(role))[:characters]
}

func accountKey(emailKey string) Key   { return Key{PK: prefixAccount + emailKey, SK: skAccount} }
func departureKey(emailKey string) Key { return Key{PK: prefixAccount + emailKey, SK: skDeparture} }
func slugKey(slug string) Key          { return Key{PK: prefixSlug + slug, SK: skSlug} }
func historyKey(workspaceID, userID, eventID string) Key {
	return Key{PK: prefixHistory + workspaceID, SK: userID + "#" + eventID}
}

// mailKey is the claim of one mail: of that kind, for that generation.
func mailKey(workspaceID, userID string, generation int, kind string) Key {
	return Key{PK: prefixWorkspace + workspaceID, SK: prefixMail + userID + "#" + strconv.Itoa(generation) + "#" + kind}
}

// tallyKey is one of the parts of a workspace's counts.
func tallyKey(workspaceID string, part int) Key {
	return Key{PK: prefixWorkspace + workspaceID, SK: prefixTally + strconv.Itoa(part)}
}

// mailboxKey is what the deployment knows of an email.
func mailboxKey(emailKey string) Key { return Key{PK: prefixRecipient + emailKey, SK: skMailbox} }

// recipientKey is what the person with that id said about the workspace's mail.
func recipientKey(workspaceID, userID string) Key {
	return Key{PK: prefixWorkspace + workspaceID, SK: prefixRecipient + userID}
}

// inviterKey is one of the parts of what an inviter asked for on a day.
func inviterKey(emailKey string, part int) Key {
	return Key{PK: prefixInviter + emailKey, SK: prefixPart + strconv.Itoa(part)}
}

// workspacesKey counts the workspaces that an account creates on a day.
func workspacesKey(emailKey string) Key { return Key{PK: prefixInviter + emailKey, SK: skWorkspaces} }

// statisticsKey is the statistics of a workspace's day. They are in the partition of
// the history, and are erased with it.
func statisticsKey(workspaceID, date string) Key {
	return Key{PK: prefixHistory + workspaceID, SK: prefixStatistics + date}
}

// noticesKey is the day's count of notices to a workspace's managers.
func noticesKey(workspaceID string) Key {
	return Key{PK: prefixWorkspace + workspaceID, SK: skNotices}
}

// linkKeysKey is the deployment's link keys.
func linkKeysKey() Key { return Key{PK: skLinkKeys, SK: skLinkKeys} }

// requestKey is what a call with an Idempotency-Key was answered.
func requestKey(workspaceID, key string) Key {
	return Key{PK: prefixWorkspace + workspaceID, SK: prefixRequest + key}
}

func importKey(workspaceID, id string) Key {
	return Key{PK: prefixWorkspace + workspaceID, SK: prefixImport + id}
}

// importRowsKey is the chunk of an import that begins at row first; the chunks
// sort in their order.
func importRowsKey(workspaceID, id string, first int) Key {
	return Key{PK: prefixWorkspace + workspaceID, SK: fmt.Sprintf("%s%s#%05d", prefixImportRows, id, first)}
}

// Shards spread the index byDue, because all that falls due in one hour would
// otherwise be one hot partition.
const Shards = 16

// shard is fixed for each user: the last character of the id is one of 32, 0
// to 9 and a to v, which a hash spreads evenly.
func shard(userID string) string {
	last := int(userID[len(userID)-1])
	if last >= 'a' {
		last += '9' + 1 - 'a'
	}
	return shardName((last - '0') % Shards)
}

func shardName(n int) string { return prefixDue + strconv.Itoa(n) }

func timeText(t time.Time) string { return table.TimeText(t) }

func parseTime(text string) time.Time { return table.ParseTime(text) }

func timeValue(t time.Time) types.AttributeValue { return table.Text(table.TimeText(t)) }

// statusSort places a user in the listing of their status, by creation.
func statusSort(status user.Status, position string) string {
	return string(status) + "#" + position
}

// Position is where a user stands among the users of a workspace by creation:
// the same whatever the status, so that a user who changes status between two
// pages is neither lost nor seen twice.
func Position(u user.User) string { return timeText(u.CreatedAt) + "#" + u.ID }
