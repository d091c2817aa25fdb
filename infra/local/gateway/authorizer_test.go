package gateway

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"maps"
	"math/big"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// testIssuer publishes its keys and counts how often it is asked.
type testIssuer struct {
	*httptest.Server
	keys  atomic.Pointer[map[string]*rsa.PublicKey]
	asked atomic.Int32
	down  atomic.Bool
}

func newTestIssuer(t *testing.T, keys map[string]*rsa.PublicKey) *testIssuer {
	t.Helper()
	i := &testIssuer{}
	i.keys.Store(&keys)
	mux := http.NewServeMux()
	mux.HandleFunc("GET /.well-known/openid-configuration", func(w http.ResponseWriter, _ *http.Request) {
		i.asked.Add(1)
		if i.down.Load() {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		_ = json.NewEncoder(w).Encode(map[string]string{"issuer": i.URL, "jwks_uri": i.URL + "/keys"})
	})
	mux.HandleFunc("GET /keys", func(w http.ResponseWriter, _ *http.Request) {
		list := []map[string]string{{"kty": "EC", "kid": "ec"}}
		for kid, key := range *i.keys.Load() {
			list = append(list, map[string]string{
				"kty": "RSA", "use": "sig", "kid": kid,
				"n": base64.RawURLEncoding.EncodeToString(key.N.Bytes()),
				"e": base64.RawURLEncoding.EncodeToString(big.NewInt(int64(key.E)).Bytes()),
			})
		}
		_ = json.NewEncoder(w).Encode(map[string]any{"keys": list})
	})
	i.Server = httptest.NewServer(mux)
	t.Cleanup(i.Close)
	return i
}

func newKey(t *testing.T) *rsa.PrivateKey {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func sign(t *testing.T, method jwt.SigningMethod, key any, kid string, claims jwt.MapClaims) string {
	t.Helper()
	token := jwt.NewWithClaims(method, claims)
	if kid != "" {
		token.Header["kid"] = kid
	}
	text, err := token.SignedString(key)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func TestAuthorizer(t *testing.T) {
	key, other := newKey(t), newKey(t)
	issuer := newTestIssuer(t, map[string]*rsa.PublicKey{"k1": &key.PublicKey})
	a := NewJWTAuthorizer(issuer.URL, []string{"app", "backend"}, nil, func() time.Time { return noon })

	with := func(changes jwt.MapClaims) jwt.MapClaims {
		claims := jwt.MapClaims{
			"iss": issuer.URL, "aud": "app", "sub": "1",
			"iat": noon.Add(-time.Minute).Unix(), "exp": noon.Add(time.Minute).Unix(),
		}
		maps.Copy(claims, changes)
		maps.DeleteFunc(claims, func(_ string, v any) bool { return v == nil })
		return claims
	}
	rs256 := func(changes jwt.MapClaims) string {
		return "Bearer " + sign(t, jwt.SigningMethodRS256, key, "k1", with(changes))
	}
	public, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	asSecret := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: public})
	good := rs256(nil)
	claimsPart := strings.Index(good, ".") + 1
	signature := strings.LastIndex(good, ".")
	raised := rs256(jwt.MapClaims{"sub": "2"})
	// The claims of one token under the signature of another.
	tampered := good[:claimsPart] + raised[claimsPart:strings.LastIndex(raised, ".")] + good[signature:]

	const ok, missing = "", "no token"
	const badSignature, badAudience, badIssuer = "the token's signature is not valid", "the token does not have a valid audience", "the token does not have a valid issuer"
	for name, test := range map[string]struct{ header, want string }{
		"good":                      {rs256(nil), ok},
		"bare":                      {rs256(nil)[len("Bearer "):], ok},
		"lower case scheme":         {"bearer" + rs256(nil)[len("Bearer"):], ok},
		"RS512":                     {sign(t, jwt.SigningMethodRS512, key, "k1", with(nil)), ok},
		"one audience of several":   {rs256(jwt.MapClaims{"aud": []string{"x", "backend"}}), ok},
		"client id, no audience":    {rs256(jwt.MapClaims{"aud": nil, "client_id": "backend"}), ok},
		"missing":                   {"", missing},
		"scheme alone":              {"Bearer ", missing},
		"other scheme":              {"Basic dXNlcjpwYXNz", "the token is malformed"},
		"malformed":                 {"Bearer a.b", "the token is malformed"},
		"expired":                   {rs256(jwt.MapClaims{"exp": noon.Add(-time.Second).Unix()}), "the token has expired"},
		"no expiry":                 {rs256(jwt.MapClaims{"exp": nil}), "the token lacks a claim"},
		"not valid yet":             {rs256(jwt.MapClaims{"nbf": noon.Add(time.Minute).Unix()}), "the token is not valid yet"},
		"issued in the future":      {rs256(jwt.MapClaims{"iat": noon.Add(time.Minute).Unix()}), "the token was issued in the future"},
		"wrong issuer":              {rs256(jwt.MapClaims{"iss": "https://evil.example"}), badIssuer},
		"issuer with a slash":       {rs256(jwt.MapClaims{"iss": issuer.URL + "/"}), badIssuer},
		"no issuer":                 {rs256(jwt.MapClaims{"iss": nil}), "the token lacks a claim"},
		"wrong audience":            {rs256(jwt.MapClaims{"aud": "x"}), badAudience},
		"no audience":               {rs256(jwt.MapClaims{"aud": nil}), badAudience},
		"audience before client":    {rs256(jwt.MapClaims{"aud": "x", "client_id": "app"}), badAudience},
		"someone else's key":        {sign(t, jwt.SigningMethodRS256, other, "k1", with(nil)), badSignature},
		"tampered":                  {tampered, badSignature},
		"RS256 with PSS":            {sign(t, jwt.SigningMethodPS256, key, "k1", with(nil)), badSignature},
		"none":                      {sign(t, jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType, "k1", with(nil)), badSignature},
		"HS256 with the public key": {sign(t, jwt.SigningMethodHS256, asSecret, "k1", with(nil)), badSignature},
		"unknown kid":               {sign(t, jwt.SigningMethodRS256, key, "k2", with(nil)), "the token's key is not known"},
		"no kid":                    {sign(t, jwt.SigningMethodRS256, key, "", with(nil)), "the token's key is not known"},
	} {
		t.Run(name, func(t *testing.T) {
			claims, err := a.Authorize(t.Context(), test.header)
			got := ""
			if err != nil {
				got = err.Error()
			}
			if got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
			if (claims != nil) != (test.want == ok) {
				t.Errorf("claims %v", claims)
			}
			var invalid *TokenError
			if wantInvalid := test.want != ok && test.want != missing; errors.As(err, &invalid) != wantInvalid {
				t.Errorf("error %#v", err)
			}
		})
	}
}

func TestClaimsAreText(t *testing.T) {
	key := newKey(t)
	issuer := newTestIssuer(t, map[string]*rsa.PublicKey{"k1": &key.PublicKey})
	a := NewJWTAuthorizer(issuer.URL, []string{"app"}, nil, func() time.Time { return noon })
	claims, err := a.Authorize(t.Context(), sign(t, jwt.SigningMethodRS256, key, "k1", jwt.MapClaims{
		"iss": issuer.URL, "aud": []string{"app", "x"}, "exp": json.Number("1.8e9"), "iat": 1700000000,
		"email_verified": true, "ratio": 1.5, "nothing": nil, "groups": []any{"a b", true, 7},
		"address": map[string]any{"city": "Bonn"}, "scope": "openid latchkey/operator", "name": "John Doe",
	}))
	if err != nil {
		t.Fatal(err)
	}
	want := Claims{
		"iss": issuer.URL, "aud": "[app x]", "exp": "1800000000", "iat": "1700000000",
		"email_verified": "true", "ratio": "1.5", "groups": "[a b true 7]",
		"address": `{"city":"Bonn"}`, "scope": "openid latchkey/operator", "name": "John Doe",
	}
	if !maps.Equal(claims, want) {
		t.Errorf("got  %v\nwant %v", claims, want)
	}
}

func TestKeysAreFetchedSparingly(t *testing.T) {
	key, next := newKey(t), newKey(t)
	issuer := newTestIssuer(t, map[string]*rsa.PublicKey{"k1": &key.PublicKey})
	now := noon
	a := NewJWTAuthorizer(issuer.URL, []string{"app"}, nil, func() time.Time { return now })
	try := func(key *rsa.PrivateKey, kid string) error {
		_, err := a.Authorize(context.Background(), sign(t, jwt.SigningMethodRS256, key, kid, jwt.MapClaims{
			"iss": issuer.URL, "aud": "app", "exp": now.Add(time.Minute).Unix(),
		}))
		return err
	}
	check := func(step string, err error, good bool, asked int32) {
		t.Helper()
		if (err == nil) != good || issuer.asked.Load() != asked {
			t.Errorf("%s: %v, asked %d times, want %d", step, err, issuer.asked.Load(), asked)
		}
	}
	issuer.down.Store(true)
	check("issuer is down", try(key, "k1"), false, 1)
	issuer.down.Store(false)
	check("first", try(key, "k1"), true, 2)
	check("cached", try(key, "k1"), true, 2)
	check("unknown at once", try(next, "k2"), false, 2)
	now = now.Add(6 * time.Second)
	check("unknown later", try(next, "k2"), false, 3)
	check("unknown again", try(next, "k2"), false, 3)
	issuer.keys.Store(&map[string]*rsa.PublicKey{"k2": &next.PublicKey})
	check("old key, cached", try(key, "k1"), true, 3)
	now = now.Add(6 * time.Second)
	check("rotated", try(next, "k2"), true, 4)
	check("withdrawn", try(key, "k1"), false, 4)
	now = now.Add(3 * time.Hour)
	issuer.down.Store(true)
	check("old keys outlast an outage", try(next, "k2"), true, 5)
	issuer.down.Store(false)
	now = now.Add(6 * time.Second)
	check("refreshed", try(next, "k2"), true, 6)
}
