package local_test

import (
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"sync"
	"testing"

	"github.com/latchkey/latchkey/infra/local"
	"github.com/latchkey/latchkey/tests/caller"
)

// Mail scanners open every link of every tenant: what they call costs one read
// of the workspace and the user, and nothing where the link is forged.
func TestLookingAtALinkCostsOneRead(t *testing.T) {
	var mu sync.Mutex
	var calls []string // an operation for each item
	s := watched(t, io.Discard, func(c local.TableCall) local.TableFault {
		if c.Function == "accept" {
			var in struct {
				RequestItems map[string]struct{ Keys []json.RawMessage }
			}
			_ = json.Unmarshal(c.Body, &in) // the SDK wrote it
			mu.Lock()
			defer mu.Unlock()
			for range max(1, len(in.RequestItems[local.TableName].Keys)) {
				calls = append(calls, c.Operation)
			}
		}
		return local.TableFault{}
	})
	admin := caller.Person(t, s.URL, "ada@corp.com", "Ada Admin")
	var ws struct{ ID string }
	admin.Send("POST", "/v1/workspaces", map[string]any{"name": "Nexus"}).Into(http.StatusCreated, &ws)
	var u caller.User
	admin.Send("POST", "/v1/workspaces/"+ws.ID+"/users", map[string]any{"name": "John Doe", "email": "john@corp.com", "role": "builder"}).Into(http.StatusCreated, &u)

	// The first look of a function reads the link key, too.
	caller.Anyone(t, s.URL).Send("GET", "/invite/"+u.Token(), nil).Into(http.StatusFound, nil)

	forged := []byte(u.Token())
	forged[len(forged)-4] ^= 1
	for _, c := range []struct {
		name, path string
		status     int
		want       []string // an operation for each item that is read
	}{
		{"follow", "/invite/" + u.Token(), http.StatusFound, []string{"BatchGetItem", "BatchGetItem"}},
		{"preview", "/v1/invitations/" + u.Token(), http.StatusOK, []string{"BatchGetItem", "BatchGetItem", "BatchGetItem"}}, // and the inviter
		{"forged", "/invite/" + string(forged), http.StatusNotFound, nil},
	} {
		mu.Lock()
		calls = nil
		mu.Unlock()
		caller.Anyone(t, s.URL).Send("GET", c.path, nil).Into(c.status, nil)
		mu.Lock()
		if !slices.Equal(calls, c.want) {
			t.Errorf("%s reads %v, want %v", c.name, calls, c.want)
		}
		mu.Unlock()
	}
}
