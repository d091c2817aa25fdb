package mailbox

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"
)

type object = map[string]any

// message is a mail that SES takes, after a change.
func message(change func(object)) string {
	m := object{
		"FromEmailAddress": `"Nexus" <invitations@corp.com>`, "ConfigurationSetName": "latchkey", "ReplyToAddresses": []string{"ada@else.com"},
		"Destination": object{"ToAddresses": []string{"john@else.com"}},
		"Content":     object{"Simple": object{"Headers": []object{{"Name": "List-Unsubscribe", "Value": "<https://corp.com/x>"}}}},
		"EmailTags":   []object{{"Name": "user", "Value": "usr_1"}},
	}
	if change != nil {
		change(m)
	}
	raw, _ := json.Marshal(m)
	return string(raw)
}

func (o *office) post(t *testing.T, body string) (status int, code, said string) {
	t.Helper()
	res, err := http.Post(o.server.URL+"/v2/email/outbound-emails", "application/json", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	var out struct{ Message string }
	if err := json.NewDecoder(res.Body).Decode(&out); err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, res.Header.Get("x-amzn-errortype"), out.Message
}

func to(addresses ...string) func(object) {
	return func(m object) { m["Destination"] = object{"ToAddresses": addresses} }
}

func headers(all ...object) func(object) {
	return func(m object) { m["Content"] = object{"Simple": object{"Headers": all}} }
}

// What SES refuses is refused, with its status and code.
func TestRefusals(t *testing.T) {
	production := Account{Identities: []string{"corp.com", "single@else.com"}, ConfigurationSets: []string{"latchkey"}}
	sandbox := production
	sandbox.Sandbox = true
	paused := production
	paused.Paused = true
	many := make([]object, 16)
	for i := range many {
		many[i] = object{"Name": fmt.Sprint("X-", i), "Value": "x"}
	}
	from := func(address string) func(object) { return func(m object) { m["FromEmailAddress"] = address } }
	for _, c := range []struct {
		name    string
		account Account
		body    string
		want    string
	}{
		{"a mail", production, message(nil), "200 "},
		{"from below a verified domain", production, message(from("x@mail.corp.com")), "200 "},
		{"from a verified address", production, message(from("single@else.com")), "200 "},
		{"from another address there", production, message(from("other@else.com")), "400 MessageRejected Email address is not verified. The following identities failed the check in region US-EAST-1: other@else.com"},
		{"from a domain that only ends alike", production, message(from("x@notcorp.com")), "400 MessageRejected"},
		{"from nobody", production, message(from("")), "400 BadRequestException"},
		{"without identities", Account{}, message(nil), "400 MessageRejected"},
		{"in the sandbox, to anybody", sandbox, message(nil), "400 MessageRejected Email address is not verified. The following identities failed the check in region US-EAST-1: john@else.com"},
		{"in the sandbox, to a verified address", sandbox, message(to("single@else.com", "me@corp.com")), "200 "},
		{"in the sandbox, to the simulator", sandbox, message(to("bounce+1@simulator.amazonses.com")), "200 "},
		{"paused", paused, message(nil), "400 SendingPausedException"},
		{"another configuration set", production, message(func(m object) { m["ConfigurationSetName"] = "other" }), "404 NotFoundException"},
		{"no configuration set", production, message(func(m object) { delete(m, "ConfigurationSetName") }), "200 "},
		{"to nobody", production, message(to()), "400 BadRequestException"},
		{"to many", production, message(to(strings.Split(strings.Repeat(",a@else.com", 51), ",")[1:]...)), "400 BadRequestException Recipient count exceeds 50."},
		{"to what is no address", production, message(to("john")), "400 BadRequestException"},
		{"to a local part beyond ASCII", production, message(to("jörg@else.com")), "400 BadRequestException"},
		{"to a domain beyond ASCII", production, message(to("x@bücher.example")), "400 BadRequestException"},
		{"an answer to what is no address", production, message(func(m object) { m["ReplyToAddresses"] = []string{"nobody"} }), "400 BadRequestException"},
		{"too many headers", production, message(headers(many...)), "400 BadRequestException"},
		{"as many headers as may be", production, message(headers(many[:15]...)), "200 "},
		{"a header's long name", production, message(headers(object{"Name": strings.Repeat("X", 127), "Value": "x"})), "400 BadRequestException"},
		{"a header's name with a colon", production, message(headers(object{"Name": "X:", "Value": "x"})), "400 BadRequestException"},
		{"a header's long value", production, message(headers(object{"Name": "X", "Value": strings.Repeat("x", 871)})), "400 BadRequestException"},
		{"a header of two lines", production, message(headers(object{"Name": "X", "Value": "x\r\nBcc: a@evil.example"})), "400 BadRequestException"},
		{"a header beyond ASCII", production, message(headers(object{"Name": "X", "Value": "ü"})), "400 BadRequestException"},
		{"a tag with a dot", production, message(func(m object) { m["EmailTags"] = []object{{"Name": "user", "Value": "a.b"}} }), "400 BadRequestException"},
		{"what is no JSON", production, "{", "400 BadRequestException"},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := newOffice(t)
			o.box.SetAccount(c.account)
			status, code, said := o.post(t, c.body)
			if got := fmt.Sprint(status, " ", code, " ", said); !strings.HasPrefix(got, c.want) {
				t.Errorf("%s, want %s", got, c.want)
			}
			o.box.Close()
			if sent := o.mails; (sent == 1) != (c.want == "200 ") {
				t.Errorf("%d mails went out", sent)
			}
		})
	}
}

// The rate allows twice its number at once and refills; the quota counts
// recipients over 24 hours.
func TestRateAndQuota(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	m := meter{now: func() time.Time { return now }}
	take := func(a Account, n int) (taken int, said string) {
		for range n {
			if r := m.take(a, 1); r != nil {
				if r.status != http.StatusTooManyRequests || r.code != "TooManyRequestsException" {
					t.Errorf("refused with %+v", r)
				}
				return taken, r.message
			}
			taken++
		}
		return taken, ""
	}
	rate := Account{PerSecond: 5}
	for _, step := range []struct {
		after time.Duration
		want  int
	}{{0, 10}, {0, 0}, {200 * time.Millisecond, 1}, {time.Second, 5}, {time.Hour, 10}} {
		now = now.Add(step.after)
		if got, said := take(rate, 20); got != step.want || said != "Maximum sending rate exceeded." {
			t.Errorf("after %v: %d, %q", step.after, got, said)
		}
	}
	quota := Account{PerDay: 3}
	if got, said := take(quota, 5); got != 3 || said != "Daily message quota exceeded." {
		t.Errorf("%d in a day, %q", got, said)
	}
	now = now.Add(24*time.Hour - time.Second)
	if got, _ := take(quota, 1); got != 0 {
		t.Error("the quota was renewed before 24 hours")
	}
	now = now.Add(time.Second)
	if got, _ := take(quota, 5); got != 3 {
		t.Errorf("after 24 hours %d", got)
	}
	if r := m.take(Account{PerDay: 10}, 8); r == nil {
		t.Error("recipients are not counted one by one")
	}
	m = meter{now: m.now}
	if got, _ := take(Account{Sandbox: true, PerSecond: 100, PerDay: 50_000}, 20); got != 2 {
		t.Errorf("the sandbox lets %d out at once", got)
	}
}
