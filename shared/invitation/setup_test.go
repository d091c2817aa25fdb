package invitation_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/latchkey/latchkey/infra/blueprint"
	"github.com/latchkey/latchkey/infra/local/awsapi"
	"github.com/latchkey/latchkey/infra/local/dynamodblocal"
	"github.com/latchkey/latchkey/shared/access"
	"github.com/latchkey/latchkey/shared/awsenv"
	"github.com/latchkey/latchkey/shared/datakey"
	"github.com/latchkey/latchkey/shared/fault"
	"github.com/latchkey/latchkey/shared/id"
	"github.com/latchkey/latchkey/shared/invitation"
	"github.com/latchkey/latchkey/shared/link"
	"github.com/latchkey/latchkey/shared/linkkey"
	"github.com/latchkey/latchkey/shared/store"
	"github.com/latchkey/latchkey/shared/user"
	"github.com/latchkey/latchkey/shared/workspace"
)

// The use cases run against AWS's own DynamoDB Local, and KMS as the laptop has
// it.
var (
	database *dynamodblocal.Server
	keyEnv   awsenv.Env
)

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	fail := func(err error) int {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	dir, err := dynamodblocal.FindDir()
	if err != nil {
		return fail(err)
	}
	database, err = dynamodblocal.Start(context.Background(), dynamodblocal.Config{Dir: dir})
	if err != nil {
		return fail(err)
	}
	defer func() { _ = database.Stop() }()
	keys, err := os.MkdirTemp("", "latchkey-keys-")
	if err != nil {
		return fail(err)
	}
	defer func() { _ = os.RemoveAll(keys) }()
	api, err := awsapi.New(awsapi.Config{DataDir: keys, MetadataKeyID: "metadata-key", Random: rand.Reader})
	if err != nil {
		return fail(err)
	}
	server := httptest.NewServer(api)
	defer server.Close()
	keyEnv = awsenv.Env{Get: func(name string) string {
		return map[string]string{
			"AWS_REGION": "us-east-1", "AWS_ACCESS_KEY_ID": "local", "AWS_SECRET_ACCESS_KEY": "local",
			"AWS_ENDPOINT_URL_KMS": server.URL, "METADATA_KEY": "metadata-key", "API_URL": "https://api.corp.com",
		}[name]
	}}
	return m.Run()
}

const day = 24 * time.Hour

// t0 is noon, so that a minute later is the same day.
var t0 = time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)

// deployment is the use cases over a table of one test, with a clock that the
// test moves.
type deployment struct {
	invitation.Service
	*wire
	t     *testing.T
	now   time.Time
	db    *dynamodb.Client
	table string
}

var tables atomic.Int64

func newDeployment(t *testing.T) *deployment {
	t.Helper()
	t.Parallel()
	d := &deployment{t: t, now: t0, wire: &wire{}}
	db := dynamodb.New(dynamodb.Options{
		Region: "us-east-1", BaseEndpoint: aws.String(database.Endpoint()),
		Credentials: dynamodblocal.Credentials, Retryer: awsenv.PatientRetryer(), HTTPClient: d.wire,
	})
	name := fmt.Sprintf("test-%d", tables.Add(1))
	if err := dynamodblocal.CreateTable(t.Context(), db, name, blueprint.TheTable()); err != nil {
		t.Fatal(err)
	}
	d.db, d.table = db, name
	d.Service = invitation.Service{
		Store: store.New(db, name), DataKeys: datakey.FromEnv(keyEnv, rand.Reader),
		Reports: 2, Random: rand.Reader, Limits: daily(1_000_000),
	}
	d.Links = linkkey.New(d.Store, d.DataKeys, keyEnv)
	_, err := d.Links.Maker(t.Context(), d.now)
	d.check("the first link key", err)
	return d
}

// daily are limits that are the same for everybody.
func daily(n int) workspace.Limits {
	return workspace.Limits{Inviter: n, NewWorkspace: n, Workspace: n}
}

// wire is an HTTP client that a test listens to.
type wire struct {
	mu     sync.Mutex
	before func(operation, request string)
	writes atomic.Int64
}

// listen calls before ahead of each call to the database.
func (w *wire) listen(before func(operation, request string)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.before = before
}

func (w *wire) Do(r *http.Request) (*http.Response, error) {
	w.mu.Lock()
	before := w.before
	w.mu.Unlock()
	_, operation, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	switch operation {
	case "TransactWriteItems", "PutItem", "UpdateItem", "DeleteItem":
		w.writes.Add(1)
	}
	if before != nil {
		request, err := io.ReadAll(r.Body)
		if err != nil {
			return nil, err
		}
		r.Body = io.NopCloser(bytes.NewReader(request))
		before(operation, string(request))
	}
	return http.DefaultTransport.RoundTrip(r)
}

func (d *deployment) pass(t time.Duration) { d.now = d.now.Add(t) }

func (d *deployment) check(what string, err error) {
	d.t.Helper()
	if err != nil {
		d.t.Fatalf("%s: %v", what, err)
	}
}

