package workspace

import (
	"fmt"
	"time"

	"github.com/latchkey/latchkey/shared/fault"
	"github.com/latchkey/latchkey/shared/id"
)

// ImportStatus is the status of an import.
type ImportStatus string

// The statuses of an import.
const (
	ImportOpen      ImportStatus = "open"      // rows may be added
	ImportRunning   ImportStatus = "running"   // its rows are being invited
	ImportCanceling ImportStatus = "canceling" // the rows that are under way are being looked at
	ImportCanceled  ImportStatus = "canceled"
	ImportStopped   ImportStatus = "stopped" // it could not go on, and can be started again
	ImportDone      ImportStatus = "done"
)

const (
	// ImportPrefix begins the id of every import.
	ImportPrefix = "imp_"
	// MaxImportRows is how many rows an import has at most.
	MaxImportRows = 50_000
	// MaxImportChunks is how many times rows are added to an import at most. Each
	// chunk is a step of its own.
	MaxImportChunks = 1_000
	// MaxImports is how many imports of a workspace are kept at a time.
	MaxImports = 100
	// ImportKept is how long an import is kept after it was created, its report
	// included.
	ImportKept = 30 * 24 * time.Hour
	// ImportStalled is how long after its last step a running import counts as
	// stalled: longer than a step and its repeats take.
	ImportStalled = 10 * time.Minute
	// maxRevivals is how often in a row a stalled import is set going again.
	maxRevivals = 12
)

// Import is a list of people that is invited a chunk at a time. Each step invites
// the people of one chunk and writes what became of them with the next version.
type Import struct {
	ID, WorkspaceID string
	Status          ImportStatus
	CreatedBy       string // an actor
	StartedBy       string // an actor, in whose name people are invited; "" before the start
	CreatedAt       time.Time
	UpdatedAt       time.Time
	StartedAt       time.Time // zero before the start
	EndedAt         time.Time // zero until it is done, canceled or stopped
	Rows, Chunks    int       // added so far
	Next            int       // the row, from 1, at which the chunk of the next step begins
	Counts          ImportCounts
	StoppedBy       string // the code of the fault that stopped it; "" for none
	Revivals        int    // in a row, without a step in between
	Version         int
}

// ImportCounts are the rows of an import by what became of them.
type ImportCounts struct {
	Processed, Created, Exists, Failed int
	Scheduled                          int // of those created, whose mail waited when they were
}

// Add returns the sum of both counts.
func (c ImportCounts) Add(more ImportCounts) ImportCounts {
	return ImportCounts{
		c.Processed + more.Processed, c.Created + more.Created, c.Exists + more.Exists,
		c.Failed + more.Failed, c.Scheduled + more.Scheduled,
	}
}

// Faults of imports.
var (
	ErrImportNotFound = fault.New(fault.NotFound, "import_not_found", "This import doesn't exist in the workspace, or is older than 30 days.")
	ErrImportStarted  = fault.New(fault.Conflict, "import_started", "This import has been started, so rows can't be added. Create another import.")
	ErrImportEmpty    = fault.New(fault.Conflict, "import_empty", "This import has no rows. Add rows, then start it.")
	ErrImportCanceled = fault.New(fault.Conflict, "import_canceled", "This import has been canceled. Create another import.")
	ErrImportDone     = fault.New(fault.Conflict, "import_done", "This import is done, so it can't be canceled.")
	ErrTooManyImports = fault.New(fault.Conflict, "import_limit_reached", "This workspace has 100 imports, which is the limit. Each is deleted 30 days after it was created.")
)

func errImportRows(rows int) error {
	return fault.New(fault.Conflict, "import_rows_conflict", fmt.Sprintf("This import has %d rows. Send the chunk that begins at row %d.", rows, rows+1))
}

func tooMany(detail string) error {
	return fault.Fields{{Pointer: "/users", Code: "too_many", Detail: detail}}.Err()
}

// ValidImportID reports whether a text could be the id of an import.
func ValidImportID(text string) bool {
	_, ok := id.Bytes(ImportPrefix, text, id.OrderedBytes)
	return ok
}

// NewImport returns an import without rows.
func NewImport(id, workspaceID, actor string, now time.Time) Import {
	return Import{ID: id, WorkspaceID: workspaceID, Status: ImportOpen, CreatedBy: actor, CreatedAt: now, UpdatedAt: now, Next: 1, Version: 1}
}

