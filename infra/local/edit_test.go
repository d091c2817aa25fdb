package local_test

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// etag is the tag of a version.
func etag(version int) string { return strconv.Quote(strconv.Itoa(version)) }

func (o office) patch(userID string, body any, header map[string]string) answer {
	o.t.Helper()
	return o.admin.send("PATCH", o.path+"/users/"+userID, body, header)
}

// edit patches a user and checks what the answer to every patch has to be.
func (o office) edit(userID string, body any) apiUser {
	o.t.Helper()
	a := o.patch(userID, body, nil)
	u := want[apiUser](o.t, a, http.StatusOK)
	if tag := a.header.Get("etag"); tag != etag(u.Version) {
		o.t.Errorf("version %d has the tag %s", u.Version, tag)
	}
	if strings.Contains(string(a.body), `"url"`) {
		o.t.Errorf("a patch shows a link: %s", a.body)
	}
	return u
}

// Rule 29: whatever is edited, the link that was mailed stays good.
func TestRule29PendingUsersAreEditedAndKeepTheirLink(t *testing.T) {
	o := newOffice(t)
	for _, group := range []string{"manager", "eu"} {
		want[any](t, o.admin.send("PUT", o.path+"/groups/"+group, nil, nil), http.StatusCreated)
	}
	u := o.invite(map[string]any{"metadata": map[string]any{"apiKey": "abc123", "region": "us"}})
	inbox(t, u.Email, 1)
	edited := o.edit(u.ID, map[string]any{
		"name": " Johnny D ", "role": "end-user", "groups": []string{"manager", "eu", "eu"}, "metadata": map[string]any{"region": "eu", "apiKey": nil},
	})
	if edited.Name != "Johnny D" || edited.Role != "end-user" || !slices.Equal(edited.Groups, []string{"eu", "manager"}) || string(edited.Metadata) != `{"region":"eu"}` {
		t.Errorf("edited: %+v", edited)
	}
	if edited.Status != u.Status || edited.Version != u.Version+1 || edited.Invitation.Sends != 1 || !edited.Invitation.ExpiresAt.Equal(u.Invitation.ExpiresAt) {
		t.Errorf("edited: %+v %+v", edited, edited.Invitation)
	}
	if now := o.link(u.ID); now.Invitation.URL != u.Invitation.URL {
		t.Error("the edit has made another link")
	}
	p := want[struct{ Role, Name string }](t, newClient(t, "").send("GET", "/v1/invitations/"+tokenOf(u.Invitation.URL), nil, nil), http.StatusOK)
	if p.Role != "end-user" || p.Name != "Johnny D" {
		t.Errorf("the invitation shows %+v", p)
	}
	if member := o.accept(u); member.Role != "end-user" || string(member.Metadata) != `{"region":"eu"}` {
		t.Errorf("accepted as %+v", member)
	}
	inbox(t, u.Email, 1)
	eventually(t, func() error {
		for _, line := range o.history(u.ID) {
			if line.Type == "user.updated" {
				slices.Sort(line.Changed)
				if !slices.Equal(line.Changed, []string{"groups", "metadata", "name", "role"}) || line.Actor != o.me() {
					return fmt.Errorf("the edit stands in the history as %+v", line)
				}
				return nil
			}
		}
		return fmt.Errorf("the edit is not in the history")
	})
}

// Somebody of any status can be edited, and stays what they are.
func TestEveryStatusCanBeEdited(t *testing.T) {
	o := newOffice(t)
	active, archived, declined, expired := o.invite(map[string]any{"sendEmail": false}), o.invite(map[string]any{"sendEmail": false}), o.invite(map[string]any{"sendEmail": false}), o.invite(map[string]any{"sendEmail": false})
	o.accept(active)
	want[any](t, o.admin.send("POST", o.path+"/users/"+archived.ID+"/archive", nil, nil), http.StatusOK)
	want[any](t, newClient(t, "").send("POST", "/v1/invitations/"+tokenOf(declined.Invitation.URL)+"/decline", nil, nil), http.StatusOK)
	o.wait(expired.ID, 8*24*time.Hour)
	for status, u := range map[string]apiUser{"active": active, "archived": archived, "declined": declined, "expired": expired} {
		got := o.edit(u.ID, map[string]any{"name": "Edited " + status, "role": "admin", "metadata": map[string]any{"k": status}})
		if got.Status != status || got.Name != "Edited "+status || got.Role != "admin" || string(got.Metadata) != `{"k":"`+status+`"}` {
			t.Errorf("%s became %+v", status, got)
		}
	}
	o.expire(0) // the counts know of an expiry when it is persisted
	if n := o.counted(); n["active"] != 2 || n["expired"] != 1 || n["archived"] != 1 || n["declined"] != 1 {
		t.Errorf("counts %v", n)
	}
	if u := o.get("me"); u.Role != "admin" {
		t.Errorf("me: %+v", u)
	}
	// The admin edits their own record as everybody else's.
	if u := o.edit("me", map[string]any{"name": "Ada Lovelace"}); u.Name != "Ada Lovelace" {
		t.Errorf("me: %+v", u)
	}
}

