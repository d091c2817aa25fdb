package issuer

import (
	"fmt"
	"slices"
	"strings"
)

// Behavior is how an issuer treats the parameters that providers treat
// differently. The zero value is Cognito.
type Behavior struct {
	name string
	// prompts are the values of prompt that have an effect.
	prompts []string
	// hintSwitches shows a page to a signed-in person whose address is not the
	// login_hint; otherwise a hint only fills the form in.
	hintSwitches bool
	screenHint   bool // screen_hint=signup opens the sign-up page
	// logoutURI demands client_id and logout_uri to sign out, and ignores
	// post_logout_redirect_uri and state.
	logoutURI bool
	// tokenHint demands a valid ID token of ours to sign out.
	tokenHint bool
}

// Behaviors of providers.
var (
	// Cognito is a pool with managed login, as the stack deploys it: of prompt
	// it knows none and login.
	// https://docs.aws.amazon.com/cognito/latest/developerguide/authorization-endpoint.html
	// https://docs.aws.amazon.com/cognito/latest/developerguide/logout-endpoint.html
	Cognito = Behavior{name: "cognito", prompts: []string{"none", "login"}, logoutURI: true}
	// CognitoClassic is a pool with the classic hosted UI, which ignores prompt.
	CognitoClassic = Behavior{name: "cognito-classic", logoutURI: true}
	// Standard follows OpenID Connect Core, its prompt=create extension and
	// RP-Initiated Logout, as Auth0, Entra ID and Keycloak do by and large.
	Standard = Behavior{
		name: "standard", prompts: []string{"none", "login", "create", "select_account"},
		hintSwitches: true, screenHint: true,
	}
	// Okta demands id_token_hint to sign out, and signs out only the person
	// whose token it is.
	// https://developer.okta.com/docs/api/openapi/okta-oauth/oauth/tag/OrgAS/#tag/OrgAS/operation/logout
	Okta = Behavior{name: "okta", prompts: []string{"none", "login"}, tokenHint: true}
)

// BehaviorNamed returns the behavior of this name: cognito, cognito-classic,
// standard or okta; "" is cognito.
func BehaviorNamed(name string) (Behavior, error) {
	all := []Behavior{Cognito, CognitoClassic, Standard, Okta}
	if name == "" {
		return Cognito, nil
	}
	n := slices.IndexFunc(all, func(b Behavior) bool { return b.name == name })
	if n < 0 {
		names := make([]string, len(all))
		for i, b := range all {
			names[i] = b.name
		}
		return Behavior{}, fmt.Errorf("there is no issuer %q; set one of %s", name, strings.Join(names, ", "))
	}
	return all[n], nil
}

// SignUpPath returns where people sign up, if not at the authorization
// endpoint with prompt=create; "" otherwise.
func (b Behavior) SignUpPath() string {
	if slices.Contains(b.orDefault().prompts, "create") {
		return ""
	}
	return "/local/signup"
}

// SignOutTakesToken reports whether signing out demands an ID token.
func (b Behavior) SignOutTakesToken() bool { return b.tokenHint }

func (b Behavior) orDefault() Behavior {
	if b.name == "" {
		return Cognito
	}
	return b
}
