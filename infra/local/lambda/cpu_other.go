//go:build unix && !linux

package lambda

import "time"

// cpuTime is not available here.
func cpuTime(int) (time.Duration, bool) { return 0, false }
