package faults

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/latchkey/latchkey/infra/blueprint"
	"github.com/latchkey/latchkey/infra/local"
	"github.com/latchkey/latchkey/shared/setting"
	"github.com/latchkey/latchkey/shared/user"
	"github.com/latchkey/latchkey/tests/caller"
	"github.com/latchkey/latchkey/tests/invariant"
)

// sideBySide is how many scenes play at once. Most of a scene is waiting: for
// the SDK's pauses between attempts, or for a deadline.
const sideBySide = "24"

func TestMain(m *testing.M) {
	flag.Parse()
	if err := flag.Set("test.parallel", sideBySide); err != nil {
		panic(err)
	}
	os.Exit(m.Run())
}

// world is a stack whose table can be made to fail.
type world struct {
	stack  *local.Stack
	faults faults

	mu      sync.Mutex
	scenes  map[string]string // labels, by workspace id
	played  map[kind]int
	missed  []string // faults whose call was not made
	actions map[string]bool
}

// patience is how long functions may take here: a held answer exceeds it soon,
// and the SDK's attempts at a call do not.
const patience = 6 * time.Second

func start(t *testing.T, timeout time.Duration) *world {
	t.Helper()
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	w := &world{scenes: map[string]string{}, played: map[kind]int{}, actions: map[string]bool{}}
	w.stack, err = local.Start(t.Context(), local.Config{
		Root: root, Functions: filepath.Join(root, "build", "local"), TableFault: w.faults.decide, Timeout: timeout,
		RetrySpeed: 8, // a failed message shows again after 22 s instead of three minutes
		Settings:   map[setting.Definition]string{setting.ReportsToPause: "1"},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := w.stack.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return w
}

// scene is one fault in a workspace of its own, and who is in it.
type scene struct {
	*world
	t          *testing.T
	label      string
	tag        string // makes addresses, slugs and keys the scene's own
	admin      caller.Caller
	adminEmail string
	id, path   string // of the workspace
	marks      [][]byte
	params     map[string]string // of the route's path
	other      *scene            // whose workspace somebody of this scene is in as well
	there      string            // their id there
}

const (
	// soon is within what time a mail is out whose calls were repeated by the
	// SDK alone.
	soon = 30 * time.Second
	// afterTheLease is the same for one whose run died while it had the mail.
	afterTheLease = 100 * time.Second
)

var scenes atomic.Int64

// scene opens a scene whose admin has no workspace yet.
func (w *world) scene(t *testing.T, label string) *scene {
	tag := fmt.Sprintf("s%d", scenes.Add(1))
	s := &scene{world: w, t: t, label: label, tag: tag, params: map[string]string{}}
	s.adminEmail = s.email("ada")
	s.admin = caller.Person(t, w.stack.URL, s.adminEmail, "Ada Admin")
	return s
}

// found makes the scene's workspace.
func (s *scene) found() {
	s.t.Helper()
	var made struct{ ID string }
	s.admin.Send("POST", "/v1/workspaces", map[string]any{"name": "Nexus", "slug": "nexus-" + s.tag}).Into(http.StatusCreated, &made)
	s.id, s.path = made.ID, "/v1/workspaces/"+made.ID
	s.params["workspace"] = made.ID
	s.mark(made.ID)
	s.mu.Lock()
	s.scenes[made.ID] = s.label
	s.mu.Unlock()
}

func (s *scene) mark(text string) { s.marks = append(s.marks, []byte(text)) }

// email is an address of the scene; a call to the table that holds its key is
// the scene's, too.
func (s *scene) email(name string) string {
	address := name + "." + s.tag + "@corp.example"
	if mark := []byte(user.EmailKey(address)); !slices.ContainsFunc(s.marks, func(m []byte) bool { return bytes.Equal(m, mark) }) {
		s.marks = append(s.marks, mark)
	}
	return address
}

func (s *scene) person(name string) caller.Caller {
	return caller.Person(s.t, s.stack.URL, s.email(name), "Name of "+name)
}

func (s *scene) nobody() caller.Caller { return caller.Anyone(s.t, s.stack.URL) }

// newUser is the body of an invitation, without a mail.
func (s *scene) newUser(name string, fields map[string]any) map[string]any {
	body := map[string]any{"name": "Name of " + name, "email": s.email(name), "role": "builder", "sendEmail": false}
	maps.Copy(body, fields)
	return body
}

func (s *scene) invite(name string, fields map[string]any) (u caller.User) {
	s.t.Helper()
	s.admin.Send("POST", s.path+"/users", s.newUser(name, fields)).Into(http.StatusCreated, &u)
	s.params["user"], s.params["token"] = u.ID, u.Token()
	return u
}

// member invites somebody who accepts.
func (s *scene) member(name string, fields map[string]any) caller.User {
	s.t.Helper()
	u := s.invite(name, fields)
	s.person(name).Send("POST", "/v1/invitations/"+u.Token()+"/accept", nil).Into(http.StatusOK, nil)
	return u
}

func (s *scene) archive(u caller.User) {
	s.t.Helper()
	s.admin.Send("POST", s.path+"/users/"+u.ID+"/archive", nil).Into(http.StatusOK, nil)
}

func (s *scene) group(id string) {
	s.t.Helper()
	s.admin.Send("PUT", s.path+"/groups/"+id, nil).Into(http.StatusCreated, nil)
}

func (s *scene) get(id string) (u caller.User) {
	s.t.Helper()
	s.admin.Send("GET", s.path+"/users/"+id, nil).Into(http.StatusOK, &u)
	return u
}

// is fails the scene where a user has not this status and been sent so many
// invitations.
func (s *scene) is(id, status string, sends int) {
	s.t.Helper()
	u := s.get(id)
	if u.Status != status {
		s.t.Errorf("the user is %s, want %s", u.Status, status)
	}
	if u.Invitation != nil && u.Invitation.Sends != sends {
		s.t.Errorf("%d mails were asked for, want %d", u.Invitation.Sends, sends)
	}
}

// items returns every item of the table.
func (w *world) items(t *testing.T) []invariant.Item {
	t.Helper()
	all, err := invariant.Items(t.Context(), w.stack.DB, local.TableName)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// check holds the table against every invariant.
func (w *world) check(t *testing.T) {
	t.Helper()
	wrong := map[string][]string{} // by scene
	items := w.items(t)
	for _, found := range []map[string][]string{invariant.Broken(items), invariant.Miscounted(items)} {
		for id, broken := range found {
			label, ok := w.scenes[id]
			if !ok {
				label = "a workspace of no scene"
			}
			wrong[label] = append(wrong[label], broken...)
		}
	}
	for _, label := range slices.Sorted(maps.Keys(wrong)) {
		t.Errorf("after %s:\n\t%s", label, strings.Join(wrong[label], "\n\t"))
	}
}

// inbox returns the texts of the mails that an address was sent.
func (w *world) inbox(t *testing.T, address string) (texts []string) {
	t.Helper()
	var store struct {
		Emails []struct {
			Destination struct{ To []string }
			Body        struct{ Text string }
		}
	}
	caller.Anyone(t, w.stack.MailURL).Send("GET", "/store", nil).Into(http.StatusOK, &store)
	for _, m := range store.Emails {
		if slices.Contains(m.Destination.To, address) {
			texts = append(texts, m.Body.Text)
		}
	}
	return texts
}

// noted counts a fault that was tried.
func (w *world) noted(k kind, label string, reached bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	name, _, _ := strings.Cut(label, ":")
	w.actions[name] = true
	if k == none {
		return
	}
	if !reached {
		w.missed = append(w.missed, label)
		return
	}
	w.played[k]++
}

// settle waits until everything that follows the writes has followed: events,
// mails and what became of them.
func (w *world) settle(t *testing.T) {
	t.Helper()
	still, before := 0, -1
	caller.Eventually(t, 2*time.Minute, func() error {
		for _, queue := range []string{blueprint.QueueMail, blueprint.QueueFeedback} {
			depth, err := w.stack.Queues.Depth(queue)
			if err != nil {
				t.Fatal(err)
			}
			if depth.Visible+depth.InFlight > 0 {
				still = 0
				return fmt.Errorf("the queue %s holds %d messages, and %d in flight", queue, depth.Visible, depth.InFlight)
			}
		}
		now := len(w.items(t))
		if still++; now != before {
			still, before = 0, now
		}
		if still < 10 { // looks at a table that grows no more
			return fmt.Errorf("the table grows: %d items", now)
		}
		return nil
	})
}

// summary logs what was tried.
func (w *world) summary(t *testing.T) {
	w.mu.Lock()
	defer w.mu.Unlock()
	total := 0
	var each []string
	for _, k := range slices.Sorted(maps.Keys(w.played)) {
		total += w.played[k]
		each = append(each, fmt.Sprintf("%s %d", k, w.played[k]))
	}
	t.Logf("%d scenarios, %d faults: %s; %d not reached %v", len(w.actions), total, strings.Join(each, ", "), len(w.missed), w.missed)
}
