// Command bench measures Latchkey on this machine, beside a rival where there is
// one, and writes docs/performance.md. Each figure is the median of several
// runs; what is compared is measured in turns in the same run.
//
// It may import infra/blueprint, infra/local and its subpackages.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"
)

// section is one part of the report: what it measures, in one run.
type section struct {
	name string
	runs int // the report has their median
	run  func(ctx context.Context, s *sheet) error
}

var sections = []section{
	{"events", 3, measureEvents},
	{"calls", 2, measureCalls},
	{"partitions", 1, measurePartitions},
	{"expire", 1, measureExpire},
	{"growth", 1, measureGrowth},
	{"start", 1, measureStart},
	{"firstcall", 1, measureFirstCall},
	{"memory", 1, measureMemory},
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	var names []string
	for _, s := range sections {
		names = append(names, s.name)
	}
	only := flag.String("only", strings.Join(names, ","), "the sections to measure")
	before := flag.String("before", "bench/before.json", "figures to compare with")
	figures := flag.String("figures", "", "write the figures to this file")
	flag.Func("growth", "the numbers of users at which growth is measured, ascending (default 1000,10000,100000)", setGrowth)
	flag.IntVar(&people, "people", 10_000, "users of the workspace that is listed")
	from := flag.String("from", "", "report the figures of these files, and measure nothing")
	out := flag.String("out", "", "write the report to this file; default: print it")
	flag.Parse()
	err := run(ctx, strings.Split(*only, ","), strings.Split(*from, ","), *before, *figures, *out)
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// people is the number of users in the workspace that is listed.
var people int

func run(ctx context.Context, only, from []string, before, figures, out string) error {
	all, err := readFigures(from)
	if err == nil && all == nil {
		all, err = measure(ctx, only)
	}
	if err == nil && figures != "" {
		err = writeFigures(figures, all)
	}
	if err != nil {
		return err
	}
	old, err := readFigures([]string{before})
	if err != nil {
		return err
	}
	text := report(all, old)
	if out == "" {
		fmt.Print(text)
		return nil
	}
	return os.WriteFile(out, []byte(text), 0o644)
}

// measure runs the sections of these names.
func measure(ctx context.Context, only []string) (all []figure, err error) {
	for _, sec := range sections {
		if !slices.Contains(only, sec.name) {
			continue
		}
		began := time.Now()
		var tries [][]figure
		for range sec.runs {
			s := &sheet{section: sec.name}
			if err := sec.run(ctx, s); err != nil {
				return nil, fmt.Errorf("%s: %w", sec.name, err)
			}
			tries = append(tries, s.figures)
		}
		all = append(all, medians(tries)...)
		fmt.Fprintf(os.Stderr, "%s: %.0f s\n", sec.name, time.Since(began).Seconds())
	}
	return all, nil
}

func writeFigures(path string, all []figure) error {
	raw, err := json.MarshalIndent(all, "", " ")
	if err != nil {
		return err
	}
	return os.WriteFile(path, append(raw, '\n'), 0o644)
}

// readFigures reads the figures of files; those that do not exist have none.
func readFigures(paths []string) (all []figure, err error) {
	for _, path := range paths {
		raw, err := os.ReadFile(path)
		if errors.Is(err, os.ErrNotExist) {
			continue
		}
		var figures []figure
		if err == nil {
			err = json.Unmarshal(raw, &figures)
		}
		if err != nil {
			return nil, err
		}
		all = append(all, figures...)
	}
	return all, nil
}
