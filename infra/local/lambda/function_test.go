//go:build unix

package lambda_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/latchkey/latchkey/infra/local/lambda"
)

// hostEnv makes the test binary play the host that is killed (host_test.go);
// bootstrapEnv tells it where the function is.
const (
	hostEnv      = "LATCHKEY_TEST_HOST"
	bootstrapEnv = "LATCHKEY_TEST_BOOTSTRAP"
)

func TestMain(m *testing.M) {
	if os.Getenv(hostEnv) != "" {
		host()
		return
	}
	os.Exit(buildAndRun(m))
}

func buildAndRun(m *testing.M) int {
	dir, err := os.MkdirTemp("", "lambda")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer func() { _ = os.RemoveAll(dir) }()
	bootstrap := filepath.Join(dir, "bootstrap")
	build := exec.Command("go", "build", "-tags", "lambda.norpc", "-o", bootstrap, "./testdata/bootstrap")
	if out, err := build.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "build the bootstrap: %v\n%s", err, out)
		return 1
	}
	_ = os.Setenv(bootstrapEnv, bootstrap) // fails for malformed names alone
	return m.Run()
}

type answer struct {
	PID      int      `json:"pid"`
	Env      []string `json:"env"`
	Dir      string   `json:"dir"`
	Request  string   `json:"request"`
	ARN      string   `json:"arn"`
	LeftMS   int64    `json:"leftMs"`
	ChildPID int      `json:"childPid"`
	Ticks    int32    `json:"ticks"`
}

func newFunction(t *testing.T, change func(*lambda.Config)) *lambda.Function {
	t.Helper()
	cfg := lambda.Config{Name: "test", Bootstrap: os.Getenv(bootstrapEnv), Timeout: 10 * time.Second, Log: t.Output()}
	if change != nil {
		change(&cfg)
	}
	f := lambda.New(cfg)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		if err := f.Close(ctx); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return f
}

func invoke(ctx context.Context, f *lambda.Function, payload string) (answer, error) {
	var a answer
	out, err := f.Invoke(ctx, []byte(payload))
	if err != nil {
		return a, err
	}
	return a, json.Unmarshal(out, &a)
}

func mustInvoke(t *testing.T, f *lambda.Function, payload string) answer {
	t.Helper()
	a, err := invoke(t.Context(), f, payload)
	if err != nil {
		t.Fatalf("invoke %s: %v", payload, err)
	}
	return a
}

func TestWhatTheFunctionSees(t *testing.T) {
	t.Setenv("SECRET_OF_THE_HOST", "x")
	f := newFunction(t, func(c *lambda.Config) {
		c.Env = []string{"TABLE=latchkey", "AWS_REGION=eu-central-1", "_HANDLER=mine"}
		c.MemoryMB = 256
	})
	a := mustInvoke(t, f, `{"do":"describe"}`)
	for _, want := range []string{
		"TABLE=latchkey", "AWS_REGION=eu-central-1", "_HANDLER=bootstrap", "TZ=:UTC",
		"AWS_LAMBDA_FUNCTION_NAME=test", "AWS_LAMBDA_FUNCTION_VERSION=$LATEST",
		"AWS_LAMBDA_FUNCTION_MEMORY_SIZE=256", "AWS_LAMBDA_LOG_FORMAT=JSON",
		"AWS_LAMBDA_INITIALIZATION_TYPE=on-demand", "LAMBDA_TASK_ROOT=" + a.Dir,
	} {
		if !slices.Contains(a.Env, want) {
			t.Errorf("%s is missing from the environment", want)
		}
	}
	for _, pair := range a.Env {
		if strings.HasPrefix(pair, "SECRET_OF_THE_HOST") || strings.HasPrefix(pair, "HOME=") {
			t.Errorf("inherited %s", pair)
		}
		if api, ok := strings.CutPrefix(pair, "AWS_LAMBDA_RUNTIME_API="); ok && !strings.HasPrefix(api, "127.0.0.1:") {
			t.Errorf("the runtime API is at %s", api)
		}
	}
	if a.ARN != "arn:aws:lambda:eu-central-1:000000000000:function:test" {
		t.Errorf("arn %s", a.ARN)
	}
	if len(a.Request) != 36 || a.Request[14] != '4' {
		t.Errorf("request id %q is no random UUID", a.Request)
	}
	if a.LeftMS < 8000 || a.LeftMS > 10000 {
		t.Errorf("deadline in %d ms: want a little less than 10,000", a.LeftMS)
	}
}

func TestWarmInstanceIsUsedAgain(t *testing.T) {
	f := newFunction(t, nil)
	first := mustInvoke(t, f, `{"do":"describe"}`)
	for range 5 {
		next := mustInvoke(t, f, `{"do":"describe"}`)
		if next.PID != first.PID {
			t.Errorf("process %d, then %d", first.PID, next.PID)
		}
		if next.Request == first.Request {
			t.Error("two invocations with one request id")
		}
	}
}

