package linkkey_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/latchkey/latchkey/infra/local/awsapi"
	"github.com/latchkey/latchkey/shared/awsenv"
	"github.com/latchkey/latchkey/shared/fault"
	"github.com/latchkey/latchkey/shared/id"
	"github.com/latchkey/latchkey/shared/link"
	"github.com/latchkey/latchkey/shared/linkkey"
	"github.com/latchkey/latchkey/shared/user"
	"github.com/latchkey/latchkey/shared/workspace"
)

func TestParse(t *testing.T) {
	a, b := strings.Repeat("a", 43), strings.Repeat("b", 44)
	sum := func(text string) []byte { s := sha256.Sum256([]byte(text)); return s[:] }
	for _, c := range []struct {
		name, secret      string
		current, previous []byte // nil, nil: refused
	}{
		{"current alone", `{"current": "` + a + `", "previous": ""}`, sum(a), nil},
		{"no previous member", `{"current": "` + a + `"}`, sum(a), nil},
		{"previous null", `{"current": "` + a + `", "previous": null}`, sum(a), nil},
		{"both", `{"current": "` + a + `", "previous": "` + b + `"}`, sum(a), sum(b)},
		{"base64 with padding", `{"current": "` + strings.Repeat("+/", 21) + `A="}`, sum(strings.Repeat("+/", 21) + "A="), nil},
		{"base64url", `{"current": "` + strings.Repeat("-_", 22) + `"}`, sum(strings.Repeat("-_", 22)), nil},
		{"a member more", `{"current": "` + a + `", "note": "rotated in May"}`, sum(a), nil},
		{"42 characters", `{"current": "` + a[1:] + `"}`, nil, nil},
		{"a previous one of 42 characters", `{"current": "` + a + `", "previous": "` + a[1:] + `"}`, nil, nil},
		{"a space", `{"current": "` + a + ` "}`, nil, nil},
		{"a line break", `{"current": "` + a + `\n"}`, nil, nil},
		{"a letter outside", `{"current": "` + a + `é"}`, nil, nil},
		{"nothing", ``, nil, nil},
		{"an empty object", `{}`, nil, nil},
		{"previous alone", `{"previous": "` + a + `"}`, nil, nil},
		{"the text itself", a, nil, nil},
		{"a list", `["` + a + `"]`, nil, nil},
		{"a number", `{"current": 12345678901234567890123456789012345678901234567890}`, nil, nil},
		{"null", `null`, nil, nil},
	} {
		keys, err := linkkey.Parse(c.secret)
		if (err == nil) != (c.current != nil) || !bytes.Equal(keys.Current, c.current) || !bytes.Equal(keys.Previous, c.previous) {
			t.Errorf("%s: %x, %v", c.name, keys, err)
		}
		if err != nil && (strings.Contains(err.Error(), "aaa") || strings.Contains(err.Error(), "123")) {
			t.Errorf("%s: the error has the key in it: %v", c.name, err)
		}
	}
}

// secrets is a Secrets Manager that counts its calls and can be out of order.
type secrets struct {
	dir   string
	calls atomic.Int64
	fails atomic.Bool
	env   awsenv.Env
}

func newSecrets(t *testing.T) *secrets {
	t.Helper()
	s := &secrets{dir: t.TempDir()}
	api, err := awsapi.New(awsapi.Config{DataDir: s.dir, LinkKeyID: "link-key", Random: rand.Reader})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.calls.Add(1)
		if s.fails.Load() {
			w.WriteHeader(http.StatusBadRequest)
			_, _ = w.Write([]byte(`{"__type": "DecryptionFailure", "message": "out of order"}`))
			return
		}
		api.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	s.env = environment(server.URL)
	return s
}

func environment(url string) awsenv.Env {
	return awsenv.Env{Get: func(name string) string {
		return map[string]string{
			"AWS_REGION": "us-east-1", "AWS_ACCESS_KEY_ID": "local", "AWS_SECRET_ACCESS_KEY": "local",
			"AWS_ENDPOINT_URL_SECRETS_MANAGER": url, "LINK_KEY": "link-key", "API_URL": "https://api.corp.com",
		}[name]
	}}
}

func (s *secrets) rotate(t *testing.T) {
	t.Helper()
	if err := awsapi.Rotate(s.dir, rand.Reader); err != nil {
		t.Fatal(err)
	}
}

var t0 = time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)

