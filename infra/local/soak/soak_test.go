package soak

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/latchkey/latchkey/infra/blueprint"
	"github.com/latchkey/latchkey/infra/local"
	"github.com/latchkey/latchkey/infra/local/mailbox"
	"github.com/latchkey/latchkey/shared/setting"
)

var (
	people = flag.Int("people", 150, "how many are invited")
	faults = flag.Duration("faults", 12*time.Second, "how long things fail, from the first invitation on")
	limit  = flag.Duration("limit", 4*time.Minute, "how long after that everything has to be settled")
)

// A tenth of the people each have a mailbox that takes nothing, and one whose
// owner complains.
func address(i int) (to, want string) {
	switch i % 10 {
	case 3:
		return fmt.Sprintf("bounce+%d@%s", i, mailbox.Simulator), "bounced"
	case 7:
		return fmt.Sprintf("complaint+%d@%s", i, mailbox.Simulator), "complained"
	}
	return fmt.Sprintf("person-%d@corp.com", i), "delivered"
}

func TestEveryInvitationArrivesAndEveryDeliveryEndsTrue(t *testing.T) {
	var failing atomic.Bool
	s := start(t, func(c local.TableCall) (f local.TableFault) {
		if (c.Function == "mail" || c.Function == "feedback") && failing.Load() && rand.IntN(5) == 0 {
			f.Refuse = local.TooBusy
		}
		return f
	}, nil)
	s.stack.Mailbox.Fail(func() mailbox.Fault {
		if !failing.Load() {
			return mailbox.Healthy
		}
		switch n := rand.IntN(100); {
		case n < 20:
			return mailbox.Broken
		case n < 40:
			return mailbox.Throttled
		case n < 44:
			return mailbox.Hanging
		case n < 52:
			return mailbox.CutOff
		}
		return mailbox.Healthy
	})
	failing.Store(true)
	began := time.Now()
	s.inviteAll()
	kills, repeats := 0, 0
	for time.Since(began) < *faults {
		time.Sleep(500 * time.Millisecond)
		kills += s.kill()
		repeats += s.deliverTwice()
	}
	failing.Store(false)
	faulty := time.Since(began)

	states := s.settled(began.Add(*faults + *limit))
	took := time.Since(began)
	mails := s.inbox()
	lost, twice, more := 0, 0, 0
	for i := range *people {
		to, want := address(i)
		switch n := mails[to]; {
		case n == 0:
			lost++
			t.Errorf("%s got no mail, and is %s", to, states[to])
		case n == 2:
			twice++
		case n > 2:
			more++
		}
		if states[to] != want {
			t.Errorf("%s is %s, want %s", to, states[to], want)
		}
	}
	if waiting, err := s.stack.Queues.Depth(blueprint.QueueFeedbackDead); err != nil || waiting.Visible > 0 {
		t.Errorf("%d notices were given up, %v", waiting.Visible, err)
	}
	t.Logf("%d people; failing for %.0f s: SES 20 %% 500, 20 %% 429, 4 %% hanging, 8 %% accepted and broken off; 20 %% of calls to the table refused; %d functions killed; %d messages delivered once more than sent",
		*people, faulty.Seconds(), kills, repeats)
	t.Logf("all settled after %.0f s; lost %d; one mail %d, two mails %d (%.1f %%), more %d; redriven %d",
		took.Seconds(), lost, *people-lost-twice-more, twice, 100*float64(twice)/float64(*people), more, s.redriven)
}

var burst = flag.Int("burst", 300, "how many mails of one workspace another one's single mail meets")

