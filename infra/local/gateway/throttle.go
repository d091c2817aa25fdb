package gateway

import (
	"sync"
	"time"

	"github.com/latchkey/latchkey/infra/blueprint"
)

// bucket is a token bucket, as API Gateway throttles: it holds burst tokens
// and gains rate of them a second; a request takes one.
type bucket struct {
	rate, burst float64
	now         func() time.Time

	mu     sync.Mutex
	tokens float64
	filled time.Time
}

func newBucket(t blueprint.Throttle, now func() time.Time) *bucket {
	return &bucket{
		rate: float64(t.Rate), burst: float64(t.Burst), now: now,
		tokens: float64(t.Burst), filled: now(),
	}
}

func (b *bucket) take() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := b.now()
	// A clock that was set back gives nothing and takes nothing.
	if gained := now.Sub(b.filled).Seconds() * b.rate; gained > 0 {
		b.tokens = min(b.burst, b.tokens+gained)
	}
	b.filled = now
	if b.tokens < 1 {
		return false
	}
	b.tokens--
	return true
}
