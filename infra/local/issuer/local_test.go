package issuer_test

import (
	"crypto/rsa"
	"encoding/base64"
	"math/big"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/latchkey/latchkey/infra/local/issuer"
)

func number(t *testing.T, s string) *big.Int {
	t.Helper()
	b, err := base64.RawURLEncoding.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return new(big.Int).SetBytes(b)
}

func TestLocalTokenClaims(t *testing.T) {
	s := start(t)
	c := s.browser()
	cases := []struct {
		name, body string
		want       map[string]any
		absent     []string
		life       time.Duration
	}{
		{"person", `{"email":" Ann@Corp.example ","name":"Ann"}`,
			map[string]any{"token_use": "id", "email": "Ann@Corp.example", "email_verified": true, "name": "Ann"},
			[]string{"scope", "client_id", "nonce"}, time.Hour},
		{"unverified", `{"email":"b@x.example","name":"B","emailVerified":false}`,
			map[string]any{"email_verified": false}, nil, time.Hour},
		{"reassigned mailbox", `{"email":"b@x.example","name":"B","sub":"another","expiresInSeconds":60}`,
			map[string]any{"sub": "another"}, nil, time.Minute},
		{"client", `{"clientId":"backend","scope":"latchkey/operator"}`,
			map[string]any{"token_use": "access", "sub": "backend", "client_id": "backend", "scope": "latchkey/operator"},
			[]string{"email", "email_verified", "name", "auth_time"}, time.Hour},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			a := s.sendJSON(c, "/local/token", tc.body)
			if a.status != http.StatusOK {
				t.Fatalf("%d %s", a.status, a.text)
			}
			body := a.json(t)
			claims := s.claims(body["token"].(string))
			for name, want := range tc.want {
				if claims[name] != want {
					t.Errorf("%s = %v, want %v", name, claims[name], want)
				}
			}
			for _, name := range tc.absent {
				if _, ok := claims[name]; ok {
					t.Errorf("%s is there", name)
				}
			}
			expires := s.config.Now().Add(tc.life)
			if got := int64(claims["exp"].(float64)); got != expires.Unix() {
				t.Errorf("exp = %d, want %d", got, expires.Unix())
			}
			if body["expiresAt"] != expires.UTC().Format(time.RFC3339) {
				t.Errorf("expiresAt = %v", body["expiresAt"])
			}
		})
	}
}

func TestSubjectFollowsTheCanonicalEmail(t *testing.T) {
	s := start(t)
	c := s.browser()
	sub := func(body string) string {
		return s.claims(s.sendJSON(c, "/local/token", body).json(t)["token"].(string))["sub"].(string)
	}
	first := sub(`{"email":"ann@corp.example"}`)
	s.signUp(c, "Ann", "ANN@corp.example ")
	if again := sub(`{"email":"Ann@Corp.Example"}`); again != first || s.signed[0].Sub != first {
		t.Errorf("sub %s, then %s, account %s", first, again, s.signed[0].Sub)
	}
	if other := sub(`{"email":"bob@corp.example"}`); other == first {
		t.Error("two people, one sub")
	}
}

func TestLocalTokenRefusesBadInput(t *testing.T) {
	s := start(t)
	for _, body := range []string{
		``, `x`, `[]`, `{}`, `{"email":"a@b.example"} {}`, `{"email":"a@b.example","admin":true}`,
		`{"email":"a@b.example","clientId":"c"}`, `{"name":"A"}`, `{"email":"no"}`, `{"scope":"s"}`,
		`{"email":"A <a@b.example>"}`, `{"clientId":"a b"}`, `{"email":"a@b.example","expiresInSeconds":99999999}`,
	} {
		a := s.sendJSON(s.browser(), "/local/token", body)
		p := a.json(t)
		if a.status != http.StatusBadRequest || a.header.Get("Content-Type") != "application/problem+json" ||
			p["type"] != "about:blank" || p["title"] != "Bad Request" || p["status"] != 400.0 || p["detail"] == "" || p["code"] == "" {
			t.Errorf("%s: %d %s", body, a.status, a.text)
		}
	}
}

func TestTokenAloneMakesNoAccount(t *testing.T) {
	s := start(t)
	c := s.browser()
	s.sendJSON(c, "/local/token", `{"email":"ann@corp.example","name":"Ann"}`)
	a := s.sendForm(c, "/local/login", "email", "ann@corp.example")
	if a.status != http.StatusNotFound || len(s.signed) != 0 {
		t.Errorf("sign-in: %d; hook: %v", a.status, s.signed)
	}
	if _, err := os.Stat(filepath.Join(s.dir, "accounts.json")); err == nil {
		t.Error("an account was stored")
	}
}

