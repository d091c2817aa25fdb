package store

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"golang.org/x/sync/errgroup"

	"github.com/latchkey/latchkey/shared/table"
	"github.com/latchkey/latchkey/shared/user"
	"github.com/latchkey/latchkey/shared/workspace"
)

// Filter chooses users of a workspace. Empty members choose all.
type Filter struct {
	Statuses []user.Status // as people see them: expired from the instant of expiry
	Role     user.Role
	Group    string
	// Text is a whole email, which chooses its user alone, or else a part of name or
	// email, in any case.
	Text string
}

func (f Filter) matches(u user.User, now time.Time) bool {
	if len(f.Statuses) > 0 && !slices.Contains(f.Statuses, u.StatusAt(now)) {
		return false
	}
	if f.Role != "" && u.Role != f.Role || f.Group != "" && !slices.Contains(u.Groups, f.Group) {
		return false
	}
	text := strings.ToLower(f.Text)
	return strings.Contains(strings.ToLower(u.Name), text) || strings.Contains(strings.ToLower(u.Email), text)
}

// searches reports whether users are read that the filter may not choose: a range
// holds a status, a role or a group, and of a text nothing.
func (f Filter) searches(indexed bool) bool {
	switch {
	case f.Text != "":
		return true
	case !indexed:
		return f.Role != "" || f.Group != ""
	case f.Group != "":
		return f.Role != "" || len(f.Statuses) > 0
	}
	return f.Role != "" && len(f.Statuses) > 0
}

// lane is one range of the table or an index that a page is read from, in the
// page's order.
type lane struct {
	index     string // "" for the table
	partition string // the attribute of the partition key
	of        string // its value
	sort      string // the attribute of the sort key
	prefix    string // of its values; "" where they are times of creation
	keysOnly  bool   // the range does not hold the users themselves
	// lapsed reports whether the lane searches pending users for expired ones that
	// the schedule has not persisted yet. It is read once for a page and does not
	// delay it.
	lapsed bool
	users  []user.User // read but not taken yet
	upTo   string      // the last position that was read
	done   bool        // there are no more users to read
}

const (
	indexByStatus   = "byStatus"
	indexByCreation = "byCreation"
	indexByRole     = "byRole"
)

// lapsedReads is how many users a lane of lapsed ones reads for a page: the
// schedule leaves few of them, for five minutes.
const lapsedReads = 25

// lanes returns the ranges that hold all users a filter can match. Those of a role
// and of a group hold all of them in an indexed workspace alone.
func (f Filter) lanes(w workspace.Workspace, after string) (lanes []*lane) {
	switch {
	case w.Indexed && f.Group != "":
		at := inGroupKey(w.ID, f.Group, "")
		return []*lane{{partition: "pk", of: at.PK, sort: "sk", prefix: at.SK, keysOnly: true, upTo: after}}
	case w.Indexed && f.Role != "":
		return []*lane{{index: indexByRole, partition: "rolePk", of: rolePartition(w.ID, f.Role), sort: "createdAt", keysOnly: true, upTo: after}}
	case len(f.Statuses) == 0:
		return []*lane{{index: indexByCreation, partition: "statusPk", of: w.ID, sort: "createdAt", upTo: after}}
	}
	for _, status := range user.Statuses() {
		chosen := slices.Contains(f.Statuses, status)
		lapsed := !chosen && status.Pending() && slices.Contains(f.Statuses, user.Expired)
		if chosen || lapsed {
			lanes = append(lanes, &lane{
				index: indexByStatus, partition: "statusPk", of: w.ID, sort: "statusSk", prefix: statusSort(status, ""), lapsed: lapsed, upTo: after,
			})
		}
	}
	return lanes
}

// Page says which part of a listing to read.
type Page struct {
	Limit  int
	After  string // a position, "" for the start
	Oldest bool   // the oldest first, not the newest
}

// compare orders two positions in the page's order.
func (p Page) compare(a, b string) int {
	if p.Oldest {
		return strings.Compare(a, b)
	}
	return strings.Compare(b, a)
}

// searchReads is how many times its limit a page reads to find a text, or several
// things of which a range holds one: that saves pages, and is still bounded.
const searchReads = 5

// fewest is how many users a page reads of each status at least, so that a short
// page is not read one by one.
const fewest = 2

