package bench

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/latchkey/latchkey/infra/blueprint"
	"github.com/latchkey/latchkey/infra/local"
	"github.com/latchkey/latchkey/infra/local/capacity"
	"github.com/latchkey/latchkey/shared/setting"
)

const root = "../../.."

func built(t testing.TB, name string) string {
	path, err := filepath.Abs(filepath.Join(root, "build", "local", name, "bootstrap"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path); err != nil {
		t.Fatalf("%s is not built: run make bench-build", name)
	}
	return path
}

// BenchmarkCapacity reports what operations consume, as DynamoDB Local counts
// it: read and write units of the function that answers, then of those that
// work behind it (publish and mail).
func BenchmarkCapacity(b *testing.B) {
	o, meter := newOffice(b)
	for _, group := range []string{"a", "b"} {
		o.call(o.admin, "PUT", o.path+"/groups/"+group, map[string]any{"name": group})
	}
	for range 60 { // so that a page of 50 is full
		o.inviteWith(map[string]any{"groups": []string{"a"}})
	}
	o.settle(meter)
	nothing := func() string { return "" }
	quiet := func() string { id, _, _ := o.inviteWith(map[string]any{"sendEmail": false}); return id }
	joined := func() string { id, email, url := o.invite(); o.accept(email + " " + url); return id }
	archived := func() string {
		id := joined()
		o.call(o.admin, "POST", o.path+"/users/"+id+"/archive", nil)
		return id
	}
	post := func(what string) func(string) {
		return func(id string) { o.call(o.admin, "POST", o.path+"/users/"+id+"/"+what, nil) }
	}
	get := func(path string) func(string) {
		return func(string) { o.call(o.admin, "GET", o.path+path, nil) }
	}
	for _, op := range []struct {
		name, function string
		prepare        func() string // gives what run needs
		run            func(string)
	}{
		{"inviteUser", "invite", nothing, func(string) { o.invite() }},
		{"inviteUser/withKey", "invite", nothing, func(string) { o.key = fmt.Sprint(time.Now().UnixNano()); o.invite(); o.key = "" }},
		{"inviteUser/into2groups", "invite", nothing, func(string) { o.inviteWith(map[string]any{"groups": []string{"a", "b"}}) }},
		{"inviteUsers/of500", "invite", nothing, func(string) { o.inviteMany(500) }},
		{"previewInvitation", "accept", func() string { _, _, url := o.invite(); return url }, func(url string) {
			o.call("", "GET", "/v1/invitations/"+url[len(o.url+"/invite/"):], nil)
		}},
		{"acceptInvitation", "accept", func() string { _, email, url := o.invite(); return email + " " + url }, o.accept},
		{"listUsers/of50", "list", nothing, get("/users?limit=50")},
		{"listUsers/of50active", "list", nothing, get("/users?limit=50&status=active")},
		{"listUsers/of50ofRole", "list", nothing, get("/users?limit=50&role=builder")},
		{"listUsers/of50ofGroup", "list", nothing, get("/users?limit=50&group=a")},
		{"listUsers/email", "list", nothing, get("/users?limit=50&q=ada@corp.com")},
		{"listUsers/of50withCounts", "list", nothing, get("/users?limit=50&counts=true")},
		{"getUser", "list", nothing, get("/users/me")},
		{"listHistory/of50", "list", nothing, get("/history?limit=50")},
		{"listUserHistory", "list", nothing, get("/users/me/history")},
		{"updateUser", "update", joined, func(id string) { o.call(o.admin, "PATCH", o.path+"/users/"+id, map[string]any{"name": "Jo Doe"}) }},
		{"updateUser/role", "update", joined, func(id string) { o.call(o.admin, "PATCH", o.path+"/users/"+id, map[string]any{"role": "end-user"}) }},
		{"updateUser/groups", "update", joined, func(id string) {
			o.call(o.admin, "PATCH", o.path+"/users/"+id, map[string]any{"groups": []string{"b"}})
		}},
		{"archiveUser", "archive", joined, post("archive")},
		{"restoreUser", "archive", archived, post("restore")},
		{"resendInvitation", "invite", quiet, post("resend")},
		{"eraseUser", "archive", archived, func(id string) { o.call(o.admin, "DELETE", o.path+"/users/"+id, nil) }},
	} {
		b.Run(op.name, func(b *testing.B) {
			var answering, behind capacity.Units
			n := 0
			for b.Loop() {
				what := op.prepare()
				o.settle(meter)
				op.run(what)
				for function, u := range o.settle(meter) {
					to := &behind
					if function == op.function {
						to = &answering
					}
					to.Read, to.Write, to.Calls = to.Read+u.Read, to.Write+u.Write, to.Calls+u.Calls
				}
				n++
			}
			b.ReportMetric(answering.Read/float64(n), "RCU")
			b.ReportMetric(answering.Write/float64(n), "WCU")
			b.ReportMetric(float64(answering.Calls)/float64(n), "calls")
			b.ReportMetric(behind.Read/float64(n), "RCU-behind")
			b.ReportMetric(behind.Write/float64(n), "WCU-behind")
			b.ReportMetric(0, "ns/op")
		})
	}
}

// office is a workspace that benchmarks work in, on a stack of its own.
type office struct {
	b                testing.TB
	url, admin, path string
	stack            *local.Stack
	key              string // the Idempotency-Key, if any
	n                int64
	log              *local.Reports
}

func newOffice(b *testing.B) (*office, *capacity.Meter) {
	var meter *capacity.Meter
	o := newOfficeWith(b, local.Config{Meter: func(table string) (func(string) http.Handler, error) {
		var err error
		meter, err = capacity.New(table, blueprint.TheTable())
		return func(function string) http.Handler { return meter.For(function) }, err
	}})
	return o, meter
}

// newOfficeWith makes an office on a stack of this configuration.
func newOfficeWith(b *testing.B, cfg local.Config) *office {
	top, err := filepath.Abs(root)
	if err != nil {
		b.Fatal(err)
	}
	log := &local.Reports{}
	const enough = "100000" // mails a day: what is measured here is no limit
	cfg.Settings = map[setting.Definition]string{setting.MailsPerInviter: enough, setting.MailsPerNewWorkspace: enough}
	cfg.Root, cfg.Functions, cfg.Log = top, filepath.Join(top, "build", "local"), log
	stack, err := local.Start(b.Context(), cfg)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := stack.Close(context.Background()); err != nil {
			b.Error(err)
		}
	})
	o := &office{b: b, stack: stack, url: stack.URL, n: time.Now().UnixNano(), log: log}
	o.admin = o.token("ada@corp.com")
	o.path = "/v1/workspaces/" + o.call(o.admin, "POST", "/v1/workspaces", map[string]any{"name": "Nexus"})["id"].(string)
	return o
}

