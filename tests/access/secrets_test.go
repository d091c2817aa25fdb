package access

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/latchkey/latchkey/infra/blueprint"
	"github.com/latchkey/latchkey/infra/local"
	"github.com/latchkey/latchkey/infra/local/messaging"
	"github.com/latchkey/latchkey/shared/link"
	"github.com/latchkey/latchkey/tests/caller"
)

// writer is a log that may be written and read at once.
type writer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (w *writer) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.buf.Write(p)
}

func (w *writer) String() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.buf.String()
}

// search looks for secrets in texts.
type search struct {
	t       *testing.T
	secrets []string
	looked  int // texts
}

// in fails the test where a text holds a secret, in whatever case.
func (s *search) in(where, text string, but ...string) {
	s.t.Helper()
	s.looked++
	lower := strings.ToLower(text)
	for _, secret := range s.secrets {
		if strings.Contains(lower, strings.ToLower(secret)) && !slices.Contains(but, secret) {
			s.t.Errorf("%s holds %q: %.400s", where, secret, text)
		}
	}
}

// TestSecretsStayWhereTheyBelong writes what occurs nowhere else into every
// field, by every operation, and looks for it in everything that is no record:
// logs, events, history, queues, refusals, and the keys of the table. Mail and
// its notices fail in the end, so that their dead-letter queues are full.
func TestSecretsStayWhereTheyBelong(t *testing.T) {
	t.Parallel()
	var log writer
	var broken atomic.Bool
	w := newWorld(t, local.Config{Log: &log, TableFault: func(c local.TableCall) local.TableFault {
		if broken.Load() && (c.Function == "mail" || c.Function == "feedback") {
			return local.TableFault{Refuse: "AccessDeniedException"} // the SDK does not try that again
		}
		return local.TableFault{}
	}})
	var bus writer
	w.stack.Bus.Subscribe(func(e messaging.Envelope) {
		raw, err := json.Marshal(e)
		if err != nil {
			t.Error(err)
		}
		_, _ = bus.Write(append(raw, '\n'))
	})
	s := &search{t: t, secrets: []string{
		secretName, secretMail, secretDomain, secretKey, secretValue, secretMessage, secretGroup, secretCall, secretQuery, secretID, hiddenName,
		w.adminEmail, w.foreignAdmin,
	}}
	w.mine.admin.Send("PATCH", w.mine.path, fields{"personalMessages": true}).Into(http.StatusOK, nil)

	tokens := w.callers(t)
	for _, column := range slices.Sorted(maps.Keys(tokens)) {
		for _, token := range tokens[column] {
			if token != "" {
				s.secrets = append(s.secrets, token, token[strings.LastIndexByte(token, '.')+1:])
			}
		}
	}
	s.secrets = slices.DeleteFunc(s.secrets, func(secret string) bool { return secret == "" }) // the signature of a token under none
	refusals := w.everywhere(s, tokens)
	w.mailed(s)
	caller.Eventually(t, 30*time.Second, func() error {
		if !strings.Contains(bus.String(), `"delivered"`) {
			return fmt.Errorf("no mail has arrived yet")
		}
		return nil
	})
	broken.Store(true)
	w.mailed(s)
	w.deadLetters(s)

	s.in("the log", log.String())
	for line := range strings.Lines(bus.String()) {
		s.in("an event", line)
	}
	for _, body := range refusals {
		s.in("a refusal", body, secretDomain) // a mismatch shows whom a link is for: q***@domain
	}
	history := 0
	for key, item := range w.table() {
		s.in("a key of the table", key)
		for name := range item {
			s.in("the name of an attribute", name)
		}
		if strings.HasPrefix(key, "HISTORY#") {
			history++
			s.in("a line of the history", textOf(t, item))
		}
		for _, name := range blueprint.TheTable().Indexes {
			s.in("a key of an index", textOf(t, map[string]types.AttributeValue{"pk": item[name.PartitionKey], "sk": item[name.SortKey]}))
		}
	}
	if len(refusals) < 400 || history < 50 || strings.Count(log.String(), "\n") < 500 || strings.Count(bus.String(), "\n") < 50 {
		t.Errorf("too little was searched: %d refusals, %d lines of history, %d bytes of log, %d of events", len(refusals), history, len(log.String()), len(bus.String()))
	}
	t.Logf("%d secrets, %d refusals, %d lines of history, %d lines of the log, %d events: %d texts searched",
		len(s.secrets), len(refusals), history, strings.Count(log.String(), "\n"), strings.Count(bus.String(), "\n"), s.looked)
}

// textOf is what an item says, as far as it can be read at rest.
func textOf(t *testing.T, item map[string]types.AttributeValue) string {
	t.Helper()
	var text strings.Builder
	for name, value := range item {
		fmt.Fprintf(&text, "%s=%v ", name, value)
		if s, ok := value.(*types.AttributeValueMemberS); ok {
			text.WriteString(s.Value)
		}
	}
	return text.String()
}

