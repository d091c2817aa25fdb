package local_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/latchkey/latchkey/infra/local"
)

// itemsIn counts all items of the table that belong to a workspace.
func itemsIn(t *testing.T, workspaceID string) int {
	t.Helper()
	n := 0
	for _, pk := range []string{"WS#" + workspaceID} {
		out, err := stack.DB.Query(t.Context(), &dynamodb.QueryInput{
			TableName: aws.String(local.TableName), ConsistentRead: aws.Bool(true),
			KeyConditionExpression:    aws.String("pk = :pk"),
			ExpressionAttributeValues: item("pk", pk),
		})
		if err != nil {
			t.Fatal(err)
		}
		n += len(out.Items)
	}
	return n
}

func nested(depth int) any {
	v := any(1)
	for range depth {
		v = map[string]any{"a": v}
	}
	return v
}

// Bad input gets a problem that names every bad field at once, and writes
// nothing.
func TestBadInvitationsAreNamedAndWriteNothing(t *testing.T) {
	o := newOffice(t)
	before := itemsIn(t, o.id)
	long := strings.Repeat("x", 101)
	cases := []struct {
		name   string
		body   any
		code   string
		fields []string
	}{
		{"no body", nil, "body_required", nil},
		{"blank body", "  \n", "body_required", nil},
		{"not JSON", `{"name":`, "invalid_json", nil},
		{"a list", `[]`, "invalid_json", nil},
		{"null", `null`, "invalid_json", nil},
		{"text behind it", `{} {}`, "invalid_json", nil},
		{"nothing in it", `{}`, "invalid_request", []string{"/email required", "/name required", "/role required"}},
		{"unknown fields", map[string]any{"name": "J", "email": "j@corp.com", "role": "builder", "admin": true, "Status": "active"}, "invalid_request", []string{"/Status unknown_field", "/admin unknown_field"}},
		{"wrong types", `{"name":1,"email":["a"],"role":{},"groups":"x","metadata":"x","message":2,"locale":3,"sendEmail":"yes","expiresInDays":"7"}`, "invalid_request", []string{
			"/email wrong_type", "/expiresInDays wrong_type", "/groups wrong_type", "/locale wrong_type", "/message wrong_type", "/metadata wrong_type", "/name wrong_type", "/role wrong_type", "/sendEmail wrong_type"}},
		{"half a day", `{"name":"J","email":"j@corp.com","role":"builder","expiresInDays":1.5}`, "invalid_request", []string{"/expiresInDays wrong_type"}},
		{"limits", map[string]any{"name": long, "email": strings.Repeat("a", 65) + "@corp.com", "role": "owner", "groups": make([]string, 51), "metadata": nested(6), "expiresInDays": 31, "locale": "no such", "message": strings.Repeat("m", 501)}, "invalid_request", []string{
			"/email email_too_long", "/expiresInDays out_of_range", "/groups too_many", "/locale unknown_locale", "/message too_long", "/metadata too_deep", "/name too_long", "/role unknown_role"}},
		{"metadata over 4 KB", map[string]any{"name": "J", "email": "j@corp.com", "role": "builder", "metadata": map[string]any{"k": strings.Repeat("v", 4096)}}, "invalid_request", []string{"/metadata too_large"}},
		{"no days", map[string]any{"name": "J", "email": "j@corp.com", "role": "builder", "expiresInDays": 0}, "invalid_request", []string{"/expiresInDays out_of_range"}},
		{"unknown groups", map[string]any{"name": "J", "email": "j@corp.com", "role": "builder", "groups": []string{"ghosts", "Not An Id"}}, "invalid_request", []string{"/groups/0 unknown_group", "/groups/1 unknown_group"}},
		{"a bad domain", map[string]any{"name": "J", "email": "j@-corp.com", "role": "builder"}, "invalid_request", []string{"/email invalid_email"}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			admin := *o.admin
			admin.t = t
			p := refused(t, admin.wrong().send("POST", o.path+"/users", c.body, nil), http.StatusBadRequest, c.code)
			var got []string
			for _, f := range p.Errors {
				if f.Detail == "" {
					t.Errorf("%s has no detail", f.Pointer)
				}
				got = append(got, f.Pointer+" "+f.Code)
			}
			slices.Sort(got)
			if !slices.Equal(got, c.fields) {
				t.Errorf("fields %q, want %q", got, c.fields)
			}
		})
	}
	huge := `{"name":"` + strings.Repeat("x", 256*1024) + `"}`
	refused(t, o.admin.wrong().send("POST", o.path+"/users", huge, nil), http.StatusRequestEntityTooLarge, "body_too_large")
	if after := itemsIn(t, o.id); after != before {
		t.Errorf("%d items became %d", before, after)
	}
	// The largest that is allowed goes through, so that the limit is no lower.
	want[any](t, o.admin.send("POST", o.path+"/users", map[string]any{
		"name": strings.Repeat("x", 100), "email": strings.Repeat("a", 64) + "@bücher.example", "role": "end-user",
		"metadata": map[string]any{"k": strings.Repeat("v", 4088)}, "expiresInDays": 30,
	}, nil), http.StatusCreated)
}

