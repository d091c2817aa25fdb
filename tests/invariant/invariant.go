// Package invariant holds the invariants of the table: what must be true whatever
// has failed, once everything that follows a write is done. tests/faults and
// tests/history check them.
//
// It may import the DynamoDB client.
package invariant

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
)

// Item is an item of the table.
type Item map[string]any

// Text returns an attribute that is a text; "" where it is none.
func (i Item) Text(name string) string { text, _ := i[name].(string); return text }

// Number returns an attribute that is a number; 0 where it is none.
func (i Item) Number(name string) int { n, _ := i[name].(float64); return int(n) }

// Last returns the change that made the item what it is.
func (i Item) Last() Item { last, _ := i["last"].(map[string]any); return last }

// Items returns every item of a table.
func Items(ctx context.Context, db *dynamodb.Client, table string) (all []Item, err error) {
	pages := dynamodb.NewScanPaginator(db, &dynamodb.ScanInput{TableName: &table, ConsistentRead: aws.Bool(true)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		for _, raw := range page.Items {
			var i Item
			if err := attributevalue.UnmarshalMap(raw, &i); err != nil {
				return nil, err
			}
			all = append(all, i)
		}
	}
	return all, nil
}

// table is all items, by what they are.
type table struct {
	workspaces map[string]*workspaceItems
	slugs      map[string]string // workspace ids, by slug
	items      []Item            // every one, for what concerns more than one workspace
}

// workspaceItems are the items of one workspace.
type workspaceItems struct {
	id        string
	workspace Item
	users     map[string]Item // by id
	erased    map[string]Item
	tally     []Item
	history   []Item
	groups    int // but for those that are being deleted
}

// invariant is what holds whatever failed, once everything has followed that
// follows a write. broken returns what does not hold, in words.
type invariant struct {
	name   string
	broken func(*workspaceItems) []string
}

// invariants are checked for each workspace by itself. An item that is new to
// the table gets its place in workspaceItems, or is looked up in table.items by
// an invariant in ofTheTable.
var invariants = []invariant{
	{"the tally counts the users of each status", tallyCounts},
	{"the tally's room is what the limit leaves", roomIsLeft},
	{"the workspace counts its active admins", adminsAreCounted},
	{"the workspace counts its groups", groupsAreCounted},
	{"every delivery has ended", deliveriesEnd},
	{"every change of a user has one line of history", changesHaveALine},
	{"no email is there twice", emailsAreUnique},
}

// ofTheTable are what holds across workspaces.
var ofTheTable = []struct {
	name   string
	broken func(table) map[string][]string // by workspace id
}{
	{"a slug leads to its workspace", slugsLead},
}

// Broken returns what does not hold, in words, by workspace id.
func Broken(items []Item) map[string][]string {
	found := sorted(items)
	wrong := map[string][]string{}
	add := func(id, name string, broken []string) {
		for _, b := range broken {
			wrong[id] = append(wrong[id], name+": "+b)
		}
	}
	for id, items := range found.workspaces {
		for _, i := range invariants {
			add(id, i.name, i.broken(items))
		}
	}
	for _, i := range ofTheTable {
		for id, broken := range i.broken(found) {
			add(id, i.name, broken)
		}
	}
	return wrong
}

func sorted(items []Item) table {
	found := table{workspaces: map[string]*workspaceItems{}, slugs: map[string]string{}, items: items}
	of := func(id string) *workspaceItems {
		if found.workspaces[id] == nil {
			found.workspaces[id] = &workspaceItems{id: id, users: map[string]Item{}, erased: map[string]Item{}}
		}
		return found.workspaces[id]
	}
	for _, i := range items {
		_, id, _ := strings.Cut(i.Text("pk"), "#")
		sk := i.Text("sk")
		switch i.Text("entity") {
		case "workspace":
			of(id).workspace = i
		case "user":
			of(id).users[strings.TrimPrefix(sk, "USER#")] = i
		case "erased":
			of(id).erased[strings.TrimPrefix(sk, "USER#")] = i
		case "tally":
			of(id).tally = append(of(id).tally, i)
		case "history":
			of(id).history = append(of(id).history, i)
		case "group":
			if i["deleting"] == nil {
				of(id).groups++
			}
		case "slug":
			found.slugs[id] = i.Text("workspace")
		}
	}
	return found
}

var statuses = []string{"requested", "invited", "active", "archived", "expired", "declined"}

func holdsSeat(status string) bool { return slices.Contains(statuses[:3], status) }

func (w *workspaceItems) count(holds func(Item) bool) (n int) {
	for _, u := range w.users {
		if holds(u) {
			n++
		}
	}
	return n
}

func tallyCounts(w *workspaceItems) (broken []string) {
	for _, status := range statuses {
		counted := 0
		for _, part := range w.tally {
			counted += part.Number(status)
		}
		if are := w.count(func(u Item) bool { return u.Text("status") == status }); counted != are {
			broken = append(broken, fmt.Sprintf("%d %s are counted, and there are %d", counted, status, are))
		}
	}
	return broken
}

func roomIsLeft(w *workspaceItems) []string {
	limit := w.workspace.Number("seatLimit")
	if limit == 0 {
		return nil
	}
	room := 0
	for _, part := range w.tally {
		room += part.Number("room")
	}
	if left := limit - w.count(func(u Item) bool { return holdsSeat(u.Text("status")) }); room != left {
		return []string{fmt.Sprintf("the room is %d, and %d seats are left of %d", room, left, limit)}
	}
	return nil
}

func groupsAreCounted(w *workspaceItems) []string {
	if counted := w.workspace.Number("groups"); counted != w.groups {
		return []string{fmt.Sprintf("%d groups are counted, and there are %d", counted, w.groups)}
	}
	return nil
}

func adminsAreCounted(w *workspaceItems) []string {
	are := w.count(func(u Item) bool { return u.Text("status") == "active" && u.Text("role") == "admin" })
	if counted := w.workspace.Number("admins"); counted != are {
		return []string{fmt.Sprintf("%d admins are counted, and there are %d", counted, are)}
	}
	return nil
}

func deliveriesEnd(w *workspaceItems) (broken []string) {
	for id, u := range w.users {
		switch d := u.Text("delivery"); d {
		case "", "none", "delivered", "bounced", "suppressed", "complained", "failed":
		default:
			broken = append(broken, fmt.Sprintf("%s, who is %s, has the delivery %q", id, u.Text("status"), d))
		}
	}
	return broken
}

// A user's version begins with the time of their making, in milliseconds, and
// rises with every change but those of delivery. Each change is one event: as
// many lines as the version has risen at most, for a version also rises with what
// nobody sees, a line for the last change, and no id twice. Whoever founded the workspace has no line of their own for that.
func changesHaveALine(w *workspaceItems) (broken []string) {
	lines := map[string]int{} // since the person was last erased
	seen := map[string]bool{}
	slices.SortFunc(w.history, func(a, b Item) int { return strings.Compare(a.Text("sk"), b.Text("sk")) })
	for _, l := range w.history {
		id, event, _ := strings.Cut(l.Text("sk"), "#")
		if seen[event] {
			broken = append(broken, "the event "+event+" is there twice")
		}
		seen[event] = true
		switch l.Text("type") {
		case "invitation.delivery_changed":
		case "user.erased":
			lines[id] = 0
		default:
			lines[id]++
		}
	}
	for id, u := range w.users {
		made, err := time.Parse(time.RFC3339, u.Text("createdAt"))
		if err != nil {
			broken = append(broken, err.Error())
			continue
		}
		changes := u.Number("version") - int(made.UnixMilli())
		if u.Text("invitedBy") != "" {
			changes++
		}
		if last := u.Last(); last != nil && !seen[last.Text("id")] {
			broken = append(broken, id+" has a last change that no line of history tells of")
		}
		if lines[id] > changes {
			broken = append(broken, fmt.Sprintf("%s has been changed %d times, and has %d lines of history", id, changes, lines[id]))
		}
	}
	return broken
}

func emailsAreUnique(w *workspaceItems) (broken []string) {
	seen := map[string]bool{}
	for id, u := range w.users {
		if key := u.Text("emailPk"); seen[key] {
			broken = append(broken, id+" has the email of another user")
		} else {
			seen[key] = true
		}
	}
	return broken
}

// Miscounted returns, by workspace id, where the count of a workspace's mails on
// its newest day is not the sum of its admins' counts. It holds where admins
// invite in one workspace each, and nobody else invites.
func Miscounted(items []Item) map[string][]string {
	found := sorted(items)
	inviters := map[string][]Item{}
	for _, i := range found.items {
		if _, key, _ := strings.Cut(i.Text("pk"), "#"); i.Text("entity") == "inviter" && strings.HasPrefix(i.Text("sk"), "PART#") {
			inviters[key] = append(inviters[key], i)
		}
	}
	broken := map[string][]string{}
	for id, w := range found.workspaces {
		newest := newestDay(w.tally)
		if newest == "" {
			continue
		}
		counted, asked := onDay(w.tally, newest), 0
		for _, u := range w.users {
			asked += onDay(inviters[u.Text("emailPk")], newest)
		}
		if asked > 0 && asked != counted {
			broken[id] = append(broken[id], fmt.Sprintf("on %s, %d mails are counted for the workspace, and %d for its admins", newest, counted, asked))
		}
	}
	return broken
}

func newestDay(parts []Item) (day string) {
	for _, part := range parts {
		day = max(day, part.Text("day"))
	}
	return day
}

func onDay(parts []Item, day string) (n int) {
	for _, part := range parts {
		if part.Text("day") == day {
			n += part.Number("asked")
		}
	}
	return n
}

func slugsLead(found table) map[string][]string {
	broken := map[string][]string{}
	for id, w := range found.workspaces {
		if slug := w.workspace.Text("slug"); found.slugs[slug] != id {
			broken[id] = append(broken[id], fmt.Sprintf("the slug %s leads to %q", slug, found.slugs[slug]))
		}
	}
	for slug, id := range found.slugs {
		if found.workspaces[id] == nil {
			broken[id] = append(broken[id], "the slug "+slug+" leads nowhere")
		}
	}
	return broken
}
