package main

import (
	"context"
	"time"
)

// pacer keeps an instance to its share of the account's rate: the queue hands
// mails to a bounded number of instances, and each waits between two of them.
// Where the account allows less than the deployment was told, or others send
// from it too, SES throttles: then the interval doubles, and shrinks again with
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

// slower takes a throttled call into account.
func (p *pacer) slower(now time.Time) {
	p.slowed = min(2*max(p.interval, p.slowed, throttle), slowest)
	p.next = now.Add(p.slowed)
}

// faster takes a mail that left into account.
func (p *pacer) faster() {
	p.slowed = p.slowed * 9 / 10
	if p.slowed < throttle {
		p.slowed = 0
	}
}

// sendPaced sends a mail. One that SES throttles is tried again within the run:
// that lasts seconds, and costs no attempt of the queue.
func (h *handler) sendPaced(ctx context.Context, a about) (messageID string, err error) {
	for try := 1; ; try++ {
		messageID, err = h.send(ctx, a)
		if err == nil {
			h.faster()
			return messageID, nil
		}
		if !classify(err).throttled {
			return "", err
		}
		h.slower(h.now())
		if try == throttledTries || h.wait(ctx, h.now()) != nil {
			return "", err
		}
	}
}