func (o *office) call(token, method, path string, body any) map[string]any {
	var reader io.Reader
	if body != nil {
		raw, err := json.Marshal(body)
		if err != nil {
			o.b.Fatal(err)
		}
		reader = bytes.NewReader(raw)
	}
	req, err := http.NewRequest(method, o.url+path, reader)
	if err != nil {
		o.b.Fatal(err)
	}
	req.Header.Set("content-type", "application/json")
	if o.key != "" {
		req.Header.Set("idempotency-key", o.key)
	}
	if token != "" {
		req.Header.Set("authorization", "Bearer "+token)
	}
	res, err := http.DefaultTransport.RoundTrip(req) // follows no redirect
	if err != nil {
		o.b.Fatal(err)
	}
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode >= 400 {
		o.b.Fatalf("%s %s: %d %s %v", method, path, res.StatusCode, raw, err)
	}
	out := map[string]any{}
	if len(raw) > 0 {
		if err := json.Unmarshal(raw, &out); err != nil {
			o.b.Fatal(err)
		}
	}
	return out
}

func (o *office) token(email string) string {
	return o.call("", "POST", "/local/token", map[string]any{"email": email, "name": "Ada Admin"})["token"].(string)
}

func (o *office) invite() (id, email, url string) { return o.inviteWith(nil) }

func (o *office) inviteWith(more map[string]any) (id, email, url string) {
	person := o.person()
	maps.Copy(person, more)
	u := o.call(o.admin, "POST", o.path+"/users", person)
	return u["id"].(string), person["email"].(string), u["invitation"].(map[string]any)["url"].(string)
}

func (o *office) person() map[string]any {
	n := atomic.AddInt64(&o.n, 1)
	return map[string]any{
		"name": "John Doe", "email": fmt.Sprintf("john-%d@corp.com", n), "role": "builder",
		"metadata": map[string]any{"apiKey": "abc123", "region": "eu"},
	}
}

// inviteMany invites n people in one call.
func (o *office) inviteMany(n int) {
	people := make([]any, n)
	for i := range people {
		people[i] = o.person()
	}
	for _, result := range o.call(o.admin, "POST", o.path+"/users/batch", map[string]any{"users": people})["results"].([]any) {
		if outcome := result.(map[string]any)["outcome"]; outcome != "created" {
			o.b.Fatalf("a row is %v", outcome)
		}
	}
}

// accept takes "<email> <url>".
func (o *office) accept(what string) {
	var email, url string
	if _, err := fmt.Sscan(what, &email, &url); err != nil {
		o.b.Fatal(err)
	}
	o.call(o.token(email), "POST", "/v1/invitations/"+url[len(o.url+"/invite/"):]+"/accept", nil)
}

// settle waits until nothing is consumed any more, and gives what was.
func (o *office) settle(meter *capacity.Meter) map[string]capacity.Units {
	sum := map[string]capacity.Units{}
	for quiet := 0; quiet < 4; {
		time.Sleep(100 * time.Millisecond)
		taken := meter.Take()
		if len(taken) == 0 {
			quiet++
			continue
		}
		quiet = 0
		for function, u := range taken {
			s := sum[function]
			sum[function] = capacity.Units{Read: s.Read + u.Read, Write: s.Write + u.Write, Calls: s.Calls + u.Calls}
		}
	}
	return sum
}
