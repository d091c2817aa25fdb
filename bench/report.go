package main

import (
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

// headings are the title and text above the table of each section.
var headings = map[string]string{
	"events": `## From write to event

150 users a second are changed; an event is out when the bus has taken it. The time counts from the change's own, so it includes the request. Clients, functions, table and bus share this machine's cores; CPU is milliseconds of a core for each write, by process. What AWS does about it is in [scale.md](scale.md#the-stream).`,
	"calls": `## Calls, beside a rival

Before the work on speed, on the same machine in a faster hour, invite reached 90 and 167 calls a second with 1 and 16 clients, accept 87 and 147, list 90 and 132, list of one status 163 and 248, and better-auth 222 and 330, 293 and 286, 318 and 369. So compare each with better-auth of its own run: list has come from 0.36 to about three quarters of it, invite and accept have gone from half to about two fifths, because DynamoDB Local now writes two more indexes. The functions' own CPU is below better-auth's everywhere.

The same clients call Latchkey as ` + "`make run`" + ` runs it, and better-auth's organization plugin (1.7.25, SQLite in WAL mode, one process of Node.js), in turns. Both have a workspace of 10,000 people. CPU is milliseconds of a core for each call, by process; better-auth's one process stands in the column of the function. One client's calls also carry what the stack does while it waits.

Latchkey alone: events and history of each change, delivered at least once; seats and limits that hold under any race; groups and metadata, encrypted; lists of users and invitations in one, with cursors; every write survives a crash of its process, because the table is a service of its own. DynamoDB Local is that service's emulator, and most of the CPU: in the cloud it is not yours. better-auth alone: sessions, passwords and the organization in one process and one file, with no network between; its invitations are accepted by their id, and its lists page by offset.`,
	"partitions": `## Write units of 500 invitations at once

A partition takes 1,000 a second. [scale.md](scale.md#500-at-once) says what follows.`,
	"expire": `## What falls due

A run of the schedule with due invitations among others. Units and CPU follow those that are due.`,
	"growth": `## A workspace that grows

Units and latency of one call, at each size of one workspace, whose people have every role and status. A function's calls go through a unit counter here, so the times compare with each other and not with those above. A search reads at most a bounded part of the list and says how far it came.`,
	"start": `## Cold start

From the start of the process to its first request for work, in turns with a Lambda that does nothing (hello). bare has DynamoDB's SDK and nothing else: it is the floor for a function that calls AWS, since the SDK builds its schemas as it starts. In user instructions, which the load of the machine does not change, hello takes 0.86 million and bare 3.06. The zip is for arm64.

Patterns of names and of ids are compiled at their first use. The templates of mails are compiled into code (shared/email/templates): html/template finds methods by their names as it runs, so that the linker kept every exported method of the SDK in mail. HTTP/2, which DynamoDB does not speak, is left out by a build tag: 140 KB of each zip. The time zones of mail and workspace take 95 KB; Lambda's provided.al2023 has none.

What is left above bare is mostly the SDK's clients of KMS and SES: each builds the schemas of all its operations and the patterns of its endpoints as it starts, 0.5 and 0.8 ms, and takes 100 to 140 KB of a zip. A client of our own, which signs and retries with the SDK's parts, was built and measured: it takes about 0.2 off the ratios and brings every zip below 3.4 MB. It is not used, because a maintained client is worth more than half a millisecond of a cold start.`,
	"firstcall": `## The first call to AWS

A new process reads an item from a server behind TLS on this machine. Lambda gives a whole core to the init phase and the share of the memory size afterwards, so what is done there is done seven times faster at 256 MB. A connection is nearly all of it, and needs neither a permission nor a unit, so every function connects to DynamoDB as it starts. A call there gains nothing more.`,
	"memory": `## Memory size

The 99th percentile of a warm function's time in milliseconds, with the share of a core that Lambda gives to the size. It includes everything that waits for this machine: of mail, the local SES.

A function that needs c ms of a core and waits t ms for AWS costs memory x (c x 1769 / memory + t): twice the memory halves the first part of its time and adds memory x t to its price, 0.03 USD in a million calls from 256 to 512 MB at 10 ms. So the size follows latency: the smallest that keeps the 99th percentile under 30 ms. On paper that is the smallest at which twice the usual CPU and 10 ms of waiting are less. Here the 99th percentile hardly changes from 256 MB on, and is above 30 ms for most functions at every size: what they wait for is DynamoDB Local. So the size is chosen on paper, by the CPU of many calls in "calls" above (invite 1.7 ms, list 2.0, accept 2.8), which needs 512 MB; the few calls of this section include more of a function's start. expire has 1,024 because of a backlog of a million ([scale.md](scale.md#what-falls-due)). Nobody waits for publish, mail and feedback.`,
}

func report(all, before []figure) string {
	var b strings.Builder
	fmt.Fprintf(&b, "# Performance\n\nMeasured by `make bench` on %s, at commit %s, on %s.", time.Now().UTC().Format(time.DateOnly), commit(), machine())
	if len(before) > 0 {
		b.WriteString(" Where a cell has two figures, the first is from before the work on speed (commit cb76f44), measured by the same program on the same machine.")
	}
	b.WriteString("\n" + disturbance())
	for _, sec := range sections {
		in := slices.DeleteFunc(slices.Clone(all), func(f figure) bool { return f.Section != sec.name })
		if len(in) == 0 {
			continue
		}
		fmt.Fprintf(&b, "\n%s\n\n", headings[sec.name])
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

// disturbance returns a warning if other programs kept the machine busy, else "".
func disturbance() string {
	raw, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return ""
	}
	fields := strings.Fields(string(raw)) // over 1, 5 and 15 minutes
	load, err := strconv.ParseFloat(fields[2], 64)
	if err != nil || load < 3*float64(runtime.NumCPU()) {
		return ""
	}
	return fmt.Sprintf("\n**Disturbed**: other programs kept %s processes waiting for these cores. Rates and times are not Latchkey's; CPU and ratios within a table are nearer to the truth.\n", fields[2])
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
