package main

import (
	"context"
	"time"
)

// pacer keeps an instance to its share of the account's rate: the queue hands
// mails to a bounded number of instances, and each waits between two of them.
// If the account's rate is lower than the deployment's setting, or is shared with
// other senders, SES throttles: then the interval doubles, and shrinks again with
// each mail that leaves.
type pacer struct {
	interval time.Duration // between two mails of one instance
	slowed   time.Duration // the interval in use while it is longer
	next     time.Time     // when this instance may send again
}

const (
	slowest  = 4 * time.Second
	throttle = 100 * time.Millisecond // the shortest interval that is doubled
	// throttledTries is how often one mail is handed to an SES that throttles:
	// at the slowest, within a run's time.
	throttledTries = 4
)

func (p *pacer) wait(ctx context.Context, now time.Time) error {
	wait := p.next.Sub(now)
	p.next = now.Add(max(wait, 0) + max(p.interval, p.slowed))
	if wait <= 0 {
		return nil
	}
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(wait):
		return nil
	}
}

// slower lengthens the interval after a throttled call.
func (p *pacer) slower(now time.Time) {
	p.slowed = min(2*max(p.interval, p.slowed, throttle), slowest)
	p.next = now.Add(p.slowed)
}

// faster shortens the interval after a mail that left.
func (p *pacer) faster() {
	p.slowed = p.slowed * 9 / 10
	if p.slowed < throttle {
		p.slowed = 0
	}
}

// sendPaced sends a mail, and retries one that SES throttles within the run: that
// takes seconds and uses up no attempt of the queue.
func (h *handler) sendPaced(ctx context.Context, a about) error {
	for try := 1; ; try++ {
		err := h.send(ctx, a)
		if err == nil {
			h.faster()
			return nil
		}
		if !classify(err).throttled {
			return err
		}
		h.slower(h.now())
		if try == throttledTries || h.wait(ctx, h.now()) != nil {
			return err
		}
	}
}