func TestBadSettings(t *testing.T) {
	o := newOffice(t)
	p := refused(t, o.admin.wrong().send("PATCH", o.path, map[string]any{
		"name": "www.evil.example", "invitationDays": 31, "reminderDays": -1, "allowedEmailDomains": []string{"corp.com", "nonsense", "*.corp.com"},
		"locale": "xx-nonsense-", "timezone": "Mars/Olympus", "directory": "nobody", "slug": "new",
	}, nil), http.StatusBadRequest, "invalid_request")
	var got []string
	for _, f := range p.Errors {
		got = append(got, f.Pointer)
	}
	slices.Sort(got)
	wanted := []string{"/allowedEmailDomains/1", "/allowedEmailDomains/2", "/directory", "/invitationDays", "/locale", "/name", "/reminderDays", "/slug", "/timezone"}
	if !slices.Equal(got, wanted) {
		t.Errorf("fields %q, want %q", got, wanted)
	}
	refused(t, o.admin.wrong().send("POST", "/v1/workspaces", map[string]any{"name": "", "slug": "Not A Slug"}, nil), http.StatusBadRequest, "invalid_request")
	refused(t, o.admin.send("POST", "/v1/workspaces", map[string]any{"name": "Twice", "slug": o.slug}, nil), http.StatusConflict, "slug_taken")
	refused(t, o.admin.wrong().send("PUT", o.path+"/groups/Not%20An%20Id", map[string]any{}, nil), http.StatusBadRequest, "invalid_request")
}

func TestBadListQueries(t *testing.T) {
	o := newOffice(t)
	for _, query := range []string{"limit=0", "limit=101", "limit=x", "status=gone", "status=active,gone", "role=owner", "group=Not%20An%20Id", "q=" + strings.Repeat("x", 101), "sort=up", "cursor=nonsense", "cursor=" + strings.Repeat("A", 200)} {
		refused(t, o.admin.wrong().send("GET", o.path+"/users?"+query, nil, nil), http.StatusBadRequest, "invalid_request")
	}
}

func TestBadCursorOfMyWorkspaces(t *testing.T) {
	o := newOffice(t)
	for _, cursor := range []string{"nonsense", strings.Repeat("A", 2000)} {
		refused(t, o.admin.wrong().send("GET", "/v1/me/workspaces?cursor="+cursor, nil, nil), http.StatusBadRequest, "invalid_request")
	}
}

// Cursors are bound to their workspace and their query, and cannot be bent.
func TestCursorsFitNothingElse(t *testing.T) {
	o, other := newOffice(t), newOffice(t)
	for range 3 {
		o.invite(map[string]any{"sendEmail": false})
		other.invite(map[string]any{"sendEmail": false})
	}
	page := want[struct{ NextCursor *string }](t, o.admin.send("GET", o.path+"/users?limit=2", nil, nil), http.StatusOK)
	if page.NextCursor == nil {
		t.Fatal("there is no second page")
	}
	cursor := *page.NextCursor
	want[any](t, o.admin.send("GET", o.path+"/users?limit=1&cursor="+cursor, nil, nil), http.StatusOK)
	for _, path := range []string{
		other.path + "/users?cursor=" + cursor,
		o.path + "/users?status=requested&cursor=" + cursor,
		o.path + "/users?cursor=" + cursor[:len(cursor)-4] + "AAAA",
	} {
		c := o.admin
		if strings.HasPrefix(path, other.path) {
			c = other.admin
		}
		refused(t, c.send("GET", path, nil, nil), http.StatusBadRequest, "invalid_request")
	}
	if strings.Contains(cursor, o.id) || strings.Contains(decoded(cursor), "usr_") {
		t.Error("the cursor tells what it holds")
	}
}

func decoded(s string) string {
	raw, _ := base64.RawURLEncoding.DecodeString(s) // whatever can be read of it
	return string(raw)
}

