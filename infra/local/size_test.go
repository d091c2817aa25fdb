package local_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
)

// A body that is too large is refused with 413 at every size: by the function,
// by the gateway where the event would be too large for Lambda, and by the
// gateway's own limit.
func TestATooLargeBodyIsRefusedAtEverySize(t *testing.T) {
	o := newOffice(t)
	for _, kb := range []int{257, 1 << 10, 4 << 10, 5 << 10, 7 << 10, 9 << 10, 11 << 10} {
		for _, kind := range []string{"application/json", "text/csv", "application/octet-stream"} {
			body := strings.Repeat("x", kb<<10)
			a, err := o.admin.wrong().try("POST", o.path+"/users/batch", body, map[string]string{"content-type": kind})
			if err != nil {
				t.Errorf("%d KB of %s: %v", kb, kind, err)
			} else if a.status != http.StatusRequestEntityTooLarge {
				t.Errorf("%d KB of %s: %d %s", kb, kind, a.status, a.body)
			}
		}
	}
}

// small is what the answer to any bad request may have; large, what the largest
// answer to a good one may. Lambda returns 6 MB, with the body as a JSON string,
// where each quote takes two bytes.
const (
	small = 1 << 20
	large = 3 << 20
)

// An answer names 100 bad fields at most, and a row of a batch 10, so that no
// request makes an answer that Lambda cannot return.
func TestBadRequestsMakeNoLargeAnswer(t *testing.T) {
	o := newOffice(t)
	members := func(n int) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, `"%x":1,`, i)
		}
		return "{" + b.String() + `"":0}`
	}
	csv := map[string]string{"content-type": "text/csv"}
	for name, c := range map[string]struct {
		method, path, body string
		header             map[string]string
		named              int // errors of the request, or of all rows
	}{
		"unknown members":   {"POST", "/users", members(25_000), nil, 100},
		"unknown settings":  {"PATCH", "", members(25_000), nil, 100},
		"long members":      {"POST", "/users", strings.ReplaceAll(members(300), `":1`, strings.Repeat(`\u0000`, 120)+`":1`), nil, 100},
		"members of rows":   {"POST", "/users/batch", `{"users":[` + strings.Repeat(members(58)+",", 499) + members(58) + `]}`, nil, 5000},
		"columns":           {"POST", "/users/batch", "name,email,role," + strings.Repeat("x,", 127_000), csv, 100},
		"columns of quotes": {"POST", "/users/batch", "name,email,role," + strings.Repeat(`"""",`, 50_000), csv, 100},
		"rows of nothing":   {"POST", "/users/batch", `{"users":[` + strings.Repeat("[],", 499) + `{}]}`, nil, 502},
		"too many rows":     {"POST", "/users/batch", `{"users":[` + strings.Repeat("1,", 120_000) + `1]}`, nil, 1},
		"parameters":        {"GET", "/users?" + strings.Repeat("%00%00%00=&", 600) + strings.Join(strings.Split(strings.Repeat("ab", 300), ""), "=1&"), "", nil, 3},
	} {
		t.Run(name, func(t *testing.T) {
			admin := *o.admin
			admin.t = t
			var body any
			if c.body != "" {
				body = c.body
			}
			a := admin.wrong().send(c.method, o.path+c.path, body, c.header)
			if len(a.body) > small || len(c.body) > 256<<10 {
				t.Errorf("%d bytes make an answer of %d", len(c.body), len(a.body))
			}
			var got struct {
				Errors  []any
				Results []struct{ Errors []any }
			}
			a.decode(t, &got)
			named := len(got.Errors)
			for _, row := range got.Results {
				named += len(row.Errors)
			}
			if named != c.named {
				t.Errorf("%d bytes: %d errors are named, not %d: %.200s", len(c.body), named, c.named, a.body)
			}
		})
	}
}

// The largest good answers stay below what Lambda returns: a page of people
// whose every field is as long as it may be, and a batch that finds them all.
func TestTheLargestAnswersAreBounded(t *testing.T) {
	o := newOffice(t)
	groups := make([]string, 50)
	for i := range groups {
		groups[i] = fmt.Sprintf("%02d%s", i, strings.Repeat("g", 48))
		want[any](t, o.admin.send("PUT", o.path+"/groups/"+groups[i], nil, nil), http.StatusCreated)
	}
	var all []any
	for i := range 50 {
		all = append(all, map[string]any{
			"name": strings.Repeat("\U00020000", 100), "email": fmt.Sprintf("%064d@%s.example", i, strings.Repeat(strings.Repeat("d", 60)+".", 2)+"dd"),
			"role": "end-user", "groups": groups, "sendEmail": false, "metadata": map[string]any{"": make([]string, 1363)},
		})
	}
	for at := 0; at < len(all); at += 25 {
		a := o.admin.send("POST", o.path+"/users/batch", map[string]any{"users": all[at : at+25]}, nil)
		if a.status != http.StatusOK || !strings.Contains(string(a.body), `"created"`) || strings.Contains(string(a.body), `"failed"`) {
			t.Fatalf("invited: %d %.600s", a.status, a.body)
		}
	}
	for i := range all {
		person := all[i].(map[string]any)
		all[i] = map[string]any{"name": "J", "email": person["email"], "role": "builder"}
	}
	found := o.admin.send("POST", o.path+"/users/batch", map[string]any{"users": all}, nil)
	for name, size := range map[string]int{
		"JSON":  len(o.admin.send("GET", o.path+"/users?limit=50", nil, nil).body) * 2, // a page has 100
		"CSV":   len(o.admin.send("GET", o.path+"/users?limit=50&format=csv", nil, nil).body) * 2,
		"batch": len(found.body) * 10, // a batch has 500 rows
	} {
		t.Logf("%s: %d bytes", name, size)
		if size < small/2 || size > large {
			t.Errorf("%s: an answer of %d bytes", name, size)
		}
	}
}
