package main

import (
	"sync"
	"sync/atomic"

	"github.com/latchkey/latchkey/shared/store"
)

// counts are a report in the making, by items side by side.
type counts struct {
	expired, reminded, mailed, groups, workspaces, imports, failed atomic.Int64

	gone sync.Map // ids of workspaces that this run found deleted
}

func (n *counts) report() report {
	return report{n.expired.Load(), n.reminded.Load(), n.mailed.Load(), n.groups.Load(), n.workspaces.Load(), n.imports.Load(), n.failed.Load()}
}

// isGone reports whether an item is in a workspace that is known to be deleted.
func (n *counts) isGone(d store.Due) bool {
	_, gone := n.gone.Load(d.WorkspaceID)
	return gone && (d.UserID != "" || d.GroupID != "" || d.ImportID != "")
}
