package local_test

import (
	"encoding/csv"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
)

// sheet is a page of CSV: its header, and its rows by column.
type sheet struct {
	header []string
	rows   []map[string]string
	next   string // where the Link header leads; "" for nowhere
}

func readSheet(t *testing.T, a answer) (s sheet) {
	t.Helper()
	if a.status != http.StatusOK {
		t.Fatalf("answer %d %s", a.status, a.body)
	}
	for name, value := range map[string]string{
		"content-type": "text/csv; charset=utf-8; header=present", "content-disposition": `attachment; filename="users.csv"`,
	} {
		if a.header.Get(name) != value {
			t.Errorf("%s is %q, not %q", name, a.header.Get(name), value)
		}
	}
	records, err := csv.NewReader(strings.NewReader(string(a.body))).ReadAll()
	if err != nil || len(records) == 0 {
		t.Fatalf("%v: %s", err, a.body)
	}
	s.header = records[0]
	for _, record := range records[1:] {
		row := map[string]string{}
		for i, name := range s.header {
			row[name] = record[i]
		}
		s.rows = append(s.rows, row)
	}
	if link := a.header.Get("link"); link != "" {
		target, rest, ok := strings.Cut(strings.TrimPrefix(link, "<"), ">")
		if !ok || rest != `; rel="next"` || !strings.HasPrefix(target, "/v1/workspaces/") {
			t.Fatalf("link %q", link)
		}
		s.next = target
	}
	return s
}

var exported = []string{"name", "email", "role", "groups", "metadata", "locale", "status", "delivery", "deliveryReason", "invitedBy", "sentAt", "expiresAt", "createdAt", "id"}

// What is exported is what is there, page by page, and nothing else.
func TestExportAsCSV(t *testing.T) {
	o := newOffice(t)
	want[any](t, o.admin.send("PUT", o.path+"/groups/manager", nil, nil), http.StatusCreated)
	want[any](t, o.admin.send("PUT", o.path+"/groups/eu", nil, nil), http.StatusCreated)
	john := o.invite(map[string]any{"name": `John "J", Doe`, "sendEmail": false, "locale": "de", "groups": []string{"manager", "eu"}, "metadata": map[string]any{"apiKey": "a,b", "n": 1}})
	for range 3 {
		o.accept(o.invite(map[string]any{"sendEmail": false}))
	}
	var rows []map[string]string
	pages := 0
	for path := o.path + "/users?format=csv&sort=oldest&limit=2"; path != ""; pages++ {
		page := readSheet(t, o.admin.send("GET", path, nil, nil))
		equal(t, "columns", page.header, exported)
		rows = append(rows, page.rows...)
		path = page.next
	}
	if len(rows) != 5 || pages != 3 {
		t.Fatalf("%d rows on %d pages", len(rows), pages)
	}
	for i, u := range o.list("?sort=oldest") {
		if rows[i]["id"] != u.ID || rows[i]["email"] != u.Email || rows[i]["name"] != u.Name || rows[i]["role"] != u.Role || rows[i]["status"] != u.Status {
			t.Errorf("row %d is %v, not %+v", i, rows[i], u)
		}
	}
	got := rows[1]
	for name, value := range map[string]string{
		"name": john.Name, "groups": "eu|manager", "metadata": string(john.Metadata), "locale": "de", "delivery": "none",
		"invitedBy": o.me(), "sentAt": john.Invitation.SentAt.Format("2006-01-02T15:04:05Z"), "expiresAt": john.Invitation.ExpiresAt.Format("2006-01-02T15:04:05Z"),
	} {
		if got[name] != value {
			t.Errorf("%s is %q, not %q", name, got[name], value)
		}
	}
	if rows[0]["invitedBy"] != "" || rows[0]["metadata"] != "{}" && rows[0]["metadata"] != "" {
		t.Errorf("the founder is %v", rows[0])
	}
	if strings.Contains(fmt.Sprint(rows), tokenOf(john.Invitation.URL)) {
		t.Error("the export holds a link")
	}

	// The header Accept asks for the same; the parameter wins over it.
	byAccept := readSheet(t, o.admin.send("GET", o.path+"/users?status=active", nil, map[string]string{"accept": "text/csv"}))
	if len(byAccept.rows) != 4 || byAccept.next != "" {
		t.Errorf("by Accept: %d rows, next %q", len(byAccept.rows), byAccept.next)
	}
	want[struct{ Users []apiUser }](t, o.admin.send("GET", o.path+"/users?format=json", nil, map[string]string{"accept": "text/csv"}), http.StatusOK)
	// The pages of a filter stay filtered.
	filtered := readSheet(t, o.admin.send("GET", o.path+"/users?status=active&limit=3", nil, map[string]string{"accept": "text/csv"}))
	last := readSheet(t, o.admin.send("GET", filtered.next, nil, nil))
	if len(filtered.rows) != 3 || len(last.rows) != 1 || last.next != "" {
		t.Errorf("filtered: %d and %d rows, then %q", len(filtered.rows), len(last.rows), last.next)
	}
	nobody := readSheet(t, o.admin.send("GET", o.path+"/users?format=csv&q=nobodyisnamedso", nil, nil))
	if len(nobody.rows) != 0 || nobody.next != "" {
		t.Errorf("an empty export has %d rows and leads to %q", len(nobody.rows), nobody.next)
	}

	// Members who may read the directory get no metadata, not even a column of it.
	want[any](t, o.admin.send("PATCH", o.path, map[string]any{"directory": "members"}, nil), http.StatusOK)
	member := o.invite(map[string]any{"sendEmail": false, "metadata": map[string]any{"apiKey": "own"}})
	o.accept(member)
	for _, c := range []struct{ query, accept string }{{"?format=csv", ""}, {"", "text/csv"}} {
		page := readSheet(t, person(t, member.Email, member.Name).send("GET", o.path+"/users"+c.query, nil, map[string]string{"accept": c.accept}))
		if slices.Contains(page.header, "metadata") || len(page.rows) != 6 || strings.Contains(fmt.Sprint(page.rows), "a,b") {
			t.Errorf("a member's export: %v, %d rows", page.header, len(page.rows))
		}
	}
}

