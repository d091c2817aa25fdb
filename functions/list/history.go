package main

import (
	"context"
	"encoding/json"
	"strings"
	"time"

	"github.com/latchkey/latchkey/shared/access"
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
}

type historyPage struct {
	Entries    []entry `json:"entries"`
	NextCursor *string `json:"nextCursor"`
}

// history is what happened in a workspace, newest first.
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
	fields := unknown(r, "limit", "cursor")
	n := limit(&fields, r)
	if err := fields.Err(); err != nil {
		return httpapi.Response{}, err
	}
	box, err := h.dataKeys.Open(ctx, g.Workspace)
	if err != nil {
		return httpapi.Response{}, err
	}
	shape, err := json.Marshal([]string{"history", g.Workspace.ID, userID})
	if err != nil {
		return httpapi.Response{}, err
	}
	c := cursor{box, string(shape)}
	after, err := c.after(r)
	if err != nil {
		return httpapi.Response{}, err
	}
	lines, next, err := h.store.ListUserHistory(ctx, g.Workspace.ID, userID, g.Users[userID].Former, n, after, r.Now)
	if err != nil {
		return httpapi.Response{}, err
	}
	if userID != "" && len(lines) == 0 && after == "" && g.Users[userID].ID == "" {
		return httpapi.Response{}, user.ErrNotFound
	}
	names, err := h.names(ctx, g, lines)
	if err != nil {
		return httpapi.Response{}, err
	}
	page := historyPage{Entries: make([]entry, len(lines))}
	for i, line := range lines {
		page.Entries[i] = show(line, names)
	}
	page.NextCursor, err = c.seal(next, r.Now)
	return httpapi.OK(page), err
}

// names reads the names of all who are in the lines, in one call.
func (h handler) names(ctx context.Context, g access.Grant, lines []store.Entry) (map[string]string, error) {
	var ids []string
	for _, line := range lines {
		for _, named := range []string{line.Actor, line.UserID} {
			if strings.HasPrefix(named, user.IDPrefix) {
				ids = append(ids, named)
			}
		}
	}
	return h.store.Names(ctx, g.Workspace.ID, ids)
}

func show(line store.Entry, names map[string]string) entry {
	e := entry{
		ID: line.ID, Type: line.Type, At: line.At, Actor: line.Actor, ActorName: optional(names[line.Actor]),
		UserID: optional(line.UserID), UserName: optional(names[line.UserID]),
		Status: optional(line.Status), PreviousStatus: optional(line.PreviousStatus), Changed: line.Changed,
		Delivery: optional(line.Delivery), DeliveryReason: optional(line.DeliveryReason),
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
