package local_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/latchkey/latchkey/infra/local"
)

type apiGroup struct {
	ID, Name  string
	CreatedAt time.Time
}

func (o office) groups() (groups []apiGroup) {
	o.t.Helper()
	return want[struct{ Groups []apiGroup }](o.t, o.admin.send("GET", o.path+"/groups", nil, nil), http.StatusOK).Groups
}

func TestGroupsAreMadeAndRenamed(t *testing.T) {
	o := newOffice(t)
	made := want[apiGroup](t, o.admin.send("PUT", o.path+"/groups/qa_team-1", nil, nil), http.StatusCreated)
	if made.ID != "qa_team-1" || made.Name != "qa_team-1" {
		t.Errorf("made: %+v", made)
	}
	renamed := want[apiGroup](t, o.admin.send("PUT", o.path+"/groups/qa_team-1", map[string]any{"name": " QA "}, nil), http.StatusOK)
	if renamed.Name != "QA" || !renamed.CreatedAt.Equal(made.CreatedAt) {
		t.Errorf("renamed: %+v", renamed)
	}
	want[any](t, o.admin.send("PUT", o.path+"/groups/a", nil, nil), http.StatusCreated)
	if groups := o.groups(); len(groups) != 2 || groups[0].ID != "a" || groups[1] != renamed {
		t.Errorf("groups: %+v", groups)
	}
	for body, fields := range map[string][]string{
		`{"name":""}`: {"/name required"}, `{"name":"www.evil.example"}`: {"/name looks_like_address"},
		`{"id":"b"}`: {"/id unknown_field"}, `{"name":[]}`: {"/name wrong_type"},
	} {
		equal(t, body, refused(t, o.admin.wrong().send("PUT", o.path+"/groups/b", body, nil), http.StatusBadRequest, "invalid_request").fields(), fields)
	}
}

// A deleted group leaves nobody who points at it, whatever their status; its
// id is free again after the next run of the schedule.
func TestADeletedGroupLeavesNobodyBehind(t *testing.T) {
	o := newOffice(t)
	for _, group := range []string{"manager", "eu"} {
		want[any](t, o.admin.send("PUT", o.path+"/groups/"+group, nil, nil), http.StatusCreated)
	}
	invite := func() apiUser {
		return o.invite(map[string]any{"sendEmail": false, "groups": []string{"manager", "eu"}})
	}
	pending, active, archived, expired, outside := invite(), invite(), invite(), invite(), o.invite(map[string]any{"sendEmail": false, "groups": []string{"eu"}})
	o.accept(active)
	want[any](t, o.admin.send("POST", o.path+"/users/"+archived.ID+"/archive", nil, nil), http.StatusOK)
	o.wait(expired.ID, 8*24*time.Hour)
	before := map[string]apiUser{}
	for _, u := range []apiUser{pending, active, archived, expired, outside} {
		before[u.ID] = o.get(u.ID)
	}
	if a := o.admin.send("DELETE", o.path+"/groups/manager", nil, nil); a.status != http.StatusNoContent || len(a.body) > 0 {
		t.Fatalf("deleted: %d %s", a.status, a.body)
	}
	for id, was := range before {
		u := o.get(id)
		if !slices.Equal(u.Groups, []string{"eu"}) || u.Status != was.Status || id != outside.ID && u.Version != was.Version+1 {
			t.Errorf("%s was %+v, became %+v", was.Status, was, u)
		}
	}
	unchanged(t, o, before[outside.ID])
	if now := o.link(pending.ID); now.Invitation.URL != pending.Invitation.URL {
		t.Error("the pending user has lost their link")
	}
	if users := o.list("?group=manager"); len(users) != 0 {
		t.Errorf("%d users are listed in it", len(users))
	}
	if groups := o.groups(); len(groups) != 1 || groups[0].ID != "eu" {
		t.Errorf("groups: %+v", groups)
	}
	eventually(t, func() error {
		for _, line := range o.history(pending.ID) {
			if line.Type == "user.updated" && slices.Equal(line.Changed, []string{"groups"}) && line.Actor == o.me() {
				return nil
			}
		}
		return fmt.Errorf("the history of the pending user does not have it")
	})

	// Until the schedule has looked once more, nobody gets in and the id is taken.
	again := o.admin.send("PUT", o.path+"/groups/manager", nil, nil)
	refused(t, again, http.StatusConflict, "group_being_deleted")
	if after := again.header.Get("retry-after"); after != "300" {
		t.Errorf("retry after %q seconds", after)
	}
	refused(t, o.admin.send("POST", o.path+"/users", map[string]any{"name": "J", "email": "j@corp.com", "role": "builder", "groups": []string{"manager"}}, nil), http.StatusBadRequest, "invalid_request")
	refused(t, o.patch(active.ID, map[string]any{"groups": []string{"manager"}}, nil), http.StatusBadRequest, "invalid_request")
	equal(t, "by bulk", o.admin.batch(o.path+"/users/batch", "name,email,role,groups\nJ,j@corp.com,builder,manager\n", csvFile).said(), []string{"failed: /groups/0 unknown_group"})
	want[any](t, o.admin.send("DELETE", o.path+"/groups/manager", nil, nil), http.StatusNoContent)

	o.expire(0) // too soon: a request of the moment of the deletion may be under way
	refused(t, o.admin.send("PUT", o.path+"/groups/manager", nil, nil), http.StatusConflict, "group_being_deleted")
	o.expire(2 * time.Minute)
	want[any](t, o.admin.send("PUT", o.path+"/groups/manager", nil, nil), http.StatusCreated)
	if users := o.list("?group=manager"); len(users) != 0 {
		t.Errorf("the new group of the same id has %d users", len(users))
	}
	o.edit(active.ID, map[string]any{"groups": []string{"manager"}})
	o.expire(10 * time.Minute)
	if users := o.list("?group=manager"); len(users) != 1 {
		t.Errorf("a later run took %d users out of the new group", 1-len(users))
	}
}

