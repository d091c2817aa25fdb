//go:build linux

package process_test

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/latchkey/latchkey/infra/local/process"
)

// hostEnv makes the test binary play the host that is killed.
const hostEnv = "LATCHKEY_TEST_HOST"

func TestMain(m *testing.M) {
	if os.Getenv(hostEnv) != "" {
		host()
		return
	}
	os.Exit(m.Run())
}

func host() {
	cmd := exec.Command("sleep", "60")
	if err := process.Start(cmd); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(cmd.Process.Pid)
	_ = cmd.Wait()
}

func TestChildDiesWithItsHost(t *testing.T) {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), hostEnv+"=1")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(line))
	if err != nil || !running(pid) {
		t.Fatalf("the host's child: %q, %v", line, err)
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	waitUntilGone(t, pid)
}

// A child must not die with the thread of the goroutine that asked for it.
func TestChildOutlivesTheCallersThread(t *testing.T) {
	cmd := exec.Command("sleep", "60")
	var wg sync.WaitGroup
	wg.Go(func() {
		runtime.LockOSThread() // never unlocked: the thread ends here
		if err := process.Start(cmd); err != nil {
			t.Error(err)
		}
	})
	wg.Wait()
	time.Sleep(100 * time.Millisecond)
	if !running(cmd.Process.Pid) {
		t.Error("the child died with the caller's thread")
	}
	if err := process.Stop(cmd, time.Second); err != nil {
		t.Error(err)
	}
}

func TestStopEndsTheWholeGroup(t *testing.T) {
	for name, script := range map[string]string{
		"polite":   `sleep 60 & echo $!; wait`,
		"stubborn": `trap "" TERM; sleep 60 & echo $!; while true; do wait; done`,
	} {
		t.Run(name, func(t *testing.T) {
			cmd := exec.Command("sh", "-c", script)
			out, err := cmd.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := process.Start(cmd); err != nil {
				t.Fatal(err)
			}
			line, err := bufio.NewReader(out).ReadString('\n')
			if err != nil {
				t.Fatal(err)
			}
			grandchild, err := strconv.Atoi(strings.TrimSpace(line))
			if err != nil {
				t.Fatal(err)
			}
			if group, err := syscall.Getpgid(cmd.Process.Pid); err != nil || group == syscall.Getpgrp() {
				t.Errorf("group %d, %v: want one of its own", group, err)
			}
			if err := process.Stop(cmd, 200*time.Millisecond); err != nil {
				t.Error(err)
			}
			waitUntilGone(t, cmd.Process.Pid)
			waitUntilGone(t, grandchild)
		})
	}
}

func TestStartSaysWhatFails(t *testing.T) {
	cmd := exec.Command("/nonexistent")
	if err := process.Start(cmd); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("got %v", err)
	}
	if err := process.Stop(cmd, time.Second); err != nil {
		t.Errorf("stopping what never started: %v", err)
	}
}

func waitUntilGone(t *testing.T, pid int) {
	t.Helper()
	for range 200 {
		if !running(pid) {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Errorf("process %d is still there", pid)
}

// running is false for zombies too: an orphan may wait long for its reaper.
func running(pid int) bool {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return false
	}
	_, state, _ := strings.Cut(string(stat), ") ")
	return !strings.HasPrefix(state, "Z")
}
