package issuer

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

type tokenAnswer struct {
	AccessToken  string `json:"access_token"`
	IDToken      string `json:"id_token,omitempty"`
	RefreshToken string `json:"refresh_token,omitempty"`
	TokenType    string `json:"token_type"`
	ExpiresIn    int64  `json:"expires_in"`
	Scope        string `json:"scope,omitempty"`
}

// writeOAuthError answers as RFC 6749 wants it: OAuth clients read no problem+json.
func writeOAuthError(w http.ResponseWriter, status int, code, detail string) {
	writeJSON(w, status, map[string]string{"error": code, "error_description": detail})
}

func (i *Issuer) token(w http.ResponseWriter, r *http.Request) {
	if err := r.ParseForm(); err != nil {
		writeOAuthError(w, http.StatusBadRequest, "invalid_request", "The body must be a form.")
		return
	}
	form := r.PostForm
	client := form.Get("client_id")
	// A backend's library may name its client in the Authorization header. Any
	// secret will do: this issuer knows none.
	if user, _, ok := r.BasicAuth(); ok {
		client = user
	}
	grantType := form.Get("grant_type")
	switch {
	case grantType == "client_credentials":
		i.clientToken(w, client, form.Get("scope"))
	case grantType != "authorization_code" && grantType != "refresh_token":
		writeOAuthError(w, http.StatusBadRequest, "unsupported_grant_type",
			"grant_type must be authorization_code, refresh_token or client_credentials.")
	case client != DashboardClient:
		writeOAuthError(w, http.StatusUnauthorized, "invalid_client", "The client is unknown.")
	case grantType == "authorization_code":
		g, ok := i.grants.takeCode(form.Get("code"), i.now())
		// The code is used up by a wrong guess too: the thief of a code has
		// one try, and its owner signs in again.
		if !ok || g.redirectURI != form.Get("redirect_uri") || !proves(form.Get("code_verifier"), g.challenge) {
			writeOAuthError(w, http.StatusBadRequest, "invalid_grant",
				"The code is unknown, used or expired, or redirect_uri or code_verifier do not belong to it.")
			return
		}
		i.personTokens(w, g, g.nonce)
	default:
		g, ok := i.grants.takeRefresh(form.Get("refresh_token"), i.now())
		if !ok {
			writeOAuthError(w, http.StatusBadRequest, "invalid_grant", "The refresh token is unknown, used or expired.")
			return
		}
		i.personTokens(w, g, "")
	}
}

// proves checks PKCE's S256 (RFC 7636).
func proves(verifier, challenge string) bool {
	if len(verifier) < 43 || len(verifier) > 128 {
		return false
	}
	sum := sha256.Sum256([]byte(verifier))
	return subtle.ConstantTimeCompare([]byte(base64.RawURLEncoding.EncodeToString(sum[:])), []byte(challenge)) == 1
}

func (i *Issuer) personTokens(w http.ResponseWriter, g *grant, nonce string) {
	s := g.session
	id, _, err := i.idToken(person{Account: s.account, verified: true, authTime: s.authTime, nonce: nonce}, tokenLife)
	if err != nil {
		i.failToken(w, err)
		return
	}
	access, _, err := i.accessToken(s.account.Sub, DashboardClient, g.scope, tokenLife)
	if err != nil {
		i.failToken(w, err)
		return
	}
	refresh, err := i.secret()
	if err != nil {
		i.failToken(w, err)
		return
	}
	i.grants.putRefresh(refresh, g, i.now())
	writeJSON(w, http.StatusOK, tokenAnswer{
		AccessToken: access, IDToken: id, RefreshToken: refresh,
		TokenType: "Bearer", ExpiresIn: int64(tokenLife / time.Second), Scope: g.scope,
	})
}

func (i *Issuer) clientToken(w http.ResponseWriter, client, scope string) {
	switch {
	case !validClientID(client):
		writeOAuthError(w, http.StatusUnauthorized, "invalid_client", "client_id is missing.")
		return
	case client == DashboardClient:
		writeOAuthError(w, http.StatusBadRequest, "unauthorized_client", "The dashboard acts for people and never for itself.")
		return
	case !printable(scope):
		writeOAuthError(w, http.StatusBadRequest, "invalid_scope", "scope must be printable.")
		return
	}
	access, _, err := i.accessToken(client, client, scope, tokenLife)
	if err != nil {
		i.failToken(w, err)
		return
	}
	writeJSON(w, http.StatusOK, tokenAnswer{
		AccessToken: access, TokenType: "Bearer", ExpiresIn: int64(tokenLife / time.Second), Scope: scope,
	})
}

func (i *Issuer) failToken(w http.ResponseWriter, err error) {
	i.log.Error("issuer: token", "error", err)
	writeOAuthError(w, http.StatusInternalServerError, "server_error", "The token could not be made.")
}

// userInfo takes a person's access token alone.
func (i *Issuer) userInfo(w http.ResponseWriter, r *http.Request) {
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	claims, err := i.verify(token)
	if !strings.EqualFold(scheme, "Bearer") || err != nil {
		w.Header().Set("WWW-Authenticate", `Bearer error="invalid_token"`)
		writeOAuthError(w, http.StatusUnauthorized, "invalid_token", "The access token is missing, wrong or expired.")
		return
	}
	account, ok := i.accounts.bySub(text(claims, "sub"))
	if !ok || text(claims, "token_use") != "access" || !slices.Contains(strings.Fields(text(claims, "scope")), "openid") {
		w.Header().Set("WWW-Authenticate", `Bearer error="insufficient_scope", scope="openid"`)
		writeOAuthError(w, http.StatusForbidden, "insufficient_scope", "This takes a person's access token with the scope openid.")
		return
	}
	writeJSON(w, http.StatusOK, map[string]any{
		"sub": account.Sub, "email": account.Email, "email_verified": true, "name": account.Name,
	})
}

func text(claims jwt.MapClaims, name string) string {
	s, _ := claims[name].(string)
	return s
}
