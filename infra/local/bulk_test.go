package local_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
)

// result is what became of one row, or one id, of a batch.
type result struct {
	Row, Line                int
	ID, WorkspaceID, Outcome string
	User                     *apiUser
	Errors                   []struct{ Pointer, Code, Detail string }
}

type batchAnswer struct {
	Results   []result
	DryRun    bool
	Scheduled int // how many mails wait for the limits
}

// said are the outcomes of a batch in short: "created", or for a failed row
// "failed: /email duplicate, …".
func (a batchAnswer) said() (said []string) {
	for _, r := range a.Results {
		text := r.Outcome
		var errors []string
		for _, e := range r.Errors {
			errors = append(errors, strings.TrimSpace(e.Pointer+" "+e.Code))
		}
		if len(errors) > 0 {
			slices.Sort(errors)
			text += ": " + strings.Join(errors, ", ")
		}
		said = append(said, text)
	}
	return said
}

// tally is how often each outcome was said.
func (a batchAnswer) tally() map[string]int {
	n := map[string]int{}
	for _, text := range a.said() {
		n[text]++
	}
	return n
}

// batch sends a batch and checks what every answer to one has to be: the rows
// in their order, no link and no metadata, a reason for every failure.
func (c *client) batch(path string, body any, header map[string]string) batchAnswer {
	c.t.Helper()
	res := c.send("POST", path, body, header)
	a := want[batchAnswer](c.t, res, http.StatusOK)
	if strings.Contains(string(res.body), `"metadata"`) || strings.Contains(string(res.body), `"url"`) {
		c.t.Errorf("the answer of a batch shows links or metadata: %s", res.body)
	}
	for i, r := range a.Results {
		if r.ID == "" && r.Row != i+1 {
			c.t.Errorf("row %d stands at place %d", r.Row, i+1)
		}
		if (len(r.Errors) > 0) != (r.Outcome == "failed") {
			c.t.Errorf("%s with errors %v", r.Outcome, r.Errors)
		}
		for _, e := range r.Errors {
			if e.Code == "" || e.Detail == "" {
				c.t.Errorf("a row fails without a reason: %+v", e)
			}
		}
	}
	return a
}

var csvFile = map[string]string{"content-type": "text/csv"}

func equal(t *testing.T, what string, got, want []string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("%s: got\n  %s\nwant\n  %s", what, strings.Join(got, "\n  "), strings.Join(want, "\n  "))
	}
}