func fetch(t *testing.T, source *linkkey.Source, at time.Time) link.Keys {
	t.Helper()
	keys, err := source.Keys(t.Context(), at)
	if err != nil || len(keys.Current) != 32 {
		t.Fatalf("%x, %v", keys, err)
	}
	return keys
}

func TestKeysAreFetchedOnceForManyCalls(t *testing.T) {
	s := newSecrets(t)
	source := linkkey.FromEnv(s.env)
	if s.calls.Load() != 0 {
		t.Error("they are fetched before anybody asks")
	}
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
	if n := s.calls.Load(); n != 1 {
		t.Errorf("they are fetched %d times", n)
	}
}

func TestARotationReachesAWarmFunction(t *testing.T) {
	s := newSecrets(t)
	source := linkkey.FromEnv(s.env)
	first := fetch(t, source, t0)
	s.rotate(t)
	if now := fetch(t, source, t0.Add(linkkey.Refresh-1)); !bytes.Equal(now.Current, first.Current) {
		t.Error("the keys are fetched too early")
	}
	rotated := fetch(t, source, t0.Add(linkkey.Refresh))
	if bytes.Equal(rotated.Current, first.Current) || !bytes.Equal(rotated.Previous, first.Current) {
		t.Errorf("after the rotation: %x, before: %x", rotated, first)
	}
	fetch(t, source, t0.Add(2*linkkey.Refresh-1))
	if n := s.calls.Load(); n != 2 {
		t.Errorf("they are fetched %d times, want 2", n)
	}
}

func TestKnownKeysAreKeptWhileTheServiceFails(t *testing.T) {
	s := newSecrets(t)
	source := linkkey.FromEnv(s.env)
	first := fetch(t, source, t0)
	s.rotate(t)
	s.fails.Store(true)
	for _, after := range []time.Duration{1, 2, 300} {
		if now := fetch(t, source, t0.Add(after*linkkey.Refresh)); !bytes.Equal(now.Current, first.Current) {
			t.Error("the keys changed")
		}
	}
	s.fails.Store(false)
	if now := fetch(t, source, t0.Add(301*linkkey.Refresh)); !bytes.Equal(now.Previous, first.Current) {
		t.Error("the rotation never arrives")
	}
}

func TestWithoutAnyKeyThereIsAnErrorAndThenAnotherTry(t *testing.T) {
	s := newSecrets(t)
	s.fails.Store(true)
	source := linkkey.FromEnv(s.env)
	keys, err := source.Keys(t.Context(), t0)
	if err == nil || keys.Current != nil {
		t.Errorf("%x, %v", keys, err)
	}
	if _, err := source.Maker(t.Context(), t0); err == nil {
		t.Error("a maker of links without keys")
	}
	s.fails.Store(false)
	fetch(t, source, t0)
}

func TestAServiceThatIsBusyIsUnavailableForNow(t *testing.T) {
	busy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusServiceUnavailable)
	}))
	defer busy.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	began := time.Now()
	_, err := linkkey.FromEnv(environment(busy.URL)).Keys(ctx, t0)
	var f *fault.Error
	if !errors.As(err, &f) || f.Kind != fault.Unavailable || time.Since(began) > 2*time.Second {
		t.Errorf("%v after %v", err, time.Since(began))
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
	s := newSecrets(t)
	source := linkkey.FromEnv(s.env)
	wsID := id.FromBytes(workspace.IDPrefix, make([]byte, id.RandomBytes))
	u := user.User{WorkspaceID: wsID, ID: user.IDFor(wsID, "john@corp.com")}
	u.Invitation.Generation = 2
	first, again := maker(t, source, t0).URL(u), maker(t, source, t0.Add(time.Hour)).URL(u)
	token, found := strings.CutPrefix(first, "https://api.corp.com/invite/")
	if again != first || !found {
		t.Errorf("%s, then %s", first, again)
	}
	want := link.Invitation{WorkspaceID: wsID, UserID: u.ID, Generation: 2}
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
	s := newSecrets(t)
	source := linkkey.FromEnv(s.env)
	fetch(t, source, t0)
	s.fails.Store(true)
	before := s.calls.Load()
	for i := range 20 {
		fetch(t, source, t0.Add(linkkey.Refresh+time.Duration(i)*100*time.Millisecond))
	}
	if asked := s.calls.Load() - before; asked > 3 {
		t.Errorf("20 requests within two seconds asked %d times", asked)
	}
	s.fails.Store(false)
	s.rotate(t)
	if now := fetch(t, source, t0.Add(2*linkkey.Refresh)); len(now.Previous) == 0 {
		t.Error("when the service is back, nobody asks it")
	}
}
