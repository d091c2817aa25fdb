package access_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/iotest"
	"time"

	"github.com/latchkey/latchkey/shared/access"
	"github.com/latchkey/latchkey/shared/awsenv"
	"github.com/latchkey/latchkey/shared/httpapi"
	"github.com/latchkey/latchkey/shared/id"
	"github.com/latchkey/latchkey/shared/identity"
	"github.com/latchkey/latchkey/shared/store"
	"github.com/latchkey/latchkey/shared/user"
	"github.com/latchkey/latchkey/shared/workspace"
)

var (
	wsID  = id.FromBytes(workspace.IDPrefix, []byte("fifteen bytes!!"))
	other = user.IDFor(wsID, "other@corp.com")
	me    = user.IDFor(wsID, "john@corp.com")

	person   = identity.Caller{Subject: "sub-john", Email: "John@Corp.com", EmailVerified: true}
	operator = identity.Caller{ClientID: "billing", Operator: true}
)

// wrongIDs can be no identifier of a user, whatever a path may say.
func wrongIDs() []string {
	return []string{
		"", "x", "usr_", "usr_1", strings.Repeat("a", 3000), "usr_" + strings.Repeat("0", 3000), other + "0", other[:len(other)-1], strings.ToUpper(other),
		wsID, "evt_" + other[4:], "ME", "me ", "me/", other + "\n", other + "#x", "../" + other, "USER#" + other, "WORKSPACE", "svc_billing",
		"john@corp.com", "usr_\x00", "%00", "usr_" + strings.Repeat("é", 16),
	}
}

func request(ws, target string, caller identity.Caller) *httpapi.Request {
	return &httpapi.Request{Params: map[string]string{"workspace": ws, "user": target}, Caller: caller}
}

func TestATargetIsAnIdentifierOrMe(t *testing.T) {
	if got := access.Target(request(wsID, other, person)); got != other {
		t.Errorf("an identifier: %q", got)
	}
	if got := access.Target(request(wsID, "me", person)); got != me {
		t.Errorf("me: %q", got)
	}
	if got := access.Target(request(wsID, "me", operator)); got != "" {
		t.Errorf("an operator is %q", got)
	}
	unverified := person
	unverified.EmailVerified = false
	if got := access.Target(request(wsID, "me", unverified)); got != "" {
		t.Errorf("somebody whose email nobody verified is %q", got)
	}
	for _, wrong := range wrongIDs() {
		if got := access.Target(request(wsID, wrong, person)); got != "" {
			t.Errorf("%.40q: %q", wrong, got)
		}
	}
	if got := access.Target(&httpapi.Request{Caller: person}); got != "" {
		t.Errorf("without a path: %q", got)
	}
}

// table answers each call alike and keeps what it was asked.
type table struct {
	mu    sync.Mutex
	asked []string
	items string // JSON of the items that it has
}

func newTable(t *testing.T, items ...string) (*table, *store.Store) {
	t.Helper()
	tb := &table{items: strings.Join(items, ",")}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		raw, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		tb.mu.Lock()
		defer tb.mu.Unlock()
		tb.asked = append(tb.asked, r.Header.Get("X-Amz-Target")+" "+string(raw))
		_, _ = fmt.Fprintf(w, `{"Responses": {"table": [%s]}, "UnprocessedKeys": {}}`, tb.items)
	}))
	t.Cleanup(server.Close)
	return tb, store.FromEnv(awsenv.Env{Get: func(name string) string {
		return map[string]string{
			"AWS_REGION": "us-east-1", "AWS_ACCESS_KEY_ID": "local", "AWS_SECRET_ACCESS_KEY": "local",
			"AWS_ENDPOINT_URL_DYNAMODB": server.URL, "TABLE": "table",
		}[name]
	}})
}

func workspaceItem() string {
	return `{"pk": {"S": "WS#` + wsID + `"}, "sk": {"S": "WORKSPACE"}, "entity": {"S": "workspace"}, "slug": {"S": "corp"}}`
}

func userItem(userID string, role user.Role) string {
	return fmt.Sprintf(`{"pk": {"S": "WS#%s"}, "sk": {"S": "USER#%s"}, "entity": {"S": "user"}, "status": {"S": "active"},
		"role": {"S": "%s"}, "subject": {"S": "sub-john"}, "name": {"S": "John Doe"}}`, wsID, userID, role)
}

func TestAMalformedWorkspaceNeverReachesTheTable(t *testing.T) {
	tb, s := newTable(t)
	for _, wrong := range []string{
		"", "ws_", "ws_1", strings.Repeat("a", 3000), "ws_" + strings.Repeat("0", 3000), wsID + "0", strings.ToUpper(wsID), other,
		"evt_" + wsID[3:], wsID + "\n", wsID + "#x", "WS#" + wsID, "corp", "..", "\x00",
	} {
		for _, caller := range []identity.Caller{person, operator} {
			_, err := access.Admin(t.Context(), s, request(wrong, other, caller), store.Want{})
			if !errors.Is(err, workspace.ErrNotFound) {
				t.Errorf("%.40q: %v", wrong, err)
			}
			_, err = access.Member(t.Context(), s, request(wrong, other, caller), store.Want{})
			if !errors.Is(err, workspace.ErrNotFound) {
				t.Errorf("%.40q: %v", wrong, err)
			}
		}
	}
	if len(tb.asked) != 0 {
		t.Errorf("the table was asked %q", tb.asked)
	}
}