// ListUsers returns a page of the users of a workspace, by creation. Whatever the
// size of the workspace, it reads at most twice its limit of users, and two more
// of each status that the filter names; a search reads up to five times its
// limit. next is the position where the following page begins, "" at the end.
// Only a search may find fewer than its limit before the end, or nobody.
//
// The users have what listUsers shows, but not necessarily the rest of their
// records.
//
// While an index is being filled after an upgrade, a list does without it: it
// searches for a role, and without statuses it reads them all.
func (s *Store) ListUsers(ctx context.Context, w workspace.Workspace, f Filter, p Page, now time.Time) (page []user.User, next string, err error) {
	if p.After == "" {
		u, ok, err := s.userOfEmail(ctx, w.ID, f, now)
		if ok || err != nil {
			return []user.User{u}, "", err
		}
	}
	page, next, err = s.listUsers(ctx, w, f, p, now)
	if errors.Is(err, table.ErrNoIndex) && w.Indexed {
		w.Indexed = false
		page, next, err = s.listUsers(ctx, w, f, p, now)
	}
	if errors.Is(err, table.ErrNoIndex) && len(f.Statuses) == 0 {
		f.Statuses = user.Statuses()
		page, next, err = s.listUsers(ctx, w, f, p, now)
	}
	return page, next, err
}

// userOfEmail returns the user whose whole email a filter names. ok is false if it
// names none, or chooses another status, role or group.
func (s *Store) userOfEmail(ctx context.Context, workspaceID string, f Filter, now time.Time) (u user.User, ok bool, err error) {
	email := strings.TrimSpace(f.Text)
	if !user.ValidEmail(email) {
		return user.User{}, false, nil
	}
	u, ok, err = s.LoadUser(ctx, workspaceID, user.IDFor(workspaceID, email))
	f.Text = "" // the address may be written in another way
	return u, ok && f.matches(u, now), err
}

func (s *Store) listUsers(ctx context.Context, w workspace.Workspace, f Filter, p Page, now time.Time) (page []user.User, next string, err error) {
	lanes := f.lanes(w, p.After)
	searches := f.searches(w.Indexed)
	wanted := p.Limit + 1 // one more shows whether there is a next page
	budget := 2*p.Limit + fewest*len(lanes)
	if searches {
		budget = searchReads * p.Limit
	}
	m := merger{filter: f, searches: searches, Page: p, now: now, lanes: lanes}
	for left := budget; ; {
		reads := m.plan(wanted-len(m.page), left)
		if err := s.readLanes(ctx, w.ID, &m, reads); err != nil {
			return nil, "", err
		}
		for i, n := range reads {
			if !lanes[i].lapsed {
				left -= n
			}
		}
		m.take(wanted)
		switch {
		case len(m.page) == wanted:
			return m.page[:p.Limit], Position(m.page[p.Limit-1]), nil
		case m.done():
			return m.page, "", nil
		case left <= 0:
			return m.page, m.frontier(), nil
		}
	}
}

func (s *Store) readLanes(ctx context.Context, workspaceID string, m *merger, reads []int) error {
	group, ctx := errgroup.WithContext(ctx)
	for i, n := range reads {
		if n > 0 {
			group.Go(func() error { return s.readLane(ctx, workspaceID, m, m.lanes[i], n) })
		}
	}
	return group.Wait()
}

// merger makes one page of several lanes.
type merger struct {
	Page
	filter   Filter
	searches bool
	now      time.Time
	lanes    []*lane
	page     []user.User
	last     string // the position of the last user taken, matched or not
	each     int    // how many users were read of each lane at first; 0 before that
}

// plan returns how many users to read of each lane for a page that lacks that many:
// a few of each at first, then more of those that ran out. The budget that is left
// suffices even if none of the users read now is among the next.
func (m *merger) plan(lacks, left int) []int {
	reads := make([]int, len(m.lanes))
	if m.each == 0 {
		switch {
		case m.searches && !m.lanes[0].keysOnly:
			m.each = max(1, left/len(m.lanes))
		case len(m.lanes) == 1:
			m.each = lacks
		default:
			m.each = max(fewest, lacks/(2*len(m.lanes)))
		}
		for i, l := range m.lanes {
			reads[i] = m.each
			if l.lapsed {
				reads[i] = lapsedReads
			}
		}
		return reads
	}
	var starved []int
	for i, l := range m.lanes {
		if len(l.users) == 0 && !l.done {
			starved = append(starved, i)
		}
	}
	spare := left - lacks - m.each*len(m.lanes)
	for _, i := range starved {
		reads[i] = max(m.each, min(lacks, spare)/len(starved))
		if len(m.lanes) == 1 {
			reads[i] = min(lacks, left) // some users read before did not match
		}
	}
	return reads
}

