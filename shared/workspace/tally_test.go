package workspace_test

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/latchkey/latchkey/shared/fault"
	"github.com/latchkey/latchkey/shared/user"
	"github.com/latchkey/latchkey/shared/workspace"
)

// tally draws a tally under a limit (0: none) whose parts hold counts anywhere,
// some of them negative, as writes of any part leave them.
func tally(t *rapid.T, limit int) workspace.Tally {
	var tally workspace.Tally
	inUse := rapid.IntRange(0, 60).Draw(t, "in use")
	if limit > 0 {
		inUse = min(inUse, limit)
	}
	for i := range tally {
		tally[i] = workspace.Part{Counts: map[user.Status]int{}, Room: workspace.Unlimited}
		if limit > 0 {
			tally[i].Room = workspace.Share(limit-inUse, i, workspace.Parts)
		}
	}
	part := rapid.IntRange(0, workspace.Parts-1)
	status := rapid.SampledFrom([]user.Status{user.Active, user.Requested, user.Invited})
	for range inUse {
		tally[part.Draw(t, "part")].Counts[status.Draw(t, "status")]++
	}
	for range rapid.IntRange(0, 20).Draw(t, "moves") { // came in one part, went in another
		tally[part.Draw(t, "part")].Counts[user.Active]++
		tally[part.Draw(t, "part")].Counts[user.Active]--
	}
	return tally
}

// A new seat limit gives the parts rooms that add up to what is free, none of
// them negative; the changes are relative, so that they do not depend on what
// became of a part since it was read.
func TestTheRoomsOfANewSeatLimitAddUp(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		before := tally(t, rapid.IntRange(0, 80).Draw(t, "limit before"))
		inUse := workspace.Seats(before.Counts())
		limit := rapid.IntRange(0, 80).Draw(t, "limit")
		take, err := before.Limit(limit)
		if limit > 0 && inUse > limit {
			if fault.Code(err) != workspace.CodeSeatsInUse {
				t.Fatalf("%d seats are in use, and a limit of %d gives %v", inUse, limit, err)
			}
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		free, least, most := 0, workspace.Unlimited, 0
		for i, part := range before {
			room := part.Room - take[i]
			free, least, most = free+room, min(least, room), max(most, room)
		}
		switch {
		case limit == 0 && (least != workspace.Unlimited || most != workspace.Unlimited):
			t.Fatalf("without a limit the rooms are %d to %d", least, most)
		case limit > 0 && free != limit-inUse:
			t.Fatalf("%d in use of %d leave %d", inUse, limit, free)
		case limit > 0 && (least < 0 || most-least > 1):
			t.Fatalf("the rooms are %d to %d", least, most)
		}
	})
}

func TestTheSharesOfATotalAddUp(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		total, n := rapid.IntRange(0, 10_000).Draw(t, "total"), rapid.IntRange(1, 20).Draw(t, "parts")
		sum := 0
		for part := range n {
			share := workspace.Share(total, part, n)
			if share < total/n || share > total/n+1 {
				t.Fatalf("part %d of %d has %d of %d", part, n, share, total)
			}
			sum += share
		}
		if sum != total {
			t.Fatalf("the shares of %d add up to %d", total, sum)
		}
	})
}

// A day counts on its own UTC day, and for a clock that is behind it.
func TestADayCountsOnItsUTCDay(t *testing.T) {
	d := workspace.Day{Date: "2026-01-02", Count: 3}
	for now, want := range map[string]int{
		"2026-01-02T00:00:00Z": 3, "2026-01-02T23:59:59Z": 3, "2026-01-03T00:00:00Z": 0,
		"2026-01-01T23:59:59Z": 3, "2026-01-03T01:00:00+02:00": 3, "2026-01-02T23:00:00-02:00": 0,
	} {
		at, err := time.Parse(time.RFC3339, now)
		if err != nil {
			t.Fatal(err)
		}
		if got := d.On(at); got != want {
			t.Errorf("%s: %d, want %d", now, got, want)
		}
	}
	if got := (workspace.Day{}).On(t0); got != 0 {
		t.Errorf("a day that never was has %d", got)
	}
}

// What the parts have left adds up to what the limit leaves, as long as no part
// is over its share; a lower limit never gives a negative rest.
func TestTheMailsThatAreLeftAddUp(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		limit := rapid.IntRange(0, 100).Draw(t, "limit")
		var tally workspace.Tally
		asked := 0
		for i := range tally {
			n := rapid.IntRange(0, workspace.Share(limit, i, workspace.Parts)).Draw(t, "asked")
			tally[i].Mails = workspace.Day{Date: workspace.DateOf(t0), Count: n}
			asked += n
		}
		if got := mailsLeft(tally, limit, t0); got != limit-asked {
			t.Fatalf("%d of %d leave %d", asked, limit, got)
		}
		if got := mailsLeft(tally, limit, t0.Add(24*time.Hour)); got != limit {
			t.Fatalf("on the next day %d of %d are left", got, limit)
		}
		if got := mailsLeft(tally, 0, t0); got != 0 {
			t.Fatalf("of no mails %d are left", got)
		}
	})
}

func TestTheLimitOfMailsOfAWorkspace(t *testing.T) {
	limits := workspace.Limits{Inviter: 5, NewWorkspace: 10, Workspace: 100}
	allowed := corp()
	allowed.MailAllowance = 7
	for _, c := range []struct {
		name string
		w    workspace.Workspace
		at   time.Duration // since it was made
		want int
	}{
		{"new", corp(), 0, 10},
		{"on its last new day", corp(), workspace.Trial - time.Millisecond, 10},
		{"after that", corp(), workspace.Trial, 100},
		{"new, with an allowance", allowed, 0, 7},
		{"later, with an allowance", allowed, workspace.Trial, 7},
	} {
		if got := limits.Of(c.w, c.w.CreatedAt.Add(c.at)); got != c.want {
			t.Errorf("%s: %d, want %d", c.name, got, c.want)
		}
	}
}

// Reports below the threshold change nothing that an admin sees; the one that
// reaches it pauses, and later ones leave the pause as it is.
func TestReportsPauseAtTheThreshold(t *testing.T) {
	w := corp()
	for n := 1; n <= 4; n++ {
		before := w
		s := user.Stamp{ID: "evt_report", Actor: user.ActorSchedule, At: t0.Add(time.Duration(n) * time.Hour)}
		w = w.Reported(s, 3)
		if w.Reports != n || w.Version != before.Version+1 || w.Paused != (n >= 3) {
			t.Errorf("report %d: %d, paused %v, version %d after %d", n, w.Reports, w.Paused, w.Version, before.Version)
		}
		if noted := w.Last.ID != before.Last.ID; noted != (n == 3) {
			t.Errorf("report %d: the last change is %+v", n, w.Last)
		}
	}
	if w.Last.Actor != user.ActorSchedule || len(w.Last.Changed) != 1 || w.Last.Changed[0] != "invitationsPaused" {
		t.Errorf("the pause is noted as %+v", w.Last)
	}
	if _, err := w.Inviting(0); fault.Code(err) != workspace.ErrPaused.Code {
		t.Errorf("a paused workspace invites: %v", err)
	}
}

// mailsLeft adds up what the parts may still count under a limit.
func mailsLeft(tally workspace.Tally, limit int, now time.Time) (left int) {
	for i, part := range tally {
		left += part.Mails.Left(limit, i, workspace.Parts, now)
	}
	return left
}