// What a spreadsheet would run stays data, on the way in, out, and in again:
// an export of one workspace can be brought into another one as it is.
func TestWhatIsExportedCanBeImported(t *testing.T) {
	o, other := newOffice(t), newOffice(t)
	for _, of := range []office{o, other} {
		for _, group := range []string{"manager", "0-eu"} {
			want[any](t, of.admin.send("PUT", of.path+"/groups/"+group, nil, nil), http.StatusCreated)
		}
	}
	names := []string{
		"=1+1", "+49 30", "-2", "=HYPERLINK(\"x\")", "'=1+1", "''=1+1", "'Tis", "'", "＝1+1", "＋1", "－1", "=", `a "quoted", name`, "semi;colon", "|", "Émile Zola",
	}
	metadata := []string{
		`{}`, `{"formula":"=1+1","line":"a\nb","quote":"\"","deep":{"a":[1,2,{"b":null}]}}`, `{"n":12345678901234567890,"e":1e2,"u":"é＝"}`,
	}
	at := "@" + unique() + ".example"
	rows := []map[string]any{}
	for i, name := range names {
		row := quiet(1)[0]
		row["name"] = name
		row["email"] = fmt.Sprintf("=n%d%s", i, at) // a local part may begin so
		row["role"] = []string{"admin", "builder", "end-user"}[i%3]
		row["groups"] = [][]string{{}, {"manager"}, {"0-eu", "manager"}}[i%3]
		row["metadata"] = jsonText(metadata[i%len(metadata)])
		row["locale"] = []string{"en", "de", "pt-BR"}[i%3]
		rows = append(rows, row)
	}
	if n := o.admin.batch(o.path+"/users/batch", map[string]any{"users": rows}, nil).tally()["created"]; n != len(rows) {
		t.Fatalf("%d of %d were invited", n, len(rows))
	}
	export := func(of office) (files []string, byEmail map[string]map[string]string) {
		byEmail = map[string]map[string]string{}
		for path := of.path + "/users?format=csv&status=requested&limit=10"; path != ""; {
			a := of.admin.send("GET", path, nil, nil)
			page := readSheet(t, a)
			files = append(files, string(a.body))
			for _, row := range page.rows {
				byEmail[row["email"]] = row
			}
			path = page.next
		}
		return files, byEmail
	}
	files, before := export(o)
	if len(before) != len(rows) {
		t.Fatalf("%d of %d were exported", len(before), len(rows))
	}
	for email, row := range before {
		for column, cell := range row {
			if cell != "" && strings.ContainsRune("=+-@\t\r＝＋－＠", []rune(cell)[0]) {
				t.Errorf("%s: a spreadsheet would run the %s %q", email, column, cell)
			}
		}
	}
	for _, file := range files { // unchanged, though sendEmail is not among its columns
		a := other.admin.batch(other.path+"/users/batch", file, csvFile)
		if n := a.tally()["created"]; n != len(a.Results) {
			t.Errorf("imported: %v", a.said())
		}
	}
	_, after := export(other)
	for email, row := range before {
		for _, column := range []string{"name", "email", "role", "groups", "metadata", "locale"} {
			if got := after[email][column]; got != row[column] {
				t.Errorf("%s: the %s %q came back as %q", email, column, row[column], got)
			}
		}
	}
	// The people themselves are the same, and not only their cells.
	left := map[string]bool{}
	for _, u := range other.list("?status=requested") {
		left[u.Name] = true
	}
	for _, name := range names {
		if !left[name] {
			t.Errorf("nobody is named %q any more", name)
		}
	}
}

// jsonText is JSON as it stands.
type jsonText string

func (j jsonText) MarshalJSON() ([]byte, error) { return []byte(j), nil }
