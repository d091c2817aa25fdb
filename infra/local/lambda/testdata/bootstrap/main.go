// Command bootstrap is a function that does what a test asks of it.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambdacontext"
)

type request struct {
	Do    string `json:"do"`
	Text  string `json:"text"`
	Sleep int    `json:"sleep"` // milliseconds
}

type response struct {
	PID      int      `json:"pid"`
	Env      []string `json:"env,omitempty"`
	Dir      string   `json:"dir,omitempty"`
	Request  string   `json:"request,omitempty"`
	ARN      string   `json:"arn,omitempty"`
	LeftMS   int64    `json:"leftMs,omitempty"`
	Text     string   `json:"text,omitempty"`
	ChildPID int      `json:"childPid,omitempty"`
	Ticks    int32    `json:"ticks,omitempty"`
}

// ticks counts what goes on behind the invocations.
var ticks atomic.Int32

func main() {
	if os.Getenv("FAIL_AT_START") != "" {
		os.Exit(7)
	}
	lambda.Start(handle)
}

// cpuTime is what this process has used since it was last asked for work.
func cpuTime() time.Duration {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano()+u.Stime.Nano()) - started
}

// started is the time of the CPU when the invocation began.
var started time.Duration

func handle(ctx context.Context, r request) (response, error) {
	out := response{PID: os.Getpid()}
	started = 0
	started = cpuTime()
	time.Sleep(time.Duration(r.Sleep) * time.Millisecond)
	switch r.Do {
	case "describe":
		out.Env = os.Environ()
		out.Dir, _ = os.Getwd()
		lc, _ := lambdacontext.FromContext(ctx)
		out.Request, out.ARN = lc.AwsRequestID, lc.InvokedFunctionArn
		deadline, _ := ctx.Deadline()
		out.LeftMS = time.Until(deadline).Milliseconds()
	case "fail":
		return out, errors.New("as asked")
	case "panic":
		panic("as asked")
	case "exit":
		os.Exit(3)
	case "print":
		for n := range 20 {
			fmt.Printf("out %s %d\n", r.Text, n)
			fmt.Fprintf(os.Stderr, "err %s %d\n", r.Text, n)
		}
	case "large":
		out.Text = strings.Repeat("x", 7<<20)
	case "tick": // goes on when the invocation is over
		go func() {
			for {
				time.Sleep(10 * time.Millisecond)
				ticks.Add(1)
			}
		}()
	case "ticks":
		out.Ticks = ticks.Load()
	case "compute": // 50 ms of a CPU
		for sum, n := 0, 0; n < 1<<30; n++ {
			if sum += n; n%(1<<16) == 0 && cpuTime() > 50*time.Millisecond {
				break
			}
		}
	case "spawn":
		child := exec.Command("sleep", "60")
		child.Stdout = os.Stdout
		if err := child.Start(); err != nil {
			return out, err
		}
		out.ChildPID = child.Process.Pid
	}
	return out, nil
}
