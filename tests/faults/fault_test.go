package faults

import (
	"bytes"
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
		return []kind{lostOnce, refusedAlways}
	case "TransactWriteItems":
		return []kind{refusedOnce, refusedAlways, lostOnce, lostAlways, conflictOnce, conflictEver}
	}
	return []kind{refusedOnce, refusedAlways, lostOnce, lostAlways}
}

// plan lets one call of one function fail, and counts its calls. Calls are told
// from those of other plans by marks, one of which is in each of their bodies.
type plan struct {
	function string
	marks    [][]byte // none: every call of the function
	kind     kind
	nth      int // the call that fails, from 1

	mu      sync.Mutex
	order   []string          // ids of the calls, in the order of their first attempts
	calls   map[string]string // operations, by id
	reached bool
}

// faults are the plans at work at a stack.
type faults struct {
	mu    sync.Mutex
	plans []*plan
}

func (f *faults) arm(p *plan) {
	p.calls = map[string]string{}
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
	if _, known := p.calls[c.ID]; !known {
		p.order = append(p.order, c.ID)
		p.calls[c.ID] = c.Operation
	}
	place := slices.Index(p.order, c.ID) + 1
	mine := place == p.nth
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
		if place >= p.nth && c.Operation == "TransactWriteItems" {
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

// operations returns what was called, in order.
func (p *plan) operations() (names []string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, id := range p.order {
		names = append(names, p.calls[id])
	}
	return names
}

func (p *plan) wasReached() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.reached
}
