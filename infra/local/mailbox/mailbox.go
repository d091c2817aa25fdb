// Package mailbox stands between the function mail and the mail server of this
// machine, and does what SES does besides: it tells what became of each mail,
// by the notices that a configuration set publishes, and knows the addresses of
// the SES mailbox simulator. It can also fail as SES can.
// https://docs.aws.amazon.com/ses/latest/dg/send-an-email-from-console.html#send-email-simulator
//
// It imports the standard library alone.
package mailbox

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"
)

// Config says where mails go and who is told about them.
type Config struct {
	Server  string // the address of the mail server
	Account Account
	// Notify takes a notice to where the topic leads.
	Notify func(notice []byte) error
	// Kinds are the notices that the configuration set publishes, as
	// EventDestination names them.
	Kinds []string
	// After is how long after a mail its delivery, bounce or complaint is
	// told; 0 at once.
	After time.Duration
	Now   func() time.Time
}

// Fault is a way in which SES can fail. The zero value is none.
type Fault int

// The faults.
const (
	Healthy   Fault = iota
	Broken          // 500, and nothing was sent
	Throttled       // 429, and nothing was sent
	Hanging         // no answer, and nothing was sent
	CutOff          // the mail was sent, and the connection broke before the answer
)

// Mailbox is SES's endpoint SendEmail.
type Mailbox struct {
	cfg   Config
	meter meter

	mu      sync.Mutex
	fault   func() Fault
	account Account
	ahead   time.Duration
	asked   int
	wait    sync.WaitGroup
}

// Advance lets time pass for the account's quota.
func (m *Mailbox) Advance(d time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.ahead += d
}

// Asked returns how many mails the mailbox has received so far, accepted or not.
func (m *Mailbox) Asked() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.asked
}

func (m *Mailbox) now() time.Time {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.cfg.Now().Add(m.ahead)
}

// SetAccount changes what SES lets the account do from now on, and returns what
// it could do before.
func (m *Mailbox) SetAccount(a Account) (before Account) {
	m.mu.Lock()
	defer m.mu.Unlock()
	before, m.account = m.account, a
	return before
}

// New is a mailbox.
func New(cfg Config) *Mailbox {
	m := &Mailbox{cfg: cfg, account: cfg.Account, fault: func() Fault { return Healthy }}
	m.meter.now = m.now
	return m
}

// Fail lets a function decide how each mail fails from now on; nil ends it.
func (m *Mailbox) Fail(decide func() Fault) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if decide == nil {
		decide = func() Fault { return Healthy }
	}
	m.fault = decide
}

// Close waits for notices that are on their way.
func (m *Mailbox) Close() { m.wait.Wait() }

const longest = time.Minute // that a hanging answer is held back

func (m *Mailbox) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(io.LimitReader(r.Body, maxMessage+1))
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	m.mu.Lock()
	m.asked++
	decide, account := m.fault, m.account
	m.mu.Unlock()
	fault := decide()
	switch fault {
	case Broken:
		fail(w, refusal{http.StatusInternalServerError, "InternalFailure", "Please try again."})
		return
	case Throttled:
		fail(w, *tooMany("Maximum sending rate exceeded."))
		return
	case Hanging:
		select {
		case <-r.Context().Done():
		case <-time.After(longest):
		}
		panic(http.ErrAbortHandler)
	}
	if refused := m.refuse(account, body); refused != nil {
		fail(w, *refused)
		return
	}
	status, answer, err := m.forward(r, body)
	if err != nil {
		fail(w, refusal{http.StatusServiceUnavailable, "ServiceUnavailable", "The mail server does not answer."})
		return
	}
	var sent struct{ MessageID string }
	if status == http.StatusOK && json.Unmarshal(answer, &sent) == nil {
		m.tell(body, sent.MessageID)
	}
	if fault == CutOff {
		panic(http.ErrAbortHandler)
	}
	w.Header().Set("content-type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(answer)
}

// refuse says why SES would not take a mail now, nil if it does.
func (m *Mailbox) refuse(account Account, body []byte) *refusal {
	if len(body) > maxMessage {
		return badRequest("Message length is more than %d bytes long.", maxMessage)
	}
	var in request
	if json.Unmarshal(body, &in) != nil {
		return badRequest("The request is not JSON.")
	}
	if r := account.refuse(in); r != nil {
		return r
	}
	return m.meter.take(account, len(in.recipients()))
}

func fail(w http.ResponseWriter, r refusal) {
	w.Header().Set("content-type", "application/json")
	w.Header().Set("x-amzn-errortype", r.code)
	w.WriteHeader(r.status)
	_ = json.NewEncoder(w).Encode(map[string]string{"message": r.message})
}

