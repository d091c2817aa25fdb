// Command bootstrap is a function that does what a test asks of it.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
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
}

func main() {
	if os.Getenv("FAIL_AT_START") != "" {
		os.Exit(7)
	}
	lambda.Start(handle)
}

func handle(ctx context.Context, r request) (response, error) {
	out := response{PID: os.Getpid()}
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
