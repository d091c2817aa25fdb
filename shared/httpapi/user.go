package httpapi

import (
	"encoding/json"
	"strconv"
	"time"

	"github.com/latchkey/latchkey/shared/user"
)

// User is a user as the contract shows it.
type User struct {
	ID          string          `json:"id"`
	WorkspaceID string          `json:"workspaceId"`
	Name        string          `json:"name"`
	Email       string          `json:"email"`
	Role        user.Role       `json:"role"`
	Groups      []string        `json:"groups"`
	Metadata    json.RawMessage `json:"metadata,omitempty"` // for admins and the user it belongs to
	Status      user.Status     `json:"status"`
	Invitation  *Invitation     `json:"invitation"` // null for who was never invited
	CreatedAt   time.Time       `json:"createdAt"`
	UpdatedAt   time.Time       `json:"updatedAt"`
	ActivatedAt *time.Time      `json:"activatedAt"`
	ArchivedAt  *time.Time      `json:"archivedAt"`
	Version     int             `json:"version"`
}

// Invitation is the invitation of a user as the contract shows it.
type Invitation struct {
	InvitedBy      string        `json:"invitedBy"`
	SentAt         time.Time     `json:"sentAt"`
	ExpiresAt      time.Time     `json:"expiresAt"`
	Sends          int           `json:"sends"`
	ScheduledFor   *time.Time    `json:"scheduledFor,omitempty"` // set while the mail waits for a limit
	Delivery       user.Delivery `json:"delivery"`
	DeliveryReason string        `json:"deliveryReason,omitempty"`
	AskedAt        *time.Time    `json:"askedAt,omitempty"`        // the person asked for a new link
	UnsubscribedAt *time.Time    `json:"unsubscribedAt,omitempty"` // the person wants no mail from this workspace
	URL            string        `json:"url,omitempty"`            // four admin operations alone
}

// ShowUser renders a user as they are at now, without metadata and link.
func ShowUser(u user.User, now time.Time) User {
	shown := User{
		ID: u.ID, WorkspaceID: u.WorkspaceID, Name: u.Name, Email: u.Email,
		Role: u.Role, Groups: u.Groups, Status: u.StatusAt(now),
		CreatedAt: u.CreatedAt, UpdatedAt: u.UpdatedAt,
		ActivatedAt: optionalTime(u.ActivatedAt), ArchivedAt: optionalTime(u.ArchivedAt), Version: u.Version,
	}
	if shown.Groups == nil {
		shown.Groups = []string{}
	}
	if i := u.Invitation; !i.ExpiresAt.IsZero() { // the founder was never invited
		shown.Invitation = &Invitation{
			InvitedBy: i.InvitedBy, SentAt: i.SentAt, ExpiresAt: i.ExpiresAt,
			Sends: i.Sends, ScheduledFor: optionalTime(i.ScheduledFor), Delivery: i.Delivery, DeliveryReason: i.DeliveryReason,
			AskedAt: optionalTime(i.AskedAt), UnsubscribedAt: optionalTime(u.Recipient.OptedOutAt),
		}
	}
	return shown
}

// With adds what only some callers are shown.
func (u User) With(metadata json.RawMessage, url string) User {
	u.Metadata = metadata
	if u.Invitation != nil {
		u.Invitation.URL = url
	}
	return u
}

// Response answers with one user, whose version is the ETag (RFC 9110, section
// 8.8.3).
func (u User) Response(status int) Response {
	return Response{Status: status, Header: map[string]string{"etag": `"` + strconv.Itoa(u.Version) + `"`}, Body: u}
}

func optionalTime(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}
