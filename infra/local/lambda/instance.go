//go:build unix

package lambda

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os/exec"
	"path/filepath"
	"sync"
	"time"

	"github.com/latchkey/latchkey/infra/local/process"
)

const (
	// initTimeout is how long a process may take until it asks for work.
	initTimeout = 10 * time.Second
	// stopGrace is how long a process may take to end after SIGTERM.
	stopGrace = time.Second
)

// outcome is the end of an invocation.
type outcome struct {
	payload []byte
	err     error
}

// invocation is one run of the function.
type invocation struct {
	id      string
	payload []byte
	result  chan outcome // takes one
}

// instance is one process of the function, with a Runtime API of its own: the
// process is told a host and a port and no more, so the port is what tells the
// instances of a function apart.
type instance struct {
	cfg    Config
	log    *lockedWriter
	arn    string
	cmd    *exec.Cmd
	server *http.Server
	work   chan *invocation // handed over when the process asks for it
	exited chan struct{}    // closed when the process has ended
	status error            // how it ended; read after exited
	pauses pauses

	mu      sync.Mutex
	current *invocation    // what the process works on
	initErr *FunctionError // what it said of a failed start
}

func startInstance(cfg Config, log *lockedWriter) (*instance, error) {
	bootstrap, err := filepath.Abs(cfg.Bootstrap)
	if err != nil {
		return nil, fmt.Errorf("function %s: %w", cfg.Name, err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("function %s: runtime API: %w", cfg.Name, err)
	}
	i := &instance{
		cfg: cfg, log: log, arn: functionARN(cfg),
		work: make(chan *invocation), exited: make(chan struct{}),
	}
	api := listener.Addr().String()
	i.server = &http.Server{Handler: i.runtimeAPI(api), ReadHeaderTimeout: 10 * time.Second, ConnContext: withConn}

	i.cmd = exec.Command(bootstrap)
	i.cmd.Dir = filepath.Dir(bootstrap)
	i.cmd.Env = environment(cfg, i.cmd.Dir, api)
	lines := &lineWriter{to: log}
	i.cmd.Stdout, i.cmd.Stderr = lines, lines
	// A program that the function left behind may hold the pipe open.
	i.cmd.WaitDelay = stopGrace
	i.pauses = pauses{cmd: i.cmd, reasons: map[reason]bool{}}
	if err := process.Start(i.cmd); err != nil {
		return nil, errors.Join(fmt.Errorf("function %s: %w", cfg.Name, err), listener.Close())
	}
	go func() { _ = i.server.Serve(listener) }() // ends with server.Close
	go func() {
		i.status = i.cmd.Wait()
		lines.flush()
		close(i.exited)
		_ = process.Kill(i.cmd) // what it left behind
		_ = i.server.Close()
	}()
	return i, nil
}

func (i *instance) dead() bool {
	select {
	case <-i.exited:
		return true
	default:
		return false
	}
}

// run hands the process an invocation and waits for its end. It gives
// errDiedIdle where the process ended without having taken it.
func (i *instance) run(life context.Context, payload []byte) outcome {
	inv := &invocation{id: newRequestID(), payload: payload, result: make(chan outcome, 1)}
	timeout := time.NewTimer(initTimeout + i.cfg.Timeout)
	defer timeout.Stop()

	select {
	case i.work <- inv:
		timeout.Reset(i.cfg.Timeout)
	case <-i.exited:
		return outcome{err: errDiedIdle}
	case <-timeout.C:
		return i.kill(inv.id)
	case <-life.Done():
		i.stop()
		return outcome{err: ErrClosed}
	}
	defer i.limitCPU()()

	select {
	case out := <-inv.result:
		return out
	case <-i.exited:
		select {
		case out := <-inv.result: // it answered, and ended then
			return out
		default:
		}
		e := platformError(typeExit, inv.id, i.exitMessage())
		i.log.event(inv.id, e.Message)
		return outcome{err: e}
	case <-timeout.C:
		return i.kill(inv.id)
	case <-life.Done():
		_ = process.Kill(i.cmd)
		<-i.exited
		return outcome{err: ErrClosed}
	}
}

// kill is what Lambda does about an invocation that takes too long.
func (i *instance) kill(requestID string) outcome {
	_ = process.Kill(i.cmd)
	<-i.exited
	e := platformError(typeTimeout, requestID, fmt.Sprintf("Task timed out after %.2f seconds", i.cfg.Timeout.Seconds()))
	i.log.event(requestID, e.Message)
	return outcome{err: e}
}

// startFailure says why a new process ended before it took any work.
func (i *instance) startFailure() *FunctionError {
	i.mu.Lock()
	e := i.initErr
	i.mu.Unlock()
	if e == nil {
		e = platformError(typeExit, newRequestID(), i.exitMessage())
	}
	i.log.event("", e.Message)
	return e
}

// exitMessage puts the end of the process in Lambda's words.
func (i *instance) exitMessage() string {
	var ended *exec.ExitError
	if errors.As(i.status, &ended) {
		return "Runtime exited with error: " + ended.Error()
	}
	return "Runtime exited without providing a reason"
}

// stop ends the process, politely at first, and waits for its end.
func (i *instance) stop() {
	if i.dead() {
		return
	}
	_ = process.Terminate(i.cmd)
	i.pauses.set(idle, false) // a frozen process does not handle the signal
	select {
	case <-i.exited:
	case <-time.After(stopGrace):
		_ = process.Kill(i.cmd)
		<-i.exited
	}
}

// newRequestID is a random UUID, as Lambda's request ids are.
func newRequestID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	b[6] = b[6]&0x0f | 0x40
	b[8] = b[8]&0x3f | 0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}
