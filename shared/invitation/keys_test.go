package invitation_test

import (
	"crypto/rand"
	"encoding/json"
	"testing"
	"time"

	"github.com/latchkey/latchkey/shared/awsenv"
	"github.com/latchkey/latchkey/shared/datakey"
	"github.com/latchkey/latchkey/shared/fault"
	"github.com/latchkey/latchkey/shared/invitation"
	"github.com/latchkey/latchkey/shared/linkkey"
	"github.com/latchkey/latchkey/shared/user"
	"github.com/latchkey/latchkey/shared/workspace"
)

// A failure of KMS comes before anything is written: a repeat
// never finds a write that its first try called failed.
func TestKeysAreFetchedBeforeTheWrite(t *testing.T) {
	d := newDeployment(t)
	tn := d.found(workspace.Patch{})
	secret := func(email string) invitation.Person {
		p := person(email)
		p.Metadata = json.RawMessage(`{"apiKey":"abc123"}`)
		return p
	}
	invite := func(s invitation.Service, email string) (user.User, error) {
		p := secret(email)
		v, err := s.Invite(t.Context(), tn.grant("", invitation.Needs(p, invitation.Call{})), p, invitation.Call{}, d.now)
		return v.User, err
	}
	pending, err := invite(d.Service, address(0))
	d.check("invite", err)
	gone, err := invite(d.Service, address(1))
	d.check("invite", err)
	_, err = d.Archive(t.Context(), tn.grant(gone.ID), d.now)
	d.check("archive", err)
	d.pass(time.Hour)
	env := awsenv.Env{Get: func(name string) string {
		if name == "AWS_ENDPOINT_URL_KMS" {
			return "http://127.0.0.1:1" // nobody listens there
		}
		return keyEnv.Get(name)
	}}
	cold := d.Service
	cold.DataKeys = datakey.FromEnv(env, rand.Reader)
	cold.Links = linkkey.New(d.Store, cold.DataKeys, env)
	for name, do := range map[string]func() error{
		"invite":  func() error { _, err := invite(cold, address(2)); return err },
		"resend":  func() error { _, err := cold.Resend(t.Context(), tn.grant(pending.ID), mailed, d.now); return err },
		"archive": func() error { _, err := cold.Archive(t.Context(), tn.grant(pending.ID), d.now); return err },
		"restore": func() error { _, err := cold.Restore(t.Context(), tn.grant(gone.ID), mailed, d.now); return err },
	} {
		before := d.writes.Load()
		err := do()
		if fault.Code(err) != awsenv.ErrBusy.Code || d.writes.Load() != before {
			t.Errorf("%s: %v, and %d writes", name, err, d.writes.Load()-before)
		}
	}
}
