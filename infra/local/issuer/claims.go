package issuer

import (
	"fmt"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

const tokenLife = time.Hour

// person is whom an ID token speaks of.
type person struct {
	Account
	verified bool
	authTime time.Time
	nonce    string
}

func (i *Issuer) idToken(p person, life time.Duration) (string, time.Time, error) {
	claims := jwt.MapClaims{
		"token_use": "id", "sub": p.Sub, "email": p.Email, "email_verified": p.verified,
		"auth_time": p.authTime.Unix(),
	}
	if p.Name != "" {
		claims["name"] = p.Name
	}
	if p.nonce != "" {
		claims["nonce"] = p.nonce
	}
	return i.sign(claims, life)
}

// accessToken names no email: what a client holds is not who a person is.
func (i *Issuer) accessToken(sub, client, scope string, life time.Duration) (string, time.Time, error) {
	claims := jwt.MapClaims{"token_use": "access", "sub": sub, "client_id": client}
	if scope != "" {
		claims["scope"] = scope
	}
	return i.sign(claims, life)
}

func (i *Issuer) sign(claims jwt.MapClaims, life time.Duration) (string, time.Time, error) {
	now := i.now().Truncate(time.Second)
	expires := now.Add(life)
	id, err := i.secret()
	if err != nil {
		return "", time.Time{}, err
	}
	claims["iss"] = i.url
	// One audience for all of them, because the authorizer knows one.
	claims["aud"] = DashboardClient
	claims["iat"] = now.Unix()
	claims["nbf"] = now.Unix()
	claims["exp"] = expires.Unix()
	claims["jti"] = id
	t := jwt.NewWithClaims(jwt.SigningMethodRS256, claims)
	t.Header["kid"] = i.key.id
	signed, err := t.SignedString(i.key.private)
	if err != nil {
		return "", time.Time{}, fmt.Errorf("issuer: sign: %w", err)
	}
	return signed, expires, nil
}

func (i *Issuer) verify(token string) (jwt.MapClaims, error) {
	claims := jwt.MapClaims{}
	_, err := jwt.ParseWithClaims(token, claims,
		func(*jwt.Token) (any, error) { return i.key.private.Public(), nil },
		jwt.WithValidMethods([]string{"RS256"}), jwt.WithIssuer(i.url), jwt.WithAudience(DashboardClient),
		jwt.WithExpirationRequired(), jwt.WithTimeFunc(i.now))
	return claims, err
}
