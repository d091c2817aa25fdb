package workspace

import (
	"time"

	"github.com/latchkey/latchkey/shared/fault"
	"github.com/latchkey/latchkey/shared/user"
)

// Stage is a stage of a workspace's deletion; "" for a workspace that Exists.
type Stage string

// The stages of a deletion, in their order.
const (
	StageDeleted Stage = "deleted" // gone for everyone; operators may restore it until NextStage
	StageErasing Stage = "erasing" // its contents are being erased; it cannot be restored
	StageEmptied Stage = "emptied" // nothing is left, except for what arrives late
	StageErased  Stage = "erased"  // the item is a tombstone
)

const (
	// Restorable is how long operators may restore a deleted workspace.
	Restorable = 30 * 24 * time.Hour
	// Stragglers is how long after a workspace was emptied the schedule checks
	// again: longer than the table's stream keeps a change that could still
	// become a line of history.
	// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Streams.html
	Stragglers = 25 * time.Hour
)

// Exists reports whether the workspace exists and is not deleted.
func (w Workspace) Exists() bool { return w.ID != "" && w.Stage == "" }

// CheckConfirmation adds a fault unless slug, which confirms a deletion, is right.
func (w Workspace) CheckConfirmation(fields *fault.Fields, slug string) {
	switch slug {
	case w.Slug:
	case "":
		fields.Add("/slug", "required", "Repeat the slug of the workspace that you want to delete.")
	default:
		fields.Add("/slug", "wrong_slug", "This isn't the slug of the workspace that you want to delete.")
	}
}

// Delete returns the workspace at StageDeleted. Nothing else in it changes.
func (w Workspace) Delete(s user.Stamp) Workspace {
	next := w.changed(s, Deleted)
	next.Stage, next.NextStage = StageDeleted, next.UpdatedAt.Add(Restorable)
	return next
}

// Restore returns a deleted workspace without its stage, and one that exists
// unchanged. It returns ErrNotFound once Restorable is over.
func (w Workspace) Restore(s user.Stamp) (Workspace, error) {
	switch {
	case w.Exists():
		return w, nil
	case w.Stage != StageDeleted || !s.At.Before(w.NextStage):
		return w, ErrNotFound
	}
	next := w.changed(s, Restored)
	next.Stage, next.NextStage = "", time.Time{}
	return next, nil
}

// BeginErasure returns the workspace at StageErasing, from which it cannot be
// restored. If that is not due at now, or has begun, it returns w itself.
func (w Workspace) BeginErasure(now time.Time) Workspace {
	if w.Stage != StageDeleted || now.Before(w.NextStage) {
		return w
	}
	w.Stage = StageErasing
	w.Version++ // for the store; this is not an event
	return w
}

// Empty returns the workspace after everything in it was erased: emptied the
// first time, and erased at the second look. At any other stage it returns w
// itself.
func (w Workspace) Empty(s user.Stamp) Workspace {
	switch {
	case w.Stage == StageErasing:
		w.Stage, w.NextStage = StageEmptied, s.At.Add(Stragglers)
		w.Version++ // as above
	case w.Stage == StageEmptied && !s.At.Before(w.NextStage):
		last := w.changed(s, Erased)
		return Workspace{ID: w.ID, Stage: StageErased, Version: last.Version, UpdatedAt: last.UpdatedAt, Last: last.Last}
	}
	return w
}

// RetainUntil returns when the tombstone may be deleted: by then its event is out.
func (w Workspace) RetainUntil() time.Time {
	if w.Stage != StageErased {
		return time.Time{}
	}
	return w.UpdatedAt.Add(Stragglers)
}
