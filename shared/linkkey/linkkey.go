// Package linkkey fetches the keys that sign invitation links from Secrets
// Manager, on first use, and again from time to time so that a rotation
// reaches functions that are warm.
//
// It may import the Secrets Manager client, shared/awsenv,
// shared/link and the domain.
package linkkey

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"regexp"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"

	"github.com/latchkey/latchkey/shared/awsenv"
	"github.com/latchkey/latchkey/shared/link"
	"github.com/latchkey/latchkey/shared/setting"
	"github.com/latchkey/latchkey/shared/user"
)

// Refresh is how long fetched keys are used before they are fetched again.
const Refresh = 5 * time.Minute

// pauseAfterFailure is how long keys that are known go on being used without
// another try, when fetching them again has failed.
const pauseAfterFailure = 15 * time.Second

// Source fetches and keeps the keys. It is safe for concurrent use.
type Source struct {
	env    awsenv.Env
	client func() *secretsmanager.Client

	mu    sync.Mutex
	keys  link.Keys
	fresh time.Time // until when they are used unasked; zero: none are known
}

// FromEnv is the source of a Lambda: the secret that LINK_KEY names. The
// client is made when it is first needed.
func FromEnv(env awsenv.Env) *Source {
	return &Source{env: env, client: sync.OnceValue(func() *secretsmanager.Client {
		return secretsmanager.New(secretsmanager.Options{
			Region: env.Region(), Credentials: env.Credentials(),
			BaseEndpoint: env.Endpoint("SECRETS_MANAGER"), Retryer: awsenv.Retryer(),
		})
	})}
}

// Keys are the link keys as of at most Refresh ago. If they cannot be fetched
// anew, those that are known go on being used.
func (s *Source) Keys(ctx context.Context, now time.Time) (link.Keys, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if now.Before(s.fresh) {
		return s.keys, nil
	}
	keys, err := s.fetch(ctx)
	switch {
	case err == nil:
		s.keys, s.fresh = keys, now.Add(Refresh)
	case s.fresh.IsZero():
		return link.Keys{}, err
	default:
		s.fresh = now.Add(pauseAfterFailure)
	}
	return s.keys, nil
}

func (s *Source) fetch(ctx context.Context) (link.Keys, error) {
	id := s.env.Get(setting.LinkKey.Name)
	out, err := s.client().GetSecretValue(ctx, &secretsmanager.GetSecretValueInput{SecretId: &id})
	if err != nil {
		return link.Keys{}, awsenv.Failure("fetch the link key", err)
	}
	if out.SecretString == nil {
		return link.Keys{}, errors.New("the link key's secret holds no text")
	}
	return Parse(*out.SecretString)
}

var material = regexp.MustCompile(`^[A-Za-z0-9+/=_-]{43,}$`)

// Parse reads the secret: {"current": text, "previous": text or ""}. A text is
// at least 43 random characters of base64 or letters and digits, which is 256
// bits; its SHA-256 is the key, so that any such text will do.
func Parse(secret string) (link.Keys, error) {
	var in struct{ Current, Previous string }
	if json.Unmarshal([]byte(secret), &in) != nil {
		return link.Keys{}, errors.New("the link key's secret is not JSON")
	}
	if !material.MatchString(in.Current) || in.Previous != "" && !material.MatchString(in.Previous) {
		return link.Keys{}, errors.New("the link key's secret needs a current key of 43 characters or more, and a previous one or an empty text")
	}
	current := sha256.Sum256([]byte(in.Current))
	keys := link.Keys{Current: current[:]}
	if in.Previous != "" {
		previous := sha256.Sum256([]byte(in.Previous))
		keys.Previous = previous[:]
	}
	return keys, nil
}

// Maker derives links with keys that were fetched before, so that nothing can
// fail once a write has happened.
type Maker struct {
	keys link.Keys
	base string
}

// Maker fetches the keys and returns a maker of links, which begin with the
// address that API_URL configures.
func (s *Source) Maker(ctx context.Context, now time.Time) (Maker, error) {
	keys, err := s.Keys(ctx, now)
	return Maker{keys, s.env.Get(setting.APIURL.Name)}, err
}

// URL returns the link of a pending user, which is mailed and copied; "" for a
// user who never had one.
func (m Maker) URL(u user.User) string {
	token, err := m.token(link.Accept, u)
	if err != nil {
		return ""
	}
	return link.URL(m.base, token)
}

// OptOut returns the addresses where the reader of a mail says that they want
// no further mail, or that the invitation is abuse.
func (m Maker) OptOut(u user.User) (unsubscribe, report string, err error) {
	optOut, err := m.token(link.OptOut, u)
	if err != nil {
		return "", "", err
	}
	abuse, err := m.token(link.Report, u)
	if err != nil {
		return "", "", err
	}
	invitations := m.base + "/v1/invitations/"
	return invitations + optOut + "/unsubscribe", invitations + abuse + "/report", nil
}

func (m Maker) token(purpose link.Purpose, u user.User) (string, error) {
	return m.keys.Token(purpose, link.Invitation{WorkspaceID: u.WorkspaceID, UserID: u.ID, Generation: u.Invitation.Generation})
}
