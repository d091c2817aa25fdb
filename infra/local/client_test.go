package local_test

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"html"
	"io"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/latchkey/latchkey/infra/local"
	"github.com/latchkey/latchkey/infra/local/contract"
	"github.com/latchkey/latchkey/shared/setting"
	"github.com/latchkey/latchkey/shared/user"
)

// stack is the whole service, once for all tests of this package. Tests keep
// out of each other's way by having a workspace each.
var (
	stack    *local.Stack
	log      = &lockedBuffer{}
	document *contract.Contract
)

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	ctx := context.Background()
	root, err := filepath.Abs("../..")
	if err != nil {
		return fail(err)
	}
	document, err = contract.Load(filepath.Join(root, "openapi.yaml"))
	if err != nil {
		return fail(err)
	}
	stack, err = local.Start(ctx, local.Config{
		Root: root, Functions: filepath.Join(root, "build", "local"), Log: log,
		Duplicates: 0.2,
		RetrySpeed: 8, // what fails on a busy machine shows again after 22 s instead of three minutes
		Settings: map[setting.Definition]string{
			setting.LogoHosts: "cdn.corp.com",
		},
	})
	if err != nil {
		return fail(err)
	}
	listen()
	code := m.Run()
	if code == 0 && flag.Lookup("test.run").Value.String() == "" {
		code = exercised()
	}
	if err := stack.Close(ctx); err != nil {
		return fail(err)
	}
	if code != 0 {
		fmt.Fprintf(os.Stderr, "the stack's log ends with:\n%s\n", tail(log.String(), 8000))
	}
	return code
}

// exercised fails a whole run in which an operation was never called.
func exercised() int {
	seen := document.Exercised()
	code := 0
	for _, o := range document.Operations() {
		if len(seen[o.ID]) == 0 {
			code = fail(fmt.Errorf("no test calls %s", o.ID))
		}
	}
	return code
}

func fail(err error) int {
	fmt.Fprintln(os.Stderr, err)
	return 1
}

func tail(s string, n int) string { return s[max(0, len(s)-n):] }

type lockedBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

// client calls the API as one person, and holds every answer against the
// contract.
type client struct {
	t     *testing.T
	token string
	bad   bool // what it sends breaks the contract on purpose
	http  *http.Client
}

