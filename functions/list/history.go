package main

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/latchkey/latchkey/shared/access"
	"github.com/latchkey/latchkey/shared/event"
	"github.com/latchkey/latchkey/shared/fault"
	"github.com/latchkey/latchkey/shared/httpapi"
	"github.com/latchkey/latchkey/shared/store"
	"github.com/latchkey/latchkey/shared/user"
)

// entry is a line of history as the contract shows it. Names are today's: the
// line itself holds ids alone, so an erased person has none.
type entry struct {
	ID             string    `json:"id"`
	Type           string    `json:"type"`
	At             time.Time `json:"at"`
	Actor          string    `json:"actor"`
	ActorName      *string   `json:"actorName"`
	UserID         *string   `json:"userId"`
	UserName       *string   `json:"userName"`
	Status         *string   `json:"status"`
	PreviousStatus *string   `json:"previousStatus"`
	Changed        []string  `json:"changed"`
	Delivery       *string   `json:"delivery"`
	DeliveryReason *string   `json:"deliveryReason"`
	Generation     *int      `json:"generation"`
}

type historyPage struct {
	Entries    []entry `json:"entries"`
	NextCursor *string `json:"nextCursor"`
}

// history is what happened in a workspace, newest first. What became of an
// invitation's mail is part of the invitation's line.
func (h handler) history(ctx context.Context, r *httpapi.Request) (httpapi.Response, error) {
	g, err := access.Admin(ctx, h.store, r, store.Want{})
	if err != nil {
		return httpapi.Response{}, err
	}
	return h.lines(ctx, r, g, "")
}

// userHistory is what happened to one user, newest first; to one who was
// erased, too.
func (h handler) userHistory(ctx context.Context, r *httpapi.Request) (httpapi.Response, error) {
	g, err := access.Admin(ctx, h.store, r, store.Want{})
	if err != nil {
		return httpapi.Response{}, err
	}
	userID := g.Target
	if userID == "" {
		return httpapi.Response{}, user.ErrNotFound
	}
	return h.lines(ctx, r, g, userID)
}

func (h handler) lines(ctx context.Context, r *httpapi.Request, g access.Grant, userID string) (httpapi.Response, error) {
	fields := unknown(r, "type", "limit", "cursor")
	part := store.HistoryPage{Limit: limit(&fields, r), Types: types(&fields, r, userID == "")}
	if err := fields.Err(); err != nil {
		return httpapi.Response{}, err
	}
	box, err := h.dataKeys.Open(ctx, g.Workspace)
	if err != nil {
		return httpapi.Response{}, err
	}
	shape, err := json.Marshal([]any{"history", g.Workspace.ID, userID, part.Types})
	if err != nil {
		return httpapi.Response{}, err
	}
	c := cursor{box, string(shape)}
	part.After, err = c.after(r)
	if err != nil {
		return httpapi.Response{}, err
	}
	lines, next, err := h.store.ListUserHistory(ctx, g.Workspace.ID, userID, g.Users[userID].Former, part, r.Now)
	if err != nil {
		return httpapi.Response{}, err
	}
	if userID != "" && len(lines) == 0 && part.After == "" && g.Users[userID].ID == "" {
		// An erased person has a history, though perhaps none of these types.
		some, _, err := h.store.ListHistory(ctx, g.Workspace.ID, userID, store.HistoryPage{Limit: 1}, r.Now)
		if err != nil {
			return httpapi.Response{}, err
		}
		if len(some) == 0 {
			return httpapi.Response{}, user.ErrNotFound
		}
	}
	people, err := h.people(ctx, g, lines)
	if err != nil {
		return httpapi.Response{}, err
	}
	page := historyPage{Entries: make([]entry, len(lines))}
	for i, line := range lines {
		if userID == "" {
			line = folded(line, people[line.UserID].Invitation)
		}
		page.Entries[i] = show(line, people)
	}
	page.NextCursor, err = c.seal(next, r.Now)
	return httpapi.OK(page), err
}

// types returns the types of lines that are asked for, none for all.
func types(fields *fault.Fields, r *httpapi.Request, ofWorkspace bool) (types []string) {
	if r.Query["type"] == "" {
		return nil
	}
	for t := range strings.SplitSeq(r.Query["type"], ",") {
		t = strings.TrimSpace(t)
		switch {
		case !slices.Contains(event.Types(), t):
			fields.Add("?type", "unknown_type", "A type is that of an event, such as user.invited.")
			return nil
		case ofWorkspace && user.ChangeType(t).OfMail():
			fields.Add("?type", "unknown_type", "A workspace's history has no entries about mail. An invitation's entry says what became of its mail, and the user's own history has every step.")
			return nil
		}
		types = append(types, t)
	}
	slices.Sort(types)
	return slices.Compact(types)
}

// people reads all who are in the lines, in one call.
func (h handler) people(ctx context.Context, g access.Grant, lines []store.Entry) (map[string]store.Person, error) {
	var ids []string
	for _, line := range lines {
		for _, id := range []string{line.Actor, line.UserID} {
			if strings.HasPrefix(id, user.IDPrefix) {
				ids = append(ids, id)
			}
		}
	}
	return h.store.People(ctx, g.Workspace.ID, ids)
}

// folded returns an invitation's line with what is known of its mail, as long as
// that is the user's newest mail. A later mail has taken its place in the record,
// and only the user's own history still tells of this one.
func folded(line store.Entry, now user.Invitation) store.Entry {
	switch user.ChangeType(line.Type) {
	case user.UserInvited, user.UserReinvited, user.EmailCorrected:
	case user.UserRestored:
		if !user.Status(line.Status).Pending() {
			return line // of access, which is no invitation
		}
	default:
		return line
	}
	if line.Generation > 0 && line.Generation == now.Generation && now.MailKind != user.MailAccess {
		line.Delivery, line.DeliveryReason = string(now.Delivery), now.DeliveryReason
	}
	return line
}

func show(line store.Entry, people map[string]store.Person) entry {
	e := entry{
		ID: line.ID, Type: line.Type, At: line.At, Actor: line.Actor, ActorName: optional(people[line.Actor].Name),
		UserID: optional(line.UserID), UserName: optional(people[line.UserID].Name),
		Status: optional(line.Status), PreviousStatus: optional(line.PreviousStatus), Changed: line.Changed,
		Delivery: optional(line.Delivery), DeliveryReason: optional(line.DeliveryReason),
	}
	if line.Generation > 0 {
		e.Generation = &line.Generation
	}
	if e.Changed == nil {
		e.Changed = []string{}
	}
	return e
}

func optional(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}