// Metadata are merged as RFC 7396 has it; the cases are those of its appendix
// that make sense for an object.
func TestMetadataIsMerged(t *testing.T) {
	o := newOffice(t)
	for _, c := range []struct{ before, patch, after string }{
		{`{"a":"b"}`, `{"a":"c"}`, `{"a":"c"}`},
		{`{"a":"b"}`, `{"b":"c"}`, `{"a":"b","b":"c"}`},
		{`{"a":"b"}`, `{"a":null}`, `{}`},
		{`{"a":"b","b":"c"}`, `{"a":null}`, `{"b":"c"}`},
		{`{"a":["b"]}`, `{"a":"c"}`, `{"a":"c"}`},
		{`{"a":"c"}`, `{"a":["b"]}`, `{"a":["b"]}`},
		{`{"a":{"b":"c"}}`, `{"a":{"b":"d","c":null}}`, `{"a":{"b":"d"}}`},
		{`{"a":[{"b":"c"}]}`, `{"a":[1]}`, `{"a":[1]}`},
		{`{"e":null}`, `{"a":1}`, `{"a":1,"e":null}`},
		{`{}`, `{"a":{"bb":{"ccc":null}}}`, `{"a":{"bb":{}}}`},
		{`{"a":{"b":1}}`, `{}`, `{"a":{"b":1}}`},
		{`{"n":12345678901234567890}`, `{"m":1}`, `{"m":1,"n":12345678901234567890}`},
		{`{"a":"b"}`, `null`, `{}`},
	} {
		u := o.invite(map[string]any{"sendEmail": false, "metadata": jsonText(c.before)})
		got := o.edit(u.ID, `{"metadata":`+c.patch+`}`)
		if string(got.Metadata) != c.after {
			t.Errorf("%s patched with %s became %s, not %s", c.before, c.patch, got.Metadata, c.after)
		}
		if read := o.get(u.ID); string(read.Metadata) != c.after {
			t.Errorf("%s patched with %s is read as %s", c.before, c.patch, read.Metadata)
		}
		if changed := c.before != c.after; (got.Version != u.Version) != changed {
			t.Errorf("%s patched with %s has version %d after %d", c.before, c.patch, got.Version, u.Version)
		}
	}
}

// The limits of metadata hold for what comes out of a merge.
func TestMergedMetadataKeepsToTheLimits(t *testing.T) {
	o := newOffice(t)
	u := o.invite(map[string]any{"sendEmail": false, "metadata": map[string]any{"a": strings.Repeat("x", 3000), "deep": nested(3)}})
	for patch, code := range map[string]string{
		`{"metadata":{"b":"` + strings.Repeat("y", 1100) + `"}}`: "/metadata too_large",
		`{"metadata":{"deep":{"a":{"a":{"a":{"a":{}}}}}}}`:       "/metadata too_deep",
		`{"metadata":[]}`:     "/metadata wrong_type",
		`{"metadata":"text"}`: "/metadata wrong_type",
		`{"metadata":{"a":1},"groups":["ghosts"],"role":"owner"}`: "/groups/0 unknown_group,/role unknown_role",
	} {
		p := refused(t, o.admin.wrong().send("PATCH", o.path+"/users/"+u.ID, patch, nil), http.StatusBadRequest, "invalid_request")
		if got := strings.Join(p.fields(), ","); got != code {
			t.Errorf("%.40s…: %s, not %s", patch, got, code)
		}
	}
	unchanged(t, o, u)
	// What makes room in the same patch counts.
	o.edit(u.ID, map[string]any{"metadata": map[string]any{"a": nil, "b": strings.Repeat("y", 4000), "deep": nil}})
}

