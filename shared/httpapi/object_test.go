package httpapi_test

import (
	"encoding/json"
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/latchkey/latchkey/shared/fault"
	"github.com/latchkey/latchkey/shared/httpapi"
	"github.com/latchkey/latchkey/shared/user"
)

func object(t testing.TB, body string) *httpapi.Object {
	t.Helper()
	o, err := (&httpapi.Request{Body: []byte(body)}).Object()
	if err != nil {
		t.Fatalf("%s: %v", body, err)
	}
	return o
}

func codes(t testing.TB, err error) []string {
	t.Helper()
	if err == nil {
		return nil
	}
	var f *fault.Error
	if !errors.As(err, &f) || f.Kind != fault.Invalid {
		t.Fatal(err)
	}
	var got []string
	for _, field := range f.Fields {
		got = append(got, field.Pointer+" "+field.Code)
	}
	return got
}

func TestEveryMemberIsReadAsItsType(t *testing.T) {
	o := object(t, ` {"s": "text ✓", "i": 7, "b": false, "l": ["a", "b"], "raw": {"k": 1}, "none": null} `)
	if o.String("s") != "text ✓" || *o.OptionalInt("i") != 7 || o.Bool("b", true) || !slices.Equal(o.Strings("l"), []string{"a", "b"}) || string(o.Raw("raw")) != `{"k": 1}` {
		t.Errorf("%+v", o)
	}
	for _, absent := range []string{"none", "absent"} {
		if o.OptionalString(absent) != nil || o.OptionalInt(absent) != nil || o.OptionalBool(absent) != nil || o.OptionalStrings(absent) != nil ||
			o.String(absent) != "" || !o.Bool(absent, true) || o.Bool(absent, false) || o.Strings(absent) != nil || o.Raw(absent) != nil {
			t.Errorf("%s is something", absent)
		}
	}
	if err := o.Err(); err != nil {
		t.Error(err)
	}
}

