package mailbox

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/latchkey/latchkey/infra/blueprint"
)

// office is a mailbox before a mail server that counts.
type office struct {
	box     *Mailbox
	server  *httptest.Server
	mu      sync.Mutex
	mails   int
	notices []map[string]any
}

func newOffice(t *testing.T) *office {
	t.Helper()
	o := &office{}
	inbox := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		o.mu.Lock()
		defer o.mu.Unlock()
		o.mails++
		fmt.Fprintf(w, `{"MessageId":"m-%d"}`, o.mails)
	}))
	t.Cleanup(inbox.Close)
	o.box = New(Config{Server: inbox.URL, Account: Account{Identities: []string{"corp.com"}}, Kinds: append([]string{"SEND"}, blueprint.MailNotices().Notices...), Now: time.Now, Notify: func(raw []byte) error {
		var n map[string]any
		if err := json.Unmarshal(raw, &n); err != nil {
			return err
		}
		o.mu.Lock()
		defer o.mu.Unlock()
		o.notices = append(o.notices, n)
		return nil
	}})
	o.server = httptest.NewServer(o.box)
	t.Cleanup(o.server.Close)
	return o
}

func (o *office) send(t *testing.T, to, set string) (status int, err error) {
	t.Helper()
	body := fmt.Sprintf(`{"FromEmailAddress":"a@corp.com","ConfigurationSetName":%q,"Destination":{"ToAddresses":[%q]},"EmailTags":[{"Name":"user","Value":"usr_1"}]}`, set, to)
	client := &http.Client{Timeout: 300 * time.Millisecond}
	res, err := client.Post(o.server.URL+"/v2/email/outbound-emails", "application/json", strings.NewReader(body))
	if err != nil {
		return 0, err
	}
	defer res.Body.Close()
	return res.StatusCode, nil
}

func (o *office) told() (types []string) {
	o.box.Close()
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, n := range o.notices {
		types = append(types, n["eventType"].(string))
		if tags := n["mail"].(map[string]any)["tags"].(map[string]any); fmt.Sprint(tags["user"]) != "[usr_1]" {
			types = append(types, "untagged")
		}
	}
	return types
}

func TestSimulatorAddressesDoAsTheyAreCalled(t *testing.T) {
	for to, want := range map[string][]string{
		"john@corp.com":                           {"Send", "Delivery"},
		"success@simulator.amazonses.com":         {"Send", "Delivery"},
		"bounce@simulator.amazonses.com":          {"Send", "Bounce"},
		"Bounce+7@Simulator.amazonses.com":        {"Send", "Bounce"},
		"complaint@simulator.amazonses.com":       {"Send", "Delivery", "Complaint"},
		"ooto@simulator.amazonses.com":            {"Send", "Delivery", "Bounce"},
		"suppressionlist@simulator.amazonses.com": {"Send", "Bounce"},
	} {
		o := newOffice(t)
		if status, err := o.send(t, to, "latchkey"); status != http.StatusOK || err != nil {
			t.Errorf("%s: %d, %v", to, status, err)
		}
		if told := o.told(); !slices.Equal(told, want) {
			t.Errorf("%s: told %v, want %v", to, told, want)
		}
	}
}

func TestNobodyIsToldOfAMailOutsideAConfigurationSet(t *testing.T) {
	o := newOffice(t)
	if _, err := o.send(t, "john@corp.com", ""); err != nil {
		t.Fatal(err)
	}
	if told := o.told(); len(told) > 0 {
		t.Errorf("told %v", told)
	}
}

func TestEachFault(t *testing.T) {
	for fault, c := range map[Fault]struct {
		status, mails int
		broken        bool
	}{
		Healthy:   {http.StatusOK, 1, false},
		Broken:    {http.StatusInternalServerError, 0, false},
		Throttled: {http.StatusTooManyRequests, 0, false},
		Hanging:   {0, 0, true},
		CutOff:    {0, 1, true},
	} {
		o := newOffice(t)
		o.box.Fail(func() Fault { return fault })
		status, err := o.send(t, "john@corp.com", "latchkey")
		if status != c.status || (err != nil) != c.broken {
			t.Errorf("%v: %d, %v", fault, status, err)
		}
		o.box.Close()
		if o.mails != c.mails || len(o.notices) != 2*c.mails {
			t.Errorf("%v: %d mails, %d notices", fault, o.mails, len(o.notices))
		}
		o.box.Fail(nil)
		if status, _ := o.send(t, "john@corp.com", "latchkey"); status != http.StatusOK {
			t.Errorf("after %v: %d", fault, status)
		}
	}
}
