package store

import (
	"context"
	"time"

	"github.com/latchkey/latchkey/shared/table"
	"github.com/latchkey/latchkey/shared/user"
	"github.com/latchkey/latchkey/shared/workspace"
)

// The tally of a workspace is how many users it has in each status, how many
// seats are free, and how many mails it asked for today. Whatever changes a
// status changes the tally in the same transaction, so it is exact at every
// moment. It lies in parts, of which each write takes any that have room: a
// thousand people who accept in one second do not queue for one item. A limit
// holds because no part ever gives more room than it has, and the parts' rooms
// add up to what is free.

func partOfItem(item Item) workspace.Part {
	part := workspace.Part{Counts: map[user.Status]int{}, Room: table.NumberOf(item, "room", workspace.Unlimited), Mails: dayOfItem(item)}
	for _, status := range user.Statuses() {
		part.Counts[status] = table.NumberOf(item, string(status), 0)
	}
	return part
}

// Attributes that count something on a day.
const (
	attrDay   = "day"
	attrAsked = "asked"
)

func dayOfItem(item Item) workspace.Day {
	return workspace.Day{Date: table.TextOf(item, attrDay), Count: table.NumberOf(item, attrAsked, 0)}
}

// tallyChange is what one transaction changes in one part.
type tallyChange struct {
	counts map[user.Status]int
	seats  int // taken; negative where some are freed
	mails  int
}

func (p *planner) tallyWrite(part int, change tallyChange, share int) table.Write {
	update := table.Update{}.Set("entity", table.Text(entityTally))
	for status, n := range change.counts {
		update = update.Add(string(status), n)
	}
	w := table.Write{Key: tallyKey(p.st.id, part), Update: update}
	if change.seats != 0 {
		w.Update, w.Condition = roomUpdate(w.Update, change.seats)
	}
	if change.mails > 0 {
		var enough table.Condition
		w.Update, enough = dayUpdate(w.Update, p.st.Tally[part].Mails, change.mails, share, p.d.At)
		w.Condition = w.Condition.And(enough)
	}
	return w
}

// roomUpdate takes seats from a part's room, on condition that it has them.
func roomUpdate(update table.Update, seats int) (table.Update, table.Condition) {
	update = update.Decrease("room", seats, workspace.Unlimited)
	if seats <= 0 {
		return update, table.Condition{}
	}
	return update, table.Missing("room").Or(table.Is("room", ">=", table.Number(seats)))
}

// dayUpdate counts n more on a day, of which known was read, on condition that
// the share is not passed. The first of a day begins the count anew.
func dayUpdate(update table.Update, known workspace.Day, n, share int, now time.Time) (table.Update, table.Condition) {
	if today := workspace.DateOf(now); known.Date < today {
		return update.Set(attrDay, table.Text(today)).Set(attrAsked, table.Number(n)),
			table.Missing(attrDay).Or(table.Is(attrDay, "<", table.Text(today)))
	}
	return update.Increase(attrAsked, n),
		table.Is(attrDay, "=", table.Text(known.Date)).And(table.Is(attrAsked, "<=", table.Number(share-n)))
}

// dayKept is how long the counts of a day matter.
const dayKept = 48 * time.Hour

// dayWrite counts n more in an item of its own.
func dayWrite(entity string, key Key, known workspace.Day, n, share int, now time.Time) table.Write {
	update := table.Update{}.Set("entity", table.Text(entity)).Set("ttl", table.Number(int(now.Add(dayKept).Unix())))
	update, enough := dayUpdate(update, known, n, share, now)
	return table.Write{Key: key, Update: update, Condition: enough}
}

// Counts returns the users of a workspace by status: exact, but for those who
// change while the parts are read one after the other. A pending user whose time
// has passed is counted as pending until the schedule, or a caller who needs the
// seat, has persisted it.
func (s *Store) Counts(ctx context.Context, workspaceID string) (map[user.Status]int, error) {
	keys := make([]Key, workspace.Parts)
	for part := range keys {
		keys[part] = tallyKey(workspaceID, part)
	}
	items, err := s.table.BatchGet(ctx, keys, table.Strong)
	if err != nil {
		return nil, err
	}
	var tally workspace.Tally
	for i, item := range items {
		tally[i] = partOfItem(item)
	}
	counts := tally.Counts()
	for status, n := range counts {
		counts[status] = max(n, 0) // seen to leave, and not seen to come
	}
	return counts, nil
}
