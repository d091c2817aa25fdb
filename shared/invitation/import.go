package invitation

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/latchkey/latchkey/shared/access"
	"github.com/latchkey/latchkey/shared/datakey"
	"github.com/latchkey/latchkey/shared/fault"
	"github.com/latchkey/latchkey/shared/id"
	"github.com/latchkey/latchkey/shared/store"
	"github.com/latchkey/latchkey/shared/user"
	"github.com/latchkey/latchkey/shared/workspace"
)

// maxSealedRows is how large a chunk may be in the table, whose items have 400 KB
// at most.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html
const maxSealedRows = 390_000

var errRowsTooLarge = fault.New(fault.TooLarge, "body_too_large", "These rows are too large to be stored together. Send fewer at a time.")

// Typed is what a report shows of a row that waits or was refused.
type Typed struct {
	Name   string    `json:"name"`
	Email  string    `json:"email"`
	Role   user.Role `json:"role"`
	Groups []string  `json:"groups"`
}

// ImportRow is one row of an import. Once it has an outcome, it holds no more of
// the person than the report shows: nothing of somebody who has a record.
type ImportRow struct {
	Person *Person      `json:"person,omitempty"`  // nil once there is an outcome, or the person was erased
	UserID string       `json:"userId,omitempty"`  // "" without a valid address
	Kind   Kind         `json:"outcome,omitempty"` // "" while it waits; Created, Exists or Refused
	Errors fault.Fields `json:"errors,omitempty"`
	Typed  *Typed       `json:"typed,omitempty"` // of a row that was refused, unless the person was erased
}

// Shown returns what a report shows of the row; nil for nothing.
func (r ImportRow) Shown() *Typed {
	if p := r.Person; p != nil {
		return &Typed{p.Name, p.Email, p.Role, append([]string{}, p.Groups...)}
	}
	return r.Typed
}

// errErased is why a row is refused whose person was erased before their turn.
var errErased = fault.Fields{{Pointer: "", Code: "user_erased", Detail: "This person was erased before the import reached them."}}

// CreateImport creates an import without rows. A repeat of the call within 24
// hours returns the same import, as it is then.
func (s Service) CreateImport(ctx context.Context, g access.Grant, call Call, now time.Time) (i workspace.Import, replayed bool, err error) {
	name, err := id.Ordered(workspace.ImportPrefix, now, s.Random)
	if err != nil {
		return i, false, err
	}
	if call.Key != "" {
		stands, err := s.noteCall(ctx, g.Workspace.ID, call, name, now)
		if err != nil {
			return i, false, err
		}
		replayed, name = stands.Call != name, stands.Call
	}
	if err := s.Store.Fill(ctx, g.State, store.Want{Import: name}); err != nil {
		return i, false, err
	}
	if g.Import.ID == "" {
		kept, err := s.Imports(ctx, g, now)
		if err == nil && len(kept) >= workspace.MaxImports {
			err = workspace.ErrTooManyImports
		}
		if err != nil {
			return i, false, err
		}
	}
	i, err = store.Decide(ctx, s.Store, g.State, func(st *store.State) (store.Decision, workspace.Import, error) {
		if st.Import.ID != "" {
			return store.Decision{}, st.Import, nil
		}
		made := workspace.NewImport(name, g.Workspace.ID, g.Actor, now)
		return store.Decision{Import: &store.ImportChange{After: made}}, made, nil
	})
	return i, replayed, err
}

// Imports returns the imports of the grant's workspace that are kept, newest first.
func (s Service) Imports(ctx context.Context, g access.Grant, now time.Time) ([]workspace.Import, error) {
	imports, err := s.Store.ListImports(ctx, g.Workspace.ID)
	return slices.DeleteFunc(imports, func(i workspace.Import) bool { return !i.Exists(now) }), err
}

// FindImport returns the import of a state, or workspace.ErrImportNotFound.
func FindImport(st *store.State, now time.Time) (workspace.Import, error) {
	if !st.Import.Exists(now) {
		return workspace.Import{}, workspace.ErrImportNotFound
	}
	return st.Import, nil
}

