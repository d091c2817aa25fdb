// Command invoke is `make invoke`: one function, run on one event, beside a
// throw-away table with the sample workspace in it.
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"

	"github.com/latchkey/latchkey/infra/local"
	"github.com/latchkey/latchkey/infra/local/sample"
)

func main() {
	function := flag.String("function", "", "the function's name")
	event := flag.String("event", "", "the file with the event")
	flag.Parse()
	err := run(context.Background(), *function, *event)
	if err != nil {
		fmt.Fprintln(os.Stderr, "invoke:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, function, file string) (err error) {
	if function == "" || file == "" {
		return errors.New("say which function and which event: make invoke FN=invite EVENT=events/invite.json")
	}
	payload, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	root, err := os.Getwd()
	if err != nil {
		return err
	}
	data, err := os.MkdirTemp("", "latchkey-invoke-*")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(data)) }()
	stack, err := local.Start(ctx, local.Config{
		DataDir: data, Root: root, Functions: filepath.Join(root, "build", "local"), Log: os.Stderr,
	})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, stack.Close(ctx)) }()
	err = sample.Seed(ctx, stack.Env())
	if err != nil {
		return err
	}
	answer, err := stack.Invoke(ctx, function, payload)
	if err != nil {
		return err
	}
	var pretty bytes.Buffer
	if json.Indent(&pretty, answer, "", "  ") == nil {
		answer = pretty.Bytes()
	}
	fmt.Println(string(answer))
	return nil
}