func TestBulkGivesEveryRowItsOwnOutcome(t *testing.T) {
	o := newOffice(t)
	there := o.invite(map[string]any{"sendEmail": false})
	want[any](t, o.admin.send("PUT", o.path+"/groups/manager", nil, nil), http.StatusCreated)
	at := "@" + unique() + ".example"
	a := o.admin.wrong().batch(o.path+"/users/batch", map[string]any{"users": []any{
		map[string]any{"name": "One", "email": "One" + at, "role": "builder", "groups": []string{"manager"}, "metadata": map[string]any{"apiKey": "abc123"}},
		map[string]any{"name": "", "email": "nonsense", "role": "owner"},
		map[string]any{"name": "There", "email": strings.ToUpper(there.Email), "role": "builder"},
		map[string]any{"name": "One again", "email": " ONE" + at, "role": "builder"}, // rule 20
		map[string]any{"name": "Five", "email": "five" + at, "role": "builder", "groups": []string{"ghosts"}, "admin": true},
		"six",
		nil,
		map[string]any{"name": "Eight", "email": "eight" + at, "role": "admin", "sendEmail": false, "expiresInDays": 30},
		map[string]any{},
		map[string]any{"name": 1, "email": "ten" + at, "role": "builder", "message": "Hello"},
	}}, nil)
	equal(t, "outcomes", a.said(), []string{
		"created",
		"failed: /email invalid_email, /name required, /role unknown_role",
		"exists",
		"failed: /email duplicate",
		"failed: /admin unknown_field, /groups/0 unknown_group",
		"failed: wrong_type",
		"failed: wrong_type",
		"created",
		"failed: /email required, /name required, /role required",
		"failed: /message messages_off, /name wrong_type",
	})
	if a.DryRun || len(a.Results) != 10 {
		t.Fatalf("%+v", a)
	}
	if detail := a.Results[3].Errors[0].Detail; !strings.Contains(detail, "Row 1") {
		t.Errorf("the repeat is not led to its first row: %q", detail)
	}
	if u := a.Results[2].User; u == nil || u.ID != there.ID || u.Status != "requested" {
		t.Errorf("who exists is shown as %+v", u)
	}
	one := o.get(a.Results[0].User.ID)
	if string(one.Metadata) != `{"apiKey":"abc123"}` || !slices.Equal(one.Groups, []string{"manager"}) || one.Email != "One"+at || one.Status != "requested" {
		t.Errorf("row 1 became %+v", one)
	}
	if link, _ := linksOf(t, inbox(t, one.Email, 1)[0]); !strings.HasPrefix(link, stack.URL+"/invite/") {
		t.Errorf("row 1 was mailed the link %q", link)
	}
	if eight := o.get(a.Results[7].User.ID); eight.Role != "admin" || eight.Invitation.Delivery != "none" || eight.Invitation.ExpiresAt.Sub(eight.Invitation.SentAt) != 30*24*time.Hour {
		t.Errorf("row 8 became %+v", eight)
	}
	if users := o.list(""); len(users) != 4 { // the admin, who was there, two rows
		t.Errorf("%d users", len(users))
	}
	o.counted()
	// Row 1 can accept like anybody else.
	linked := want[apiUser](t, o.admin.send("GET", o.path+"/users/"+one.ID+"/link", nil, nil), http.StatusOK)
	o.accept(linked)
}

func TestBulkReadsCSV(t *testing.T) {
	o := newOffice(t)
	want[any](t, o.admin.send("PATCH", o.path, map[string]any{"personalMessages": true}, nil), http.StatusOK)
	for _, group := range []string{"manager", "eu"} {
		want[any](t, o.admin.send("PUT", o.path+"/groups/"+group, nil, nil), http.StatusCreated)
	}
	at := "@" + unique() + ".example"
	file := "\ufeff" + strings.Join([]string{
		"name,email,role,groups,metadata,message,locale,sendEmail,expiresInDays,status,id",       // line 1
		"Ann,ann" + at + ",builder,manager|eu,\"{\"\"apiKey\"\":\"\"a,b\"\"}\",,,,,active,usr_x", // 2
		"\"Bo, the \"\"builder\"\"\",bo" + at + ",builder,,,\"Hello\r\nthere\",de,TRUE,,,",       // 3 and 4
		"Cy,cy" + at + ",end-user, eu | eu |,,,,false,30,,",                                      // 5
		",,,,,,,,,,", // 6: left by a spreadsheet
		"Di,di" + at + ",owner,ghosts,{,,no such,yes,soon,,",                                    // 7
		"Ed,ed" + at + ",builder",                                                               // 8
		"Fi,ANN" + at + ",builder,,,,,,,,",                                                      // 9
		"Gus,gus" + at + ",builder,,\"{\n  \"\"deep\"\": {\n  \"\"a\"\": [1, 2]}}\",,,false,,,", // 10 to 12
		"Hal,hal" + at + ",builder,,null,,,false,,,\n",                                          // 13
	}, "\r\n")
	a := o.admin.wrong().batch(o.path+"/users/batch", file, csvFile)
	equal(t, "outcomes", a.said(), []string{
		"created", "created", "created",
		"failed: /expiresInDays wrong_type, /groups/0 unknown_group, /locale unknown_locale, /metadata invalid_json, /role unknown_role, /sendEmail wrong_type",
		"failed: wrong_length",
		"failed: /email duplicate",
		"created", "created",
	})
	var lines []int
	for _, r := range a.Results {
		lines = append(lines, r.Line)
	}
	if !slices.Equal(lines, []int{2, 3, 5, 7, 8, 9, 10, 13}) {
		t.Errorf("lines %v", lines)
	}
	ann, bo, cy, gus := o.get(a.Results[0].User.ID), o.get(a.Results[1].User.ID), o.get(a.Results[2].User.ID), o.get(a.Results[6].User.ID)
	if string(ann.Metadata) != `{"apiKey":"a,b"}` || !slices.Equal(ann.Groups, []string{"eu", "manager"}) {
		t.Errorf("Ann is %+v", ann)
	}
	if bo.Name != `Bo, the "builder"` || bo.Invitation.Delivery == "none" {
		t.Errorf("Bo is %+v", bo)
	}
	if m := inbox(t, bo.Email, 1)[0]; !strings.Contains(strings.ReplaceAll(m.Body.Text, "\r\n", "\n"), "> Hello\n> there") {
		t.Errorf("Bo's message came as %q", m.Body.Text)
	}
	if cy.Invitation.Delivery != "none" || cy.Role != "end-user" || !slices.Equal(cy.Groups, []string{"eu"}) {
		t.Errorf("Cy is %+v", cy)
	}
	if string(gus.Metadata) != `{"deep":{"a":[1,2]}}` {
		t.Errorf("Gus has the metadata %s", gus.Metadata)
	}
}

