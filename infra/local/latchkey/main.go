// Command latchkey runs the whole service on this machine, until Ctrl-C:
//
//	latchkey dev [-port 8080] [-data .data] [-root .] [-seed people.json] [-fault name=value …]
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

const usage = `Latchkey on this machine.

  latchkey dev       run the whole service until Ctrl-C
  latchkey dev -h    its flags
`

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if len(os.Args) < 2 || os.Args[1] != "dev" {
		fmt.Fprint(os.Stderr, usage)
		os.Exit(2)
	}
	cfg, err := readConfig(os.Args[2:], os.Getenv)
	if errors.Is(err, flag.ErrHelp) {
		return
	}
	if err == nil {
		err = run(ctx, cfg)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "Latchkey did not start:", err)
		os.Exit(1)
	}
}
