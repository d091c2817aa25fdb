package store_test

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"pgregory.net/rapid"

	"github.com/latchkey/latchkey/shared/fault"
	"github.com/latchkey/latchkey/shared/store"
	"github.com/latchkey/latchkey/shared/workspace"
)

const (
	inviterLimit   = "mail_limit_inviter_day"
	workspaceLimit = "mail_limit_workspace_day"
)

// sender is somebody of a workspace of their own, which is as old as it takes.
func sender(inviter string, limits workspace.MailLimits) store.Sender {
	return store.Sender{Workspace: workspace.Workspace{ID: newWorkspaceID(), CreatedAt: t0}, Inviter: inviter, Limits: limits}
}

// code is that of a fault, "" for none.
func code(err error) string {
	if err == nil {
		return ""
	}
	return fault.Code(err)
}

// sent are the counts of a day as they stand in the table.
func (tb *table) sent(t testing.TB, by store.Sender, date string) map[string]string {
	t.Helper()
	counts := map[string]string{}
	for name, v := range tb.raw(t, "WS#"+by.Workspace.ID, "SENT#"+date) {
		if n, ok := v.(*types.AttributeValueMemberN); ok && name != "ttl" {
			counts[name] = n.Value
		}
	}
	return counts
}

func TestMailsAreGrantedAsFarAsTheLimitsGo(t *testing.T) {
	tb := newTable(t)
	limits := workspace.MailLimits{Inviter: 10, NewWorkspace: 25, Workspace: 40}
	ann := sender("usr_ann", limits)
	bob, backend := ann, ann
	bob.Inviter, backend.Inviter = "usr_bob", ""
	for i, step := range []struct {
		by      store.Sender
		n, want int
		refused string
	}{
		{ann, 0, 0, ""},
		{ann, 4, 4, ""},
		{ann, 6, 6, ""},
		{ann, 1, 0, inviterLimit},
		{bob, 9, 9, ""},
		{bob, 5, 1, inviterLimit}, // a part of them
		{backend, 2, 2, ""},
		{backend, 500, 3, workspaceLimit},
		{backend, 1, 0, workspaceLimit},
		{ann, 1, 0, workspaceLimit}, // both: the one that more people share
		{backend, 0, 0, ""},
	} {
		foreseen, why, err := tb.MailsLeft(t.Context(), step.by, step.n, t0)
		if err != nil || foreseen != step.want || code(why) != step.refused {
			t.Errorf("step %d: foreseen are %d (%v), %v", i, foreseen, why, err)
		}
		granted, refused, err := tb.ReserveMails(t.Context(), step.by, step.n, t0)
		if err != nil || granted != step.want || code(refused) != step.refused {
			t.Errorf("step %d: granted %d (%v), %v; want %d (%s)", i, granted, refused, err, step.want, step.refused)
		}
		var f *fault.Error
		if errors.As(refused, &f) && (f.Kind != fault.Limited || f.RetryAfter != 12*time.Hour) {
			t.Errorf("step %d: %+v", i, f)
		}
	}
	if got, want := tb.sent(t, ann, "2026-01-01"), map[string]string{"total": "25", "by usr_ann": "10", "by usr_bob": "10"}; fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("counted are %v", got)
	}
	if ttl := ttlOf(t, tb.raw(t, "WS#"+ann.Workspace.ID, "SENT#2026-01-01")); !ttl.Equal(t0.Add(2 * day)) {
		t.Errorf("it is kept until %v", ttl)
	}
	// Another workspace has counts of its own.
	if granted, refused, err := tb.ReserveMails(t.Context(), sender("usr_ann", limits), 10, t0); granted != 10 || refused != nil || err != nil {
		t.Errorf("elsewhere: %d, %v, %v", granted, refused, err)
	}
}

func TestALimitOfOneOrNone(t *testing.T) {
	tb := newTable(t)
	for _, c := range []struct {
		limits  workspace.MailLimits
		want    int
		refused string
	}{
		{workspace.MailLimits{Inviter: 0, NewWorkspace: 10}, 0, inviterLimit},
		{workspace.MailLimits{Inviter: 10, NewWorkspace: 0}, 0, workspaceLimit},
		{workspace.MailLimits{Inviter: -1, NewWorkspace: -1}, 0, workspaceLimit},
		{workspace.MailLimits{Inviter: 1, NewWorkspace: 10}, 1, inviterLimit},
		{workspace.MailLimits{Inviter: 3, NewWorkspace: 3}, 3, ""},
	} {
		by := sender("usr_ann", c.limits)
		granted, refused, err := tb.ReserveMails(t.Context(), by, 3, t0)
		if granted != c.want || code(refused) != c.refused || err != nil {
			t.Errorf("%+v: %d, %v, %v", c.limits, granted, refused, err)
		}
	}
}

