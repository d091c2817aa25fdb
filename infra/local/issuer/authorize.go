package issuer

import (
	"encoding/base64"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// authRequest is an authorization request that passed every check.
type authRequest struct {
	redirectURI, state, nonce, challenge, scope string

	loginHint, screenHint string
	name                  string // fills in the sign-up form; no standard has it
	prompt                []string
}

// authError is a refusal. One with a target may be told to the client there;
// one without is told to the person, because the address isn't to be trusted.
type authError struct {
	code, detail  string
	target, state string
}

func (e *authError) Error() string { return e.code + ": " + e.detail }

// The parameters that the pages carry along, so that the request survives a
// mistyped email or a change from sign-in to sign-up without being stored.
func authParameters() []string {
	return []string{"client_id", "redirect_uri", "response_type", "response_mode", "scope", "state", "nonce",
		"code_challenge", "code_challenge_method", "prompt", "login_hint", "screen_hint", "name"}
}

func (i *Issuer) parseAuth(q url.Values) (authRequest, error) {
	for _, name := range authParameters() {
		if len(q[name]) > 1 {
			return authRequest{}, &authError{code: "invalid_request", detail: name + " is there more than once."}
		}
	}
	if q.Get("client_id") != DashboardClient {
		return authRequest{}, &authError{code: "invalid_client", detail: "The client is unknown: client_id must be " + DashboardClient + "."}
	}
	target, state := q.Get("redirect_uri"), q.Get("state")
	if !i.redirects.allows(target) {
		return authRequest{}, &authError{code: "invalid_request", detail: "The redirect_uri is not one that this issuer allows."}
	}
	refuse := func(code, detail string) (authRequest, error) {
		return authRequest{}, &authError{code: code, detail: detail, target: target, state: state}
	}
	challenge, err := base64.RawURLEncoding.DecodeString(q.Get("code_challenge"))
	prompt := strings.Fields(q.Get("prompt"))
	switch {
	case q.Get("response_type") != "code":
		return refuse("unsupported_response_type", "response_type must be code.")
	case q.Get("response_mode") != "" && q.Get("response_mode") != "query":
		return refuse("invalid_request", "response_mode must be query.")
	case q.Get("code_challenge_method") != "S256" || err != nil || len(challenge) != 32:
		return refuse("invalid_request", "PKCE with a code_challenge and code_challenge_method S256 is required.")
	case !slices.Contains(strings.Fields(q.Get("scope")), "openid"):
		return refuse("invalid_scope", "scope must include openid.")
	case slices.Contains(prompt, "none") && len(prompt) > 1:
		return refuse("invalid_request", "prompt none stands alone.")
	}
	return authRequest{
		redirectURI: target, state: state, nonce: q.Get("nonce"), challenge: q.Get("code_challenge"),
		scope:     personScope(q.Get("scope")),
		loginHint: q.Get("login_hint"), screenHint: q.Get("screen_hint"), name: q.Get("name"), prompt: prompt,
	}, nil
}

// personScope drops what a person can't be granted: the operator's scope is for
// backends, and one who asks for it here must not get it in an access token.
func personScope(scope string) string {
	var granted []string
	for _, s := range strings.Fields(scope) {
		if slices.Contains([]string{"openid", "email", "profile"}, s) && !slices.Contains(granted, s) {
			granted = append(granted, s)
		}
	}
	return strings.Join(granted, " ")
}

// needsPage reports whether even a signed-in person must see a page.
func (b Behavior) needsPage(q authRequest, s session) bool {
	return slices.ContainsFunc(q.prompt, func(p string) bool { return p != "none" && slices.Contains(b.prompts, p) }) ||
		b.hintSwitches && q.loginHint != "" && canonical(q.loginHint) != canonical(s.account.Email)
}

// signsUp reports whether a request opens the sign-up page.
func (b Behavior) signsUp(q authRequest) bool {
	return b.screenHint && q.screenHint == "signup" || slices.Contains(b.prompts, "create") && slices.Contains(q.prompt, "create")
}

func (i *Issuer) authorize(w http.ResponseWriter, r *http.Request) {
	q, err := i.parseAuth(r.URL.Query())
	if err != nil {
		i.refuseAuth(w, r, err)
		return
	}
	s, signedIn := i.session(r)
	switch {
	case signedIn && !i.behavior.needsPage(q, s):
		i.finishAuth(w, r, q, s)
	case slices.Contains(i.behavior.prompts, "none") && slices.Contains(q.prompt, "none"):
		i.refuseAuth(w, r, &authError{code: "login_required", detail: "Nobody is signed in.", target: q.redirectURI, state: q.state})
	case i.behavior.signsUp(q):
		i.formPage(w, http.StatusOK, form{mode: modeSignup, flow: &q, query: r.URL.Query(), name: q.name, email: q.loginHint})
	default:
		i.formPage(w, http.StatusOK, form{mode: modeLogin, flow: &q, query: r.URL.Query(), email: q.loginHint})
	}
}

// flow is the authorization request that a page was opened with, if any.
func (i *Issuer) flow(r *http.Request) (*authRequest, error) {
	query := r.URL.Query()
	if !query.Has("client_id") && !query.Has("redirect_uri") {
		return nil, nil
	}
	q, err := i.parseAuth(query)
	if err != nil {
		return nil, err
	}
	return &q, nil
}

func (i *Issuer) finishAuth(w http.ResponseWriter, r *http.Request, q authRequest, s session) {
	code, err := i.secret()
	if err != nil {
		i.log.Error("issuer: authorize", "error", err)
		i.refuseAuth(w, r, &authError{code: "server_error", target: q.redirectURI, state: q.state})
		return
	}
	i.grants.putCode(code, q, s, i.now())
	redirect(w, r, withQuery(q.redirectURI, "code", code, "state", q.state, "iss", i.url))
}

func (i *Issuer) refuseAuth(w http.ResponseWriter, r *http.Request, err error) {
	var e *authError
	if !errors.As(err, &e) || e.target == "" {
		detail := "The request could not be read."
		if e != nil {
			detail = e.detail
		}
		i.failPage(w, http.StatusBadRequest, detail)
		return
	}
	redirect(w, r, withQuery(e.target, "error", e.code, "error_description", e.detail, "state", e.state, "iss", i.url))
}