func newClient(t *testing.T, token string) *client {
	transport := document.Transport(http.DefaultTransport, func(err error) { t.Errorf("contract: %v", err) })
	return &client{t: t, token: token, http: &http.Client{
		Transport: transport, Timeout: 20 * time.Second,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// person is a client with a token of the local issuer.
func person(t *testing.T, email, name string) *client {
	return newClient(t, token(t, map[string]any{"email": email, "name": name}))
}

func token(t *testing.T, of map[string]any) string {
	t.Helper()
	var out struct{ Token string }
	res := newClient(t, "").send("POST", "/local/token", of, nil)
	if res.status != http.StatusOK {
		t.Fatalf("no token: %d %s", res.status, res.body)
	}
	res.decode(t, &out)
	return out.Token
}

// wrong is the same client, about to send what the contract forbids.
func (c *client) wrong() *client {
	w := *c
	w.bad = true
	return &w
}

type answer struct {
	status int
	header http.Header
	body   []byte
}

func (a answer) decode(t *testing.T, v any) {
	t.Helper()
	if err := json.Unmarshal(a.body, v); err != nil {
		t.Fatalf("%d %s: %v", a.status, a.body, err)
	}
}

func (c *client) send(method, path string, body any, header map[string]string) answer {
	c.t.Helper()
	a, err := c.try(method, path, body, header)
	if err != nil {
		c.t.Fatalf("%s %s: %v", method, path, err)
	}
	return a
}

// try is send for goroutines, which may not end a test.
func (c *client) try(method, path string, body any, header map[string]string) (answer, error) {
	var reader io.Reader
	switch b := body.(type) {
	case nil:
	case string:
		reader = strings.NewReader(b)
	default:
		raw, err := json.Marshal(b)
		if err != nil {
			return answer{}, err
		}
		reader = bytes.NewReader(raw)
	}
	ctx := context.Background()
	if c.bad {
		ctx = contract.Bad(ctx)
	}
	if !strings.HasPrefix(path, "http") {
		path = stack.URL + path
	}
	req, err := http.NewRequestWithContext(ctx, method, path, reader)
	if err != nil {
		return answer{}, err
	}
	if reader != nil {
		req.Header.Set("content-type", "application/json")
	}
	if c.token != "" {
		req.Header.Set("authorization", "Bearer "+c.token)
	}
	for name, value := range header {
		req.Header.Set(name, value)
	}
	res, err := c.http.Do(req)
	if err != nil {
		return answer{}, err
	}
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	return answer{res.StatusCode, res.Header, raw}, err
}

type apiUser struct {
	ID, WorkspaceID, Name, Email, Role, Status string
	Groups                                     []string
	Metadata                                   json.RawMessage
	Invitation                                 *struct {
		InvitedBy, Delivery, DeliveryReason, URL string
		SentAt, ExpiresAt                        time.Time
		ScheduledFor                             *time.Time
		UnsubscribedAt                           *time.Time
		Sends                                    int
	}
	ActivatedAt, ArchivedAt *time.Time
	Version                 int
}

type apiProblem struct {
	Title, Detail, Code, RequestID string
	Status                         int
	Errors                         []struct{ Pointer, Code, Detail string }
	User                           *struct{ ID, Status string }
}

// want checks the status and reads the answer into T.
func want[T any](t *testing.T, a answer, status int) (v T) {
	t.Helper()
	if a.status != status {
		t.Fatalf("answer %d %s, want %d", a.status, a.body, status)
	}
	if len(a.body) > 0 {
		a.decode(t, &v)
	}
	return v
}

// refused checks that the answer is a problem of this status and code.
func refused(t *testing.T, a answer, status int, code string) apiProblem {
	t.Helper()
	p := want[apiProblem](t, a, status)
	switch {
	case p.Code != code, p.Status != status, p.RequestID == "", p.Detail == "", p.Title == "":
		t.Errorf("problem %s, want %d %s", a.body, status, code)
	case a.header.Get("content-type") != "application/problem+json":
		t.Errorf("a problem of type %q", a.header.Get("content-type"))
	case a.header.Get("apigw-requestid") != p.RequestID:
		t.Errorf("request id %q in the body, %q in the header", p.RequestID, a.header.Get("apigw-requestid"))
	}
	return p
}

// office is a workspace with its admin.
type office struct {
	t     *testing.T
	admin *client
	id    string
	slug  string
	path  string // /v1/workspaces/<id>
	email string // of the admin
}

var unique = func() func() string {
	var mu sync.Mutex
	n := 0
	return func() string {
		mu.Lock()
		defer mu.Unlock()
		n++
		return fmt.Sprintf("%d-%d", time.Now().UnixNano(), n)
	}
}()

// letters is unique text of letters alone, which may stand in a name.
func letters() string {
	return strings.Map(func(r rune) rune {
		if r == '-' {
			return 'z'
		}
		return r - '0' + 'a'
	}, unique())
}

func newOffice(t *testing.T) office {
	t.Helper()
	email := "ada-" + unique() + "@corp.com"
	admin := person(t, email, "Ada Admin")
	ws := want[struct{ ID, Slug string }](t, admin.send("POST", "/v1/workspaces", map[string]any{"name": "Nexus"}, nil), http.StatusCreated)
	return office{t, admin, ws.ID, ws.Slug, "/v1/workspaces/" + ws.ID, email}
}

func (o office) invite(fields map[string]any) apiUser {
	o.t.Helper()
	body := map[string]any{"name": "John Doe", "email": "john-" + unique() + "@corp.com", "role": "builder"}
	for name, value := range fields {
		body[name] = value
	}
	return want[apiUser](o.t, o.admin.send("POST", o.path+"/users", body, nil), http.StatusCreated)
}

func (o office) get(id string) apiUser {
	o.t.Helper()
	return want[apiUser](o.t, o.admin.send("GET", o.path+"/users/"+id, nil, nil), http.StatusOK)
}

func (o office) accept(u apiUser) apiUser {
	o.t.Helper()
	return want[apiUser](o.t, person(o.t, u.Email, u.Name).send("POST", "/v1/invitations/"+tokenOf(u.Invitation.URL)+"/accept", nil, nil), http.StatusOK)
}

func tokenOf(url string) string { return url[strings.LastIndex(url, "/")+1:] }

// mail is a message as the inbox has it.
type mail struct {
	MessageID   string `json:"messageId"`
	From        string
	Subject     string
	Destination struct{ To []string }
	Body        struct{ HTML, Text string }
}

// inbox waits until an address has so many mails, and gives them.
func inbox(t *testing.T, address string, n int) []mail {
	t.Helper()
	var found []mail
	eventually(t, func() error {
		var store struct{ Emails []mail }
		newClient(t, "").send("GET", stack.MailURL+"/store", nil, nil).decode(t, &store)
		found = nil
		for _, m := range store.Emails {
			if len(m.Destination.To) == 1 && m.Destination.To[0] == address {
				found = append(found, m)
			}
		}
		if len(found) < n {
			return fmt.Errorf("%s has %d mails, not %d", address, len(found), n)
		}
		return nil
	})
	if len(found) > n {
		t.Errorf("%s has %d mails, not %d", address, len(found), n)
	}
	return found
}

// wait lets so much time pass for one user and their address: every time that a
// rule compares with the clock moves back. The functions have no clock that a
// test could turn.
func (o office) wait(userID string, d time.Duration) {
	o.t.Helper()
	moveBack(o.t, key("WS#"+o.id, "USER#"+userID), d, "sentAt", "expiresAt", "reminderAt", "scheduledFor", "dueSk", "mailedAt")
	rested(o.t, o.get(userID).Email, d)
}

// mailboxOf is the item of what the deployment knows of an address.
func mailboxOf(email string) map[string]types.AttributeValue {
	return key("RECIPIENT#"+user.EmailKey(email), "MAILBOX")
}

// rested makes the last mail to an address so much older, if there was one.
func rested(t *testing.T, email string, d time.Duration) {
	t.Helper()
	found, err := stack.DB.GetItem(t.Context(), &dynamodb.GetItemInput{TableName: aws.String(local.TableName), Key: mailboxOf(email), ConsistentRead: aws.Bool(true)})
	if err != nil {
		t.Fatal(err)
	}
	if found.Item != nil {
		moveBack(t, mailboxOf(email), d, "mailedAt")
	}
}

func key(pk, sk string) map[string]types.AttributeValue {
	return map[string]types.AttributeValue{"pk": &types.AttributeValueMemberS{Value: pk}, "sk": &types.AttributeValueMemberS{Value: sk}}
}

// moveBack makes times of an item of the table so much earlier.
func moveBack(t *testing.T, key map[string]types.AttributeValue, d time.Duration, attributes ...string) {
	t.Helper()
	found, err := stack.DB.GetItem(t.Context(), &dynamodb.GetItemInput{TableName: aws.String(local.TableName), Key: key, ConsistentRead: aws.Bool(true)})
	if err != nil || found.Item == nil {
		t.Fatalf("no item to make older: %v", err)
	}
	var sets []string
	names, values := map[string]string{}, map[string]types.AttributeValue{}
	for _, name := range attributes {
		text, ok := found.Item[name].(*types.AttributeValueMemberS)
		if !ok {
			continue
		}
		at, err := time.Parse(time.RFC3339, text.Value)
		if err != nil {
			t.Fatal(err)
		}
		sets = append(sets, "#"+name+" = :"+name)
		names["#"+name] = name
		values[":"+name] = &types.AttributeValueMemberS{Value: at.Add(-d).UTC().Format("2006-01-02T15:04:05.000Z")}
	}
	if len(sets) == 0 {
		return
	}
	_, err = stack.DB.UpdateItem(t.Context(), &dynamodb.UpdateItemInput{
		TableName: aws.String(local.TableName), Key: key, UpdateExpression: aws.String("SET " + strings.Join(sets, ", ")),
		ExpressionAttributeNames: names, ExpressionAttributeValues: values,
	})
	if err != nil {
		t.Fatal(err)
	}
}

// eventually waits for what happens behind the API.
func eventually(t *testing.T, check func() error) {
	t.Helper()
	within(t, time.Minute, check)
}

// within is eventually with a time of its own.
func within(t *testing.T, atMost time.Duration, check func() error) {
	t.Helper()
	deadline := time.Now().Add(atMost)
	for {
		err := check()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatal(err)
		}
		time.Sleep(50 * time.Millisecond)
	}
}

var (
	hrefs = regexp.MustCompile(`href="([^"]*)"`)
	links = regexp.MustCompile(`https?://[^\s<>"]+`)
)

// linksOf are the links of a mail's two parts.
func linksOf(t *testing.T, m mail) (fromHTML, fromText string) {
	t.Helper()
	found := hrefs.FindStringSubmatch(m.Body.HTML)
	if found == nil {
		t.Fatalf("no link in the HTML part: %s", m.Body.HTML)
	}
	return html.UnescapeString(found[1]), links.FindString(m.Body.Text)
}

func logged() []map[string]any {
	var lines []map[string]any
	for line := range strings.Lines(log.String()) {
		var v map[string]any
		if json.Unmarshal([]byte(line), &v) == nil {
			lines = append(lines, v)
		}
	}
	return lines
}

// secondAdmin is another admin of the same workspace.
func (o office) secondAdmin() *client { return o.colleague().admin }

// colleague is the same workspace as another admin has it.
func (o office) colleague() office {
	o.t.Helper()
	u := o.invite(map[string]any{"name": "Grace Admin", "role": "admin", "sendEmail": false})
	o.accept(u)
	o.admin, o.email = person(o.t, u.Email, u.Name), u.Email
	return o
}

// counted holds the exact counts against the list, and gives them.
func (o office) counted() map[string]int {
	o.t.Helper()
	counts := want[struct{ Counts map[string]int }](o.t, o.admin.send("GET", o.path+"/users?counts=true&limit=1", nil, nil), http.StatusOK).Counts
	listed := map[string]int{"requested": 0, "invited": 0, "active": 0, "archived": 0, "expired": 0, "declined": 0}
	for _, u := range o.list("?limit=100") {
		listed[u.Status]++
	}
	if !maps.Equal(counts, listed) {
		o.t.Errorf("the counts say %v, the list %v", counts, listed)
	}
	return counts
}

// me is the id of the office's admin.
func (o office) me() string {
	o.t.Helper()
	return want[apiUser](o.t, o.admin.send("GET", o.path+"/users/me", nil, nil), http.StatusOK).ID
}
