package invitation_test

import (
	"testing"
	"time"

	"github.com/latchkey/latchkey/shared/invitation"
	"github.com/latchkey/latchkey/shared/user"
	"github.com/latchkey/latchkey/shared/workspace"
)

const backend = "svc_hr"

// departed is what became of a person in each of their workspaces, by id.
func (d *deployment) departed(email string) map[string]invitation.Departed {
	d.t.Helper()
	results, err := d.ArchiveAccount(d.t.Context(), backend, email, d.now)
	d.check("archive the account", err)
	byWorkspace := map[string]invitation.Departed{}
	for _, r := range results {
		byWorkspace[r.WorkspaceID] = r
	}
	return byWorkspace
}

func (d *deployment) leave(email string) {
	d.t.Helper()
	d.check("leave", d.Leave(d.t.Context(), user.EmailKey(email), d.now))
}

func (d *deployment) isLeaving(email string) bool {
	d.t.Helper()
	_, ok, err := d.Store.Departure(d.t.Context(), user.EmailKey(email))
	d.check("read the departure", err)
	return ok
}

func TestAnAccountIsArchivedEverywhere(t *testing.T) {
	d := newDeployment(t)
	member, pending, gone := d.found(workspace.Patch{}), d.found(workspace.Patch{}), d.found(workspace.Patch{})
	d.accept(member.invite("john@corp.com"))
	u := pending.invite("john@corp.com")
	gone.archive(gone.invite("john@corp.com"))
	d.pass(time.Minute)
	results := d.departed("JOHN@corp.com")
	same(t, "workspaces", len(results), 3)
	same(t, "as a member", results[member.id].Kind, invitation.Archived)
	same(t, "as invited", results[pending.id].Kind, invitation.Archived)
	same(t, "as archived", results[gone.id].Kind, invitation.Unchanged)
	stored := pending.load(u.ID)
	same(t, "status", stored.Status, user.Archived)
	same(t, "actor", stored.Last.Actor, backend)
}

// The index is behind: it shows somebody who was invited before the account was
// archived only afterwards.
func TestADepartureCatchesWhomTheIndexDidNotShow(t *testing.T) {
	d := newDeployment(t)
	early, late := d.found(workspace.Patch{}), d.found(workspace.Patch{})
	d.pass(time.Minute)
	results := d.departed("john@corp.com")
	same(t, "workspaces", len(results), 0)
	left := d.now
	d.now = left.Add(-time.Second)
	missed := early.invite("john@corp.com")
	d.now = left.Add(time.Second)
	anew := late.invite("john@corp.com") // somebody wants them back
	d.now = left.Add(2 * time.Minute)
	d.leave("john@corp.com")
	same(t, "who was missed", early.load(missed.ID).Status, user.Archived)
	same(t, "who was invited afterwards", late.load(anew.ID).Status, user.Requested)
	same(t, "the departure stands", d.isLeaving("john@corp.com"), false)
	d.leave("john@corp.com") // it is done
}

func TestADepartureLeavesTheLastAdmin(t *testing.T) {
	d := newDeployment(t)
	tn := d.found(workspace.Patch{})
	d.pass(time.Minute)
	r := d.departed(tn.email)[tn.id]
	same(t, "kind", r.Kind, invitation.Refused)
	has(t, "reason", r.Reason, user.ErrLastAdmin)
	d.pass(2 * time.Minute)
	d.leave(tn.email)
	same(t, "status", tn.load(tn.admin).Status, user.Active)
	same(t, "the departure stands", d.isLeaving(tn.email), false)
}

func TestWhoIsErasedKeepsNoName(t *testing.T) {
	d := newDeployment(t)
	tn := d.found(workspace.Patch{})
	u := tn.invite("john@corp.com")
	isFault(t, "while pending", tn.Erase(t.Context(), tn.grant(u.ID), d.now), "status_conflict")
	tn.archive(u)
	tn.erase(u)
	if tn.exists(u.Email) {
		t.Error("the record is there")
	}
	has(t, "once more", tn.Erase(t.Context(), tn.grant(u.ID), d.now), user.ErrNotFound)
}

// A link that was out before the erasure stays dead. [E11]
func TestALinkFromBeforeAnErasureStaysDead(t *testing.T) {
	d := newDeployment(t)
	tn := d.found(workspace.Patch{})
	u := tn.invite("john@corp.com")
	for range 3 {
		var err error
		u, err = tn.resend(u, invitation.Again{})
		d.check("resend", err)
	}
	tn.archive(u)
	tn.erase(u)
	d.pass(time.Second)
	again := tn.invite("john@corp.com")
	if again.Invitation.Generation <= u.Invitation.Generation || again.Version <= u.Version {
		t.Errorf("generation %d and version %d after %d and %d", again.Invitation.Generation, again.Version, u.Invitation.Generation, u.Version)
	}
}

// A user erased between the read and the write gets the answer of a stranger.
func TestWhoWasErasedAMomentAgoCannotLeave(t *testing.T) {
	d := newDeployment(t)
	tn := d.found(workspace.Patch{})
	member := d.accept(tn.invite("john@corp.com"))
	g := tn.grant(member.ID)
	g.Me, g.Actor, g.Email = g.Users[member.ID], member.ID, member.Email
	tn.erase(tn.archive(member))
	isFault(t, "leave", d.LeaveWorkspace(t.Context(), g, "sub-john@corp.com", d.now), "workspace_not_found")
}
