package main

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"github.com/latchkey/latchkey/shared/access"
	"github.com/latchkey/latchkey/shared/fault"
	"github.com/latchkey/latchkey/shared/httpapi"
	"github.com/latchkey/latchkey/shared/id"
	"github.com/latchkey/latchkey/shared/invitation"
	"github.com/latchkey/latchkey/shared/store"
	"github.com/latchkey/latchkey/shared/workspace"
)

// createImport creates an import without rows.
func (h handler) createImport(ctx context.Context, r *httpapi.Request) (httpapi.Response, error) {
	g, err := access.Admin(ctx, h.invitations.Store, r, store.Want{})
	if err != nil {
		return httpapi.Response{}, err
	}
	call, err := callOf(r, "createImport")
	if err != nil {
		return httpapi.Response{}, err
	}
	i, replayed, err := h.invitations.CreateImport(ctx, g, call, r.Now)
	if err != nil {
		return httpapi.Response{}, err
	}
	out := httpapi.Response{Status: http.StatusCreated, Body: httpapi.ShowImport(i), Header: map[string]string{
		"location": "/v1/workspaces/" + i.WorkspaceID + "/imports/" + i.ID,
	}}
	if replayed {
		out.Header["idempotent-replay"] = strconv.FormatBool(true)
	}
	return out, nil
}

// importGrant admits admins to the import of the path, which may not exist.
func (h handler) importGrant(ctx context.Context, r *httpapi.Request) (access.Grant, error) {
	want := store.Want{}
	if named := r.Params["import"]; workspace.ValidImportID(named) {
		want.Import = named
	}
	return access.Admin(ctx, h.invitations.Store, r, want)
}

// rowsAdded is the answer of addImportRows.
type rowsAdded struct {
	Import httpapi.Import `json:"import"`
	// Wrong are the rows that will fail as they are.
	Wrong []httpapi.Result `json:"wrong"`
}

// addImportRows adds up to 500 people to an import.
func (h handler) addImportRows(ctx context.Context, r *httpapi.Request) (httpapi.Response, error) {
	g, err := h.importGrant(ctx, r)
	if err == nil {
		_, err = invitation.FindImport(g.State, r.Now)
	}
	if err != nil {
		return httpapi.Response{}, err
	}
	first, err := readFirstRow(r)
	if err != nil {
		return httpapi.Response{}, err
	}
	rows, err := readRows(r)
	if err != nil {
		return httpapi.Response{}, err
	}
	out := rowsAdded{Wrong: []httpapi.Result{}}
	people := make([]invitation.Person, len(rows))
	for n, row := range rows {
		people[n] = row.person
		if err := row.person.Wrong.Err(); err != nil {
			out.Wrong = append(out.Wrong, httpapi.Result{Row: first + n}.Failure(err))
		}
	}
	body := id.Hash("", "rows", r.Header["content-type"], string(r.Body))
	i, err := h.invitations.AddImportRows(ctx, g, first, people, body, r.Now)
	out.Import = httpapi.ShowImport(i)
	return httpapi.OK(out), err
}

// readFirstRow reads the number of a chunk's first row.
func readFirstRow(r *httpapi.Request) (first int, err error) {
	var fields fault.Fields
	for name := range r.Query {
		if name != "firstRow" {
			fields.Add("?"+name, "unknown_parameter", "There is no such parameter.")
		}
	}
	first, err = strconv.Atoi(r.Query["firstRow"])
	if err != nil || first < 1 || first > workspace.MaxImportRows {
		fields.Add("?firstRow", "out_of_range", "must be the number of the first row that you send, from 1 to 50,000")
	}
	return first, fields.Err()
}

func (h handler) startImport(ctx context.Context, r *httpapi.Request) (httpapi.Response, error) {
	return h.changeImport(ctx, r, h.invitations.StartImport)
}

func (h handler) cancelImport(ctx context.Context, r *httpapi.Request) (httpapi.Response, error) {
	return h.changeImport(ctx, r, h.invitations.CancelImport)
}

func (h handler) changeImport(ctx context.Context, r *httpapi.Request,
	change func(context.Context, access.Grant, time.Time) (workspace.Import, error),
) (httpapi.Response, error) {
	g, err := h.importGrant(ctx, r)
	if err != nil {
		return httpapi.Response{}, err
	}
	i, err := change(ctx, g, r.Now)
	return httpapi.OK(httpapi.ShowImport(i)), err
}
