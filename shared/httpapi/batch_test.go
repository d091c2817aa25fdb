package httpapi_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/latchkey/latchkey/shared/fault"
	"github.com/latchkey/latchkey/shared/httpapi"
	"github.com/latchkey/latchkey/shared/user"
)

func TestTheIDsOfABatch(t *testing.T) {
	list := func(n int) string { return `["` + strings.Join(slices.Repeat([]string{"usr_1"}, n), `","`) + `"]` }
	for body, want := range map[string]string{
		`{"users": ["usr_1", "usr_2", "usr_1"]}`: "", // repeats are a row's business
		`{"users": ` + list(100) + `}`:           "",
		`{"users": ` + list(101) + `}`:           "/users too_many",
		`{"users": []}`:                          "/users required",
		`{"users": null}`:                        "/users required",
		`{}`:                                     "/users required",
		`{"users": "usr_1"}`:                     "/users wrong_type",
		`{"users": [1]}`:                         "/users wrong_type",
		`{"users": ["usr_1", null]}`:             "/users wrong_type",
		`{"users": ["usr_1"], "other": 1}`:       "/other unknown_field",
	} {
		o := object(t, body)
		ids := o.IDs("users")
		if got := strings.Join(codes(t, o.Err()), ", "); got != want {
			t.Errorf("%.60s: %s, want %s", body, got, want)
		}
		if want == "" && len(ids) == 0 {
			t.Errorf("%.60s: no ids", body)
		}
	}
}

func TestObjectsOfAList(t *testing.T) {
	o := object(t, `{"users": [{"name": "John"}, null, [], "x", 7, {}, {"name": 1, "more": 2}]}`)
	var got []string
	for _, row := range o.Objects("users") {
		name := row.String("name")
		got = append(got, name+":"+strings.Join(codes(t, row.Err()), ","))
	}
	want := []string{"John:", ": wrong_type", ": wrong_type", ": wrong_type", ": wrong_type", ":", ":/name wrong_type,/more unknown_field"}
	if !slices.Equal(got, want) || o.Err() != nil {
		t.Errorf("got %q, %v", got, o.Err())
	}
	for body, want := range map[string]string{`{}`: "", `{"users": null}`: "", `{"users": []}`: "", `{"users": {}}`: "/users wrong_type", `{"users": "x"}`: "/users wrong_type"} {
		o := object(t, body)
		if list := o.Objects("users"); len(list) != 0 || strings.Join(codes(t, o.Err()), ", ") != want {
			t.Errorf("%s: %d, %v", body, len(list), o.Err())
		}
	}
}

// A row that is no object, or that could not be read as a whole, is that, and
// not a row whose every member is missing.
func TestARowThatIsWrongAsAWholeIsBad(t *testing.T) {
	for _, row := range object(t, `{"users": [null, 7]}`).Objects("users") {
		if !row.Bad("") {
			t.Errorf("%v is not bad", row.Errors)
		}
	}
	if fine := object(t, `{"": 1}`); fine.Bad("") {
		t.Error("an object with an empty name is bad as a whole")
	}
	var wrong fault.Fields
	wrong.Add("", "wrong_length", "x")
	if row := httpapi.NewObject(nil, wrong); !row.Bad("") || row.Bad("name") {
		t.Error("a row of the wrong length is not bad")
	}
	row := httpapi.NewObject(map[string]json.RawMessage{"name": json.RawMessage(`"John"`)}, fault.Fields{{Pointer: "/days", Code: "wrong_type"}})
	if row.Bad("") || !row.Bad("days") || row.String("name") != "John" {
		t.Error("a row with one bad cell is bad as a whole")
	}
}

func TestNull(t *testing.T) {
	o := object(t, `{"a": null, "b": "null", "c": 0, "d" :  null }`)
	for name, want := range map[string]bool{"a": true, "b": false, "c": false, "d": true, "absent": false} {
		if o.Null(name) != want {
			t.Errorf("%s: %v", name, !want)
		}
	}
}

func TestWhatARowCanFailOf(t *testing.T) {
	fields := fault.Fields{{Pointer: "/email", Code: "invalid_email", Detail: "d"}, {Pointer: "/name", Code: "required", Detail: "d"}}
	busy := &fault.Error{Kind: fault.Unavailable, Code: "unavailable", Detail: "busy"}
	for _, c := range []struct {
		err  error
		want fault.Fields
	}{
		{fault.New(fault.Conflict, "user_exists", "It is there."), fault.Fields{{Code: "user_exists", Detail: "It is there."}}},
		{fault.New(fault.Limited, "mail_limit_recipient_minute", "Wait."), fault.Fields{{Code: "mail_limit_recipient_minute", Detail: "Wait."}}},
		{fmt.Errorf("wrapped: %w", busy), fault.Fields{{Code: "unavailable", Detail: "busy"}}},
		{errors.Join(busy, errors.New("secret")), fault.Fields{{Code: "unavailable", Detail: "busy"}}},
		{fields.Err(), fields},
	} {
		r := httpapi.Result{Row: 3}.Of("created", user.User{ID: "usr_1"}, c.err, time.Now())
		if r.Outcome != httpapi.Failed || !slices.Equal(r.Errors, c.want) || r.Row != 3 || r.User != nil {
			t.Errorf("%v: %+v", c.err, r)
		}
	}
}

func TestAResultShowsTheUserThatItHas(t *testing.T) {
	r := httpapi.Result{Row: 3}.Of("created", user.User{ID: "usr_1", Name: "John"}, nil, time.Now())
	if r.Outcome != "created" || r.ID != "usr_1" || r.User == nil || r.User.Name != "John" || r.Row != 3 {
		t.Errorf("%+v", r)
	}
	if r := (httpapi.Result{Row: 3}).Of("created", user.User{}, nil, time.Now()); r.Outcome != "created" || r.ID != "" || r.User != nil {
		t.Errorf("of nobody: %+v", r)
	}
}

// A result shows what it has, and nothing else; a pointer to the whole row is "".
func TestAResultAsJSON(t *testing.T) {
	r := httpapi.Result{ID: "usr_1"}.Of("archived", user.User{}, fault.New(fault.NotFound, "user_not_found", "Nobody."), time.Now())
	for _, c := range []struct {
		r    httpapi.Result
		want string
	}{
		{r, `{"id":"usr_1","outcome":"failed","errors":[{"pointer":"","code":"user_not_found","detail":"Nobody."}]}`},
		{httpapi.Result{Row: 1, Line: 2, Outcome: "created"}, `{"row":1,"line":2,"outcome":"created"}`},
		{httpapi.Result{WorkspaceID: "ws_1", ID: "usr_1", Outcome: "archived"}, `{"id":"usr_1","workspaceId":"ws_1","outcome":"archived"}`},
	} {
		if raw, err := json.Marshal(c.r); err != nil || string(raw) != c.want {
			t.Errorf("%s, %v", raw, err)
		}
	}
}
