package main

import (
	"cmp"
	"fmt"
	"math"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"
)

// figure is one cell of a table.
type figure struct {
	Section, Row, Column string
	Value                float64
}

// sheet collects the figures of one run of a section.
type sheet struct {
	section string
	figures []figure
}

func (s *sheet) add(row, column string, value float64) {
	s.figures = append(s.figures, figure{s.section, row, column, value})
}

// medians returns the median of each figure over several runs.
func medians(runs [][]figure) []figure {
	var out []figure
	for _, f := range slices.Concat(runs...) {
		if _, ok := lookUp(out, f); ok {
			continue
		}
		var values []float64
		for _, run := range runs {
			if v, ok := lookUp(run, f); ok {
				values = append(values, v)
			}
		}
		f.Value = median(values)
		out = append(out, f)
	}
	return out
}

func median(values []float64) float64 { return percentile(values, 50) }

// percentile returns the smallest value that p percent of the values do not
// exceed; NaN if there are none.
func percentile(values []float64, p float64) float64 {
	if len(values) == 0 {
		return math.NaN()
	}
	sorted := slices.Sorted(slices.Values(values))
	return sorted[max(0, int(math.Ceil(float64(len(sorted))*p/100))-1)]
}

func lookUp(in []figure, f figure) (float64, bool) {
	i := slices.IndexFunc(in, func(g figure) bool { return g.Section == f.Section && g.Row == f.Row && g.Column == f.Column })
	if i < 0 {
		return 0, false
	}
	return in[i].Value, true
}

// headings are what each section says before its table.
var headings = map[string]string{}

func report(all, before []figure) string {
	var b strings.Builder
	fmt.Fprintf(&b, "# Performance\n\nMeasured by `make bench` on %s, at commit %s, on %s. Where a cell has two figures, the first is from before the work on speed (commit %s), measured by the same program on the same machine.\n", time.Now().UTC().Format(time.DateOnly), commit(), machine(), "cb76f44")
	for _, sec := range sections {
		in := slices.DeleteFunc(slices.Clone(all), func(f figure) bool { return f.Section != sec.name })
		if len(in) == 0 {
			continue
		}
		fmt.Fprintf(&b, "\n%s\n\n", cmp.Or(headings[sec.name], "## "+sec.name))
		writeTable(&b, in, before)
	}
	return b.String()
}

func writeTable(b *strings.Builder, in, before []figure) {
	var rows, columns []string
	for _, f := range in {
		if !slices.Contains(rows, f.Row) {
			rows = append(rows, f.Row)
		}
		if !slices.Contains(columns, f.Column) {
			columns = append(columns, f.Column)
		}
	}
	fmt.Fprintf(b, "| | %s |\n|---|%s\n", strings.Join(columns, " | "), strings.Repeat("---:|", len(columns)))
	for _, row := range rows {
		fmt.Fprintf(b, "| %s |", row)
		for _, column := range columns {
			f := figure{Section: in[0].Section, Row: row, Column: column}
			text := ""
			if v, ok := lookUp(in, f); ok {
				text = number(v)
				if old, ok := lookUp(before, f); ok {
					text = number(old) + " → " + text
				}
			}
			fmt.Fprintf(b, " %s |", text)
		}
		b.WriteByte('\n')
	}
}

// number has three significant digits, and no more than two decimals.
func number(v float64) string {
	switch a := math.Abs(v); {
	case math.IsNaN(v):
		return "–"
	case a >= 100:
		return strconv.FormatFloat(v, 'f', 0, 64)
	case a >= 10:
		return strconv.FormatFloat(v, 'f', 1, 64)
	}
	return strconv.FormatFloat(v, 'f', 2, 64)
}

func commit() string {
	out, err := exec.Command("git", "rev-parse", "--short", "HEAD").Output()
	if err != nil {
		return "unknown"
	}
	return strings.TrimSpace(string(out))
}

func machine() string {
	model := "an unknown processor"
	if raw, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		for line := range strings.Lines(string(raw)) {
			if name, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == "model name" {
				model = strings.TrimSpace(value)
				break
			}
		}
	}
	return fmt.Sprintf("%d cores (%s, %s, %s)", runtime.NumCPU(), model, runtime.GOOS, runtime.Version())
}
