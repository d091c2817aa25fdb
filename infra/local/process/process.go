//go:build unix

// Package process starts the programs that Latchkey runs beside itself on a
// laptop (functions, the database, the mail server) so that none of them
// outlives it, and ends them with everything that they started.
//
// It imports the standard library alone. It knows Unix: on Windows, Latchkey
// runs in WSL.
package process

import (
	"errors"
	"fmt"
	"os/exec"
	"runtime"
	"sync"
	"syscall"
	"time"
)

// A start is a program to be started, and where to say how that went.
type start struct {
	cmd  *exec.Cmd
	done chan error
}

// starts hands programs to the one thread that starts them all. Linux ties the
// parent-death signal to the thread that forked, not to the process: a program
// started from a thread that ends is killed then and there. Hence one thread
// that never ends, for the whole process, and this one package variable.
var starts = sync.OnceValue(func() chan<- start {
	requests := make(chan start)
	go func() {
		runtime.LockOSThread()
		for s := range requests {
			s.done <- s.cmd.Start()
		}
	}()
	return requests
})

// Start starts a program in a process group of its own, so that Ctrl-C in the
// terminal reaches Latchkey alone, which then ends it in good order. On Linux
// the kernel kills the program when this process dies, however it dies.
func Start(cmd *exec.Cmd) error {
	setAttributes(cmd)
	s := start{cmd: cmd, done: make(chan error)}
	starts() <- s
	return <-s.done
}

// Terminate asks a started program, with all of its group, to end.
func Terminate(cmd *exec.Cmd) error { return signal(cmd, syscall.SIGTERM) }

// Pause stops a started program and its group until Resume. A paused program
// handles SIGTERM only after Resume.
func Pause(cmd *exec.Cmd) error { return signal(cmd, syscall.SIGSTOP) }

// Resume continues a paused program.
func Resume(cmd *exec.Cmd) error { return signal(cmd, syscall.SIGCONT) }

// Kill ends a started program, with all of its group.
func Kill(cmd *exec.Cmd) error { return signal(cmd, syscall.SIGKILL) }

// Stop ends a started program: politely at first, by force after the grace. It
// calls cmd.Wait, so it is for programs that nobody else waits for; whoever
// watches a program with Wait uses Terminate and Kill. That the program ended
// by a signal or with a status is no error: it was told to end.
func Stop(cmd *exec.Cmd, grace time.Duration) error {
	if cmd.Process == nil {
		return nil
	}
	if err := Terminate(cmd); err != nil {
		return err
	}
	kill := time.AfterFunc(grace, func() { _ = Kill(cmd) })
	err := cmd.Wait()
	kill.Stop()
	// Whatever the program started and left behind goes with it.
	killErr := Kill(cmd)
	var ended *exec.ExitError
	if errors.As(err, &ended) {
		err = nil
	}
	return errors.Join(err, killErr)
}

func signal(cmd *exec.Cmd, s syscall.Signal) error {
	if cmd.Process == nil {
		return nil
	}
	// The group's number is the leader's: Start made it one. EPERM is what
	// macOS says of a group in which only the dead are left.
	err := syscall.Kill(-cmd.Process.Pid, s)
	if err == nil || errors.Is(err, syscall.ESRCH) || errors.Is(err, syscall.EPERM) {
		return nil
	}
	return fmt.Errorf("signal process group %d: %w", cmd.Process.Pid, err)
}
