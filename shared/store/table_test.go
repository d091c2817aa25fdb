package store_test

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"pgregory.net/rapid"

	"github.com/latchkey/latchkey/infra/blueprint"
	"github.com/latchkey/latchkey/infra/local/dynamodblocal"
	"github.com/latchkey/latchkey/shared/awsenv"
	"github.com/latchkey/latchkey/shared/id"
	"github.com/latchkey/latchkey/shared/store"
	"github.com/latchkey/latchkey/shared/user"
	"github.com/latchkey/latchkey/shared/workspace"
)

// Every test of this package runs against AWS's own DynamoDB Local: the
// conditions and the transactions are the point.
var server *dynamodblocal.Server

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	// Each check of a property is some dozens of calls to a database.
	if err := flag.Set("rapid.checks", "8"); err != nil {
		panic(err)
	}
	dir, err := dynamodblocal.FindDir()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	server, err = dynamodblocal.Start(context.Background(), dynamodblocal.Config{Dir: dir})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer func() { _ = server.Stop() }()
	return m.Run()
}

// table is a table of one test, made as the blueprint says.
type table struct {
	*store.Store
	db    *dynamodb.Client
	name  string
	calls *wire
	// searching makes lists treat every workspace as one of an earlier release.
	searching bool
}

var tables atomic.Int64

func newTable(t testing.TB) *table {
	t.Helper()
	tb := &table{name: fmt.Sprintf("test-%d", tables.Add(1)), calls: &wire{}}
	tb.db = dynamodb.New(dynamodb.Options{
		Region: "us-east-1", BaseEndpoint: aws.String(server.Endpoint()),
		Credentials: dynamodblocal.Credentials, Retryer: awsenv.PatientRetryer(), HTTPClient: tb.calls,
	})
	tb.Store = store.New(tb.db, tb.name)
	err := dynamodblocal.CreateTable(t.Context(), tb.db, tb.name, blueprint.TheTable())
	if err != nil {
		t.Fatal(err)
	}
	return tb
}

// wire is an HTTP client that can be listened to.
type wire struct {
	mu sync.Mutex
	on func(operation, request string, response []byte)
	// before runs ahead of each call.
	before func(operation, request string)
	// lose reports whether the answer to a call is lost on its way back.
	lose func(operation string) bool
}

// errBroken is a connection that breaks off.
var errBroken = &net.OpError{Op: "read", Net: "tcp", Err: syscall.ECONNRESET}

// loseNext loses the answer to the next call of that operation, and returns
// whether there was one since.
func (w *wire) loseNext(operation string) (lost func() bool) {
	var done atomic.Bool
	w.mu.Lock()
	defer w.mu.Unlock()
	w.lose = func(called string) bool { return called == operation && done.CompareAndSwap(false, true) }
	return done.Load
}

// ahead runs do ahead of each call; nil for nothing.
func (w *wire) ahead(do func(operation, request string)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.before = do
}

func (w *wire) listen(on func(operation, request string, response []byte)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.on = on
}

func (w *wire) Do(r *http.Request) (*http.Response, error) {
	w.mu.Lock()
	on, before, lose := w.on, w.before, w.lose
	w.mu.Unlock()
	if on == nil && before == nil && lose == nil {
		return http.DefaultTransport.RoundTrip(r)
	}
	_, operation, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	request, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	r.Body = io.NopCloser(bytes.NewReader(request))
	if before != nil {
		before(operation, string(request))
	}
	response, err := http.DefaultTransport.RoundTrip(r)
	if err == nil && response.StatusCode == http.StatusOK && lose != nil && lose(operation) {
		_ = response.Body.Close()
		return nil, errBroken
	}
	if err != nil || on == nil {
		return response, err
	}
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return nil, err
	}
	response.Body = io.NopCloser(bytes.NewReader(body))
	on(operation, string(request), body)
	return response, nil
}

var t0 = time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)

const (
	day  = 24 * time.Hour
	week = 7 * day
)

