package issuer

import (
	"maps"
	"net/http"
	"sync"
	"time"
)

const (
	sessionCookie = "latchkey_session"
	sessionLife   = 12 * time.Hour
)

type session struct {
	account  Account
	authTime time.Time
}

// sessionStore is in memory: a restart signs everyone out, and that is all.
type sessionStore struct {
	mu   sync.Mutex
	byID map[string]session
}

func newSessionStore() *sessionStore {
	return &sessionStore{byID: map[string]session{}}
}

func (s *sessionStore) put(id string, one session) {
	s.mu.Lock()
	defer s.mu.Unlock()
	maps.DeleteFunc(s.byID, func(_ string, old session) bool { return old.over(one.authTime) })
	s.byID[id] = one
}

func (s *sessionStore) get(id string, now time.Time) (session, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	one, ok := s.byID[id]
	if !ok || one.over(now) {
		return session{}, false
	}
	return one, true
}

func (s *sessionStore) drop(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.byID, id)
}

func (s session) over(now time.Time) bool {
	return !now.Before(s.authTime.Add(sessionLife))
}

func (i *Issuer) session(r *http.Request) (session, bool) {
	c, err := r.Cookie(sessionCookie)
	if err != nil {
		return session{}, false
	}
	return i.sessions.get(c.Value, i.now())
}

// startSession gives the browser a new session id, never the one it came with.
func (i *Issuer) startSession(w http.ResponseWriter, r *http.Request, a Account) (session, error) {
	id, err := i.secret()
	if err != nil {
		return session{}, err
	}
	i.dropSession(r)
	one := session{account: a, authTime: i.now()}
	i.sessions.put(id, one)
	http.SetCookie(w, i.cookie(id, int(sessionLife/time.Second)))
	return one, nil
}

func (i *Issuer) endSession(w http.ResponseWriter, r *http.Request) {
	i.dropSession(r)
	http.SetCookie(w, i.cookie("", -1))
}

func (i *Issuer) dropSession(r *http.Request) {
	if c, err := r.Cookie(sessionCookie); err == nil {
		i.sessions.drop(c.Value)
	}
}

func (i *Issuer) cookie(value string, maxAge int) *http.Cookie {
	return &http.Cookie{
		Name: sessionCookie, Value: value, Path: "/", MaxAge: maxAge,
		HttpOnly: true, SameSite: http.SameSiteLaxMode, Secure: i.secure,
	}
}

// logout forgets the session; the browser goes to an allowed address or to the
// dashboard.
func (i *Issuer) logout(w http.ResponseWriter, r *http.Request) {
	if err := r.ParseForm(); err != nil {
		i.failPage(w, http.StatusBadRequest, "The request could not be read.")
		return
	}
	target, state := r.Form.Get("post_logout_redirect_uri"), r.Form.Get("state")
	if i.behavior.logoutURI {
		target, state = r.Form.Get("logout_uri"), ""
		if len(r.Form["client_id"]) != 1 || r.Form.Get("client_id") != DashboardClient || target == "" {
			i.failPage(w, http.StatusBadRequest, "Signing out takes client_id and logout_uri.")
			return
		}
	}
	if i.behavior.tokenHint {
		if _, err := i.verify(r.Form.Get("id_token_hint")); err != nil {
			i.failPage(w, http.StatusBadRequest, "Signing out takes id_token_hint, an ID token that is still valid.")
			return
		}
	}
	if target != "" && !i.redirects.allows(target) {
		i.failPage(w, http.StatusBadRequest, "The address to go to after signing out is not one that this issuer allows.")
		return
	}
	i.endSession(w, r)
	if target == "" {
		target = "/"
	}
	redirect(w, r, withQuery(target, "state", state))
}
