package issuer_test

import (
	"crypto/sha256"
	"encoding/base64"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/latchkey/latchkey/infra/local/issuer"
)

const verifier = "0123456789-0123456789-0123456789-0123456789-"

func authQuery(changes ...string) url.Values {
	sum := sha256.Sum256([]byte(verifier))
	q := url.Values{
		"client_id": {issuer.DashboardClient}, "redirect_uri": {callback}, "response_type": {"code"},
		"scope": {"openid email profile latchkey/operator"}, "state": {"st&1"}, "nonce": {"n1"},
		"code_challenge": {base64.RawURLEncoding.EncodeToString(sum[:])}, "code_challenge_method": {"S256"},
	}
	for n := 0; n+1 < len(changes); n += 2 {
		if q.Set(changes[n], changes[n+1]); changes[n+1] == "" {
			q.Del(changes[n])
		}
	}
	return q
}

func location(t *testing.T, a answer) url.Values {
	t.Helper()
	u, err := url.Parse(a.header.Get("Location"))
	if err != nil || !strings.HasPrefix(u.String(), callback+"?") {
		t.Fatalf("%d to %q: %s", a.status, a.header.Get("Location"), a.text)
	}
	return u.Query()
}

// code signs a new person up on the way and returns the code.
func (s *stack) code(c *http.Client) string {
	s.t.Helper()
	q := authQuery()
	a := s.sendForm(c, "/local/signup?"+q.Encode(), "name", "Ann", "email", "ann@corp.example")
	if a.status == http.StatusConflict {
		a = s.sendForm(c, "/local/login?"+q.Encode(), "email", "ann@corp.example")
	}
	return location(s.t, a).Get("code")
}

func (s *stack) exchange(c *http.Client, code string, changes ...string) answer {
	s.t.Helper()
	form := map[string]string{
		"grant_type": "authorization_code", "client_id": issuer.DashboardClient,
		"code": code, "redirect_uri": callback, "code_verifier": verifier,
	}
	for n := 0; n+1 < len(changes); n += 2 {
		form[changes[n]] = changes[n+1]
	}
	var pairs []string
	for k, v := range maps.All(form) {
		pairs = append(pairs, k, v)
	}
	return s.sendForm(c, "/oauth2/token", pairs...)
}

func TestCodeFlow(t *testing.T) {
	s := start(t)
	c := s.browser()
	page := s.get(c, "/oauth2/authorize?"+authQuery("login_hint", "ann@corp.example", "screen_hint", "signup").Encode())
	if page.status != http.StatusOK || !strings.Contains(page.text, `value="ann@corp.example"`) ||
		!strings.Contains(page.text, `action="/local/signup?client_id=latchkey-dashboard&amp;`) || strings.Contains(page.text, "<script") {
		t.Fatalf("%d %s", page.status, page.text)
	}
	first := location(t, s.sendForm(c, "/local/signup?"+authQuery().Encode(), "name", "Ann", "email", "ann@corp.example"))
	if first.Get("state") != "st&1" || first.Get("iss") != s.server.URL {
		t.Errorf("%v", first)
	}
	tokens := s.exchange(c, first.Get("code")).json(t)
	if tokens["token_type"] != "Bearer" || tokens["expires_in"] != 3600.0 || tokens["scope"] != "openid email profile" {
		t.Errorf("%v", tokens)
	}
	id := s.claims(tokens["id_token"].(string))
	if id["nonce"] != "n1" || id["email"] != "ann@corp.example" || id["email_verified"] != true || id["token_use"] != "id" {
		t.Errorf("%v", id)
	}
	access := s.claims(tokens["access_token"].(string))
	if access["token_use"] != "access" || access["email"] != nil || access["sub"] != id["sub"] ||
		strings.Contains(access["scope"].(string), "operator") {
		t.Errorf("%v", access)
	}
	info := s.get(c, "/oauth2/userInfo", "Authorization", "Bearer "+tokens["access_token"].(string))
	if info.status != http.StatusOK || info.json(t)["sub"] != id["sub"] {
		t.Errorf("%d %s", info.status, info.text)
	}
	if a := s.get(c, "/oauth2/userInfo", "Authorization", "Bearer "+tokens["id_token"].(string)); a.status != http.StatusForbidden {
		t.Errorf("ID token: %d", a.status)
	}
	if a := s.get(c, "/oauth2/userInfo"); a.status != http.StatusUnauthorized || a.header.Get("WWW-Authenticate") == "" {
		t.Errorf("no token: %d", a.status)
	}
	// The session answers from now on.
	if again := location(t, s.get(c, "/oauth2/authorize?"+authQuery("prompt", "none").Encode())); again.Get("code") == "" {
		t.Errorf("%v", again)
	}
	for _, q := range []url.Values{authQuery("prompt", "login"), authQuery("login_hint", "bob@corp.example")} {
		if a := s.get(c, "/oauth2/authorize?"+q.Encode()); a.status != http.StatusOK {
			t.Errorf("%v: no page", q)
		}
	}
	if e := location(t, s.get(s.browser(), "/oauth2/authorize?"+authQuery("prompt", "none").Encode())); e.Get("error") != "login_required" {
		t.Errorf("%v", e)
	}
}

