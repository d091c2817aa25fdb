//go:build unix

package lambda

import (
	"os/exec"
	"sync"

	"github.com/latchkey/latchkey/infra/local/process"
)

// pauses stops a process for as long as there is a reason to.
// https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html
type pauses struct {
	cmd *exec.Cmd

	mu      sync.Mutex
	reasons map[reason]bool
}

type reason int

const (
	idle    reason = iota // Lambda freezes an instance between invocations
	overCPU               // it has used its share for now
)

// set adds or takes away a reason.
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
		_ = process.Pause(p.cmd) // it has ended, if it fails
	case before && !after:
		_ = process.Resume(p.cmd)
	}
}
