package identity_test

import (
	"errors"
	"maps"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/latchkey/latchkey/shared/identity"
	"github.com/latchkey/latchkey/shared/user"
	"github.com/latchkey/latchkey/shared/workspace"
)

// john are the claims of a person, as API Gateway renders them.
func john() map[string]string {
	return map[string]string{"sub": "sub-john", "email": "john@corp.com", "email_verified": "true", "name": "John Doe", "client_id": "dashboard"}
}

func TestClaimsSayWhoIsCalling(t *testing.T) {
	for _, c := range []struct {
		name   string
		claims map[string]string
		scopes []string
		want   identity.Caller
	}{
		{"a person", john(), nil, identity.Caller{Subject: "sub-john", Email: "john@corp.com", EmailVerified: true, ClaimedName: "John Doe", ClientID: "dashboard"}},
		{"nothing", nil, nil, identity.Caller{}},
		{"a backend", map[string]string{"sub": "backend", "client_id": "backend", "scope": "latchkey/operator"}, nil,
			identity.Caller{Subject: "backend", ClientID: "backend", Operator: true}},
		{"a backend without client_id", map[string]string{"sub": "backend", "scope": "latchkey/operator"}, nil,
			identity.Caller{Subject: "backend", ClientID: "backend", Operator: true}},
		{"one scope of many", map[string]string{"client_id": "b", "scope": "openid latchkey/operator  x"}, nil,
			identity.Caller{ClientID: "b", Operator: true}},
		{"the scope that the gateway gives", map[string]string{"client_id": "b"}, []string{"latchkey/operator"},
			identity.Caller{ClientID: "b", Operator: true}},
		{"another scope", map[string]string{"client_id": "b", "scope": "latchkey/operators latchkey operator LATCHKEY/OPERATOR"}, nil,
			identity.Caller{ClientID: "b"}},
		{"a list in scp, as Okta sends", map[string]string{"sub": "b", "cid": "b", "scp": "[other latchkey/operator]"}, nil,
			identity.Caller{Subject: "b", ClientID: "b", Operator: true}},
		{"a list of one", map[string]string{"sub": "b", "scp": "[latchkey/operator]"}, nil,
			identity.Caller{Subject: "b", ClientID: "b", Operator: true}},
		{"a text in scp", map[string]string{"sub": "b", "scp": "openid latchkey/operator"}, nil,
			identity.Caller{Subject: "b", ClientID: "b", Operator: true}},
		{"a list in scope", map[string]string{"sub": "b", "scope": "[latchkey/operator openid]"}, nil,
			identity.Caller{Subject: "b", ClientID: "b", Operator: true}},
		{"another scope in scp", map[string]string{"sub": "b", "scp": "[latchkey/operators [latchkey/operator]"}, nil,
			identity.Caller{Subject: "b", ClientID: "b"}},
		{"half a list", map[string]string{"sub": "b", "scp": "[latchkey/operator"}, nil,
			identity.Caller{Subject: "b", ClientID: "b"}},
		{"scope goes before scp", map[string]string{"sub": "b", "scope": "openid", "scp": "[latchkey/operator]"}, nil,
			identity.Caller{Subject: "b", ClientID: "b"}},
		{"a person's access token at Okta", map[string]string{"sub": "ada@corp.com", "cid": "c", "uid": "00u1", "scp": "[latchkey/operator]"}, nil,
			identity.Caller{Subject: "ada@corp.com", ClientID: "ada@corp.com"}},
		{"a person's access token at Entra", map[string]string{"sub": "pairwise", "oid": "person", "scp": "latchkey/operator"}, nil,
			identity.Caller{Subject: "pairwise", ClientID: "pairwise"}},
		{"the same, with scopes of the gateway", map[string]string{"sub": "pairwise", "oid": "person"}, []string{"latchkey/operator"},
			identity.Caller{Subject: "pairwise", ClientID: "pairwise"}},
		{"an application at Entra", map[string]string{"sub": "app", "oid": "app", "scp": "latchkey/operator"}, nil,
			identity.Caller{Subject: "app", ClientID: "app", Operator: true}},
		{"a person with scp", map[string]string{"sub": "s", "email": "a@corp.com", "email_verified": "true", "scp": "[latchkey/operator]"}, nil,
			identity.Caller{Subject: "s", Email: "a@corp.com", EmailVerified: true, ClientID: "s"}},
		{"a backend without scope", map[string]string{"client_id": "b"}, nil, identity.Caller{ClientID: "b"}},
		{"nobody with the scope", map[string]string{"scope": "latchkey/operator"}, nil, identity.Caller{}},
		{"a person with the scope", map[string]string{"sub": "s", "email": "a@corp.com", "email_verified": "true", "scope": "latchkey/operator"}, nil,
			identity.Caller{Subject: "s", Email: "a@corp.com", EmailVerified: true, ClientID: "s"}},
		{"an unverified person with the scope", map[string]string{"sub": "s", "email": "a@corp.com", "scope": "latchkey/operator"}, []string{"latchkey/operator"},
			identity.Caller{Subject: "s", Email: "a@corp.com", ClientID: "s"}},
	} {
		if got := identity.FromClaims(c.claims, c.scopes); got != c.want {
			t.Errorf("%s: %+v, want %+v", c.name, got, c.want)
		}
	}
}