func TestParallelInvocationsSpread(t *testing.T) {
	f := newFunction(t, func(c *lambda.Config) { c.MaxInstances = 3 })
	var mu sync.Mutex
	pids := map[int]int{}
	var wg sync.WaitGroup
	for range 9 {
		wg.Go(func() {
			a, err := invoke(t.Context(), f, `{"sleep":300}`)
			if err != nil {
				t.Error(err)
			}
			mu.Lock()
			defer mu.Unlock()
			pids[a.PID]++
		})
	}
	wg.Wait()
	if len(pids) != 3 {
		t.Errorf("%v: want 9 invocations on 3 processes", pids)
	}
}

func TestWaitingForAnInstanceEndsWithTheContext(t *testing.T) {
	f := newFunction(t, func(c *lambda.Config) { c.MaxInstances = 1 })
	mustInvoke(t, f, `{}`)
	var wg sync.WaitGroup
	wg.Go(func() {
		if _, err := invoke(t.Context(), f, `{"sleep":500}`); err != nil {
			t.Error(err)
		}
	})
	time.Sleep(100 * time.Millisecond)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, err := invoke(ctx, f, `{}`)
	if !errors.Is(err, lambda.ErrThrottled) || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
	wg.Wait()
}

func TestCallerLeavesInvocationGoesOn(t *testing.T) {
	f := newFunction(t, func(c *lambda.Config) { c.MaxInstances = 1 })
	pid := mustInvoke(t, f, `{}`).PID
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := invoke(ctx, f, `{"sleep":300}`); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
	if next := mustInvoke(t, f, `{}`).PID; next != pid {
		t.Errorf("process %d was given up for %d", pid, next)
	}
}

func TestTimeoutKills(t *testing.T) {
	f := newFunction(t, func(c *lambda.Config) { c.Timeout = 400 * time.Millisecond })
	pid := mustInvoke(t, f, `{}`).PID
	_, err := invoke(t.Context(), f, `{"sleep":5000}`)
	if !errors.Is(err, lambda.ErrTimeout) {
		t.Fatalf("got %v", err)
	}
	var fe *lambda.FunctionError
	if !errors.As(err, &fe) || fe.Type != "Sandbox.Timedout" || !strings.HasSuffix(fe.Message, "Task timed out after 0.40 seconds") {
		t.Errorf("got %#v", fe)
	}
	if alive(pid) {
		t.Errorf("process %d lives on", pid)
	}
	if next := mustInvoke(t, f, `{}`).PID; next == pid {
		t.Error("the next invocation ran in the killed process")
	}
}

func TestFunctionErrors(t *testing.T) {
	f := newFunction(t, nil)
	for _, test := range []struct {
		payload, kind, message string
		survives               bool
	}{
		{`{"do":"fail"}`, "errorString", "as asked", true},
		{`{"do":"panic"}`, "string", "as asked", false},
		{`{"do":"exit"}`, "Runtime.ExitError", "Runtime exited with error: exit status 3", false},
		{`{"do":"large"}`, "Function.ResponseSizeTooLarge", "exceeded maximum allowed payload size", false},
	} {
		t.Run(test.kind, func(t *testing.T) {
			pid := mustInvoke(t, f, `{}`).PID
			_, err := invoke(t.Context(), f, test.payload)
			var fe *lambda.FunctionError
			if !errors.As(err, &fe) {
				t.Fatalf("got %v", err)
			}
			if fe.Type != test.kind || !strings.Contains(fe.Message, test.message) {
				t.Errorf("got %s: %s", fe.Type, fe.Message)
			}
			var document map[string]any
			if err := json.Unmarshal(fe.Payload, &document); err != nil || document["errorType"] != test.kind {
				t.Errorf("payload %s, %v", fe.Payload, err)
			}
			if !test.survives {
				waitUntilGone(t, pid)
			}
			if next := mustInvoke(t, f, `{}`).PID; (next == pid) != test.survives {
				t.Errorf("process %d, then %d", pid, next)
			}
		})
	}
}

func TestFailedStarts(t *testing.T) {
	broken := newFunction(t, func(c *lambda.Config) { c.Env = []string{"FAIL_AT_START=1"} })
	missing := newFunction(t, func(c *lambda.Config) { c.Bootstrap = "/nonexistent/bootstrap" })
	for kind, f := range map[string]*lambda.Function{"Runtime.ExitError": broken, "Runtime.InvalidEntrypoint": missing} {
		var fe *lambda.FunctionError
		if _, err := invoke(t.Context(), f, `{}`); !errors.As(err, &fe) || fe.Type != kind {
			t.Errorf("got %v, want %s", err, kind)
		}
	}
}

func TestTooLargePayload(t *testing.T) {
	f := newFunction(t, nil)
	if _, err := f.Invoke(t.Context(), make([]byte, 6<<20+1)); !errors.Is(err, lambda.ErrTooLarge) {
		t.Errorf("got %v", err)
	}
}