// Exists reports whether there is an import, and it is still kept at now.
func (i Import) Exists(now time.Time) bool { return i.ID != "" && now.Before(i.KeptUntil()) }

// KeptUntil returns when the import and its rows are deleted.
func (i Import) KeptUntil() time.Time { return i.CreatedAt.Add(ImportKept) }

// IsBusy reports whether a step of the import is due.
func (i Import) IsBusy() bool { return i.Status == ImportRunning || i.Status == ImportCanceling }

func (i Import) changed(now time.Time) Import {
	i.UpdatedAt = now
	i.Version++
	return i
}

// AddRows returns the import with n more rows, the first of which is row first.
func (i Import) AddRows(first, n int, now time.Time) (Import, error) {
	switch {
	case i.Status == ImportCanceled || i.Status == ImportCanceling:
		return i, ErrImportCanceled
	case i.Status != ImportOpen:
		return i, ErrImportStarted
	case first != i.Rows+1:
		return i, errImportRows(i.Rows)
	case i.Rows+n > MaxImportRows:
		return i, tooMany("An import can have at most 50,000 rows.")
	case i.Chunks >= MaxImportChunks:
		return i, tooMany("Rows can be added to an import at most 1,000 times. Send up to 500 rows at a time.")
	}
	i = i.changed(now)
	i.Rows += n
	i.Chunks++
	return i, nil
}

// Start returns the import as running in the name of an actor, from where it
// stopped if it had been started before. One that is running or done is returned
// unchanged.
func (i Import) Start(actor string, now time.Time) (Import, error) {
	switch {
	case i.Status == ImportRunning || i.Status == ImportDone:
		return i, nil
	case i.Status == ImportCanceled || i.Status == ImportCanceling:
		return i, ErrImportCanceled
	case i.Rows == 0:
		return i, ErrImportEmpty
	}
	i = i.changed(now)
	if i.StartedAt.IsZero() {
		i.StartedAt = now
	}
	i.Status, i.StartedBy, i.StoppedBy, i.EndedAt, i.Revivals = ImportRunning, actor, "", time.Time{}, 0
	return i, nil
}

// Cancel returns the import as canceled; a running one once its last step has
// noted what it did. One that is canceled is returned unchanged.
func (i Import) Cancel(now time.Time) (Import, error) {
	switch i.Status {
	case ImportDone:
		return i, ErrImportDone
	case ImportCanceled, ImportCanceling:
		return i, nil
	case ImportRunning:
		i = i.changed(now)
		i.Status, i.Revivals = ImportCanceling, 0
		return i, nil
	}
	i = i.changed(now)
	i.Status, i.EndedAt = ImportCanceled, now
	return i, nil
}

// Advance returns a busy import after a step that finished a chunk of n rows.
func (i Import) Advance(n int, step ImportCounts, now time.Time) Import {
	i = i.changed(now)
	i.Counts, i.Next, i.Revivals = i.Counts.Add(step), i.Next+n, 0
	switch {
	case i.Next > i.Rows:
		i.Status, i.EndedAt = ImportDone, now
	case i.Status == ImportCanceling:
		i.Status, i.EndedAt = ImportCanceled, now
	}
	return i
}

// Break returns a busy import that cannot go on, for the reason with that code,
// or that is to be canceled. step counts those rows of the chunk under way that
// were processed; the others wait for another start.
func (i Import) Break(code string, step ImportCounts, now time.Time) Import {
	i = i.changed(now)
	i.Counts, i.EndedAt = i.Counts.Add(step), now
	if i.Status == ImportCanceling {
		i.Status = ImportCanceled
		return i
	}
	i.Status, i.StoppedBy = ImportStopped, code
	return i
}

// Revive returns a stalled import with a new version, which sets it going again,
// or as stopped if that has been tried often. Any other is returned unchanged.
func (i Import) Revive(now time.Time) Import {
	switch {
	case !i.IsBusy() || now.Before(i.UpdatedAt.Add(ImportStalled)):
		return i
	case i.Revivals >= maxRevivals:
		return i.Break("unavailable", ImportCounts{}, now)
	}
	i = i.changed(now)
	i.Revivals++
	return i
}
