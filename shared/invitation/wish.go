package invitation

import (
	"context"
	"errors"
	"time"

	"github.com/latchkey/latchkey/shared/access"
	"github.com/latchkey/latchkey/shared/link"
	"github.com/latchkey/latchkey/shared/store"
	"github.com/latchkey/latchkey/shared/user"
	"github.com/latchkey/latchkey/shared/workspace"
)

// Mailed is a person who reads a mail of a workspace, by the links in it that
// are theirs alone. They need no record: somebody who was erased may still say
// that they want no mail.
type Mailed struct {
	*store.State
	UserID string
}

// Locale returns the language that the person was written to in.
func (m Mailed) Locale() string {
	if u, ok := m.Users[m.UserID]; ok && u.Invitation.Locale != "" {
		return u.Invitation.Locale
	}
	return m.Workspace.Locale
}

// Reader returns the person whom a link of that purpose was mailed to, however
// old the mail is; user.ErrNoInvitation for any other text.
func (s Service) Reader(ctx context.Context, purpose link.Purpose, token string, now time.Time) (Mailed, error) {
	keys, err := s.Links.Keys(ctx, now)
	if err != nil {
		return Mailed{}, err
	}
	named, err := keys.Verify(purpose, token)
	if err != nil {
		return Mailed{}, user.ErrNoInvitation
	}
	st, err := s.Store.Load(ctx, store.Want{Workspace: named.WorkspaceID, Users: []string{named.UserID}, Wishes: []string{named.UserID}, Counts: true})
	if err != nil {
		return Mailed{}, err
	}
	if st.Workspace.ID == "" {
		return Mailed{}, user.ErrNoInvitation
	}
	return Mailed{st, named.UserID}, nil
}

// Express notes what a person says about mail from the workspace. The first
// report of each person counts, and at the deployment's threshold pauses the
// workspace's invitations: paused reports whether this one did.
func (s Service) Express(ctx context.Context, m Mailed, wish user.Wish, now time.Time) (paused bool, err error) {
	stamp, err := access.Stamp(ctx, m.UserID, now, s.Random)
	if err != nil {
		return false, err
	}
	pause, err := access.Stamp(ctx, user.ActorSchedule, now, s.Random)
	if err != nil {
		return false, err
	}
	paused, err = store.Decide(ctx, s.Store, m.State, expressing{m.UserID, wish, stamp, pause, s.Reports}.decide)
	if errors.Is(err, workspace.ErrNotFound) { // deleted a moment ago: the link is dead
		err = user.ErrNoInvitation
	}
	return paused, err
}

type expressing struct {
	id           string
	wish         user.Wish
	stamp, pause user.Stamp
	threshold    int
}

func (e expressing) decide(st *store.State) (d store.Decision, paused bool, err error) {
	before := st.Recipient(e.id)
	after := before.Express(e.wish, e.stamp.At)
	if after == before {
		return d, false, nil
	}
	if u, ok := st.Users[e.id]; ok {
		d.Users = []store.UserChange{{Before: u, After: u.Express(e.stamp, e.wish)}}
	} else {
		d.Recipients = map[string]user.Recipient{e.id: after}
	}
	if e.wish == user.Report {
		w := st.Workspace.Reported(e.pause, e.threshold)
		d.Workspace = &store.WorkspaceChange{Before: st.Workspace, After: w}
		paused = w.Paused && !st.Workspace.Paused
	}
	return d, paused, nil
}

// Returned is a mail that the mail service had something to say about.
type Returned struct {
	store.Mail
	EmailKey string // of the address; "" in mails from before it was a tag
	Notice   user.Notice
}

// Learn notes what became of a mail. Most notices change the delivery state of
// only the newest invitation. A permanent bounce is stored for the address, and a
// complaint for the person: both outlive the record, and a late notice counts, too.
// Notices also count in a deleted workspace.
func (s Service) Learn(ctx context.Context, r Returned, actor string, now time.Time) error {
	stamp, err := access.Stamp(ctx, actor, now, s.Random)
	if err != nil {
		return err
	}
	if r.Notice.Weight < user.WeightUndeliverable {
		return s.Store.SetDelivery(ctx, r.Mail, stamp, r.Notice)
	}
	st, err := s.Store.Load(ctx, store.Want{Workspace: r.WorkspaceID, Users: []string{r.UserID}, Wishes: []string{r.UserID}})
	if err != nil {
		return err
	}
	if r.Notice.Weight == user.WeightUndeliverable {
		key := r.EmailKey
		if u, ok := st.Users[r.UserID]; ok && key == "" {
			key = user.EmailKey(u.Email)
		}
		if key != "" {
			if err := s.Store.Bounced(ctx, key, now); err != nil {
				return err
			}
		}
	}
	if !st.Workspace.Exists() && st.Deleted.Stage != workspace.StageDeleted {
		return nil // it cannot be restored, and nobody in it is mailed
	}
	_, err = store.Decide(ctx, s.Store, st, learning{r, stamp}.decide)
	return err
}

type learning struct {
	Returned
	stamp user.Stamp
}

func (l learning) decide(st *store.State) (d store.Decision, next user.User, err error) {
	u, ok := st.Users[l.UserID]
	if !ok {
		before := st.Recipient(l.UserID)
		if after := before.Express(user.Complain, l.stamp.At); l.Notice.Weight == user.WeightComplained && after != before {
			d.Recipients = map[string]user.Recipient{l.UserID: after}
		}
		return d, u, nil
	}
	next = u.Learn(l.stamp, l.Generation, l.Notice)
	if next.Version != u.Version {
		d.Users = []store.UserChange{{Before: u, After: next}}
	}
	return d, next, nil
}