// The same two people, as different programs write them.
func TestBulkReadsEveryDialectOfCSV(t *testing.T) {
	o := newOffice(t)
	want[any](t, o.admin.send("PUT", o.path+"/groups/manager", nil, nil), http.StatusCreated)
	for name, file := range map[string]string{
		"LF":                       "name,email,role,groups\nAnn,ann@DOMAIN,builder,manager\nBo,bo@DOMAIN,admin,\n",
		"CRLF":                     "name,email,role,groups\r\nAnn,ann@DOMAIN,builder,manager\r\nBo,bo@DOMAIN,admin,\r\n",
		"no line break at the end": "name,email,role,groups\nAnn,ann@DOMAIN,builder,manager\nBo,bo@DOMAIN,admin,",
		"byte order mark":          "\ufeffname,email,role,groups\r\nAnn,ann@DOMAIN,builder,manager\r\nBo,bo@DOMAIN,admin,\r\n",
		"everything quoted":        "\ufeff\"name\",\"email\",\"role\",\"groups\"\r\n\"Ann\",\"ann@DOMAIN\",\"builder\",\"manager\"\r\n\"Bo\",\"bo@DOMAIN\",\"admin\",\"\"\r\n",
		"semicolons":               "name;email;role;groups\r\nAnn;ann@DOMAIN;builder;manager\r\nBo;bo@DOMAIN;admin;\r\n",
		"columns in another order": "role, groups, email, name\nbuilder,manager,ann@DOMAIN,Ann\nadmin,,bo@DOMAIN,Bo\n",
		"empty rows at the end":    "name,email,role,groups\nAnn,ann@DOMAIN,builder,manager\nBo,bo@DOMAIN,admin,\n,,,\n\n,,,\n",
		"spaces around":            "name,email,role,groups\n Ann , ann@DOMAIN ,builder,manager\n Bo, bo@DOMAIN,admin,\n",
	} {
		t.Run(name, func(t *testing.T) {
			admin := *o.admin
			admin.t = t
			domain := unique() + ".example"
			a := admin.batch(o.path+"/users/batch?dryRun=false", strings.ReplaceAll(file, "DOMAIN", domain), map[string]string{"content-type": "Text/CSV; charset=UTF-8"})
			equal(t, "outcomes", a.said(), []string{"created", "created"})
			if len(a.Results) != 2 {
				return
			}
			ann, bo := a.Results[0].User, a.Results[1].User
			if ann.Name != "Ann" || ann.Email != "ann@"+domain || ann.Role != "builder" || !slices.Equal(ann.Groups, []string{"manager"}) {
				t.Errorf("Ann is %+v", ann)
			}
			if bo.Name != "Bo" || bo.Role != "admin" || len(bo.Groups) != 0 {
				t.Errorf("Bo is %+v", bo)
			}
		})
	}
}

