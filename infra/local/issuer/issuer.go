package issuer

import (
	"context"
	"crypto"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/latchkey/latchkey/infra/local/loopback"
)

// DashboardClient is the one public client, and the audience of every token.
const DashboardClient = "latchkey-dashboard"

const bodyLimit = 64 << 10

// Config is what an Issuer needs from its surroundings.
type Config struct {
	// URL is the issuer's name and base address: scheme, host and port alone.
	URL string
	// DataDir keeps the signing key and the accounts across restarts.
	DataDir string
	// DashboardOrigins may call the token, userinfo, discovery and key
	// endpoints from a browser.
	DashboardOrigins []string
	// RedirectURIs are where a browser may be sent after signing in or out. An
	// entry that ends in a slash allows every path below it, on that very
	// origin; any other entry allows itself alone.
	RedirectURIs []string
	// Behavior is that of the provider to imitate.
	Behavior Behavior
	// OnSignUp is called once for a new account, before it is kept; an error
	// means that there is no account, and that the person may try again.
	OnSignUp func(context.Context, Account) error
	// Now, Rand and Log default to the clock, crypto/rand and silence. The
	// signing key never comes from Rand: the standard library takes its own.
	Now  func() time.Time
	Rand io.Reader
	Log  *slog.Logger
}

// Issuer is an http.Handler; make one with New.
type Issuer struct {
	url       string
	host      string
	secure    bool
	origins   []string
	redirects allowList
	behavior  Behavior
	onSignUp  func(context.Context, Account) error
	now       func() time.Time
	log       *slog.Logger

	randMu sync.Mutex
	rand   io.Reader

	key      signingKey
	accounts *accountStore
	sessions *sessionStore
	grants   *grantStore
	pages    pageSet
	guard    *http.CrossOriginProtection
	mux      *http.ServeMux
}

// New reads the data folder, making it, and the signing key, where they are
// missing.
func New(c Config) (*Issuer, error) {
	base, err := url.Parse(strings.TrimSuffix(c.URL, "/"))
	if err != nil || base.Host == "" || (base.Scheme != "http" && base.Scheme != "https") ||
		base.Path != "" || base.RawQuery != "" || base.Fragment != "" || base.User != nil {
		return nil, fmt.Errorf("issuer: URL %q must be http(s)://host[:port]", c.URL)
	}
	if c.DataDir == "" {
		return nil, errors.New("issuer: DataDir is missing")
	}
	if err := os.MkdirAll(c.DataDir, 0o700); err != nil {
		return nil, fmt.Errorf("issuer: data folder: %w", err)
	}
	redirects, err := newAllowList(c.RedirectURIs)
	if err != nil {
		return nil, err
	}
	key, err := loadKey(c.DataDir)
	if err != nil {
		return nil, err
	}
	accounts, err := loadAccounts(c.DataDir)
	if err != nil {
		return nil, err
	}
	pages, err := loadPages()
	if err != nil {
		return nil, err
	}
	guard := http.NewCrossOriginProtection()
	if err := guard.AddTrustedOrigin(base.String()); err != nil {
		return nil, fmt.Errorf("issuer: URL: %w", err)
	}
	i := &Issuer{
		url: base.String(), host: base.Host, secure: base.Scheme == "https",
		origins: slices.Clone(c.DashboardOrigins), redirects: redirects,
		behavior: c.Behavior.orDefault(),
		onSignUp: c.OnSignUp, now: c.Now, rand: c.Rand, log: c.Log,
		key: key, accounts: accounts, sessions: newSessionStore(), grants: newGrantStore(),
		pages: pages, guard: guard, mux: http.NewServeMux(),
	}
	if i.now == nil {
		i.now = time.Now
	}
	if i.rand == nil {
		i.rand = rand.Reader
	}
	if i.log == nil {
		i.log = slog.New(slog.DiscardHandler)
	}
	if i.onSignUp == nil {
		i.onSignUp = func(context.Context, Account) error { return nil }
	}
	for pattern, handle := range i.handlers() {
		i.mux.HandleFunc(pattern, handle)
	}
	return i, nil
}

func (i *Issuer) handlers() map[string]http.HandlerFunc {
	return map[string]http.HandlerFunc{
		"GET /.well-known/openid-configuration":     i.shared(i.discovery),
		"OPTIONS /.well-known/openid-configuration": i.preflight,
		"GET /.well-known/jwks.json":                i.shared(i.jwks),
		"OPTIONS /.well-known/jwks.json":            i.preflight,
		"GET /oauth2/authorize":                     i.authorize,
		"POST /oauth2/token":                        i.shared(i.token),
		"OPTIONS /oauth2/token":                     i.preflight,
		"GET /oauth2/userInfo":                      i.shared(i.userInfo),
		"POST /oauth2/userInfo":                     i.shared(i.userInfo),
		"OPTIONS /oauth2/userInfo":                  i.preflight,
		"POST /local/token":                         i.guarded(i.localToken),
		"GET /local/login":                          i.showForm(modeLogin),
		"POST /local/login":                         i.guarded(i.submit(modeLogin)),
		"GET /local/signup":                         i.showForm(modeSignup),
		"POST /local/signup":                        i.guarded(i.submit(modeSignup)),
		"GET /local/login.css":                      i.asset("login.css", "text/css; charset=utf-8"),
		"GET /local/logout":                         i.logout,
		"POST /local/logout":                        i.guarded(i.logout),
	}
}

// Routes lists the patterns to mount the issuer under in an http.ServeMux. Each
// names its method, so that none collides with a catch-all beside it.
func (i *Issuer) Routes() []string {
	var routes []string
	for pattern := range i.handlers() {
		routes = append(routes, pattern)
	}
	slices.Sort(routes)
	return routes
}

// Keys are the public keys by key id, for a verifier in the same process.
func (i *Issuer) Keys() map[string]crypto.PublicKey {
	return map[string]crypto.PublicKey{i.key.id: i.key.private.Public()}
}

// ServeHTTP serves every route of Routes.
func (i *Issuer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	// A page of the internet whose name was made to resolve to this machine
	// would otherwise be "same origin" and could read tokens.
	if r.Host != i.host && !loopback.IsHost(r.Host) {
		writeProblem(w, http.StatusMisdirectedRequest, "wrong_host", "This issuer serves its own machine alone.")
		return
	}
	r.Body = http.MaxBytesReader(w, r.Body, bodyLimit)
	i.mux.ServeHTTP(w, r)
}

// guarded refuses what another site's page makes a browser send.
func (i *Issuer) guarded(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if err := i.guard.Check(r); err != nil {
			writeProblem(w, http.StatusForbidden, "cross_origin", "This request came from another site.")
			return
		}
		next(w, r)
	}
}

// secret is a new opaque value of 256 bits.
func (i *Issuer) secret() (string, error) {
	i.randMu.Lock()
	defer i.randMu.Unlock()
	var b [32]byte
	if _, err := io.ReadFull(i.rand, b[:]); err != nil {
		return "", fmt.Errorf("issuer: randomness: %w", err)
	}
	return base64.RawURLEncoding.EncodeToString(b[:]), nil
}
