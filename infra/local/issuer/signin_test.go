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
			a := s.sendForm(s.browser(), "/local/signup", "name", "Ann", "email", email)
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
	a := s.sendForm(s.browser(), "/local/signup", "name", "Ann", "email", "Ann@corp.example")
	if a.status != http.StatusBadGateway || a.header.Get("Set-Cookie") != "" {
		t.Errorf("%d %v", a.status, a.header)
	}
	s.hook = nil
	s.signUp(s.browser(), "Ann", "ann@corp.example")
	if log := s.log.String(); strings.Contains(strings.ToLower(log), "ann@") || !strings.Contains(log, "function failed") {
		t.Errorf("log: %s", log)
	}
}

func TestSignUpTakesTheInvitedNameOver(t *testing.T) {
	query := authQuery("name", `Ann "A" Smith`, "login_hint", "ann@corp.example", "prompt", "create").Encode()
	for _, c := range []struct {
		behavior issuer.Behavior
		path     string
	}{{issuer.Cognito, "/local/signup?"}, {issuer.Standard, "/oauth2/authorize?"}} {
		s := startAs(t, c.behavior)
		page := s.get(s.browser(), c.path+query)
		if !strings.Contains(page.text, `value="Ann &#34;A&#34; Smith"`) || !strings.Contains(page.text, `value="ann@corp.example"`) {
			t.Errorf("%s: %d %s", c.path, page.status, page.text)
		}
	}
}

func TestSignInAndSignUpPointToEachOther(t *testing.T) {
	s := start(t)
	c := s.browser()
	a := s.sendForm(c, "/local/login", "email", `ann"><b>@corp.example`)
	if a.status != http.StatusUnprocessableEntity || strings.Contains(a.text, "<b>") {
		t.Errorf("%d %s", a.status, a.text)
	}
	a = s.sendForm(c, "/local/login", "email", "ann@corp.example")
	if a.status != http.StatusNotFound || !strings.Contains(a.text, "There is no account for ann@corp.example yet. <a href=\"/local/signup\">") {
		t.Errorf("%d %s", a.status, a.text)
	}
	if a = s.sendForm(c, "/local/signup", "email", "ann@corp.example"); a.status != http.StatusUnprocessableEntity {
		t.Errorf("no name: %d", a.status)
	}
	s.signUp(c, "Ann", "ann@corp.example")
	a = s.sendForm(s.browser(), "/local/signup", "name", "Ann", "email", "ANN@corp.example")
	if a.status != http.StatusConflict || !strings.Contains(a.text, "<a href=\"/local/login\">") {
		t.Errorf("%d %s", a.status, a.text)
	}
	for _, path := range []string{"/local/login", "/local/signup"} {
		if a = s.get(c, path); a.header.Get("Location") != "/" {
			t.Errorf("%s with nobody waiting for the answer: %d %v", path, a.status, a.header)
		}
	}
}

// signedIn says whether the browser gets a code without seeing a page.
func (s *stack) signedIn(c *http.Client, headers ...string) bool {
	s.t.Helper()
	return location(s.t, s.get(c, "/oauth2/authorize?"+authQuery("prompt", "none").Encode(), headers...)).Has("code")
}

func TestSessionCookie(t *testing.T) {
	s := start(t)
	c := s.browser()
	s.signUp(c, "Ann", "ann@corp.example")
	c = s.browser()
	a := s.sendForm(c, "/local/login", "email", "ann@corp.example")
	cookie, err := http.ParseSetCookie(a.header.Get("Set-Cookie"))
	if err != nil {
		t.Fatal(err)
	}
	if !cookie.HttpOnly || cookie.SameSite != http.SameSiteLaxMode || cookie.Secure || cookie.Path != "/" || len(cookie.Value) != 43 {
		t.Errorf("%+v", cookie)
	}
	if !s.signedIn(c) {
		t.Error("the session does not answer")
	}
	a = s.sendJSON(c, "/local/login", `{"email":"ann@corp.example"}`)
	fresh, err := http.ParseSetCookie(a.header.Get("Set-Cookie"))
	if a.status != http.StatusOK || err != nil || fresh.Value == cookie.Value {
		t.Errorf("%d %v", a.status, err)
	}
	if s.signedIn(s.browser(), "Cookie", "latchkey_session="+cookie.Value) {
		t.Error("the session before the new sign-in lives on")
	}
	s.pass(12 * time.Hour)
	if s.signedIn(c) {
		t.Error("signed in after twelve hours")
	}
}

func TestSecureCookieOverHTTPS(t *testing.T) {
	s := start(t)
	s.config.URL = "https://127.0.0.1:8443"
	s.server.Config.Handler = s.restart()
	a := s.sendForm(s.browser(), "/local/signup", "name", "Ann", "email", "ann@corp.example")
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
		{"/local/login", `{"email":"ann@corp.example"}`, "no_account", 404},
		{"/local/login", `{"email":"ann"}`, "invalid_email", 422},
		{"/local/login", `{"mail":"ann"}`, "invalid_json", 400},
		{"/local/signup", `{"email":"ann@corp.example"}`, "invalid_name", 422},
		{"/local/signup", `{"email":"ann@corp.example","name":"A\u0007"}`, "invalid_name", 422},
		{"/local/signup", `{"email":"ann@corp.example","name":"Ann"}`, "", 200},
		{"/local/signup", `{"email":"ann@corp.example","name":"Ann"}`, "account_exists", 409},
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
		a := s.get(c, "/local/logout?post_logout_redirect_uri="+url.QueryEscape(target))
		if a.status != http.StatusBadRequest || a.header.Get("Location") != "" {
			t.Errorf("%s: %d %s", target, a.status, a.header.Get("Location"))
		}
	}
	a := s.get(c, "/local/logout?state=s1&post_logout_redirect_uri="+url.QueryEscape("http://localhost:4000/app/bye?x=1"))
	if a.status != http.StatusFound || a.header.Get("Location") != "http://localhost:4000/app/bye?state=s1&x=1" {
		t.Errorf("%d %s", a.status, a.header.Get("Location"))
	}
	if s.signedIn(c) {
		t.Error("still signed in")
	}
	if a = s.sendForm(c, "/local/logout"); a.header.Get("Location") != "/" {
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
	inline := regexp.MustCompile(`(?i)<script|<style|\son[a-z]+=|\sstyle=|javascript:`)
	for _, path := range []string{"/local/login?" + authQuery().Encode(), "/local/signup?" + authQuery().Encode(), "/oauth2/authorize", "/oauth2/authorize?" + authQuery().Encode()} {
		a := s.get(c, path)
		csp := a.header.Get("Content-Security-Policy")
		if !strings.HasPrefix(csp, "default-src 'none'; style-src 'self'; img-src data:;") || strings.Contains(csp, "unsafe") ||
			!strings.Contains(csp, "frame-ancestors 'none'") || !strings.Contains(csp, "form-action 'self'") {
			t.Errorf("%s: %q", path, csp)
		}
		if strings.Contains(path, "?") != strings.HasSuffix(csp, " "+dashboard) {
			t.Errorf("%s: form-action in %q", path, csp)
		}
		if inline.MatchString(a.text) {
			t.Errorf("%s has something inline", path)
		}
		if a.header.Get("Cache-Control") != "no-store" || a.header.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s: %v", path, a.header)
		}
	}
	if a := s.get(c, "/local/login.css"); a.status != http.StatusOK || !strings.HasPrefix(a.header.Get("Content-Type"), "text/css") {
		t.Errorf("%d %v", a.status, a.header)
	}
}
