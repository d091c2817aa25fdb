package main

import (
	"context"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/latchkey/latchkey/shared/access"
	"github.com/latchkey/latchkey/shared/datakey"
	"github.com/latchkey/latchkey/shared/fault"
	"github.com/latchkey/latchkey/shared/httpapi"
	"github.com/latchkey/latchkey/shared/id"
	"github.com/latchkey/latchkey/shared/identity"
	"github.com/latchkey/latchkey/shared/invitation"
	"github.com/latchkey/latchkey/shared/store"
	"github.com/latchkey/latchkey/shared/user"
	"github.com/latchkey/latchkey/shared/workspace"
)

type handler struct {
	invitations   invitation.Service
	store         *store.Store
	dataKeys      *datakey.Keys
	random        io.Reader
	now           func() time.Time
	perDay        int // workspaces that one account may create in a day
	operatorsOnly bool
	logoHosts     []string
}

func (h handler) routes() httpapi.Routes {
	return httpapi.Routes{
		"POST /v1/workspaces":                              h.create,
		"GET /v1/workspaces/{workspace}":                   h.get,
		"PATCH /v1/workspaces/{workspace}":                 h.update,
		"DELETE /v1/workspaces/{workspace}":                h.delete,
		"POST /v1/workspaces/{workspace}/restore":          h.restore,
		"GET /v1/workspaces/{workspace}/groups":            h.listGroups,
		"PUT /v1/workspaces/{workspace}/groups/{group}":    h.putGroup,
		"DELETE /v1/workspaces/{workspace}/groups/{group}": h.deleteGroup,
	}
}

// show is a workspace as the contract has it: flat.
type show struct {
	ID                  string              `json:"id"`
	Slug                string              `json:"slug"`
	Name                string              `json:"name"`
	InvitationDays      int                 `json:"invitationDays"`
	ReminderDays        int                 `json:"reminderDays"`
	AllowedEmailDomains []string            `json:"allowedEmailDomains"`
	Locale              string              `json:"locale"`
	Timezone            string              `json:"timezone"`
	Directory           workspace.Directory `json:"directory"`
	PersonalMessages    bool                `json:"personalMessages"`
	SeatLimit           *int                `json:"seatLimit"` // null: no limit
	NotifyInviters      bool                `json:"notifyInviters"`
	ProductName         *string             `json:"productName"` // null: none, as for the following
	LogoURL             *string             `json:"logoUrl"`
	AccentColor         *string             `json:"accentColor"`
	ReplyTo             *string             `json:"replyTo"`
	SupportAddress      *string             `json:"supportAddress"`
	InvitationsPaused   bool                `json:"invitationsPaused"`
	MailAllowance       *int                `json:"mailAllowance"` // null: the deployment's limits
	CreatedAt           time.Time           `json:"createdAt"`
	UpdatedAt           time.Time           `json:"updatedAt"`
	Version             int                 `json:"version"`
}

func shown(w workspace.Workspace) show {
	domains := w.AllowedEmailDomains
	if domains == nil {
		domains = []string{}
	}
	var seats, allowance *int
	if w.SeatLimit > 0 {
		seats = &w.SeatLimit
	}
	if w.MailAllowance > 0 {
		allowance = &w.MailAllowance
	}
	return show{
		w.ID, w.Slug, w.Name, w.InvitationDays, w.ReminderDays, domains, w.Locale, w.Timezone,
		w.Directory, w.PersonalMessages, seats, w.NotifyInviters,
		optional(w.ProductName), optional(w.LogoURL), optional(w.AccentColor), optional(w.ReplyTo), optional(w.SupportAddress),
		w.Paused, allowance, w.CreatedAt, w.UpdatedAt, w.Version,
	}
}

func optional(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}

// create makes a workspace whose first admin is the caller. A slug that the
// caller chose and is taken is a conflict; one derived from the name gets a
// random end instead.
func (h handler) create(ctx context.Context, r *httpapi.Request) (httpapi.Response, error) {
	if err := h.mayCreate(r.Caller); err != nil {
		return httpapi.Response{}, err
	}
	in, err := r.Object()
	if err != nil {
		return httpapi.Response{}, err
	}
	name := in.String("name")
	slug := in.OptionalString("slug")
	var fields fault.Fields
	workspace.CheckName(&fields, name)
	if slug != nil {
		workspace.CheckSlug(&fields, *slug)
	}
	in.Merge(fields)
	if err := in.Err(); err != nil {
		return httpapi.Response{}, err
	}

	wsID, err := id.Random(workspace.IDPrefix, h.random)
	if err != nil {
		return httpapi.Response{}, err
	}
	stamp, err := access.Stamp(ctx, r.Caller.Actor(wsID), r.Now, h.random)
	if err != nil {
		return httpapi.Response{}, err
	}
	dataKey, err := h.dataKeys.New(ctx, wsID)
	if err != nil {
		return httpapi.Response{}, err
	}
	w := workspace.New(stamp, wsID, strings.TrimSpace(name), "", dataKey)
	founder := founderOf(stamp, w, r.Caller)
	if slug != nil {
		w.Slug = *slug
		err = h.store.InsertWorkspace(ctx, w, founder, h.perDay)
	} else {
		w.Slug = workspace.SlugFrom(w.Name, "")
		err = h.store.InsertWorkspace(ctx, w, founder, h.perDay)
		if fault.Code(err) == workspace.ErrSlugTaken.Code {
			w.Slug = workspace.SlugFrom(w.Name, wsID[len(wsID)-6:])
			err = h.store.InsertWorkspace(ctx, w, founder, h.perDay)
		}
	}
	if err != nil {
		return httpapi.Response{}, err
	}
	return httpapi.Response{
		Status: http.StatusCreated,
		Header: map[string]string{"location": "/v1/workspaces/" + w.ID},
		Body:   shown(w),
	}, nil
}