func TestAuthorizeRefusals(t *testing.T) {
	s := start(t)
	c := s.browser()
	for _, tc := range []struct{ name, value, code string }{
		{"response_type", "token", "unsupported_response_type"},
		{"response_mode", "fragment", "invalid_request"},
		{"scope", "email", "invalid_scope"},
		{"code_challenge", "", "invalid_request"},
		{"code_challenge", "short", "invalid_request"},
		{"code_challenge_method", "", "invalid_request"},
		{"code_challenge_method", "plain", "invalid_request"},
		{"prompt", "none login", "invalid_request"},
	} {
		q := authQuery(tc.name, tc.value).Encode()
		if e := location(t, s.get(c, "/oauth2/authorize?"+q)); e.Get("error") != tc.code || e.Get("state") != "st&1" {
			t.Errorf("%s=%s: %v", tc.name, tc.value, e)
		}
		if e := location(t, s.sendForm(c, "/local/login?"+q, "email", "a@b.example")); e.Get("error") != tc.code {
			t.Errorf("form, %s=%s: %v", tc.name, tc.value, e)
		}
	}
	told := []url.Values{authQuery("client_id", "other"), authQuery("redirect_uri", "")}
	for _, target := range foreignTargets() {
		told = append(told, authQuery("redirect_uri", target))
	}
	twice := authQuery()
	twice.Add("redirect_uri", "https://evil.example/")
	for _, q := range append(told, twice) {
		for _, path := range []string{"/oauth2/authorize?", "/local/login?", "/local/signup?"} {
			a := s.get(c, path+q.Encode())
			if a.status != http.StatusBadRequest || a.header.Get("Location") != "" {
				t.Errorf("%s%v: %d %s", path, q, a.status, a.header.Get("Location"))
			}
		}
	}
}

