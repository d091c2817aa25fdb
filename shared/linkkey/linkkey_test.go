package linkkey_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/latchkey/latchkey/infra/blueprint"
	"github.com/latchkey/latchkey/infra/local/awsapi"
	"github.com/latchkey/latchkey/infra/local/dynamodblocal"
	"github.com/latchkey/latchkey/shared/awsenv"
	"github.com/latchkey/latchkey/shared/datakey"
	"github.com/latchkey/latchkey/shared/fault"
	"github.com/latchkey/latchkey/shared/id"
	"github.com/latchkey/latchkey/shared/link"
	"github.com/latchkey/latchkey/shared/linkkey"
	"github.com/latchkey/latchkey/shared/store"
	"github.com/latchkey/latchkey/shared/user"
	"github.com/latchkey/latchkey/shared/workspace"
)

var database *dynamodblocal.Server

func TestMain(m *testing.M) {
	dir, err := dynamodblocal.FindDir()
	if err == nil {
		database, err = dynamodblocal.Start(context.Background(), dynamodblocal.Config{Dir: dir})
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	code := m.Run()
	if err := database.Stop(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

// service stands before a service, counts the calls by operation, and can be
// out of order.
type service struct {
	http.Handler
	fails atomic.Bool
	mu    sync.Mutex
	calls map[string]int
}

func (s *service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	_, operation, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	s.mu.Lock()
	s.calls[operation]++
	s.mu.Unlock()
	if s.fails.Load() {
		w.WriteHeader(http.StatusBadRequest)
		_, _ = w.Write([]byte(`{"__type": "AccessDeniedException", "message": "out of order"}`))
		return
	}
	s.Handler.ServeHTTP(w, r)
}

func (s *service) count(operation string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.calls[operation]
}

// deployment is a table and a KMS that a test can disturb.
type deployment struct {
	t          *testing.T
	table, kms *service
	env        awsenv.Env
}

var tables atomic.Int64

func newDeployment(t *testing.T) *deployment {
	t.Helper()
	name := fmt.Sprintf("test-%d", tables.Add(1))
	if err := dynamodblocal.CreateTable(t.Context(), database.Client(), name, blueprint.TheTable()); err != nil {
		t.Fatal(err)
	}
	api, err := awsapi.New(awsapi.Config{DataDir: t.TempDir(), MetadataKeyID: "metadata-key", Random: rand.Reader})
	if err != nil {
		t.Fatal(err)
	}
	to, err := url.Parse(database.Endpoint())
	if err != nil {
		t.Fatal(err)
	}
	d := &deployment{
		t:     t,
		table: &service{Handler: &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(to) }}, calls: map[string]int{}},
		kms:   &service{Handler: api, calls: map[string]int{}},
	}
	d.env = environment(name, d.serve(d.table), d.serve(d.kms))
	return d
}

func (d *deployment) serve(h http.Handler) string {
	server := httptest.NewServer(h)
	d.t.Cleanup(server.Close)
	return server.URL
}

func environment(table, tableURL, kmsURL string) awsenv.Env {
	return awsenv.Env{Get: func(name string) string {
		return map[string]string{
			"AWS_REGION": "us-east-1", "AWS_ACCESS_KEY_ID": "local", "AWS_SECRET_ACCESS_KEY": "local",
			"AWS_ENDPOINT_URL_DYNAMODB": tableURL, "AWS_ENDPOINT_URL_KMS": kmsURL,
			"TABLE": table, "METADATA_KEY": "metadata-key", "API_URL": "https://api.corp.com",
		}[name]
	}}
}

// source returns the source of a function that has just started.
func (d *deployment) source() *linkkey.Source { return source(d.env) }

func source(env awsenv.Env) *linkkey.Source {
	return linkkey.New(store.FromEnv(env), datakey.FromEnv(env, rand.Reader), env)
}

// rotate puts a version behind the others as docs/operations.md does, to sign
// from an instant on.
func (d *deployment) rotate(from time.Time) {
	d.t.Helper()
	wrapped, err := datakey.FromEnv(d.env, rand.Reader).NewLinkKey(d.t.Context())
	if err != nil {
		d.t.Fatal(err)
	}
	_, err = database.Client().UpdateItem(d.t.Context(), &dynamodb.UpdateItemInput{
		TableName: aws.String(d.env.Get("TABLE")),
		Key: map[string]types.AttributeValue{
			"pk": &types.AttributeValueMemberS{Value: "LINKKEYS"}, "sk": &types.AttributeValueMemberS{Value: "LINKKEYS"},
		},
		UpdateExpression:         aws.String("SET #keys = list_append(#keys, :new)"),
		ConditionExpression:      aws.String("attribute_exists(#keys)"),
		ExpressionAttributeNames: map[string]string{"#keys": "keys"},
		ExpressionAttributeValues: map[string]types.AttributeValue{":new": &types.AttributeValueMemberL{Value: []types.AttributeValue{
			&types.AttributeValueMemberM{Value: map[string]types.AttributeValue{
				"key": &types.AttributeValueMemberB{Value: wrapped}, "from": &types.AttributeValueMemberN{Value: fmt.Sprint(from.Unix())},
			}},
		}}},
	})
	if err != nil {
		d.t.Fatal(err)
	}
}

var t0 = time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)

