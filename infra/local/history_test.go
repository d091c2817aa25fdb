package local_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
)

// line is an entry of the history.
type line struct {
	ID, Type, Actor             string
	At                          time.Time
	ActorName, UserID, UserName *string
	Status, PreviousStatus      *string
	Changed                     []string
	Delivery, DeliveryReason    *string
	Generation                  *int
}

// history is all of a workspace, or of one user where an id is given, newest
// first.
func (o office) history(userID string, types ...string) (lines []line) {
	o.t.Helper()
	path := o.path + "/history"
	if userID != "" {
		path = o.path + "/users/" + userID + "/history"
	}
	path += "?limit=100"
	if len(types) > 0 {
		path += "&type=" + strings.Join(types, ",")
	}
	for cursor := ""; ; {
		page := want[struct {
			Entries    []line
			NextCursor *string
		}](o.t, o.admin.send("GET", strings.TrimSuffix(path+"&cursor="+cursor, "&cursor="), nil, nil), http.StatusOK)
		lines = append(lines, page.Entries...)
		if page.NextCursor == nil {
			return lines
		}
		cursor = *page.NextCursor
	}
}

// steps are the lines without those of mail: a mail that is sent and delivered
// within a moment may make one of them or two.
func steps(lines []line) []line {
	return slices.DeleteFunc(slices.Clone(lines), func(l line) bool { return l.Type == "invitation.delivery_changed" })
}

// What happened to a user, told to an admin: every step with its actor, names
// of today, deliveries included, and no secret in it.
func TestHistoryTellsWhatHappened(t *testing.T) {
	o := newOffice(t)
	me := o.me()
	mark := "zebra" + letters()
	u := o.invite(map[string]any{"metadata": map[string]any{"apiKey": "secret" + mark}})
	inbox(t, u.Email, 1)
	o.becomes(u.ID, "delivered") // a change like any other
	o.edit(u.ID, map[string]any{"name": "Name " + mark, "metadata": map[string]any{"region": "more" + mark}})
	o.accept(u)
	want[any](t, o.act(u.ID, "archive"), http.StatusOK)
	want[any](t, operator(t, "hr").send("POST", o.path+"/users/"+u.ID+"/restore", nil, nil), http.StatusOK)
	u = o.edit(u.ID, map[string]any{"name": "Johnny Doe"})

	var lines []line
	eventually(t, func() error {
		all := o.history(u.ID)
		if lines = steps(all); len(lines) != 6 {
			return fmt.Errorf("%d lines: %+v", len(lines), lines)
		}
		for _, l := range all {
			if l.Delivery != nil && *l.Delivery == "delivered" && l.Actor == "mail" && len(all) <= 8 {
				return nil
			}
		}
		return fmt.Errorf("no line says that the mail was delivered: %+v", all)
	})
	text := func(s *string) string {
		if s == nil {
			return "-"
		}
		return *s
	}
	var told []string
	for i, l := range lines {
		told = append(told, fmt.Sprint(l.Type, " by ", text(l.ActorName), ": ", text(l.PreviousStatus), " to ", text(l.Status), " ", l.Changed, " ", text(l.Delivery)))
		if text(l.UserID) != u.ID || text(l.UserName) != "Johnny Doe" {
			t.Errorf("the line is about %s, named %s", text(l.UserID), text(l.UserName))
		}
		if i > 0 && l.At.After(lines[i-1].At) {
			t.Errorf("line %d, at %v, stands behind %v", i, l.At, lines[i-1].At)
		}
	}
	equal(t, "history", told, []string{
		"user.updated by Ada Admin: active to active [name] -",
		"user.restored by -: archived to active [status] -",
		"user.archived by Ada Admin: active to archived [status] -",
		"user.accepted by Johnny Doe: requested to active [status] -",
		"user.updated by Ada Admin: requested to requested [name metadata] -",
		"user.invited by Ada Admin: - to requested [] -",
	})
	if lines[1].Actor != "svc_hr" || lines[3].Actor != u.ID || lines[5].Actor != me {
		t.Errorf("actors %s, %s, %s", lines[1].Actor, lines[3].Actor, lines[5].Actor)
	}
	whole := steps(o.history(""))
	if first := whole[len(whole)-1]; len(whole) != 7 || first.Type != "workspace.created" || first.UserID != nil || first.Actor != me {
		t.Errorf("the workspace's first line of %d is %+v", len(whole), first)
	}
	for _, path := range []string{o.path + "/history", o.path + "/users/" + u.ID + "/history"} {
		body := string(o.admin.send("GET", path, nil, nil).body)
		for _, secret := range []string{mark, "apiKey", tokenOf(o.invite(nil).Invitation.URL), u.Email} {
			if strings.Contains(body, secret) {
				t.Errorf("%s tells %q", path, secret)
			}
		}
	}
}

