// Package caller calls a running stack's API as a person or a backend would,
// for the tests of whole journeys in tests.
//
// It may import the standard library alone: a caller knows the contract and
// nothing else.
package caller

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

// Timeout is how long a caller waits for an answer: as long as an API Gateway
// HTTP API does.
const Timeout = 30 * time.Second

var client = &http.Client{
	Timeout:       Timeout,
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
}

// Caller is somebody at a stack.
type Caller struct {
	t     testing.TB
	url   string // of the API
	token string // "" for a caller who is not signed in
}

// Anyone returns a caller who is not signed in.
func Anyone(t testing.TB, url string) Caller { return Caller{t: t, url: url} }

// Person returns a caller who is signed in with a verified email.
func Person(t testing.TB, url, email, name string) Caller {
	t.Helper()
	return signIn(t, url, map[string]any{"email": email, "name": name})
}

// Operator returns a backend with the scope of operators.
func Operator(t testing.TB, url, clientID string) Caller {
	t.Helper()
	return signIn(t, url, map[string]any{"clientId": clientID, "scope": "latchkey/operator"})
}

func signIn(t testing.TB, url string, as map[string]any) Caller {
	t.Helper()
	return Holder(t, url, Token(t, url, as))
}

// Holder returns a caller who sends a token as it is, valid or not.
func Holder(t testing.TB, url, token string) Caller { return Caller{t: t, url: url, token: token} }

// Token returns a token of the stack's issuer: of a person with these claims
// (email, name, sub, emailVerified), or of a backend (clientId, scope).
func Token(t testing.TB, url string, as map[string]any) string {
	t.Helper()
	var got struct{ Token string }
	Anyone(t, url).Send("POST", "/local/token", as).Into(http.StatusOK, &got)
	return got.Token
}

// With returns the same caller whose failures are another test's.
func (c Caller) With(t testing.TB) Caller {
	c.t = t
	return c
}

// Answer is what a call came to. Status is 0 where no answer arrived.
type Answer struct {
	Status int
	Header http.Header
	Body   []byte
	Err    error // why no answer arrived

	t    testing.TB
	call string
}

// Send makes a call. A body that is a string is sent as it is, nil is no body,
// anything else is sent as JSON. Headers are names and values in turn.
func (c Caller) Send(method, path string, body any, headers ...string) Answer {
	c.t.Helper()
	a := Answer{t: c.t, call: method + " " + path}
	req, err := c.request(method, path, body, headers)
	if err != nil {
		c.t.Fatalf("%s: %v", a.call, err)
	}
	res, err := client.Do(req)
	if err != nil {
		a.Err = err
		return a
	}
	defer res.Body.Close()
	a.Body, a.Err = io.ReadAll(res.Body)
	if a.Err == nil {
		a.Status, a.Header = res.StatusCode, res.Header
	}
	return a
}

func (c Caller) request(method, path string, body any, headers []string) (*http.Request, error) {
	var reader io.Reader
	switch b := body.(type) {
	case nil:
	case string:
		reader = strings.NewReader(b)
	default:
		raw, err := json.Marshal(b)
		if err != nil {
			return nil, err
		}
		reader = bytes.NewReader(raw)
	}
	req, err := http.NewRequest(method, c.url+path, reader)
	if err != nil {
		return nil, err
	}
	if reader != nil {
		req.Header.Set("content-type", "application/json")
	}
	if c.token != "" {
		req.Header.Set("authorization", "Bearer "+c.token)
	}
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	return req, nil
}

func (a Answer) String() string {
	if a.Err != nil {
		return fmt.Sprintf("%s: %v", a.call, a.Err)
	}
	return fmt.Sprintf("%s: %d %s", a.call, a.Status, a.Body)
}

// Into ends the test unless the answer has this status, and reads its body
// into v, unless v is nil.
func (a Answer) Into(status int, v any) Answer {
	a.t.Helper()
	if a.Status != status {
		a.t.Fatalf("%v, want %d", a, status)
	}
	if v != nil {
		if err := json.Unmarshal(a.Body, v); err != nil {
			a.t.Fatalf("%v: %v", a, err)
		}
	}
	return a
}

// Code returns the code of a problem; "" where the answer is none.
func (a Answer) Code() string {
	var problem struct{ Code string }
	if a.Status < 400 || json.Unmarshal(a.Body, &problem) != nil {
		return ""
	}
	return problem.Code
}

// Refused fails the test unless the answer is a problem of this status and
// code.
func (a Answer) Refused(status int, code string) {
	a.t.Helper()
	if a.Status != status || a.Code() != code {
		a.t.Errorf("%v, want %d %s", a, status, code)
	}
}

// User is a user as the API shows them.
type User struct {
	ID, WorkspaceID, Name, Email, Role, Status string
	Groups                                     []string
	Metadata                                   json.RawMessage
	Invitation                                 *Invitation
	Version                                    int
}

// Invitation is the invitation of a user as the API shows it.
type Invitation struct {
	InvitedBy, Delivery, DeliveryReason, URL string
	SentAt, ExpiresAt                        time.Time
	UnsubscribedAt                           *time.Time
	Sends                                    int
}

// Token returns the token of the invitation's link; "" where it is not shown.
func (u User) Token() string {
	if u.Invitation == nil {
		return ""
	}
	return u.Invitation.URL[strings.LastIndexByte(u.Invitation.URL, '/')+1:]
}

// Eventually fails the test where check still returns an error after within.
func Eventually(t testing.TB, within time.Duration, check func() error) {
	t.Helper()
	for deadline := time.Now().Add(within); ; time.Sleep(50 * time.Millisecond) {
		err := check()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatal(err)
		}
	}
}
