package invitation_test

import (
	"slices"
	"testing"
	"time"

	"github.com/latchkey/latchkey/shared/invitation"
	"github.com/latchkey/latchkey/shared/store"
	"github.com/latchkey/latchkey/shared/user"
	"github.com/latchkey/latchkey/shared/workspace"
)

// scheduled returns when each mail of a batch is to leave; zero for at once.
func scheduled(outcomes []invitation.Outcome) []time.Time {
	var at []time.Time
	for _, o := range outcomes {
		at = append(at, o.User.Invitation.ScheduledFor)
	}
	return at
}

func TestABatchBeyondTheDaysLimitIsSpreadOverDays(t *testing.T) {
	d := newDeployment(t)
	d.Limits = daily(200)
	tn := d.found(workspace.Patch{})
	rows := people(500)
	before := d.writes.Load()
	foreseen, err := tn.InviteAll(t.Context(), tn.grant(""), rows, invitation.Call{Key: "key", Body: "body"}, true, d.now)
	d.check("a dry run", err)
	same(t, "writes of a dry run", d.writes.Load(), before)

	outcomes := tn.inviteAll(rows, invitation.Call{Key: "key", Body: "body"})
	same(t, "created", kinds(outcomes)[invitation.Created], 500)
	leave := map[time.Time]int{}
	for _, at := range scheduled(outcomes) {
		leave[at]++
	}
	tomorrow := user.Tomorrow(d.now)
	if len(leave) != 3 || leave[time.Time{}] != 200 || leave[tomorrow] != 200 || leave[tomorrow.Add(day)] != 100 {
		t.Errorf("mails leave %v", leave)
	}
	if !slices.Equal(scheduled(foreseen), scheduled(outcomes)) || kinds(foreseen)[invitation.Created] != 500 {
		t.Errorf("the dry run foresaw %v", kinds(foreseen))
	}
	same(t, "asked", tn.asked(), 200)
	same(t, "users", tn.counts()[user.Requested], 500)
	last := tn.load(outcomes[499].User.ID)
	same(t, "the last delivery", last.Invitation.Delivery, user.DeliveryScheduled)
	same(t, "the last end", last.Invitation.ExpiresAt, tomorrow.Add(day+7*day))
}

// The second call starts while the first is half done. [A9]
func TestABatchRepeatedInFlightInvitesNobodyTwice(t *testing.T) {
	d := newDeployment(t)
	tn := d.found(workspace.Patch{})
	rows := people(100)
	call := invitation.Call{Key: "key", Body: "body"}
	var repeated []invitation.Outcome
	transactions := 0
	d.listen(func(operation, _ string) {
		if operation != "TransactWriteItems" {
			return
		}
		if transactions++; transactions == 2 {
			d.listen(nil)
			repeated = tn.inviteAll(rows, call)
		}
	})
	first := tn.inviteAll(rows, call)
	for i := range rows {
		if first[i].User.ID == "" || first[i].User.Version != repeated[i].User.Version {
			t.Errorf("row %d: %+v and %+v", i, first[i], repeated[i])
		}
	}
	made := kinds(first)[invitation.Created] + kinds(repeated)[invitation.Created]
	again := kinds(first)[invitation.Replayed] + kinds(repeated)[invitation.Replayed]
	same(t, "created", made, 100)
	same(t, "replayed", again, 100)
	same(t, "users", tn.counts()[user.Requested], 100)
	same(t, "asked", tn.asked(), 100)

	_, err := tn.InviteAll(t.Context(), tn.grant(""), rows, invitation.Call{Key: "key", Body: "another"}, false, d.now)
	has(t, "another body", err, invitation.ErrMismatch)
}

func TestARepeatedBatchCreatesNoErasedPersonAgain(t *testing.T) {
	d := newDeployment(t)
	tn := d.found(workspace.Patch{})
	call := invitation.Call{Key: "key", Body: "body"}
	first := tn.inviteAll(people(2), call)
	d.pass(time.Hour)
	tn.archive(first[0].User)
	tn.erase(first[0].User)
	repeated := tn.inviteAll(people(2), call)
	same(t, "the erased one", repeated[0].Kind, invitation.Replayed)
	same(t, "the other", repeated[1].Kind, invitation.Replayed)
	if tn.exists(address(0)) {
		t.Error("the erased person is back")
	}
	other := tn.inviteAll(people(1), invitation.Call{Key: "other", Body: "body"})
	same(t, "by another call", other[0].Kind, invitation.Created)
}

