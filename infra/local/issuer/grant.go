package issuer

import (
	"maps"
	"sync"
	"time"
)

const (
	codeLife    = time.Minute
	refreshLife = 12 * time.Hour
)

// grant is what a person gave the client by signing in: its code and all its
// refresh tokens point to the one grant, so that revoking it revokes them.
type grant struct {
	redirectURI, challenge, nonce, scope string

	session session
	revoked bool
}

// ticket is a code or a refresh token: good once.
type ticket struct {
	grant   *grant
	expires time.Time
	used    bool
}

type grantStore struct {
	mu      sync.Mutex
	codes   map[string]*ticket
	refresh map[string]*ticket
}

func newGrantStore() *grantStore {
	return &grantStore{codes: map[string]*ticket{}, refresh: map[string]*ticket{}}
}

func (s *grantStore) putCode(code string, q authRequest, by session, now time.Time) {
	g := &grant{redirectURI: q.redirectURI, challenge: q.challenge, nonce: q.nonce, scope: q.scope, session: by}
	s.put(s.codes, code, &ticket{grant: g, expires: now.Add(codeLife)}, now)
}

func (s *grantStore) putRefresh(token string, g *grant, now time.Time) {
	s.put(s.refresh, token, &ticket{grant: g, expires: now.Add(refreshLife)}, now)
}

func (s *grantStore) put(into map[string]*ticket, name string, t *ticket, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	maps.DeleteFunc(into, func(_ string, old *ticket) bool { return !now.Before(old.expires) })
	into[name] = t
}

func (s *grantStore) takeCode(code string, now time.Time) (*grant, bool) {
	return s.take(s.codes, code, now)
}

func (s *grantStore) takeRefresh(token string, now time.Time) (*grant, bool) {
	return s.take(s.refresh, token, now)
}

// take uses a ticket up. One that is shown twice is in two hands, and nobody
// can say whose: the whole grant ends.
func (s *grantStore) take(from map[string]*ticket, name string, now time.Time) (*grant, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t, ok := from[name]
	if !ok || !now.Before(t.expires) {
		return nil, false
	}
	if t.used {
		t.grant.revoked = true
	}
	t.used = true
	return t.grant, !t.grant.revoked
}
