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
)

// Filter chooses users of a workspace. Empty members choose all.
type Filter struct {
	Statuses []user.Status // as people see them: expired from the instant of expiry
	Role     user.Role
	Group    string
	Text     string // a substring of name or email, in any case
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

// searches reports whether the filter needs attributes that no index has.
func (f Filter) searches() bool { return f.Role != "" || f.Group != "" || f.Text != "" }

// lane is one range of an index that a page is read from, in the page's order.
type lane struct {
	index  string
	status user.Status // "" for a range of all
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
)

// lapsedReads is how many users a lane of lapsed ones reads for a page: the
// schedule leaves few of them, for five minutes.
const lapsedReads = 25

// lanes returns the ranges that hold all users a filter can match.
func (f Filter) lanes(after string) (lanes []*lane) {
	if len(f.Statuses) == 0 {
		return []*lane{{index: indexByCreation, upTo: after}}
	}
	for _, status := range user.Statuses() {
		chosen := slices.Contains(f.Statuses, status)
		lapsed := !chosen && status.Pending() && slices.Contains(f.Statuses, user.Expired)
		if chosen || lapsed {
			lanes = append(lanes, &lane{index: indexByStatus, status: status, lapsed: lapsed, upTo: after})
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

// searchReads is how many times its limit a page reads to find a role, a group or a
// text, which no index has: that saves pages, and is still bounded.
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
// While the index byCreation is being filled after an upgrade, a list without
// statuses reads them all.
func (s *Store) ListUsers(ctx context.Context, workspaceID string, f Filter, p Page, now time.Time) (page []user.User, next string, err error) {
	page, next, err = s.listUsers(ctx, workspaceID, f, p, now)
	if errors.Is(err, table.ErrNoIndex) && len(f.Statuses) == 0 {
		f.Statuses = user.Statuses()
		return s.listUsers(ctx, workspaceID, f, p, now)
	}
	return page, next, err
}

func (s *Store) listUsers(ctx context.Context, workspaceID string, f Filter, p Page, now time.Time) (page []user.User, next string, err error) {
	lanes := f.lanes(p.After)
	wanted := p.Limit + 1 // one more shows whether there is a next page
	budget := 2*p.Limit + fewest*len(lanes)
	if f.searches() {
		budget = searchReads * p.Limit
	}
	m := merger{filter: f, Page: p, now: now, lanes: lanes}
	for left := budget; ; {
		reads := m.plan(wanted-len(m.page), left)
		if err := s.readLanes(ctx, workspaceID, &m, reads); err != nil {
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
	filter Filter
	now    time.Time
	lanes  []*lane
	page   []user.User
	last   string // the position of the last user taken, matched or not
	each   int    // how many users were read of each lane at first; 0 before that
}

// plan returns how many users to read of each lane for a page that lacks that many:
// a few of each at first, then more of those that ran out. The budget that is left
// suffices even if none of the users read now is among the next.
func (m *merger) plan(lacks, left int) []int {
	reads := make([]int, len(m.lanes))
	if m.each == 0 {
		switch {
		case m.filter.searches():
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
		IndexName:                 &l.index,
		KeyConditionExpression:    aws.String("statusPk = :ws"),
		ExpressionAttributeValues: Item{":ws": table.Text(workspaceID)},
		ScanIndexForward:          aws.Bool(m.Oldest),
		Limit:                     aws.Int32(int32(n)),
	}
	if l.status != "" {
		in.KeyConditionExpression = aws.String("statusPk = :ws AND begins_with(statusSk, :status)")
		in.ExpressionAttributeValues[":status"] = table.Text(statusSort(l.status, ""))
	}
	if l.upTo != "" {
		in.ExclusiveStartKey = l.startKey(workspaceID)
	}
	out, err := s.table.Query(ctx, in)
	if err != nil {
		return err
	}
	for _, item := range out.Items {
		u, err := userOfItem(item)
		if err != nil {
			return err
		}
		l.users = append(l.users, u)
	}
	l.done = out.LastEvaluatedKey == nil || l.lapsed
	if len(l.users) > 0 {
		l.upTo = Position(l.users[len(l.users)-1])
	}
	return nil
}

// startKey is where a lane continues after upTo, even if the user with that
// position is gone.
func (l *lane) startKey(workspaceID string) Item {
	createdAt, id, _ := strings.Cut(l.upTo, "#")
	key := userKey(workspaceID, id).Item()
	key["statusPk"] = table.Text(workspaceID)
	if l.status == "" {
		key["createdAt"] = table.Text(createdAt)
	} else {
		key["statusSk"] = table.Text(statusSort(l.status, l.upTo))
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
