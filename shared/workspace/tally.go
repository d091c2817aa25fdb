package workspace

import (
	"time"

	"github.com/latchkey/latchkey/shared/fault"
	"github.com/latchkey/latchkey/shared/setting"
	"github.com/latchkey/latchkey/shared/user"
)

// Parts is how many parts a workspace's tally has.
const Parts = 16

// Unlimited is the room of a part where no seat limit is set: no workspace ever
// uses it up.
const Unlimited = 1 << 50

// Part is one part of a workspace's tally. The sum of a count over all parts is
// exact; a single one may be negative, because a write takes any part.
type Part struct {
	Counts map[user.Status]int
	Room   int // seats that this part may still give; Unlimited without a limit
	Mails  Day // mails counted by this part
}

// Day counts something on one UTC day.
type Day struct {
	Date  string // such as 2026-01-31; "" for never
	Count int
}

// On returns the count on the UTC day of now. A day that another function's
// clock has begun already counts as today.
func (d Day) On(now time.Time) int {
	if d.Date >= DateOf(now) {
		return d.Count
	}
	return 0
}

// DateOf names the UTC day of an instant.
func DateOf(now time.Time) string { return now.UTC().Format(time.DateOnly) }

// Left returns how many of a day's limit, of which each of n parts has its
// share, the given part may still count.
func (d Day) Left(limit, part, n int, now time.Time) int {
	return max(Share(limit, part, n)-d.On(now), 0)
}

// Share returns the share that one of n parts has of a total. All shares add up
// to the total.
func Share(total, part, n int) int { return (total + n - 1 - part) / n }

// Seats returns how many seats a change of counts takes; negative where it
// frees some.
func Seats(counts map[user.Status]int) int {
	n := 0
	for status, by := range counts {
		if status.HoldsSeat() {
			n += by
		}
	}
	return n
}

// Tally is all parts, by number.
type Tally [Parts]Part

// Counts adds up the users by status.
func (t Tally) Counts() map[user.Status]int {
	counts := map[user.Status]int{}
	for _, status := range user.Statuses() {
		for _, part := range t {
			counts[status] += part.Counts[status]
		}
	}
	return counts
}

// Limit returns the seats to take from each part's room so that a new limit
// holds; 0 is no limit. The new rooms are even where they can be, and a change
// of a part in between is harmless as long as its new room would not fall below
// zero. More seats in use than the limit has returns SeatsInUse.
func (t Tally) Limit(limit int) (take [Parts]int, err error) {
	inUse := max(Seats(t.Counts()), 0)
	if limit > 0 && inUse > limit {
		return take, SeatsInUse(inUse)
	}
	for i, part := range t {
		room := Unlimited
		if limit > 0 {
			room = Share(limit-inUse, i, Parts)
		}
		take[i] = part.Room - room
	}
	return take, nil
}

// Limits bound what one workspace or inviter may ask for in a UTC day.
type Limits struct {
	Inviter      int // invitations of one person, in all workspaces together
	NewWorkspace int // mails of a workspace in its first 30 days
	Workspace    int // mails of a workspace after that
}

// LimitsFrom reads the deployment's limits.
func LimitsFrom(r *setting.Reader) Limits {
	return Limits{
		Inviter:      r.Int(setting.MailsPerInviter),
		NewWorkspace: r.Int(setting.MailsPerNewWorkspace),
		Workspace:    r.Int(setting.MailsPerWorkspace),
	}
}

// MaxNotices is the limit of mails in a UTC day that tell a workspace's managers
// that a person asks for a new link.
const MaxNotices = 20

// Trial is how long a workspace is new.
const Trial = 30 * 24 * time.Hour

// Of returns the daily limit of a workspace's mails.
func (l Limits) Of(w Workspace, now time.Time) int {
	switch {
	case w.MailAllowance > 0:
		return w.MailAllowance
	case now.Sub(w.CreatedAt) < Trial:
		return l.NewWorkspace
	}
	return l.Workspace
}

// ErrTooMany is the fault of an account that creates more workspaces in a day
// than it may.
var ErrTooMany = fault.New(fault.Limited, "workspace_limit_day", "You've reached today's limit of new workspaces. Try again after 00:00 UTC.")

// TooMany is ErrTooMany with the time to wait.
func TooMany(now time.Time) error {
	f := *ErrTooMany
	f.RetryAfter = user.Tomorrow(now).Sub(now)
	return &f
}
