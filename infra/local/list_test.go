package local_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"
)

// cast is a workspace with users of every status, role and several groups.
func cast(t *testing.T) (o office, users []apiUser) {
	o = newOffice(t)
	for _, group := range []string{"a", "b"} {
		want[any](t, o.admin.send("PUT", o.path+"/groups/"+group, nil, nil), http.StatusCreated)
	}
	sets := [][]string{{}, {"a"}, {"a", "b"}, {"b"}}
	for i := range 14 {
		u := o.invite(map[string]any{
			"sendEmail": false, "role": []string{"builder", "end-user", "admin"}[i%3], "groups": sets[i%4],
			"name": []string{"Anna Bell", "BOB", "Zoë"}[i%3],
		})
		switch i % 7 {
		case 1:
			o.accept(u)
		case 2:
			want[any](t, o.act(u.ID, "archive"), http.StatusOK)
		case 3:
			want[any](t, newClient(t, "").send("POST", "/v1/invitations/"+tokenOf(u.Invitation.URL)+"/decline", nil, nil), http.StatusOK)
		case 4:
			o.wait(u.ID, 8*24*time.Hour) // expired by the clock alone
		case 5:
			want[any](t, person(t, u.Email, "").send("PUT", "/v1/me", nil, nil), http.StatusNoContent)
		}
	}
	for _, u := range o.list("?limit=100") {
		users = append(users, o.get(u.ID))
	}
	if len(users) != 15 {
		t.Fatalf("%d users", len(users))
	}
	return o, users
}

// Every filter, alone and together with others, in either order and in pages of
// any size, gives whom it says, once each.
func TestEveryFilterInEitherOrderInPagesOfAnySize(t *testing.T) {
	o, all := cast(t)
	n := 0
	for _, statuses := range []string{"", "active", "requested,invited", "expired", "archived,declined,expired"} {
		for _, role := range []string{"", "builder"} {
			for _, group := range []string{"", "a", "nobodys"} {
				for _, q := range []string{"", "bob", "ZOË", "@corp"} {
					n++
					limit, sort := n%7+1, []string{"", "newest", "oldest"}[n%3]
					var wanted []string
					for _, u := range all {
						if (statuses == "" || slices.Contains(strings.Split(statuses, ","), u.Status)) && (role == "" || u.Role == role) &&
							(group == "" || slices.Contains(u.Groups, group)) && strings.Contains(strings.ToLower(u.Name+"\n"+u.Email), strings.ToLower(q)) {
							wanted = append(wanted, u.ID)
						}
					}
					if sort == "oldest" {
						slices.Reverse(wanted)
					}
					query := url.Values{"limit": {fmt.Sprint(limit)}}
					for name, value := range map[string]string{"status": statuses, "role": role, "group": group, "q": q, "sort": sort} {
						if value != "" {
							query.Set(name, value)
						}
					}
					var got []string
					for _, u := range o.list("?" + query.Encode()) {
						got = append(got, u.ID)
					}
					equal(t, query.Encode(), got, wanted)
				}
			}
		}
	}
}

// Counts are exact, the same whatever is filtered, and there only when asked for.
func TestCountsOfAList(t *testing.T) {
	o, _ := cast(t)
	o.expire(0) // until then, who expired by the clock counts as pending
	wanted := o.counted()
	if fmt.Sprint(wanted) != "map[active:3 archived:2 declined:2 expired:2 invited:2 requested:4]" {
		t.Errorf("counts %v", wanted)
	}
	for _, query := range []string{"?counts=true&status=active", "?counts=true&q=nobody", "?counts=true&group=a&role=admin&limit=1"} {
		page := want[struct{ Counts map[string]int }](t, o.admin.send("GET", o.path+"/users"+query, nil, nil), http.StatusOK)
		if fmt.Sprint(page.Counts) != fmt.Sprint(wanted) {
			t.Errorf("%s: counts %v", query, page.Counts)
		}
	}
	for _, query := range []string{"", "?counts=false"} {
		page := want[map[string]json.RawMessage](t, o.admin.send("GET", o.path+"/users"+query, nil, nil), http.StatusOK)
		if counts, there := page["counts"]; there && string(counts) != "null" {
			t.Errorf("%q: counts %s", query, counts)
		}
	}
	for query, field := range map[string]string{
		"counts=1": "?counts invalid_boolean", "counts=TRUE": "?counts invalid_boolean", "sort=name": "?sort unknown_sort",
		"format=xml": "?format unknown_format", "format=csv&counts=true": "?counts not_with_csv", "page=2": "?page unknown_parameter",
	} {
		equal(t, query, refused(t, o.admin.wrong().send("GET", o.path+"/users?"+query, nil, nil), http.StatusBadRequest, "invalid_request").fields(), []string{field})
	}
	equal(t, "all at once", refused(t, o.admin.wrong().send("GET", o.path+"/users?counts=x&sort=x&format=x&limit=x", nil, nil), http.StatusBadRequest, "invalid_request").fields(),
		[]string{"?counts invalid_boolean", "?format unknown_format", "?limit out_of_range", "?sort unknown_sort"})
	// An operator and a member of an open directory see them; and an empty workspace has zeros.
	backend := operator(t, "counter")
	ws := want[struct{ ID string }](t, backend.send("POST", "/v1/workspaces", map[string]any{"name": "Empty"}, nil), http.StatusCreated)
	empty := want[struct{ Counts map[string]int }](t, backend.send("GET", "/v1/workspaces/"+ws.ID+"/users?counts=true", nil, nil), http.StatusOK)
	if fmt.Sprint(empty.Counts) != "map[active:0 archived:0 declined:0 expired:0 invited:0 requested:0]" {
		t.Errorf("an empty workspace counts %v", empty.Counts)
	}
}
