package store

import (
	"context"
	"math/rand/v2"
	"slices"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/latchkey/latchkey/shared/user"
	"github.com/latchkey/latchkey/shared/workspace"
)

// The tally of a workspace is how many users it has in each status, and how
// many seats are free. Whatever changes a status changes the tally in the same
// transaction, so it is exact at every moment. It lies in parts, of which each
// write takes any one: a thousand people who accept in one second do not queue
// for one item. A count is the sum over the parts, each of which may be
// negative; a seat limit is kept because no part ever gives more room than it
// has, and the parts' rooms add up to what is free.

// Parts is how many parts a tally has.
const Parts = 16

// tally is a change of the counts.
type tally map[user.Status]int

// seats are those that the change takes; negative where it frees some.
func (t tally) seats() int {
	n := 0
	for status, by := range t {
		if status.HoldsSeat() {
			n += by
		}
	}
	return n
}

// unlimited is the room of a part where nothing limits it: no workspace ever
// gets through it.
const unlimited = 1 << 50

func anyPart() int { return rand.IntN(Parts) }

// tallyUpdate changes one part, on condition that it has room for the seats
// that are taken.
func (s *Store) tallyUpdate(workspaceID string, part int, change tally) *types.Update {
	e := newExpression()
	for _, status := range user.Statuses() {
		if by := change[status]; by != 0 {
			e.add(string(status), by)
		}
	}
	e.set("entity", text(entityTally))
	condition := ""
	if seats := change.seats(); seats != 0 {
		e.sets = append(e.sets, e.name("room")+" = if_not_exists("+e.name("room")+", "+e.value(number(unlimited))+") - "+e.value(number(seats)))
		if seats > 0 {
			condition = "attribute_not_exists(" + e.name("room") + ") OR " + e.name("room") + " >= " + e.value(number(seats))
		}
	}
	return e.update(s.table, tallyKey(workspaceID, part), condition)
}

// parts reads all parts of a tally.
func (s *Store) parts(ctx context.Context, workspaceID string) ([Parts]Item, error) {
	var parts [Parts]Item
	keys := make([]Item, Parts)
	for i := range keys {
		keys[i] = tallyKey(workspaceID, i).item()
	}
	items, err := s.batchGet(ctx, keys, strongly)
	for _, item := range items {
		for i := range parts {
			if stringOf(item, "sk") == tallyKey(workspaceID, i).SK {
				parts[i] = item
			}
		}
	}
	return parts, err
}

func intOf(item Item, name string, otherwise int) int {
	v, ok := item[name].(*types.AttributeValueMemberN)
	if !ok {
		return otherwise
	}
	n, _ := strconv.Atoi(v.Value) // our own whole numbers
	return n
}

func room(part Item) int { return intOf(part, "room", unlimited) }

// roomiest is the part with the most room, and how much it is; where none has
// any, workspace.ErrSeatLimit.
func (s *Store) roomiest(ctx context.Context, workspaceID string) (part, free int, err error) {
	parts, err := s.parts(ctx, workspaceID)
	if err != nil {
		return 0, 0, err
	}
	for i := range parts {
		if room(parts[i]) > room(parts[part]) {
			part = i
		}
	}
	if free = room(parts[part]); free <= 0 {
		return 0, 0, workspace.ErrSeatLimit
	}
	return part, free, nil
}

// SeatsLeft is how many seats are free.
func (s *Store) SeatsLeft(ctx context.Context, workspaceID string) (int, error) {
	parts, err := s.parts(ctx, workspaceID)
	free := 0
	for _, part := range parts {
		free += room(part)
	}
	return max(free, 0), err
}

// Counts are the users of a workspace by status: exact, but for those who
// change while the parts are read, one after the other. A pending user whose
// time has passed is counted as pending until the schedule, or somebody who
// needs the seat, has persisted it.
func (s *Store) Counts(ctx context.Context, workspaceID string) (map[user.Status]int, error) {
	parts, err := s.parts(ctx, workspaceID)
	counts := countsOf(parts)
	for status, n := range counts {
		counts[status] = max(n, 0) // somebody was seen to leave who was not seen to come
	}
	return counts, err
}

func countsOf(parts [Parts]Item) map[user.Status]int {
	counts := map[user.Status]int{}
	for _, status := range user.Statuses() {
		for _, part := range parts {
			counts[status] += intOf(part, string(status), 0)
		}
	}
	return counts
}

// seatUpdates give every part its share of a new limit, on condition that the
// tally is still as it was read; 0 is no limit. More seats in use than the
// limit has is workspace.SeatsInUse.
func (s *Store) seatUpdates(ctx context.Context, workspaceID string, limit int) ([]types.TransactWriteItem, error) {
	parts, err := s.parts(ctx, workspaceID)
	if err != nil {
		return nil, err
	}
	inUse := 0
	for status, n := range countsOf(parts) {
		if status.HoldsSeat() {
			inUse += n
		}
	}
	if limit > 0 && inUse > limit {
		return nil, workspace.SeatsInUse(inUse)
	}
	writes := make([]types.TransactWriteItem, Parts)
	for i, part := range parts {
		share := unlimited
		if limit > 0 {
			share = (limit - inUse + Parts - 1 - i) / Parts
		}
		e := newExpression()
		e.set("entity", text(entityTally))
		e.set("room", number(share))
		condition := "attribute_not_exists(" + e.name("room") + ")"
		if part["room"] != nil {
			condition = e.name("room") + " = " + e.value(part["room"])
		}
		writes[i] = types.TransactWriteItem{Update: e.update(s.table, tallyKey(workspaceID, i), condition)}
	}
	return writes, nil
}

func lostAny(reasons []types.CancellationReason) bool {
	return slices.ContainsFunc(reasons, func(r types.CancellationReason) bool { return aws.ToString(r.Code) == lost })
}
