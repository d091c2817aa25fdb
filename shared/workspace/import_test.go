package workspace_test

import (
	"testing"
	"time"

	"github.com/latchkey/latchkey/shared/fault"
	"github.com/latchkey/latchkey/shared/workspace"
)

// What may be done to an import in each status, and what it becomes.
func TestImportTransitions(t *testing.T) {
	now := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	actions := map[string]func(workspace.Import) (workspace.Import, error){
		"add":    func(i workspace.Import) (workspace.Import, error) { return i.AddRows(i.Rows+1, 2, now) },
		"start":  func(i workspace.Import) (workspace.Import, error) { return i.Start("usr_a", now) },
		"cancel": func(i workspace.Import) (workspace.Import, error) { return i.Cancel(now) },
		"step": func(i workspace.Import) (workspace.Import, error) {
			return i.Advance(2, workspace.ImportCounts{Processed: 2, Created: 2}, now), nil
		},
		"break": func(i workspace.Import) (workspace.Import, error) {
			return i.Break("admin_required", workspace.ImportCounts{}, now), nil
		},
		"revive": func(i workspace.Import) (workspace.Import, error) { return i.Revive(now.Add(time.Hour)), nil },
	}
	for _, c := range []struct{ from, action, to string }{
		{"open", "add", "open"}, {"open", "start", "running"}, {"open", "cancel", "canceled"}, {"open", "revive", "same"},
		{"running", "add", "import_started"}, {"running", "start", "same"}, {"running", "cancel", "canceling"},
		{"running", "step", "running"}, {"running", "break", "stopped"}, {"running", "revive", "running"},
		{"canceling", "add", "import_canceled"}, {"canceling", "start", "import_canceled"}, {"canceling", "cancel", "same"},
		{"canceling", "step", "canceled"}, {"canceling", "break", "canceled"}, {"canceling", "revive", "canceling"},
		{"canceled", "add", "import_canceled"}, {"canceled", "start", "import_canceled"}, {"canceled", "cancel", "same"}, {"canceled", "revive", "same"},
		{"stopped", "add", "import_started"}, {"stopped", "start", "running"}, {"stopped", "cancel", "canceled"}, {"stopped", "revive", "same"},
		{"done", "add", "import_started"}, {"done", "start", "same"}, {"done", "cancel", "import_done"}, {"done", "revive", "same"},
	} {
		i := workspace.NewImport("imp_1", "ws_1", "usr_a", now)
		i.Status, i.Rows, i.Version = workspace.ImportStatus(c.from), 4, 7
		next, err := actions[c.action](i)
		got := string(next.Status)
		switch {
		case err != nil:
			got = fault.Code(err)
		case next.Version == i.Version:
			got = "same"
		}
		if got != c.to {
			t.Errorf("%s of an import that is %s: %s, want %s", c.action, c.from, got, c.to)
		}
		if err == nil && next.Version != i.Version && next.Version != i.Version+1 {
			t.Errorf("%s: the version goes from %d to %d", c.action, i.Version, next.Version)
		}
	}
}

func TestImportIsDoneWithItsLastChunk(t *testing.T) {
	now := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	i := workspace.NewImport("imp_1", "ws_1", "usr_a", now)
	if _, err := i.Start("usr_a", now); fault.Code(err) != "import_empty" {
		t.Errorf("start without rows: %v", err)
	}
	i, _ = i.AddRows(1, 2, now)
	i, _ = i.AddRows(3, 1, now)
	i, _ = i.Start("usr_a", now)
	i = i.Advance(2, workspace.ImportCounts{Processed: 2, Created: 1, Failed: 1}, now)
	if i.Status != workspace.ImportRunning || i.Next != 3 {
		t.Errorf("after the first chunk: %+v", i)
	}
	i = i.Advance(1, workspace.ImportCounts{Processed: 1, Exists: 1}, now)
	want := workspace.ImportCounts{Processed: 3, Created: 1, Exists: 1, Failed: 1}
	if i.Status != workspace.ImportDone || i.Counts != want {
		t.Errorf("after the last chunk: %+v", i)
	}
}

func TestImportHasLimits(t *testing.T) {
	now := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	i := workspace.NewImport("imp_1", "ws_1", "usr_a", now)
	i.Rows = workspace.MaxImportRows - 1
	if _, err := i.AddRows(workspace.MaxImportRows, 1, now); err != nil {
		t.Errorf("the last row: %v", err)
	}
	if _, err := i.AddRows(workspace.MaxImportRows, 2, now); fault.Code(err) != fault.CodeInvalid {
		t.Errorf("a row too many: %v", err)
	}
	i.Rows, i.Chunks = 1_000, workspace.MaxImportChunks
	if _, err := i.AddRows(1_001, 1, now); fault.Code(err) != fault.CodeInvalid {
		t.Errorf("a chunk too many: %v", err)
	}
}
