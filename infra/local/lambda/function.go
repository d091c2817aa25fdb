//go:build unix

// Package lambda runs a function's built bootstrap on this machine as AWS
// Lambda does: through the Lambda Runtime API, in processes that are started
// when they are needed, kept warm, and killed when they exceed their time.
// https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
//
// It may import the standard library and infra/local/process. It knows nothing
// of Latchkey: payloads are bytes.
package lambda

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
	"time"
)

const (
	defaultInstances = 10
	defaultTimeout   = 3 * time.Second // Lambda's
	defaultMemoryMB  = 128             // Lambda's
	maxPayload       = 6 << 20         // of a request and of a response
)

// Config describes a function.
type Config struct {
	Name      string // the function's name
	Bootstrap string // path of the binary
	// Env is the complete environment ("K=V") besides what Lambda sets
	// itself; nothing is inherited from this process.
	Env      []string
	Timeout  time.Duration // of one invocation; 0 = Lambda's 3 s
	MemoryMB int           // reported to the function; 0 = 128
	// Freeze stops an instance between invocations, with all its goroutines
	// and child processes.
	Freeze bool
	// LimitCPU limits an invocation to the share of a CPU that Lambda assigns
	// to MemoryMB: one CPU at 1,769 MB. It has an effect on Linux only.
	LimitCPU bool
	// MaxInstances bounds the parallel instances; 0 = 10.
	MaxInstances int
	// Log takes what the function writes to stdout and stderr, a whole line
	// for each Write. Functions that share a Log write to it at the same
	// time. nil discards.
	Log io.Writer
}

// Function is a function that can be invoked. It is safe for concurrent use.
type Function struct {
	cfg Config
	log *lockedWriter

	slots   chan struct{}   // one for each invocation under way
	closing chan struct{}   // closed when Close begins
	life    context.Context // ends when Close loses its patience
	end     context.CancelFunc
	running sync.WaitGroup // invocations under way

	mu     sync.Mutex
	closed bool
	idle   []*instance // the last one is the warmest
}

// New makes a function. No process starts before the first invocation.
func New(cfg Config) *Function {
	if cfg.Timeout <= 0 {
		cfg.Timeout = defaultTimeout
	}
	if cfg.MemoryMB <= 0 {
		cfg.MemoryMB = defaultMemoryMB
	}
	if cfg.MaxInstances <= 0 {
		cfg.MaxInstances = defaultInstances
	}
	if cfg.Log == nil {
		cfg.Log = io.Discard
	}
	life, end := context.WithCancel(context.Background())
	return &Function{
		cfg: cfg, log: &lockedWriter{to: cfg.Log},
		slots: make(chan struct{}, cfg.MaxInstances), closing: make(chan struct{}),
		life: life, end: end,
	}
}

// Invoke runs the function once and gives back its answer. Where all instances
// are busy it waits for one. When ctx ends, the caller is let go, while the
// invocation goes on, as Lambda would have it: there is no way to call one off.
//
// What the function did wrong comes back as a *FunctionError (ErrTimeout among
// them). ErrThrottled means that no instance became free in time; ErrTooLarge,
// that the payload exceeds 6 MB; ErrClosed, that the function was closed.
func (f *Function) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	if len(payload) > maxPayload {
		return nil, ErrTooLarge
	}
	if err := f.acquire(ctx); err != nil {
		return nil, err
	}
	result := make(chan outcome, 1)
	go func() {
		defer f.release()
		result <- f.invoke(payload)
	}()
	select {
	case out := <-result:
		return out.payload, out.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (f *Function) acquire(ctx context.Context) error {
	select {
	case f.slots <- struct{}{}:
	case <-f.closing:
		return ErrClosed
	case <-ctx.Done():
		return fmt.Errorf("%w: %w", ErrThrottled, ctx.Err())
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed {
		<-f.slots
		return ErrClosed
	}
	f.running.Add(1)
	return nil
}

func (f *Function) release() {
	<-f.slots
	f.running.Done()
}

// invoke runs on one instance, and on another where that one had died idle.
func (f *Function) invoke(payload []byte) outcome {
	for {
		inst, warm := f.takeIdle()
		if !warm {
			var err error
			if inst, err = startInstance(f.cfg, f.log); err != nil {
				f.log.event("", err.Error())
				return outcome{err: &FunctionError{Type: typeInvalidEntrypoint, Message: err.Error()}}
			}
		}
		out := inst.run(f.life, payload)
		if errors.Is(out.err, errDiedIdle) {
			inst.stop()
			if warm {
				continue
			}
			return outcome{err: inst.startFailure()}
		}
		f.putIdle(inst)
		return out
	}
}

func (f *Function) takeIdle() (*instance, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.idle = slices.DeleteFunc(f.idle, (*instance).dead)
	if len(f.idle) == 0 {
		return nil, false
	}
	last := len(f.idle) - 1
	inst := f.idle[last]
	f.idle = slices.Delete(f.idle, last, last+1)
	return inst, true
}

// putIdle keeps an instance warm, unless it is dead or nobody wants it.
func (f *Function) putIdle(inst *instance) {
	f.mu.Lock()
	keep := !f.closed && !inst.dead()
	if keep {
		f.idle = append(f.idle, inst)
	}
	f.mu.Unlock()
	if !keep {
		inst.stop()
	}
}

// Close lets the invocations under way finish for as long as ctx allows, then
// kills them; it returns when every process has ended. Closing twice is fine.
func (f *Function) Close(ctx context.Context) error {
	f.mu.Lock()
	if !f.closed {
		f.closed = true
		close(f.closing)
	}
	idle := f.idle
	f.idle = nil
	f.mu.Unlock()

	var stops sync.WaitGroup
	for _, inst := range idle {
		stops.Go(inst.stop)
	}
	finished := make(chan struct{})
	go func() {
		stops.Wait()
		f.running.Wait()
		close(finished)
	}()
	defer f.end()
	select {
	case <-finished:
		return nil
	case <-ctx.Done():
		f.end()
		<-finished
		return ctx.Err()
	}
}
