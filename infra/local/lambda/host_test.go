//go:build unix

package lambda_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/latchkey/latchkey/infra/local/lambda"
)

// host is what the test binary does when it plays the host: it leaves one
// instance idle and one in the middle of an invocation, and waits to be killed.
func host() {
	f := lambda.New(lambda.Config{Name: "hosted", Bootstrap: os.Getenv(bootstrapEnv), Timeout: time.Minute})
	ctx := context.Background()
	var pids sync.Map
	var wg sync.WaitGroup
	for range 2 {
		wg.Go(func() {
			a, err := invoke(ctx, f, `{"sleep":300}`)
			if err != nil {
				fmt.Println(err)
			}
			pids.Store(a.PID, true)
		})
	}
	wg.Wait()
	go func() { _, _ = invoke(ctx, f, `{"sleep":60000}`) }()
	time.Sleep(100 * time.Millisecond)
	for pid := range pids.Range {
		fmt.Println(pid)
	}
	time.Sleep(time.Minute)
}

func TestNoProcessOutlivesAKilledHost(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("only Linux has a parent-death signal")
	}
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), hostEnv+"=1")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	var pids []int
	for len(pids) < 2 && lines.Scan() {
		pid, err := strconv.Atoi(lines.Text())
		if err != nil || !alive(pid) {
			t.Fatalf("the host says %q", lines.Text())
		}
		pids = append(pids, pid)
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	for _, pid := range pids {
		waitUntilGone(t, pid)
	}
}

func TestDeathWhileIdleIsUnseen(t *testing.T) {
	f := newFunction(t, nil)
	for range 3 {
		pid := mustInvoke(t, f, `{}`).PID
		if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		waitUntilReaped(t, pid)
		if next := mustInvoke(t, f, `{}`).PID; next == pid {
			t.Error("answered from the grave")
		}
	}
}

func TestCloseLeavesNothingBehind(t *testing.T) {
	f := newFunction(t, nil)
	var mu sync.Mutex
	var pids []int
	var wg sync.WaitGroup
	for range 3 {
		wg.Go(func() {
			a, err := invoke(t.Context(), f, `{"do":"spawn","sleep":200}`)
			if err != nil {
				t.Error(err)
			}
			mu.Lock()
			defer mu.Unlock()
			pids = append(pids, a.PID, a.ChildPID)
		})
	}
	wg.Wait()
	if err := f.Close(t.Context()); err != nil {
		t.Error(err)
	}
	for _, pid := range pids {
		waitUntilGone(t, pid)
	}
	if _, err := invoke(t.Context(), f, `{}`); !errors.Is(err, lambda.ErrClosed) {
		t.Errorf("invoked after Close: %v", err)
	}
}

func TestCloseWaitsThenKills(t *testing.T) {
	for _, test := range []struct {
		name     string
		patience time.Duration
		closed   error
		invoked  error
	}{
		{"patient", 5 * time.Second, nil, nil},
		{"impatient", 50 * time.Millisecond, context.DeadlineExceeded, lambda.ErrClosed},
	} {
		t.Run(test.name, func(t *testing.T) {
			f := newFunction(t, nil)
			pid := mustInvoke(t, f, `{}`).PID
			var wg sync.WaitGroup
			wg.Go(func() {
				if _, err := invoke(t.Context(), f, `{"sleep":600}`); !errors.Is(err, test.invoked) {
					t.Errorf("invocation: %v", err)
				}
			})
			time.Sleep(100 * time.Millisecond)
			ctx, cancel := context.WithTimeout(t.Context(), test.patience)
			defer cancel()
			if err := f.Close(ctx); !errors.Is(err, test.closed) {
				t.Errorf("close: %v", err)
			}
			if alive(pid) {
				t.Error("the process outlives Close")
			}
			wg.Wait()
		})
	}
}

func TestLogIsWholeLines(t *testing.T) {
	var log bytes.Buffer // unguarded: the race detector sees whether we are
	f := newFunction(t, func(c *lambda.Config) { c.Log = &log })
	var wg sync.WaitGroup
	for _, name := range []string{"a", "b", "c"} {
		wg.Go(func() {
			if _, err := invoke(t.Context(), f, `{"do":"print","sleep":100,"text":"`+name+`"}`); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if err := f.Close(t.Context()); err != nil {
		t.Error(err)
	}
	lines := strings.Split(strings.TrimSuffix(log.String(), "\n"), "\n")
	if len(lines) != 120 {
		t.Errorf("%d lines, want 120", len(lines))
	}
	whole := regexp.MustCompile(`^(out|err) [abc] \d+$`)
	for _, line := range lines {
		if !whole.MatchString(line) {
			t.Errorf("line %q", line)
		}
	}
}

func alive(pid int) bool {
	if syscall.Kill(pid, 0) != nil {
		return false
	}
	// An orphan may stay a zombie until somebody reaps it.
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	return err != nil || !strings.Contains(string(stat), ") Z ")
}

func waitUntilGone(t *testing.T, pid int) {
	t.Helper()
	for range 300 {
		if !alive(pid) {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Errorf("process %d is still there", pid)
}

// waitUntilReaped waits for more than waitUntilGone does: a process is a zombie
// while some of its threads still run, with its connections open.
func waitUntilReaped(t *testing.T, pid int) {
	t.Helper()
	for range 3000 {
		if syscall.Kill(pid, 0) != nil {
			return
		}
		time.Sleep(time.Millisecond)
	}
	t.Errorf("process %d is still there", pid)
}
