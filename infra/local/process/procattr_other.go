//go:build unix && !linux

package process

import (
	"os/exec"
	"syscall"
)

// setAttributes has no parent-death signal to set here: only Linux has one.
func setAttributes(cmd *exec.Cmd) {
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{}
	}
	cmd.SysProcAttr.Setpgid = true
}