var serial atomic.Uint64

// newID is an identifier as id.Random makes it, different each time.
func newID(prefix string) string {
	raw := []byte(fmt.Sprintf("%0*d", id.RandomBytes, serial.Add(1)))
	return id.FromBytes(prefix, raw)
}

func newWorkspaceID() string { return newID(workspace.IDPrefix) }

func stamp(actor string, at time.Time) user.Stamp {
	return user.Stamp{ID: newID("evt_"), Actor: actor, At: at}
}

func byAdmin(at time.Time) user.Stamp { return stamp("usr_admin", at) }

// invited is a user who was invited and has not been written.
func invited(workspaceID, email string, role user.Role, at time.Time) user.User {
	d := user.Details{Name: "John Doe", Email: strings.TrimSpace(email), Role: role}
	return newUser(d, workspaceID, at, user.Inviting{SendEmail: true, Lasts: week})
}

// newUser is somebody whom nothing was known of.
func newUser(d user.Details, workspaceID string, at time.Time, how user.Inviting) user.User {
	u, err := user.New(byAdmin(at), workspaceID, d, how, user.Erased{}, user.Mailbox{}, user.Recipient{})
	if err != nil {
		panic(err)
	}
	return u
}

// accept makes somebody accept by their newest link, whose inviter is an admin.
func accept(u user.User, s user.Stamp, subject string) (user.User, error) {
	answer := user.Answer{Generation: u.Invitation.Generation, ByLink: true}
	return u.Accept(s, answer, user.Guest{Subject: subject, Email: u.Email}, user.User{Role: user.Admin, Status: user.Active})
}

func decline(u user.User, s user.Stamp) (user.User, error) {
	return u.Decline(s, user.Answer{Generation: u.Invitation.Generation, ByLink: true})
}

// active is a user who has joined and has not been written.
func active(workspaceID, email string, role user.Role, at time.Time) user.User {
	u, err := accept(invited(workspaceID, email, role, at), stamp("usr_self", at), "sub-"+email)
	if err != nil {
		panic(err)
	}
	return u
}

// patience is how long a test lets one operation go on: a decision that never
// ends fails its own test alone.
const patience = 30 * time.Second

// Insertion is what became of users who were to be inserted.
type Insertion struct {
	Existing map[string]user.User // who was there already, by id
	Seatless map[string]bool      // for whom no seat was left
	Before   store.Answer         // to an earlier call with the same key; then nobody was inserted
}

func newInsertion() Insertion {
	return Insertion{Existing: map[string]user.User{}, Seatless: map[string]bool{}}
}

// inserting is the decision to insert those who are not there yet, as far as
// the seats go.
type inserting struct {
	users  []user.User
	answer store.Answer
	at     time.Time
}

func (in inserting) decide(st *store.State) (store.Decision, Insertion, error) {
	d := store.Decision{At: in.at}
	done := newInsertion()
	if in.answer.Key != "" && st.Answer.Counts(in.at) {
		done.Before = st.Answer
		return store.Decision{}, done, nil
	}
	seats := st.Seats()
	if seats < len(in.users) {
		d.Needs.AllCounts = true
	}
	for _, u := range in.users {
		if there, ok := st.Users[u.ID]; ok {
			done.Existing[u.ID] = there
			continue
		}
		if seats--; seats < 0 {
			done.Seatless[u.ID] = true
			continue
		}
		d.Users = append(d.Users, store.UserChange{After: u})
	}
	if in.answer.Key != "" && len(d.Users) > 0 {
		d.Answer = &in.answer
	}
	return d, done, nil
}

// InsertUsers inserts users of one workspace, some to a transaction.
func (tb *table) InsertUsers(ctx context.Context, users []user.User, answer store.Answer, at time.Time) (Insertion, error) {
	return insertUsers(ctx, tb.Store, users, answer, at)
}

