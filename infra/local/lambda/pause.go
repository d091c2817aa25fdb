//go:build unix

package lambda

import (
	"os/exec"
	"sync"

	"github.com/latchkey/latchkey/infra/local/process"
)

// pauses stops a process while at least one reason holds.
// https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html
type pauses struct {
	cmd *exec.Cmd

	mu      sync.Mutex
	reasons map[reason]bool
}

type reason int

const (
	idle    reason = iota // Lambda freezes an instance between invocations
	overCPU               // the process has used up its share of the CPU
)

// set adds or removes a reason.
func (p *pauses) set(r reason, holds bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	before := len(p.reasons) > 0
	if holds {
		p.reasons[r] = true
	} else {
		delete(p.reasons, r)
	}
	switch after := len(p.reasons) > 0; {
	case after && !before:
		_ = process.Pause(p.cmd) // fails only if the process has ended
	case before && !after:
		_ = process.Resume(p.cmd)
	}
}
