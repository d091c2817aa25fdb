package invitation

import (
	"context"
	"time"

	"github.com/latchkey/latchkey/shared/access"
	"github.com/latchkey/latchkey/shared/store"
	"github.com/latchkey/latchkey/shared/user"
	"github.com/latchkey/latchkey/shared/workspace"
)

// Again is how a user gets a new link, or access back.
type Again struct {
	SendEmail bool
	Confirmed bool // mail an address that returned the last mail
	Reinvite  bool // of restore: a new link for one who was active, too
}

// Resend gives the user of the path a new link and a new end. Every older link
// is dead.
func (s Service) Resend(ctx context.Context, g access.Grant, how Again, now time.Time) (View, error) {
	return s.again(ctx, g, how, now, s.resend)
}

// Restore brings the archived user of the path back: active again if they were,
// else with a new link.
func (s Service) Restore(ctx context.Context, g access.Grant, how Again, now time.Time) (View, error) {
	return s.again(ctx, g, how, now, s.restore)
}

type changer func(ctx context.Context, st *store.State, by access.Grant, id string, how Again, now time.Time) (user.User, error)

func (s Service) again(ctx context.Context, g access.Grant, how Again, now time.Time, change changer) (View, error) {
	k, err := s.keysFor(ctx, g, now)
	if err != nil {
		return View{}, err
	}
	u, err := change(ctx, g.State, g, g.Target, how, now)
	if err != nil {
		return View{}, err
	}
	return k.view(u, now)
}

func (s Service) resend(ctx context.Context, st *store.State, by access.Grant, id string, how Again, now time.Time) (user.User, error) {
	stamp, err := by.Stamp(ctx, now, s.Random)
	if err != nil {
		return user.User{}, err
	}
	return seated(ctx, s, st, now, resending{id, stamp, how, mailing{s.Limits, now}}.decide)
}

func (s Service) restore(ctx context.Context, st *store.State, by access.Grant, id string, how Again, now time.Time) (user.User, error) {
	stamp, err := by.Stamp(ctx, now, s.Random)
	if err != nil {
		return user.User{}, err
	}
	return seated(ctx, s, st, now, restoring{id, stamp, how, mailing{s.Limits, now}}.decide)
}

// resending is the decision to send one invitation again.
type resending struct {
	id    string
	stamp user.Stamp
	how   Again
	mailing
}

func (r resending) decide(st *store.State) (store.Decision, user.User, error) {
	u, in, d, err := prepare(st, r.id, r.how, r.mailing)
	if err != nil {
		return d, u, err
	}
	next, err := u.Resend(r.stamp, in)
	if err != nil {
		return d, u, err
	}
	d.Users = []store.UserChange{{Before: u, After: next}}
	return d, next, nil
}

// restoring is the decision to bring one user back.
type restoring struct {
	id    string
	stamp user.Stamp
	how   Again
	mailing
}

func (r restoring) decide(st *store.State) (store.Decision, user.User, error) {
	how := r.how
	known := st.Mailed(r.id)
	reinvited := known.ReinvitedBy(how.Reinvite)
	u, in, d, err := prepare(st, r.id, how, r.mailing)
	if err == workspace.ErrPaused && !reinvited { // access does not wait for the pause to end; the mail is left out
		in, err = user.Inviting{}, nil
		d = store.Decision{}
	}
	if err != nil {
		return d, u, err
	}
	next, err := u.Restore(r.stamp, how.Reinvite, in)
	if err != nil {
		return d, u, err
	}
	if next.Invitation.Delivery != user.DeliveryQueued || next.Mailbox == u.Mailbox {
		d.Asked = 0 // no mail was called for in the end
	}
	d.Users = []store.UserChange{{Before: u, After: next}}
	return d, next, nil
}

// prepare reads a user and how they would be invited now.
func prepare(st *store.State, id string, how Again, m mailing) (user.User, user.Inviting, store.Decision, error) {
	u := st.Mailed(id)
	if u.ID == "" {
		return u, user.Inviting{}, store.Decision{}, user.ErrNotFound
	}
	in, err := st.Workspace.Inviting(0)
	if err != nil {
		return u, in, store.Decision{}, err
	}
	in.HasAccount, in.SendEmail, in.Confirmed, in.InviterKey = u.HasAccount, how.SendEmail, how.Confirmed, st.InviterKey()
	if u.Invitation.Locale != "" {
		in.Locale = u.Invitation.Locale
	}
	if !how.SendEmail {
		return u, in, store.Decision{At: m.now}, nil
	}
	var d store.Decision
	in.MailAt, d = m.at(st, u.Mailbox)
	return u, in, d, nil
}

// ResendAll sends many invitations again, each as Resend would.
func (s Service) ResendAll(ctx context.Context, g access.Grant, ids []string, how Again, now time.Time) ([]Outcome, error) {
	return s.each(ctx, g, ids, Resent, func(ctx context.Context, st *store.State, id string) (user.User, error) {
		return s.resend(ctx, st, g, id, how, now)
	})
}

// RestoreAll brings many users back, each as Restore would.
func (s Service) RestoreAll(ctx context.Context, g access.Grant, ids []string, how Again, now time.Time) ([]Outcome, error) {
	return s.each(ctx, g, ids, Restored, func(ctx context.Context, st *store.State, id string) (user.User, error) {
		return s.restore(ctx, st, g, id, how, now)
	})
}