// A burst of one workspace goes out in order of age, and another workspace's
// single invitation does not wait for its end.
func TestABurstKeepsNobodyWaiting(t *testing.T) {
	// Half as fast as usual, so that the burst lasts longer than one invitation
	// takes on a busy machine.
	s := start(t, nil, map[setting.Definition]string{setting.MailInterval: "720"})
	*people = *burst
	quiet := "/v1/workspaces/" + s.call("POST", "/v1/workspaces", map[string]any{"name": "Quiet"})["id"].(string)
	s.inviteAll()
	for len(s.inbox()) == 0 { // the burst is on its way
		time.Sleep(20 * time.Millisecond)
	}
	began := time.Now()
	s.call("POST", quiet+"/users", map[string]any{"name": "Quinn", "email": "quinn@corp.com", "role": "builder"})
	waited, before := time.Duration(0), 0
	for waited == 0 {
		time.Sleep(20 * time.Millisecond)
		if mails := s.inbox(); mails["quinn@corp.com"] > 0 {
			waited, before = time.Since(began), len(mails)-1
		}
	}
	if before > *burst*3/4 {
		t.Errorf("the single mail came after %d of %d", before, *burst)
	}
	s.settled(time.Now().Add(*limit))
	took := time.Since(began)
	furthest := s.furthest()
	if furthest > max(60, *burst/50) { // five instances, and a queue that keeps no exact order
		t.Errorf("a mail of the burst went out %d places from where its age would have it", furthest)
	}
	t.Logf("burst of %d: the single mail waited %.1f s, after %d of them; all out and told of after %.0f s; none more than %d places out of order",
		*burst, waited.Seconds(), before, took.Seconds(), furthest)
}

// furthest is how far the mail that is furthest out of order is from the place
// that the order of invitations gives it.
func (s *soak) furthest() int {
	place := 0
	furthest := 0
	for _, to := range s.sentTo() {
		for i := range *people {
			if address, _ := address(i); address == to {
				furthest = max(furthest, max(place-i, i-place))
				place++
			}
		}
	}
	return furthest
}

type soak struct {
	t           *testing.T
	stack       *local.Stack
	admin, path string
	redriven    int
}

