package lambda

import (
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// cpuTime returns the CPU time of a process's threads, without child processes.
// https://docs.kernel.org/scheduler/sched-stats.html
func cpuTime(pid int) (sum time.Duration, ok bool) {
	threads, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/schedstat", pid))
	if err != nil || len(threads) == 0 {
		return 0, false
	}
	for _, path := range threads {
		raw, err := os.ReadFile(path)
		if err != nil {
			continue // the thread has ended
		}
		var ran int64
		if _, err := fmt.Sscan(string(raw), &ran); err == nil {
			sum += time.Duration(ran)
		}
	}
	return sum, true
}