// A day is one of UTC, and a workspace is new for thirty of them.
func TestEveryDayBeginsAnew(t *testing.T) {
	tb := newTable(t)
	by := sender("usr_ann", workspace.MailLimits{Inviter: 100, NewWorkspace: 3, Workspace: 5})
	elsewhere := time.FixedZone("", -11*3600)
	for _, step := range []struct {
		at   string
		want int
	}{
		{"2026-01-01T12:00:00Z", 3}, {"2026-01-01T23:59:59.999Z", 0}, {"2026-01-02T00:00:00Z", 3}, {"2026-01-02T23:59:59Z", 0},
		{"2026-01-30T12:00:00Z", 3}, {"2026-01-31T11:59:59Z", 3}, {"2026-01-31T12:00:00Z", 2}, {"2026-02-01T00:00:00Z", 5},
	} {
		at, err := time.Parse(time.RFC3339Nano, step.at)
		if err != nil {
			t.Fatal(err)
		}
		granted, _, err := tb.ReserveMails(t.Context(), by, 10, at.In(elsewhere))
		if err != nil || granted != step.want {
			t.Errorf("%s: %d, want %d; %v", step.at, granted, step.want, err)
		}
	}
}

// Rule 15 of the pitfalls: however many ask at once, the limits are kept to the
// last mail, and used up to it.
func TestMailsAreExactHoweverManyAskAtOnce(t *testing.T) {
	tb := newTable(t)
	limits := workspace.MailLimits{Inviter: 20, NewWorkspace: 50, Workspace: 50}
	one := sender("", limits)
	var total atomic.Int64
	var mu sync.Mutex
	by := map[string]int{}
	race(40, func(i int) {
		mine := one
		if i%5 > 0 {
			mine.Inviter = fmt.Sprintf("usr_%d", i%5)
		}
		for n := range 5 {
			granted, refused, err := tb.ReserveMails(t.Context(), mine, 1+(i+n)%3, t0)
			if err != nil || refused == nil && granted != 1+(i+n)%3 {
				t.Errorf("%d, %v, %v", granted, refused, err)
			}
			total.Add(int64(granted))
			mu.Lock()
			by[mine.Inviter] += granted
			mu.Unlock()
		}
	})
	if total.Load() != 50 {
		t.Errorf("%d were granted", total.Load())
	}
	for inviter, n := range by {
		if n > 20 && inviter != "" {
			t.Errorf("%d were granted to %s", n, inviter)
		}
	}
	got := tb.sent(t, one, "2026-01-01")
	for inviter, n := range by {
		if inviter != "" && n > 0 && got["by "+inviter] != fmt.Sprint(n) {
			t.Errorf("%s was granted %d; counted are %v", inviter, n, got)
		}
	}
	if got["total"] != "50" {
		t.Errorf("counted are %v", got)
	}
}

// Whatever is asked for and given back, in whatever order, what is counted is
// what was granted and not given back, and no limit is passed.
func TestMailsAreCountedAsTheyAreGranted(t *testing.T) {
	tb := newTable(t)
	rapid.Check(t, func(rt *rapid.T) {
		limits := workspace.MailLimits{
			Inviter:      rapid.IntRange(1, 12).Draw(rt, "inviter"),
			NewWorkspace: rapid.IntRange(1, 20).Draw(rt, "workspace"),
		}
		by := sender("", limits)
		counted, total := map[string]int{}, 0
		for range rapid.IntRange(1, 10).Draw(rt, "length") {
			by.Inviter = rapid.SampledFrom([]string{"", "usr_a", "usr_b"}).Draw(rt, "who")
			n := rapid.IntRange(0, 9).Draw(rt, "n")
			mine := counted[by.Inviter]
			switch rapid.SampledFrom([]string{"reserve", "reserve", "reserve", "return", "remind"}).Draw(rt, "what") {
			case "reserve":
				room := max(limits.NewWorkspace-total, 0)
				if by.Inviter != "" {
					room = min(room, max(limits.Inviter-mine, 0))
				}
				granted, refused, err := tb.ReserveMails(rt.Context(), by, n, t0)
				if want := min(n, room); err != nil || granted != want || (refused == nil) != (want == n) {
					rt.Fatalf("granted %d (%v), want %d of %d; %v", granted, refused, want, n, err)
				}
				counted[by.Inviter] += granted
				total += granted
			case "return":
				n = min(n, mine)
				if err := tb.ReturnMails(rt.Context(), by, n, t0); err != nil {
					rt.Fatal(err)
				}
				counted[by.Inviter] -= n
				total -= n
			case "remind": // no limit stops it
				if err := tb.CountMail(rt.Context(), by.Workspace.ID, t0); err != nil {
					rt.Fatal(err)
				}
				total++
			}
		}
		left, _, err := tb.MailsLeft(rt.Context(), store.Sender{Workspace: by.Workspace, Limits: limits}, 1000, t0)
		if err != nil || left != max(limits.NewWorkspace-total, 0) {
			rt.Fatalf("%d are left of %d, and %d were counted: %v", left, limits.NewWorkspace, total, err)
		}
	})
}

// A reserved mail that no write asked for in the end can be sent by others.
func TestReturnedMailsAreGrantedAgain(t *testing.T) {
	tb := newTable(t)
	by := sender("usr_ann", workspace.MailLimits{Inviter: 3, NewWorkspace: 3})
	var steps []int
	for _, back := range []int{0, 2, 1, 0} {
		granted, _, err := tb.ReserveMails(t.Context(), by, 5, t0)
		if err != nil {
			t.Fatal(err)
		}
		steps = append(steps, granted)
		if err := tb.ReturnMails(t.Context(), by, back, t0); err != nil {
			t.Fatal(err)
		}
	}
	if !slices.Equal(steps, []int{3, 0, 2, 1}) {
		t.Errorf("granted were %v", steps)
	}
}
