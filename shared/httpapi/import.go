package httpapi

import (
	"time"

	"github.com/latchkey/latchkey/shared/workspace"
)

// Import is an import as the contract shows it.
type Import struct {
	ID          string                 `json:"id"`
	WorkspaceID string                 `json:"workspaceId"`
	Status      workspace.ImportStatus `json:"status"`
	CreatedBy   string                 `json:"createdBy"`
	CreatedAt   time.Time              `json:"createdAt"`
	StartedAt   *time.Time             `json:"startedAt"`
	EndedAt     *time.Time             `json:"endedAt"`
	KeptUntil   time.Time              `json:"keptUntil"`
	StoppedBy   *string                `json:"stoppedBy"` // the code of an error
	Rows        int                    `json:"rows"`
	Processed   int                    `json:"processed"`
	Created     int                    `json:"created"`
	Exists      int                    `json:"exists"`
	Failed      int                    `json:"failed"`
	Scheduled   int                    `json:"scheduled"`
}

// ShowImport renders an import.
func ShowImport(i workspace.Import) Import {
	shown := Import{
		ID: i.ID, WorkspaceID: i.WorkspaceID, Status: i.Status, CreatedBy: i.CreatedBy, CreatedAt: i.CreatedAt,
		StartedAt: optionalTime(i.StartedAt), EndedAt: optionalTime(i.EndedAt), KeptUntil: i.KeptUntil(),
		Rows: i.Rows, Processed: i.Counts.Processed, Created: i.Counts.Created, Exists: i.Counts.Exists,
		Failed: i.Counts.Failed, Scheduled: i.Counts.Scheduled,
	}
	if i.StoppedBy != "" {
		shown.StoppedBy = &i.StoppedBy
	}
	return shown
}
