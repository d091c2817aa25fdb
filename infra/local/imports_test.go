package local_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

type apiImport struct {
	ID, Status, CreatedBy                               string
	StoppedBy                                           *string
	Rows, Processed, Created, Exists, Failed, Scheduled int
}

type apiReport struct {
	Import  apiImport
	Results []struct {
		result
		Typed *struct {
			Name, Email, Role string
			Groups            []string
		}
	}
	NextCursor *string
}

func (o office) imports() string { return o.path + "/imports" }

// newImport makes an import of these chunks of CSV, which have no header row.
func (o office) newImport(chunks ...string) apiImport {
	o.t.Helper()
	i := want[apiImport](o.t, o.admin.send("POST", o.imports(), nil, nil), http.StatusCreated)
	for _, rows := range chunks {
		i = o.addRows(i, rows)
	}
	return i
}

func (o office) addRows(i apiImport, rows string) apiImport {
	o.t.Helper()
	path := fmt.Sprintf("%s/%s/rows?firstRow=%d", o.imports(), i.ID, i.Rows+1)
	return want[struct{ Import apiImport }](o.t, o.admin.send("POST", path, "name,email,role,groups\n"+rows, csvFile), http.StatusOK).Import
}

func (o office) start(i apiImport) {
	o.t.Helper()
	want[any](o.t, o.admin.send("POST", o.imports()+"/"+i.ID+"/start", nil, nil), http.StatusOK)
}

// ended waits until an import has a status.
func (o office) ended(i apiImport, status string) (a apiReport) {
	o.t.Helper()
	eventually(o.t, func() error {
		a = o.report(i, "")
		if a.Import.Status != status {
			return fmt.Errorf("the import is %+v", a.Import)
		}
		return nil
	})
	return a
}

func (o office) report(i apiImport, query string) apiReport {
	o.t.Helper()
	return want[apiReport](o.t, o.admin.send("GET", o.imports()+"/"+i.ID+query, nil, nil), http.StatusOK)
}

// An import is prepared, runs by itself, and its report can be read by another
// admin.
func TestImportInvitesInTheBackground(t *testing.T) {
	o := newOffice(t)
	there := o.invite(map[string]any{"sendEmail": false})
	at := "@" + unique() + ".example"
	i := o.newImport(
		"One,one"+at+",builder,\nThere,"+there.Email+",builder,\n",
		"Three,three"+at+",end-user,ghosts\n,nonsense,owner,\nTwin,ONE"+at+",builder,\n",
	)
	refused(t, o.admin.wrong().send("POST", o.imports()+"/"+i.ID+"/rows?firstRow=9", "name,email,role\nA,a"+at+",builder\n", csvFile), http.StatusConflict, "import_rows_conflict")
	refused(t, o.admin.wrong().send("POST", o.imports()+"/"+i.ID+"/rows?firstRow=6", "name,mail\nA,a"+at+"\n", csvFile), http.StatusBadRequest, "invalid_request")
	if i.Rows != 5 || o.report(i, "").Results[4].Outcome != "waiting" {
		t.Fatalf("before the start: %+v", o.report(i, ""))
	}
	o.start(i)
	a := o.ended(i, "done")
	if n := a.Import; n.Created != 1 || n.Exists != 2 || n.Failed != 2 || n.Processed != 5 || n.CreatedBy != o.me() {
		t.Errorf("the counts are %+v", n)
	}
	inbox(t, "one"+at, 1)
	other := o.colleague()
	a = other.report(i, "?outcome=failed&limit=1")
	if r := a.Results[0]; r.Row != 3 || r.Typed.Email != "three"+at || r.Errors[0].Code != "unknown_group" {
		t.Errorf("the first failed row is %+v", r)
	}
	a = other.report(i, "?outcome=failed&limit=1&cursor="+url.QueryEscape(*a.NextCursor))
	if r := a.Results[0]; r.Row != 4 || len(r.Errors) != 3 || a.NextCursor != nil {
		t.Errorf("the last failed row is %+v, and the cursor %v", r, a.NextCursor)
	}
	refused(t, other.admin.wrong().send("GET", o.imports()+"/"+i.ID+"?cursor=abc", nil, nil), http.StatusBadRequest, "invalid_request")
	list := want[struct{ Imports []apiImport }](t, other.admin.send("GET", o.imports(), nil, nil), http.StatusOK)
	if len(list.Imports) != 1 || list.Imports[0].ID != i.ID {
		t.Errorf("the list is %+v", list)
	}
	refused(t, o.admin.send("POST", o.imports()+"/"+i.ID+"/cancel", nil, nil), http.StatusConflict, "import_done")
	refused(t, o.admin.wrong().send("GET", o.imports()+"/imp_"+strings.Repeat("0", 26), nil, nil), http.StatusNotFound, "import_not_found")
}

func TestACanceledImportInvitesNobodyMore(t *testing.T) {
	o := newOffice(t)
	at := "@" + unique() + ".example"
	i := o.newImport("One,one"+at+",builder,\n", "Two,two"+at+",builder,\n")
	want[any](t, o.admin.send("POST", o.imports()+"/"+i.ID+"/cancel", nil, nil), http.StatusOK)
	o.ended(i, "canceled")
	refused(t, o.admin.send("POST", o.imports()+"/"+i.ID+"/start", nil, nil), http.StatusConflict, "import_canceled")
	if n := o.counted()["requested"]; n != 0 {
		t.Errorf("%d people were invited", n)
	}
}

// A repeat of each call leaves one import with the same rows.
func TestPreparingAnImportIsIdempotent(t *testing.T) {
	o := newOffice(t)
	key := map[string]string{"idempotency-key": unique()}
	first := want[apiImport](t, o.admin.send("POST", o.imports(), nil, key), http.StatusCreated)
	second := want[apiImport](t, o.admin.send("POST", o.imports(), nil, key), http.StatusCreated)
	if first.ID != second.ID {
		t.Errorf("one call made %s and %s", first.ID, second.ID)
	}
	row := "One,one@" + unique() + ".example,builder,\n"
	o.addRows(first, row)
	if i := o.addRows(first, row); i.Rows != 1 {
		t.Errorf("a repeat left %d rows", i.Rows)
	}
	for range 2 {
		o.start(first)
	}
	if n := o.ended(first, "done").Import; n.Created != 1 || n.Processed != 1 {
		t.Errorf("the counts are %+v", n)
	}
}
