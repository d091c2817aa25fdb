package store

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/latchkey/latchkey/shared/event"
	"github.com/latchkey/latchkey/shared/table"
	"github.com/latchkey/latchkey/shared/user"
	"github.com/latchkey/latchkey/shared/workspace"
)

// Entry is one line of history.
type Entry struct {
	ID             string
	Type           string
	Actor          string
	At             time.Time
	UserID         string // "" for a line about the workspace itself
	Status         string
	PreviousStatus string
	Changed        []string
	Delivery       string
	DeliveryReason string
}

// historyLine is an entry as it is kept.
type historyLine struct {
	Entry
	until int64 // when it is over, in Unix seconds
}

// lineFields are one line of history. The table has it by user, the index
// byStatus by workspace and time, so that one item serves both questions.
func lineFields(f *table.Fields, e *historyLine) {
	table.String(f, "statusSk", &e.ID)
	table.String(f, "type", &e.Type)
	table.String(f, "actor", &e.Actor)
	f.Time("at", &e.At)
	table.StringOr(f, "status", &e.Status)
	table.StringOr(f, "previousStatus", &e.PreviousStatus)
	f.StringsOr("changed", &e.Changed)
	table.StringOr(f, "delivery", &e.Delivery)
	table.StringOr(f, "deliveryReason", &e.DeliveryReason)
	table.Int(f, "ttl", &e.until)
}

// ListHistory gives up to limit lines of a workspace, or of one of its users
// where userID is not "", newest first, beginning behind the line after ("":
// at the newest). next is where the following page begins, "" at the end. A
// line whose time is over is not shown, though DynamoDB may take days to
// remove it.
func (s *Store) ListHistory(ctx context.Context, workspaceID, userID string, limit int, after string, now time.Time) (entries []Entry, next string, err error) {
	in := dynamodb.QueryInput{
		ScanIndexForward: aws.Bool(false),
		Limit:            aws.Int32(int32(limit)),
	}
	values := Item{":pk": table.Text(prefixHistory + workspaceID)}
	pk, sk, prefix := "statusPk", "statusSk", ""
	if userID == "" {
		in.IndexName = aws.String("byStatus")
	} else {
		pk, sk, prefix = "pk", "sk", userID+"#"
	}
	end := prefix + "~" // behind every id
	if after != "" {
		end = prefix + before(after)
	}
	condition := pk + " = :pk AND " + sk + " BETWEEN :from AND :to"
	values[":from"], values[":to"] = table.Text(prefix+" "), table.Text(end)
	in.KeyConditionExpression, in.ExpressionAttributeValues = &condition, values
	out, err := s.table.Query(ctx, &in)
	if err != nil {
		return nil, "", err
	}
	for _, item := range out.Items {
		var line historyLine
		if err := table.Decode(item, lineFields, &line); err != nil {
			return nil, "", fmt.Errorf("read a line of history: %w", err)
		}
		if line.until <= now.Unix() { // all that is older is over as well
			return entries, "", nil
		}
		line.UserID, _, _ = strings.Cut(table.TextOf(item, "sk"), "#")
		entries = append(entries, line.Entry)
	}
	if out.LastEvaluatedKey != nil && len(entries) > 0 {
		next = entries[len(entries)-1].ID
	}
	return entries, next, nil
}

// ListUserHistory is ListHistory for one user under each id that they have had.
func (s *Store) ListUserHistory(ctx context.Context, workspaceID, userID string, former []user.FormerID, limit int, after string, now time.Time) (entries []Entry, next string, err error) {
	more := false
	list := func(id, after string) error {
		lines, further, err := s.ListHistory(ctx, workspaceID, id, limit, after, now)
		entries = append(entries, lines...)
		more = more || further != ""
		return err
	}
	err = list(userID, after)
	for _, f := range former {
		if err == nil && (after == "" || f.Until < after) {
			err = list(f.ID, f.Until)
		} else if err == nil {
			err = list(f.ID, after)
		}
	}
	slices.SortFunc(entries, func(a, b Entry) int { return cmp.Compare(b.ID, a.ID) })
	if len(entries) > limit {
		entries, more = entries[:limit], true
	}
	if more && len(entries) > 0 {
		next = entries[len(entries)-1].ID
	}
	return entries, next, err
}

// Names returns the current names of users of a workspace; a user who is gone
// has none.
func (s *Store) Names(ctx context.Context, workspaceID string, ids []string) (map[string]string, error) {
	names, keys := map[string]string{}, []Key{}
	for _, id := range ids {
		if _, twice := names[id]; !twice {
			names[id] = ""
			keys = append(keys, userKey(workspaceID, id))
		}
	}
	items, err := s.table.BatchGet(ctx, keys, table.Eventual) // a name of a second ago will do
	for _, item := range items {
		if entityOf(item) == entityUser {
			names[strings.TrimPrefix(table.TextOf(item, "sk"), prefixUser)] = table.TextOf(item, "name")
		}
	}
	return names, err
}

// AppendHistory writes a line for each event, kept for so long. Writing an
// event again writes the same line. A workspace that was erased has no history.
func (s *Store) AppendHistory(ctx context.Context, events []event.Event, keep time.Duration) error {
	var items []Item
	seen := map[string]bool{}
	for _, e := range events {
		if e.Type == string(workspace.Erased) || seen[e.ID] { // a batch must not have an item twice
			continue
		}
		seen[e.ID] = true
		key := historyKey(e.WorkspaceID, e.UserID, e.ID)
		line := put(key, entityHistory, lineFields, &historyLine{until: e.Time.Add(keep).Unix(), Entry: Entry{
			ID: e.ID, Type: e.Type, Actor: e.Actor, At: e.Time,
			Status: e.Status, PreviousStatus: e.PreviousStatus, Changed: e.Changed,
			Delivery: e.Delivery, DeliveryReason: e.DeliveryReason,
		}})
		line.Put["statusPk"] = table.Text(key.PK)
		items = append(items, line.Put)
	}
	return s.table.PutAll(ctx, items)
}