// Rule 1 of the pitfalls. Claims are text; whatever is not the word true is not.
func TestAnEmailIsVerifiedOnlyIfTheClaimSaysTrue(t *testing.T) {
	for text, want := range map[string]bool{"true": true, "false": false, "": false, "1": false, "yes": false, "True ": false, "\"true\"": false, "[true]": false} {
		claims := john()
		claims["email_verified"] = text
		if got := identity.FromClaims(claims, nil); got.EmailVerified != want {
			t.Errorf("%q: %v", text, got.EmailVerified)
		}
	}
	claims := john()
	delete(claims, "email_verified")
	if identity.FromClaims(claims, nil).EmailVerified {
		t.Error("without the claim it is verified")
	}
}

func TestAPersonHasAVerifiedEmailAndASubject(t *testing.T) {
	for name, c := range map[string]struct {
		drop string
		set  string
		want error
	}{
		"as it should be":     {},
		"unverified":          {"email_verified", "false", identity.ErrUnverified},
		"verification absent": {"email_verified", "", identity.ErrUnverified},
		"no email":            {"email", "", identity.ErrPersonNeeded},
		"no subject":          {"sub", "", identity.ErrPersonNeeded},
	} {
		claims := maps.Clone(john())
		if c.drop != "" {
			claims[c.drop] = c.set
		}
		caller := identity.FromClaims(claims, nil)
		if err := caller.Person(); !errors.Is(err, c.want) {
			t.Errorf("%s: %v", name, err)
		}
		if id := caller.UserID("ws_1"); (id == "") != (c.want != nil) {
			t.Errorf("%s: the user id is %q", name, id)
		}
	}
}

func TestACallersNameInTheHistory(t *testing.T) {
	person := identity.FromClaims(john(), nil)
	if got := person.Actor("ws_1"); got != user.IDFor("ws_1", "JOHN@corp.com") {
		t.Errorf("a person is %s", got)
	}
	backend := identity.FromClaims(map[string]string{"client_id": "billing", "scope": identity.OperatorScope}, nil)
	if got := backend.Actor("ws_1"); got != "svc_billing" || backend.UserID("ws_1") != "" {
		t.Errorf("a backend is %s, with the user id %q", got, backend.UserID("ws_1"))
	}
	if got := (identity.Caller{}).Actor("ws_1"); got != "" {
		t.Errorf("nobody is %s", got)
	}
}

var t0 = time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)

// record is john's record in a workspace.
func record(wsID string, role user.Role, status user.Status) user.User {
	u := user.Founder(user.Stamp{ID: "evt_1", Actor: user.IDFor(wsID, "john@corp.com"), At: t0}, wsID, "John Doe", "john@corp.com", "sub-john")
	u.Role, u.Status = role, status
	u.Invitation.ExpiresAt = t0.Add(time.Hour)
	return u
}

