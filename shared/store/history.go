package store

import (
	"cmp"
	"context"
	"fmt"
	"maps"
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
	Generation     int // of the link at that time; 0 for none, and in lines of earlier releases
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
	table.IntOr(f, "generation", &e.Generation)
	table.Int(f, "ttl", &e.until)
}

// HistoryPage says which part of a history to read.
type HistoryPage struct {
	Limit int
	After string   // the line to continue behind, "" for the newest
	Types []string // of the lines to show; none for all
}

// historyReads bounds the lines that are read for a page: a thousand are some 40
// read units.
const historyReads = 1000

// ListHistory returns a page of the history of a workspace, or of one of its
// users where userID is not "", newest first. next is where the following page
// begins, "" at the end. A page is full before the end, unless a thousand lines
// were read for it. A line whose time is over is not shown, though DynamoDB may
// take days to remove it.
//
// The history of a workspace has no lines about mail: what became of a mail is in
// the history of its user.
func (s *Store) ListHistory(ctx context.Context, workspaceID, userID string, p HistoryPage, now time.Time) (entries []Entry, next string, err error) {
	in := p.query(workspaceID, userID)
	for read, chunk := 0, p.Limit; ; {
		in.Limit = aws.Int32(int32(chunk))
		out, err := s.table.Query(ctx, in)
		if err != nil {
			return nil, "", err
		}
		for _, item := range out.Items {
			if len(entries) == p.Limit {
				return entries, entries[p.Limit-1].ID, nil
			}
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
		read += int(out.ScannedCount)
		_, last, _ := strings.Cut(table.TextOf(out.LastEvaluatedKey, "sk"), "#")
		if last == "" || len(entries) == p.Limit || read >= historyReads {
			return entries, last, nil
		}
		in.ExclusiveStartKey = out.LastEvaluatedKey
		chunk = min(4*chunk, historyReads-read) // the filter lets few through
	}
}

func (p HistoryPage) query(workspaceID, userID string) *dynamodb.QueryInput {
	values := Item{":pk": table.Text(prefixHistory + workspaceID)}
	in := &dynamodb.QueryInput{ScanIndexForward: aws.Bool(false), ExpressionAttributeValues: values}
	pk, sk, prefix := "statusPk", "statusSk", ""
	if userID == "" {
		in.IndexName = aws.String(indexByStatus)
	} else {
		pk, sk, prefix = "pk", "sk", userID+"#"
	}
	end := prefix + "~" // behind every id
	if p.After != "" {
		end = prefix + before(p.After)
	}
	values[":from"], values[":to"] = table.Text(prefix+" "), table.Text(end)
	in.KeyConditionExpression = aws.String(pk + " = :pk AND " + sk + " BETWEEN :from AND :to")

	types, filter := p.Types, "#type IN (%s)"
	if len(types) == 0 && userID == "" { // earlier releases indexed them
		types, filter = []string{string(user.DeliveryChanged), string(user.MailDue)}, "NOT #type IN (%s)"
	}
	if len(types) > 0 {
		names := make([]string, len(types))
		for i, t := range types {
			names[i] = fmt.Sprint(":type", i)
			values[names[i]] = table.Text(t)
		}
		in.FilterExpression = aws.String(fmt.Sprintf(filter, strings.Join(names, ", ")))
		in.ExpressionAttributeNames = map[string]string{"#type": "type"} // a reserved word
	}
	return in
}

// ListUserHistory is ListHistory for one user under each id that they have had.
func (s *Store) ListUserHistory(ctx context.Context, workspaceID, userID string, former []user.FormerID, p HistoryPage, now time.Time) (entries []Entry, next string, err error) {
	for _, id := range append([]user.FormerID{{ID: userID}}, former...) {
		part := p
		if id.Until != "" && (p.After == "" || id.Until < p.After) {
			part.After = id.Until
		}
		lines, upTo, err := s.ListHistory(ctx, workspaceID, id.ID, part, now)
		if err != nil {
			return nil, "", err
		}
		entries = append(entries, lines...)
		next = max(next, upTo)
	}
	// What is older than the end of one id's lines is on the following page.
	entries = slices.DeleteFunc(entries, func(e Entry) bool { return e.ID < next })
	slices.SortFunc(entries, func(a, b Entry) int { return cmp.Compare(b.ID, a.ID) })
	if len(entries) > p.Limit {
		entries = entries[:p.Limit]
		next = entries[p.Limit-1].ID
	}
	return entries, next, nil
}

// Person is what a history shows of a user as they are now.
type Person struct {
	Name       string
	Invitation user.Invitation // its generation and mail
}

func personFields(f *table.Fields, p *Person) {
	i := &p.Invitation
	table.String(f, "name", &p.Name)
	table.IntOr(f, "generation", &i.Generation)
	table.StringOr(f, "mailKind", &i.MailKind)
	table.StringOr(f, "delivery", &i.Delivery)
	table.StringOr(f, "deliveryReason", &i.DeliveryReason)
}

// People returns users of a workspace as they are now, by id; a user who is gone
// is absent.
func (s *Store) People(ctx context.Context, workspaceID string, ids []string) (map[string]Person, error) {
	wanted := map[Key]bool{}
	for _, id := range ids {
		wanted[userKey(workspaceID, id)] = true
	}
	items, err := s.table.BatchGet(ctx, slices.Collect(maps.Keys(wanted)), table.Eventual) // a state of a second ago will do
	if err != nil {
		return nil, err
	}
	people := map[string]Person{}
	for _, item := range items {
		if entityOf(item) != entityUser {
			continue
		}
		var p Person
		if err := table.Decode(item, personFields, &p); err != nil {
			return nil, fmt.Errorf("read a user item: %w", err)
		}
		people[strings.TrimPrefix(table.TextOf(item, "sk"), prefixUser)] = p
	}
	return people, nil
}

// AppendHistory writes a line for each event, kept for so long. Writing an
// event again writes the same line. Lines about mail are in no index: they are
// read with their user alone, and cost one write unit instead of two. A workspace
// that was erased has no history.
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
			Delivery: e.Delivery, DeliveryReason: e.DeliveryReason, Generation: e.Generation,
		}})
		if !user.ChangeType(e.Type).OfMail() {
			line.Put["statusPk"] = table.Text(key.PK)
		}
		items = append(items, line.Put)
	}
	return s.table.PutAll(ctx, items)
}
