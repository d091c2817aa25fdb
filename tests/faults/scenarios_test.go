package faults

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/latchkey/latchkey/infra/blueprint"
	"github.com/latchkey/latchkey/tests/caller"
)

// scenario is how one operation is tried.
type scenario struct {
	operation string
	variant   string // tells the scenarios of one operation apart; may be empty
	// stage makes what the operation needs, and returns the call.
	stage func(*scene) request
	// check looks at what came of it, after the last call; may be nil.
	check func(*scene)
}

func (s scenario) name() string { return strings.TrimSuffix(s.operation+"/"+s.variant, "/") }

// request is a call of a scenario's operation.
type request struct {
	who     caller.Caller
	query   string
	body    any
	headers []string
	want    []int  // statuses of a call that was done
	outcome string // of each row, for a batch
	// repeat is what a call may be answered, as "409 status_conflict", or a row
	// of it with the code alone, where it repeats one that was done although its
	// answer was lost.
	repeat []string
}

// Bodies.
type fields = map[string]any

func ids(users ...caller.User) fields {
	var ids []string
	for _, u := range users {
		ids = append(ids, u.ID)
	}
	return fields{"users": ids}
}

// reading is a scenario that only reads.
func reading(operation string, stage func(*scene) request) scenario {
	return scenario{operation: operation, stage: stage}
}

// asAdmin is a request of the admin that is answered 200.
func asAdmin(s *scene) request { return request{who: s.admin, want: []int{http.StatusOK}} }

const busyMinute = "mail_limit_recipient_minute" // what a repeat meets whose first call has mailed

var mailed = fields{"sendEmail": true}