// What is wrong with a batch as a whole is named before anything is written.
func TestBadBatches(t *testing.T) {
	o := newOffice(t)
	before := itemsIn(t, o.id)
	json := map[string]string{"content-type": "application/json"}
	many := make([]map[string]any, 501)
	for i := range many {
		many[i] = map[string]any{"name": "N", "email": fmt.Sprintf("n%d@corp.com", i), "role": "builder", "sendEmail": false}
	}
	manyLines := "name,email,role\n" + strings.Repeat("N,n@corp.com,builder\n", 501)
	const row = "N,n@corp.com,builder\n"
	for _, c := range []struct {
		name, query string
		body        any
		header      map[string]string
		status      int
		code        string
		fields      []string
		detail      string
	}{
		{"no body", "", nil, json, 400, "body_required", nil, ""},
		{"a list", "", `[]`, json, 400, "invalid_json", nil, ""},
		{"half a file", "", `{"users":[`, json, 400, "invalid_json", nil, ""},
		{"no users", "", `{}`, json, 400, "invalid_request", []string{"/users required"}, ""},
		{"users null", "", `{"users":null}`, json, 400, "invalid_request", []string{"/users required"}, ""},
		{"nobody", "", `{"users":[]}`, json, 400, "invalid_request", []string{"/users required"}, ""},
		{"no list", "", `{"users":{"name":"N"}}`, json, 400, "invalid_request", []string{"/users wrong_type"}, ""},
		{"an unknown field", "", `{"users":[{}],"dryRun":true}`, json, 400, "invalid_request", []string{"/dryRun unknown_field"}, ""},
		{"501", "", map[string]any{"users": many}, json, 400, "invalid_request", []string{"/users too_many"}, ""},
		{"501 lines", "", manyLines, csvFile, 400, "invalid_request", []string{"/users too_many"}, ""},
		{"too large", "", `{"users":[{"name":"` + strings.Repeat("x", 256*1024) + `"}]}`, json, 413, "body_too_large", nil, ""},
		{"too large a file", "", "name,email,role\n" + strings.Repeat(",,\n", 90_000), csvFile, 413, "body_too_large", nil, ""},
		{"an empty file", "", "\ufeff", csvFile, 400, "invalid_csv", nil, "empty"},
		{"a header alone", "", "name,email,role\r\n", csvFile, 400, "invalid_request", []string{"/users required"}, ""},
		{"no header", "", row, csvFile, 400, "invalid_request", []string{"/users missing_column", "/users missing_column", "/users missing_column", "/users unknown_column", "/users unknown_column", "/users unknown_column"}, ""},
		{"a column missing", "", "name,email\nN,n@corp.com\n", csvFile, 400, "invalid_request", []string{"/users missing_column"}, ""},
		{"an unknown column", "", "name,email,role,Password\nN,n@corp.com,builder,x\n", csvFile, 400, "invalid_request", []string{"/users unknown_column"}, ""},
		{"a column twice", "", "name,email,role,name\nN,n@corp.com,builder,N\n", csvFile, 400, "invalid_request", []string{"/users duplicate_column"}, ""},
		{"an open quote", "", "name,email,role\n" + row + row + "\"N,n@corp.com,builder\n" + row, csvFile, 400, "invalid_csv", nil, "Line 4 "},
		{"a quote in the middle", "", "name,email,role\n" + row + "N\"N,n@corp.com,builder\n", csvFile, 400, "invalid_csv", nil, "Line 3 "},
		{"Latin-1", "", "name,email,role\nRen\xe9,n@corp.com,builder\n", csvFile, 400, "invalid_csv", nil, "UTF-8"},
		{"UTF-16", "", "\xff\xfen\x00a\x00m\x00e\x00", csvFile, 400, "invalid_csv", nil, "UTF-8"},
		{"a text", "", row, map[string]string{"content-type": "text/plain"}, 415, "unsupported_media_type", nil, ""},
		{"a form", "", "name=N", map[string]string{"content-type": "application/x-www-form-urlencoded"}, 415, "unsupported_media_type", nil, ""},
		{"no type at all", "", row, map[string]string{"content-type": "nonsense/"}, 415, "unsupported_media_type", nil, ""},
		{"a bad dryRun", "?dryRun=1", many[:1], json, 400, "invalid_request", []string{"?dryRun invalid_boolean"}, ""},
		{"an unknown parameter", "?dryrun=true", many[:1], json, 400, "invalid_request", []string{"?dryrun unknown_parameter"}, ""},
		{"a long key", "", map[string]any{"users": many[:1]}, map[string]string{"Idempotency-Key": strings.Repeat("k", 256)}, 400, "invalid_idempotency_key", nil, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			admin := *o.admin
			admin.t = t
			p := refused(t, admin.wrong().send("POST", o.path+"/users/batch"+c.query, c.body, c.header), c.status, c.code)
			equal(t, "fields", p.fields(), c.fields)
			if !strings.Contains(p.Detail, c.detail) {
				t.Errorf("detail %q", p.Detail)
			}
		})
	}
	if after := itemsIn(t, o.id); after != before {
		t.Errorf("%d items became %d", before, after)
	}
}

