package invitation

import (
	"context"
	"strings"
	"time"

	"github.com/latchkey/latchkey/shared/access"
	"github.com/latchkey/latchkey/shared/fault"
	"github.com/latchkey/latchkey/shared/store"
	"github.com/latchkey/latchkey/shared/user"
	"github.com/latchkey/latchkey/shared/workspace"
)

// Correction is the new email of a person who has not joined, as the caller wrote
// it.
type Correction struct {
	Email     string
	SendEmail bool
	Confirmed bool // mail an address that returned the last mail
	// Wrong is what was found while reading: with any of it, nothing changes.
	Wrong fault.Fields
}

// NewCorrection checks what can be checked without the workspace and adds it to
// what was found while reading.
func NewCorrection(c Correction) Correction {
	var found fault.Fields
	user.CheckEmail(&found, c.Email)
	c.Email = strings.TrimSpace(c.Email)
	c.Wrong.Merge(found)
	return c
}

// Needs names what has to be read to correct an email, so that it can be read
// together with the caller. It has the same size for everybody.
func (c Correction) Needs(call Call) store.Want { return needs(c.Email, c.Wrong, call) }

// CorrectEmail changes the email of the user of the path, who has not joined, and
// keeps the rest of their record; every older link stops working. It counts
// against the limits like an invitation. A repeat of the call within 24 hours gets
// the first answer.
func (s Service) CorrectEmail(ctx context.Context, g access.Grant, c Correction, call Call, now time.Time) (View, error) {
	if !c.Wrong.Names("email") {
		g.Workspace.CheckDomain(&c.Wrong, c.Email)
	}
	if err := c.Wrong.Err(); err != nil {
		return View{}, err
	}
	k, err := s.keys(ctx, g.Workspace, true, now)
	if err != nil {
		return View{}, err
	}
	stamp, err := g.Stamp(ctx, now, s.Random)
	if err != nil {
		return View{}, err
	}
	one := keyed{call, k.box, now}
	o, err := seated(ctx, s, g.State, now, correcting{g.Target, c, stamp, one, mailing{s.Limits, now}}.decide)
	switch fault.Code(err) {
	case user.ErrNotFound.Code, user.CodeExists, workspace.ErrSeatLimit.Code: // of another try, maybe
		u, ok, failed := s.lateReplay(ctx, g.Workspace.ID, one)
		if failed != nil {
			return View{}, failed
		}
		if ok {
			o, err = Outcome{Kind: Replayed, User: u}, nil
		}
	}
	if err != nil {
		return View{}, err
	}
	v, err := k.view(o.User, now)
	v.Replayed = o.Kind == Replayed
	return v, err
}

// correcting is the decision to correct one email.
type correcting struct {
	id string
	Correction
	stamp user.Stamp
	keyed
	mailing
}

func (c correcting) decide(st *store.State) (store.Decision, Outcome, error) {
	if u, ok, err := c.replay(st); ok || err != nil {
		return store.Decision{}, Outcome{Kind: Replayed, User: u}, err
	}
	u, ok := st.Users[c.id]
	if !ok {
		return store.Decision{}, Outcome{}, user.ErrNotFound
	}
	newID := user.IDFor(u.WorkspaceID, c.Email)
	if there, ok := st.Users[newID]; ok {
		return store.Decision{}, Outcome{}, user.Exists(there, c.stamp.At)
	}
	in, d, err := c.inviting(st, u)
	if err != nil {
		return d, Outcome{}, err
	}
	next, left, err := u.CorrectEmail(c.stamp, c.Email, in, st.Erased[newID], st.Mailbox(c.Email), st.Recipient(newID))
	if err != nil {
		return d, Outcome{}, err
	}
	metadata, err := c.box.Metadata(u)
	if err != nil {
		return d, Outcome{}, err
	}
	if len(u.SealedMetadata) > 0 {
		next.SealedMetadata, err = c.box.SealMetadata(newID, metadata)
		if err != nil {
			return d, Outcome{}, err
		}
	}
	if c.Key != "" {
		answer, err := c.receipt(next)
		if err != nil {
			return d, Outcome{}, err
		}
		d.Answer = &answer
	}
	d.Users = []store.UserChange{{After: next}}
	d.Erased = []store.Erasure{{Before: u, After: left}}
	return d, Outcome{Kind: Created, User: next}, nil
}

// inviting returns how the invitation goes to the corrected address. Whether it
// has an account is only looked up within the limits, with or without a mail:
// otherwise an admin could test any number of addresses for accounts.
func (c correcting) inviting(st *store.State, u user.User) (user.Inviting, store.Decision, error) {
	in, err := st.Workspace.Inviting(0)
	if err != nil {
		return in, store.Decision{}, err
	}
	var box user.Mailbox
	if c.SendEmail {
		box = st.Mailbox(c.Email)
	}
	at, d := c.at(st, box)
	in.MailAt, in.HasAccount = at, d.Asked > 0 && st.HasAccount(c.Email)
	in.SendEmail, in.Confirmed, in.InviterKey = c.SendEmail, c.Confirmed, st.InviterKey()
	if u.Invitation.Locale != "" {
		in.Locale = u.Invitation.Locale
	}
	return in, d, nil
}