// words are what lines say, the oldest first.
func words(lines []line) (words []string) {
	for _, l := range slices.Backward(lines) {
		delivery := "-"
		if l.Delivery != nil {
			delivery = *l.Delivery
		}
		words = append(words, l.Type+" "+delivery)
	}
	return words
}

// The workspace's history has one line for an invitation, with what became of its
// mail; every step is in the user's own history.
func TestAnInvitationsMailIsPartOfItsLine(t *testing.T) {
	o := newOffice(t)
	good, bad, quiet := o.invite(nil), o.invite(map[string]any{"email": "bounce+" + unique() + "@simulator.amazonses.com"}), o.invite(map[string]any{"sendEmail": false})
	o.becomes(good.ID, "delivered")
	o.becomes(bad.ID, "bounced")
	o.accept(good)
	wanted := []string{"workspace.created -", "user.invited delivered", "user.invited bounced", "user.invited none", "user.accepted -"}
	var lines []line
	eventually(t, func() error {
		if lines = o.history(""); !slices.Equal(words(lines), wanted) {
			return fmt.Errorf("%q", words(lines))
		}
		return nil
	})
	if reason := lines[2].DeliveryReason; reason == nil || *reason != "The mailbox does not exist." {
		t.Errorf("the reason is %v", reason)
	}
	if lines[0].Generation == nil || *lines[0].Generation != *lines[3].Generation || lines[4].Generation != nil {
		t.Errorf("the generations are those of %+v", lines)
	}
	steps := o.history(bad.ID, "invitation.delivery_changed")
	if last := words(steps)[len(steps)-1]; last != "invitation.delivery_changed bounced" || *steps[0].Generation != *lines[2].Generation {
		t.Errorf("the steps are %q", words(steps))
	}
	if invited := o.history(bad.ID, "user.invited"); !slices.Equal(words(invited), []string{"user.invited -"}) {
		t.Errorf("the user's own lines are %q", words(invited))
	}

	// A later invitation has taken the place of the first one's mail.
	want[any](t, o.admin.send("POST", o.path+"/users/"+bad.ID+"/resend", map[string]any{"sendEmail": false}, nil), http.StatusOK)
	eventually(t, func() error {
		if got := words(o.history("", "user.invited", "user.reinvited")); !slices.Equal(got, []string{"user.invited delivered", "user.invited -", "user.invited none", "user.reinvited none"}) {
			return fmt.Errorf("%q", got)
		}
		return nil
	})
	// Of somebody who was erased, nothing more is known.
	want[any](t, o.act(quiet.ID, "archive"), http.StatusOK)
	want[any](t, o.admin.send("DELETE", o.path+"/users/"+quiet.ID, nil, nil), http.StatusNoContent)
	eventually(t, func() error {
		if got := words(o.history("", "user.erased", "user.invited")); !slices.Equal(got, []string{"user.invited delivered", "user.invited -", "user.invited -", "user.erased -"}) {
			return fmt.Errorf("%q", got)
		}
		return nil
	})
	if got := o.history(quiet.ID, "user.accepted"); len(got) != 0 {
		t.Errorf("an erased person accepted: %q", words(got))
	}
}