func TestBadPatches(t *testing.T) {
	o := newOffice(t)
	u := o.invite(map[string]any{"sendEmail": false})
	for _, c := range []struct {
		name   string
		body   any
		code   string
		fields []string
	}{
		{"no body", nil, "body_required", nil},
		{"no object", `["name"]`, "invalid_json", nil},
		{"null", `null`, "invalid_json", nil},
		{"everything at once", map[string]any{"name": "", "role": "owner", "groups": []string{"ghosts", "Not An Id"}, "metadata": nested(6), "email": "x@corp.com", "status": "active", "version": 7}, "invalid_request",
			[]string{"/email unknown_field", "/groups/0 unknown_group", "/groups/1 unknown_group", "/metadata too_deep", "/name required", "/role unknown_role", "/status unknown_field", "/version unknown_field"}},
		{"nulls", `{"name":null,"role":null}`, "invalid_request", []string{"/name required", "/role required"}},
		{"types", `{"name":1,"role":[],"groups":"manager","metadata":1}`, "invalid_request", []string{"/groups wrong_type", "/metadata wrong_type", "/name wrong_type", "/role wrong_type"}},
		{"null groups within", `{"groups":[null]}`, "invalid_request", []string{"/groups wrong_type"}},
		{"too many groups", map[string]any{"groups": make([]string, 51)}, "invalid_request", []string{"/groups too_many"}},
		{"a name like an address", map[string]any{"name": "www.evil.example"}, "invalid_request", []string{"/name looks_like_address"}},
		{"a name with a line break", map[string]any{"name": "John\nBcc: x"}, "invalid_request", []string{"/name invalid_characters"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			admin := *o.admin
			admin.t = t
			p := refused(t, admin.wrong().send("PATCH", o.path+"/users/"+u.ID, c.body, nil), http.StatusBadRequest, c.code)
			equal(t, "fields", p.fields(), c.fields)
		})
	}
	for _, tag := range []string{"3", `"3`, `3"`, `"1" "2"`, `"a"b"`, `W/3`} {
		refused(t, o.admin.wrong().send("PATCH", o.path+"/users/"+u.ID, map[string]any{"name": "X"}, map[string]string{"If-Match": tag}), http.StatusBadRequest, "invalid_if_match")
	}
	refused(t, o.patch("usr_00000000000000000000000000000000", map[string]any{"name": "X"}, nil), http.StatusNotFound, "user_not_found")
	unchanged(t, o, u)
	// No groups at all, twice over.
	want[any](t, o.admin.send("PUT", o.path+"/groups/manager", nil, nil), http.StatusCreated)
	for _, none := range []string{`{"groups":null}`, `{"groups":[]}`} {
		if got := o.edit(u.ID, map[string]any{"groups": []string{"manager"}}); !slices.Equal(got.Groups, []string{"manager"}) {
			t.Errorf("in a group: %+v", got)
		}
		if got := o.edit(u.ID, none); len(got.Groups) != 0 {
			t.Errorf("%s leaves %v", none, got.Groups)
		}
	}
}

// A patch that changes nothing writes nothing, and makes no event.
func TestAPatchThatChangesNothing(t *testing.T) {
	o := newOffice(t)
	want[any](t, o.admin.send("PUT", o.path+"/groups/manager", nil, nil), http.StatusCreated)
	u := o.invite(map[string]any{"sendEmail": false, "groups": []string{"manager"}, "metadata": jsonText(`{"a": {"x":1, "y":2}, "b": null}`)})
	for _, body := range []string{
		`{}`, `{"name":"John Doe"}`, `{"name":" John Doe "}`, `{"role":"builder"}`, `{"groups":["manager"]}`, `{"groups":["manager","manager"]}`,
		`{"metadata":{}}`, `{"metadata":{"a":{"y":2,"x":1}}}`, `{"metadata":{"missing":null}}`,
	} {
		if got := o.edit(u.ID, body); got.Version != u.Version {
			t.Errorf("%s raised the version to %d", body, got.Version)
		}
	}
	o.edit(u.ID, map[string]any{"name": "Johnny"})
	eventually(t, func() error {
		if got := historyTypes(t, o.id); len(got) != 3 {
			return fmt.Errorf("history %v", got)
		}
		return nil
	})
}

// Both media types are good for a patch.
func TestAPatchIsAMergePatch(t *testing.T) {
	o := newOffice(t)
	u := o.invite(map[string]any{"sendEmail": false})
	for _, mediaType := range []string{"application/merge-patch+json", "application/json"} {
		a := o.patch(u.ID, map[string]any{"name": "By " + strings.ReplaceAll(mediaType, "/", " ")}, map[string]string{"content-type": mediaType})
		if got := want[apiUser](t, a, http.StatusOK); !strings.HasPrefix(got.Name, "By application") {
			t.Errorf("%s: %+v", mediaType, got)
		}
	}
}