// take moves users into the page in order, as far as every lane is known.
func (m *merger) take(wanted int) {
	for len(m.page) < wanted {
		var first *lane
		for _, l := range m.lanes {
			if len(l.users) == 0 {
				if !l.done {
					return // the next user may be in it
				}
				continue
			}
			if first == nil || m.before(l.users[0], first.users[0]) {
				first = l
			}
		}
		if first == nil {
			return
		}
		u := first.users[0]
		first.users = first.users[1:]
		// A user who changed status while the lanes were read can be in two of them,
		// but not twice in one, where users of one instant are in no defined order.
		if at := Position(u); len(m.lanes) == 1 || m.last == "" || m.compare(m.last, at) < 0 {
			m.last = at
			if m.filter.matches(u, m.now) {
				m.page = append(m.page, u)
			}
		}
	}
}

// before orders two users; of two states of one, the newer comes first.
func (m *merger) before(a, b user.User) bool {
	return cmp.Or(m.compare(Position(a), Position(b)), b.Version-a.Version) < 0
}

func (m *merger) done() bool {
	return !slices.ContainsFunc(m.lanes, func(l *lane) bool { return !l.done || len(l.users) > 0 })
}

// frontier is the position up to which everything was looked at.
func (m *merger) frontier() (at string) {
	for _, l := range m.lanes {
		if !l.done && len(l.users) == 0 && (at == "" || m.compare(l.upTo, at) < 0) {
			at = l.upTo
		}
	}
	return at
}

// readLane reads the next n users of a lane.
func (s *Store) readLane(ctx context.Context, workspaceID string, m *merger, l *lane, n int) error {
	in := &dynamodb.QueryInput{
		KeyConditionExpression:    aws.String(l.partition + " = :pk"),
		ExpressionAttributeValues: Item{":pk": table.Text(l.of)},
		ScanIndexForward:          aws.Bool(m.Oldest),
		Limit:                     aws.Int32(int32(n)),
	}
	if l.index != "" {
		in.IndexName = &l.index
	}
	if l.prefix != "" {
		*in.KeyConditionExpression += " AND begins_with(" + l.sort + ", :prefix)"
		in.ExpressionAttributeValues[":prefix"] = table.Text(l.prefix)
	}
	if l.upTo != "" {
		in.ExclusiveStartKey = l.startKey(workspaceID)
	}
	out, err := s.table.Query(ctx, in)
	if err != nil {
		return err
	}
	l.done = out.LastEvaluatedKey == nil || l.lapsed
	if len(out.Items) > 0 {
		l.upTo = l.position(out.Items[len(out.Items)-1])
	}
	if l.keysOnly {
		l.users, err = s.usersAt(ctx, workspaceID, l, out.Items)
		return err
	}
	for _, item := range out.Items {
		u, err := userOfItem(item)
		if err != nil {
			return err
		}
		l.users = append(l.users, u)
	}
	return nil
}

// usersAt reads the users that the keys of a lane stand for. A key may be ahead of
// its user or behind them: one who is no longer at its position is left out.
func (s *Store) usersAt(ctx context.Context, workspaceID string, l *lane, keys []Item) ([]user.User, error) {
	at := make([]Key, len(keys))
	for i, item := range keys {
		_, id, _ := strings.Cut(l.position(item), "#")
		at[i] = userKey(workspaceID, id)
	}
	items, err := s.table.BatchGet(ctx, at, table.Eventual)
	if err != nil {
		return nil, err
	}
	found := map[string]user.User{}
	for _, item := range items {
		if entityOf(item) != entityUser { // erased since
			continue
		}
		u, err := userOfItem(item)
		if err != nil {
			return nil, err
		}
		found[Position(u)] = u
	}
	var users []user.User
	for _, item := range keys {
		if u, ok := found[l.position(item)]; ok {
			users = append(users, u)
		}
	}
	return users, nil
}

// position returns the position that an item of a lane has.
func (l *lane) position(item Item) string {
	key := table.KeyOf(item)
	if l.index == "" {
		return strings.TrimPrefix(key.SK, l.prefix)
	}
	return table.TextOf(item, "createdAt") + "#" + strings.TrimPrefix(key.SK, prefixUser)
}

// startKey is where a lane continues after upTo, even if the user with that
// position is gone.
func (l *lane) startKey(workspaceID string) Item {
	createdAt, id, _ := strings.Cut(l.upTo, "#")
	key := userKey(workspaceID, id).Item()
	key[l.partition] = table.Text(l.of)
	key[l.sort] = table.Text(createdAt)
	if l.prefix != "" {
		key[l.sort] = table.Text(l.prefix + l.upTo)
	}
	return key
}

// before is the greatest text that sorts before a position, near enough: ids
// end in a letter or digit, so the same text with its last byte lowered and
// the highest byte behind it lies between the position and its predecessor.
func before(position string) string {
	last := len(position) - 1
	return position[:last] + string(position[last]-1) + "\x7f"
}