// A history shows the types that it is asked for, a cursor holds for those alone,
// and what is no type of this history is refused.
func TestHistoryOfSomeTypes(t *testing.T) {
	o := newOffice(t)
	users := o.crowd(5)
	o.admin.batch(o.path+"/users/batch/archive", ids(users[:3]...), nil)
	eventually(t, func() error {
		if all := o.history(""); len(all) != 9 {
			return fmt.Errorf("%d lines", len(all))
		}
		return nil
	})
	for types, n := range map[string]int{"user.archived": 3, "user.invited,workspace.created": 6, "user.declined": 0} {
		if lines := o.history("", types); len(lines) != n {
			t.Errorf("%q: %q", types, words(lines))
		}
	}
	page := want[struct {
		Entries    []line
		NextCursor *string
	}](t, o.admin.send("GET", o.path+"/history?limit=2&type=user.invited", nil, nil), http.StatusOK)
	if len(page.Entries) != 2 || page.NextCursor == nil {
		t.Fatalf("a page of 2 has %d lines", len(page.Entries))
	}
	refused(t, o.admin.send("GET", o.path+"/history?type=user.archived&cursor="+*page.NextCursor, nil, nil), http.StatusBadRequest, "invalid_request")
	for path, types := range map[string][]string{
		o.path + "/history":                        {"invited", "user.invited,", "invitation.delivery_changed", "user.invited,invitation.mail_due"},
		o.path + "/users/" + users[0] + "/history": {"user.Invited", "*"},
	} {
		for _, types := range types {
			p := refused(t, o.admin.wrong().send("GET", path+"?type="+types, nil, nil), http.StatusBadRequest, "invalid_request")
			if len(p.Errors) != 1 || p.Errors[0].Code != "unknown_type" || p.Errors[0].Pointer != "?type" {
				t.Errorf("%s of %s: %+v", path, types, p.Errors)
			}
		}
	}
	refused(t, o.admin.send("GET", o.path+"/users/usr_00000000000000000000000000000000/history?type=user.invited", nil, nil), http.StatusNotFound, "user_not_found")
}

// Pages of every size, with lines of the same millisecond among them, have
// every line once, the newest first.
func TestPagesOfHistory(t *testing.T) {
	o := newOffice(t)
	users := o.crowd(25)
	o.admin.batch(o.path+"/users/batch/archive", ids(users...), nil)
	var all []line
	eventually(t, func() error {
		if all = o.history(""); len(all) != 51 {
			return fmt.Errorf("%d lines", len(all))
		}
		return nil
	})
	for _, limit := range []int{1, 7, 50, 100} {
		if limit == 1 {
			users = users[:3] // each page is a call
		}
		for _, path := range []string{o.path + "/history", o.path + "/users/" + users[0] + "/history"} {
			var got, wanted []string
			for _, l := range all {
				if strings.HasSuffix(path, o.id+"/history") || l.UserID != nil && *l.UserID == users[0] {
					wanted = append(wanted, l.ID)
				}
			}
			for cursor := ""; ; {
				page := want[struct {
					Entries    []line
					NextCursor *string
				}](t, o.admin.send("GET", fmt.Sprint(path, "?limit=", limit, cursor), nil, nil), http.StatusOK)
				if len(page.Entries) > limit {
					t.Fatalf("a page of %d has %d lines", limit, len(page.Entries))
				}
				for _, l := range page.Entries {
					got = append(got, l.ID)
				}
				if page.NextCursor == nil {
					break
				}
				cursor = "&cursor=" + *page.NextCursor
			}
			equal(t, fmt.Sprint(path, " in pages of ", limit), got, wanted)
		}
	}
	// A cursor fits its own list alone.
	cursor := *want[struct{ NextCursor *string }](t, o.admin.send("GET", o.path+"/history?limit=2", nil, nil), http.StatusOK).NextCursor
	for _, path := range []string{o.path + "/users/" + users[0] + "/history", o.path + "/users"} {
		refused(t, o.admin.send("GET", path+"?cursor="+cursor, nil, nil), http.StatusBadRequest, "invalid_request")
	}
	for _, query := range []string{"limit=0", "limit=101", "limit=x", "sort=oldest", "cursor=nonsense"} {
		for _, path := range []string{o.path + "/history?", o.path + "/users/" + users[0] + "/history?"} {
			refused(t, o.admin.wrong().send("GET", path+query, nil, nil), http.StatusBadRequest, "invalid_request")
		}
	}
	for _, nobody := range []string{"usr_00000000000000000000000000000000", "usr_nonsense", newOffice(t).me()} {
		refused(t, o.admin.wrong().send("GET", o.path+"/users/"+nobody+"/history", nil, nil), http.StatusNotFound, "user_not_found")
	}
}
