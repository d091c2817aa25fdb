package faults

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"
)

// table is all items, by what they are.
type table struct {
	workspaces map[string]*workspaceItems
	slugs      map[string]string // workspace ids, by slug
	items      []item            // every one, for what concerns more than one workspace
}

// workspaceItems are the items of one workspace.
type workspaceItems struct {
	id        string
	workspace item
	users     map[string]item // by id
	erased    map[string]item
	tally     []item
	history   []item
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
	{"the day's mails are those of its inviters", mailsAreCounted},
}

// check holds the table against every invariant.
func (w *world) check(t *testing.T) {
	t.Helper()
	found := sorted(w.items(t))
	wrong := map[string][]string{} // by scene
	add := func(id, name string, broken []string) {
		label, ok := w.scenes[id]
		if !ok {
			label = "a workspace of no scene"
		}
		for _, b := range broken {
			wrong[label] = append(wrong[label], name+": "+b)
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
	for _, label := range slices.Sorted(maps.Keys(wrong)) {
		t.Errorf("after %s:\n\t%s", label, strings.Join(wrong[label], "\n\t"))
	}
}

func sorted(items []item) table {
	found := table{workspaces: map[string]*workspaceItems{}, slugs: map[string]string{}, items: items}
	of := func(id string) *workspaceItems {
		if found.workspaces[id] == nil {
			found.workspaces[id] = &workspaceItems{id: id, users: map[string]item{}, erased: map[string]item{}}
		}
		return found.workspaces[id]
	}
	for _, i := range items {
		_, id, _ := strings.Cut(i.text("pk"), "#")
		sk := i.text("sk")
		switch i.text("entity") {
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
		case "slug":
			found.slugs[id] = i.text("workspace")
		}
	}
	return found
}

var statuses = []string{"requested", "invited", "active", "archived", "expired", "declined"}

func holdsSeat(status string) bool { return slices.Contains(statuses[:3], status) }

func (w *workspaceItems) count(holds func(item) bool) (n int) {
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
			counted += part.number(status)
		}
		if are := w.count(func(u item) bool { return u.text("status") == status }); counted != are {
			broken = append(broken, fmt.Sprintf("%d %s are counted, and there are %d", counted, status, are))
		}
	}
	return broken
}

func roomIsLeft(w *workspaceItems) []string {
	limit := w.workspace.number("seatLimit")
	if limit == 0 {
		return nil
	}
	room := 0
	for _, part := range w.tally {
		room += part.number("room")
	}
	if left := limit - w.count(func(u item) bool { return holdsSeat(u.text("status")) }); room != left {
		return []string{fmt.Sprintf("the room is %d, and %d seats are left of %d", room, left, limit)}
	}
	return nil
}

func adminsAreCounted(w *workspaceItems) []string {
	are := w.count(func(u item) bool { return u.text("status") == "active" && u.text("role") == "admin" })
	if counted := w.workspace.number("admins"); counted != are {
		return []string{fmt.Sprintf("%d admins are counted, and there are %d", counted, are)}
	}
	return nil
}

func deliveriesEnd(w *workspaceItems) (broken []string) {
	for id, u := range w.users {
		switch d := u.text("delivery"); d {
		case "", "none", "delivered", "bounced", "suppressed", "complained", "failed":
		default:
			broken = append(broken, fmt.Sprintf("%s, who is %s, has the delivery %q", id, u.text("status"), d))
		}
	}
	return broken
}

// A user's version begins with the time of their making, in milliseconds, and
// rises with every change but those of delivery. Each change is one event: as
// many lines as the version has risen at most, for a version also rises with what
// nobody sees, a line for the last change, and no id twice. Whoever founded the workspace has no line of their own for that.
func changesHaveALine(w *workspaceItems) (broken []string) {
	lines := map[string]int{}
	seen := map[string]bool{}
	for _, l := range w.history {
		id, event, _ := strings.Cut(l.text("sk"), "#")
		if seen[event] {
			broken = append(broken, "the event "+event+" is there twice")
		}
		seen[event] = true
		if l.text("type") != "invitation.delivery_changed" {
			lines[id]++
		}
	}
	for id, u := range w.users {
		made, err := time.Parse(time.RFC3339, u.text("createdAt"))
		if err != nil {
			broken = append(broken, err.Error())
			continue
		}
		changes := u.number("version") - int(made.UnixMilli())
		if u.text("invitedBy") != "" {
			changes++
		}
		if last, _ := u["last"].(map[string]any); last != nil && !seen[item(last).text("id")] {
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
		if key := u.text("emailPk"); seen[key] {
			broken = append(broken, id+" has the email of another user")
		} else {
			seen[key] = true
		}
	}
	return broken
}

// mailsAreCounted compares the counts of the same mails: the workspace's of its
// newest day, and its admin's, who asked for all of them.
func mailsAreCounted(found table) map[string][]string {
	inviters := map[string][]item{}
	for _, i := range found.items {
		if _, key, _ := strings.Cut(i.text("pk"), "#"); i.text("entity") == "inviter" && strings.HasPrefix(i.text("sk"), "PART#") {
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
			asked += onDay(inviters[u.text("emailPk")], newest)
		}
		if asked > 0 && asked != counted {
			broken[id] = append(broken[id], fmt.Sprintf("on %s, %d mails are counted for the workspace, and %d for its admins", newest, counted, asked))
		}
	}
	return broken
}

func newestDay(parts []item) (day string) {
	for _, part := range parts {
		day = max(day, part.text("day"))
	}
	return day
}

func onDay(parts []item, day string) (n int) {
	for _, part := range parts {
		if part.text("day") == day {
			n += part.number("asked")
		}
	}
	return n
}

func slugsLead(found table) map[string][]string {
	broken := map[string][]string{}
	for id, w := range found.workspaces {
		if slug := w.workspace.text("slug"); found.slugs[slug] != id {
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
