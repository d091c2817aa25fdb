//go:build unix

package lambda_test

import (
	"runtime"
	"testing"
	"time"

	"github.com/latchkey/latchkey/infra/local/lambda"
)

// What an invocation leaves running stands still until the next one.
func TestAnInstanceIsFrozenBetweenInvocations(t *testing.T) {
	for _, freeze := range []bool{true, false} {
		f := newFunction(t, func(c *lambda.Config) { c.Freeze = freeze })
		first := mustInvoke(t, f, `{"do":"tick"}`)
		time.Sleep(500 * time.Millisecond)
		a := mustInvoke(t, f, `{"do":"ticks"}`)
		if a.PID != first.PID {
			t.Fatal("another instance answered")
		}
		if freeze && a.Ticks > 10 || !freeze && a.Ticks < 20 {
			t.Errorf("freeze %v: %d ticks in half a second between invocations", freeze, a.Ticks)
		}
		// It is awake while it works.
		if b := mustInvoke(t, f, `{"do":"ticks","sleep":300}`); b.Ticks-a.Ticks < 10 {
			t.Errorf("freeze %v: %d ticks in 300 ms of an invocation", freeze, b.Ticks-a.Ticks)
		}
	}
}

// A frozen instance ends when it is told to.
func TestAFrozenInstanceEnds(t *testing.T) {
	f := newFunction(t, func(c *lambda.Config) { c.Freeze = true })
	pid := mustInvoke(t, f, `{}`).PID
	time.Sleep(100 * time.Millisecond)
	began := time.Now()
	if err := f.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(began); took > 900*time.Millisecond {
		t.Errorf("it took %v: the process had to be killed", took)
	}
	if alive(pid) {
		t.Error("it lives on")
	}
}

// Memory buys CPU: 50 ms of work take about 350 ms at 256 MB, and 700 at 128.
func TestCPUGoesByMemory(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("only Linux tells how long a process has run")
	}
	took := func(mb int, limit bool) time.Duration {
		f := newFunction(t, func(c *lambda.Config) { c.MemoryMB, c.LimitCPU = mb, limit })
		mustInvoke(t, f, `{}`)
		began := time.Now()
		mustInvoke(t, f, `{"do":"compute"}`)
		return time.Since(began)
	}
	// However busy this machine is, a limited run takes no less than this.
	for mb, least := range map[int]time.Duration{256: 250 * time.Millisecond, 128: 500 * time.Millisecond} {
		if got := took(mb, true); got < least {
			t.Errorf("at %d MB it took %v", mb, got)
		}
	}
	for _, free := range []func() time.Duration{
		func() time.Duration { return took(1769, true) }, func() time.Duration { return took(128, false) },
	} {
		best := free()
		for tries := 0; best > 250*time.Millisecond && tries < 10; tries++ {
			best = min(best, free())
		}
		if best > 250*time.Millisecond {
			t.Errorf("without a limit it took %v at best", best)
		}
	}
}