// Somebody was put into the group by a request that had looked before it was
// deleted. The schedule takes them out.
func TestTheScheduleFindsStragglersOfADeletedGroup(t *testing.T) {
	o := newOffice(t)
	want[any](t, o.admin.send("PUT", o.path+"/groups/manager", nil, nil), http.StatusCreated)
	straggler := o.invite(map[string]any{"sendEmail": false})
	want[any](t, o.admin.send("DELETE", o.path+"/groups/manager", nil, nil), http.StatusNoContent)
	_, err := stack.DB.UpdateItem(t.Context(), &dynamodb.UpdateItemInput{
		TableName: aws.String(local.TableName), Key: key("WS#"+o.id, "USER#"+straggler.ID),
		UpdateExpression: aws.String("SET groups = :g"), ExpressionAttributeValues: map[string]types.AttributeValue{
			":g": &types.AttributeValueMemberL{Value: []types.AttributeValue{&types.AttributeValueMemberS{Value: "manager"}}},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	if u := o.get(straggler.ID); !slices.Equal(u.Groups, []string{"manager"}) {
		t.Fatalf("nobody has been put into the group: %+v", u)
	}
	var report struct{ GroupsDeleted int }
	o.admin.send("POST", "/local/run/expire", map[string]any{"now": time.Now().Add(2 * time.Minute)}, nil).decode(t, &report)
	if report.GroupsDeleted < 1 {
		t.Errorf("the schedule reports %+v", report)
	}
	if u := o.get(straggler.ID); len(u.Groups) != 0 {
		t.Errorf("left in %v", u.Groups)
	}
	want[any](t, o.admin.send("PUT", o.path+"/groups/manager", nil, nil), http.StatusCreated)
	eventually(t, func() error {
		if lines := o.history(straggler.ID); len(lines) == 0 || lines[0].Type != "user.updated" || lines[0].Actor != "schedule" {
			return fmt.Errorf("the history is %+v", lines)
		}
		return nil
	})
}

// While a group is deleted, many put people into it: in the end, nobody is.
func TestAGroupDeletedWhileItIsFilled(t *testing.T) {
	o := newOffice(t)
	want[any](t, o.admin.send("PUT", o.path+"/groups/manager", nil, nil), http.StatusCreated)
	users := o.crowd(20)
	race(t, 21, func(i int) (answer, error) {
		if i == 20 {
			return o.admin.try("DELETE", o.path+"/groups/manager", nil, nil)
		}
		return o.admin.try("PATCH", o.path+"/users/"+users[i], map[string]any{"groups": []string{"manager"}}, nil)
	})
	o.expire(2 * time.Minute)
	for _, u := range o.list("?limit=100") {
		if len(u.Groups) != 0 {
			t.Errorf("%s is still in %v", u.Name, u.Groups)
		}
	}
	want[any](t, o.admin.send("PUT", o.path+"/groups/manager", nil, nil), http.StatusCreated)
}

func TestGroupsThatAreNone(t *testing.T) {
	o := newOffice(t)
	for _, group := range []string{"ghosts", "Not%20An%20Id", "%20"} {
		refused(t, o.admin.wrong().send("DELETE", o.path+"/groups/"+group, nil, nil), http.StatusNotFound, "group_not_found")
	}
	// Deleting what is gone for good is no deletion.
	want[any](t, o.admin.send("PUT", o.path+"/groups/manager", nil, nil), http.StatusCreated)
	want[any](t, o.admin.send("DELETE", o.path+"/groups/manager", nil, nil), http.StatusNoContent)
	o.expire(2 * time.Minute)
	refused(t, o.admin.send("DELETE", o.path+"/groups/manager", nil, nil), http.StatusNotFound, "group_not_found")
}

// A group with many members is emptied by one call, or the call says that it
// goes on: then nobody is in it after the schedule has run.
func TestDeletingALargeGroup(t *testing.T) {
	o := newOffice(t)
	want[any](t, o.admin.send("PUT", o.path+"/groups/everybody", nil, nil), http.StatusCreated)
	rows := quiet(200)
	for _, row := range rows {
		row["groups"] = []string{"everybody"}
	}
	if n := o.admin.batch(o.path+"/users/batch", map[string]any{"users": rows}, nil).tally()["created"]; n != len(rows) {
		t.Fatalf("%d were invited", n)
	}
	began := time.Now()
	a := o.admin.send("DELETE", o.path+"/groups/everybody", nil, nil)
	t.Logf("%d users left a group in %v: %d", len(rows), time.Since(began), a.status)
	switch a.status {
	case http.StatusNoContent:
	case http.StatusAccepted:
		var state map[string]string
		if err := json.Unmarshal(a.body, &state); err != nil || state["state"] != "deleting" {
			t.Errorf("the answer is %s", a.body)
		}
		o.expire(2 * time.Minute)
	default:
		t.Fatalf("answer %d %s", a.status, a.body)
	}
	for _, u := range o.list("?limit=100") {
		if len(u.Groups) != 0 {
			t.Fatalf("%s is still in %v", u.Name, u.Groups)
		}
	}
}
