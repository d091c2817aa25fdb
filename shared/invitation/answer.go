package invitation

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/latchkey/latchkey/shared/access"
	"github.com/latchkey/latchkey/shared/link"
	"github.com/latchkey/latchkey/shared/store"
	"github.com/latchkey/latchkey/shared/user"
	"github.com/latchkey/latchkey/shared/workspace"
)

// Open is an invitation as the person finds it.
type Open struct {
	*store.State
	UserID string
	Answer user.Answer
}

// User returns the invited person.
func (o Open) User() user.User {
	if o.State == nil {
		return user.User{}
	}
	return o.Users[o.UserID]
}

// Follow reads the invitation that a link leads to, with what an answer to it is
// decided on. Unknown, forged and dead links are all user.ErrNoInvitation. email
// is that of the caller, "" for none.
func (s Service) Follow(ctx context.Context, token, email string, now time.Time) (Open, error) {
	return s.follow(ctx, token, wantToAnswer(email), now)
}

// Look is Follow without what an answer needs, for previews and mail scanners: one
// read of two items, and none for a link that this deployment never made.
func (s Service) Look(ctx context.Context, token string, now time.Time) (Open, error) {
	return s.follow(ctx, token, store.Want{}, now)
}

func (s Service) follow(ctx context.Context, token string, want store.Want, now time.Time) (Open, error) {
	keys, err := s.Links.Keys(ctx, now)
	if err != nil {
		return Open{}, err
	}
	named, err := keys.Verify(link.Accept, token)
	if err != nil {
		return Open{}, user.ErrNoInvitation
	}
	o, err := s.open(ctx, named.WorkspaceID, named.UserID, want)
	if err != nil {
		return Open{}, err
	}
	o.Answer = user.Answer{Generation: named.Generation, ByLink: true}
	return o, o.User().OpenedBy(named.Generation)
}

// Own reads an invitation from the list of the caller's own workspaces. A record
// that another account of the same address holds is not theirs, and to an
// archived person the workspace is any other.
func (s Service) Own(ctx context.Context, workspaceID string, g user.Guest) (Open, error) {
	o, err := s.open(ctx, workspaceID, user.IDFor(workspaceID, g.Email), wantToAnswer(g.Email))
	if u := o.User(); errors.Is(err, user.ErrNoInvitation) || err == nil && (u.Status == user.Archived || !u.MayBe(g.Subject)) {
		return Open{}, workspace.ErrNotFound
	}
	return o, err
}

// wantToAnswer is what accepting or declining depends on, besides the user.
func wantToAnswer(email string) store.Want {
	want := store.Want{Counts: true}
	if email != "" {
		want.Accounts = []string{email}
	}
	return want
}

func (s Service) open(ctx context.Context, workspaceID, userID string, want store.Want) (Open, error) {
	want.Workspace, want.Users = workspaceID, []string{userID}
	st, err := s.Store.Load(ctx, want)
	if err != nil {
		return Open{}, err
	}
	if _, ok := st.Users[userID]; !ok || st.Workspace.ID == "" {
		return Open{}, user.ErrNoInvitation
	}
	return Open{State: st, UserID: userID}, nil
}

// Inviter returns the person who invited, as they are now; zero for a backend,
// and for somebody who was erased.
func (s Service) Inviter(ctx context.Context, o Open) (user.User, error) {
	by := o.User().Invitation.InvitedBy
	if !strings.HasPrefix(by, user.IDPrefix) {
		return user.User{}, nil
	}
	err := s.Store.Fill(ctx, o.State, store.Want{Users: []string{by}})
	return o.Users[by], err
}

// Accept makes the invited person a member, by their own account. A wrong
// account writes nothing, so it burns nothing.
func (s Service) Accept(ctx context.Context, o Open, g user.Guest, now time.Time) (View, error) {
	if err := o.User().For(g); err != nil { // before anything else is read
		return View{}, err
	}
	box, err := s.box(ctx, o.Workspace, len(o.User().SealedMetadata) > 0)
	if err != nil {
		return View{}, err
	}
	stamp, err := access.Stamp(ctx, o.UserID, now, s.Random)
	if err != nil {
		return View{}, err
	}
	if !o.HasAccount(g.Email) {
		// Before the account is known with the write below: a repeat after a
		// failure in between still finds it new, and misses no workspace.
		if _, err := s.accountAppeared(ctx, g.Email, o.Workspace.ID, now); err != nil {
			return View{}, err
		}
	}
	u, err := store.Decide(ctx, s.Store, o.State, accepting{o, g, stamp, now}.decide)
	if o.Answer.ByLink && errors.Is(err, workspace.ErrNotFound) { // deleted a moment ago: the link is dead
		err = user.ErrNoInvitation
	}
	if err != nil {
		return View{}, err
	}
	return keys{box: box}.view(u, now) // a member has no link
}

