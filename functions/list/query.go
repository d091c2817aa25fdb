package main

import (
	"encoding/base64"
	"encoding/json"
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
	filter  store.Filter
	limit   int
	after   string // a position of the store; "" for the start
	purpose string // of the cursor: workspace and filter, so that it fits no other query
}

// position is what a cursor holds.
type position struct {
	After string
	Until time.Time
}

func readQuery(r *httpapi.Request, box datakey.Box, workspaceID string) (query, error) {
	var fields fault.Fields
	q := query{limit: defaultLimit}
	for name := range r.Query {
		if !slices.Contains([]string{"status", "role", "group", "q", "limit", "cursor"}, name) {
			fields.Add("?"+name, "unknown_parameter", "There is no such parameter.")
		}
	}
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
	if text := r.Query["limit"]; text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 || n > maxLimit {
			fields.Add("?limit", "out_of_range", "A page has 1 to 100 users.")
		}
		q.limit = n
	}
	if err := fields.Err(); err != nil {
		return query{}, err
	}
	shape, err := json.Marshal([]any{"users", workspaceID, q.filter})
	if err != nil {
		return query{}, err
	}
	q.purpose = string(shape)
	if text := r.Query["cursor"]; text != "" {
		q.after = q.open(box, text, r.Now)
		if q.after == "" {
			return query{}, errCursor
		}
	}
	return q, nil
}

// open gives the position in a cursor, "" for one that is not good here.
func (q query) open(box datakey.Box, cursor string, now time.Time) string {
	sealed, err := base64.RawURLEncoding.DecodeString(cursor)
	if err != nil {
		return ""
	}
	plain, err := box.Unseal(q.purpose, sealed)
	if err != nil {
		return ""
	}
	var p position
	if json.Unmarshal(plain, &p) != nil || now.After(p.Until) {
		return ""
	}
	return p.After
}

// cursor seals a position, so that nobody can read it, bend it, or use it for
// another query or workspace.
func (q query) cursor(box datakey.Box, after string, now time.Time) (string, error) {
	plain, err := json.Marshal(position{after, now.Add(cursorLasts)})
	if err != nil {
		return "", err
	}
	sealed, err := box.Seal(q.purpose, plain)
	return base64.RawURLEncoding.EncodeToString(sealed), err
}
