package issuer_test

import (
	"errors"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/latchkey/latchkey/infra/local/issuer"
)

func TestSignUpRacedCallsTheHookOnce(t *testing.T) {
	s := start(t)
	s.hook = func(issuer.Account) error { time.Sleep(5 * time.Millisecond); return nil }
	var made, refused int
	var mu sync.Mutex
	var wg sync.WaitGroup
	for n := range 20 {
		wg.Go(func() {
			email := []string{"ann@corp.example", " ANN@corp.example"}[n%2]
			a := s.sendForm(s.browser(), "/signup", "name", "Ann", "email", email)
			mu.Lock()
			defer mu.Unlock()
			switch a.status {
			case http.StatusSeeOther:
				made++
			case http.StatusConflict:
				refused++
			}
		})
	}
	wg.Wait()
	if made != 1 || refused != 19 || len(s.signed) != 1 {
		t.Errorf("made %d, refused %d, hook %d", made, refused, len(s.signed))
	}
}

func TestFailedHookLeavesNoAccount(t *testing.T) {
	s := start(t)
	s.hook = func(a issuer.Account) error { return errors.New("function failed for " + a.Email) }
	a := s.sendForm(s.browser(), "/signup", "name", "Ann", "email", "Ann@corp.example")
	if a.status != http.StatusBadGateway || a.header.Get("Set-Cookie") != "" {
		t.Errorf("%d %v", a.status, a.header)
	}
	s.hook = nil
	s.signUp(s.browser(), "Ann", "ann@corp.example")
	if log := s.log.String(); strings.Contains(strings.ToLower(log), "ann@") || !strings.Contains(log, "function failed") {
		t.Errorf("log: %s", log)
	}
}

func TestSignInAndSignUpPointToEachOther(t *testing.T) {
	s := start(t)
	c := s.browser()
	a := s.sendForm(c, "/login", "email", `ann"><b>@corp.example`)
	if a.status != http.StatusUnprocessableEntity || strings.Contains(a.text, "<b>") {
		t.Errorf("%d %s", a.status, a.text)
	}
	a = s.sendForm(c, "/login", "email", "ann@corp.example")
	if a.status != http.StatusNotFound || !strings.Contains(a.text, "There is no account for ann@corp.example yet. <a href=\"/signup\">") {
		t.Errorf("%d %s", a.status, a.text)
	}
	if a = s.sendForm(c, "/signup", "email", "ann@corp.example"); a.status != http.StatusUnprocessableEntity {
		t.Errorf("no name: %d", a.status)
	}
	s.signUp(c, "Ann", "ann@corp.example")
	a = s.sendForm(s.browser(), "/signup", "name", "Ann", "email", "ANN@corp.example")
	if a.status != http.StatusConflict || !strings.Contains(a.text, "<a href=\"/login\">") {
		t.Errorf("%d %s", a.status, a.text)
	}
	if a = s.get(c, "/signup"); !strings.Contains(a.text, `<span id="account-email">ann@corp.example</span>`) {
		t.Errorf("signed in: %s", a.text)
	}
}

func TestSessionCookie(t *testing.T) {
	s := start(t)
	c := s.browser()
	s.signUp(c, "Ann", "ann@corp.example")
	c = s.browser()
	a := s.sendForm(c, "/login", "email", "ann@corp.example")
	cookie, err := http.ParseSetCookie(a.header.Get("Set-Cookie"))
	if err != nil {
		t.Fatal(err)
	}
	if !cookie.HttpOnly || cookie.SameSite != http.SameSiteLaxMode || cookie.Secure || cookie.Path != "/" || len(cookie.Value) != 43 {
		t.Errorf("%+v", cookie)
	}
	if a := s.sendJSON(c, "/local/session/token", ``); a.status != http.StatusForbidden {
		t.Errorf("without the header: %d", a.status)
	}
	a = s.sendJSON(c, "/local/session/token", ``, "X-Latchkey", "1")
	if got := s.claims(a.json(t)["token"].(string)); got["email"] != "ann@corp.example" || got["name"] != "Ann" {
		t.Errorf("%v", got)
	}
	a = s.sendJSON(c, "/login", `{"email":"ann@corp.example"}`)
	fresh, err := http.ParseSetCookie(a.header.Get("Set-Cookie"))
	if a.status != http.StatusOK || err != nil || fresh.Value == cookie.Value {
		t.Errorf("%d %v", a.status, err)
	}
	if a = s.sendJSON(s.browser(), "/local/session/token", ``, "X-Latchkey", "1", "Cookie", "latchkey_session="+cookie.Value); a.status != http.StatusUnauthorized {
		t.Errorf("the session before the new sign-in lives on: %d", a.status)
	}
	s.pass(12 * time.Hour)
	if a = s.sendJSON(c, "/local/session/token", ``, "X-Latchkey", "1"); a.status != http.StatusUnauthorized {
		t.Errorf("after twelve hours: %d", a.status)
	}
}

