package lambda

import (
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// cpuTime is how long the threads of a process have run. What it starts itself
// is not counted.
// https://docs.kernel.org/scheduler/sched-stats.html
func cpuTime(pid int) (sum time.Duration, ok bool) {
	threads, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/schedstat", pid))
	if err != nil || len(threads) == 0 {
		return 0, false
	}
	for _, path := range threads {
		raw, err := os.ReadFile(path)
		if err != nil {
			continue // a thread that ended meanwhile
		}
		var ran int64
		if _, err := fmt.Sscan(string(raw), &ran); err == nil {
			sum += time.Duration(ran)
		}
	}
	return sum, true
}
