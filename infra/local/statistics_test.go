package local_test

import (
	"fmt"
	"net/http"
	"testing"
	"time"
)

// apiSteps are the numbers of a day, or of all days.
type apiSteps struct{ Invited, Delivered, Bounced, Accepted, Declined, Expired int }

type apiStatistics struct {
	Days []struct {
		Date string
		apiSteps
	}
	Totals                apiSteps
	MedianSecondsToAccept *int
}

func (o office) statistics() apiStatistics {
	o.t.Helper()
	return want[apiStatistics](o.t, o.admin.send("GET", o.path+"/statistics", nil, nil), http.StatusOK)
}

// The numbers are the office's own, each step of each invitation once.
func TestStatisticsCountEachStepOnce(t *testing.T) {
	o := newOffice(t)
	if s := o.statistics(); len(s.Days) != 90 || s.Totals != (apiSteps{}) || s.MedianSecondsToAccept != nil {
		t.Errorf("at first: %+v", s.Totals)
	}
	joins := o.invite(nil)
	inbox(t, joins.Email, 1)
	o.becomes(joins.ID, "delivered")
	bounces := o.invite(map[string]any{"email": "bounce+" + unique() + "@simulator.amazonses.com"})
	o.becomes(bounces.ID, "bounced")
	declines := o.invite(map[string]any{"sendEmail": false})
	ends := o.invite(map[string]any{"sendEmail": false})
	again := want[apiUser](t, o.admin.send("POST", o.path+"/users/"+ends.ID+"/resend", map[string]any{"sendEmail": false}, nil), http.StatusOK)
	o.edit(ends.ID, map[string]any{"name": "Jane"}) // is no step
	o.accept(joins)
	want[any](t, newClient(t, "").send("POST", "/v1/invitations/"+tokenOf(declines.Invitation.URL)+"/decline", nil, nil), http.StatusOK)
	o.wait(again.ID, 8*24*time.Hour)
	want[any](t, o.admin.send("POST", "/local/run/expire", nil, nil), http.StatusOK)
	expected := apiSteps{Invited: 5, Delivered: 1, Bounced: 1, Accepted: 1, Declined: 1, Expired: 1}
	var s apiStatistics
	eventually(t, func() error {
		if s = o.statistics(); s.Totals != expected {
			return fmt.Errorf("counted are %+v", s.Totals)
		}
		return nil
	})
	if today := s.Days[89]; today.Date != time.Now().UTC().Format(time.DateOnly) && s.Days[88].Invited == 0 {
		t.Errorf("the last day is %+v", today)
	}
	if m := s.MedianSecondsToAccept; m == nil || *m > 600 {
		t.Errorf("they took %v seconds", m)
	}
	refused(t, o.admin.wrong().send("GET", o.path+"/statistics?days=7", nil, nil), http.StatusBadRequest, "invalid_request")
}