func TestWhatACallerMayDo(t *testing.T) {
	w := workspace.Workspace{ID: "ws_1"}
	caller := func(change func(c map[string]string)) identity.Caller {
		claims := john()
		change(claims)
		return identity.FromClaims(claims, nil)
	}
	me := caller(func(map[string]string) {})
	unverified := caller(func(c map[string]string) { c["email_verified"] = "false" })
	reassigned := caller(func(c map[string]string) { c["sub"] = "sub-successor" })
	subjectless := caller(func(c map[string]string) { delete(c, "sub") })
	withScope := caller(func(c map[string]string) { c["scope"] = identity.OperatorScope })
	backend := identity.FromClaims(map[string]string{"client_id": "billing", "scope": identity.OperatorScope}, nil)
	weak := identity.FromClaims(map[string]string{"client_id": "billing"}, nil)
	stranger, forbidden := workspace.ErrNotFound, identity.ErrAdminRequired
	nobody := identity.Caller{}

	admin := record("ws_1", user.Admin, user.Active)
	unbound := admin
	unbound.Subject = ""
	for _, c := range []struct {
		name          string
		caller        identity.Caller
		w             workspace.Workspace
		record        user.User
		member, admin error
	}{
		{"an admin", me, w, admin, nil, nil},
		{"a builder", me, w, record("ws_1", user.Builder, user.Active), nil, forbidden},
		{"an end user", me, w, record("ws_1", user.EndUser, user.Active), nil, forbidden},
		{"an admin who was archived", me, w, record("ws_1", user.Admin, user.Archived), stranger, stranger},
		{"an admin whose invitation lapsed", me, w, record("ws_1", user.Admin, user.Expired), stranger, stranger},
		{"an admin who declined", me, w, record("ws_1", user.Admin, user.Declined), stranger, stranger},
		{"an admin who is invited", me, w, record("ws_1", user.Admin, user.Invited), stranger, stranger},
		{"an admin who is requested", me, w, record("ws_1", user.Admin, user.Requested), stranger, stranger},
		{"no record", me, w, user.User{}, stranger, stranger},
		{"an unverified email", unverified, w, admin, stranger, stranger},
		{"another subject with the same email", reassigned, w, admin, stranger, stranger},
		{"no subject", subjectless, w, admin, stranger, stranger},
		{"no subject, and none in the record", subjectless, w, unbound, stranger, stranger},
		{"a subject, but none in the record", me, w, unbound, stranger, stranger},
		{"a person with the operator's scope and no record", withScope, w, user.User{}, stranger, stranger},
		{"a builder with the operator's scope", withScope, w, record("ws_1", user.Builder, user.Active), nil, forbidden},
		{"an operator", backend, w, user.User{}, nil, nil},
		{"a backend without the scope", weak, w, user.User{}, stranger, stranger},
		{"nobody", nobody, w, user.User{}, stranger, stranger},
		{"nobody, with an admin's record", nobody, w, admin, stranger, stranger},
		{"an admin, but no such workspace", me, workspace.Workspace{}, admin, stranger, stranger},
		{"an operator, but no such workspace", backend, workspace.Workspace{}, user.User{}, stranger, stranger},
		// Rule 7 of the pitfalls.
		{"an admin of another workspace", me, w, record("ws_2", user.Admin, user.Active), stranger, stranger},
	} {
		if err := c.caller.Member(c.w, c.record); !errors.Is(err, c.member) {
			t.Errorf("%s: as a member: %v", c.name, err)
		}
		if err := c.caller.Admin(c.w, c.record); !errors.Is(err, c.admin) {
			t.Errorf("%s: as an admin: %v", c.name, err)
		}
	}
}

// badEmails are email claims that no issuer should send, and some have.
var badEmails = map[string]string{
	"no @":                    "john.corp.com",
	"nothing before the @":    "@corp.com",
	"nothing after the @":     "john@",
	"two @":                   "john@corp.com@evil.example",
	"an array":                `["john@corp.com"]`,
	"an array of API Gateway": "[john@corp.com]",
	"two in an array":         "[john@corp.com jane@corp.com]",
	"two addresses":           "john@corp.com,jane@corp.com",
	"NUL":                     "john\x00@corp.com",
	"NUL at the end":          "john@corp.com\x00",
	"a line break":            "john@corp.com\nBcc: jane@corp.com",
	"space around it":         " john@corp.com ",
	"a no-break space":        "\u00a0john@corp.com",
	"a BOM":                   "\ufeffjohn@corp.com",
	"300 characters":          strings.Repeat("a", 60) + "@" + strings.Repeat("b.", 118) + "com",
	"a host without a dot":    "a@localhost",
	"letters outside ASCII":   "jörg@corp.com",
	"KELVIN SIGN":             "\u212Aate@corp.com",
	"invalid UTF-8":           "j\xff@corp.com",
	"a domain not in UTF-8":   "john@corp.\xab",
	"a display name":          "John <john@corp.com>",
	"a quoted local part":     `"john doe"@corp.com`,
	"an object":               `{"value":"john@corp.com"}`,
	"a broken domain":         "john@corp..com",
	"null":                    "null",
	"white space":             " ",
}

// Finding E4: such claims made workspaces, or a panic.
func TestAnInvalidEmailIsNobody(t *testing.T) {
	for name, email := range badEmails {
		claims := john()
		claims["email"], claims["scope"] = email, identity.OperatorScope
		c := identity.FromClaims(claims, []string{identity.OperatorScope})
		if err := c.Person(); !errors.Is(err, identity.ErrInvalidEmail) {
			t.Errorf("%s: %v", name, err)
		}
		if c.Email != "" || c.EmailVerified || c.Operator || c.UserID("ws_1") != "" || c.Actor("ws_1") != "" {
			t.Errorf("%s: %+v", name, c)
		}
	}
}

