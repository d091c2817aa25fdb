// Package sample is a small workspace with people in every status, and the
// events of events/ that are about it: what `make invoke` runs a function on,
// and what tests start from. Its ids, its link key and its times are fixed.
//
// It may import the shared packages and infra/blueprint.
package sample

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/latchkey/latchkey/shared/awsenv"
	"github.com/latchkey/latchkey/shared/datakey"
	"github.com/latchkey/latchkey/shared/link"
	"github.com/latchkey/latchkey/shared/store"
	"github.com/latchkey/latchkey/shared/user"
	"github.com/latchkey/latchkey/shared/workspace"
)

// WorkspaceID is the sample workspace.
const WorkspaceID = "ws_sample000000000000000000"

// ImportIDs are two imports without rows.
var ImportIDs = []string{"imp_sample00000000000000000000", "imp_sample10000000000000000000"}

// linkKey is the link key of samples alone. A stack makes its own.
var linkKey = sha256.Sum256([]byte("sample-key-sample-key-sample-key-sample-key"))

// Begin is when everything in the sample happened; its invitations last for
// ten years, so that samples go on working.
var Begin = time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)

const lasts = 3652 * 24 * time.Hour

// Person is one of the sample.
type Person struct {
	Name, Email string
	Role        user.Role
	Status      user.Status
	HasAccount  bool
}

// People are everybody in the sample workspace; the first is its admin.
func People() []Person {
	return []Person{
		{"Ada Admin", "ada@corp.com", user.Admin, user.Active, true},
		{"Bob Builder", "bob@corp.com", user.Builder, user.Active, true},
		{"John Doe", "john@corp.com", user.Builder, user.Invited, true},
		{"Mary Major", "mary@corp.com", user.EndUser, user.Requested, false},
		{"Nina New", "nina@corp.com", user.EndUser, user.Requested, false},
		{"Dora Decliner", "dora@corp.com", user.EndUser, user.Invited, true},
		{"Jane Roe", "jane@corp.com", user.Builder, user.Archived, true},
	}
}

// Subject is the account of a sample person.
func Subject(email string) string { return "sub-" + strings.Split(email, "@")[0] }

// User is the record of a sample person.
func User(p Person) user.User {
	admin := user.IDFor(WorkspaceID, People()[0].Email)
	if p.Role == user.Admin {
		return user.Founder(user.Stamp{ID: "evt_0", Actor: admin, At: Begin}, WorkspaceID, p.Name, p.Email, Subject(p.Email))
	}
	at := func(minute int) user.Stamp {
		id := fmt.Sprintf("evt_%025d%d", slices.Index(People(), p), minute)
		return user.Stamp{ID: id, Actor: admin, At: Begin.Add(time.Duration(minute) * time.Minute)}
	}
	u, _ := user.New(at(1), WorkspaceID, user.Details{Name: p.Name, Email: p.Email, Role: p.Role}, user.Inviting{
		HasAccount: p.HasAccount, SendEmail: true, Lasts: lasts, Locale: "en",
	}, user.Erased{}, user.Mailbox{}, user.Recipient{}) // the first mail: cannot fail
	if p.Status == user.Active || p.Status == user.Archived {
		by := user.Answer{Generation: u.Invitation.Generation, ByLink: true}
		u, _ = u.Accept(at(2), by, user.Guest{Subject: Subject(p.Email), Email: p.Email}, User(People()[0])) // pending: cannot fail
	}
	if p.Status == user.Archived {
		u, _ = u.Archive(at(3)) // active: cannot fail
	}
	return u
}

// Find is the sample person of an email.
func Find(email string) Person {
	for _, p := range People() {
		if p.Email == email {
			return p
		}
	}
	return Person{}
}

// Token returns a token of a sample person for a purpose.
func Token(purpose link.Purpose, email string) (string, error) {
	return link.Keys{Current: linkKey[:]}.Token(purpose, link.Invitation{WorkspaceID: WorkspaceID, UserID: user.IDFor(WorkspaceID, email), Generation: User(Find(email)).Invitation.Generation})
}

// Seed writes the sample, with its link key, into the table that the environment
// names. It comes before the first link of a stack.
func Seed(ctx context.Context, env awsenv.Env) error {
	s := store.FromEnv(env)
	kms := datakey.FromEnv(env, rand.Reader)
	forLinks, err := kms.WrapLinkKey(ctx, linkKey[:])
	if err != nil {
		return err
	}
	_, err = s.InsertLinkKeys(ctx, []store.LinkKey{{Wrapped: forLinks, From: Begin}})
	if err != nil {
		return err
	}
	wrapped, err := kms.New(ctx, WorkspaceID)
	if err != nil {
		return err
	}
	people := People()
	admin := User(people[0])
	w := workspace.New(user.Stamp{ID: "evt_" + strings.Repeat("0", 26), Actor: admin.ID, At: Begin}, WorkspaceID, "Sample", "sample", wrapped)
	err = s.InsertWorkspace(ctx, w, &admin, 1)
	if err != nil {
		return err
	}
	st, err := s.Load(ctx, store.Want{Workspace: WorkspaceID, Counts: true})
	if err != nil {
		return err
	}
	var d store.Decision
	for _, p := range people {
		if p.HasAccount {
			err := s.InsertAccount(ctx, p.Email, Begin)
			if err != nil {
				return err
			}
		}
		u := User(p)
		if u.ID == admin.ID {
			continue
		}
		// Old news: the stream makes no events of it, so that a sample event
		// finds its mail not sent yet.
		u.Last = user.Change{}
		d.Users = append(d.Users, store.UserChange{After: u})
	}
	_, err = store.Decide(ctx, s, st, func(*store.State) (store.Decision, bool, error) { return d, true, nil })
	for _, id := range ImportIDs {
		if err != nil {
			return err
		}
		i := workspace.NewImport(id, WorkspaceID, admin.ID, time.Now().UTC()) // a month ago it would be gone
		_, err = store.Decide(ctx, s, st, func(*store.State) (store.Decision, bool, error) {
			return store.Decision{Import: &store.ImportChange{After: i}}, true, nil
		})
	}
	return err
}
