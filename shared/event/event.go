// Package event is the domain events as they cross the bus: versioned, with a
// stable id by which a consumer can drop a repeat. They hold no secret, no
// metadata, no link and no email address. A JSON Schema for each type is in
// events/schema.
//
// It imports no AWS package, only the domain.
package event

import (
	"time"

	"github.com/latchkey/latchkey/shared/user"
	"github.com/latchkey/latchkey/shared/workspace"
)

// Version is the version of the shape below; it rises when a member changes
// its meaning or goes, and not when one is added.
const Version = 1

// Source is the source of every event on the bus.
const Source = "latchkey"

// Event is one thing that happened, as consumers see it.
type Event struct {
	ID          string    `json:"id"` // sorts by time
	Type        string    `json:"type"`
	Version     int       `json:"version"`
	WorkspaceID string    `json:"workspaceId"`
	UserID      string    `json:"userId,omitempty"`
	Actor       string    `json:"actor"` // a user id, svc_<client id>, or schedule
	Time        time.Time `json:"time"`
	// Status is the user's status after the event, PreviousStatus the one
	// before; a new user has no previous one.
	Status         string   `json:"status,omitempty"`
	PreviousStatus string   `json:"previousStatus,omitempty"`
	Changed        []string `json:"changed,omitempty"` // names of fields
	// Generation numbers the user's link; SendEmail says that a mail is due.
	Generation int  `json:"generation,omitempty"`
	SendEmail  bool `json:"sendEmail"`
	// Delivery and DeliveryReason are set by invitation.delivery_changed.
	Delivery       string `json:"delivery,omitempty"`
	DeliveryReason string `json:"deliveryReason,omitempty"`
	// CorrelationID identifies the API request behind the event; every log line
	// about it has the same id. Absent if there was no request.
	CorrelationID string `json:"correlationId,omitempty"`
	// PreviousUserID is the id that the user had before user.email_corrected.
	PreviousUserID string `json:"previousUserId,omitempty"`
}

// Types returns the types of all events.
func Types() []string {
	return []string{
		string(user.UserInvited), string(user.UserReinvited), string(user.UserReminded), string(user.UserAccepted), string(user.UserDeclined),
		string(user.UserExpired), string(user.UserUpdated), string(user.UserArchived), string(user.UserRestored), string(user.UserErased),
		string(user.EmailCorrected), string(user.AskedAgain), string(user.MailDue), string(user.DeliveryChanged),
		string(workspace.Created), string(workspace.Updated), string(workspace.Deleted), string(workspace.Restored), string(workspace.Erased),
	}
}

// OfUser is the event of a user's last change.
func OfUser(u user.User) Event {
	e := Event{
		ID: u.Last.ID, Type: string(u.Last.Type), Version: Version,
		WorkspaceID: u.WorkspaceID, UserID: u.ID, Actor: u.Last.Actor, Time: u.Last.At,
		Status: string(u.Status), PreviousStatus: string(u.Last.From), Changed: u.Last.Changed,
		Generation: u.Invitation.Generation, CorrelationID: u.Last.CorrelationID, PreviousUserID: u.PreviousID(),
	}
	switch u.Last.Type {
	case user.UserInvited, user.UserReinvited, user.UserRestored, user.EmailCorrected:
		e.SendEmail = u.Invitation.SendEmail && u.Invitation.Delivery == user.DeliveryQueued
	case user.UserReminded, user.MailDue:
		e.SendEmail = true
	case user.AskedAgain:
		e.Status = string(u.StatusAt(u.Last.At)) // the schedule may not have persisted an expiry
		e.SendEmail = true
	case user.UserAccepted:
		e.SendEmail = u.Invitation.NotifyInviter
	case user.DeliveryChanged:
		e.Delivery = string(u.Invitation.Delivery)
		e.DeliveryReason = u.Invitation.DeliveryReason
	}
	return e
}

// OfErased is the event of an erasure: for consumers to erase what they hold.
func OfErased(e user.Erased) Event {
	return Event{
		ID: e.Last.ID, Type: string(e.Last.Type), Version: Version,
		WorkspaceID: e.WorkspaceID, UserID: e.ID, Actor: e.Last.Actor, Time: e.Last.At, PreviousStatus: string(e.Last.From),
		CorrelationID: e.Last.CorrelationID,
	}
}

// OfWorkspace is the event of a workspace's last change.
func OfWorkspace(w workspace.Workspace) Event {
	return Event{
		ID: w.Last.ID, Type: string(w.Last.Type), Version: Version,
		WorkspaceID: w.ID, Actor: w.Last.Actor, Time: w.Last.At, Changed: w.Last.Changed, CorrelationID: w.Last.CorrelationID,
	}
}