// Every answer with one user has their version as its ETag, and If-Match holds
// a patch against it.
func TestIfMatchKeepsAdminsFromOverwritingEachOther(t *testing.T) {
	o := newOffice(t)
	invited := o.admin.send("POST", o.path+"/users", map[string]any{"name": "John", "email": "tag-" + unique() + "@corp.com", "role": "builder", "sendEmail": false}, nil)
	u := want[apiUser](t, invited, http.StatusCreated)
	if invited.header.Get("etag") != etag(u.Version) {
		t.Errorf("invited: tag %q of version %d", invited.header.Get("etag"), u.Version)
	}
	path := o.path + "/users/" + u.ID
	for _, call := range [][2]string{{"GET", path}, {"GET", path + "/link"}, {"POST", path + "/archive"}, {"POST", path + "/restore"}, {"GET", o.path + "/users/me"}} {
		a := o.admin.send(call[0], call[1], nil, nil)
		if got := want[apiUser](t, a, http.StatusOK); a.header.Get("etag") != etag(got.Version) {
			t.Errorf("%s %s: tag %q of version %d", call[0], call[1], a.header.Get("etag"), got.Version)
		}
	}
	u = o.get(u.ID)
	stale := etag(u.Version - 1)
	p := refused(t, o.patch(u.ID, map[string]any{"name": "Stale"}, map[string]string{"If-Match": stale}), http.StatusPreconditionFailed, "version_mismatch")
	if p.User == nil || p.User.ID != u.ID || p.User.Status != "requested" {
		t.Errorf("the mismatch names %+v", p.User)
	}
	for _, tag := range []string{stale, `"0"`, `"nonsense"`, "W/" + etag(u.Version), stale + `, "99"`} {
		refused(t, o.patch(u.ID, map[string]any{"name": "Stale"}, map[string]string{"If-Match": tag}), http.StatusPreconditionFailed, "version_mismatch")
		// Nor does a patch that would change nothing pass.
		refused(t, o.patch(u.ID, map[string]any{"name": u.Name}, map[string]string{"If-Match": tag}), http.StatusPreconditionFailed, "version_mismatch")
	}
	unchanged(t, o, u)
	for i, tag := range []string{etag(u.Version), "*", stale + ", " + etag(u.Version+2)} {
		want[apiUser](t, o.patch(u.ID, map[string]any{"name": fmt.Sprint("Fresh ", i)}, map[string]string{"If-Match": tag}), http.StatusOK)
	}
	// That there is nobody is said before the tag is looked at.
	refused(t, o.patch("usr_00000000000000000000000000000000", map[string]any{"name": "X"}, map[string]string{"If-Match": "*"}), http.StatusNotFound, "user_not_found")
}

func TestOfManyEditsOfOneVersionOneWins(t *testing.T) {
	o := newOffice(t)
	u := o.invite(map[string]any{"sendEmail": false})
	counts := race(t, 20, func(i int) (answer, error) {
		return o.admin.try("PATCH", o.path+"/users/"+u.ID, map[string]any{"name": fmt.Sprint("Nr ", i), "metadata": map[string]any{"by": i}}, map[string]string{"If-Match": etag(u.Version)})
	})
	if counts[http.StatusOK] != 1 || counts[http.StatusPreconditionFailed] != 19 {
		t.Errorf("answers %v, want one 200 and nineteen 412", counts)
	}
	got := o.get(u.ID)
	if got.Version != u.Version+1 || string(got.Metadata) != `{"by":`+strings.TrimPrefix(got.Name, "Nr ")+`}` {
		t.Errorf("what is left is of two edits: %+v %s", got, got.Metadata)
	}
	// Without a tag nobody is refused, and no edit of another member is lost.
	names := race(t, 10, func(i int) (answer, error) {
		return o.admin.try("PATCH", o.path+"/users/"+u.ID, map[string]any{"metadata": map[string]any{fmt.Sprint("k", i): i}}, nil)
	})
	if names[http.StatusOK] == 0 || names[http.StatusOK]+names[http.StatusServiceUnavailable] != 10 {
		t.Errorf("answers %v", names)
	}
	merged := string(o.get(u.ID).Metadata)
	if n := strings.Count(merged, `"k`); n != names[http.StatusOK] {
		t.Errorf("%d edits were answered with 200, and %s is left", names[http.StatusOK], merged)
	}
}

