package issuer

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"net/http"
	"os"
	"path/filepath"
)

const (
	keyFile = "issuer-key.pem"
	keyBits = 2048
)

type signingKey struct {
	id      string
	private *rsa.PrivateKey
}

// loadKey reads the key that signed yesterday's tokens, or makes the first one.
// A file that it can't read is an error: replacing it would kill every token
// without a word.
func loadKey(dir string) (signingKey, error) {
	path := filepath.Join(dir, keyFile)
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return makeKey(path)
	}
	if err != nil {
		return signingKey{}, fmt.Errorf("issuer: signing key: %w", err)
	}
	block, _ := pem.Decode(data)
	if block == nil {
		return signingKey{}, fmt.Errorf("issuer: signing key: %s holds no PEM", path)
	}
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return signingKey{}, fmt.Errorf("issuer: signing key: %s: %w", path, err)
	}
	private, ok := parsed.(*rsa.PrivateKey)
	if !ok {
		return signingKey{}, fmt.Errorf("issuer: signing key: %s is no RSA key", path)
	}
	if err := os.Chmod(path, 0o600); err != nil {
		return signingKey{}, fmt.Errorf("issuer: signing key: %w", err)
	}
	return signingKey{id: thumbprint(&private.PublicKey), private: private}, nil
}

func makeKey(path string) (signingKey, error) {
	private, err := rsa.GenerateKey(rand.Reader, keyBits)
	if err != nil {
		return signingKey{}, fmt.Errorf("issuer: signing key: %w", err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		return signingKey{}, fmt.Errorf("issuer: signing key: %w", err)
	}
	if err := replaceFile(path, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})); err != nil {
		return signingKey{}, fmt.Errorf("issuer: signing key: %w", err)
	}
	return signingKey{id: thumbprint(&private.PublicKey), private: private}, nil
}

// replaceFile writes through a temporary file, which is born with mode 0600, so
// that a crash leaves the old content or the new, and never half of it.
func replaceFile(path string, data []byte) (err error) {
	f, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = os.Remove(f.Name())
		}
	}()
	_, err = f.Write(data)
	if err == nil {
		err = f.Sync()
	}
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}

// thumbprint is the key's name by RFC 7638: the same key, the same name.
func thumbprint(key *rsa.PublicKey) string {
	n, e := modulus(key)
	sum := sha256.Sum256([]byte(`{"e":"` + e + `","kty":"RSA","n":"` + n + `"}`))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

func modulus(key *rsa.PublicKey) (n, e string) {
	return base64.RawURLEncoding.EncodeToString(key.N.Bytes()),
		base64.RawURLEncoding.EncodeToString(big.NewInt(int64(key.E)).Bytes())
}

func (i *Issuer) jwks(w http.ResponseWriter, _ *http.Request) {
	n, e := modulus(&i.key.private.PublicKey)
	w.Header().Set("Cache-Control", "max-age=60")
	writeJSON(w, http.StatusOK, map[string]any{"keys": []map[string]string{
		{"kty": "RSA", "use": "sig", "alg": "RS256", "kid": i.key.id, "n": n, "e": e},
	}})
}

func (i *Issuer) discovery(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Cache-Control", "max-age=60")
	writeJSON(w, http.StatusOK, map[string]any{
		"issuer":                                         i.url,
		"authorization_endpoint":                         i.url + "/oauth2/authorize",
		"token_endpoint":                                 i.url + "/oauth2/token",
		"userinfo_endpoint":                              i.url + "/oauth2/userInfo",
		"end_session_endpoint":                           i.url + "/local/logout",
		"jwks_uri":                                       i.url + "/.well-known/jwks.json",
		"response_types_supported":                       []string{"code"},
		"response_modes_supported":                       []string{"query"},
		"grant_types_supported":                          []string{"authorization_code", "refresh_token", "client_credentials"},
		"subject_types_supported":                        []string{"public"},
		"id_token_signing_alg_values_supported":          []string{"RS256"},
		"scopes_supported":                               []string{"openid", "email", "profile"},
		"claims_supported":                               []string{"sub", "email", "email_verified", "name", "auth_time", "nonce"},
		"code_challenge_methods_supported":               []string{"S256"},
		"token_endpoint_auth_methods_supported":          []string{"none", "client_secret_basic", "client_secret_post"},
		"prompt_values_supported":                        i.behavior.prompts,
		"authorization_response_iss_parameter_supported": true,
	})
}
