package gateway

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// Claims are a token's claims as API Gateway renders them: every value is text.
type Claims map[string]string

// Authorizer verifies the Authorization header of a request. Its errors are
// ErrNoToken or a *TokenError where the caller is to blame.
type Authorizer interface {
	Authorize(ctx context.Context, header string) (Claims, error)
}

// ErrNoToken is for requests that bring no token.
var ErrNoToken = errors.New("no token")

// TokenError is for tokens that are not good. The description is shown to the
// caller and logged; it holds nothing of the token.
type TokenError struct {
	Description string
}

func (e *TokenError) Error() string { return e.Description }

// JWTAuthorizer verifies tokens as API Gateway's JWT authorizer does.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-jwt-authorizer.html
type JWTAuthorizer struct {
	audiences []string
	parser    *jwt.Parser
	keys      *keySet
}

// NewJWTAuthorizer accepts the tokens of one issuer that are meant for one of
// the audiences. The issuer's keys are fetched with the client (nil: one with
// a timeout of its own) when the first token comes.
func NewJWTAuthorizer(issuer string, audiences []string, client *http.Client, now func() time.Time) *JWTAuthorizer {
	if now == nil {
		now = time.Now
	}
	if client == nil {
		client = &http.Client{Timeout: 5 * time.Second}
	}
	return &JWTAuthorizer{
		audiences: slices.Clone(audiences),
		keys:      newKeySet(issuer, client, now),
		parser: jwt.NewParser(
			// Only RSA: a public key must never do as an HMAC secret, and
			// "none" must never do at all.
			jwt.WithValidMethods([]string{"RS256", "RS384", "RS512"}),
			jwt.WithIssuer(issuer),
			jwt.WithExpirationRequired(),
			jwt.WithIssuedAt(),
			jwt.WithTimeFunc(now),
			jwt.WithJSONNumber(),
		),
	}
}

// Authorize verifies "Bearer <token>", or the token alone.
func (a *JWTAuthorizer) Authorize(ctx context.Context, header string) (Claims, error) {
	token := strings.TrimSpace(header)
	if scheme, rest, ok := strings.Cut(token, " "); ok && strings.EqualFold(scheme, "Bearer") {
		token = strings.TrimSpace(rest)
	}
	if token == "" || strings.EqualFold(token, "Bearer") {
		return nil, ErrNoToken
	}
	claims := jwt.MapClaims{}
	_, err := a.parser.ParseWithClaims(token, claims, func(t *jwt.Token) (any, error) {
		kid, _ := t.Header["kid"].(string)
		return a.keys.key(ctx, kid)
	})
	if err != nil {
		return nil, &TokenError{Description: describe(err)}
	}
	if !a.meantForUs(claims) {
		return nil, &TokenError{Description: "the token does not have a valid audience"}
	}
	return render(claims), nil
}

// meantForUs looks at client_id only where there is no aud: access tokens of
// Cognito have none.
func (a *JWTAuthorizer) meantForUs(claims jwt.MapClaims) bool {
	if claims["aud"] == nil {
		client, ok := claims["client_id"].(string)
		return ok && slices.Contains(a.audiences, client)
	}
	audiences, err := claims.GetAudience()
	if err != nil {
		return false
	}
	return slices.ContainsFunc(audiences, func(aud string) bool { return slices.Contains(a.audiences, aud) })
}

// describe puts an error in words that hold nothing of the token.
func describe(err error) string {
	for _, known := range []struct {
		err  error
		text string
	}{
		{errUnknownKey, "the token's key is not known"},
		{errDiscovery, "OIDC discovery endpoint communication error"},
		{jwt.ErrTokenMalformed, "the token is malformed"},
		{jwt.ErrTokenSignatureInvalid, "the token's signature is not valid"},
		{jwt.ErrTokenExpired, "the token has expired"},
		{jwt.ErrTokenNotValidYet, "the token is not valid yet"},
		{jwt.ErrTokenUsedBeforeIssued, "the token was issued in the future"},
		{jwt.ErrTokenInvalidIssuer, "the token does not have a valid issuer"},
		{jwt.ErrTokenRequiredClaimMissing, "the token lacks a claim"},
	} {
		if errors.Is(err, known.err) {
			return known.text
		}
	}
	return "the token is not valid"
}
