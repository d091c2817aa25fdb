// Package identity says who is calling, from claims that the gateway's
// authorizer has verified, and what they may do in a workspace.
//
// It imports no AWS package, only the domain.
package identity

import (
	"slices"
	"strings"

	"github.com/latchkey/latchkey/shared/fault"
	"github.com/latchkey/latchkey/shared/user"
	"github.com/latchkey/latchkey/shared/workspace"
)

// OperatorScope makes a backend's token (OAuth client credentials, no email)
// act as an admin of every workspace.
const OperatorScope = "latchkey/operator"

// Caller is who signed in. The zero value is nobody: public routes have it.
type Caller struct {
	Subject       string
	Email         string // as the issuer gives it; "" for a backend
	EmailVerified bool
	Name          string
	ClientID      string
	Operator      bool
}

// Faults of callers.
var (
	ErrUnverified    = fault.New(fault.Forbidden, "email_unverified", "Your email address is not verified. Verify it with your identity provider, then sign in again.")
	ErrAdminRequired = fault.New(fault.Forbidden, "admin_required", "Only an admin of the workspace may do this.")
	ErrPersonNeeded  = fault.New(fault.Forbidden, "person_required", "This is for people who are signed in, not for backends.")
	ErrOperatorsOnly = fault.New(fault.Forbidden, "operator_required", "Only operators may do this in this deployment.")
)

// FromClaims reads the caller from a JWT's claims, as API Gateway renders them
// (everything is text), and its scopes.
func FromClaims(claims map[string]string, scopes []string) Caller {
	c := Caller{
		Subject:       claims["sub"],
		Email:         claims["email"],
		EmailVerified: claims["email_verified"] == "true",
		Name:          claims["name"],
		ClientID:      claims["client_id"],
	}
	if len(scopes) == 0 {
		scopes = strings.Fields(claims["scope"])
	}
	if c.ClientID == "" {
		c.ClientID = c.Subject
	}
	c.Operator = c.Email == "" && c.ClientID != "" && slices.Contains(scopes, OperatorScope)
	return c
}

// Person is nil for somebody with a verified email, else why they are not.
func (c Caller) Person() error {
	switch {
	case c.Email == "" || c.Subject == "":
		return ErrPersonNeeded
	case !c.EmailVerified:
		return ErrUnverified
	}
	return nil
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
