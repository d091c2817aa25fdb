package issuer_test

import (
	"bytes"
	"context"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/latchkey/latchkey/infra/local/issuer"
)

const (
	dashboard = "http://localhost:5173"
	callback  = dashboard + "/callback"
)

// testKey makes one key for all tests: making one takes longer than a test.
var testKey = sync.OnceValue(func() []byte {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		panic(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
})

type stack struct {
	t      *testing.T
	dir    string
	server *httptest.Server
	config issuer.Config
	issuer *issuer.Issuer

	mu     sync.Mutex
	now    time.Time
	signed []issuer.Account
	hook   func(issuer.Account) error
	log    bytes.Buffer
}

func start(t *testing.T) *stack {
	t.Helper()
	return startAs(t, issuer.Standard)
}

func startAs(t *testing.T, b issuer.Behavior) *stack {
	t.Helper()
	s := &stack{t: t, dir: filepath.Join(t.TempDir(), "data"), now: time.Now().Truncate(time.Second)}
	if err := os.MkdirAll(s.dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(s.dir, "issuer-key.pem"), testKey(), 0o600); err != nil {
		t.Fatal(err)
	}
	var handler http.Handler
	s.server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { handler.ServeHTTP(w, r) }))
	t.Cleanup(s.server.Close)
	s.config = issuer.Config{
		URL: s.server.URL, DataDir: s.dir,
		DashboardOrigins: []string{dashboard},
		RedirectURIs:     []string{callback, "http://localhost:4000/app/"},
		OnSignUp:         s.onSignUp,
		Behavior:         b,
		Now: func() time.Time {
			s.mu.Lock()
			defer s.mu.Unlock()
			return s.now
		},
		Log: slog.New(slog.NewTextHandler(&s.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
	}
	s.issuer = s.restart()
	mux := http.NewServeMux()
	for _, route := range s.issuer.Routes() {
		mux.Handle(route, s.issuer)
	}
	mux.HandleFunc("GET /", http.NotFound)
	handler = mux
	return s
}

func (s *stack) restart() *issuer.Issuer {
	s.t.Helper()
	i, err := issuer.New(s.config)
	if err != nil {
		s.t.Fatal(err)
	}
	return i
}

func (s *stack) onSignUp(_ context.Context, a issuer.Account) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.signed = append(s.signed, a)
	if s.hook != nil {
		return s.hook(a)
	}
	return nil
}

func (s *stack) pass(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.now = s.now.Add(d)
}

// browser keeps cookies and doesn't follow redirects.
func (s *stack) browser() *http.Client {
	jar, err := cookiejar.New(nil)
	if err != nil {
		s.t.Fatal(err)
	}
	return &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

type answer struct {
	status int
	header http.Header
	text   string
}

func (a answer) json(t *testing.T) map[string]any {
	t.Helper()
	var v map[string]any
	if err := json.Unmarshal([]byte(a.text), &v); err != nil {
		t.Fatalf("%d %q: %v", a.status, a.text, err)
	}
	return v
}

func (s *stack) do(c *http.Client, method, path, contentType, body string, headers ...string) answer {
	s.t.Helper()
	r, err := http.NewRequest(method, s.server.URL+path, strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	if contentType != "" {
		r.Header.Set("Content-Type", contentType)
	}
	for n := 0; n+1 < len(headers); n += 2 {
		if headers[n] == "Host" {
			r.Host = headers[n+1]
		}
		r.Header.Set(headers[n], headers[n+1])
	}
	res, err := c.Do(r)
	if err != nil {
		s.t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return answer{res.StatusCode, res.Header, string(text)}
}

func (s *stack) get(c *http.Client, path string, headers ...string) answer {
	s.t.Helper()
	return s.do(c, "GET", path, "", "", headers...)
}

func (s *stack) sendJSON(c *http.Client, path, body string, headers ...string) answer {
	s.t.Helper()
	return s.do(c, "POST", path, "application/json", body, headers...)
}

func (s *stack) sendForm(c *http.Client, path string, pairs ...string) answer {
	s.t.Helper()
	v := url.Values{}
	for n := 0; n+1 < len(pairs); n += 2 {
		v.Set(pairs[n], pairs[n+1])
	}
	return s.do(c, "POST", path, "application/x-www-form-urlencoded", v.Encode())
}

func (s *stack) signUp(c *http.Client, name, email string) {
	s.t.Helper()
	if a := s.sendForm(c, "/local/signup", "name", name, "email", email); a.status != http.StatusSeeOther {
		s.t.Fatalf("sign-up: %d %s", a.status, a.text)
	}
}

// claims verifies a token as a stranger would: discovery, keys, signature.
func (s *stack) claims(token string) jwt.MapClaims {
	s.t.Helper()
	c := s.browser()
	discovery := s.get(c, "/.well-known/openid-configuration").json(s.t)
	keysURL, _ := discovery["jwks_uri"].(string)
	var set struct {
		Keys []struct{ Kid, Kty, Alg, Use, N, E string }
	}
	keys := s.get(c, strings.TrimPrefix(keysURL, s.server.URL))
	if err := json.Unmarshal([]byte(keys.text), &set); err != nil || len(set.Keys) != 1 {
		s.t.Fatalf("keys: %v %s", err, keys.text)
	}
	if strings.Contains(keys.text, `"d"`) {
		s.t.Fatal("the key set shows the private key")
	}
	claims := jwt.MapClaims{}
	_, err := jwt.ParseWithClaims(token, claims, func(t *jwt.Token) (any, error) {
		k := set.Keys[0]
		if t.Header["kid"] != k.Kid || k.Kty != "RSA" || k.Alg != "RS256" || k.Use != "sig" {
			s.t.Errorf("kid %v, key %+v", t.Header["kid"], k)
		}
		return publicKey(s.t, k.N, k.E), nil
	}, jwt.WithValidMethods([]string{"RS256"}), jwt.WithIssuer(discovery["issuer"].(string)),
		jwt.WithAudience(issuer.DashboardClient), jwt.WithExpirationRequired(), jwt.WithTimeFunc(s.config.Now))
	if err != nil {
		s.t.Fatalf("token: %v", err)
	}
	return claims
}

func publicKey(t *testing.T, n, e string) crypto.PublicKey {
	t.Helper()
	return &rsa.PublicKey{N: number(t, n), E: int(number(t, e).Int64())}
}