var scenarios = []scenario{
	{operation: "createWorkspace", stage: func(s *scene) request {
		return request{who: s.admin, body: fields{"name": "Nexus", "slug": "own-" + s.tag}, want: []int{http.StatusCreated}, repeat: []string{"409 slug_taken"}}
	}, check: func(s *scene) {
		if n := strings.Count(string(s.admin.Send("GET", "/v1/me/workspaces", nil).Into(http.StatusOK, nil).Body), `"own-`+s.tag+`"`); n != 1 {
			s.t.Errorf("the admin is in %d workspaces of the slug", n)
		}
	}},
	reading("getWorkspace", func(s *scene) request { s.found(); return asAdmin(s) }),
	{operation: "updateWorkspace", stage: func(s *scene) request {
		s.found()
		return request{who: s.admin, body: fields{"invitationDays": 9}, want: []int{http.StatusOK}}
	}, check: func(s *scene) { s.set("invitationDays", 9) }},
	{operation: "updateWorkspace", variant: "seats", stage: func(s *scene) request {
		s.found()
		s.invite("john", nil)
		return request{who: s.admin, body: fields{"seatLimit": 40}, want: []int{http.StatusOK}}
	}, check: func(s *scene) { s.set("seatLimit", 40) }},
	{operation: "deleteWorkspace", stage: func(s *scene) request {
		s.found()
		s.invite("john", nil)
		return request{who: s.admin, body: fields{"slug": "nexus-" + s.tag}, want: []int{http.StatusOK}, repeat: []string{"404 workspace_not_found"}}
	}, check: func(s *scene) {
		s.admin.Send("GET", s.path, nil).Refused(http.StatusNotFound, "workspace_not_found")
		s.nobody().Send("GET", "/v1/invitations/"+s.params["token"], nil).Refused(http.StatusNotFound, "invitation_not_found")
	}},
	{operation: "restoreWorkspace", stage: func(s *scene) request {
		s.found()
		s.invite("john", nil)
		s.admin.Send("DELETE", s.path, fields{"slug": "nexus-" + s.tag}).Into(http.StatusOK, nil)
		return request{who: caller.Operator(s.t, s.stack.URL, "hr"), want: []int{http.StatusOK}}
	}, check: func(s *scene) {
		s.has("john", "requested", 0)
		s.nobody().Send("GET", "/v1/invitations/"+s.params["token"], nil).Into(http.StatusOK, nil)
	}},
	reading("listGroups", func(s *scene) request { s.found(); s.group("eu"); return asAdmin(s) }),
	{operation: "putGroup", stage: func(s *scene) request {
		s.found()
		s.params["group"] = "eu"
		return request{who: s.admin, body: fields{"name": "Europe"}, want: []int{http.StatusCreated, http.StatusOK}}
	}, check: func(s *scene) {
		if groups := s.groups(); groups != 1 {
			s.t.Errorf("there are %d groups", groups)
		}
	}},
	{operation: "deleteGroup", stage: func(s *scene) request {
		s.found()
		s.group("eu")
		s.params["group"] = "eu"
		s.invite("john", fields{"groups": []string{"eu"}})
		s.invite("jane", fields{"groups": []string{"eu"}})
		return request{who: s.admin, want: []int{http.StatusNoContent, http.StatusAccepted}}
	}, check: func(s *scene) {
		var page struct{ Users []caller.User }
		s.admin.Send("GET", s.path+"/users?group=eu", nil).Into(http.StatusOK, &page)
		if len(page.Users) > 0 || s.groups() > 0 {
			s.t.Errorf("%d users are in the deleted group, and %d groups are listed", len(page.Users), s.groups())
		}
	}},

	{operation: "inviteUser", stage: func(s *scene) request {
		s.found()
		s.group("eu")
		return request{
			who: s.admin, body: s.newUser("john", fields{"sendEmail": true, "groups": []string{"eu"}, "metadata": fields{"k": 1}}),
			headers: []string{"idempotency-key", s.tag}, want: []int{http.StatusCreated},
		}
	}, check: func(s *scene) { s.has("john", "requested", 1) }},
	{operation: "inviteUser", variant: "the last seat", stage: func(s *scene) request {
		s.found()
		s.admin.Send("PATCH", s.path, fields{"seatLimit": 2}).Into(http.StatusOK, nil)
		return request{who: s.admin, body: s.newUser("john", mailed), headers: []string{"idempotency-key", s.tag}, want: []int{http.StatusCreated}}
	}, check: func(s *scene) { s.has("john", "requested", 1) }},
	{operation: "inviteUser", variant: "without a key", stage: func(s *scene) request {
		s.found()
		return request{who: s.admin, body: s.newUser("john", mailed), want: []int{http.StatusCreated}, repeat: []string{"409 user_exists"}}
	}, check: func(s *scene) { s.has("john", "requested", 1) }},
	{operation: "inviteUsers", stage: func(s *scene) request {
		s.found()
		return request{
			who:     s.admin,
			body:    fields{"users": []any{s.newUser("john", mailed), s.newUser("jane", mailed), s.newUser("jim", nil)}},
			headers: []string{"idempotency-key", s.tag}, want: []int{http.StatusOK}, outcome: "created",
		}
	}, check: func(s *scene) {
		s.has("john", "requested", 1)
		s.has("jane", "requested", 1)
		s.has("jim", "requested", 0)
	}},
	{operation: "correctEmail", stage: func(s *scene) request {
		s.found()
		s.group("eu")
		s.invite("jon", fields{"groups": []string{"eu"}, "metadata": fields{"k": 1}})
		return request{
			who: s.admin, body: fields{"email": s.email("john")}, headers: []string{"idempotency-key", s.tag}, want: []int{http.StatusOK},
		}
	}, check: func(s *scene) {
		if u := s.has("john", "requested", 1); !strings.Contains(string(u.Metadata), "1") || !slices.Equal(u.Groups, []string{"eu"}) {
			s.t.Errorf("corrected: %v %s", u.Groups, u.Metadata)
		}
	}},
	{operation: "correctEmail", variant: "without a key", stage: func(s *scene) request {
		s.found()
		s.invite("jon", nil)
		return request{who: s.admin, body: fields{"email": s.email("john")}, want: []int{http.StatusOK}, repeat: []string{"404 user_not_found"}}
	}, check: func(s *scene) { s.has("john", "requested", 1) }},
	{operation: "resendInvitations", stage: func(s *scene) request {
		s.found()
		return request{
			who: s.admin, body: ids(s.invite("john", nil), s.invite("jane", nil)), want: []int{http.StatusOK},
			outcome: "resent", repeat: []string{busyMinute},
		}
	}, check: func(s *scene) {
		s.has("john", "requested", 1)
		s.has("jane", "requested", 1)
	}},
	{operation: "resendInvitation", stage: func(s *scene) request {
		s.found()
		s.invite("john", nil)
		return request{who: s.admin, want: []int{http.StatusOK}, repeat: []string{"429 " + busyMinute}}
	}, check: func(s *scene) { s.has("john", "requested", 1) }},
	{operation: "resendInvitation", variant: "declined", stage: func(s *scene) request {
		s.found()
		u := s.invite("john", nil)
		s.nobody().Send("POST", "/v1/invitations/"+u.Token()+"/decline", nil).Into(http.StatusOK, nil)
		return request{who: s.admin, want: []int{http.StatusOK}, repeat: []string{"429 " + busyMinute}}
	}, check: func(s *scene) { s.has("john", "requested", 1) }},
	reading("getInvitationLink", func(s *scene) request { s.found(); s.invite("john", nil); return asAdmin(s) }),

	reading("followInvitation", func(s *scene) request {
		s.found()
		s.invite("john", nil)
		return request{who: s.nobody(), want: []int{http.StatusFound}}
	}),
	reading("previewInvitation", func(s *scene) request {
		s.found()
		s.invite("john", nil)
		return request{who: s.nobody(), want: []int{http.StatusOK}}
	}),
	{operation: "acceptInvitation", stage: func(s *scene) request {
		s.found()
		s.elsewhere("john")
		s.invite("john", fields{"metadata": fields{"k": 1}})
		return request{who: s.person("john"), want: []int{http.StatusOK}, repeat: []string{"409 status_conflict"}}
	}, check: func(s *scene) {
		s.has("john", "active", 0)
		s.isElsewhere("john", "invited")
		s.person("john").Send("GET", s.path, nil).Into(http.StatusOK, nil)
	}},
	{operation: "acceptInvitation", variant: "as an admin", stage: func(s *scene) request {
		s.found()
		s.invite("john", fields{"role": "admin"})
		return request{who: s.person("john"), want: []int{http.StatusOK}, repeat: []string{"409 status_conflict"}}
	}, check: func(s *scene) { s.has("john", "active", 0) }},
	{operation: "declineInvitation", stage: func(s *scene) request {
		s.found()
		s.invite("john", nil)
		return request{who: s.nobody(), want: []int{http.StatusOK}, repeat: []string{"409 status_conflict"}}
	}, check: func(s *scene) { s.has("john", "declined", 0) }},
	reading("askUnsubscribe", func(s *scene) request {
		s.found()
		s.reads("john", "unsubscribe")
		return request{who: s.nobody(), want: []int{http.StatusOK}}
	}),
	{operation: "unsubscribeInvitation", stage: func(s *scene) request {
		s.found()
		s.reads("john", "unsubscribe")
		return request{who: s.nobody(), want: []int{http.StatusNoContent}}
	}, check: func(s *scene) {
		u := s.has("john", "requested", 1)
		if u.Invitation.UnsubscribedAt == nil {
			s.t.Error("the person is not unsubscribed")
		}
		s.admin.Send("POST", s.path+"/users/"+u.ID+"/resend", nil).Refused(http.StatusConflict, "recipient_unsubscribed")
	}},
	{operation: "resubscribeInvitation", stage: func(s *scene) request {
		s.found()
		s.reads("john", "unsubscribe")
		s.nobody().Send("POST", "/v1/invitations/"+s.params["token"]+"/unsubscribe", nil).Into(http.StatusNoContent, nil)
		return request{who: s.nobody(), want: []int{http.StatusNoContent}}
	}, check: func(s *scene) {
		if u := s.has("john", "requested", 1); u.Invitation.UnsubscribedAt != nil {
			s.t.Error("the person is unsubscribed still")
		}
	}},
	reading("askReport", func(s *scene) request {
		s.found()
		s.reads("john", "report")
		return request{who: s.nobody(), want: []int{http.StatusOK}}
	}),
	{operation: "reportInvitation", stage: func(s *scene) request { // one report pauses a workspace here
		s.found()
		s.reads("john", "report")
		return request{who: s.nobody(), want: []int{http.StatusNoContent}}
	}, check: func(s *scene) {
		s.set("invitationsPaused", true)
		s.admin.Send("POST", s.path+"/users", s.newUser("jane", nil)).Refused(http.StatusConflict, "invitations_paused")
	}},

	{operation: "askAgain", stage: func(s *scene) request {
		s.found()
		s.invite("john", nil)
		s.nobody().Send("POST", "/v1/invitations/"+s.params["token"]+"/decline", nil).Into(http.StatusOK, nil)
		return request{who: s.nobody(), want: []int{http.StatusNoContent}}
	}, check: func(s *scene) { s.has("john", "declined", 0) }},

	{operation: "acceptMine", stage: func(s *scene) request {
		s.found()
		s.elsewhere("john")
		s.invite("john", nil)
		return request{who: s.person("john"), want: []int{http.StatusOK}, repeat: []string{"409 status_conflict"}}
	}, check: func(s *scene) {
		s.has("john", "active", 0)
		s.isElsewhere("john", "invited")
	}},
	{operation: "declineMine", stage: func(s *scene) request {
		s.found()
		s.invite("john", nil)
		return request{who: s.person("john"), want: []int{http.StatusOK}, repeat: []string{"409 status_conflict"}}
	}, check: func(s *scene) { s.has("john", "declined", 0) }},

	{operation: "askMine", stage: func(s *scene) request {
		s.found()
		s.invite("john", map[string]any{"role": "admin"})
		return request{who: s.person("john"), want: []int{http.StatusNoContent}}
	}, check: func(s *scene) { s.has("john", "requested", 0) }},

	reading("listUsers", func(s *scene) request {
		s.found()
		s.invite("john", nil)
		r := asAdmin(s)
		r.query = "?counts=true"
		return r
	}),
	reading("getUser", func(s *scene) request { s.found(); s.invite("john", nil); return asAdmin(s) }),
	reading("listUserHistory", func(s *scene) request { s.found(); s.invite("john", nil); return asAdmin(s) }),
	reading("listHistory", func(s *scene) request { s.found(); s.invite("john", nil); return asAdmin(s) }),
	reading("getStatistics", func(s *scene) request { s.found(); return asAdmin(s) }),
	reading("listMyWorkspaces", func(s *scene) request { s.found(); return asAdmin(s) }),

	{operation: "createImport", stage: func(s *scene) request {
		s.found()
		return request{who: s.admin, headers: []string{"idempotency-key", s.tag}, want: []int{http.StatusCreated}}
	}, check: func(s *scene) {
		var list struct{ Imports []struct{ ID string } }
		s.admin.Send("GET", s.path+"/imports", nil).Into(http.StatusOK, &list)
		if len(list.Imports) != 1 {
			s.t.Errorf("there are %d imports", len(list.Imports))
		}
	}},
	{operation: "addImportRows", stage: func(s *scene) request {
		s.found()
		s.list()
		return request{who: s.admin, query: "?firstRow=3", body: fields{"users": []any{s.newUser("jack", nil)}}, want: []int{http.StatusOK}}
	}, check: func(s *scene) { s.imported("open", 3, 0) }},
	{operation: "startImport", stage: func(s *scene) request {
		s.found()
		s.list()
		return asAdmin(s)
	}, check: func(s *scene) {
		s.imported("done", 2, 2)
		s.has("john", "requested", 0)
		s.has("jane", "requested", 0)
	}},
	{operation: "cancelImport", stage: func(s *scene) request {
		s.found()
		s.list()
		return asAdmin(s)
	}, check: func(s *scene) { s.imported("canceled", 2, 0) }},
	reading("listImports", func(s *scene) request { s.found(); s.list(); return asAdmin(s) }),
	reading("getImport", func(s *scene) request { s.found(); s.list(); return asAdmin(s) }),
	{operation: "eraseUser", variant: "with an import", stage: func(s *scene) request {
		s.found()
		s.archive(s.invite("john", nil))
		s.list()
		return request{who: s.admin, want: []int{http.StatusNoContent}, repeat: []string{"404 user_not_found"}}
	}, check: func(s *scene) {
		if rows := s.imported("open", 2, 0); strings.Contains(string(rows), s.email("john")) {
			s.t.Errorf("the import still names the person: %s", rows)
		}
	}},

	{operation: "updateUser", stage: func(s *scene) request {
		s.found()
		u := s.invite("john", fields{"metadata": fields{"k": 1}})
		return request{
			who: s.admin, body: fields{"name": "John Edited", "metadata": fields{"plan": "gold"}},
			headers: []string{"if-match", strconv.Quote(strconv.Itoa(u.Version))}, want: []int{http.StatusOK}, repeat: []string{"412 version_mismatch"},
		}
	}, check: func(s *scene) {
		if u := s.has("john", "requested", 0); u.Name != "John Edited" || !strings.Contains(string(u.Metadata), "gold") {
			s.t.Errorf("edited: %s %s", u.Name, u.Metadata)
		}
	}},
	{operation: "updateUser", variant: "to an admin", stage: func(s *scene) request {
		s.found()
		u := s.get(s.member("john", nil).ID)
		return request{
			who: s.admin, body: fields{"role": "admin"},
			headers: []string{"if-match", strconv.Quote(strconv.Itoa(u.Version))}, want: []int{http.StatusOK}, repeat: []string{"412 version_mismatch"},
		}
	}, check: func(s *scene) {
		if u := s.has("john", "active", 0); u.Role != "admin" {
			s.t.Errorf("the role is %s", u.Role)
		}
	}},

	{operation: "archiveUser", stage: func(s *scene) request {
		s.found()
		s.member("john", fields{"role": "admin"})
		return request{who: s.admin, want: []int{http.StatusOK}, repeat: []string{"409 status_conflict"}}
	}, check: func(s *scene) {
		s.has("john", "archived", 0)
		s.person("john").Send("GET", s.path, nil).Refused(http.StatusNotFound, "workspace_not_found")
	}},
	{operation: "archiveUser", variant: "before the mail leaves", stage: func(s *scene) request {
		s.found()
		s.invite("john", mailed)
		return request{who: s.admin, want: []int{http.StatusOK}, repeat: []string{"409 status_conflict"}}
	}, check: func(s *scene) { s.has("john", "archived", 1) }},
	{operation: "leaveWorkspace", stage: func(s *scene) request {
		s.found()
		s.member("john", fields{"role": "admin"})
		return request{who: s.person("john"), want: []int{http.StatusNoContent}, repeat: []string{"404 workspace_not_found"}}
	}, check: func(s *scene) { s.has("john", "archived", 0) }},
	{operation: "restoreUser", stage: func(s *scene) request {
		s.found()
		s.archive(s.invite("john", nil))
		return request{who: s.admin, want: []int{http.StatusOK}, repeat: []string{"409 status_conflict"}}
	}, check: func(s *scene) { s.has("john", "requested", 1) }},
	{operation: "restoreUser", variant: "to active", stage: func(s *scene) request {
		s.found()
		s.archive(s.member("john", fields{"role": "admin"}))
		return request{who: s.admin, want: []int{http.StatusOK}, repeat: []string{"409 status_conflict"}}
	}, check: func(s *scene) { s.has("john", "active", 0) }}, // the mail that tells them is none of the invitation
	{operation: "eraseUser", stage: func(s *scene) request {
		s.found()
		s.archive(s.invite("john", nil))
		return request{who: s.admin, want: []int{http.StatusNoContent}, repeat: []string{"404 user_not_found"}}
	}, check: func(s *scene) {
		s.admin.Send("GET", s.path+"/users/"+s.params["user"], nil).Refused(http.StatusNotFound, "user_not_found")
	}},
	{operation: "archiveUsers", stage: func(s *scene) request {
		s.found()
		return request{
			who: s.admin, body: ids(s.member("john", nil), s.invite("jane", nil)), want: []int{http.StatusOK},
			outcome: "archived", repeat: []string{"status_conflict"},
		}
	}, check: func(s *scene) {
		s.has("john", "archived", 0)
		s.has("jane", "archived", 0)
	}},
	{operation: "restoreUsers", stage: func(s *scene) request {
		s.found()
		john, jane := s.member("john", nil), s.invite("jane", nil)
		s.archive(john)
		s.archive(jane)
		return request{who: s.admin, body: ids(john, jane), want: []int{http.StatusOK}, outcome: "restored", repeat: []string{"status_conflict"}}
	}, check: func(s *scene) {
		s.has("john", "active", 0) // the mail that tells them is none of the invitation
		s.has("jane", "requested", 1)
	}},
	{operation: "archiveAccount", stage: func(s *scene) request {
		s.found()
		s.elsewhere("john")
		s.member("john", nil)
		return request{
			who: caller.Operator(s.t, s.stack.URL, "crm"), body: fields{"email": s.email("john")},
			want: []int{http.StatusOK}, outcome: "archived", repeat: []string{"unchanged"},
		}
	}, check: func(s *scene) {
		s.has("john", "archived", 0)
		s.isElsewhere("john", "archived")
	}},

	{operation: "recordAccount", stage: func(s *scene) request {
		s.found()
		s.elsewhere("john")
		s.invite("john", nil)
		return request{who: s.person("john"), want: []int{http.StatusNoContent}}
	}, check: func(s *scene) {
		s.has("john", "invited", 0)
		s.isElsewhere("john", "invited")
	}},
}

