//go:build unix

package lambda

import "time"

const (
	// fullCPU is the memory size that comes with one CPU.
	// https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html
	fullCPU = 1769
	// cpuPeriod is the interval at which CPU time is sampled.
	cpuPeriod = 5 * time.Millisecond
)

// limitCPU limits the process to its share of a CPU until the returned function
// is called. The init phase is not limited: Lambda boosts it.
func (i *instance) limitCPU() (end func()) {
	share := float64(i.cfg.MemoryMB) / fullCPU
	if !i.cfg.LimitCPU || share >= 1 {
		return func() {}
	}
	before, ok := cpuTime(i.cmd.Process.Pid)
	if !ok {
		return func() {}
	}
	done, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		began := time.Now()
		ticker := time.NewTicker(cpuPeriod)
		defer ticker.Stop()
		for {
			select {
			case <-done:
				i.pauses.set(overCPU, false)
				return
			case <-ticker.C:
			}
			used, ok := cpuTime(i.cmd.Process.Pid)
			allowed := time.Duration(float64(time.Since(began)+cpuPeriod) * share)
			i.pauses.set(overCPU, ok && used-before > allowed)
		}
	}()
	return func() { close(done); <-ended }
}