func insertUsers(ctx context.Context, s *store.Store, users []user.User, answer store.Answer, at time.Time) (Insertion, error) {
	all := newInsertion()
	for chunk := range slices.Chunk(users, 36) {
		done, err := insertChunk(ctx, s, inserting{chunk, answer, at})
		if err != nil {
			return all, err
		}
		all.Before = done.Before
		maps.Copy(all.Existing, done.Existing)
		maps.Copy(all.Seatless, done.Seatless)
	}
	return all, nil
}

func insertChunk(ctx context.Context, s *store.Store, in inserting) (Insertion, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	want := store.Want{Workspace: in.users[0].WorkspaceID, Counts: true, Request: in.answer.Key}
	for _, u := range in.users {
		want.Users = append(want.Users, u.ID)
		want.People = append(want.People, u.Email)
	}
	slices.Sort(want.Users)
	want.Users = slices.Compact(want.Users)
	st, err := s.Load(ctx, want)
	if err != nil {
		return newInsertion(), err
	}
	done, err := store.Decide(ctx, s, st, in.decide)
	if err == nil && len(done.Seatless) > 0 {
		// As the use case does: a twin may have brought them in.
		if err := s.Recount(ctx, st, slices.Collect(maps.Keys(done.Seatless))...); err != nil {
			return done, err
		}
		existing := done.Existing
		in.users = onlyThose(in.users, done.Seatless)
		done, err = store.Decide(ctx, s, st, in.decide)
		maps.Copy(done.Existing, existing)
	}
	if err != nil || in.answer.Key == "" || len(done.Existing)+len(done.Seatless) == 0 {
		return done, err
	}
	// What one read gives is not of one moment: a twin may have inserted them
	// after the answer was looked for.
	again, err := s.Load(ctx, store.Want{Workspace: want.Workspace, Request: in.answer.Key})
	if err == nil && again.Answer.Counts(in.at) {
		done = newInsertion()
		done.Before = again.Answer
	}
	return done, err
}

func onlyThose(users []user.User, ids map[string]bool) []user.User {
	return slices.DeleteFunc(slices.Clone(users), func(u user.User) bool { return !ids[u.ID] })
}

// ListUsers lists the users of a workspace whose item the caller did not read.
func (tb *table) ListUsers(ctx context.Context, workspaceID string, f store.Filter, p store.Page, now time.Time) ([]user.User, string, error) {
	return tb.Store.ListUsers(ctx, workspace.Workspace{ID: workspaceID, Indexed: !tb.searching}, f, p, now)
}

// ChangeUser makes a transition of a user whom the caller has read.
func (tb *table) ChangeUser(ctx context.Context, u user.User, transition func(user.User) (user.User, error)) (user.User, error) {
	return changeUser(ctx, tb.Store, u, transition)
}

func changeUser(ctx context.Context, s *store.Store, u user.User, transition func(user.User) (user.User, error)) (user.User, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	st, err := s.Load(ctx, store.Want{Workspace: u.WorkspaceID, Users: []string{u.ID}, Counts: true})
	if err != nil {
		return u, err
	}
	st.Users[u.ID] = u
	return s.ChangeUser(ctx, st, u.ID, transition)
}

// ChangeWorkspace makes a change of a workspace that the caller has read.
func (tb *table) ChangeWorkspace(ctx context.Context, w workspace.Workspace, change func(workspace.Workspace) (workspace.Workspace, error)) (workspace.Workspace, error) {
	return changeWorkspace(ctx, tb.Store, w, change)
}

func changeWorkspace(ctx context.Context, s *store.Store, w workspace.Workspace, change func(workspace.Workspace) (workspace.Workspace, error)) (workspace.Workspace, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	st, err := s.Load(ctx, store.Want{Workspace: w.ID, Counts: true})
	if err != nil {
		return w, err
	}
	st.Workspace = w
	return s.ChangeWorkspace(ctx, st, change)
}

// EraseUser erases a user whom the caller has read.
func (tb *table) EraseUser(ctx context.Context, u user.User, erase func(user.User) (user.Erased, error)) error {
	return eraseUser(ctx, tb.Store, u, erase)
}