func TestOtherSitesGetNothing(t *testing.T) {
	s := start(t)
	c := s.browser()
	body := `{"email":"ann@corp.example"}`
	if a := s.sendJSON(c, "/local/token", body, "Sec-Fetch-Site", "cross-site"); a.status != http.StatusForbidden {
		t.Errorf("cross-site: %d", a.status)
	}
	if a := s.sendJSON(c, "/local/token", body, "Origin", "https://evil.example"); a.status != http.StatusForbidden {
		t.Errorf("foreign origin: %d", a.status)
	}
	if a := s.sendJSON(c, "/local/token", body, "Host", "evil.example:8080"); a.status != http.StatusMisdirectedRequest {
		t.Errorf("rebound name: %d", a.status)
	}
}

func TestCrossOriginReads(t *testing.T) {
	s := start(t)
	c := s.browser()
	for _, path := range []string{"/.well-known/openid-configuration", "/.well-known/jwks.json", "/oauth2/userInfo", "/oauth2/token"} {
		a := s.do(c, "OPTIONS", path, "", "", "Origin", dashboard)
		if a.status != http.StatusNoContent || a.header.Get("Access-Control-Allow-Origin") != dashboard {
			t.Errorf("%s: %d %v", path, a.status, a.header)
		}
		if a := s.do(c, "OPTIONS", path, "", "", "Origin", "http://localhost:5173.evil.example"); a.header.Get("Access-Control-Allow-Origin") != "" {
			t.Errorf("%s is open to a stranger", path)
		}
	}
	if a := s.sendJSON(c, "/local/token", `{"email":"a@b.example"}`); a.header.Get("Access-Control-Allow-Origin") != "" {
		t.Error("/local/token can be read across origins")
	}
}

func TestRestartKeepsKeyAndAccounts(t *testing.T) {
	s := start(t)
	c := s.browser()
	s.signUp(c, "Ann", "ann@corp.example")
	again := s.restart()
	for id, key := range s.issuer.Keys() {
		if other, ok := again.Keys()[id].(*rsa.PublicKey); !ok || !other.Equal(key) {
			t.Error("another key after the restart")
		}
	}
	s.server.Config.Handler = again
	if a := s.sendForm(s.browser(), "/local/login", "email", "ANN@corp.example"); a.status != http.StatusSeeOther {
		t.Errorf("sign-in after the restart: %d", a.status)
	}
	if a := s.sendForm(s.browser(), "/local/signup", "name", "Ann", "email", "ann@corp.example"); a.status != http.StatusConflict {
		t.Errorf("second sign-up after the restart: %d", a.status)
	}
	if len(s.signed) != 1 {
		t.Errorf("hook called %d times", len(s.signed))
	}
}

func TestFirstStartMakesPrivateFiles(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new", "data")
	i, err := issuer.New(issuer.Config{URL: "http://127.0.0.1:8080", DataDir: dir})
	if err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(filepath.Join(dir, "issuer-key.pem"))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("%v %v", info, err)
	}
	for _, key := range i.Keys() {
		if key.(*rsa.PublicKey).N.BitLen() != 2048 {
			t.Error("not 2048 bits")
		}
	}
	if entries, _ := os.ReadDir(dir); len(entries) != 1 {
		t.Errorf("left behind: %v", entries)
	}
}

func TestNewRefuses(t *testing.T) {
	broken := t.TempDir()
	if err := os.WriteFile(filepath.Join(broken, "issuer-key.pem"), []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]issuer.Config{
		"no URL":       {DataDir: t.TempDir()},
		"a path":       {URL: "http://127.0.0.1:1/x", DataDir: t.TempDir()},
		"no folder":    {URL: "http://127.0.0.1:1"},
		"bad redirect": {URL: "http://127.0.0.1:1", DataDir: t.TempDir(), RedirectURIs: []string{"javascript:alert(1)"}},
		"broken key":   {URL: "http://127.0.0.1:1", DataDir: broken},
	} {
		if _, err := issuer.New(c); err == nil {
			t.Errorf("%s: no error", name)
		} else if !strings.HasPrefix(err.Error(), "issuer: ") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
