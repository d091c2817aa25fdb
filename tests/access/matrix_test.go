package access

import (
	"cmp"
	_ "embed"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/latchkey/latchkey/infra/blueprint"
	"github.com/latchkey/latchkey/infra/local"
	"github.com/latchkey/latchkey/tests/caller"
)

//go:embed matrix.txt
var matrix string

// codes are the letters of the matrix for refusals, by status and code.
var codes = map[string]byte{
	"404 workspace_not_found": '0', "404 user_not_found": '0', "404 invitation_not_found": '0',
	"403 admin_required": 'a', "403 operator_required": 'o', "403 person_required": 'p',
	"403 email_unverified": 'u', "403 recipient_mismatch": 'm', "409 status_conflict": 's', "409 invitation_over": 's',
}

// row is what each caller is answered to an operation: a letter for each place.
type row map[string]string

// readMatrix reads the table, whose first line without a # has the callers.
func readMatrix(t *testing.T) (columns []string, rows map[string]row) {
	t.Helper()
	rows = map[string]row{}
	for line := range strings.Lines(matrix) {
		words := strings.Fields(line)
		switch {
		case len(words) == 0 || words[0] == "#":
		case columns == nil:
			columns = words[1:]
		case len(words) != len(columns)+1:
			t.Fatalf("the row %q has %d cells, not %d", line, len(words)-1, len(columns))
		case rows[words[0]] != nil:
			t.Fatalf("%s has two rows", words[0])
		default:
			r := row{}
			for i, c := range columns {
				r[c] = words[i+1]
			}
			rows[words[0]] = r
		}
	}
	return columns, rows
}

func routes() map[string]blueprint.Route {
	all := map[string]blueprint.Route{}
	for _, f := range blueprint.Functions() {
		for _, r := range f.Routes {
			all[r.Operation] = r
		}
	}
	return all
}

// A route without a row or a request fails here, and so does a row without a
// route.
func TestEveryRouteHasItsRow(t *testing.T) {
	_, rows := readMatrix(t)
	for operation := range routes() {
		if rows[operation] == nil {
			t.Errorf("matrix.txt has no row for %s: say who may", operation)
		}
		if operations[operation] == nil {
			t.Errorf("operations_test.go has no request for %s", operation)
		}
	}
	for operation := range rows {
		if _, ok := routes()[operation]; !ok {
			t.Errorf("matrix.txt has a row for %s, which is no route", operation)
		}
	}
}

// Outside the two columns of those who are at home elsewhere or everywhere, no
// row may tell a foreign workspace from one that does not exist.
func TestMatrixTellsNobodyThatAWorkspaceExists(t *testing.T) {
	_, rows := readMatrix(t)
	for operation, r := range routes() {
		if !strings.Contains(r.Path, "{workspace}") {
			continue
		}
		for column, cell := range rows[operation] {
			foreign := 1 // of cell: the place that is foreign to this caller
			if column == "forn" {
				foreign = 0
			}
			if len(cell) != 3 || column != "oper" && cell[foreign] != cell[2] {
				t.Errorf("%s %s: %q", operation, column, cell)
			}
		}
	}
}

// shot is one call of the matrix.
type shot struct {
	operation, column string
	place             int // which letter of the cell
	token             string
	request           request
	got               caller.Answer
}

// TestEveryCallerInEveryWorkspace makes the calls that are refused, and those
// that read, on a table that must not change; then those that write.
func TestEveryCallerInEveryWorkspace(t *testing.T) {
	t.Parallel() // with the search for secrets, on a stack of its own: most of both is waiting
	w := newWorld(t, local.Config{})
	columns, rows := readMatrix(t)
	tokens := w.callers(t)
	for _, c := range columns {
		if len(tokens[c]) == 0 {
			t.Fatalf("nobody calls as %s", c)
		}
	}
	var harmless, writing []*shot
	for _, operation := range slices.Sorted(maps.Keys(rows)) {
		route := routes()[operation]
		for i, p := range w.placesOf(route) {
			shared := operations[operation](p)
			for _, column := range columns {
				for _, token := range tokensFor(route, tokens[column]) {
					s := &shot{operation: operation, column: column, place: i, token: token, request: shared}
					if route.Method == "GET" || rows[operation][column][i] != '+' {
						harmless = append(harmless, s)
						continue
					}
					s.request = operations[operation](p)
					writing = append(writing, s)
				}
			}
		}
	}
	w.seatGuests(writing)
	before := w.quiet()
	w.fire(harmless)
	after := w.quiet()
	if !reflect.DeepEqual(before, after) {
		for key := range after {
			if !reflect.DeepEqual(before[key], after[key]) {
				t.Errorf("a call that was refused, or one that reads, has written %s", key)
			}
		}
	}
	w.fire(writing)
	compare(t, columns, rows, append(harmless, writing...))
	indistinguishable(t, harmless)
	silent(t, harmless)
	t.Logf("%d operations, %d callers with %d tokens, %d calls that may not write, %d that do",
		len(rows), len(columns), len(slices.Concat(slices.Collect(maps.Values(tokens))...)), len(harmless), len(writing))
}