// fields are the fields that a problem names: pointer and code, sorted.
func (p apiProblem) fields() (fields []string) {
	for _, f := range p.Errors {
		fields = append(fields, f.Pointer+" "+f.Code)
	}
	slices.Sort(fields)
	return fields
}

// quiet are so many people to invite, whom no mail is sent.
func quiet(n int) []map[string]any {
	at := "@" + unique() + ".example"
	rows := make([]map[string]any, n)
	for i := range rows {
		rows[i] = map[string]any{"name": fmt.Sprint("Nr ", i+1), "email": fmt.Sprint("nr", i+1, at), "role": "builder", "sendEmail": false}
	}
	return rows
}

func TestBulkInvites500(t *testing.T) {
	o := newOffice(t)
	began := time.Now()
	a := o.admin.batch(o.path+"/users/batch", map[string]any{"users": quiet(500)}, nil)
	t.Logf("500 invitations in %v", time.Since(began))
	if n := a.tally()["created"]; n != 500 {
		t.Errorf("outcomes %v", a.tally())
	}
	if n := o.counted()["requested"]; n != 500 {
		t.Errorf("%d are requested", n)
	}
	eventually(t, func() error { // every one has a line of history
		if n := len(itemTexts(t, "HISTORY#"+o.id)); n == 0 {
			return fmt.Errorf("no history yet")
		}
		types := historyTypes(t, o.id)
		if len(types) != 501 {
			return fmt.Errorf("%d lines of history", len(types))
		}
		return nil
	})
}

// Two batches with the same people at the same time: everybody is in one of
// them.
func TestTwoBatchesRaceForTheSamePeople(t *testing.T) {
	o := newOffice(t)
	rows := quiet(60)
	created := make([]int, 4)
	race(t, len(created), func(i int) (answer, error) {
		a, err := o.admin.try("POST", o.path+"/users/batch", map[string]any{"users": rows}, nil)
		if err == nil && a.status == http.StatusOK {
			var b batchAnswer
			a.decode(t, &b)
			created[i] = b.tally()["created"]
			if b.tally()["created"]+b.tally()["exists"] != len(rows) {
				t.Errorf("outcomes %v", b.tally())
			}
		}
		return a, err
	})
	total := 0
	for _, n := range created {
		total += n
	}
	if n := o.counted()["requested"]; n != len(rows) || total != len(rows) {
		t.Errorf("%d users were made, %d rows say so, want %d", n, total, len(rows))
	}
}

// Rule 21 holds for the rows of a batch as for single invitations.
func TestRule21BulkComparesWholeDomains(t *testing.T) {
	o := newOffice(t)
	want[any](t, o.admin.send("PATCH", o.path, map[string]any{"allowedEmailDomains": []string{"example.com"}}, nil), http.StatusOK)
	a := o.admin.batch(o.path+"/users/batch", "name,email,role,sendEmail\nA,a@attacker-example.com,builder,false\nB,b@EXAMPLE.com,builder,false\n", csvFile)
	equal(t, "outcomes", a.said(), []string{"failed: /email domain_not_allowed", "created"})
}