func TestEveryWrongMemberIsNamedAtOnce(t *testing.T) {
	o := object(t, `{"zzz": 1, "s": 1, "i": 1.5, "b": "true", "l": ["a", 1], "aaa": null, "ok": "x", "mmm": {"s": 1}}`)
	if o.String("s") != "" || o.OptionalInt("i") != nil || o.Bool("b", true) != true || o.Strings("l") != nil || o.String("ok") != "x" {
		t.Error("something that is wrong was read")
	}
	want := []string{"/s wrong_type", "/i wrong_type", "/b wrong_type", "/l wrong_type", "/aaa unknown_field", "/mmm unknown_field", "/zzz unknown_field"}
	if got := codes(t, o.Err()); !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestWrongTypes(t *testing.T) {
	read := map[string]func(*httpapi.Object){
		"text":   func(o *httpapi.Object) { o.String("x") },
		"number": func(o *httpapi.Object) { o.OptionalInt("x") },
		"bool":   func(o *httpapi.Object) { o.Bool("x", false) },
		"list":   func(o *httpapi.Object) { o.Strings("x") },
	}
	fits := map[string][]string{
		`"7"`: {"text"}, `7`: {"number"}, `-7`: {"number"}, `true`: {"bool"}, `["a"]`: {"list"}, `[]`: {"list"},
		`7.5`: nil, `1e400`: nil, `99999999999999999999`: nil, `{}`: nil, `[["a"]]`: nil, `[1]`: nil, `["a", null]`: nil,
	}
	for text, types := range fits {
		for name, do := range read {
			o := object(t, `{"x": `+text+`}`)
			do(o)
			if ok, want := o.Err() == nil, slices.Contains(types, name); ok != want {
				t.Errorf("%s as a %s: %v", text, name, o.Err())
			}
		}
	}
}

func TestABodyIsOneObject(t *testing.T) {
	for body, want := range map[string]string{
		"": "body_required", "  \n": "body_required", "null": "invalid_json", "[]": "invalid_json", `"x"`: "invalid_json", "7": "invalid_json",
		"{": "invalid_json", "{}{}": "invalid_json", `{"a": 1,}`: "invalid_json", "{'a': 1}": "invalid_json", "\xff{}": "invalid_json",
		strings.Repeat(`{"a":`, 20_000): "invalid_json", "{} x": "invalid_json",
	} {
		o, err := (&httpapi.Request{Body: []byte(body)}).Object()
		if fault.Code(err) != want || o != nil {
			t.Errorf("%.20q: %v", body, err)
		}
		o, err = (&httpapi.Request{Body: []byte(body)}).OptionalObject()
		if want == "body_required" {
			if err != nil || o.String("x") != "" || o.Err() != nil {
				t.Errorf("%.20q, optional: %v", body, err)
			}
		} else if fault.Code(err) != want {
			t.Errorf("%.20q, optional: %v", body, err)
		}
	}
}

func TestPointersOfUnknownMembersAreEscapedAndShort(t *testing.T) {
	long := strings.Repeat("é", 3000)
	o := object(t, `{"a/b": 1, "c~d": 1, "`+long+`": 1, "Name": 1}`)
	o.String("name") // names are read as they are spelled
	err := o.Err()
	got := codes(t, err)
	want := []string{"/Name unknown_field", "/a~1b unknown_field", "/c~0d unknown_field", "/" + strings.Repeat("é", 50) + " unknown_field"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q", got)
	}
	raw, jsonErr := json.Marshal(err)
	if jsonErr != nil || len(raw) > 2000 {
		t.Errorf("the answer has %d bytes, %v", len(raw), jsonErr)
	}
}

// Nobody is told of one member that it is no text and that it is missing.
func TestWhatCouldNotBeReadIsNotCalledMissingToo(t *testing.T) {
	o := object(t, `{"name": 1, "groups": "x"}`)
	d := user.Details{Name: o.String("name"), Email: o.String("email"), Role: user.Role(o.String("role")), Groups: o.Strings("groups")}
	_, fields := d.Check()
	fields.Add("/groups/3", "unknown_group", "x")
	o.Merge(fields)
	want := []string{"/name wrong_type", "/groups wrong_type", "/email required", "/role required"}
	if got := codes(t, o.Err()); !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if !o.Bad("name") || o.Bad("nam") || o.Bad("other") {
		t.Error("Bad says otherwise")
	}
}

func TestAUserIsShownWithoutMetadataLinkAndSecrets(t *testing.T) {
	now := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	u, _ := user.New(user.Stamp{ID: "evt_1", Actor: "usr_admin", At: now}, "ws_1", user.Details{Name: "John Doe", Email: "john@corp.com", Role: user.Builder},
		user.Inviting{SendEmail: true, Lasts: 24 * time.Hour, Message: "SECRET"}, user.Erased{}, user.Mailbox{}, user.Recipient{})
	u.SealedMetadata, u.Subject, u.Request = []byte("SECRET"), "SECRET", "SECRET"
	raw, err := json.Marshal(httpapi.ShowUser(u, now))
	want := `{"id":"` + u.ID + `","workspaceId":"ws_1","name":"John Doe","email":"john@corp.com","role":"builder","groups":[],"status":"requested",` +
		`"invitation":{"invitedBy":"usr_admin","sentAt":"2026-01-01T12:00:00Z","expiresAt":"2026-01-02T12:00:00Z","sends":1,"delivery":"queued"},` +
		`"createdAt":"2026-01-01T12:00:00Z","updatedAt":"2026-01-01T12:00:00Z","activatedAt":null,"archivedAt":null,"version":1767268800000}`
	if err != nil || string(raw) != want {
		t.Errorf("got  %s\nwant %s, %v", raw, want, err)
	}
	if late := httpapi.ShowUser(u, now.Add(24*time.Hour)); late.Status != user.Expired {
		t.Errorf("when the time is up it is %s", late.Status)
	}
	founder := httpapi.ShowUser(user.Founder(user.Stamp{Actor: "usr_1", At: now}, "ws_1", "F", "f@corp.com", "sub"), now)
	if founder.Invitation != nil || founder.ActivatedAt == nil || !reflect.DeepEqual(*founder.ActivatedAt, now) {
		t.Errorf("the founder is %+v", founder)
	}
}
