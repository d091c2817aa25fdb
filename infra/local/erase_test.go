package local_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/latchkey/latchkey/infra/local"
)

func (o office) erase(userID string) answer {
	o.t.Helper()
	return o.admin.send("DELETE", o.path+"/users/"+userID, nil, nil)
}

// inTable are the items of the whole table that hold a text, in whatever case.
func inTable(t *testing.T, text string) (found []string) {
	t.Helper()
	pages := dynamodb.NewScanPaginator(stack.DB, &dynamodb.ScanInput{TableName: aws.String(local.TableName), ConsistentRead: aws.Bool(true)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, item := range page.Items {
			for name, v := range item {
				value := ""
				switch v := v.(type) {
				case *types.AttributeValueMemberS:
					value = v.Value
				case *types.AttributeValueMemberB:
					value = string(v.Value)
				default:
					value = fmt.Sprintf("%+v", v)
				}
				if strings.Contains(strings.ToLower(value), text) {
					found = append(found, fmt.Sprint(item["pk"], item["sk"], " ", name))
				}
			}
		}
	}
	return found
}

// Whoever has left is erased: nothing names them any more, neither an answer
// nor the table; the history stays, under their id alone; consumers are told.
func TestAnErasedUserIsGoneAndTheirHistoryStays(t *testing.T) {
	o := newOffice(t)
	mark := "zebra" + letters()
	email := mark + "@corp.com"
	u := o.invite(map[string]any{"name": "Name " + mark, "email": email, "metadata": map[string]any{"apiKey": "secret" + mark}})
	inbox(t, email, 1)
	o.becomes(u.ID, "delivered")
	o.accept(u)
	refused(t, o.erase(u.ID), http.StatusConflict, "status_conflict")
	want[any](t, o.act(u.ID, "archive"), http.StatusOK)
	eventually(t, func() error {
		if n := len(steps(o.history(u.ID))); n != 3 {
			return fmt.Errorf("%d lines of history", n)
		}
		return nil
	})
	if len(inTable(t, mark)) == 0 {
		t.Fatal("before, nothing in the table holds the mark: the search finds nothing")
	}
	if a := o.erase(u.ID); a.status != http.StatusNoContent || len(a.body) != 0 {
		t.Fatalf("erased: %d %s", a.status, a.body)
	}
	refused(t, o.erase(u.ID), http.StatusNotFound, "user_not_found")
	if found := inTable(t, mark); len(found) > 0 {
		t.Errorf("the table still has them:\n%s", strings.Join(found, "\n"))
	}
	for _, call := range [][2]string{{"GET", ""}, {"PATCH", ""}, {"POST", "/restore"}, {"POST", "/archive"}, {"POST", "/resend"}, {"GET", "/link"}} {
		var body any
		if call[0] == "PATCH" {
			body = map[string]any{"name": "X"}
		}
		refused(t, o.admin.send(call[0], o.path+"/users/"+u.ID+call[1], body, nil), http.StatusNotFound, "user_not_found")
	}
	refused(t, newClient(t, "").send("GET", "/v1/invitations/"+tokenOf(u.Invitation.URL), nil, nil), http.StatusNotFound, "invitation_not_found")
	erased := person(t, email, "Name")
	refused(t, erased.send("GET", o.path, nil, nil), http.StatusNotFound, "workspace_not_found")
	if mine := want[struct{ Workspaces []any }](t, erased.send("GET", "/v1/me/workspaces", nil, nil), http.StatusOK).Workspaces; len(mine) != 0 {
		t.Errorf("their workspaces: %v", mine)
	}
	if users := o.list(""); len(users) != 1 || len(o.list("?q="+mark)) != 0 {
		t.Errorf("listed are %+v", users)
	}
	o.counted()

	eventually(t, func() error {
		lines := o.history(u.ID)
		if len(steps(lines)) != 4 || lines[0].Type != "user.erased" || lines[0].Actor != o.me() {
			return fmt.Errorf("the history is %+v", lines)
		}
		for _, l := range lines {
			if l.UserID == nil || *l.UserID != u.ID || l.UserName != nil || l.Actor == u.ID && l.ActorName != nil {
				return fmt.Errorf("a line names somebody: %+v", l)
			}
		}
		return nil
	})
	if body := string(o.admin.send("GET", o.path+"/history", nil, nil).body); strings.Contains(body, mark) {
		t.Errorf("the history names them: %s", body)
	}
	eventually(t, func() error {
		for _, e := range busEvents(o.id) {
			if strings.Contains(string(e.Detail), mark) {
				return fmt.Errorf("an event names them: %s", e.Detail)
			}
			if e.DetailType == "user.erased" && strings.Contains(string(e.Detail), u.ID) {
				return nil
			}
		}
		return fmt.Errorf("no event user.erased: %v", busTypes(o.id))
	})
}

// Only whoever is archived, has declined, or has let their time pass (by the
// clock, before the schedule ran) can be erased.
func TestWhoCanBeErased(t *testing.T) {
	o := newOffice(t)
	invite := func() apiUser { return o.invite(map[string]any{"sendEmail": false}) }
	pending, declined, late, archived := invite(), invite(), invite(), invite()
	want[any](t, newClient(t, "").send("POST", "/v1/invitations/"+tokenOf(declined.Invitation.URL)+"/decline", nil, nil), http.StatusOK)
	o.wait(late.ID, 8*24*time.Hour)
	want[any](t, o.act(archived.ID, "archive"), http.StatusOK)
	p := refused(t, o.erase(pending.ID), http.StatusConflict, "status_conflict")
	if p.User == nil || p.User.ID != pending.ID || p.User.Status != "requested" {
		t.Errorf("the conflict names %+v", p.User)
	}
	refused(t, o.erase("me"), http.StatusConflict, "status_conflict")
	unchanged(t, o, pending)
	for _, u := range []apiUser{declined, late, archived} {
		if a := o.erase(u.ID); a.status != http.StatusNoContent {
			t.Errorf("%d %s", a.status, a.body)
		}
	}
	for _, nobody := range []string{"usr_00000000000000000000000000000000", "usr_nonsense"} {
		refused(t, o.admin.wrong().send("DELETE", o.path+"/users/"+nobody, nil, nil), http.StatusNotFound, "user_not_found")
	}
	o.counted()
}

// Whoever is erased can be invited again at once: as somebody new with the old
// id, whose old links stay dead.
func TestWhoWasErasedIsInvitedAgain(t *testing.T) {
	o := newOffice(t)
	want[any](t, o.admin.send("PUT", o.path+"/groups/manager", nil, nil), http.StatusCreated)
	first := o.invite(map[string]any{"sendEmail": false, "groups": []string{"manager"}, "metadata": map[string]any{"apiKey": "abc"}})
	second := want[apiUser](t, o.act(first.ID, "resend"), http.StatusOK)
	want[any](t, o.act(first.ID, "archive"), http.StatusOK)
	want[any](t, o.erase(first.ID), http.StatusNoContent)
	again := o.invite(map[string]any{"email": strings.ToUpper(first.Email), "name": "Anew", "role": "end-user", "sendEmail": false})
	if again.ID != first.ID || again.Version <= second.Version || again.Name != "Anew" || len(again.Groups) != 0 || string(again.Metadata) != "{}" || again.Status != "requested" {
		t.Errorf("invited again: %+v", again)
	}
	for _, old := range []apiUser{first, second} {
		if old.Invitation.URL == again.Invitation.URL {
			t.Error("the new link is an old one")
		}
		refused(t, newClient(t, "").send("GET", "/v1/invitations/"+tokenOf(old.Invitation.URL), nil, nil), http.StatusNotFound, "invitation_not_found")
	}
	if u := o.accept(again); u.Role != "end-user" {
		t.Errorf("accepted: %+v", u)
	}
	o.counted()
}

// Many erase and restore one person at once: one of the two happens, once.
func TestManyEraseAndRestoreAtOnce(t *testing.T) {
	o := newOffice(t)
	for range 3 {
		u := o.invite(map[string]any{"sendEmail": false})
		o.accept(u)
		want[any](t, o.act(u.ID, "archive"), http.StatusOK)
		counts := race(t, 12, func(i int) (answer, error) {
			if i%2 == 0 {
				return o.admin.try("DELETE", o.path+"/users/"+u.ID, nil, nil)
			}
			return o.admin.try("POST", o.path+"/users/"+u.ID+"/restore", nil, nil)
		})
		if counts[http.StatusOK]+counts[http.StatusNoContent] != 1 || counts[http.StatusConflict]+counts[http.StatusNotFound] != 11 {
			t.Errorf("answers %v", counts)
		}
		o.counted()
	}
}