func TestTheFirstRowsGetTheSeats(t *testing.T) {
	d := newDeployment(t)
	tn := d.found(workspace.Patch{SeatLimit: is(41)})
	outcomes := tn.inviteAll(people(50), invitation.Call{})
	for i, o := range outcomes {
		want := invitation.Created
		if i >= 40 {
			want = invitation.NoSeat
		}
		if o.Kind != want {
			t.Errorf("row %d: %v, want %v", i, o.Kind, want)
		}
	}
	same(t, "asked", tn.asked(), 40)
}

func TestSeatsOfLapsedInvitationsAreFree(t *testing.T) {
	d := newDeployment(t)
	d.Limits = daily(2)
	tn := d.found(workspace.Patch{SeatLimit: is(6)})
	rows := people(80) // more than one transaction has
	tn.inviteAll(rows[:5], invitation.Call{})
	d.pass(9 * day) // the last mail leaves after two, and its invitation lasts a week
	foreseen, err := tn.InviteAll(t.Context(), tn.grant(""), rows[5:], invitation.Call{}, true, d.now)
	d.check("a dry run", err)
	outcomes := tn.inviteAll(rows[5:], invitation.Call{})
	for i, o := range outcomes {
		want := invitation.Created
		if i >= 5 {
			want = invitation.NoSeat
		}
		if o.Kind != want || foreseen[i].Kind != want || foreseen[i].User.Invitation.Delivery != o.User.Invitation.Delivery {
			t.Errorf("row %d: %v, foreseen %v, want %v", i, o, foreseen[i], want)
		}
	}
	same(t, "expired", tn.counts()[user.Expired], 5)
}

func TestOfTwoRowsWithOneAddressTheFirstCounts(t *testing.T) {
	d := newDeployment(t)
	tn := d.found(workspace.Patch{})
	outcomes := tn.inviteAll([]invitation.Person{person("john@corp.com"), person("JOHN@corp.com"), person("no address")}, invitation.Call{})
	same(t, "the first", outcomes[0].Kind, invitation.Created)
	same(t, "its twin", outcomes[1].Kind, invitation.Refused)
	same(t, "the wrong one", outcomes[2].Kind, invitation.Refused)
}

func TestEachUserOfABatchHasAnOutcome(t *testing.T) {
	d := newDeployment(t)
	tn := d.found(workspace.Patch{})
	pending, member := tn.invite("john@corp.com"), d.accept(tn.invite("jane@corp.com"))
	d.pass(time.Hour)
	ids := []string{pending.ID, member.ID, pending.ID, "usr_nobody", "", user.IDFor(tn.id, "nobody@corp.com")}
	outcomes, err := tn.ResendAll(t.Context(), tn.grant(""), ids, mailed, d.now)
	d.check("resend", err)
	for i, code := range []string{"", "status_conflict", "invalid_request", "user_not_found", "user_not_found", "user_not_found"} {
		if code == "" {
			same(t, "the pending one", outcomes[i].Kind, invitation.Resent)
		} else {
			isFault(t, ids[i], outcomes[i].Reason, code)
		}
	}
	outcomes, err = tn.ArchiveAll(t.Context(), tn.grant(""), []string{pending.ID, member.ID, tn.admin}, d.now)
	d.check("archive", err)
	same(t, "archived", kinds(outcomes)[invitation.Archived], 2)
	has(t, "the last admin", outcomes[2].Reason, user.ErrLastAdmin)
	outcomes, err = tn.RestoreAll(t.Context(), tn.grant(""), []string{pending.ID, member.ID, tn.admin}, mailed, d.now)
	d.check("restore", err)
	same(t, "restored", kinds(outcomes)[invitation.Restored], 2)
	isFault(t, "who was not archived", outcomes[2].Reason, "status_conflict")
	st, err := d.Store.Load(t.Context(), store.Want{Workspace: tn.id, Users: []string{pending.ID, member.ID}})
	d.check("load", err)
	same(t, "the member", st.Users[member.ID].Status, user.Active)
	same(t, "the pending one", st.Users[pending.ID].Status, user.Requested)
}
