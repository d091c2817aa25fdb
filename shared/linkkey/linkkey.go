// Package linkkey keeps the keys that sign invitation links. They rest in one
// item of the table, each wrapped by KMS, and are made with the first link. A
// function opens each once, and reads the item again from time to time so that
// a rotation reaches functions that are warm.
//
// It may import shared/store, shared/datakey, shared/link, shared/setting and
// the domain.
package linkkey

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/latchkey/latchkey/shared/awsenv"
	"github.com/latchkey/latchkey/shared/datakey"
	"github.com/latchkey/latchkey/shared/link"
	"github.com/latchkey/latchkey/shared/setting"
	"github.com/latchkey/latchkey/shared/store"
	"github.com/latchkey/latchkey/shared/user"
)

// Refresh is how long keys are used before they are read again. A key that begins
// to sign at least this long after it was written is known to every function by
// then.
const Refresh = 5 * time.Minute

// pauseAfterFailure is how long known keys are used after a failed refresh before
// the next try.
const pauseAfterFailure = 15 * time.Second

// Source reads and keeps the keys. It is safe for concurrent use.
type Source struct {
	store *store.Store
	kms   *datakey.Keys
	base  string // of links

	mu       sync.Mutex
	versions []version
	fresh    time.Time // when they are read again; zero if none are known
}

type version struct {
	store.LinkKey
	key []byte
}

// New returns the source of a function. Links begin with the address that
// API_URL configures.
func New(s *store.Store, kms *datakey.Keys, env awsenv.Env) *Source {
	return &Source{store: s, kms: kms, base: env.Get(setting.APIURL.Name)}
}

// Keys returns the link keys as of at most Refresh ago; the zero value before the
// first link. If a refresh fails, it returns the known keys.
func (s *Source) Keys(ctx context.Context, now time.Time) (link.Keys, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	err := s.refresh(ctx, now)
	return s.keysAt(now), err
}

// refresh reads the keys when they are due. If the item does not exist, the next
// call reads again: it may exist by then.
func (s *Source) refresh(ctx context.Context, now time.Time) error {
	if now.Before(s.fresh) {
		return nil
	}
	stored, err := s.store.LinkKeys(ctx)
	if err == nil {
		err = s.open(ctx, stored)
	}
	switch {
	case err == nil && len(s.versions) > 0:
		s.fresh = now.Add(Refresh)
	case err != nil && !s.fresh.IsZero():
		s.fresh = now.Add(pauseAfterFailure)
		return nil
	}
	return err
}

// open adopts the stored versions, and unwraps new ones with KMS.
func (s *Source) open(ctx context.Context, stored []store.LinkKey) error {
	opened := make([]version, len(stored))
	for i, k := range stored {
		opened[i].LinkKey = k
		for _, known := range s.versions {
			if string(known.Wrapped) == string(k.Wrapped) {
				opened[i].key = known.key
			}
		}
		if opened[i].key == nil {
			key, err := s.kms.OpenLinkKey(ctx, k.Wrapped)
			if err != nil {
				return err
			}
			opened[i].key = key
		}
	}
	s.versions = opened
	return nil
}

// keysAt returns the keys with the one that signs at now: of those that have
// begun to, the one that began last, and the first in the item among equals.
func (s *Source) keysAt(now time.Time) (keys link.Keys) {
	signs := -1
	for i, v := range s.versions {
		if !v.From.After(now) && (signs < 0 || v.From.After(s.versions[signs].From)) {
			signs = i
		}
	}
	for i, v := range s.versions {
		if i == signs {
			keys.Current = v.key
		} else {
			keys.Others = append(keys.Others, v.key)
		}
	}
	return keys
}

// create makes the first key, unless another function has. Only the roles of
// functions that derive links allow it.
func (s *Source) create(ctx context.Context, now time.Time) error {
	wrapped, err := s.kms.NewLinkKey(ctx)
	if err != nil {
		return err
	}
	// It has no start time, because clocks differ.
	stands, err := s.store.InsertLinkKeys(ctx, []store.LinkKey{{Wrapped: wrapped, From: time.Unix(0, 0)}})
	if err == nil {
		err = s.open(ctx, stands)
	}
	if err == nil {
		s.fresh = now.Add(Refresh)
	}
	return err
}

// Maker derives links with keys that were fetched before, so that nothing can
// fail once a write has happened.
type Maker struct {
	keys link.Keys
	base string
}

// Maker returns a maker of links, and makes the first key for the first link.
func (s *Source) Maker(ctx context.Context, now time.Time) (Maker, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	err := s.refresh(ctx, now)
	if err == nil && len(s.versions) == 0 {
		err = s.create(ctx, now)
	}
	m := Maker{s.keysAt(now), s.base}
	if err == nil && len(m.keys.Current) == 0 {
		err = errors.New("no link key has begun to sign")
	}
	return m, err
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
