package faults

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/latchkey/latchkey/infra/local"
)

// kind is a way in which a call to the table fails.
type kind string

const (
	none          kind = "none"
	refusedOnce   kind = "refused once"   // as too busy; the SDK's next attempt goes through
	refusedAlways kind = "refused always" // in each attempt of the SDK
	conflictOnce  kind = "conflict once"  // with another transaction
	conflictEver  kind = "conflict ever"  // and so do all transactions after it
	lostOnce      kind = "lost once"      // the call goes through, its answer is lost; the next attempt's arrives
	lostAlways    kind = "lost always"    // the same in each attempt
	held          kind = "held"           // the call goes through, its answer comes after the function's deadline
)

// kinds returns the ways in which a call of this operation can fail. What is
// read and then lost is refused in all but name, so a read has one fault that
// the SDK's next attempt gets over, and one that it does not.
func kinds(operation string) []kind {
	switch operation {
	case "BatchGetItem", "GetItem", "Query":
		return []kind{lostOnce, refusedAlways, held}
	case "TransactWriteItems":
		return []kind{refusedOnce, refusedAlways, lostOnce, lostAlways, conflictOnce, conflictEver, held}
	}
	return []kind{refusedOnce, refusedAlways, lostOnce, lostAlways, held}
}

// target is one call of a function: the nth, from 1, of its calls of this
// operation. Calls that are made side by side come in any order, and those of
// one operation least of all differ by it.
type target struct {
	operation string
	nth, of   int
}

func (c target) String() string { return fmt.Sprintf("%s %d of %d", c.operation, c.nth, c.of) }

// plan lets one call of one function fail, and counts its calls. Calls are told
// from those of other plans by marks, one of which is in each of their bodies.
type plan struct {
	function string
	marks    [][]byte // none: every call of the function
	kind     kind
	target   target

	mu      sync.Mutex
	calls   map[string][]string // ids, by operation, in the order of their first attempts
	reached bool
}

// faults are the plans at work at a stack.
type faults struct {
	mu    sync.Mutex
	plans []*plan
}

func (f *faults) arm(p *plan) {
	p.calls = map[string][]string{}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.plans = append(f.plans, p)
}

func (f *faults) release(p *plan) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.plans = slices.DeleteFunc(f.plans, func(q *plan) bool { return q == p })
}

// decide is the stack's TableFault. A call may be several plans' concern: one
// batch of publish has the changes of many workspaces.
func (f *faults) decide(c local.TableCall) (befalls local.TableFault) {
	f.mu.Lock()
	plans := slices.Clone(f.plans)
	f.mu.Unlock()
	for _, p := range plans {
		if p.concerns(c) {
			if fault := p.decide(c); fault != (local.TableFault{}) {
				befalls = fault
			}
		}
	}
	return befalls
}

func (p *plan) concerns(c local.TableCall) bool {
	if p.function != c.Function {
		return false
	}
	return len(p.marks) == 0 || slices.ContainsFunc(p.marks, func(m []byte) bool { return bytes.Contains(c.Body, m) })
}

func (p *plan) decide(c local.TableCall) (f local.TableFault) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !slices.Contains(p.calls[c.Operation], c.ID) {
		p.calls[c.Operation] = append(p.calls[c.Operation], c.ID)
	}
	if c.Operation != p.target.operation {
		return f
	}
	place := slices.Index(p.calls[c.Operation], c.ID) + 1
	mine := place == p.target.nth
	switch p.kind {
	case refusedOnce:
		if mine && c.First {
			f.Refuse = local.TooBusy
		}
	case refusedAlways:
		if mine {
			f.Refuse = local.TooBusy
		}
	case conflictOnce:
		if mine {
			f.Refuse = local.Canceled
		}
	case conflictEver:
		if place >= p.target.nth {
			f.Refuse = local.Canceled
		}
	case lostOnce:
		f.Cut = mine && c.First
	case lostAlways:
		f.Cut = mine
	case held:
		if mine {
			f.Hold = time.Minute
		}
	}
	p.reached = p.reached || f != (local.TableFault{})
	return f
}

// made returns the calls that were made.
func (p *plan) made() (calls []target) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, operation := range slices.Sorted(maps.Keys(p.calls)) {
		n := len(p.calls[operation])
		for i := range n {
			calls = append(calls, target{operation, i + 1, n})
		}
	}
	return calls
}

func (p *plan) wasReached() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.reached
}