// Rule 11: demoting is a way out, like archiving.
func TestRule11TheLastAdminIsNotDemoted(t *testing.T) {
	o := newOffice(t)
	refused(t, o.patch("me", map[string]any{"role": "builder"}, nil), http.StatusConflict, "last_admin")
	// Somebody who is invited as an admin is none yet, and an archived one none any more.
	pending := o.invite(map[string]any{"role": "admin", "sendEmail": false})
	archived := o.invite(map[string]any{"role": "admin", "sendEmail": false})
	o.accept(archived)
	want[any](t, o.admin.send("POST", o.path+"/users/"+archived.ID+"/archive", nil, nil), http.StatusOK)
	refused(t, o.patch("me", map[string]any{"role": "end-user", "name": "X"}, nil), http.StatusConflict, "last_admin")
	if me := o.get("me"); me.Name != "Ada Admin" {
		t.Errorf("half of a refused patch was written: %+v", me)
	}
	// The role of an invited admin may change at will, and counts when it is accepted.
	o.edit(pending.ID, map[string]any{"role": "builder"})
	o.edit(pending.ID, map[string]any{"role": "admin"})
	o.edit(archived.ID, map[string]any{"role": "builder"})
	o.accept(pending)
	if me := o.edit("me", map[string]any{"role": "builder"}); me.Role != "builder" {
		t.Errorf("demoted: %+v", me)
	}
	refused(t, o.patch("me", map[string]any{"role": "admin"}, nil), http.StatusForbidden, "admin_required")
	second := person(t, pending.Email, pending.Name)
	refused(t, second.send("PATCH", o.path+"/users/me", map[string]any{"role": "end-user"}, nil), http.StatusConflict, "last_admin")
	// An archived user who was demoted meanwhile comes back as what they are now.
	back := want[apiUser](t, second.send("POST", o.path+"/users/"+archived.ID+"/restore", nil, nil), http.StatusOK)
	if back.Status != "active" || back.Role != "builder" {
		t.Errorf("restored: %+v", back)
	}
	refused(t, second.send("PATCH", o.path+"/users/me", map[string]any{"role": "end-user"}, nil), http.StatusConflict, "last_admin")
	// A promoted builder is an admin at once, and then the other may go.
	want[apiUser](t, second.send("PATCH", o.path+"/users/"+archived.ID, map[string]any{"role": "admin"}, nil), http.StatusOK)
	want[apiUser](t, second.send("PATCH", o.path+"/users/me", map[string]any{"role": "end-user"}, nil), http.StatusOK)
}

// Rule 11: eight admins who demote or archive themselves at once leave one.
func TestRule11ManyDemotionsLeaveOneAdmin(t *testing.T) {
	o := newOffice(t)
	clients := []*client{o.admin}
	for range 7 {
		clients = append(clients, o.secondAdmin())
	}
	counts := race(t, len(clients), func(i int) (answer, error) {
		if i%2 == 0 {
			return clients[i].try("POST", o.path+"/users/me/archive", nil, nil)
		}
		return clients[i].try("PATCH", o.path+"/users/me", map[string]any{"role": "builder"}, nil)
	})
	left := want[struct{ Users []apiUser }](t, operator(t, "auditor").send("GET", o.path+"/users?status=active&role=admin", nil, nil), http.StatusOK).Users
	if len(left) != 1 {
		t.Errorf("%d admins are left after the answers %v, want 1", len(left), counts)
	}
}

// Rule 18: an invitation reaches no further than its inviter's authority, in
// whatever way the inviter has lost it.
func TestRule18ADemotedOrErasedInvitersInvitationsWait(t *testing.T) {
	o := newOffice(t)
	for name, lose := range map[string]func(id string){
		"demoted": func(id string) { o.edit(id, map[string]any{"role": "builder"}) },
		"erased": func(id string) {
			want[any](t, o.admin.send("POST", o.path+"/users/"+id+"/archive", nil, nil), http.StatusOK)
			want[any](t, o.admin.send("DELETE", o.path+"/users/"+id, nil, nil), http.StatusNoContent)
		},
	} {
		t.Run(name, func(t *testing.T) {
			second := o.secondAdmin()
			id := want[apiUser](t, second.send("GET", o.path+"/users/me", nil, nil), http.StatusOK).ID
			u := want[apiUser](t, second.send("POST", o.path+"/users", quiet(1)[0], nil), http.StatusCreated)
			lose(id)
			// An admin's edit does not make the invitation theirs; their resend does.
			o.edit(u.ID, map[string]any{"role": "admin"})
			accept := func(u apiUser) answer {
				return person(t, u.Email, u.Name).send("POST", "/v1/invitations/"+tokenOf(u.Invitation.URL)+"/accept", nil, nil)
			}
			refused(t, accept(u), http.StatusConflict, "inviter_not_admin")
			again := want[apiUser](t, o.admin.send("POST", o.path+"/users/"+u.ID+"/resend", nil, nil), http.StatusOK)
			if got := want[apiUser](t, accept(again), http.StatusOK); got.Role != "admin" {
				t.Errorf("accepted: %+v", got)
			}
		})
	}
}