func (m *Mailbox) forward(r *http.Request, body []byte) (status int, answer []byte, err error) {
	req, err := http.NewRequestWithContext(r.Context(), r.Method, m.cfg.Server+r.URL.Path, bytes.NewReader(body))
	if err != nil {
		return 0, nil, err
	}
	req.Header = r.Header.Clone()
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, nil, err
	}
	defer res.Body.Close()
	answer, err = io.ReadAll(res.Body)
	return res.StatusCode, answer, err
}

// sentMail is a SendEmail request, as far as notices need it.
type sentMail struct {
	ConfigurationSetName string
	FromEmailAddress     string
	Destination          struct{ ToAddresses []string }
	EmailTags            []struct{ Name, Value string }
}

// tell publishes what becomes of a mail: that it was sent, and what the
// recipient's server said. A mail outside a configuration set is told of to
// nobody.
func (m *Mailbox) tell(body []byte, id string) {
	var in sentMail
	if json.Unmarshal(body, &in) != nil || in.ConfigurationSetName == "" {
		return
	}
	at := m.cfg.Now().UTC()
	m.publish(in.notice("Send", id, at, map[string]any{"send": map[string]any{}}))
	m.wait.Go(func() {
		time.Sleep(m.cfg.After)
		for _, to := range in.Destination.ToAddresses {
			for _, n := range in.fates(to, id, at) {
				m.publish(n)
			}
		}
	})
}

func (m *Mailbox) publish(n map[string]any) {
	kind := strings.ToUpper(strings.ReplaceAll(n["eventType"].(string), " ", "_"))
	for _, wanted := range m.cfg.Kinds {
		if wanted == kind {
			raw, err := json.Marshal(n)
			if err == nil {
				_ = m.cfg.Notify(raw) // the queue is gone: so is the stack
			}
		}
	}
}

// Simulator is the domain of the addresses that do as they are called.
const Simulator = "simulator.amazonses.com"

// fates are the notices that a recipient brings about.
func (in sentMail) fates(to, id string, at time.Time) []map[string]any {
	local, domain, _ := strings.Cut(strings.ToLower(to), "@")
	local, _, _ = strings.Cut(local, "+") // labels are ignored
	delivery := in.notice("Delivery", id, at, map[string]any{"delivery": map[string]any{
		"timestamp": stamp(at), "processingTimeMillis": 200, "recipients": []string{to}, "smtpResponse": "250 2.0.0 OK", "reportingMTA": "a8-30.smtp-out.amazonses.com",
	}})
	bounce := func(kind, sub, status, said string) map[string]any {
		return in.notice("Bounce", id, at, map[string]any{"bounce": map[string]any{
			"bounceType": kind, "bounceSubType": sub, "timestamp": stamp(at), "feedbackId": id, "reportingMTA": "dsn; a8-30.smtp-out.amazonses.com",
			"bouncedRecipients": []map[string]any{{"emailAddress": to, "action": "failed", "status": status, "diagnosticCode": "smtp; " + said}},
		}})
	}
	if domain == Simulator {
		switch local {
		case "bounce":
			return []map[string]any{bounce("Permanent", "General", "5.1.1", "550 5.1.1 user unknown <"+to+">")}
		case "suppressionlist":
			return []map[string]any{bounce("Permanent", "Suppressed", "5.1.1", "Amazon SES has suppressed sending to this address")}
		case "complaint":
			return []map[string]any{delivery, in.notice("Complaint", id, at, map[string]any{"complaint": map[string]any{
				"complainedRecipients": []map[string]any{{"emailAddress": to}}, "timestamp": stamp(at), "feedbackId": id, "complaintFeedbackType": "abuse",
			}})}
		case "ooto":
			return []map[string]any{delivery, bounce("Transient", "General", "4.0.0", "out of the office until Monday")}
		}
	}
	return []map[string]any{delivery}
}

func stamp(at time.Time) string { return at.Format("2006-01-02T15:04:05.000Z") }

// notice is the shape of every notice.
// https://docs.aws.amazon.com/ses/latest/dg/event-publishing-retrieving-sns-examples.html
func (in sentMail) notice(kind, id string, at time.Time, more map[string]any) map[string]any {
	tags := map[string][]string{"ses:configuration-set": {in.ConfigurationSetName}}
	for _, t := range in.EmailTags {
		tags[t.Name] = append(tags[t.Name], t.Value)
	}
	n := map[string]any{
		"eventType": kind,
		"mail": map[string]any{
			"timestamp": stamp(at), "messageId": id, "source": in.FromEmailAddress, "sendingAccountId": "000000000000",
			"destination": in.Destination.ToAddresses, "headersTruncated": false, "tags": tags,
		},
	}
	for name, value := range more {
		n[name] = value
	}
	return n
}
