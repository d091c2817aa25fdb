package main

import (
	"encoding/base64"
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/latchkey/latchkey/shared/datakey"
	"github.com/latchkey/latchkey/shared/fault"
	"github.com/latchkey/latchkey/shared/httpapi"
	"github.com/latchkey/latchkey/shared/store"
	"github.com/latchkey/latchkey/shared/user"
	"github.com/latchkey/latchkey/shared/workspace"
)

const (
	defaultLimit = 50
	maxLimit     = 100
	maxText      = 100 // characters of q
	cursorLasts  = 24 * time.Hour
)

// query is what listUsers was asked.
type query struct {
	filter store.Filter
	store.Page
	counts bool
	csv    bool
	cursor
}

// cursor seals where the next page of one listing begins.
type cursor struct {
	box     datakey.Box
	purpose string // the listing: workspace and filter, so that it fits no other
}

// position is what a cursor holds.
type position struct {
	After string
	Until time.Time
}

func readQuery(r *httpapi.Request, box datakey.Box, workspaceID string) (query, error) {
	fields := unknown(r, "status", "role", "group", "q", "sort", "counts", "format", "limit", "cursor")
	q := query{}
	if text := r.Query["status"]; text != "" {
		for _, s := range strings.Split(text, ",") {
			status := user.Status(strings.TrimSpace(s))
			if !slices.Contains(user.Statuses(), status) {
				fields.Add("?status", "unknown_status", "A status is requested, invited, active, archived, expired or declined.")
				break
			}
			q.filter.Statuses = append(q.filter.Statuses, status)
		}
		slices.Sort(q.filter.Statuses)
		q.filter.Statuses = slices.Compact(q.filter.Statuses)
	}
	if q.filter.Role = user.Role(r.Query["role"]); q.filter.Role != "" && !slices.Contains(user.Roles(), q.filter.Role) {
		fields.Add("?role", "unknown_role", "A role is admin, builder or end-user.")
	}
	if q.filter.Group = r.Query["group"]; q.filter.Group != "" && !workspace.ValidGroupID(q.filter.Group) {
		fields.Add("?group", "invalid_group", "This is no group's id.")
	}
	if q.filter.Text = r.Query["q"]; len([]rune(q.filter.Text)) > maxText {
		fields.Add("?q", "too_long", "A search may have 100 characters at most.")
	}
	switch r.Query["sort"] {
	case "", "newest":
	case "oldest":
		q.Oldest = true
	default:
		fields.Add("?sort", "unknown_sort", "Sort by newest or oldest first.")
	}
	switch r.Query["counts"] {
	case "", "false":
	case "true":
		q.counts = true
	default:
		fields.Add("?counts", "invalid_boolean", "This is true or false.")
	}
	switch r.Query["format"] {
	case "":
		q.csv = strings.HasPrefix(strings.TrimSpace(r.Header["accept"]), "text/csv")
	case "json":
	case "csv":
		q.csv = true
	default:
		fields.Add("?format", "unknown_format", "A format is json or csv.")
	}
	if q.csv && q.counts {
		fields.Add("?counts", "not_with_csv", "Counts have no place in CSV. Ask for them as JSON.")
	}
	q.Limit = limit(&fields, r)
	if err := fields.Err(); err != nil {
		return query{}, err
	}
	shape, err := json.Marshal([]any{"users", workspaceID, q.filter, q.Oldest})
	if err != nil {
		return query{}, err
	}
	q.cursor = cursor{box, string(shape)}
	q.After, err = q.after(r)
	return q, err
}

// unknown names every parameter that is not among the known ones.
func unknown(r *httpapi.Request, known ...string) fault.Fields {
	var fields fault.Fields
	for _, name := range slices.Sorted(maps.Keys(r.Query)) {
		if !slices.Contains(known, name) {
			fields.Add("?"+name, "unknown_parameter", "There is no such parameter.")
		}
	}
	return fields
}

func limit(fields *fault.Fields, r *httpapi.Request) int {
	text := r.Query["limit"]
	if text == "" {
		return defaultLimit
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || n > maxLimit {
		fields.Add("?limit", "out_of_range", "A page has 1 to 100 entries.")
	}
	return n
}

// after is the position in the request's cursor, "" for none.
func (c cursor) after(r *httpapi.Request) (string, error) {
	text := r.Query["cursor"]
	if text == "" {
		return "", nil
	}
	after := c.open(text, r.Now)
	if after == "" {
		return "", errCursor
	}
	return after, nil
}

// open gives the position in a cursor, "" for one that is not good here.
func (c cursor) open(cursor string, now time.Time) string {
	sealed, err := base64.RawURLEncoding.DecodeString(cursor)
	if err != nil {
		return ""
	}
	plain, err := c.box.Unseal(c.purpose, sealed)
	if err != nil {
		return ""
	}
	var p position
	if json.Unmarshal(plain, &p) != nil || now.After(p.Until) {
		return ""
	}
	return p.After
}

// seal seals a position, so that nobody can read it, bend it, or use it for
// another listing or workspace; nil at the end.
func (c cursor) seal(after string, now time.Time) (*string, error) {
	if after == "" {
		return nil, nil
	}
	plain, err := json.Marshal(position{after, now.Add(cursorLasts)})
	if err != nil {
		return nil, err
	}
	sealed, err := c.box.Seal(c.purpose, plain)
	text := base64.RawURLEncoding.EncodeToString(sealed)
	return &text, err
}
