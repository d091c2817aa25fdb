package local_test

import (
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

func (o office) limitSeats(limit any) answer {
	o.t.Helper()
	return o.admin.send("PATCH", o.path, map[string]any{"seatLimit": limit}, nil)
}

// tryInvite sends the invitation of one quiet person.
func (o office) tryInvite() answer {
	o.t.Helper()
	return o.admin.send("POST", o.path+"/users", quiet(1)[0], nil)
}

// full checks that nobody fits into the workspace.
func (o office) full(when string) {
	o.t.Helper()
	if a := o.tryInvite(); a.status != http.StatusConflict {
		o.t.Errorf("%s: %d %s, though every seat is taken", when, a.status, a.body)
	} else {
		refused(o.t, a, http.StatusConflict, "seat_limit_reached")
	}
}

// Rule 10: however many invitations race for the seats, alone and in batches,
// exactly as many are created as there are.
func TestRule10SeatsAreNeverExceeded(t *testing.T) {
	for _, free := range []int{1, 7} {
		o := newOffice(t)
		want[any](t, o.limitSeats(1+free), http.StatusOK) // the admin has one
		rows := quiet(60)
		var inBatches atomic.Int64
		counts := race(t, 24, func(i int) (answer, error) {
			if i%4 != 0 {
				return o.admin.try("POST", o.path+"/users", rows[i], nil)
			}
			a, err := o.admin.try("POST", o.path+"/users/batch", map[string]any{"users": rows[24+i/4*6 : 24+i/4*6+6]}, nil)
			if err == nil && a.status == http.StatusOK {
				var b batchAnswer
				a.decode(t, &b)
				inBatches.Add(int64(b.tally()["created"]))
				if n := b.tally(); n["created"]+n["failed: seat_limit_reached"] != 6 {
					t.Errorf("outcomes %v", n)
				}
			}
			return a, err
		})
		if n := counts[http.StatusCreated] + int(inBatches.Load()); n != free {
			t.Errorf("%d were told that they are invited, and %d seats were free: answers %v", n, free, counts)
		}
		if counts[http.StatusCreated]+counts[http.StatusConflict] != 18 {
			t.Errorf("answers %v", counts)
		}
		if n := o.counted()["requested"]; n != free {
			t.Errorf("%d are invited, and %d seats were free", n, free)
		}
		o.full("after the race")
	}
}

// Rule 10: of two who are restored or invited at once, one takes the last seat.
func TestRule10TheLastSeatIsTakenOnceByWhateverWay(t *testing.T) {
	o := newOffice(t)
	var archived []apiUser
	for range 6 {
		u := o.invite(map[string]any{"sendEmail": false})
		o.accept(u)
		want[any](t, o.admin.send("POST", o.path+"/users/"+u.ID+"/archive", nil, nil), http.StatusOK)
		archived = append(archived, u)
	}
	expired := o.invite(map[string]any{"sendEmail": false})
	o.wait(expired.ID, 8*24*time.Hour)
	want[any](t, o.limitSeats(2), http.StatusOK)
	rows := quiet(12)
	counts := race(t, 12, func(i int) (answer, error) {
		switch {
		case i < 6:
			return o.admin.try("POST", o.path+"/users/"+archived[i].ID+"/restore", nil, nil)
		case i == 6:
			return o.admin.try("POST", o.path+"/users/"+expired.ID+"/resend", nil, nil)
		}
		return o.admin.try("POST", o.path+"/users", rows[i], nil)
	})
	if won := counts[http.StatusOK] + counts[http.StatusCreated]; won != 1 || counts[http.StatusConflict] != 11 {
		t.Errorf("answers %v, and one seat was free", counts)
	}
	n := map[string]int{}
	for _, u := range o.list("") {
		n[u.Status]++
	}
	if used := n["active"] + n["requested"] + n["invited"]; used != 2 {
		t.Errorf("%d seats are taken of 2: %v", used, n)
	}
}

// Whoever goes frees their seat at once, whichever way they go; the clock frees
// it before the schedule has run.
func TestWhoGoesFreesTheSeatAtOnce(t *testing.T) {
	for way, leave := range map[string]func(o office, u apiUser){
		"archived": func(o office, u apiUser) {
			want[any](o.t, o.admin.send("POST", o.path+"/users/"+u.ID+"/archive", nil, nil), http.StatusOK)
		},
		"archived in a batch": func(o office, u apiUser) {
			equal(o.t, "archived", o.admin.batch(o.path+"/users/batch/archive", ids(u.ID), nil).said(), []string{"archived"})
		},
		"archived when active": func(o office, u apiUser) {
			o.accept(u)
			o.full("accepting frees no seat")
			want[any](o.t, o.admin.send("POST", o.path+"/users/"+u.ID+"/archive", nil, nil), http.StatusOK)
		},
		"declined": func(o office, u apiUser) {
			want[any](o.t, newClient(o.t, "").send("POST", "/v1/invitations/"+tokenOf(u.Invitation.URL)+"/decline", nil, nil), http.StatusOK)
		},
		"expired by the clock": func(o office, u apiUser) { o.wait(u.ID, 8*24*time.Hour) },
		"expired by the schedule": func(o office, u apiUser) {
			o.wait(u.ID, 8*24*time.Hour)
			o.expire(0)
		},
		"expired and erased": func(o office, u apiUser) {
			o.wait(u.ID, 8*24*time.Hour)
			want[any](o.t, o.admin.send("DELETE", o.path+"/users/"+u.ID, nil, nil), http.StatusNoContent)
		},
	} {
		t.Run(way, func(t *testing.T) {
			o := newOffice(t)
			u := o.invite(map[string]any{"sendEmail": false})
			want[any](t, o.limitSeats(2), http.StatusOK)
			o.full("before")
			leave(o, u)
			want[apiUser](t, o.tryInvite(), http.StatusCreated)
			o.full("after one has come in their place")
			if way != "expired and erased" { // they have no seat to come back to
				operation := "/restore"
				if strings.HasPrefix(way, "expired") || way == "declined" {
					operation = "/resend"
				}
				refused(t, o.admin.send("POST", o.path+"/users/"+u.ID+operation, nil, nil), http.StatusConflict, "seat_limit_reached")
			}
			if total, _ := o.mails(); total != 2 {
				t.Errorf("%d invitations are counted; two people were invited, the rest was refused", total)
			}
		})
	}
}

// A limit is never set below what is in use; null takes it away.
func TestTheSeatLimitItself(t *testing.T) {
	o := newOffice(t)
	type shown struct {
		SeatLimit *int
		Version   int
	}
	get := func() shown { return want[shown](t, o.admin.send("GET", o.path, nil, nil), http.StatusOK) }
	if w := get(); w.SeatLimit != nil {
		t.Errorf("a new workspace has %d seats", *w.SeatLimit)
	}
	for range 3 {
		o.invite(map[string]any{"sendEmail": false})
	}
	late := o.invite(map[string]any{"sendEmail": false})
	p := refused(t, o.limitSeats(4), http.StatusConflict, "seats_in_use")
	if !strings.Contains(p.Detail, "5 ") {
		t.Errorf("the detail does not say that 5 are in use: %q", p.Detail)
	}
	if w := get(); w.SeatLimit != nil {
		t.Errorf("refused, and yet %d seats", *w.SeatLimit)
	}
	o.wait(late.ID, 8*24*time.Hour) // the clock has freed one
	if w := want[shown](t, o.limitSeats(4), http.StatusOK); w.SeatLimit == nil || *w.SeatLimit != 4 {
		t.Errorf("limited: %+v", w)
	}
	o.full("at the limit")
	for _, limit := range []string{"0", "-1", "1000001", "1.5", `"4"`, "[]", "true"} {
		refused(t, o.admin.wrong().send("PATCH", o.path, `{"seatLimit":`+limit+`}`, nil), http.StatusBadRequest, "invalid_request")
	}
	// Another setting leaves it, and null is no limit.
	want[any](t, o.admin.send("PATCH", o.path, map[string]any{"invitationDays": 3}, nil), http.StatusOK)
	if w := get(); w.SeatLimit == nil || *w.SeatLimit != 4 {
		t.Errorf("after another setting: %+v", w)
	}
	if w := want[shown](t, o.limitSeats(nil), http.StatusOK); w.SeatLimit != nil {
		t.Errorf("null leaves %d seats", *w.SeatLimit)
	}
	if n := o.admin.batch(o.path+"/users/batch", map[string]any{"users": quiet(20)}, nil).tally()["created"]; n != 20 {
		t.Errorf("without a limit, %d of 20 are created", n)
	}
	o.counted()
}

// The rows of a batch take the seats in their order, and the rest are told.
func TestABatchTakesTheSeatsThatAreLeft(t *testing.T) {
	o := newOffice(t)
	want[any](t, o.limitSeats(4), http.StatusOK)
	rows := quiet(5)
	equal(t, "invited", o.admin.batch(o.path+"/users/batch", map[string]any{"users": rows}, nil).said(),
		[]string{"created", "created", "created", "failed: seat_limit_reached", "failed: seat_limit_reached"})
	// Who exists needs no seat.
	equal(t, "again", o.admin.batch(o.path+"/users/batch", map[string]any{"users": rows[2:4]}, nil).said(), []string{"exists", "failed: seat_limit_reached"})
	var gone []string
	for _, u := range o.list("?status=requested") {
		gone = append(gone, u.ID)
	}
	o.admin.batch(o.path+"/users/batch/archive", ids(gone...), nil)
	want[any](t, o.limitSeats(3), http.StatusOK)
	restored := o.admin.batch(o.path+"/users/batch/restore", ids(gone...), nil).tally()
	if restored["restored"] != 2 || restored["failed: seat_limit_reached"] != 1 {
		t.Errorf("restored into 2 seats: %v", fmt.Sprint(restored))
	}
	o.full("after all")
}