func fetch(t *testing.T, source *linkkey.Source, at time.Time) link.Keys {
	t.Helper()
	keys, err := source.Keys(t.Context(), at)
	if err != nil || len(keys.Current) != 32 {
		t.Fatalf("%d bytes, %v", len(keys.Current), err)
	}
	return keys
}

func knows(keys link.Keys, key []byte) bool {
	for _, other := range keys.Others {
		if bytes.Equal(other, key) {
			return true
		}
	}
	return bytes.Equal(keys.Current, key)
}

func invited() user.User {
	wsID := id.FromBytes(workspace.IDPrefix, make([]byte, id.RandomBytes))
	u := user.User{WorkspaceID: wsID, ID: user.IDFor(wsID, "john@corp.com")}
	u.Invitation.Generation = 2
	return u
}

// However many functions derive a deployment's first link at once, one key
// stands, and each verifies what the others derived.
func TestTheFirstLinkMakesOneKey(t *testing.T) {
	d := newDeployment(t)
	const functions = 10
	urls := make([]string, functions)
	var all sync.WaitGroup
	for i := range urls {
		all.Go(func() {
			m, err := d.source().Maker(t.Context(), t0)
			if err != nil {
				t.Error(err)
			}
			urls[i] = m.URL(invited())
		})
	}
	all.Wait()
	stored, err := store.FromEnv(d.env).LinkKeys(t.Context())
	if err != nil || len(stored) != 1 {
		t.Fatalf("%d keys, %v", len(stored), err)
	}
	keys := fetch(t, d.source(), t0)
	for _, url := range urls {
		if _, err := keys.Verify(link.Accept, strings.TrimPrefix(url, "https://api.corp.com/invite/")); err != nil {
			t.Errorf("%s: %v", url, err)
		}
	}
	if bytes.Contains(stored[0].Wrapped, keys.Current) {
		t.Error("the key is stored as it is")
	}
}

// A function that only verifies makes no key, and knows one at once when there
// is one.
func TestBeforeTheFirstLinkNothingVerifies(t *testing.T) {
	d := newDeployment(t)
	verifying := d.source()
	keys, err := verifying.Keys(t.Context(), t0)
	if err != nil || keys.Current != nil || keys.Others != nil {
		t.Fatalf("%d bytes, %v", len(keys.Current), err)
	}
	if d.table.count("PutItem") != 0 || len(d.kms.calls) != 0 {
		t.Errorf("%v, %v", d.table.calls, d.kms.calls)
	}
	made := maker(t, d.source(), t0)
	token := strings.TrimPrefix(made.URL(invited()), "https://api.corp.com/invite/")
	if _, err := keys.Verify(link.Accept, token); !errors.Is(err, link.ErrInvalid) {
		t.Errorf("without a key: %v", err)
	}
	if _, err := fetch(t, verifying, t0.Add(time.Second)).Verify(link.Accept, token); err != nil {
		t.Errorf("a second later: %v", err)
	}
}

