package store

import (
	"strconv"
	"time"

	"github.com/latchkey/latchkey/shared/user"
)

// Every key of the table is made here, and nowhere is one taken apart but here.
const (
	prefixWorkspace = "WS#"
	prefixUser      = "USER#"
	prefixGroup     = "GROUP#"
	prefixAccount   = "ACCOUNT#"
	prefixHistory   = "HISTORY#"
	prefixSlug      = "SLUG#"
	prefixMail      = "MAIL#"
	prefixDue       = "DUE#"
	prefixTally     = "TALLY#"
	prefixSent      = "SENT#"
	prefixRequest   = "REQUEST#"

	skWorkspace = "WORKSPACE"
	skAccount   = "ACCOUNT"
	skSlug      = "SLUG"
)

// Key is the primary key of an item.
type Key struct{ PK, SK string }

func workspaceKey(id string) Key         { return Key{prefixWorkspace + id, skWorkspace} }
func userKey(workspaceID, id string) Key { return Key{prefixWorkspace + workspaceID, prefixUser + id} }
func groupKey(workspaceID, id string) Key {
	return Key{prefixWorkspace + workspaceID, prefixGroup + id}
}
func accountKey(emailKey string) Key { return Key{prefixAccount + emailKey, skAccount} }
func slugKey(slug string) Key        { return Key{prefixSlug + slug, skSlug} }
func historyKey(workspaceID, userID, eventID string) Key {
	return Key{prefixHistory + workspaceID, userID + "#" + eventID}
}

// mailKey is the claim of one mail: of that kind, for that generation.
func mailKey(workspaceID, userID string, generation int, kind string) Key {
	return Key{prefixWorkspace + workspaceID, prefixMail + userID + "#" + strconv.Itoa(generation) + "#" + kind}
}

// tallyKey is one of the parts of a workspace's counts.
func tallyKey(workspaceID string, part int) Key {
	return Key{prefixWorkspace + workspaceID, prefixTally + strconv.Itoa(part)}
}

// sentKey counts the mails of one UTC day.
func sentKey(workspaceID string, day time.Time) Key {
	return Key{prefixWorkspace + workspaceID, prefixSent + day.UTC().Format(time.DateOnly)}
}

// requestKey is what a call with an Idempotency-Key was answered.
func requestKey(workspaceID, key string) Key {
	return Key{prefixWorkspace + workspaceID, prefixRequest + key}
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

// timeFormat is RFC 3339 in UTC with a fixed width, so that times sort as text.
const timeFormat = "2006-01-02T15:04:05.000Z"

func timeText(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(timeFormat)
}

func parseTime(text string) time.Time {
	t, err := time.Parse(timeFormat, text)
	if err != nil {
		return time.Time{}
	}
	return t
}

// statusSort places a user in the listing of their status, by creation.
func statusSort(status user.Status, position string) string {
	return string(status) + "#" + position
}

// Position is where a user stands among the users of a workspace by creation:
// the same whatever the status, so that a user who changes status between two
// pages is neither lost nor seen twice.
func Position(u user.User) string { return timeText(u.CreatedAt) + "#" + u.ID }