func TestIDsOfClaimsAreBounded(t *testing.T) {
	for _, c := range []struct{ claim, value, want string }{
		{"sub", strings.Repeat("s", 255), strings.Repeat("s", 255)},
		{"sub", strings.Repeat("s", 256), ""},
		{"sub", "auth0|5f7c", "auth0|5f7c"},
		{"sub", "a\x00b", ""},
		{"sub", "a\nb", ""},
		{"sub", "a\xff", ""},
		{"sub", " a", ""},
		{"client_id", strings.Repeat("c", 256), ""},
		{"client_id", "a\x7f", ""},
		{"client_id", "billing", "billing"},
	} {
		claims := john()
		claims[c.claim] = c.value
		caller := identity.FromClaims(claims, nil)
		got := map[string]string{"sub": caller.Subject, "client_id": caller.ClientID}[c.claim]
		if got != c.want {
			t.Errorf("%s %q: %q, want %q", c.claim, c.value, got, c.want)
		}
	}
	nobody := identity.FromClaims(map[string]string{"client_id": "a\nb", "sub": "backend", "scope": identity.OperatorScope}, nil)
	if nobody.Operator {
		t.Errorf("a client id that cannot be stored is an operator: %+v", nobody)
	}
}

func TestACallersDisplayName(t *testing.T) {
	for _, c := range []struct{ name, email, want string }{
		{" John Doe ", "john@corp.com", "John Doe"},
		{strings.Repeat("n", 100), "john@corp.com", strings.Repeat("n", 100)},
		{strings.Repeat("n", 101), "john@corp.com", "john"},
		{"John\r\nBcc: x", "john@corp.com", "john"},
		{"visit www.evil.example", "john@corp.com", "john"},
		{"", "john.doe@corp.com", "john.doe"},
		{"call +1 (888) 555-0199", "john@corp.com", "john"},
		{"Your account is locked", "john@corp.com", "john"},
		{"www.evil.example", "www.evil.example@corp.com", "Admin"},
		{"", "18885550199@corp.com", "Admin"},
		{"", "", "Admin"},
		{"", "no-address", "Admin"},
	} {
		claims := john()
		claims["name"], claims["email"] = c.name, c.email
		if got := identity.FromClaims(claims, nil).DisplayName(); got != c.want {
			t.Errorf("%q, %q: %q, want %q", c.name, c.email, got, c.want)
		}
	}
}

// A caller is a person with a valid, stable address, an operator, or nobody.
func FuzzFromClaims(f *testing.F) {
	f.Add("sub-john", "john@corp.com", "true", "John Doe", "dashboard", "openid")
	f.Add("backend", "", "", "", "backend", identity.OperatorScope)
	for _, email := range badEmails {
		f.Add("sub", email, "true", "", "", identity.OperatorScope)
	}
	f.Add("", "john@corp.com", "true", "", "", "")
	f.Add(strings.Repeat("s", 300), "a@b.co", "True", strings.Repeat("n", 300), "\x00", "")
	f.Fuzz(func(t *testing.T, sub, email, verified, name, clientID, scope string) {
		c := identity.FromClaims(map[string]string{"sub": sub, "email": email, "email_verified": verified, "name": name, "client_id": clientID, "scope": scope}, nil)
		if err := c.Person(); err == nil {
			canonical := user.CanonicalEmail(c.Email)
			if verified != "true" || sub == "" || c.Subject != sub || c.Email != email || c.Operator || !user.ValidEmail(canonical) || strings.Count(canonical, "@") != 1 {
				t.Errorf("a person: %+v", c)
			}
			if c.UserID("ws_1") != user.IDFor("ws_1", canonical) {
				t.Errorf("%q has the user id %q", canonical, c.UserID("ws_1"))
			}
		} else if c.UserID("ws_1") != "" || !c.Operator && c.Actor("ws_1") != "" {
			t.Errorf("nobody (%v) acts: %+v", err, c)
		}
		if c.Operator && email != "" {
			t.Errorf("an operator with the email claim %q", email)
		}
		for _, text := range []string{c.Subject, c.Email, c.ClientID, c.Actor("ws_1"), c.DisplayName(), user.MaskEmail(c.Email)} {
			if len(text) > 400 || !utf8.ValidString(text) || strings.ContainsFunc(text, unicode.IsControl) {
				t.Errorf("%q is too long, or not to be shown: %+v", text, c)
			}
		}
		if masked := user.MaskEmail(email); masked != "***" && (email[0] != masked[0] || strings.Index(masked, "***@") != 1) {
			t.Errorf("%q is masked as %q", email, masked)
		}
	})
}
