package local_test

import (
	"context"
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/latchkey/latchkey/infra/local"
	"github.com/latchkey/latchkey/tests/caller"
)

// A slow table delays what a sign-up brings about, and never the sign-up:
// Cognito waits five seconds. The next recordAccount does what was left.
func TestSigningUpOutlastsASlowTable(t *testing.T) {
	var slow atomic.Bool
	log := &lockedBuffer{}
	s := watched(t, log, func(c local.TableCall) local.TableFault {
		if c.Function == "account" && slow.Load() {
			return local.TableFault{Hold: 20 * time.Second}
		}
		return local.TableFault{}
	})
	admin := caller.Person(t, s.URL, "ada@corp.com", "Ada Admin")
	var ws struct{ ID string }
	admin.Send("POST", "/v1/workspaces", map[string]any{"name": "Nexus"}).Into(http.StatusCreated, &ws)
	var u caller.User
	users := "/v1/workspaces/" + ws.ID + "/users"
	// Without a mail: mail would find the account, which is known at once, too.
	admin.Send("POST", users, map[string]any{"name": "John Doe", "email": "john@corp.com", "role": "builder", "sendEmail": false}).Into(http.StatusCreated, &u)

	slow.Store(true)
	began := time.Now()
	caller.Anyone(t, s.URL).Send("POST", "/local/signup", map[string]any{"name": "John Doe", "email": "john@corp.com"}).Into(http.StatusOK, nil)
	if took := time.Since(began); took < 3*time.Second || took > 5*time.Second {
		t.Errorf("signing up took %v", took)
	}
	admin.Send("GET", users+"/"+u.ID, nil).Into(http.StatusOK, &u)
	if u.Status != "requested" {
		t.Fatalf("the status is %q while the table is slow", u.Status)
	}
	if !strings.Contains(log.String(), `"outcome":"unfinished"`) {
		t.Error("the log does not say that something was left")
	}

	slow.Store(false)
	caller.Person(t, s.URL, "john@corp.com", "John Doe").Send("PUT", "/v1/me", nil).Into(http.StatusNoContent, nil)
	admin.Send("GET", users+"/"+u.ID, nil).Into(http.StatusOK, &u)
	if u.Status != "invited" {
		t.Errorf("the status is %q after recordAccount, want invited", u.Status)
	}
}

// watched starts a stack of the test's own, whose calls to the table the test
// sees and can make fail.
func watched(t *testing.T, log io.Writer, fault func(local.TableCall) local.TableFault) *local.Stack {
	t.Helper()
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	s, err := local.Start(t.Context(), local.Config{
		Root: root, Functions: filepath.Join(root, "build", "local"), Log: log, TableFault: fault,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return s
}