type accepting struct {
	Open
	guest user.Guest
	stamp user.Stamp
	now   time.Time
}

func (a accepting) decide(st *store.State) (store.Decision, user.User, error) {
	u, ok := st.Users[a.UserID]
	if !ok {
		return store.Decision{}, u, user.ErrNoInvitation
	}
	by := u.Invitation.InvitedBy
	d := store.Decision{At: a.now}
	if strings.HasPrefix(by, user.IDPrefix) && !st.HasRead(by) {
		d.Needs.Users = []string{by}
		return d, u, nil
	}
	next, err := u.Accept(a.stamp, a.Answer, a.guest, st.Users[by])
	if err != nil {
		return d, u, err
	}
	d.Users = []store.UserChange{{Before: u, After: next}}
	if !st.HasAccount(a.guest.Email) {
		d.Account = a.guest.Email
	}
	return d, next, nil
}

// Decline ends the invitation at the wish of the link's holder, or of the person
// from their own list.
func (s Service) Decline(ctx context.Context, o Open, now time.Time) (user.User, error) {
	stamp, err := access.Stamp(ctx, o.UserID, now, s.Random)
	if err != nil {
		return user.User{}, err
	}
	return s.answer(ctx, o, func(u user.User) (user.User, error) { return u.Decline(stamp, o.Answer) })
}

// AskAgain records that the person asks for a new link. The mail to a manager
// follows from the change's event.
func (s Service) AskAgain(ctx context.Context, o Open, now time.Time) error {
	stamp, err := access.Stamp(ctx, o.UserID, now, s.Random)
	if err != nil {
		return err
	}
	_, err = s.answer(ctx, o, func(u user.User) (user.User, error) { return u.AskAgain(stamp, o.Answer) })
	return err
}

// answer makes a transition by a link. A person whose record is gone is
// user.ErrNoInvitation, as if the link had never existed.
func (s Service) answer(ctx context.Context, o Open, transition func(user.User) (user.User, error)) (user.User, error) {
	u, err := s.Store.ChangeUser(ctx, o.State, o.UserID, transition)
	if errors.Is(err, user.ErrNotFound) {
		err = user.ErrNoInvitation
	}
	return u, err
}

// AccountAppeared makes it known that an email has an account, and notes it in
// every workspace where it is invited. It returns the number of these workspaces,
// also with an error. It may be repeated: the next call catches what an index did
// not show yet and what an error left out.
func (s Service) AccountAppeared(ctx context.Context, email string, now time.Time) (noted int, err error) {
	if err := s.Store.InsertAccount(ctx, email, now); err != nil {
		return 0, err
	}
	return s.accountAppeared(ctx, email, "", now)
}

// accountAppeared leaves out one workspace, "" for none.
func (s Service) accountAppeared(ctx context.Context, email, except string, now time.Time) (noted int, err error) {
	err = s.Store.EachMembership(ctx, user.EmailKey(email), func(m store.Membership) error {
		if m.Unreadable != nil || m.User.HasAccount || m.Workspace.ID == except {
			return nil
		}
		_, err := s.Promote(ctx, m.Workspace.ID, m.User.ID, now)
		if err == nil {
			noted++
		}
		return err
	})
	return noted, err
}

// Promote notes that a user's email has an account, which turns requested into
// invited. A user who was erased meanwhile is passed over.
func (s Service) Promote(ctx context.Context, workspaceID, userID string, now time.Time) (user.User, error) {
	stamp, err := access.Stamp(ctx, userID, now, s.Random)
	if err != nil {
		return user.User{}, err
	}
	st, err := s.Store.Load(ctx, store.Want{Workspace: workspaceID, Users: []string{userID}, Counts: true})
	if err != nil {
		return user.User{}, err
	}
	u, err := s.Store.ChangeUser(ctx, st, userID, func(u user.User) (user.User, error) { return u.AccountAppeared(stamp), nil })
	if errors.Is(err, user.ErrNotFound) {
		err = nil
	}
	return u, err
}
