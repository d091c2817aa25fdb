package main

import (
	"context"
	"fmt"
	"mime"

	"github.com/latchkey/latchkey/shared/access"
	"github.com/latchkey/latchkey/shared/fault"
	"github.com/latchkey/latchkey/shared/httpapi"
	"github.com/latchkey/latchkey/shared/invitation"
	"github.com/latchkey/latchkey/shared/sheet"
	"github.com/latchkey/latchkey/shared/store"
	"github.com/latchkey/latchkey/shared/user"
)

// maxRows is how many people one call invites.
const maxRows = 500

// row is one person of a batch, and where they stand in it.
type row struct {
	line   int // of a CSV file, from 1; 0 for JSON
	person invitation.Person
}

// invited is the answer of inviteUsers.
type invited struct {
	Results []httpapi.Result `json:"results"`
	DryRun  bool             `json:"dryRun"`
	// Scheduled is how many of those created wait for the limits of mail.
	Scheduled int `json:"scheduled"`
}

// inviteMany invites up to 500 people, each as inviteUser would. One bad row
// spoils no other: every row has an outcome of its own.
func (h handler) inviteMany(ctx context.Context, r *httpapi.Request) (httpapi.Response, error) {
	g, err := access.Admin(ctx, h.invitations.Store, r, store.Want{})
	if err != nil {
		return httpapi.Response{}, err
	}
	dryRun, err := readDryRun(r)
	if err != nil {
		return httpapi.Response{}, err
	}
	rows, err := readRows(r)
	if err != nil {
		return httpapi.Response{}, err
	}
	call, err := callOf(r, "inviteUsers")
	if err != nil {
		return httpapi.Response{}, err
	}
	people := make([]invitation.Person, len(rows))
	for i, row := range rows {
		people[i] = row.person
	}
	outcomes, err := h.invitations.InviteAll(ctx, g, people, call, dryRun, r.Now)
	if err != nil {
		return httpapi.Response{}, err
	}
	out := invited{Results: make([]httpapi.Result, len(rows)), DryRun: dryRun}
	for i, o := range outcomes {
		if o.Kind == invitation.Created && o.User.Invitation.Delivery == user.DeliveryScheduled {
			out.Scheduled++
		}
		if dryRun && o.Kind == invitation.Created {
			o.User = user.User{} // nobody whom anybody could read
		}
		at := httpapi.Result{Row: i + 1, Line: rows[i].line}
		out.Results[i] = at.Of(word(o.Kind), o.User, o.Reason, r.Now)
	}
	return httpapi.OK(out), nil
}

// word is an outcome as the contract has it.
func word(kind invitation.Kind) string {
	if kind == invitation.Replayed {
		kind = invitation.Created
	}
	return string(kind)
}

func readDryRun(r *httpapi.Request) (bool, error) {
	var fields fault.Fields
	dryRun := false
	for name, value := range r.Query {
		switch {
		case name != "dryRun":
			fields.Add("?"+name, "unknown_parameter", "There is no such parameter.")
		case value != "true" && value != "false":
			fields.Add("?dryRun", "invalid_boolean", "must be true or false")
		default:
			dryRun = value == "true"
		}
	}
	return dryRun, fields.Err()
}

var errMediaType = fault.New(fault.Unsupported, "unsupported_media_type", "Send application/json or text/csv, and say which in Content-Type.")

// readRows reads the people of a batch and checks each by itself.
func readRows(r *httpapi.Request) ([]row, error) {
	var rows []row
	mediaType, _, err := mime.ParseMediaType(r.Header["content-type"])
	switch {
	case err == nil && mediaType == "text/csv":
		lines, err := sheet.Read(r.Body)
		if err != nil {
			return nil, err
		}
		for _, line := range lines {
			rows = append(rows, row{line.Line, readRow(httpapi.NewObject(line.Members, line.Wrong))})
		}
	case r.Header["content-type"] == "" || err == nil && mediaType == "application/json":
		in, err := r.Object()
		if err != nil {
			return nil, err
		}
		for _, object := range in.Objects("users") {
			rows = append(rows, row{person: readRow(object)})
		}
		if err := in.Err(); err != nil {
			return nil, err
		}
	default:
		return nil, errMediaType
	}
	var fields fault.Fields
	switch {
	case len(rows) == 0:
		fields.Add("/users", "required", "At least one person is needed.")
	case len(rows) > maxRows:
		fields.Add("/users", "too_many", fmt.Sprintf("One call invites %d people at most.", maxRows))
	}
	return rows, fields.Err()
}

// readRow reads one row; of one that is no object, or has the wrong length,
// nothing else is said.
func readRow(in *httpapi.Object) invitation.Person {
	if in.Bad("") {
		return invitation.Person{Wrong: in.Errors}
	}
	return readPerson(in)
}

// resendMany sends up to 100 invitations again, each as resendInvitation would.
func (h handler) resendMany(ctx context.Context, r *httpapi.Request) (httpapi.Response, error) {
	g, err := access.Admin(ctx, h.invitations.Store, r, store.Want{})
	if err != nil {
		return httpapi.Response{}, err
	}
	in, err := r.Object()
	if err != nil {
		return httpapi.Response{}, err
	}
	ids, how := in.IDs("users"), readAgain(in)
	if err := in.Err(); err != nil {
		return httpapi.Response{}, err
	}
	outcomes, err := h.invitations.ResendAll(ctx, g, ids, how, r.Now)
	if err != nil {
		return httpapi.Response{}, err
	}
	results := make([]httpapi.Result, len(ids))
	for i, o := range outcomes {
		results[i] = httpapi.Result{ID: ids[i]}.Of(word(o.Kind), o.User, o.Reason, r.Now)
	}
	return httpapi.OK(map[string]any{"results": results}), nil
}
