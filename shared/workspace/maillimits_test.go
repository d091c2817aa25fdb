package workspace_test

import (
	"errors"
	"testing"
	"time"

	"github.com/latchkey/latchkey/shared/fault"
	"github.com/latchkey/latchkey/shared/setting"
	"github.com/latchkey/latchkey/shared/workspace"
)

func TestALimitCanBeTakenAway(t *testing.T) {
	limited, fields := corp().Apply(stamp(t0), workspace.Patch{SeatLimit: p(10)})
	if len(fields) > 0 || limited.SeatLimit != 10 {
		t.Fatal(limited, fields)
	}
	free, fields := limited.Apply(stamp(t0), workspace.Patch{SeatLimit: p(0)})
	if len(fields) > 0 || free.SeatLimit != 0 || free.Version != limited.Version+1 {
		t.Errorf("%+v, %v", free, fields)
	}
}

// A workspace is new for thirty days, to the instant.
func TestANewWorkspaceSendsLess(t *testing.T) {
	limits := workspace.MailLimits{Inviter: 1, NewWorkspace: 2, Workspace: 3}
	w := corp()
	for after, want := range map[time.Duration]int{
		0: 2, 30*24*time.Hour - time.Millisecond: 2, 30 * 24 * time.Hour: 3, 400 * 24 * time.Hour: 3,
	} {
		if got := limits.Of(w, t0.Add(after)); got != want {
			t.Errorf("after %v: %d", after, got)
		}
	}
}

func TestMailLimitsAreSettings(t *testing.T) {
	for _, c := range []struct {
		set  map[string]string
		want workspace.MailLimits
	}{
		{nil, workspace.MailLimits{Inviter: 200, NewWorkspace: 200, Workspace: 2000}},
		{
			map[string]string{"MAILS_PER_INVITER": "1", "MAILS_PER_NEW_WORKSPACE": "2", "MAILS_PER_WORKSPACE": "3"},
			workspace.MailLimits{Inviter: 1, NewWorkspace: 2, Workspace: 3},
		},
	} {
		r := setting.NewReader(func(name string) string { return c.set[name] })
		if got := workspace.MailLimitsFrom(r); got != c.want || r.Err() != nil {
			t.Errorf("%v: %+v, %v", c.set, got, r.Err())
		}
	}
}

// Whoever reached a limit of the day is told when the next day of UTC begins.
func TestALimitOfADaySaysWhenItEnds(t *testing.T) {
	now := time.Date(2026, 3, 1, 20, 0, 0, 0, time.FixedZone("", -3*3600)) // 23:00 UTC
	for code, err := range map[string]error{"mail_limit_inviter_day": workspace.InviterLimit(now), "mail_limit_workspace_day": workspace.DayLimit(now)} {
		var f *fault.Error
		if !errors.As(err, &f) || f.Kind != fault.Limited || f.Code != code || f.RetryAfter != time.Hour {
			t.Errorf("%s: %+v", code, err)
		}
	}
}