func (h handler) mayCreate(c identity.Caller) error {
	switch {
	case c.Operator:
		return nil
	case h.operatorsOnly:
		return identity.ErrOperatorsOnly
	}
	return c.Person()
}

// founderOf is the record of the first admin; an operator founds without one.
func founderOf(s user.Stamp, w workspace.Workspace, c identity.Caller) *user.User {
	if c.Operator {
		return nil
	}
	u := user.Founder(s, w.ID, c.DisplayName(), c.Email, c.Subject)
	return &u
}

func (h handler) get(ctx context.Context, r *httpapi.Request) (httpapi.Response, error) {
	g, err := access.Member(ctx, h.store, r, store.Want{})
	if err != nil {
		return httpapi.Response{}, err
	}
	return httpapi.OK(shown(g.Workspace)), nil
}

func (h handler) update(ctx context.Context, r *httpapi.Request) (httpapi.Response, error) {
	g, err := access.Admin(ctx, h.store, r, store.Want{})
	if err != nil {
		return httpapi.Response{}, err
	}
	in, err := r.Object()
	if err != nil {
		return httpapi.Response{}, err
	}
	patch := workspace.Patch{
		Name:                in.OptionalString("name"),
		InvitationDays:      in.OptionalInt("invitationDays"),
		ReminderDays:        in.OptionalInt("reminderDays"),
		AllowedEmailDomains: in.OptionalStrings("allowedEmailDomains"),
		Locale:              in.OptionalString("locale"),
		Timezone:            in.OptionalString("timezone"),
		Directory:           in.OptionalString("directory"),
		PersonalMessages:    in.OptionalBool("personalMessages"),
		SeatLimit:           readLimit(in, "seatLimit"),
		NotifyInviters:      in.OptionalBool("notifyInviters"),
		ProductName:         readOrNone(in, "productName"),
		LogoURL:             readOrNone(in, "logoUrl"),
		AccentColor:         readOrNone(in, "accentColor"),
		ReplyTo:             readOrNone(in, "replyTo"),
		SupportAddress:      readOrNone(in, "supportAddress"),
		Paused:              in.OptionalBool("invitationsPaused"),
		MailAllowance:       readLimit(in, "mailAllowance"),
	}
	if (patch.Paused != nil || patch.MailAllowance != nil) && !r.Caller.Operator {
		return httpapi.Response{}, errOperators
	}
	stamp, err := g.Stamp(ctx, r.Now, h.random)
	if err != nil {
		return httpapi.Response{}, err
	}
	_, fields := g.Workspace.Apply(stamp, patch)
	if patch.LogoURL != nil {
		workspace.CheckLogo(&fields, *patch.LogoURL, h.logoHosts)
	}
	in.Merge(fields)
	if err := in.Err(); err != nil {
		return httpapi.Response{}, err
	}
	w, err := h.invitations.ChangeWorkspace(ctx, g, patch, r.Now)
	if err != nil {
		return httpapi.Response{}, err
	}
	return httpapi.OK(shown(w)), nil
}

// gone is the answer to deleteWorkspace.
type gone struct {
	ID              string    `json:"id"`
	Slug            string    `json:"slug"`
	RestorableUntil time.Time `json:"restorableUntil"`
}

// delete deletes the workspace after the caller has confirmed its slug. Only
// operators can restore it.
func (h handler) delete(ctx context.Context, r *httpapi.Request) (httpapi.Response, error) {
	g, err := access.Admin(ctx, h.store, r, store.Want{})
	if err != nil {
		return httpapi.Response{}, err
	}
	in, err := r.Object()
	if err != nil {
		return httpapi.Response{}, err
	}
	var fields fault.Fields
	g.Workspace.CheckConfirmation(&fields, in.String("slug"))
	in.Merge(fields)
	if err := in.Err(); err != nil {
		return httpapi.Response{}, err
	}
	w, err := h.invitations.DeleteWorkspace(ctx, g, r.Now)
	return httpapi.OK(gone{w.ID, w.Slug, w.NextStage}), err
}

