package access

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"github.com/golang-jwt/jwt/v5"

	"github.com/latchkey/latchkey/infra/local/issuer"
	"github.com/latchkey/latchkey/tests/caller"
)

// callers returns the tokens that each column of the matrix is tried with. All
// tokens of a column must be answered alike. The first columns are the admin's
// own token with one thing wrong with it.
func (w *world) callers(t *testing.T) map[string][]string {
	forge := newForger(t, w)
	person := func(email string) []string { return []string{w.token(t, fields{"email": email, "name": "Some Body"})} }
	client := func(scope string) string { return w.token(t, fields{"clientId": "reporting", "scope": scope}) }
	return map[string][]string{
		"none": {""},
		"expd": {w.token(t, fields{"email": w.adminEmail, "expiresInSeconds": -3600}), forge.with("exp", nil)},
		"issu": {forge.with("iss", "https://issuer.example"), forge.with("iss", w.stack.URL+"/"), forge.with("iss", nil)},
		"audi": {forge.with("aud", "another-app"), forge.with("aud", []string{}), forge.with("aud", nil), forge.with("aud", issuer.DashboardClient+"2")},
		"algo": forge.algorithms(),
		"keys": forge.keys(),
		"unvf": {
			w.token(t, fields{"email": w.adminEmail, "emailVerified": false}),
			forge.with("email_verified", nil), forge.with("email_verified", "false"), forge.with("email_verified", 1), forge.with("email_verified", "TRUE"),
		},
		"pend": person(w.pending), "decl": person(w.declined), "arch": person(w.archived), "eras": person(w.erased),
		"buil": person(w.builder), "endu": person(w.endUser),
		"twin": {w.token(t, fields{"email": w.adminEmail, "sub": "another-subject"})},
		"forn": person(w.foreignAdmin),
		"scop": {forge.stranger("latchkey/operator")},
		"near": {
			client("latchkey/operators"), client("latchkey/operator:read"), client("latchkey/operator/"), client("latchkey"),
			client("LATCHKEY/OPERATOR"), client("openid operator"), client("xlatchkey/operator"),
		},
		"oper": {client("latchkey/operator"), client("openid latchkey/operator")},
		"admn": person(w.adminEmail),
	}
}

func (w *world) token(t *testing.T, claims fields) string {
	return caller.Token(t, w.stack.URL, claims)
}

// forger signs tokens that the stack's issuer never makes, with the issuer's
// own key where the key is not what is wrong.
type forger struct {
	t      *testing.T
	key    *rsa.PrivateKey
	kid    string
	claims jwt.MapClaims // of a good token of the admin
}

func newForger(t *testing.T, w *world) forger {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(w.dataDir, "issuer", "issuer-key.pem"))
	if err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode(raw)
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	f := forger{t: t, key: key.(*rsa.PrivateKey), claims: jwt.MapClaims{}}
	good, _, err := jwt.NewParser().ParseUnverified(w.token(t, fields{"email": w.adminEmail, "name": "Ada Admin"}), f.claims)
	if err != nil {
		t.Fatal(err)
	}
	f.kid = good.Header["kid"].(string)
	// What the forger signs unchanged is good, so only the change is refused.
	w.as(f.with("name", "Ada Admin")).Send("GET", w.mine.path, nil).Into(http.StatusOK, nil)
	return f
}

func (f forger) sign(method jwt.SigningMethod, key any, kid string, claims jwt.MapClaims) string {
	f.t.Helper()
	token := jwt.NewWithClaims(method, claims)
	if kid != "" {
		token.Header["kid"] = kid
	}
	signed, err := token.SignedString(key)
	if err != nil {
		f.t.Fatal(err)
	}
	return signed
}

// with is the admin's token with one claim replaced, or left out where value is
// nil, signed by the issuer's key.
func (f forger) with(name string, value any) string {
	f.t.Helper()
	return f.sign(jwt.SigningMethodRS256, f.key, f.kid, f.changed(name, value))
}

func (f forger) changed(name string, value any) jwt.MapClaims {
	claims := maps.Clone(f.claims)
	claims[name] = value
	if value == nil {
		delete(claims, name)
	}
	return claims
}

// stranger is a signed-in person without a workspace whose token has a scope.
func (f forger) stranger(scope string) string {
	claims := f.changed("scope", scope)
	claims["email"], claims["sub"], claims["name"] = "stranger@corp.example", "stranger", "Some Body"
	return f.sign(jwt.SigningMethodRS256, f.key, f.kid, claims)
}

// algorithms are the admin's token under algorithms that are not accepted: none
// at all, and the public key, which everybody knows, as an HMAC secret.
func (f forger) algorithms() []string {
	der, err := x509.MarshalPKIXPublicKey(&f.key.PublicKey)
	if err != nil {
		f.t.Fatal(err)
	}
	curve, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		f.t.Fatal(err)
	}
	public := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
	return []string{
		f.sign(jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType, f.kid, f.claims),
		f.sign(jwt.SigningMethodHS256, public, f.kid, f.claims),
		f.sign(jwt.SigningMethodHS256, der, f.kid, f.claims),
		f.sign(jwt.SigningMethodHS512, f.key.N.Bytes(), f.kid, f.claims),
		f.sign(jwt.SigningMethodPS256, f.key, f.kid, f.claims),
		f.sign(jwt.SigningMethodES256, curve, f.kid, f.claims),
	}
}

// keys are the admin's token signed with keys that are not the issuer's.
func (f forger) keys() []string {
	other, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		f.t.Fatal(err)
	}
	good := f.with("name", "Ada Admin")
	bent := []byte(good)
	if i := len(bent) - 20; bent[i] == 'A' {
		bent[i] = 'B'
	} else {
		bent[i] = 'A'
	}
	return []string{
		f.sign(jwt.SigningMethodRS256, other, f.kid, f.claims),
		f.sign(jwt.SigningMethodRS256, other, "unknown", f.claims),
		f.sign(jwt.SigningMethodRS256, other, "", f.claims),
		string(bent),
	}
}

// as is a caller with a token.
func (w *world) as(token string) caller.Caller { return caller.Holder(w.t, w.stack.URL, token) }
