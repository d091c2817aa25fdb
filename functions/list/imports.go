package main

import (
	"context"
	"encoding/json"
	"strconv"
	"strings"
	"time"

	"github.com/latchkey/latchkey/shared/access"
	"github.com/latchkey/latchkey/shared/fault"
	"github.com/latchkey/latchkey/shared/httpapi"
	"github.com/latchkey/latchkey/shared/invitation"
	"github.com/latchkey/latchkey/shared/store"
	"github.com/latchkey/latchkey/shared/workspace"
)

// imports lists the imports of a workspace.
func (h handler) imports(ctx context.Context, r *httpapi.Request) (httpapi.Response, error) {
	g, err := access.Admin(ctx, h.store, r, store.Want{})
	if err == nil {
		err = unknown(r).Err()
	}
	if err != nil {
		return httpapi.Response{}, err
	}
	found, err := h.invitations.Imports(ctx, g, r.Now)
	if err != nil {
		return httpapi.Response{}, err
	}
	shown := make([]httpapi.Import, len(found))
	for n, i := range found {
		shown[n] = httpapi.ShowImport(i)
	}
	return httpapi.OK(map[string]any{"imports": shown}), nil
}

// reported is a row of a report.
type reported struct {
	httpapi.Result
	Typed *invitation.Typed `json:"typed,omitempty"`
}

type importReport struct {
	Import     httpapi.Import `json:"import"`
	Results    []reported     `json:"results"`
	NextCursor *string        `json:"nextCursor"`
}

// outcomes are the kinds of a report's rows, as the contract has them.
var outcomes = map[invitation.Kind]string{
	"": "waiting", invitation.Created: "created", invitation.Exists: "exists", invitation.Refused: httpapi.Failed,
}

// oneImport shows an import with a page of its report.
func (h handler) oneImport(ctx context.Context, r *httpapi.Request) (httpapi.Response, error) {
	want := store.Want{}
	if named := r.Params["import"]; workspace.ValidImportID(named) {
		want.Import = named
	}
	g, err := access.Admin(ctx, h.store, r, want)
	if err != nil {
		return httpapi.Response{}, err
	}
	i, err := invitation.FindImport(g.State, r.Now)
	if err != nil {
		return httpapi.Response{}, err
	}
	fields := unknown(r, "outcome", "limit", "cursor")
	rows := limit(&fields, r)
	kind, every := readOutcome(&fields, r)
	if err := fields.Err(); err != nil {
		return httpapi.Response{}, err
	}
	box, err := h.invitations.DataKeys.Open(ctx, g.Workspace)
	if err != nil {
		return httpapi.Response{}, err
	}
	shape, err := json.Marshal([]any{"import", i.WorkspaceID, i.ID, r.Query["outcome"]})
	if err != nil {
		return httpapi.Response{}, err
	}
	c := cursor{box, string(shape)}
	after, err := c.after(r)
	if err != nil {
		return httpapi.Response{}, err
	}
	report, next, err := h.invitations.ImportReport(ctx, g.State, func(k invitation.Kind) bool { return every || k == kind }, placeOfReport(after), rows)
	if err != nil {
		return httpapi.Response{}, err
	}
	out := importReport{Import: httpapi.ShowImport(i), Results: make([]reported, len(report))}
	for n, row := range report {
		out.Results[n] = showRow(row, r.Now)
	}
	if next.First > 0 {
		out.NextCursor, err = c.seal(strconv.Itoa(next.First)+" "+strconv.Itoa(next.Row), r.Now)
	}
	return httpapi.OK(out), err
}

// placeOfReport reads the place in a cursor, which is ours: nobody else can seal
// one.
func placeOfReport(text string) (p invitation.Place) {
	first, row, _ := strings.Cut(text, " ")
	p.First, _ = strconv.Atoi(first)
	p.Row, _ = strconv.Atoi(row)
	return p
}

func readOutcome(fields *fault.Fields, r *httpapi.Request) (kind invitation.Kind, every bool) {
	text := r.Query["outcome"]
	if text == "" {
		return "", true
	}
	for kind, name := range outcomes {
		if name == text {
			return kind, false
		}
	}
	fields.Add("?outcome", "unknown_outcome", "must be created, exists, failed or waiting")
	return "", false
}

func showRow(row invitation.ReportRow, now time.Time) reported {
	out := reported{
		Result: httpapi.Result{Row: row.Number, Outcome: outcomes[row.Kind], Errors: row.Errors[:min(len(row.Errors), httpapi.MaxRowErrors)]},
		Typed:  row.Shown(),
	}
	if row.User.ID != "" {
		shown := httpapi.ShowUser(row.User, now)
		out.User = &shown
	}
	return out
}
