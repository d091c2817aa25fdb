package invitation_test

import (
	"errors"
	"flag"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/latchkey/latchkey/shared/fault"
	"github.com/latchkey/latchkey/shared/invitation"
	"github.com/latchkey/latchkey/shared/link"
	"github.com/latchkey/latchkey/shared/store"
	"github.com/latchkey/latchkey/shared/user"
	"github.com/latchkey/latchkey/shared/workspace"
)

var clocksSeed = flag.Uint64("clocks-seed", 0, "seed of TestClocksFiveMinutesApart; 0 for any")

// Functions whose clocks are five minutes apart change people in turns. The
// changes of a person keep the order in which they were made, over an erasure,
// too, and no link comes back to life.
func TestClocksFiveMinutesApart(t *testing.T) {
	d := newDeployment(t)
	seed := *clocksSeed
	if seed == 0 {
		seed = rand.Uint64()
	}
	t.Logf("repeat it with -args -clocks-seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	tn := d.found(workspace.Patch{})
	emails := []string{"john@corp.com", "jane@corp.com", "jill@corp.com"}
	latest := map[string]user.Change{}
	dead := map[string][]string{} // links that must not open any more
	made := map[user.ChangeType]int{}
	clock := d.now
	for range 250 {
		clock = clock.Add(time.Duration(r.IntN(90)) * time.Second)
		if r.IntN(20) == 0 {
			clock = clock.Add(5 * day) // what was sent before comes near its end
		}
		d.now = clock.Add(time.Duration(r.IntN(3)-1) * 150 * time.Second)
		email := emails[r.IntN(len(emails))]
		id := user.IDFor(tn.id, email)
		before, existed, _ := tn.newest(id)
		err := tn.anything(r, email, before, existed)
		if refused := (*fault.Error)(nil); err != nil && !errors.As(err, &refused) {
			t.Fatal(err)
		}
		after, exists, change := tn.newest(id)
		if was := latest[email]; change.ID != was.ID {
			if !change.At.After(was.At) || change.ID < was.ID {
				t.Errorf("%s at %v (%s) follows %s at %v (%s)", change.Type, change.At, change.ID, was.Type, was.At, was.ID)
			}
			latest[email] = change
			made[change.Type]++
		}
		if existed && (!exists || after.Invitation.Generation != before.Invitation.Generation) && before.Invitation.Generation > 0 {
			dead[email] = append(dead[email], d.token(link.Accept, before))
		}
	}
	for email, tokens := range dead {
		for _, token := range tokens {
			if o, err := d.Follow(t.Context(), token, email, d.now); err == nil {
				if _, err = d.Accept(t.Context(), o, guest(email), d.now); err == nil {
					t.Errorf("%s came in by a link that has a successor", email)
				}
			}
		}
	}
	t.Logf("changes made: %v", made)
	if made[user.UserAccepted] == 0 || made[user.UserErased] == 0 {
		t.Error("too little has happened")
	}
	full := map[user.Status]int{user.Active: 1} // the founder
	for _, email := range emails {
		if u, ok, err := tn.Store.LoadUser(t.Context(), tn.id, user.IDFor(tn.id, email)); err == nil && ok {
			full[u.Status]++
		}
	}
	for status, n := range tn.counts() {
		same(t, string(status), n, full[status])
	}
}

// newest reads a person, and the last change of the record, erased or not.
func (tn tenant) newest(id string) (u user.User, exists bool, last user.Change) {
	tn.t.Helper()
	st, err := tn.Store.Load(tn.t.Context(), store.Want{Workspace: tn.id, Users: []string{id}})
	tn.check("load", err)
	if u, exists = st.Users[id]; exists {
		return u, true, u.Last
	}
	return u, false, st.Erased[id].Last
}

// anything does to a person what chance says, allowed or not.
func (tn tenant) anything(r *rand.Rand, email string, u user.User, exists bool) error {
	ctx := tn.t.Context()
	switch n := r.IntN(8); {
	case !exists || n == 0:
		_, err := tn.tryInvite(person(email), invitation.Call{})
		return err
	case n == 1:
		_, err := tn.resend(u, mailed)
		return err
	case n == 2 || n == 3:
		o, err := tn.Follow(ctx, tn.token(link.Accept, u), email, tn.now)
		if err != nil {
			return err
		}
		if n == 3 && r.IntN(2) == 0 {
			_, err = tn.Decline(ctx, o, tn.now)
			return err
		}
		_, err = tn.Accept(ctx, o, guest(email), tn.now)
		return err
	case n == 4:
		_, err := tn.Archive(ctx, tn.grant(u.ID), tn.now)
		return err
	case n == 5:
		_, err := tn.restore(u, mailed)
		return err
	case n == 6:
		return tn.Erase(ctx, tn.grant(u.ID), tn.now)
	}
	tn.fall()
	return nil
}
