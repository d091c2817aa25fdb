package upgrade

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/latchkey/latchkey/infra/blueprint"
	"github.com/latchkey/latchkey/infra/local"
	"github.com/latchkey/latchkey/infra/local/mailbox"
	"github.com/latchkey/latchkey/shared/setting"
	"github.com/latchkey/latchkey/tests/caller"
)

var (
	release   = flag.String("make", "", "writes the testdata of a release of this name, and tests nothing")
	functions = flag.String("functions", "../../build/local", "the folder of the built functions")
)

const (
	domain    = "corp.example"
	simulated = mailbox.Simulator
	logoHost  = "cdn.corp.example"
	// soon is when the fixture's schedule runs, counted from its making: past
	// invitations of a day, not yet past any other.
	soon = 36 * time.Hour
)

func start(t *testing.T, dataDir string, fault func(local.TableCall) local.TableFault) *local.Stack {
	t.Helper()
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	stack, err := local.Start(t.Context(), local.Config{
		Root: root, Functions: *functions, DataDir: dataDir, TableFault: fault,
		Settings: map[setting.Definition]string{setting.LogoHosts: logoHost},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := stack.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return stack
}

// TestMakeFixture writes testdata/<release>.tar.gz, <release>.json and
// items-<release>.json from the functions as they are built.
func TestMakeFixture(t *testing.T) {
	if *release == "" {
		t.Skip("writes testdata: go test ./tests/upgrade -run Make -make <release>")
	}
	data := t.TempDir()
	m := &maker{t: t, fixture: fixture{Release: *release, MadeAt: time.Now().UTC(), Workspaces: map[string]*workspaceView{}}}
	m.stack = start(t, data, m.refuses)
	people, settings := m.open("people", false), m.open("settings", false)
	m.pastDue(people, settings)
	people.everyState()
	settings.everySetting()
	m.seats()
	m.paused()
	m.operators()
	m.settle()
	m.look()
	writeJSON(t, path("items-"+*release+".json"), m.items())
	if err := m.stack.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
	writeJSON(t, path(*release+".json"), m.fixture)
	if err := pack(data, path(*release+".tar.gz")); err != nil {
		t.Fatal(err)
	}
}

func writeJSON(t *testing.T, file string, v any) {
	t.Helper()
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	err := encoder.Encode(v)
	if err == nil {
		err = os.WriteFile(file, out.Bytes(), 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// maker drives a stack of its own through its API, so that its table has items
// of every shape.
type maker struct {
	t       *testing.T
	stack   *local.Stack
	fixture fixture
	offices []*office
	// left is how many calls of the function workspace the table still serves
	// when limited is set.
	limited atomic.Bool
	left    atomic.Int64
}

func (m *maker) refuses(c local.TableCall) (f local.TableFault) {
	if c.Function == "workspace" && m.limited.Load() && m.left.Add(-1) < 0 {
		f.Refuse = local.TooBusy
	}
	return f
}

// office is a workspace with whoever manages it.
type office struct {
	*maker
	admin caller.Caller
	view  *workspaceView
	path  string // /v1/workspaces/<id>
	users map[string]caller.User
	links map[string][]string // by label: tokens, oldest first
}

// open makes a workspace whose first admin is Ada, or which an operator made.
func (m *maker) open(label string, operator bool) *office {
	o := &office{maker: m, users: map[string]caller.User{}, links: map[string][]string{}}
	o.view = &workspaceView{Users: map[string]*userView{}, Erased: map[string]string{}, History: map[string][]string{}}
	if operator {
		o.admin = caller.Operator(m.t, m.stack.URL, "crm")
	} else {
		o.view.AdminEmail = "ada." + label + "@" + domain
		o.admin = caller.Person(m.t, m.stack.URL, o.view.AdminEmail, "Ada Admin")
	}
	var made struct{ ID string }
	o.admin.Send("POST", "/v1/workspaces", map[string]any{"name": "Nexus " + label}).Into(http.StatusCreated, &made)
	o.view.ID, o.path = made.ID, "/v1/workspaces/"+made.ID
	m.fixture.Workspaces[label] = o.view
	m.offices = append(m.offices, o)
	return o
}

func (o *office) person(label string) caller.Caller {
	return caller.Person(o.t, o.stack.URL, o.users[label].Email, o.users[label].Name)
}

func (o *office) set(patch map[string]any) {
	o.admin.Send("PATCH", o.path, patch).Into(http.StatusOK, nil)
}

func (o *office) group(id string) {
	o.admin.Send("PUT", o.path+"/groups/"+id, map[string]any{"name": "Group " + id}).Into(http.StatusCreated, nil)
}

// invite invites <label>@corp.example, without a mail unless fields say so.
func (o *office) invite(label string, fields map[string]any, headers ...string) caller.User {
	body := map[string]any{"name": "Name of " + label, "email": label + "@" + domain, "role": "builder", "sendEmail": false, "expiresInDays": 30}
	maps.Copy(body, fields)
	var u caller.User
	o.admin.Send("POST", o.path+"/users", body, headers...).Into(http.StatusCreated, &u)
	o.keep(label, u)
	return u
}

func (o *office) keep(label string, u caller.User) {
	o.users[label] = u
	if token := u.Token(); token != "" {
		o.links[label] = append(o.links[label], token)
	}
}

// act archives, restores or resends.
func (o *office) act(label, operation string, body any) {
	var u caller.User
	o.admin.Send("POST", o.path+"/users/"+o.users[label].ID+"/"+operation, body).Into(http.StatusOK, &u)
	o.keep(label, u)
}

func (o *office) accept(label string) { o.follow(o.person(label), label, "accept", http.StatusOK) }

// follow calls an operation of the newest link.
func (o *office) follow(who caller.Caller, label, operation string, status int) {
	links := o.links[label]
	who.Send("POST", "/v1/invitations/"+links[len(links)-1]+"/"+operation, nil).Into(status, nil)
}

func (o *office) erase(label string) {
	o.admin.Send("DELETE", o.path+"/users/"+o.users[label].ID, nil).Into(http.StatusNoContent, nil)
	o.view.Erased[label] = o.users[label].Email
	delete(o.users, label)
}

// expire runs the schedule as if it were soon.
func (m *maker) expire() {
	now := map[string]any{"now": time.Now().Add(soon).UTC().Format(time.RFC3339)}
	caller.Anyone(m.t, m.stack.URL).Send("POST", "/local/run/expire", now).Into(http.StatusOK, nil)
}

var (
	mailed = map[string]any{"sendEmail": true}
	silent = map[string]any{"sendEmail": false}
)

// pastDue makes those whom the schedule has been at, before anybody else is
// there whom it would change.
func (m *maker) pastDue(people, settings *office) {
	people.invite("expired", map[string]any{"expiresInDays": 1})
	people.invite("expired-mailed", map[string]any{"expiresInDays": 1, "sendEmail": true})
	settings.set(map[string]any{"reminderDays": 29})
	settings.invite("reminded", mailed)
	m.expire()
}

// everyState makes users in every state.
func (o *office) everyState() {
	nobody := caller.Anyone(o.t, o.stack.URL)
	o.group("eu")
	o.group("managers")
	o.group("leaving")

	o.invite("lapsing", map[string]any{"expiresInDays": 1, "groups": []string{"eu"}})

	o.invite("requested", mailed)
	o.invite("requested-unmailed", nil)
	caller.Person(o.t, o.stack.URL, "invited@"+domain, "Ina Invited").Send("PUT", "/v1/me", nil).Into(http.StatusNoContent, nil)
	o.invite("invited", mailed)
	o.invite("active", map[string]any{"sendEmail": true, "role": "end-user"})
	o.accept("active")
	o.invite("second-admin", map[string]any{"role": "admin"})
	o.accept("second-admin")
	o.invite("grouped", map[string]any{
		"groups": []string{"eu", "managers", "leaving"}, "metadata": map[string]any{"apiKey": "abc123", "seats": 3, "nested": map[string]any{"a": nil, "b": []int{1, 2}}},
	})
	o.invite("declined", mailed)
	o.follow(nobody, "declined", "decline", http.StatusOK)
	o.invite("unsubscribed", mailed)
	o.follow(nobody, "unsubscribed", "unsubscribe", http.StatusNoContent)
	o.invite("unsubscribed-active", nil)
	o.accept("unsubscribed-active")
	o.follow(nobody, "unsubscribed-active", "unsubscribe", http.StatusNoContent)
	o.invite("reported", mailed)
	o.follow(nobody, "reported", "report", http.StatusNoContent)
	for _, way := range []string{"success", "bounce", "complaint", "suppressionlist", "ooto"} {
		o.invite("simulated-"+way, map[string]any{"sendEmail": true, "email": way + "+people@" + simulated})
	}

	o.invite("archived-pending", map[string]any{"sendEmail": true, "metadata": map[string]any{"kept": true}})
	o.act("archived-pending", "archive", nil)
	o.invite("archived-active", map[string]any{"groups": []string{"managers"}})
	o.accept("archived-active")
	o.act("archived-active", "archive", nil)
	o.invite("restored-pending", nil)
	o.act("restored-pending", "archive", nil)
	o.act("restored-pending", "restore", silent)
	o.invite("restored-active", nil)
	o.accept("restored-active")
	o.act("restored-active", "archive", nil)
	o.act("restored-active", "restore", mailed)
	o.invite("reinvited", nil)
	o.accept("reinvited")
	o.act("reinvited", "archive", nil)
	o.act("reinvited", "restore", map[string]any{"reinvite": true})
	o.invite("resent", mailed)
	for range 20 {
		o.act("resent", "resend", silent)
	}
	o.invite("edited", nil)
	o.admin.Send("PATCH", o.path+"/users/"+o.users["edited"].ID, map[string]any{
		"name": "Edith Edited", "role": "end-user", "groups": []string{"eu"}, "metadata": map[string]any{"plan": "gold"},
	}).Into(http.StatusOK, nil)

	o.invite("erased", mailed)
	o.act("erased", "archive", nil)
	o.erase("erased")
	o.invite("erased-unsubscribed", mailed)
	o.follow(nobody, "erased-unsubscribed", "unsubscribe", http.StatusNoContent)
	o.act("erased-unsubscribed", "archive", nil)
	o.erase("erased-unsubscribed")
	o.invite("erased-and-back", nil)
	o.act("erased-and-back", "archive", nil)
	o.erase("erased-and-back")
	delete(o.view.Erased, "erased-and-back")
	o.invite("erased-and-back", nil)

	o.request("idempotent", `{"name":"Ida","email":"idempotent@corp.example","role":"builder","sendEmail":false,"expiresInDays":30,"metadata":{"k":1}}`, "", http.StatusCreated)
	o.request("idempotent-batch", `{"users":[{"name":"One","email":"batch-1@corp.example","role":"builder","expiresInDays":30},{"name":"Two","email":"batch-2@corp.example","role":"end-user","sendEmail":false}]}`, "/batch", http.StatusOK)
	o.deleteHalf("leaving")
}

// request makes a call with an Idempotency-Key.
func (o *office) request(key, body, at string, status int) {
	a := o.admin.Send("POST", o.path+"/users"+at, body, "idempotency-key", key).Into(status, nil)
	o.view.Requests = append(o.view.Requests, requestView{o.path + "/users" + at, key, body, status, a.Body})
}

// deleteHalf begins to delete a group and breaks off before anybody has left
// it: the table serves the reading of the caller and the group's mark alone.
func (o *office) deleteHalf(group string) {
	o.left.Store(2)
	o.limited.Store(true)
	o.admin.Send("DELETE", o.path+"/groups/"+group, nil).Into(http.StatusServiceUnavailable, nil)
	o.limited.Store(false)
	o.view.Deleting = append(o.view.Deleting, group)
}

// everySetting leaves a workspace none of the defaults.
func (o *office) everySetting() {
	o.set(map[string]any{
		"name": "Nexus München", "invitationDays": 30, "reminderDays": 29, "allowedEmailDomains": []string{domain, "bücher.example", simulated},
		"locale": "de", "timezone": "Europe/Berlin", "directory": "members", "personalMessages": true, "seatLimit": 50, "notifyInviters": true,
		"productName": "Nexus Cloud", "logoUrl": "https://" + logoHost + "/logo.png", "accentColor": "#1f4fd8", "replyTo": "inviter", "supportAddress": "help@" + domain,
	})
	o.set(map[string]any{"seatLimit": nil}) // the tally has rooms of a limit that is gone
	o.invite("with-message", map[string]any{"sendEmail": true, "message": "Willkommen im Team!", "locale": "fr"})
	o.invite("to-remind", map[string]any{"sendEmail": true})
	o.invite("accepted", map[string]any{"sendEmail": true})
	o.accept("accepted")
	o.invite("umlaut", map[string]any{"email": "umlaut@bücher.example", "name": "Jörg Müller-Lüdenscheidt"})
}

// seats makes a workspace with three seats left, and one with none.
func (m *maker) seats() {
	o := m.open("seats", false)
	o.invite("pending", nil)
	o.invite("active", nil)
	o.accept("active")
	o.invite("archived", nil)
	o.act("archived", "archive", nil)
	o.invite("lapsing", map[string]any{"expiresInDays": 1})
	o.set(map[string]any{"seatLimit": 7}) // the admin, three of them, and three more

	full := m.open("full", false)
	full.set(map[string]any{"seatLimit": 2})
	full.invite("pending", nil)
	full.admin.Send("POST", full.path+"/users", map[string]any{"name": "No Seat", "email": "no-seat@" + domain, "role": "builder", "sendEmail": false}).
		Refused(http.StatusConflict, "seat_limit_reached")
}

// paused makes a workspace that three people have reported.
func (m *maker) paused() {
	o := m.open("paused", false)
	for i := range 3 {
		label := fmt.Sprint("annoyed-", i)
		o.invite(label, mailed)
		o.follow(caller.Anyone(m.t, m.stack.URL), label, "report", http.StatusNoContent)
	}
}

// operators makes a workspace without an admin.
func (m *maker) operators() {
	o := m.open("operators", true)
	o.invite("by-backend", map[string]any{"role": "admin", "sendEmail": true})
	o.accept("by-backend")
	o.invite("by-backend-pending", mailed)
}

// settle waits until every event is published and every mail is told of.
func (m *maker) settle() {
	still, before := 0, ""
	caller.Eventually(m.t, 2*time.Minute, func() error {
		now := ""
		for _, queue := range []string{blueprint.QueueMail, blueprint.QueueFeedback} {
			depth, err := m.stack.Queues.Depth(queue)
			if err != nil {
				m.t.Fatal(err)
			}
			if depth.Visible+depth.InFlight > 0 {
				still = 0
				return fmt.Errorf("%s holds %+v", queue, depth)
			}
		}
		for _, o := range m.offices {
			now += fmt.Sprint(len(history(o.admin, o.path)), " ")
		}
		if still++; now != before {
			still, before = 0, now
		}
		if still < 20 { // looks at a history that stays as it is
			return fmt.Errorf("the history grows: %s lines", now)
		}
		return nil
	})
}

// line is a line of the history.
type line struct{ UserID, Type, Actor string }

func history(c caller.Caller, path string) (lines []line) {
	for cursor := ""; ; {
		var page struct {
			Entries    []line
			NextCursor *string
		}
		c.Send("GET", path+"/history?limit=100"+cursor, nil).Into(http.StatusOK, &page)
		lines = append(lines, page.Entries...)
		if page.NextCursor == nil {
			slices.Reverse(lines)
			return lines
		}
		cursor = "&cursor=" + *page.NextCursor
	}
}

// historyOf returns the types of the lines about a user, the oldest first; for ""
// of those about the workspace itself.
func historyOf(c caller.Caller, workspace, userID string) (types []string) {
	path := workspace
	if userID != "" { // what became of their mail is in their own history alone
		path += "/users/" + userID
	}
	for _, l := range history(c, path) {
		if l.UserID == userID {
			types = append(types, l.Type)
		}
	}
	return types
}

// look notes what there is, as the API shows it.
func (m *maker) look() {
	for _, o := range m.offices {
		o.view.Settings = o.admin.Send("GET", o.path, nil).Into(http.StatusOK, nil).Body
		o.view.Counts = counts(o.admin, o.path)
		o.view.Groups = o.admin.Send("GET", o.path+"/groups", nil).Into(http.StatusOK, nil).Body
		for _, l := range history(o.admin, o.path) {
			if o.view.History[l.UserID] == nil {
				o.view.History[l.UserID] = historyOf(o.admin, o.path, l.UserID)
			}
		}
		for _, label := range []string{"idempotent", "batch-1", "batch-2"} {
			if u, ok := find(o.admin, o.path, label+"@"+domain); ok {
				o.users[label] = u
			}
		}
		if u, ok := find(o.admin, o.path, o.view.AdminEmail); ok {
			o.users["founder"] = u
		}
		for label, u := range o.users {
			a := o.admin.Send("GET", o.path+"/users/"+u.ID, nil).Into(http.StatusOK, &u)
			view := &userView{User: a.Body, ETag: a.Header.Get("etag"), Dead: o.links[label]}
			if n := len(view.Dead); n > 0 && u.Status != "archived" {
				view.Dead, view.Link = view.Dead[:n-1], view.Dead[n-1]
			}
			o.view.Users[label] = view
		}
	}
}

func counts(c caller.Caller, path string) map[string]int {
	var page struct{ Counts map[string]int }
	c.Send("GET", path+"/users?counts=true&limit=1", nil).Into(http.StatusOK, &page)
	return page.Counts
}

func find(c caller.Caller, path, email string) (u caller.User, ok bool) {
	var page struct{ Users []caller.User }
	c.Send("GET", path+"/users?limit=100&q="+strings.ReplaceAll(email, "@", "%40"), nil).Into(http.StatusOK, &page)
	if email == "" || len(page.Users) != 1 {
		return u, false
	}
	return page.Users[0], true
}

// labelled is an item of the table in DynamoDB's JSON.
type labelled struct {
	Label string
	Item  map[string]json.RawMessage
}

// items returns one item of each shape: of each entity, status and delivery,
// one for each set of attributes.
func (m *maker) items() (found []labelled) {
	seen := map[string]bool{}
	for _, item := range scan(m.t, m.stack) {
		label := []string{}
		for _, name := range []string{"entity", "status", "delivery"} {
			var value struct{ S string }
			if item[name] != nil && json.Unmarshal(item[name], &value) == nil {
				label = append(label, value.S)
			}
		}
		if label[0] == "tally" { // which statuses a part counts is chance
			maps.DeleteFunc(item, func(name string, _ json.RawMessage) bool {
				return !slices.Contains([]string{"pk", "sk", "entity", "room", "requested"}, name)
			})
		}
		label = append(label, "("+strings.Join(slices.Sorted(maps.Keys(item)), " ")+")")
		shape := strings.Join(label, " ")
		if !seen[shape] {
			seen[shape] = true
			found = append(found, labelled{shape, item})
		}
	}
	slices.SortFunc(found, func(a, b labelled) int { return strings.Compare(a.Label, b.Label) })
	return found
}

// scan returns every item of the table.
func scan(t *testing.T, stack *local.Stack) (items []map[string]json.RawMessage) {
	t.Helper()
	for start := json.RawMessage(nil); ; {
		in := map[string]any{"TableName": local.TableName, "ConsistentRead": true}
		if start != nil {
			in["ExclusiveStartKey"] = start
		}
		body, err := json.Marshal(in)
		if err != nil {
			t.Fatal(err)
		}
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, stack.TableURL, bytes.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("content-type", "application/x-amz-json-1.0")
		req.Header.Set("x-amz-target", "DynamoDB_20120810.Scan")
		// DynamoDB Local checks no signature, but keeps a table for each key and region.
		req.Header.Set("authorization", "AWS4-HMAC-SHA256 Credential=local/20260101/us-east-1/dynamodb/aws4_request, SignedHeaders=host, Signature=0")
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		raw, err := io.ReadAll(res.Body)
		_ = res.Body.Close()
		var page struct {
			Items            []map[string]json.RawMessage
			LastEvaluatedKey json.RawMessage
		}
		if err != nil || res.StatusCode != http.StatusOK || json.Unmarshal(raw, &page) != nil {
			t.Fatalf("scan: %d %s %v", res.StatusCode, raw, err)
		}
		items = append(items, page.Items...)
		if start = page.LastEvaluatedKey; start == nil {
			return items
		}
	}
}