// list makes an import of two people.
func (s *scene) list() {
	s.t.Helper()
	var made struct{ ID string }
	s.admin.Send("POST", s.path+"/imports", nil).Into(http.StatusCreated, &made)
	s.admin.Send("POST", s.path+"/imports/"+made.ID+"/rows?firstRow=1", fields{"users": []any{s.newUser("john", nil), s.newUser("jane", nil)}}).Into(http.StatusOK, nil)
	s.params["import"] = made.ID
}

// imported fails the scene where the import does not come to a status with so
// many rows and people created. It returns the report.
func (s *scene) imported(status string, rows, created int) (report []byte) {
	s.t.Helper()
	caller.Eventually(s.t, afterTheLease, func() error {
		var now struct {
			Import struct {
				Status        string
				Rows, Created int
			}
		}
		a := s.admin.Send("GET", s.path+"/imports/"+s.params["import"], nil).Into(http.StatusOK, &now)
		report = a.Body
		if i := now.Import; i.Status != status || i.Rows != rows || i.Created != created {
			return fmt.Errorf("the import is %+v, want %s with %d rows and %d created", i, status, rows, created)
		}
		return nil
	})
	return report
}

// set fails the scene where a setting of the workspace is not as it should be.
func (s *scene) set(name string, want any) {
	s.t.Helper()
	var now map[string]any
	s.admin.Send("GET", s.path, nil).Into(http.StatusOK, &now)
	got, err := json.Marshal(now[name])
	if want, _ := json.Marshal(want); err != nil || string(got) != string(want) {
		s.t.Errorf("%s is %s, want %s", name, got, want)
	}
}