func eraseUser(ctx context.Context, s *store.Store, u user.User, erase func(user.User) (user.Erased, error)) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	st, err := s.Load(ctx, store.Want{Workspace: u.WorkspaceID, Users: []string{u.ID}, Counts: true})
	if err != nil {
		return err
	}
	st.Users[u.ID] = u
	_, err = store.Decide(ctx, s, st, func(st *store.State) (store.Decision, user.Erased, error) {
		now, ok := st.Users[u.ID]
		if !ok {
			return store.Decision{}, user.Erased{}, user.ErrNotFound
		}
		left, err := erase(now)
		return store.Decision{Erased: []store.Erasure{{Before: now, After: left}}}, left, err
	})
	return err
}

// SeatsLeft is how many seats of a workspace are free.
func (tb *table) SeatsLeft(ctx context.Context, workspaceID string) (int, error) {
	st, err := tb.Load(ctx, store.Want{Workspace: workspaceID, AllCounts: true})
	if err != nil {
		return 0, err
	}
	return st.Seats(), nil
}

// InsertWorkspace inserts a workspace that no limit stops.
func (tb *table) InsertWorkspace(ctx context.Context, w workspace.Workspace, founder *user.User) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	return tb.Store.InsertWorkspace(ctx, w, founder, 1_000_000)
}

// InsertUser inserts one user; if the email is there already, it gives who is.
func (tb *table) InsertUser(ctx context.Context, u user.User) (existing user.User, inserted bool, err error) {
	done, err := tb.InsertUsers(ctx, []user.User{u}, store.Answer{}, t0)
	existing, exists := done.Existing[u.ID]
	return existing, err == nil && !exists, err
}

func (tb *table) insert(t testing.TB, u user.User) user.User {
	t.Helper()
	existing, inserted, err := tb.InsertUser(t.Context(), u)
	if err != nil || !inserted {
		t.Fatalf("insert %s: %v, %+v", u.Email, err, existing)
	}
	return u
}

// tester is a test, or one check of a property.
type tester interface {
	rapid.TB
	Context() context.Context
}

// insertAll inserts users who are not there yet, of any workspaces.
func (tb *table) insertAll(t tester, users []user.User) {
	t.Helper()
	byWorkspace := map[string][]user.User{}
	for _, u := range users {
		byWorkspace[u.WorkspaceID] = append(byWorkspace[u.WorkspaceID], u)
	}
	for _, users := range byWorkspace {
		done, err := tb.InsertUsers(t.Context(), users, store.Answer{}, t0)
		if err != nil || len(done.Existing) > 0 || len(done.Seatless) > 0 {
			t.Fatalf("insert %d users: %v, %+v", len(users), err, done)
		}
	}
}

// change makes a transition that must go through.
func (tb *table) change(t testing.TB, u user.User, transition func(user.User) (user.User, error)) user.User {
	t.Helper()
	next, err := tb.ChangeUser(t.Context(), u, transition)
	if err != nil {
		t.Fatalf("change %s: %v", u.Email, err)
	}
	return next
}

// erase erases somebody whose status allows it.
func (tb *table) erase(t testing.TB, u user.User) {
	t.Helper()
	err := tb.EraseUser(t.Context(), u, func(u user.User) (user.Erased, error) { return u.Erase(byAdmin(u.UpdatedAt.Add(time.Hour))) })
	if err != nil {
		t.Fatalf("erase %s: %v", u.Email, err)
	}
}

func (tb *table) load(t testing.TB, u user.User) user.User {
	t.Helper()
	now, ok, err := tb.LoadUser(t.Context(), u.WorkspaceID, u.ID)
	if err != nil || !ok {
		t.Fatalf("load %s: %v, %v", u.Email, ok, err)
	}
	return now
}