// tenant is a workspace with its first admin.
type tenant struct {
	*deployment
	id, admin, email string
}

var serial atomic.Int64

// found makes a workspace; its founder is nobody in any other.
func (d *deployment) found(patch workspace.Patch) tenant {
	d.t.Helper()
	wsID := d.newID()
	n := serial.Add(1)
	email := fmt.Sprintf("founder-%d@corp.com", n)
	by := user.Stamp{ID: d.stamp("").ID, Actor: user.IDFor(wsID, email), At: d.now}
	wrapped, err := d.DataKeys.New(d.t.Context(), wsID)
	d.check("a data key", err)
	w := workspace.New(by, wsID, "Corp", fmt.Sprintf("corp-%d", n), wrapped)
	founder := user.Founder(by, wsID, "Flora Founder", email, "sub-"+email)
	d.check("found a workspace", d.Store.InsertWorkspace(d.t.Context(), w, &founder, 1000))
	tn := tenant{d, wsID, founder.ID, email}
	if patch != (workspace.Patch{}) {
		tn.patch(patch)
	}
	return tn
}

// newID is that of a workspace that does not exist yet.
func (d *deployment) newID() string {
	d.t.Helper()
	wsID, err := id.Random(workspace.IDPrefix, rand.Reader)
	d.check("an id", err)
	return wsID
}

func (d *deployment) stamp(actor string) user.Stamp {
	d.t.Helper()
	stamp, err := access.Stamp(context.Background(), actor, d.now, rand.Reader)
	d.check("a stamp", err)
	return stamp
}

func (tn tenant) patch(p workspace.Patch) {
	tn.t.Helper()
	_, err := tn.ChangeWorkspace(tn.t.Context(), tn.grant(""), p, tn.now)
	tn.check("change the workspace", err)
}

// grant is the founder's, on the user of a path; "" for none. want is what a
// handler reads with it.
func (tn tenant) grant(target string, more ...store.Want) access.Grant {
	tn.t.Helper()
	want := store.Want{Counts: true}
	if len(more) > 0 {
		want = more[0]
	}
	want.Workspace, want.Inviter = tn.id, tn.email
	want.Users = append(want.Users, tn.admin, target)
	if target != "" { // as access does
		want.Wishes = append(want.Wishes, target)
	}
	st, err := tn.Store.Load(tn.t.Context(), want)
	tn.check("load", err)
	return access.Grant{State: st, Me: st.Users[tn.admin], Actor: tn.admin, Email: tn.email, Target: target}
}

// person is somebody whom nothing speaks against.
func person(email string) invitation.Person {
	return invitation.NewPerson(invitation.Person{
		Details: user.Details{Name: "John Doe", Email: email, Role: user.EndUser}, SendEmail: true,
	})
}

// people are n of them.
func people(n int) []invitation.Person {
	all := make([]invitation.Person, n)
	for i := range all {
		all[i] = person(address(i))
	}
	return all
}

func address(i int) string { return fmt.Sprintf("person-%d@corp.com", i) }

func (tn tenant) tryInvite(p invitation.Person, call invitation.Call) (invitation.View, error) {
	tn.t.Helper()
	return tn.Invite(tn.t.Context(), tn.grant("", invitation.Needs(p, call)), p, call, tn.now)
}

func (tn tenant) invite(email string) user.User {
	tn.t.Helper()
	v, err := tn.tryInvite(person(email), invitation.Call{})
	tn.check("invite "+email, err)
	return v.User
}

func (tn tenant) inviteAll(people []invitation.Person, call invitation.Call) []invitation.Outcome {
	tn.t.Helper()
	outcomes, err := tn.InviteAll(tn.t.Context(), tn.grant(""), people, call, false, tn.now)
	tn.check("invite people", err)
	return outcomes
}

func (tn tenant) load(userID string) user.User {
	tn.t.Helper()
	u, ok, err := tn.Store.LoadUser(tn.t.Context(), tn.id, userID)
	if err != nil || !ok {
		tn.t.Fatalf("load %s: %v, %v", userID, ok, err)
	}
	return u
}

func (tn tenant) exists(email string) bool {
	tn.t.Helper()
	_, ok, err := tn.Store.LoadUser(tn.t.Context(), tn.id, user.IDFor(tn.id, email))
	tn.check("load", err)
	return ok
}

func (tn tenant) workspace() workspace.Workspace {
	tn.t.Helper()
	return tn.grant("").Workspace
}

// asked is how many mails and invitations the founder's day counts.
func (tn tenant) asked() int {
	tn.t.Helper()
	const plenty = 1_000_000
	st := tn.grant("", store.Want{AllCounts: true}).State
	return plenty - st.Room(store.Decision{Limits: daily(plenty), At: tn.now})
}

func (tn tenant) counts() map[user.Status]int {
	tn.t.Helper()
	counts, err := tn.Store.Counts(tn.t.Context(), tn.id)
	tn.check("count", err)
	return counts
}