var wayOut = regexp.MustCompile(`/v1/invitations/([A-Za-z0-9_-]+)/(unsubscribe|report)`)

// reads mails somebody an invitation and takes the link of one of its ways out.
func (s *scene) reads(name, way string) {
	s.t.Helper()
	u := s.invite(name, mailed)
	caller.Eventually(s.t, afterTheLease, func() error {
		for _, mail := range s.inbox(s.t, u.Email) {
			for _, found := range wayOut.FindAllStringSubmatch(mail, -1) {
				if found[2] == way {
					s.params["token"] = found[1]
					return nil
				}
			}
		}
		return errors.New("no mail has a way out to " + way)
	})
}

func (s *scene) groups() int {
	s.t.Helper()
	var list struct{ Groups []struct{ ID string } }
	s.admin.Send("GET", s.path+"/groups", nil).Into(http.StatusOK, &list)
	return len(list.Groups)
}

// has finds somebody of the scene, who is there once, with this status and so
// many invitations asked for by mail.
func (s *scene) has(name, status string, sends int) (u caller.User) {
	s.t.Helper()
	var page struct{ Users []caller.User }
	s.admin.Send("GET", s.path+"/users?limit=100", nil).Into(http.StatusOK, &page)
	page.Users = slices.DeleteFunc(page.Users, func(u caller.User) bool { return u.Email != s.email(name) })
	if len(page.Users) != 1 {
		s.t.Fatalf("%s is there %d times", name, len(page.Users))
	}
	s.is(page.Users[0].ID, status, sends)
	return s.get(page.Users[0].ID)
}