func start(t *testing.T, tableFault func(local.TableCall) local.TableFault, settings map[setting.Definition]string) *soak {
	t.Helper()
	root, err := filepath.Abs("../../..")
	if err != nil {
		t.Fatal(err)
	}
	const enough = "100000"
	all := map[setting.Definition]string{setting.MailsPerInviter: enough, setting.MailsPerNewWorkspace: enough}
	maps.Copy(all, settings)
	stack, err := local.Start(t.Context(), local.Config{
		Root: root, Functions: filepath.Join(root, "build", "local"), TableFault: tableFault,
		// Eight receives in two and a half minutes instead of 24.
		RetrySpeed: 8, Duplicates: 0.1,
		Settings: all,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := stack.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	s := &soak{t: t, stack: stack}
	s.admin = s.call("POST", "/local/token", map[string]any{"email": "ada@corp.com", "name": "Ada Admin"})["token"].(string)
	s.path = "/v1/workspaces/" + s.call("POST", "/v1/workspaces", map[string]any{"name": "Nexus"})["id"].(string)
	return s
}

func (s *soak) call(method, path string, body any) map[string]any {
	s.t.Helper()
	raw, err := json.Marshal(body)
	if err != nil {
		s.t.Fatal(err)
	}
	req, err := http.NewRequest(method, s.stack.URL+path, bytes.NewReader(raw))
	if err != nil {
		s.t.Fatal(err)
	}
	req.Header.Set("content-type", "application/json")
	req.Header.Set("authorization", "Bearer "+s.admin)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		s.t.Fatal(err)
	}
	defer res.Body.Close()
	raw, err = io.ReadAll(res.Body)
	out := map[string]any{}
	if err != nil || res.StatusCode >= 400 || json.Unmarshal(raw, &out) != nil {
		s.t.Fatalf("%s %s: %d %s %v", method, path, res.StatusCode, raw, err)
	}
	return out
}

func (s *soak) inviteAll() {
	s.t.Helper()
	var batch []any
	for i := range *people {
		to, _ := address(i)
		batch = append(batch, map[string]any{"name": fmt.Sprint("Person ", i), "email": to, "role": "builder"})
		if len(batch) == 500 || i == *people-1 {
			for _, r := range s.call("POST", s.path+"/users/batch", map[string]any{"users": batch})["results"].([]any) {
				if r.(map[string]any)["outcome"] != "created" {
					s.t.Fatalf("not invited: %v", r)
				}
			}
			batch = nil
		}
	}
}

// kill ends an instance of mail, whatever it is doing.
func (s *soak) kill() int {
	out, err := exec.Command("pgrep", "-P", strconv.Itoa(os.Getpid()), "-f", "mail/bootstrap").Output()
	if err != nil {
		return 0 // none runs
	}
	pids := strings.Fields(string(out))
	pid, err := strconv.Atoi(pids[rand.IntN(len(pids))])
	if err != nil || syscall.Kill(pid, syscall.SIGKILL) != nil {
		return 0
	}
	return 1
}

// deliverTwice puts copies of messages that wait behind all others, in another
// order: what a standard queue may do.
func (s *soak) deliverTwice() int {
	n := 0
	for _, queue := range []string{blueprint.QueueMail, blueprint.QueueFeedback} {
		waiting, err := s.stack.Queues.Messages(queue)
		if err != nil {
			s.t.Fatal(err)
		}
		rand.Shuffle(len(waiting), func(i, j int) { waiting[i], waiting[j] = waiting[j], waiting[i] })
		for _, m := range waiting[:min(len(waiting), 5)] {
			if _, err := s.stack.Queues.SendFair(queue, m.Group, m.Body, m.Attributes); err != nil {
				s.t.Fatal(err)
			}
			n++
		}
	}
	return n
}

// settled waits until no delivery will change any more, and gives them by
// address. What was given up meanwhile is redriven, as the runbook says.
func (s *soak) settled(until time.Time) map[string]string {
	s.t.Helper()
	final := []string{"delivered", "bounced", "complained"}
	for {
		states := s.states()
		open := 0
		for i := range *people {
			to, want := address(i)
			if !slices.Contains(final, states[to]) || want == "complained" && states[to] == "delivered" {
				open++
			}
		}
		if open == 0 || time.Now().After(until) {
			return states
		}
		moved, err := s.stack.Queues.Redrive(blueprint.QueueMailDead, blueprint.QueueMail)
		if err != nil {
			s.t.Fatal(err)
		}
		s.redriven += moved
		time.Sleep(time.Second)
	}
}

func (s *soak) states() map[string]string {
	states := map[string]string{}
	for cursor := ""; ; {
		page := s.call("GET", s.path+"/users?limit=100"+cursor, nil)
		for _, u := range page["users"].([]any) {
			u := u.(map[string]any)
			if in, ok := u["invitation"].(map[string]any); ok {
				states[u["email"].(string)] = in["delivery"].(string)
			}
		}
		next, more := page["nextCursor"].(string)
		if !more {
			return states
		}
		cursor = "&cursor=" + next
	}
}

// inbox counts the mails that were sent, by address.
func (s *soak) inbox() map[string]int {
	mails := map[string]int{}
	for _, to := range s.sentTo() {
		mails[to]++
	}
	return mails
}

// sentTo are the recipients of all mails, in the order in which they were sent.
func (s *soak) sentTo() (addresses []string) {
	s.t.Helper()
	res, err := http.Get(s.stack.MailURL + "/store")
	if err != nil {
		s.t.Fatal(err)
	}
	defer res.Body.Close()
	var store struct {
		Emails []struct {
			At          int64
			Destination struct{ To []string }
		}
	}
	if err := json.NewDecoder(res.Body).Decode(&store); err != nil {
		s.t.Fatal(err)
	}
	slices.SortStableFunc(store.Emails, func(a, b struct {
		At          int64
		Destination struct{ To []string }
	}) int {
		return int(a.At - b.At)
	})
	for _, mail := range store.Emails {
		addresses = append(addresses, mail.Destination.To...)
	}
	return addresses
}
