package user

import (
	"time"

	"github.com/latchkey/latchkey/shared/fault"
)

// Limits of the mails that one recipient of a workspace gets, whoever asks for
// them and whatever becomes of them.
const (
	MailEvery    = time.Minute // at most one in this time
	MailsPerDay  = 5           // at most so many in a day of UTC
	mailsCounted = 24 * time.Hour
)

// Mails counts what was sent to one recipient of a workspace. It goes on
// counting through archive and restore, and is kept for a day when the record
// is erased: no detour leads around the limits.
type Mails struct {
	Last  time.Time // when the newest was asked for
	Count int       // on the UTC day of Last
	// Unsubscribed is when the person asked for no more mail from this
	// workspace; zero: they did not.
	Unsubscribed time.Time
}

// today is the count on the day of now.
func (m Mails) today(now time.Time) int {
	if m.Last.Truncate(mailsCounted).Equal(now.Truncate(mailsCounted)) {
		return m.Count
	}
	return 0
}

func (m Mails) add(now time.Time) Mails {
	m.Last, m.Count = now, m.today(now)+1
	return m
}

func (m Mails) allow(now time.Time) error {
	switch wait := m.Last.Add(MailEvery).Sub(now); {
	case !m.Unsubscribed.IsZero():
		return ErrUnsubscribed
	case m.today(now) >= MailsPerDay:
		return MailLimit("mail_limit_recipient_day", "This person has been sent 5 mails today. Try again tomorrow.", UntilTomorrow(now))
	case !m.Last.IsZero() && wait > 0:
		return MailLimit("mail_limit_recipient_minute", "This person has been sent a mail less than a minute ago. Try again in a minute.", wait)
	}
	return nil
}

// Forever is when Matter says that something is never forgotten.
var Forever = time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)

// Matter says until when this has to be remembered: the counts for a day, a
// wish for no mail for ever.
func (m Mails) Matter() time.Time {
	switch {
	case !m.Unsubscribed.IsZero():
		return Forever
	case m.Last.IsZero():
		return time.Time{}
	}
	return m.Last.Truncate(mailsCounted).Add(mailsCounted + MailEvery)
}

// UntilTomorrow is the time to the next day of UTC.
func UntilTomorrow(now time.Time) time.Duration {
	return now.Truncate(mailsCounted).Add(mailsCounted).Sub(now)
}

// MailLimit is the fault of a mail that would be one too many.
func MailLimit(code, detail string, wait time.Duration) error {
	return &fault.Error{Kind: fault.Limited, Code: code, Detail: detail, RetryAfter: wait}
}
