package store

import (
	"cmp"
	"context"
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

// stored are the statuses under which the index may have a user that the
// filter chooses: the schedule may not have persisted an expiry yet.
func (f Filter) stored() []user.Status {
	if len(f.Statuses) == 0 {
		return user.Statuses()
	}
	stored := slices.Clone(f.Statuses)
	if slices.Contains(stored, user.Expired) {
		stored = append(stored, user.Requested, user.Invited)
	}
	slices.Sort(stored)
	return slices.Compact(stored)
}

// read is what was read of one status: users in order, and how far it got.
type read struct {
	users []user.User
	upTo  string // the last position that was read; "" when all was
}

// filteredReads is how many times its limit a page reads of a status where most
// users may not be what is looked for: fewer pages to walk, and still bounded.
const filteredReads = 5

// Page says which part of a listing to read.
type Page struct {
	Limit  int
	After  string // a position, "" for the start
	Oldest bool   // the oldest first, not the newest
}

// ListUsers gives a page of the users of a workspace, by creation. Each status
// is a range of the index, so the ranges are read side by side and merged: a
// page costs at most its limit of reads of each status that the filter leaves
// (or five times that, for a filter that the index does not know), whatever
// the size of the workspace. next is the position where the following page
// begins, "" at the end; with a filter that the index does not know, a page
// may be short of the limit, or even empty, before the end.
func (s *Store) ListUsers(ctx context.Context, workspaceID string, f Filter, p Page, now time.Time) (page []user.User, next string, err error) {
	statuses := f.stored()
	atOnce := p.Limit
	if f.Role != "" || f.Group != "" || f.Text != "" {
		atOnce = p.Limit * filteredReads
	}
	reads := make([]read, len(statuses))
	group, ctx := errgroup.WithContext(ctx)
	for i, status := range statuses {
		group.Go(func() (err error) {
			reads[i], err = s.readStatus(ctx, workspaceID, status, atOnce, p)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, "", err
	}
	// Nothing behind the end of the range that got least far may be shown yet:
	// that range could have more in between.
	frontier := ""
	var all []user.User
	for _, r := range reads {
		if r.upTo != "" && (frontier == "" || p.compare(r.upTo, frontier) < 0) {
			frontier = r.upTo
		}
		all = append(all, r.users...)
	}
	slices.SortFunc(all, func(a, b user.User) int {
		return cmp.Or(p.compare(Position(a), Position(b)), b.Version-a.Version)
	})
	// Who changed status while the ranges were read stands in two of them.
	all = slices.CompactFunc(all, func(a, b user.User) bool { return a.ID == b.ID })
	for _, u := range all {
		if frontier != "" && p.compare(Position(u), frontier) > 0 {
			break
		}
		if !f.matches(u, now) {
			continue
		}
		if len(page) == p.Limit {
			return page, Position(page[p.Limit-1]), nil
		}
		page = append(page, u)
	}
	return page, frontier, nil
}

// compare orders two positions as the page has them.
func (p Page) compare(a, b string) int {
	if p.Oldest {
		return strings.Compare(a, b)
	}
	return strings.Compare(b, a)
}

func (s *Store) readStatus(ctx context.Context, workspaceID string, status user.Status, limit int, p Page) (read, error) {
	from, to := statusSort(status, ""), statusSort(status, "~") // every position lies between
	switch {
	case p.After != "" && p.Oldest:
		from = statusSort(status, p.After+" ") // the next text
	case p.After != "":
		to = statusSort(status, before(p.After))
	}
	out, err := s.table.Query(ctx, &dynamodb.QueryInput{
		IndexName:                 aws.String("byStatus"),
		KeyConditionExpression:    aws.String("statusPk = :ws AND statusSk BETWEEN :from AND :to"),
		ExpressionAttributeValues: Item{":ws": table.Text(workspaceID), ":from": table.Text(from), ":to": table.Text(to)},
		ScanIndexForward:          aws.Bool(p.Oldest),
		Limit:                     aws.Int32(int32(limit)),
	})
	if err != nil {
		return read{}, err
	}
	r := read{users: make([]user.User, len(out.Items))}
	for i, item := range out.Items {
		r.users[i], err = userOfItem(item)
		if err != nil {
			return read{}, err
		}
	}
	if out.LastEvaluatedKey != nil && len(r.users) > 0 {
		r.upTo = Position(r.users[len(r.users)-1])
	}
	return r, nil
}

// before is the greatest text that sorts before a position, near enough: ids
// end in a letter or digit, so the same text with its last byte lowered and
// the highest byte behind it lies between the position and its predecessor.
func before(position string) string {
	last := len(position) - 1
	return position[:last] + string(position[last]-1) + "\x7f"
}