func TestSecureCookieOverHTTPS(t *testing.T) {
	s := start(t)
	s.config.URL = "https://127.0.0.1:8443"
	s.server.Config.Handler = s.restart()
	a := s.sendForm(s.browser(), "/signup", "name", "Ann", "email", "ann@corp.example")
	if cookie, err := http.ParseSetCookie(a.header.Get("Set-Cookie")); err != nil || !cookie.Secure {
		t.Errorf("%v %v", cookie, err)
	}
}

func TestJSONSignInAnswersProblems(t *testing.T) {
	s := start(t)
	c := s.browser()
	for _, tc := range []struct {
		path, body, code string
		status           int
	}{
		{"/login", `{"email":"ann@corp.example"}`, "no_account", 404},
		{"/login", `{"email":"ann"}`, "invalid_email", 422},
		{"/login", `{"mail":"ann"}`, "invalid_json", 400},
		{"/signup", `{"email":"ann@corp.example"}`, "invalid_name", 422},
		{"/signup", `{"email":"ann@corp.example","name":"A\u0007"}`, "invalid_name", 422},
		{"/signup", `{"email":"ann@corp.example","name":"Ann"}`, "", 200},
		{"/signup", `{"email":"ann@corp.example","name":"Ann"}`, "account_exists", 409},
	} {
		a := s.sendJSON(c, tc.path, tc.body)
		code, _ := a.json(t)["code"].(string)
		if a.status != tc.status || code != tc.code {
			t.Errorf("%s %s: %d %s", tc.path, tc.body, a.status, a.text)
		}
	}
	data, err := os.ReadFile(filepath.Join(s.dir, "accounts.json"))
	if err != nil || strings.Count(string(data), `"sub"`) != 1 {
		t.Errorf("%s %v", data, err)
	}
}

func TestLogoutIsNoOpenRedirect(t *testing.T) {
	s := start(t)
	c := s.browser()
	s.signUp(c, "Ann", "ann@corp.example")
	for _, target := range foreignTargets() {
		a := s.get(c, "/logout?post_logout_redirect_uri="+url.QueryEscape(target))
		if a.status != http.StatusBadRequest || a.header.Get("Location") != "" {
			t.Errorf("%s: %d %s", target, a.status, a.header.Get("Location"))
		}
	}
	a := s.get(c, "/logout?state=s1&post_logout_redirect_uri="+url.QueryEscape("http://localhost:4000/app/bye?x=1"))
	if a.status != http.StatusFound || a.header.Get("Location") != "http://localhost:4000/app/bye?state=s1&x=1" {
		t.Errorf("%d %s", a.status, a.header.Get("Location"))
	}
	if a = s.sendJSON(c, "/local/session/token", ``, "X-Latchkey", "1"); a.status != http.StatusUnauthorized {
		t.Errorf("still signed in: %d", a.status)
	}
	if a = s.sendForm(c, "/logout"); a.header.Get("Location") != "/login" {
		t.Errorf("%d %v", a.status, a.header)
	}
}

func foreignTargets() []string {
	return []string{
		"https://evil.example/", "//evil.example", "javascript:alert(1)", "/\\evil.example",
		callback + "/more", callback + "?x=1", callback + "#x", dashboard, dashboard + ".evil.example/callback",
		"http://localhost:4000/app", "http://localhost:4000/application/", "http://localhost:4000/app/../x",
		"http://localhost:4000/app/%2e%2e/x", "http://localhost:4000/app/..%5cx", "http://localhost:4000@evil.example/app/",
		"https://localhost:4000/app/", "http://localhost:40000/app/", "http://user@localhost:4000/app/",
	}
}

func TestPagesAreLockedDown(t *testing.T) {
	s := start(t)
	c := s.browser()
	inline := regexp.MustCompile(`(?i)<style|\son[a-z]+=|\sstyle=|javascript:`)
	script := regexp.MustCompile(`<script[^>]*>[^<]`)
	for _, path := range []string{"/login", "/signup", "/oauth2/authorize", "/oauth2/authorize?" + authQuery().Encode()} {
		a := s.get(c, path)
		csp := a.header.Get("Content-Security-Policy")
		if !strings.HasPrefix(csp, "default-src 'none'; style-src 'self'; script-src 'self'") || strings.Contains(csp, "unsafe") ||
			!strings.Contains(csp, "frame-ancestors 'none'") || !strings.Contains(csp, "form-action 'self'") {
			t.Errorf("%s: %q", path, csp)
		}
		if strings.Contains(path, "?") != strings.HasSuffix(csp, " "+dashboard) {
			t.Errorf("%s: form-action in %q", path, csp)
		}
		if inline.MatchString(a.text) || script.MatchString(a.text) {
			t.Errorf("%s has something inline", path)
		}
		if a.header.Get("Cache-Control") != "no-store" || a.header.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s: %v", path, a.header)
		}
	}
	for path, kind := range map[string]string{"/login.css": "text/css", "/login.js": "text/javascript"} {
		if a := s.get(c, path); a.status != http.StatusOK || !strings.HasPrefix(a.header.Get("Content-Type"), kind) {
			t.Errorf("%s: %d %v", path, a.status, a.header)
		}
	}
}