func TestKeysAreOpenedOnceForManyCalls(t *testing.T) {
	d := newDeployment(t)
	maker(t, d.source(), t0)
	source := d.source()
	reads, opened := d.table.count("GetItem"), d.kms.count("Decrypt")
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			for _, after := range []time.Duration{0, time.Second, linkkey.Refresh - 1} {
				if _, err := source.Keys(t.Context(), t0.Add(after)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	if reads, opened := d.table.count("GetItem")-reads, d.kms.count("Decrypt")-opened; reads != 1 || opened != 1 {
		t.Errorf("read %d times and opened %d times", reads, opened)
	}
	fetch(t, source, t0.Add(linkkey.Refresh))
	if opened := d.kms.count("Decrypt") - opened; opened != 1 {
		t.Errorf("a key that is known is opened again: %d times", opened)
	}
}

// A new version verifies before it signs, so that no function meets a link that
// it does not know; links of every older version go on working.
func TestARotationReachesAWarmFunction(t *testing.T) {
	d := newDeployment(t)
	source := d.source()
	maker(t, source, t0)
	first := fetch(t, source, t0)
	begins := t0.Add(2 * linkkey.Refresh)
	d.rotate(begins)
	if now := fetch(t, source, t0.Add(linkkey.Refresh-1)); !bytes.Equal(now.Current, first.Current) || len(now.Others) != 0 {
		t.Error("the keys are read too early")
	}
	announced := fetch(t, source, t0.Add(linkkey.Refresh))
	if !bytes.Equal(announced.Current, first.Current) || len(announced.Others) != 1 {
		t.Errorf("before it begins: %d others", len(announced.Others))
	}
	second := fetch(t, source, begins)
	if !bytes.Equal(second.Current, announced.Others[0]) || !knows(second, first.Current) {
		t.Error("the new version does not sign when it begins")
	}
	d.rotate(begins.Add(linkkey.Refresh))
	third := fetch(t, source, begins.Add(linkkey.Refresh))
	if bytes.Equal(third.Current, second.Current) || !knows(third, second.Current) || !knows(third, first.Current) {
		t.Error("after the second rotation an older version is gone")
	}
}

func TestAVersionThatHasNotBegunSignsNothing(t *testing.T) {
	d := newDeployment(t)
	wrapped, err := datakey.FromEnv(d.env, rand.Reader).NewLinkKey(t.Context())
	if err == nil {
		_, err = store.FromEnv(d.env).InsertLinkKeys(t.Context(), []store.LinkKey{{Wrapped: wrapped, From: t0.Add(time.Hour)}})
	}
	if err != nil {
		t.Fatal(err)
	}
	if _, err := d.source().Maker(t.Context(), t0); err == nil {
		t.Error("links are derived")
	}
	maker(t, d.source(), t0.Add(time.Hour))
}

func TestKnownKeysAreKeptWhileAServiceFails(t *testing.T) {
	for name, of := range map[string]func(*deployment) *service{
		"the table": func(d *deployment) *service { return d.table },
		"KMS":       func(d *deployment) *service { return d.kms },
	} {
		t.Run(name, func(t *testing.T) {
			d := newDeployment(t)
			source := d.source()
			maker(t, source, t0)
			first := fetch(t, source, t0)
			d.rotate(t0)
			of(d).fails.Store(true)
			for _, after := range []time.Duration{1, 2, 300} {
				if now := fetch(t, source, t0.Add(after*linkkey.Refresh)); !bytes.Equal(now.Current, first.Current) {
					t.Error("the keys changed")
				}
			}
			of(d).fails.Store(false)
			if now := fetch(t, source, t0.Add(301*linkkey.Refresh)); !knows(now, first.Current) || len(now.Others) != 1 {
				t.Error("the rotation never arrives")
			}
		})
	}
}

func TestWithoutAnyKeyThereIsAnErrorAndThenAnotherTry(t *testing.T) {
	d := newDeployment(t)
	maker(t, d.source(), t0)
	d.kms.fails.Store(true)
	source := d.source()
	keys, err := source.Keys(t.Context(), t0)
	if err == nil || keys.Current != nil {
		t.Errorf("%d bytes, %v", len(keys.Current), err)
	}
	if _, err := source.Maker(t.Context(), t0); err == nil {
		t.Error("a maker of links without keys")
	}
	d.kms.fails.Store(false)
	fetch(t, source, t0)
}

func TestAServiceThatIsBusyIsUnavailableForNow(t *testing.T) {
	d := newDeployment(t)
	maker(t, d.source(), t0)
	busy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusServiceUnavailable)
	}))
	defer busy.Close()
	table := d.env.Get("AWS_ENDPOINT_URL_DYNAMODB")
	for name, env := range map[string]awsenv.Env{
		"the table": environment(d.env.Get("TABLE"), busy.URL, busy.URL),
		"KMS":       environment(d.env.Get("TABLE"), table, busy.URL),
	} {
		ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
		_, err := source(env).Keys(ctx, t0)
		cancel()
		var f *fault.Error
		if !errors.As(err, &f) || f.Kind != fault.Unavailable {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func maker(t *testing.T, source *linkkey.Source, at time.Time) linkkey.Maker {
	t.Helper()
	m, err := source.Maker(t.Context(), at)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// checkOptOut checks the two addresses of a mail's footer: each has a token of
// its own purpose.
func checkOptOut(t *testing.T, m linkkey.Maker, keys link.Keys, u user.User, want link.Invitation) {
	t.Helper()
	unsubscribe, report, err := m.OptOut(u)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		url, end string
		purpose  link.Purpose
	}{{unsubscribe, "/unsubscribe", link.OptOut}, {report, "/report", link.Report}} {
		rest, ours := strings.CutPrefix(c.url, "https://api.corp.com/v1/invitations/")
		token, named := strings.CutSuffix(rest, c.end)
		if inv, err := keys.Verify(c.purpose, token); err != nil || inv != want || !ours || !named {
			t.Errorf("%s: %+v, %v", c.url, inv, err)
		}
	}
}

// Nothing that opens a door is stored: the link can be derived at any time.
func TestTheLinkOfAUserIsDerivedAnew(t *testing.T) {
	source := newDeployment(t).source()
	u := invited()
	first, again := maker(t, source, t0).URL(u), maker(t, source, t0.Add(time.Hour)).URL(u)
	token, found := strings.CutPrefix(first, "https://api.corp.com/invite/")
	if again != first || !found {
		t.Errorf("%s, then %s", first, again)
	}
	want := link.Invitation{WorkspaceID: u.WorkspaceID, UserID: u.ID, Generation: 2}
	keys := fetch(t, source, t0)
	if inv, err := keys.Verify(link.Accept, token); err != nil || inv != want {
		t.Errorf("%+v, %v", inv, err)
	}
	checkOptOut(t, maker(t, source, t0), keys, u, want)

	u.Invitation.Generation, want.Generation = 0, 0 // a founder
	if url := maker(t, source, t0).URL(u); url != "" {
		t.Errorf("a founder has a link to accept: %s", url)
	}
	checkOptOut(t, maker(t, source, t0), keys, u, want)
}

// Each try costs the caller the time of its retries, so while the service
// fails there is one now and then, and not one for each request.
func TestAServiceThatFailsIsNotAskedAtEveryCall(t *testing.T) {
	d := newDeployment(t)
	source := d.source()
	maker(t, source, t0)
	d.table.fails.Store(true)
	before := d.table.count("GetItem")
	for i := range 20 {
		fetch(t, source, t0.Add(linkkey.Refresh+time.Duration(i)*100*time.Millisecond))
	}
	if asked := d.table.count("GetItem") - before; asked > 3 {
		t.Errorf("20 requests within two seconds asked %d times", asked)
	}
	d.table.fails.Store(false)
	d.rotate(t0)
	if now := fetch(t, source, t0.Add(2*linkkey.Refresh)); len(now.Others) == 0 {
		t.Error("when the service is back, nobody asks it")
	}
}