func TestTokenRefusals(t *testing.T) {
	s := start(t)
	c := s.browser()
	refused := func(name string, a answer, status int, code string) {
		t.Helper()
		if a.status != status || a.json(t)["error"] != code {
			t.Errorf("%s: %d %s", name, a.status, a.text)
		}
	}
	refused("unknown code", s.exchange(c, "nothing"), 400, "invalid_grant")
	refused("wrong verifier", s.exchange(c, s.code(c), "code_verifier", strings.Repeat("x", 43)), 400, "invalid_grant")
	refused("no verifier", s.exchange(c, s.code(c), "code_verifier", ""), 400, "invalid_grant")
	refused("another redirect_uri", s.exchange(c, s.code(c), "redirect_uri", "http://localhost:4000/app/"), 400, "invalid_grant")
	refused("another client", s.exchange(c, s.code(c), "client_id", "other"), 401, "invalid_client")
	refused("another grant", s.exchange(c, s.code(c), "grant_type", "password"), 400, "unsupported_grant_type")

	late := s.code(c)
	s.pass(time.Minute)
	refused("expired code", s.exchange(c, late), 400, "invalid_grant")

	guessed := s.code(c)
	s.exchange(c, guessed, "code_verifier", strings.Repeat("x", 43))
	refused("code after a wrong guess", s.exchange(c, guessed), 400, "invalid_grant")

	code := s.code(c)
	tokens := s.exchange(c, code).json(t)
	refused("reused code", s.exchange(c, code), 400, "invalid_grant")
	refused("refresh after the code's reuse",
		s.sendForm(c, "/oauth2/token", "grant_type", "refresh_token", "client_id", issuer.DashboardClient,
			"refresh_token", tokens["refresh_token"].(string)), 400, "invalid_grant")
}

func TestOneCodeRacedGivesOneAnswer(t *testing.T) {
	s := start(t)
	code := s.code(s.browser())
	var wg sync.WaitGroup
	var mu sync.Mutex
	count := map[int]int{}
	for range 10 {
		wg.Go(func() {
			a := s.exchange(s.browser(), code)
			mu.Lock()
			defer mu.Unlock()
			count[a.status]++
		})
	}
	wg.Wait()
	if count[200] != 1 || count[400] != 9 {
		t.Errorf("%v", count)
	}
}

func TestRefreshRotates(t *testing.T) {
	s := start(t)
	c := s.browser()
	refresh := func(token string) answer {
		return s.sendForm(c, "/oauth2/token", "grant_type", "refresh_token", "client_id", issuer.DashboardClient, "refresh_token", token)
	}
	first := s.exchange(c, s.code(c)).json(t)["refresh_token"].(string)
	s.pass(2 * time.Hour)
	a := refresh(first)
	second := a.json(t)["refresh_token"].(string)
	if a.status != http.StatusOK || second == first {
		t.Fatalf("%d %s", a.status, a.text)
	}
	s.claims(a.json(t)["id_token"].(string))
	if a = refresh(first); a.status != http.StatusBadRequest {
		t.Errorf("used twice: %d", a.status)
	}
	if a = refresh(second); a.status != http.StatusBadRequest {
		t.Errorf("the grant outlived the theft: %d", a.status)
	}
}

func TestClientCredentials(t *testing.T) {
	s := start(t)
	c := s.browser()
	a := s.do(c, "POST", "/oauth2/token", "application/x-www-form-urlencoded", "grant_type=client_credentials&scope=latchkey/operator",
		"Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte("backend:any")))
	claims := s.claims(a.json(t)["access_token"].(string))
	if claims["sub"] != "backend" || claims["client_id"] != "backend" || claims["scope"] != "latchkey/operator" ||
		claims["email"] != nil || a.json(t)["id_token"] != nil {
		t.Errorf("%v", claims)
	}
	if a = s.sendForm(c, "/oauth2/token", "grant_type", "client_credentials", "client_id", issuer.DashboardClient); a.status != http.StatusBadRequest {
		t.Errorf("dashboard: %d", a.status)
	}
	if a = s.sendForm(c, "/oauth2/token", "grant_type", "client_credentials"); a.status != http.StatusUnauthorized {
		t.Errorf("nobody: %d", a.status)
	}
}

func TestNothingPersonalIsLogged(t *testing.T) {
	s := start(t)
	c := s.browser()
	code := s.code(c)
	tokens := s.exchange(c, code).json(t)
	s.sendJSON(c, "/local/token", `{"email":"bob@corp.example"}`)
	for _, secret := range []string{"@corp.example", code, tokens["id_token"].(string), tokens["refresh_token"].(string)} {
		if strings.Contains(s.log.String(), secret) {
			t.Errorf("the log holds %q", secret)
		}
	}
}
