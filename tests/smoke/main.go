package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Getenv); err != nil {
		fmt.Fprintln(os.Stderr, "smoke:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, getenv func(string) string) error {
	flags := flag.NewFlagSet("smoke", flag.ContinueOnError)
	o := options{run: strconv.FormatInt(time.Now().UnixMilli(), 36)}
	flags.StringVar(&o.api, "api", "", "base `address` of the deployment's API")
	flags.BoolVar(&o.expire, "expire", false, "also expire an invitation, on the laptop: ends every invitation of that stack")
	flags.DurationVar(&o.mailWithin, "mail-within", 5*time.Minute, "how long a mail may take to reach its last state")
	file := flags.String("out", "", "`file` for the figures, beside the terminal")
	if err := flags.Parse(args); err != nil {
		return err
	}
	o.api = strings.TrimSuffix(o.api, "/")
	switch {
	case !strings.HasPrefix(o.api, "https://") && !isLaptop(o.api):
		return errors.New("name the API: make smoke API=https://…, or API=http://127.0.0.1:8080 for make run")
	case o.expire && !isLaptop(o.api):
		return errors.New("EXPIRE=1 is for the laptop: no other deployment's schedule can be moved on")
	}
	admin, invitee, err := identities(ctx, o.api, getenv, o.run)
	if err != nil {
		return err
	}
	out := play(ctx, o, admin, invitee)
	if err := out.write(os.Stdout); err != nil {
		return err
	}
	if *file != "" {
		if err := out.save(*file); err != nil {
			return err
		}
	}
	return out.err
}

// save writes the figures to a file.
func (o outcome) save(path string) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	return errors.Join(o.write(f), f.Close())
}
