// Package identity says who is calling, from claims that the gateway's
// authorizer has verified, and what they may do in a workspace.
//
// It imports no AWS package, only the domain.
package identity

import (
	"cmp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/latchkey/latchkey/shared/fault"
	"github.com/latchkey/latchkey/shared/user"
	"github.com/latchkey/latchkey/shared/workspace"
)

// OperatorScope makes a backend's token (OAuth client credentials, no email)
// act as an admin of every workspace.
const OperatorScope = "latchkey/operator"

// Limits of claims. A subject is at most 255 characters long.
// https://openid.net/specs/openid-connect-core-1_0.html#IDToken
const maxID = 255 // bytes of a subject or client id

// Caller is who signed in. The zero value is nobody: public routes have it.
// FromClaims fills it with values that are safe to store and to show, but for
// ClaimedName.
type Caller struct {
	Subject       string
	Email         string // a valid address, as the issuer sends it; "" for a backend
	EmailVerified bool
	ClaimedName   string // as the issuer sends it: anything; see DisplayName
	ClientID      string
	Operator      bool

	rejected *fault.Error // why the claims describe no person; nil otherwise
}

// Faults of callers.
var (
	ErrUnverified    = fault.New(fault.Forbidden, "email_unverified", "Your email address isn't verified. Verify it with your identity provider, then sign in again.")
	ErrInvalidEmail  = fault.New(fault.Forbidden, "email_invalid", "Your identity provider sent an email address we can't use. Sign in with an account whose email address has the format name@company.com.")
	ErrAdminRequired = fault.New(fault.Forbidden, "admin_required", "Only an admin of the workspace can do this.")
	ErrPersonNeeded  = fault.New(fault.Forbidden, "person_required", "Only a signed-in person can do this. The token belongs to a backend, or has no email or subject.")
	ErrOperatorsOnly = fault.New(fault.Forbidden, "operator_required", "Only operators can do this in this deployment.")
)

// FromClaims reads the caller from a JWT's claims, as API Gateway renders them
// (every value is text, an array too), and its scopes. The issuer vouches for
// who sent the claims, not for their form: an id that cannot be stored counts
// as missing, and an invalid email makes the caller nobody.
func FromClaims(claims map[string]string, scopes []string) Caller {
	c := Caller{
		Subject:     cleanID(claims["sub"]),
		ClaimedName: claims["name"],
		ClientID:    cleanID(claims["client_id"]),
	}
	if claims["client_id"] == "" {
		c.ClientID = c.Subject
	}
	email := claims["email"]
	switch {
	case email == "":
		if len(scopes) == 0 {
			scopes = scopesOf(claims)
		}
		c.Operator = c.ClientID != "" && !delegated(claims) && slices.Contains(scopes, OperatorScope)
	case !user.ValidEmail(email):
		c.rejected = ErrInvalidEmail
	default:
		c.Email = email
		c.EmailVerified = claims["email_verified"] == "true"
	}
	return c
}

// scopesOf returns the scopes of an access token: of the claim scope (RFC 9068),
// or of scp where there is none, as Okta names it. Either is a text of words or
// a list, which the gateway renders as "[a b]".
func scopesOf(claims map[string]string) []string {
	text := cmp.Or(claims["scope"], claims["scp"])
	if list, ok := strings.CutPrefix(text, "["); ok {
		if list, ok = strings.CutSuffix(list, "]"); ok {
			text = list
		}
	}
	return strings.Fields(text)
}

// delegated reports whether an access token without an email acts for a person,
// in the words of issuers that use scp: Okta names the person in uid, and Entra
// gives an application the same oid and sub. Such a token is not a backend's, even
// if the person consented to the scope.
// https://developer.okta.com/docs/api/openapi/okta-oauth/guides/overview/
// https://learn.microsoft.com/entra/identity-platform/access-token-claims-reference
func delegated(claims map[string]string) bool {
	return claims["uid"] != "" || claims["oid"] != "" && claims["oid"] != claims["sub"]
}

// cleanID returns a subject or client id that can be stored as it is, or "".
func cleanID(text string) string {
	if len(text) > maxID || !utf8.ValidString(text) || strings.ContainsFunc(text, unicode.IsControl) || strings.TrimSpace(text) != text {
		return ""
	}
	return text
}

// cleanName returns a name that can be shown to strangers, trimmed, or "": an
// issuer with self-registration lets people choose any.
func cleanName(text string) string {
	var fields fault.Fields
	user.CheckTitle(&fields, "/name", text, user.MaxName)
	if len(fields) > 0 {
		return ""
	}
	return strings.TrimSpace(text)
}

// Person returns nil for somebody with a verified email, otherwise the reason
// why the caller is not a person that Latchkey can know.
func (c Caller) Person() error {
	switch {
	case c.rejected != nil:
		return c.rejected
	case c.Email == "" || c.Subject == "":
		return ErrPersonNeeded
	case !c.EmailVerified:
		return ErrUnverified
	}
	return nil
}

// DisplayName returns the name that the issuer sends, otherwise the part of the
// email before the @, and Admin where neither may stand in a mail. Judging a name
// takes longer than the rest of the claims together, and few operations show it.
func (c Caller) DisplayName() string {
	local, _, _ := strings.Cut(c.Email, "@")
	return cmp.Or(cleanName(c.ClaimedName), cleanName(local), "Admin")
}

// UserID is the id that the caller has in a workspace if they are in it; an
// operator has none, and neither has somebody whose email nobody verified.
func (c Caller) UserID(workspaceID string) string {
	if c.Operator || c.Person() != nil {
		return ""
	}
	return user.IDFor(workspaceID, c.Email)
}

// Actor is the caller's name in the history of a workspace.
func (c Caller) Actor(workspaceID string) string {
	if c.Operator {
		return user.OperatorPrefix + c.ClientID
	}
	return c.UserID(workspaceID)
}

// Member is nil if the caller is an active member, whose record was read, or
// an operator. Anybody else learns nothing, not even that the workspace exists.
func (c Caller) Member(w workspace.Workspace, record user.User) error {
	switch {
	case w.ID == "":
		return workspace.ErrNotFound
	case c.Operator:
		return nil
	case record.WorkspaceID != w.ID || record.Status != user.Active || !record.Is(c.Subject) || c.Person() != nil:
		return workspace.ErrNotFound
	}
	return nil
}

// Admin is nil if the caller may manage users of the workspace.
func (c Caller) Admin(w workspace.Workspace, record user.User) error {
	err := c.Member(w, record)
	if err == nil && !c.Operator && !record.Manages() {
		return ErrAdminRequired
	}
	return err
}