func TestAMalformedUserNeverReachesTheTable(t *testing.T) {
	tb, s := newTable(t, workspaceItem(), userItem(me, user.Admin))
	for _, wrong := range wrongIDs() {
		g, err := access.Admin(t.Context(), s, request(wsID, wrong, person), store.Want{})
		if err != nil || g.Target != "" || g.Me.ID != me {
			t.Errorf("%.40q: target %q, me %q, %v", wrong, g.Target, g.Me.ID, err)
		}
	}
	for _, asked := range tb.asked {
		if strings.Count(asked, `"sk"`) != 2 || !strings.Contains(asked, "USER#"+me) || !strings.Contains(asked, `"WORKSPACE"`) {
			t.Errorf("the table was asked %.300s", asked)
		}
	}
	if len(tb.asked) != len(wrongIDs()) {
		t.Errorf("the table was asked %d times for %d requests", len(tb.asked), len(wrongIDs()))
	}
}

func TestOneCallReadsTheCallerTheTargetAndTheRest(t *testing.T) {
	tb, s := newTable(t, workspaceItem(), userItem(me, user.Admin), userItem(other, user.Builder))
	g, err := access.Admin(t.Context(), s, request(wsID, other, person), store.Want{Groups: []string{"sales"}, Accounts: []string{"new@corp.com"}})
	if err != nil || g.Workspace.Slug != "corp" || g.Me.ID != me || g.Target != other || g.Me.Name != "John Doe" {
		t.Errorf("%+v, %v", g, err)
	}
	if len(tb.asked) != 1 {
		t.Fatalf("the table was asked %d times", len(tb.asked))
	}
	for _, want := range []string{"BatchGetItem", `"ConsistentRead":true`, "USER#" + me, "USER#" + other, "GROUP#sales", "ACCOUNT#" + user.EmailKey("new@corp.com")} {
		if !strings.Contains(tb.asked[0], want) {
			t.Errorf("%s is not asked for: %s", want, tb.asked[0])
		}
	}
	// The tenant is part of every key of it.
	if strings.Count(tb.asked[0], "WS#"+wsID) != 4 || strings.Contains(tb.asked[0], "@") {
		t.Errorf("it asked for %s", tb.asked[0])
	}
}

func TestWhoMayNotGoOnIsGrantedNothing(t *testing.T) {
	_, asBuilder := newTable(t, workspaceItem(), userItem(me, user.Builder))
	_, asStranger := newTable(t, workspaceItem())
	_, nowhere := newTable(t)
	for _, c := range []struct {
		name          string
		s             *store.Store
		caller        identity.Caller
		member, admin error
	}{
		{"a builder", asBuilder, person, nil, identity.ErrAdminRequired},
		{"a stranger", asStranger, person, workspace.ErrNotFound, workspace.ErrNotFound},
		{"nobody", asBuilder, identity.Caller{}, workspace.ErrNotFound, workspace.ErrNotFound},
		{"an operator", asStranger, operator, nil, nil},
		{"an operator, nowhere", nowhere, operator, workspace.ErrNotFound, workspace.ErrNotFound},
	} {
		_, err := access.Member(t.Context(), c.s, request(wsID, other, c.caller), store.Want{})
		if !errors.Is(err, c.member) {
			t.Errorf("%s as a member: %v", c.name, err)
		}
		_, err = access.Admin(t.Context(), c.s, request(wsID, other, c.caller), store.Want{})
		if !errors.Is(err, c.admin) {
			t.Errorf("%s as an admin: %v", c.name, err)
		}
	}
}

func TestAStampNamesTheCaller(t *testing.T) {
	_, s := newTable(t, workspaceItem(), userItem(me, user.Admin))
	now := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	for want, caller := range map[string]identity.Caller{me: person, "svc_billing": operator} {
		g, err := access.Admin(t.Context(), s, request(wsID, other, caller), store.Want{})
		if err != nil {
			t.Fatal(err)
		}
		stamp, err := g.Stamp(t.Context(), now, bytes.NewReader(make([]byte, 100)))
		if err != nil || stamp.Actor != want || !stamp.At.Equal(now) || !strings.HasPrefix(stamp.ID, "evt_") {
			t.Errorf("%+v, %v", stamp, err)
		}
	}
	if _, err := access.Stamp(t.Context(), "x", now, iotest.ErrReader(errors.New("none left"))); err == nil {
		t.Error("a stamp without an identifier")
	}
}