func (d *deployment) token(purpose link.Purpose, u user.User) string {
	d.t.Helper()
	keys, err := d.Links.Keys(d.t.Context(), d.now)
	d.check("the link keys", err)
	token, err := keys.Token(purpose, link.Invitation{WorkspaceID: u.WorkspaceID, UserID: u.ID, Generation: u.Invitation.Generation})
	d.check("a token", err)
	return token
}

func guest(email string) user.Guest { return user.Guest{Subject: "sub-" + email, Email: email} }

// follow opens the newest link of a user, signed in with their address.
func (d *deployment) follow(u user.User) invitation.Open {
	d.t.Helper()
	o, err := d.Follow(d.t.Context(), d.token(link.Accept, u), u.Email, d.now)
	d.check("follow the link", err)
	return o
}

func (d *deployment) accept(u user.User) user.User {
	d.t.Helper()
	v, err := d.Accept(d.t.Context(), d.follow(u), guest(u.Email), d.now)
	d.check("accept", err)
	return v.User
}

func (d *deployment) decline(u user.User) user.User {
	d.t.Helper()
	u, err := d.Decline(d.t.Context(), d.follow(u), d.now)
	d.check("decline", err)
	return u
}

func (tn tenant) archive(u user.User) user.User {
	tn.t.Helper()
	v, err := tn.Archive(tn.t.Context(), tn.grant(u.ID), tn.now)
	tn.check("archive", err)
	return v.User
}

func (tn tenant) erase(u user.User) {
	tn.t.Helper()
	tn.check("erase", tn.Erase(tn.t.Context(), tn.grant(u.ID), tn.now))
}

// mailed is how an admin asks for a mail.
var mailed = invitation.Again{SendEmail: true}

func (tn tenant) resend(u user.User, how invitation.Again) (user.User, error) {
	tn.t.Helper()
	v, err := tn.Resend(tn.t.Context(), tn.grant(u.ID), how, tn.now)
	return v.User, err
}

func (tn tenant) restore(u user.User, how invitation.Again) (user.User, error) {
	tn.t.Helper()
	v, err := tn.Restore(tn.t.Context(), tn.grant(u.ID), how, tn.now)
	return v.User, err
}

// express notes what the reader of a user's mail says.
func (d *deployment) express(u user.User, wish user.Wish) (paused bool) {
	d.t.Helper()
	reader, err := d.Reader(d.t.Context(), link.OptOut, d.token(link.OptOut, u), d.now)
	d.check("read the mail", err)
	paused, err = d.Express(d.t.Context(), reader, wish, d.now)
	d.check("express a wish", err)
	return paused
}

// learn notes what the mail service says about the newest mail to a user.
func (d *deployment) learn(u user.User, n user.Notice) {
	d.t.Helper()
	d.check("learn", d.Learn(d.t.Context(), invitation.Returned{
		Mail:     store.Mail{WorkspaceID: u.WorkspaceID, UserID: u.ID, Generation: u.Invitation.Generation, Kind: "invitation"},
		EmailKey: user.EmailKey(u.Email), Notice: n,
	}, "svc_mail", d.now))
}

var (
	bounce    = user.Notice{Delivery: user.DeliveryBounced, Reason: "The mailbox doesn't exist.", Weight: user.WeightUndeliverable}
	complaint = user.Notice{Delivery: user.DeliveryComplained, Reason: "Marked as spam.", Weight: user.WeightComplained}
)

// fall runs the schedule once over a workspace: everything that is due, longest
// overdue first. It returns the changes made, by user id, and their order.
func (tn tenant) fall() (changes map[string]user.ChangeType, order []string) {
	tn.t.Helper()
	overdue, err := tn.Store.ListDue(tn.t.Context(), tn.now)
	tn.check("list what is due", err)
	changes = map[string]user.ChangeType{}
	for {
		due, ok, err := overdue.Next(tn.t.Context())
		tn.check("go on", err)
		if !ok {
			return changes, order
		}
		if due.WorkspaceID != tn.id || due.UserID == "" {
			continue
		}
		what, err := tn.Fall(tn.t.Context(), due.WorkspaceID, due.UserID, tn.now)
		tn.check("fall", err)
		if what != "" {
			changes[due.UserID] = what
			order = append(order, due.UserID)
		}
	}
}

func isFault(t *testing.T, what string, err error, code string) {
	t.Helper()
	if fault.Code(err) != code {
		t.Errorf("%s: %v, want %s", what, err, code)
	}
}

func has(t *testing.T, what string, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("%s: %v, want %v", what, err, want)
	}
}

func same[T comparable](t *testing.T, what string, got, want T) {
	t.Helper()
	if got != want {
		t.Errorf("%s: %v, want %v", what, got, want)
	}
}

// kinds counts outcomes by kind.
func kinds(outcomes []invitation.Outcome) map[invitation.Kind]int {
	n := map[invitation.Kind]int{}
	for _, o := range outcomes {
		n[o.Kind]++
	}
	return n
}

// is returns a pointer to a setting.
func is[T any](v T) *T { return &v }
