package issuer

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/mail"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"unicode"
)

const accountsFile = "accounts.json"

// Account is a person that the issuer knows, with the email as they typed it.
type Account struct {
	Sub   string `json:"sub"`
	Email string `json:"email"`
	Name  string `json:"name"`
}

var errAccountExists = errors.New("the account exists")

// accountStore keeps the accounts in memory and in one file.
type accountStore struct {
	path string

	mu      sync.Mutex
	list    []Account
	pending map[string]chan struct{}
}

func loadAccounts(dir string) (*accountStore, error) {
	s := &accountStore{path: filepath.Join(dir, accountsFile), pending: map[string]chan struct{}{}}
	data, err := os.ReadFile(s.path)
	if errors.Is(err, fs.ErrNotExist) {
		return s, nil
	}
	if err != nil {
		return nil, fmt.Errorf("issuer: accounts: %w", err)
	}
	if err := json.Unmarshal(data, &s.list); err != nil {
		return nil, fmt.Errorf("issuer: accounts: %s: %w", s.path, err)
	}
	return s, nil
}

func (s *accountStore) byEmail(email string) (Account, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.find(email)
}

func (s *accountStore) find(email string) (Account, bool) {
	key := canonical(email)
	n := slices.IndexFunc(s.list, func(a Account) bool { return canonical(a.Email) == key })
	if n < 0 {
		return Account{}, false
	}
	return s.list[n], true
}

func (s *accountStore) bySub(sub string) (Account, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := slices.IndexFunc(s.list, func(a Account) bool { return a.Sub == sub })
	if n < 0 {
		return Account{}, false
	}
	return s.list[n], true
}

// create runs the hook and then keeps the account. One that comes second for
// the same email waits for the first: it must not be told that the account
// exists while the first can still fail.
func (s *accountStore) create(ctx context.Context, a Account, hook func(context.Context, Account) error) error {
	release, err := s.reserve(ctx, a.Email)
	if err != nil {
		return err
	}
	defer release()
	if err := hook(ctx, a); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	list := append(slices.Clone(s.list), a)
	data, err := json.MarshalIndent(list, "", "  ")
	if err != nil {
		return err
	}
	if err := replaceFile(s.path, data); err != nil {
		return err
	}
	s.list = list
	return nil
}

func (s *accountStore) reserve(ctx context.Context, email string) (release func(), err error) {
	key := canonical(email)
	for {
		s.mu.Lock()
		if _, ok := s.find(email); ok {
			s.mu.Unlock()
			return nil, errAccountExists
		}
		first, busy := s.pending[key]
		if !busy {
			done := make(chan struct{})
			s.pending[key] = done
			s.mu.Unlock()
			return func() {
				s.mu.Lock()
				delete(s.pending, key)
				s.mu.Unlock()
				close(done)
			}, nil
		}
		s.mu.Unlock()
		select {
		case <-first:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

func canonical(email string) string {
	return strings.ToLower(strings.TrimSpace(email))
}

// subjectFor names the person behind an email: a version 8 UUID over its hash,
// so that a token made for an email and its later account are one person.
func subjectFor(email string) string {
	b := sha256.Sum256([]byte("latchkey local account\n" + canonical(email)))
	b[6] = b[6]&0x0f | 0x80
	b[8] = b[8]&0x3f | 0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[0:4], b[4:6], b[6:8], b[8:10], b[10:16])
}

func validEmail(email string) bool {
	a, err := mail.ParseAddress(email)
	if err != nil || a.Name != "" || a.Address != email || len(email) > 254 {
		return false
	}
	return printable(email) && !strings.ContainsAny(email, " \"<>")
}

func printable(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) })
}