func (h handler) restore(ctx context.Context, r *httpapi.Request) (httpapi.Response, error) {
	g, err := access.Operator(ctx, h.store, r, store.Want{})
	if err != nil {
		return httpapi.Response{}, err
	}
	w, err := h.invitations.RestoreWorkspace(ctx, g, r.Now)
	return httpapi.OK(shown(w)), err
}

// errOperators keeps a workspace's own admins, who may be the abusers, from
// ending a pause or raising their own allowance.
var errOperators = fault.New(fault.Forbidden, "operator_required", "Only operators may set invitationsPaused or mailAllowance.")

// readOrNone reads a text of which there may be none: null, which the domain
// has as "".
func readOrNone(in *httpapi.Object, name string) *string {
	if in.Null(name) {
		_ = in.Raw(name)
		return new(string)
	}
	return in.OptionalString(name)
}

// readLimit reads a limit; null means none, which the domain has as 0.
func readLimit(in *httpapi.Object, name string) *int {
	limit := in.OptionalInt(name)
	if in.Null(name) {
		return new(int)
	}
	if limit != nil && *limit == 0 {
		*limit = -1 // a limit of nothing at all is out of range
	}
	return limit
}

type group struct {
	ID        string    `json:"id"`
	Name      string    `json:"name"`
	CreatedAt time.Time `json:"createdAt"`
}

func (h handler) listGroups(ctx context.Context, r *httpapi.Request) (httpapi.Response, error) {
	g, err := access.Member(ctx, h.store, r, store.Want{})
	if err != nil {
		return httpapi.Response{}, err
	}
	groups, err := h.store.ListGroups(ctx, g.Workspace.ID)
	if err != nil {
		return httpapi.Response{}, err
	}
	list := make([]group, len(groups))
	for i, g := range groups {
		list[i] = group{g.ID, g.Name, g.CreatedAt}
	}
	return httpapi.OK(map[string]any{"groups": list}), nil
}

// putGroup makes or renames a group. Its name is its id where none is given.
func (h handler) putGroup(ctx context.Context, r *httpapi.Request) (httpapi.Response, error) {
	g, err := access.Admin(ctx, h.store, r, store.Want{})
	if err != nil {
		return httpapi.Response{}, err
	}
	in, err := r.OptionalObject()
	if err != nil {
		return httpapi.Response{}, err
	}
	groupID := r.Params["group"]
	name := groupID
	if given := in.OptionalString("name"); given != nil {
		name = strings.TrimSpace(*given)
	}
	var fields fault.Fields
	if !workspace.ValidGroupID(groupID) {
		fields.Add("/group", "invalid_group", "A group's id has 1 to 50 characters: a-z, 0-9, - and _, beginning with a letter or digit.")
	}
	user.CheckText(&fields, "/name", name, user.MaxName)
	in.Merge(fields)
	if err := in.Err(); err != nil {
		return httpapi.Response{}, err
	}
	now, created, err := h.store.PutGroup(ctx, g.Workspace.ID, workspace.Group{ID: groupID, Name: name, CreatedAt: r.Now})
	if err != nil {
		return httpapi.Response{}, err
	}
	out := httpapi.OK(group{now.ID, now.Name, now.CreatedAt})
	if created {
		out.Status = http.StatusCreated
	}
	return out, nil
}

// deleteMargin is kept of a request's time to answer that there is more to do.
const deleteMargin = 2 * time.Second

// deleteGroup takes everybody out of a group and deletes it. In a large
// workspace that takes longer than a request may: then the schedule goes on.
// It comes by in any case, for those who were put into the group by requests
// that were under way, and until then the id stays taken.
func (h handler) deleteGroup(ctx context.Context, r *httpapi.Request) (httpapi.Response, error) {
	g, err := access.Admin(ctx, h.store, r, store.Want{})
	if err != nil {
		return httpapi.Response{}, err
	}
	groupID := r.Params["group"]
	if !workspace.ValidGroupID(groupID) {
		return httpapi.Response{}, workspace.ErrGroupNotFound
	}
	err = h.store.DeleteGroup(ctx, g.Workspace.ID, groupID, r.Now)
	if err != nil {
		return httpapi.Response{}, err
	}
	until := r.Now.Add(time.Minute)
	if deadline, ok := ctx.Deadline(); ok {
		until = deadline.Add(-deleteMargin)
	}
	done, err := h.store.EmptyGroup(ctx, g.Workspace.ID, groupID, until, h.now, func() (user.Stamp, error) { return g.Stamp(ctx, r.Now, h.random) })
	switch {
	case err != nil:
		return httpapi.Response{}, err
	case !done:
		return httpapi.Response{Status: http.StatusAccepted, Body: map[string]string{"state": "deleting"}}, nil
	}
	return httpapi.Response{Status: http.StatusNoContent}, nil
}
