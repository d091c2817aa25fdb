package messaging

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/latchkey/latchkey/infra/blueprint"
	"github.com/latchkey/latchkey/infra/local/messaging/pattern"
)

// Entry is an event as it is put on the bus.
type Entry struct {
	Source     string
	DetailType string
	Detail     json.RawMessage
	Resources  []string
	Time       time.Time // zero: now
}

// Envelope is an event as EventBridge hands it on.
type Envelope struct {
	Version    string          `json:"version"`
	ID         string          `json:"id"`
	DetailType string          `json:"detail-type"`
	Source     string          `json:"source"`
	Account    string          `json:"account"`
	Time       time.Time       `json:"time"`
	Region     string          `json:"region"`
	Resources  []string        `json:"resources"`
	Detail     json.RawMessage `json:"detail"`
}

// Bus takes events to the queues of the rules that they match.
type Bus struct {
	queues *Queues
	rules  []rule
	now    func() time.Time

	mu        sync.Mutex
	listeners []func(Envelope)
}

type rule struct {
	blueprint.Rule
	pattern pattern.Pattern
}

// NewBus makes a bus; it fails for a rule whose pattern is not understood, or
// whose queue does not exist.
func NewBus(queues *Queues, rules []blueprint.Rule, now func() time.Time) (*Bus, error) {
	b := &Bus{queues: queues, now: now}
	for _, r := range rules {
		p, err := pattern.New(r.Pattern)
		if err != nil {
			return nil, fmt.Errorf("rule %s: %w", r.Name, err)
		}
		if _, ok := queues.specs[r.Queue]; !ok {
			return nil, fmt.Errorf("rule %s: there is no queue %q", r.Name, r.Queue)
		}
		b.rules = append(b.rules, rule{r, p})
	}
	return b, nil
}

// Subscribe lets a listener see every event from now on.
func (b *Bus) Subscribe(listener func(Envelope)) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.listeners = append(b.listeners, listener)
}

// Put puts an event on the bus; it is in the queues when Put returns.
func (b *Bus) Put(e Entry) (id string, err error) {
	if e.Time.IsZero() {
		e.Time = b.now()
	}
	envelope := Envelope{
		Version: "0", ID: NewID(), DetailType: e.DetailType, Source: e.Source, Account: "000000000000",
		Time: e.Time.UTC().Truncate(time.Second), Region: "us-east-1", Resources: append([]string{}, e.Resources...), Detail: e.Detail,
	}
	body, err := json.Marshal(envelope)
	if err != nil {
		return "", err
	}
	var decoded map[string]any
	if err := json.Unmarshal(body, &decoded); err != nil {
		return "", err
	}
	for _, r := range b.rules {
		if r.pattern.Match(decoded) {
			if _, err := b.queues.SendFair(r.Queue, field(decoded, r.Tenant), string(body), nil); err != nil {
				return "", err
			}
		}
	}
	b.mu.Lock()
	listeners := slices.Clone(b.listeners)
	b.mu.Unlock()
	for _, listener := range listeners {
		listener(envelope)
	}
	return envelope.ID, nil
}

// field returns the text at a path such as $.detail.workspaceId, "" if there is
// none.
func field(event map[string]any, path string) string {
	names, ok := strings.CutPrefix(path, "$.")
	if !ok {
		return ""
	}
	var at any = event
	for name := range strings.SplitSeq(names, ".") {
		object, _ := at.(map[string]any)
		at = object[name]
	}
	text, _ := at.(string)
	return text
}
