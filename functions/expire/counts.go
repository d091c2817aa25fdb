package main

import "sync/atomic"

// counts are a report in the making, by items side by side.
type counts struct{ expired, reminded, mailed, groups, failed atomic.Int64 }

func (n *counts) report() report {
	return report{n.expired.Load(), n.reminded.Load(), n.mailed.Load(), n.groups.Load(), n.failed.Load()}
}