// everywhere makes every call once more, with a secret in each place that a
// caller chooses: path, query, Idempotency-Key and body, good and bad. It
// returns what the refusals say.
func (w *world) everywhere(s *search, tokens map[string][]string) (refusals []string) {
	w.t.Helper()
	var mu sync.Mutex
	var all sync.WaitGroup
	for operation, route := range routes() {
		all.Go(func() {
			for _, p := range w.placesOf(route) {
				if p.id == w.foreign.id { // answers like one that does not exist: TestEveryCallerInEveryWorkspace
					continue
				}
				if operation == "leaveWorkspace" {
					p = p.spare() // the other operations need the admin
				}
				r := operations[operation](p)
				for _, column := range []string{"algo", "unvf", "twin", "endu", "admn"} { // the admin last, whose calls succeed
					said := w.spill(route, r, w.as(tokens[column][0]))
					mu.Lock()
					refusals = append(refusals, said...)
					mu.Unlock()
				}
				if strings.Contains(route.Path, "{token}") {
					for part := range strings.SplitSeq(r.path, "/") {
						if len(part) == 96 {
							mu.Lock()
							s.secrets = append(s.secrets, part)
							mu.Unlock()
						}
					}
				}
			}
		})
	}
	all.Wait()
	return refusals
}

// spill makes a request in several bad ways, and then as it should be.
func (w *world) spill(route blueprint.Route, r request, c caller.Caller) (refusals []string) {
	path := r.path
	if strings.Contains(route.Path, "{user}") {
		path = w.mine.path + strings.TrimPrefix(strings.Replace(route.Path, "{user}", secretID, 1), "/v1/workspaces/{workspace}")
	}
	call := []string{"idempotency-key", secretCall + unique()}
	for _, a := range []caller.Answer{
		c.Send(route.Method, path, r.body, call...),
		c.Send(route.Method, r.path+"?extra="+secretQuery+"&q="+secretQuery+"&cursor="+secretQuery, `{"name": "`+secretName, call...),
		c.Send(route.Method, r.path, `{"name": 5, "metadata": "`+secretValue+`", "email": 7, "users": ["`+secretID+`"]}`, call...),
		c.Send(route.Method, r.path, r.body, call...),
	} {
		if a.Status >= 400 {
			refusals = append(refusals, string(a.Body)+fmt.Sprint(a.Header))
		}
	}
	return refusals
}

// mailed invites somebody by mail, with a message, and notes their links.
func (w *world) mailed(s *search) {
	w.t.Helper()
	for range 3 {
		u := w.mine.invite(fields{"sendEmail": true, "message": secretMessage})
		for _, purpose := range []link.Purpose{link.Accept, link.OptOut, link.Report} {
			s.secrets = append(s.secrets, w.mine.token(u, purpose))
		}
	}
}

// deadLetters waits until mails and notices have been given up, and searches
// every queue. A notice is written by the mail service, which puts the address
// into it: the queue of notices may hold that, and nothing else.
func (w *world) deadLetters(s *search) {
	w.t.Helper()
	notice, err := json.Marshal(fields{"eventType": "Bounce", "mail": fields{
		"destination": []string{secretMail + "dead@" + secretDomain},
		"tags":        map[string][]string{"workspace": {w.mine.id}, "user": {w.mine.invite(nil).ID}, "kind": {"invited"}, "generation": {"1"}},
	}, "bounce": fields{"bounceType": "Permanent"}})
	if err != nil {
		w.t.Fatal(err)
	}
	if _, err := w.stack.Queues.Send(blueprint.QueueFeedback, string(notice), nil); err != nil {
		w.t.Fatal(err)
	}
	caller.Eventually(w.t, 40*time.Second, func() error {
		if err := w.stack.Queues.Advance(200 * time.Second); err != nil {
			w.t.Fatal(err)
		}
		time.Sleep(500 * time.Millisecond)
		for _, queue := range []string{blueprint.QueueMailDead, blueprint.QueueFeedbackDead} {
			if depth, err := w.stack.Queues.Depth(queue); err != nil || depth.Visible == 0 {
				return fmt.Errorf("the queue %s is empty: %v", queue, err)
			}
		}
		return nil
	})
	for _, queue := range blueprint.Queues() {
		messages, err := w.stack.Queues.Messages(queue.Name)
		if err != nil {
			w.t.Fatal(err)
		}
		for _, m := range messages {
			where := "a message in " + queue.Name
			if queue.Name == blueprint.QueueFeedback || queue.Name == blueprint.QueueFeedbackDead {
				s.in(where, m.Body, secretMail, secretDomain)
				continue
			}
			s.in(where, m.Body+fmt.Sprint(m.Attributes))
		}
	}
}