// found makes a workspace with one admin.
func (tb *table) found(t testing.TB) (workspace.Workspace, user.User) {
	t.Helper()
	wsID := newWorkspaceID()
	email := "founder@corp.com"
	s := stamp(user.IDFor(wsID, email), t0)
	w := workspace.New(s, wsID, "Corp", "corp-"+strconv.FormatUint(serial.Add(1), 10), []byte("wrapped"))
	founder := user.Founder(s, wsID, "Flora Founder", email, "sub-founder")
	err := tb.InsertWorkspace(t.Context(), w, &founder)
	if err != nil {
		t.Fatal(err)
	}
	return w, founder
}

// bare makes a workspace without users, because its item counts its admins.
func (tb *table) bare(t tester) (workspaceID string) {
	t.Helper()
	workspaceID = newWorkspaceID()
	w := workspace.New(byAdmin(t0), workspaceID, "Corp", "bare-"+strconv.FormatUint(serial.Add(1), 10), nil)
	if err := tb.InsertWorkspace(t.Context(), w, nil); err != nil {
		t.Fatal(err)
	}
	return workspaceID
}

func (tb *table) workspace(t testing.TB, workspaceID string) workspace.Workspace {
	t.Helper()
	snap, err := tb.Load(t.Context(), store.Want{Workspace: workspaceID})
	if err != nil {
		t.Fatal(err)
	}
	return snap.Workspace
}

// raw is the item of a key as it stands in the table; nil where there is none.
func (tb *table) raw(t testing.TB, pk, sk string) store.Item {
	t.Helper()
	out, err := tb.db.GetItem(t.Context(), &dynamodb.GetItemInput{
		TableName: &tb.name, ConsistentRead: aws.Bool(true),
		Key: store.Item{"pk": s(pk), "sk": s(sk)},
	})
	if err != nil {
		t.Fatal(err)
	}
	return out.Item
}

func (tb *table) rawUser(t testing.TB, u user.User) store.Item {
	t.Helper()
	return tb.raw(t, "WS#"+u.WorkspaceID, "USER#"+u.ID)
}

// all is every item of the table.
func (tb *table) all(t testing.TB) []store.Item {
	t.Helper()
	var items []store.Item
	pages := dynamodb.NewScanPaginator(tb.db, &dynamodb.ScanInput{TableName: &tb.name})
	for pages.HasMorePages() {
		page, err := pages.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		items = append(items, page.Items...)
	}
	return items
}

func s(text string) types.AttributeValue { return &types.AttributeValueMemberS{Value: text} }

// textOf is an attribute's text; "" where there is none.
func textOf(v types.AttributeValue) string {
	if v, ok := v.(*types.AttributeValueMemberS); ok {
		return v.Value
	}
	return ""
}

// race runs n calls at once and waits for all of them.
func race(n int, call func(i int)) {
	start := make(chan struct{})
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() {
			<-start
			call(i)
		})
	}
	close(start)
	all.Wait()
}

func ttlOf(t testing.TB, item store.Item) time.Time {
	t.Helper()
	n, ok := item["ttl"].(*types.AttributeValueMemberN)
	if !ok {
		t.Fatalf("the item has no ttl: %v", item)
	}
	seconds, err := strconv.ParseInt(n.Value, 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return time.Unix(seconds, 0)
}

// limits are wide enough for any test that is not about them.
var limits = workspace.Limits{Inviter: 1_000_000, NewWorkspace: 1_000_000, Workspace: 1_000_000}

// askedBy inserts somebody whose invitation counts against an inviter's day.
func (tb *table) askedBy(t testing.TB, workspaceID, inviter string, u user.User) {
	t.Helper()
	st, err := tb.Load(t.Context(), store.Want{Workspace: workspaceID, People: []string{u.Email}, Counts: true, Inviter: inviter})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	_, err = store.Decide(ctx, tb.Store, st, func(*store.State) (store.Decision, int, error) {
		return store.Decision{Users: []store.UserChange{{After: u}}, Asked: 1, Limits: limits, At: t0}, 0, nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
