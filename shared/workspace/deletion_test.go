package workspace_test

import (
	"errors"
	"reflect"
	"testing"
	"time"

	"github.com/latchkey/latchkey/shared/fault"
	"github.com/latchkey/latchkey/shared/workspace"
)

var (
	deletedAt = t0.Add(time.Hour)
	lastDay   = deletedAt.Add(workspace.Restorable)
	emptiedAt = lastDay.Add(time.Hour)
	lookedAt  = emptiedAt.Add(workspace.Stragglers)
)

// at returns a workspace at each stage of its deletion, as the steps before
// leave it.
func at(stage workspace.Stage) workspace.Workspace {
	w := corp()
	for _, step := range []func(){
		func() { w = w.Delete(stamp(deletedAt)) },
		func() { w = w.BeginErasure(lastDay) },
		func() { w = w.Empty(stamp(emptiedAt)) },
		func() { w = w.Empty(stamp(lookedAt)) },
	} {
		if w.Stage == stage {
			break
		}
		step()
	}
	return w
}

var stages = []workspace.Stage{"", workspace.StageDeleted, workspace.StageErasing, workspace.StageEmptied, workspace.StageErased}

func TestOnlyAWorkspaceWithoutAStageExists(t *testing.T) {
	if (workspace.Workspace{}).Exists() {
		t.Error("no workspace exists")
	}
	for _, stage := range stages {
		w := at(stage)
		if w.Stage != stage || w.Exists() != (stage == "") {
			t.Errorf("%q: stage %q, exists %v", stage, w.Stage, w.Exists())
		}
	}
}

func TestADeletionIsConfirmedByTheSlug(t *testing.T) {
	for slug, wrong := range map[string]int{"corp": 0, "Corp": 1, "corp ": 1, "": 1, "other": 1} {
		var fields fault.Fields
		corp().CheckConfirmation(&fields, slug)
		if len(fields) != wrong {
			t.Errorf("%q: %v", slug, codes(fields))
		}
	}
}

// Every stage, at every instant that matters.
func TestRestoring(t *testing.T) {
	for _, stage := range stages {
		for _, now := range []time.Time{deletedAt, lastDay.Add(-time.Millisecond), lastDay, lookedAt} {
			w := at(stage)
			next, err := w.Restore(stamp(now))
			switch may := stage == workspace.StageDeleted && now.Before(lastDay); {
			case stage == "":
				if err != nil || !reflect.DeepEqual(next, w) {
					t.Errorf("one that exists: %v, %+v", err, next)
				}
			case may != (err == nil) || !may && !errors.Is(err, workspace.ErrNotFound):
				t.Errorf("%s at %v: %v", stage, now, err)
			case may:
				was := corp()
				was.Version, was.UpdatedAt, was.Last = next.Version, next.UpdatedAt, next.Last
				if !reflect.DeepEqual(next, was) || next.Version != w.Version+1 || next.Last.Type != workspace.Restored {
					t.Errorf("restored: %+v", next)
				}
			}
		}
	}
}

func TestErasingGoesOnlyForward(t *testing.T) {
	for _, stage := range stages {
		w := at(stage)
		for _, now := range []time.Time{t0, lastDay.Add(-time.Millisecond), lastDay, lookedAt} {
			began := w.BeginErasure(now)
			if begins := stage == workspace.StageDeleted && !now.Before(lastDay); begins != (began.Version != w.Version) || begins != (began.Stage != w.Stage) {
				t.Errorf("%q at %v begins as %q in version %d after %d", stage, now, began.Stage, began.Version, w.Version)
			}
			next := w.Empty(stamp(now))
			goesOn := stage == workspace.StageErasing || stage == workspace.StageEmptied && !now.Before(lookedAt)
			if goesOn != (next.Version != w.Version) || goesOn != (next.Stage != w.Stage) {
				t.Errorf("%q at %v becomes %q", stage, now, next.Stage)
			}
		}
	}
}

// What is left of an erased workspace names nobody and opens nothing.
func TestATombstoneHoldsItsEventAlone(t *testing.T) {
	w := at(workspace.StageErased)
	want := workspace.Workspace{ID: "ws_1", Stage: workspace.StageErased, Version: w.Version, UpdatedAt: lookedAt, Last: w.Last}
	if !reflect.DeepEqual(w, want) || w.Last.Type != workspace.Erased || !w.RetainUntil().After(lookedAt) {
		t.Errorf("%+v", w)
	}
}