// AddImportRows adds people to the import of the grant, beginning with row first.
// body is the hash of the request: a repeat adds nothing.
func (s Service) AddImportRows(ctx context.Context, g access.Grant, first int, people []Person, body string, now time.Time) (workspace.Import, error) {
	i, err := FindImport(g.State, now)
	if err != nil {
		return i, err
	}
	box, err := s.DataKeys.Open(ctx, g.Workspace)
	if err != nil {
		return i, err
	}
	rows := make([]ImportRow, len(people))
	for n, p := range people {
		rows[n].Person = &p
		if !p.Wrong.Names("email") && !p.Wrong.Names("") {
			rows[n].UserID = user.IDFor(i.WorkspaceID, p.Email)
		}
	}
	sealed, err := sealRows(box, i.ID, first, rows)
	if err != nil {
		return i, err
	}
	chunk := store.ImportRows{First: first, N: len(rows), Body: body, Sealed: sealed, Revision: 1}
	return store.Decide(ctx, s.Store, g.State, func(st *store.State) (store.Decision, workspace.Import, error) {
		i, err := FindImport(st, now)
		if err != nil {
			return store.Decision{}, i, err
		}
		if first <= i.Rows {
			if st.ImportRows.First == first && st.ImportRows.Body == body {
				return store.Decision{}, i, nil
			}
			// A refusal is final only after the chunk was read.
			_, err := i.AddRows(first, len(rows), now)
			return store.Decision{Needs: store.Want{Import: i.ID, ImportRows: first}}, i, err
		}
		next, err := i.AddRows(first, len(rows), now)
		return store.Decision{Import: &store.ImportChange{Before: i, After: next, Rows: &chunk}}, next, err
	})
}

// StartImport sets the import of the grant going in the caller's name.
func (s Service) StartImport(ctx context.Context, g access.Grant, now time.Time) (workspace.Import, error) {
	return s.changeImport(ctx, g.State, now, func(i workspace.Import) (workspace.Import, error) { return i.Start(g.Actor, now) })
}

// CancelImport ends the import of the grant before its next chunk. People who
// have been invited stay invited.
func (s Service) CancelImport(ctx context.Context, g access.Grant, now time.Time) (workspace.Import, error) {
	return s.changeImport(ctx, g.State, now, func(i workspace.Import) (workspace.Import, error) { return i.Cancel(now) })
}

// ReviveImport sets an import going again that has stalled.
func (s Service) ReviveImport(ctx context.Context, workspaceID, importID string, now time.Time) (revived bool, err error) {
	st, err := s.Store.Load(ctx, store.Want{Workspace: workspaceID, Import: importID})
	if err != nil {
		return false, err
	}
	if !st.Workspace.Exists() {
		return false, workspace.ErrNotFound
	}
	before := st.Import
	after, err := s.changeImport(ctx, st, now, func(i workspace.Import) (workspace.Import, error) { return i.Revive(now), nil })
	if errors.Is(err, workspace.ErrImportNotFound) {
		return false, nil
	}
	return after.Version > before.Version, err
}

func (s Service) changeImport(ctx context.Context, st *store.State, now time.Time, change func(workspace.Import) (workspace.Import, error)) (workspace.Import, error) {
	return store.Decide(ctx, s.Store, st, func(st *store.State) (store.Decision, workspace.Import, error) {
		i, err := FindImport(st, now)
		if err != nil {
			return store.Decision{}, i, err
		}
		next, err := change(i)
		if err != nil || next.Version == i.Version {
			return store.Decision{}, next, err
		}
		return store.Decision{Import: &store.ImportChange{Before: i, After: next}}, next, nil
	})
}

// StepImport invites the people of an import's next chunk and writes what became
// of them, which calls for the step after it. A turn that is not the import's
// newest was taken before. An error leaves the turn to be taken again: people who
// were invited are recognized by the chunk that their records name.
func (s Service) StepImport(ctx context.Context, turn store.ImportTurn, now time.Time) (workspace.Import, error) {
	st, err := s.Store.Load(ctx, store.Want{Workspace: turn.WorkspaceID, Import: turn.ImportID})
	if err != nil {
		return workspace.Import{}, err
	}
	i := st.Import
	if !st.Workspace.Exists() || !i.Exists(now) || !i.IsBusy() || i.Version != turn.Version {
		return i, nil
	}
	err = s.Store.Fill(ctx, st, store.Want{Import: i.ID, ImportRows: i.Next})
	if err != nil {
		return i, err
	}
	box, err := s.DataKeys.Open(ctx, st.Workspace)
	if err != nil {
		return i, err
	}
	step := stepping{box: box, turn: turn, first: i.Next, now: now}
	rows, err := step.rows(st)
	if err != nil {
		return i, err
	}
	if i.Status == workspace.ImportRunning {
		step.outcomes, err = s.inviteRows(ctx, st, i, rows, now)
		refused, failed := refusal(err)
		switch {
		case err == nil:
		case failed != nil:
			return i, failed
		default:
			step.broken = fault.Code(refused.Reason)
		}
	}
	if step.outcomes == nil { // the chunk may have been begun before
		if step.outcomes, err = s.settleRows(ctx, i, rows); err != nil {
			return i, err
		}
	}
	return store.Decide(ctx, s.Store, st, step.decide)
}

