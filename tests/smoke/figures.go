package main

import (
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"time"
)

// figure is what the calls of one operation took.
type figure struct {
	operation string
	calls     int
	first     time.Duration // the nearest that a caller comes to a cold start
	p50, p99  time.Duration // of the later calls; 0 where there was one call
}

// figuresOf sorts calls by operation, in the order of their first call.
func figuresOf(calls []call) []figure {
	var order []string
	took := map[string][]time.Duration{}
	for _, c := range calls {
		if took[c.operation] == nil {
			order = append(order, c.operation)
		}
		took[c.operation] = append(took[c.operation], c.took)
	}
	out := make([]figure, 0, len(order))
	for _, operation := range order {
		all := took[operation]
		warm := slices.Sorted(slices.Values(all[1:]))
		out = append(out, figure{operation, len(all), all[0], percentile(warm, 50), percentile(warm, 99)})
	}
	return out
}

// percentile is by nearest rank; 0 of nothing.
func percentile(sorted []time.Duration, p float64) time.Duration {
	if len(sorted) == 0 {
		return 0
	}
	return sorted[int(math.Ceil(p/100*float64(len(sorted))))-1]
}

func ms(d time.Duration) string {
	if d == 0 {
		return "–"
	}
	return fmt.Sprintf("%.0f ms", float64(d.Microseconds())/1000)
}

// write prints the outcome as Markdown.
func (o outcome) write(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "# Smoke test\n\n%s of %s, %d calls in %.0f s.\n", o.verdict(), o.at.UTC().Format("2006-01-02 15:04 UTC"), len(o.calls), o.took.Seconds())
	b.WriteString("\nMeasured by the caller, network included. The first call of an operation stands for a cold start, although a function that serves several operations may be warm by then; the connection was open.\n")
	b.WriteString("\n| operation | calls | first call | p50, later calls | p99, later calls |\n|---|---:|---:|---:|---:|\n")
	for _, f := range figuresOf(o.calls) {
		fmt.Fprintf(&b, "| %s | %d | %s | %s | %s |\n", f.operation, f.calls, ms(f.first), ms(f.p50), ms(f.p99))
	}
	if len(o.deliveries) > 0 {
		b.WriteString("\n| mail to | became | after |\n|---|---|---:|\n")
		for _, d := range o.deliveries {
			fmt.Fprintf(&b, "| %s | %s | %.1f s |\n", d.mailbox, d.state, d.after.Seconds())
		}
	}
	writeList(&b, "Left out", o.leftOut)
	writeList(&b, "What remains", o.remains)
	_, err := io.WriteString(w, b.String())
	return err
}

func (o outcome) verdict() string {
	if o.err != nil {
		return "Failed run"
	}
	return "Successful run"
}

func writeList(b *strings.Builder, title string, lines []string) {
	if len(lines) > 0 {
		fmt.Fprintf(b, "\n%s:\n\n- %s\n", title, strings.Join(lines, "\n- "))
	}
}