// elsewhere invites somebody of the scene into a workspace of another scene.
func (s *scene) elsewhere(name string) {
	s.t.Helper()
	other := s.scene(s.t, s.label)
	other.found()
	var u caller.User
	other.admin.Send("POST", other.path+"/users", s.newUser(name, nil)).Into(http.StatusCreated, &u)
	s.other, s.there = other, u.ID
	s.mark(other.id)
}

func (s *scene) isElsewhere(_, status string) {
	s.t.Helper()
	s.other.is(s.there, status, 0)
}

// routes are all routes, by their operations.
func routes() map[string]route {
	all := map[string]route{}
	for _, f := range blueprint.Functions() {
		for _, r := range f.Routes {
			all[r.Operation] = route{r, f.Name}
		}
	}
	return all
}

type route struct {
	blueprint.Route
	function string
}

// A route without a scenario fails here, and so does a scenario without a
// route.
func TestEveryRouteHasAScenario(t *testing.T) {
	all := routes()
	for operation := range all {
		if !slices.ContainsFunc(scenarios, func(s scenario) bool { return s.operation == operation }) {
			t.Errorf("no scenario tries %s", operation)
		}
	}
	for _, s := range scenarios {
		if _, ok := all[s.operation]; !ok {
			t.Errorf("%s is no route", s.operation)
		}
	}
}
