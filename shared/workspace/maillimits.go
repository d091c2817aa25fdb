package workspace

import (
	"time"

	"github.com/latchkey/latchkey/shared/setting"
	"github.com/latchkey/latchkey/shared/user"
)

// MailLimits bound the mails of one UTC day. They count every mail that was
// asked for, whatever became of it; the limits of one recipient are in
// shared/user.
type MailLimits struct {
	Inviter      int // asked for by one person; backends are bound by the workspace's limit alone
	NewWorkspace int // of a workspace in its first 30 days
	Workspace    int // of a workspace after that
}

// MailLimitsFrom reads the deployment's limits.
func MailLimitsFrom(r *setting.Reader) MailLimits {
	return MailLimits{
		Inviter:      r.Int(setting.MailsPerInviter),
		NewWorkspace: r.Int(setting.MailsPerNewWorkspace),
		Workspace:    r.Int(setting.MailsPerWorkspace),
	}
}

// Trial is how long a workspace is new.
const Trial = 30 * 24 * time.Hour

// Of is the limit of a workspace on the day of now.
func (l MailLimits) Of(w Workspace, now time.Time) int {
	if now.Sub(w.CreatedAt) < Trial {
		return l.NewWorkspace
	}
	return l.Workspace
}

// InviterLimit is the fault of an inviter who asked for all mails of a day.
func InviterLimit(now time.Time) error {
	return user.MailLimit("mail_limit_inviter_day", "You have sent as many invitations today as one person may. Go on tomorrow.", user.UntilTomorrow(now))
}

// DayLimit is the fault of a workspace that asked for all mails of a day.
func DayLimit(now time.Time) error {
	return user.MailLimit("mail_limit_workspace_day", "This workspace has sent as many invitations today as it may. Go on tomorrow.", user.UntilTomorrow(now))
}