// chunkName is the name under which people of a chunk are invited, so that a
// repeated step knows its own, and another chunk's repeat of an address is seen.
func chunkName(importID string, first int) string { return fmt.Sprintf("%s#%d", importID, first) }

// inviteRows invites those who wait among the rows of a chunk.
func (s Service) inviteRows(ctx context.Context, st *store.State, i workspace.Import, rows []ImportRow, now time.Time) (map[int]Outcome, error) {
	g, err := access.Deputy(ctx, s.Store, st, i.StartedBy)
	if err != nil {
		return nil, err
	}
	b := &batch{Service: s, grant: g, id: chunkName(i.ID, i.Next), before: i.Next - 1, waiting: i.Counts.Scheduled, now: now}
	b.keys.box, err = s.DataKeys.Open(ctx, st.Workspace)
	if err != nil {
		return nil, err
	}
	var people []Person
	var at []int
	for n, row := range rows {
		if row.Kind == "" && row.Person != nil {
			people, at = append(people, *row.Person), append(at, n)
		}
	}
	outcomes := map[int]Outcome{}
	if len(people) == 0 {
		return outcomes, nil
	}
	made, err := b.inviteAll(ctx, people)
	for n, o := range made {
		outcomes[at[n]] = o
	}
	return outcomes, err
}

// settleRows returns the outcomes of those in a chunk who were invited by a step
// that did not come to its end.
func (s Service) settleRows(ctx context.Context, i workspace.Import, rows []ImportRow) (map[int]Outcome, error) {
	want := store.Want{Workspace: i.WorkspaceID}
	for _, row := range rows {
		if row.Kind == "" {
			want.Users = append(want.Users, row.UserID)
		}
	}
	st, err := s.Store.Load(ctx, want)
	if err != nil {
		return nil, err
	}
	name := chunkName(i.ID, i.Next)
	outcomes := map[int]Outcome{}
	for n, row := range rows {
		u := st.Users[row.UserID]
		if row.Kind == "" && row.UserID != "" && (u.Request == name || st.Erased[row.UserID].Request == name) {
			outcomes[n] = Outcome{Kind: Created, User: u}
		}
	}
	return outcomes, nil
}

// stepping is the decision that writes a step.
type stepping struct {
	box      datakey.Box
	turn     store.ImportTurn
	first    int
	outcomes map[int]Outcome // by place in the chunk
	broken   string          // the code of the fault that stops the import
	now      time.Time
}

// rows returns the rows of the chunk as the state has them; none for a chunk that
// is gone.
func (p stepping) rows(st *store.State) ([]ImportRow, error) {
	if st.ImportRows.First != p.first {
		return nil, nil
	}
	return openRows(p.box, p.turn.ImportID, st.ImportRows)
}

// decide notes the outcomes on the rows as they are now: people may have been
// erased meanwhile, and the import may have been canceled.
func (p stepping) decide(st *store.State) (store.Decision, workspace.Import, error) {
	i := st.Import
	if !i.IsBusy() || i.Next != p.first {
		return store.Decision{}, i, nil // another run took the step
	}
	rows, err := p.rows(st)
	if err != nil {
		return store.Decision{}, i, err
	}
	var counts workspace.ImportCounts
	waiting := 0
	for n := range rows {
		if rows[n].Kind != "" {
			continue
		}
		o, ok := p.outcomes[n]
		switch {
		case ok:
		case rows[n].Person == nil:
			o = Outcome{Kind: Refused, Reason: errErased.Err()}
		default:
			waiting++
			continue
		}
		rows[n] = rows[n].with(o)
		counts = counts.Add(countOf(rows[n], o))
	}
	next := i.Break(p.broken, counts, p.now)
	switch {
	case len(rows) == 0: // the chunk is gone
		next = i.Break(workspace.ErrImportNotFound.Code, counts, p.now)
	case waiting == 0:
		next = i.Advance(len(rows), counts, p.now)
	}
	change := store.ImportChange{Before: i, After: next}
	if counts.Processed > 0 {
		chunk := st.ImportRows
		chunk.Revision++
		if chunk.Sealed, err = sealRows(p.box, i.ID, p.first, rows); err != nil {
			return store.Decision{}, i, err
		}
		change.Rows = &chunk
	}
	return store.Decision{Import: &change}, next, nil
}