// tokensFor are the tokens that a route is tried with: one of a column where
// the gateway looks at none, to stay below the throttle of public routes.
func tokensFor(r blueprint.Route, tokens []string) []string {
	if r.Auth == blueprint.Public {
		return tokens[:1]
	}
	return tokens
}

// placesOf are where an operation is tried: in one place, if it names none.
func (w *world) placesOf(r blueprint.Route) []place {
	if strings.Contains(r.Path, "{workspace}") || strings.Contains(r.Path, "{token}") {
		return []place{w.mine, w.foreign, w.absent}
	}
	return []place{w.mine}
}

// seatGuests puts the invited person in the place of a pending caller who will
// accept or decline: each invitation can be answered once. Who leaves a
// workspace makes no other call, so a member of the same role does it.
func (w *world) seatGuests(writing []*shot) {
	for _, s := range writing {
		if s.operation == "leaveWorkspace" {
			role := map[string]string{"buil": "builder", "endu": "end-user"}[s.column]
			leaver := w.placesOf(routes()[s.operation])[s.place].member(fields{"role": cmp.Or(role, "admin")})
			s.token = w.token(w.t, fields{"email": leaver.Email})
		}
		if s.column == "pend" && routes()[s.operation].Auth == blueprint.SignedIn && s.request.guest.Email != "" {
			s.token = w.token(w.t, fields{"email": s.request.guest.Email})
		}
	}
}

// fire makes calls, some at once.
func (w *world) fire(shots []*shot) {
	var next atomic.Int64
	var all sync.WaitGroup
	for range 6 {
		all.Go(func() {
			for i := int(next.Add(1)) - 1; i < len(shots); i = int(next.Add(1)) - 1 {
				s := shots[i]
				s.got = w.as(s.token).Send(routes()[s.operation].Method, s.request.path, s.request.body)
			}
		})
	}
	all.Wait()
}

// letter is what stands in the matrix for an answer; ? for one that it has no
// letter for.
func letter(a caller.Answer) byte {
	switch {
	case a.Status == http.StatusUnauthorized:
		return '.'
	case a.Status >= 200 && a.Status < 400:
		return '+'
	}
	if l, ok := codes[fmt.Sprintf("%d %s", a.Status, a.Code())]; ok {
		return l
	}
	return '?'
}

// compare holds the answers against the matrix, and shows a row as it would be
// where one differs.
func compare(t *testing.T, columns []string, rows map[string]row, shots []*shot) {
	t.Helper()
	seen := map[string]map[string][]byte{}
	for _, s := range shots {
		if seen[s.operation] == nil {
			seen[s.operation] = map[string][]byte{}
		}
		cell := seen[s.operation][s.column]
		if cell == nil {
			cell = []byte(rows[s.operation][s.column])
			seen[s.operation][s.column] = cell
		}
		want := rows[s.operation][s.column][s.place]
		if got := letter(s.got); got != want {
			cell[s.place] = got
			t.Errorf("%s as %s, place %d: %v; the matrix has %c", s.operation, s.column, s.place, s.got, want)
		}
	}
	if t.Failed() {
		for _, operation := range slices.Sorted(maps.Keys(seen)) {
			line := fmt.Sprintf("%-22s", operation)
			for _, c := range columns {
				line += fmt.Sprintf(" %-4s", seen[operation][c])
			}
			t.Log(line)
		}
	}
}

// indistinguishable compares everything of the answers to the same caller about
// a workspace that they are not in, and one that does not exist.
func indistinguishable(t *testing.T, shots []*shot) {
	t.Helper()
	type cell struct{ operation, token string }
	strangers := map[cell]map[string]string{}
	for _, s := range shots {
		foreign := 1
		if s.column == "forn" {
			foreign = 0
		}
		if s.column == "oper" || !strings.Contains(routes()[s.operation].Path, "{workspace}") || s.place != 2 && s.place != foreign {
			continue
		}
		c := cell{s.operation, s.token}
		if strangers[c] == nil {
			strangers[c] = map[string]string{}
		}
		strangers[c][whole(s.got)] = s.column
	}
	if len(strangers) == 0 {
		t.Error("nothing was compared")
	}
	for c, answers := range strangers {
		if len(answers) != 1 {
			t.Errorf("%s tells a foreign workspace from one that does not exist: %v", c.operation, answers)
		}
	}
}

// whole is an answer without what is the request's own: its id and the date.
func whole(a caller.Answer) string {
	header := a.Header.Clone()
	header.Del("Date")
	header.Del("Apigw-Requestid")
	body := string(a.Body)
	var problem struct{ RequestID string }
	if json.Unmarshal(a.Body, &problem) == nil && problem.RequestID != "" {
		body = strings.ReplaceAll(body, problem.RequestID, "ID")
	}
	return fmt.Sprint(a.Status, header, body)
}

// silent fails where a refusal names the workspace: its name or the people in it.
func silent(t *testing.T, shots []*shot) {
	t.Helper()
	for _, s := range shots {
		if body := string(s.got.Body); s.got.Status >= 400 && (strings.Contains(body, hiddenName) || strings.Contains(body, "Ada Admin")) {
			t.Errorf("%s as %s is refused and named: %v", s.operation, s.column, s.got)
		}
	}
}