// Forged, truncated, foreign and dead links are answered alike, on every route
// (rule 30), and a wrong guess changes nothing (rule 22).
func TestRule30BadLinksAreAnsweredAlike(t *testing.T) {
	o := newOffice(t)
	u := o.invite(nil)
	good := tokenOf(u.Invitation.URL)
	dead := good
	o.wait(u.ID, time.Minute)
	u = want[apiUser](t, o.admin.send("POST", o.path+"/users/"+u.ID+"/resend", nil, nil), http.StatusOK)
	good = tokenOf(u.Invitation.URL)
	flipped := []byte(good)
	flipped[40] ^= 1
	tokens := map[string]string{
		"dead": dead, "flipped": string(flipped), "truncated": good[:len(good)-1], "longer": good + "A",
		"nonsense": "nonsense", "another kind of id": u.ID, "empty MAC": good[:52] + strings.Repeat("A", 44),
	}
	somebody := person(t, u.Email, "John")
	for name, token := range tokens {
		t.Run(name, func(t *testing.T) {
			var first *apiProblem
			for _, call := range []struct{ method, path string }{
				{"GET", "/invite/" + token}, {"GET", "/v1/invitations/" + token},
				{"POST", "/v1/invitations/" + token + "/accept"}, {"POST", "/v1/invitations/" + token + "/decline"},
			} {
				c := *somebody
				c.t = t
				p := refused(t, c.wrong().send(call.method, call.path, nil, nil), http.StatusNotFound, "invitation_not_found")
				p.RequestID = ""
				if first == nil {
					first = &p
				} else if fmt.Sprint(*first) != fmt.Sprint(p) {
					t.Errorf("%s %s answers %+v, not %+v", call.method, call.path, p, *first)
				}
			}
		})
	}
	// A person is led to the dashboard, which tells them.
	res := newClient(t, "").send("GET", "/invite/"+dead, nil, map[string]string{"Accept": "text/html,*/*"})
	if res.status != http.StatusFound || res.header.Get("location") != stack.URL+"/login#invitation="+dead {
		t.Errorf("a browser gets %d %q", res.status, res.header.Get("location"))
	}
	if got := o.get(u.ID); got.Status != "requested" || got.Version != u.Version {
		t.Errorf("after all that, %+v", got)
	}
	want[any](t, somebody.send("POST", "/v1/invitations/"+good+"/accept", nil, nil), http.StatusOK)
}

// The gateway lets nobody through whose token is missing, expired, wrongly
// signed, or not for us.
func TestBadJWTs(t *testing.T) {
	o := newOffice(t)
	good := o.admin.token
	parts := strings.Split(good, ".")
	none := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"none","typ":"JWT"}`)) + "." + parts[1] + "."
	var claims map[string]any
	if err := json.Unmarshal([]byte(decoded(parts[1])), &claims); err != nil {
		t.Fatal(err)
	}
	claims["email"] = "mallory@corp.com"
	raw, err := json.Marshal(claims)
	if err != nil {
		t.Fatal(err)
	}
	tokens := map[string]string{
		"none":           "",
		"expired":        token(t, map[string]any{"email": "ada@corp.com", "expiresInSeconds": -60}),
		"unsigned":       none,
		"wrongly signed": parts[0] + "." + base64.RawURLEncoding.EncodeToString(raw) + "." + parts[2],
		"cut":            good[:len(good)-20],
		"nonsense":       "nonsense",
	}
	for name, token := range tokens {
		t.Run(name, func(t *testing.T) {
			for _, path := range []string{o.path, o.path + "/users", "/v1/me/workspaces"} {
				if a := newClient(t, token).wrong().send("GET", path, nil, nil); a.status != http.StatusUnauthorized {
					t.Errorf("GET %s answers %d %s", path, a.status, a.body)
				}
			}
		})
	}
	want[any](t, o.admin.send("GET", o.path, nil, nil), http.StatusOK)
}

func TestBadScheduleRequests(t *testing.T) {
	for _, body := range []string{`{"now":"tomorrow"}`, `{"when":"2026-01-01T00:00:00Z"}`, `[]`, `nonsense`} {
		a := newClient(t, "").send("POST", "/local/run/expire", body, nil)
		if a.status != http.StatusBadRequest || a.header.Get("content-type") != "application/problem+json" {
			t.Errorf("%s: %d %s", body, a.status, a.body)
		}
	}
	if a := newClient(t, "").send("POST", "/local/run/nothing", "{}", nil); a.status != http.StatusNotFound {
		t.Errorf("an unknown schedule: %d", a.status)
	}
	if a := newClient(t, "").send("POST", "/local/run/expire", nil, nil); a.status != http.StatusOK {
		t.Errorf("without a body: %d %s", a.status, a.body)
	}
}
