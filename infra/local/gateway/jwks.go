package gateway

import (
	"context"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"strings"
	"sync"
	"time"
)

const (
	// keysLast is how long fetched keys are good: API Gateway's two hours.
	keysLast = 2 * time.Hour
	// keysPause is the least time between two fetches that tokens with
	// unknown keys set off; anybody can send such tokens.
	keysPause   = 5 * time.Second
	maxDocument = 1 << 20
)

var (
	errUnknownKey = errors.New("unknown key")
	errDiscovery  = errors.New("issuer's keys cannot be fetched")
)

// keySet holds the issuer's public keys.
type keySet struct {
	discovery string
	client    *http.Client
	now       func() time.Time

	mu      sync.Mutex // also held while fetching: one fetch serves all
	keys    map[string]*rsa.PublicKey
	fetched time.Time // when keys came
	tried   time.Time // when they were last asked for
}

func newKeySet(issuer string, client *http.Client, now func() time.Time) *keySet {
	discovery := strings.TrimSuffix(issuer, "/") + "/.well-known/openid-configuration"
	return &keySet{discovery: discovery, client: client, now: now}
}

// key finds a key by its id. It fetches where there are no keys or they are
// old, and once more where the id is unknown: the issuer may have a new key.
func (s *keySet) key(ctx context.Context, kid string) (*rsa.PublicKey, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	known := s.keys[kid]
	if s.keys != nil {
		fresh := s.now().Sub(s.fetched) < keysLast
		if fresh && known != nil {
			return known, nil
		}
		if s.now().Sub(s.tried) < keysPause {
			if known != nil {
				return known, nil
			}
			return nil, errUnknownKey
		}
	}
	s.tried = s.now()
	keys, err := s.fetch(ctx)
	switch {
	case err == nil:
		s.keys, s.fetched = keys, s.now()
	case known != nil: // old keys are better than an outage
		return known, nil
	default:
		return nil, fmt.Errorf("%w: %w", errDiscovery, err)
	}
	if key := s.keys[kid]; key != nil {
		return key, nil
	}
	return nil, errUnknownKey
}

func (s *keySet) fetch(ctx context.Context) (map[string]*rsa.PublicKey, error) {
	var discovered struct {
		JWKSURI string `json:"jwks_uri"`
	}
	if err := s.get(ctx, s.discovery, &discovered); err != nil {
		return nil, err
	}
	var set struct {
		Keys []jsonWebKey `json:"keys"`
	}
	if err := s.get(ctx, discovered.JWKSURI, &set); err != nil {
		return nil, err
	}
	keys := map[string]*rsa.PublicKey{}
	for _, k := range set.Keys {
		if k.Type != "RSA" || k.Use != "" && k.Use != "sig" || k.ID == "" {
			continue
		}
		key, err := k.publicKey()
		if err != nil {
			return nil, fmt.Errorf("key %q: %w", k.ID, err)
		}
		keys[k.ID] = key
	}
	return keys, nil
}

func (s *keySet) get(ctx context.Context, url string, into any) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return fmt.Errorf("address %q: %w", url, err)
	}
	resp, err := s.client.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("get %s: status %d", url, resp.StatusCode)
	}
	if err := json.NewDecoder(io.LimitReader(resp.Body, maxDocument)).Decode(into); err != nil {
		return fmt.Errorf("get %s: %w", url, err)
	}
	return nil
}

// jsonWebKey is a key of a JWK set (RFC 7517).
type jsonWebKey struct {
	Type string `json:"kty"`
	Use  string `json:"use"`
	ID   string `json:"kid"`
	N    string `json:"n"`
	E    string `json:"e"`
}

func (k jsonWebKey) publicKey() (*rsa.PublicKey, error) {
	n, err := base64.RawURLEncoding.DecodeString(k.N)
	if err != nil {
		return nil, fmt.Errorf("modulus: %w", err)
	}
	e, err := base64.RawURLEncoding.DecodeString(k.E)
	if err != nil {
		return nil, fmt.Errorf("exponent: %w", err)
	}
	exponent := new(big.Int).SetBytes(e)
	if !exponent.IsInt64() || exponent.Int64() < 3 || exponent.Int64() > 1<<31-1 {
		return nil, errors.New("exponent is out of range")
	}
	key := &rsa.PublicKey{N: new(big.Int).SetBytes(n), E: int(exponent.Int64())}
	if key.N.BitLen() < 2048 {
		return nil, errors.New("modulus is too short")
	}
	return key, nil
}
