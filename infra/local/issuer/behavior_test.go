package issuer_test

import (
	"net/http"
	"net/url"
	"testing"

	"github.com/latchkey/latchkey/infra/local/issuer"
)

// What a signed-in person meets at each kind of provider: a page, the client
// with a code, or an error. Nobody who relies on a parameter that Cognito ignores
// gets away with it here.
func TestSignedInPeopleMeetWhatTheProviderShows(t *testing.T) {
	for name, c := range map[string]struct {
		behavior issuer.Behavior
		pages    map[string]bool // by query: whether a page is shown
	}{
		"managed login, by default": {issuer.Behavior{}, map[string]bool{
			"prompt=login": true, "prompt=select_account": false, "prompt=create": false,
			"login_hint=bob@corp.example": false, "screen_hint=signup": false, "prompt=none": false,
		}},
		"classic": {issuer.CognitoClassic, map[string]bool{
			"prompt=login": false, "prompt=select_account": false, "login_hint=bob@corp.example": false, "prompt=none": false,
		}},
		"standard": {issuer.Standard, map[string]bool{
			"prompt=login": true, "prompt=select_account": true, "prompt=create": true,
			"login_hint=bob@corp.example": true, "prompt=none": false,
		}},
	} {
		t.Run(name, func(t *testing.T) {
			s := startAs(t, c.behavior)
			browser := s.browser()
			s.code(browser)
			for query, page := range c.pages {
				more, err := url.ParseQuery(query)
				if err != nil {
					t.Fatal(err)
				}
				q := authQuery()
				for name := range more {
					q.Set(name, more.Get(name))
				}
				a := s.get(browser, "/oauth2/authorize?"+q.Encode())
				if shown := a.status == http.StatusOK; shown != page {
					t.Errorf("%s: a page is %v, want %v", query, shown, page)
				}
			}
		})
	}
}

// Cognito signs out by client_id and logout_uri alone.
func TestSigningOutAtCognito(t *testing.T) {
	s := startAs(t, issuer.Cognito)
	home := url.QueryEscape("http://localhost:4000/app/")
	for query, want := range map[string]int{
		"client_id=latchkey-dashboard&logout_uri=" + home + "&state=s&post_logout_redirect_uri=http://evil.example/": http.StatusFound,
		"client_id=latchkey-dashboard&post_logout_redirect_uri=" + home:                                              http.StatusBadRequest,
		"logout_uri=" + home: http.StatusBadRequest,
		"client_id=latchkey-dashboard&client_id=latchkey-dashboard&logout_uri=" + home: http.StatusBadRequest,
		"client_id=latchkey-dashboard&logout_uri=http://evil.example/":                 http.StatusBadRequest,
	} {
		browser := s.browser()
		s.code(browser)
		a := s.get(browser, "/local/logout?"+query)
		if a.status != want {
			t.Errorf("%s: %d, want %d", query, a.status, want)
		}
		if to := a.header.Get("Location"); want == http.StatusFound && to != "http://localhost:4000/app/" {
			t.Errorf("%s: to %q", query, to)
		}
	}
}

// Okta signs nobody out without an ID token of theirs, in a query or a form.
func TestSigningOutAtOkta(t *testing.T) {
	s := startAs(t, issuer.Okta)
	browser := s.browser()
	token := s.exchange(browser, s.code(browser)).json(t)["id_token"].(string)
	for name, hint := range map[string]string{"no token": "", "a forged one": token[:len(token)-4] + "AAAA"} {
		if a := s.sendForm(browser, "/local/logout", "id_token_hint", hint, "post_logout_redirect_uri", "http://localhost:4000/app/"); a.status != http.StatusBadRequest {
			t.Errorf("%s: %d", name, a.status)
		}
	}
	a := s.sendForm(browser, "/local/logout", "id_token_hint", token, "post_logout_redirect_uri", "http://localhost:4000/app/")
	if a.status != http.StatusSeeOther && a.status != http.StatusFound || a.header.Get("Location") != "http://localhost:4000/app/" {
		t.Errorf("%d to %q", a.status, a.header.Get("Location"))
	}
}

func TestBehaviorsHaveNames(t *testing.T) {
	for name, path := range map[string]string{"": "/local/signup", "cognito": "/local/signup", "cognito-classic": "/local/signup", "standard": "", "okta": "/local/signup"} {
		if b, err := issuer.BehaviorNamed(name); err != nil || b.SignUpPath() != path {
			t.Errorf("%q: signs up at %q (%v), want %q", name, b.SignUpPath(), err, path)
		}
	}
	if _, err := issuer.BehaviorNamed("saml"); err == nil {
		t.Error("an unknown name is taken")
	}
}