// with returns the row with its outcome.
func (r ImportRow) with(o Outcome) ImportRow {
	done := ImportRow{UserID: r.UserID, Kind: o.Kind}
	var f *fault.Error
	switch {
	case o.Kind == Replayed:
		done.Kind = Created
	case errors.As(o.Reason, &f):
		done.Kind, done.Errors = Refused, f.Fields
		if len(f.Fields) == 0 {
			done.Errors = fault.Fields{{Code: f.Code, Detail: f.Detail}}
		}
		done.Typed = r.Shown()
	}
	return done
}

func countOf(row ImportRow, o Outcome) workspace.ImportCounts {
	n := workspace.ImportCounts{Processed: 1}
	switch row.Kind {
	case Created:
		n.Created = 1
		if o.User.Invitation.Delivery == user.DeliveryScheduled {
			n.Scheduled = 1
		}
	case Exists:
		n.Exists = 1
	default:
		n.Failed = 1
	}
	return n
}

// forget removes what the imports of a workspace hold of a person.
func (s Service) forget(ctx context.Context, w workspace.Workspace, userID string) error {
	return s.Store.ChangeImportRows(ctx, w.ID, func(importID string, r store.ImportRows) (store.ImportRows, bool, error) {
		box, err := s.DataKeys.Open(ctx, w)
		if err != nil {
			return r, false, err
		}
		rows, err := openRows(box, importID, r)
		if err != nil {
			return r, false, err
		}
		changed := false
		for n, row := range rows {
			if row.UserID == userID && row.Shown() != nil {
				rows[n], changed = ImportRow{UserID: userID, Kind: row.Kind, Errors: row.Errors}, true
			}
		}
		if changed {
			r.Sealed, err = sealRows(box, importID, r.First, rows)
		}
		return r, changed, err
	})
}

// ReportRow is a row of an import as its report shows it.
type ReportRow struct {
	Number int // in the import, from 1
	ImportRow
	User user.User // as they are now; zero for nobody
}

// ImportReport returns up to limit rows of the state's import behind a place, of
// the kinds that are wanted, and the place of the next page; zero at the end.
// People are shown as they are now, and not at all once they were erased.
func (s Service) ImportReport(ctx context.Context, st *store.State, wanted func(Kind) bool, after Place, limit int) (report []ReportRow, next Place, err error) {
	box, err := s.DataKeys.Open(ctx, st.Workspace)
	if err != nil {
		return nil, next, err
	}
	want := store.Want{}
	err = s.Store.EachImportRows(ctx, st.Import, max(after.First, 1), func(chunk store.ImportRows) (more bool, err error) {
		rows, err := openRows(box, st.Import.ID, chunk)
		if err != nil {
			return false, err
		}
		for n, row := range rows {
			number := chunk.First + n
			if number <= after.Row || !wanted(row.Kind) {
				continue
			}
			if len(report) == limit {
				next = Place{chunk.First, number - 1}
				return false, nil
			}
			report = append(report, ReportRow{Number: number, ImportRow: row})
			if row.Kind == Created || row.Kind == Exists {
				want.Users = append(want.Users, row.UserID)
			}
		}
		return true, nil
	})
	if err != nil {
		return nil, next, err
	}
	if err := s.Store.Fill(ctx, st, want); err != nil {
		return nil, next, err
	}
	for n, row := range report {
		if row.Kind == Created || row.Kind == Exists {
			report[n].User = st.Users[row.UserID]
		}
	}
	return report, next, nil
}

// Place is a place in a report: the chunk in which the next page begins, and the
// row before it. The zero value is the beginning.
type Place struct{ First, Row int }

func purposeOf(importID string, first int) string {
	return fmt.Sprintf("rows %d of %s", first, importID)
}

// sealRows compresses and seals the rows of a chunk: a tenth of the size costs a
// tenth of the write units.
func sealRows(box datakey.Box, importID string, first int, rows []ImportRow) ([]byte, error) {
	var packed bytes.Buffer
	pack := gzip.NewWriter(&packed)
	encoder := json.NewEncoder(pack)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(rows); err != nil {
		return nil, err
	}
	if err := pack.Close(); err != nil {
		return nil, err
	}
	if packed.Len() > maxSealedRows {
		return nil, errRowsTooLarge
	}
	return box.Seal(purposeOf(importID, first), packed.Bytes())
}

func openRows(box datakey.Box, importID string, chunk store.ImportRows) (rows []ImportRow, err error) {
	packed, err := box.Unseal(purposeOf(importID, chunk.First), chunk.Sealed)
	if err != nil {
		return nil, err
	}
	unpack, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return nil, err
	}
	plain, err := io.ReadAll(unpack)
	if err != nil {
		return nil, err
	}
	err = json.Unmarshal(plain, &rows)
	return rows, err
}
