// Command scale calculates which limit a growing deployment reaches first and
// prints the tables of docs/scale.md; -write updates them there.
//
// It may import infra/blueprint.
package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/latchkey/latchkey/infra/blueprint"
)

// The load that is scaled.
const (
	perDay       = 2000.0 // people invited a day
	inBusiest    = 0.25   // of them in the busiest hour
	inLargest    = 0.2    // of them in the largest workspace
	readsEach    = 10.0   // requests of dashboards for each person
	scannersEach = 10.0   // requests of mail scanners for each mail
	eventsEach   = 4.79   // docs/cost.md
	usersAtOnce  = 500    // invited in one call
)

// Measured by make bench, on the machine of docs/performance.md.
const (
	// Write units in the partition of one workspace, and in byStatus of it.
	inviteWrites, inviteStatusWrites = 4.0, 1.0
	batchWrites                      = 1028.0 // of one call of 500
	// An invitation that the schedule ends.
	expireWrites, expireWorkspaceWrites = 7.0, 4.0
	expireCPU                           = 1.4 // milliseconds of a full core
	publishCPU                          = 0.14
)

// Of AWS. Round trips are guesses on the safe side, and the table says so.
const (
	fullCPU        = 1769.0 // the memory size that comes with one core
	partitionWrite = 1000.0 // write units a second
	roundTrip      = 10.0   // milliseconds, to DynamoDB
	busTrip        = 40.0   // milliseconds, to EventBridge
	slower         = 3.0    // times that a run takes in the cloud
	lanes          = 32     // due items that a run of expire works on at once
	margin         = 15.0   // seconds that it keeps
)

// step is one line of infra/cloud/testdata/measured.json.
type step struct {
	Step, Function                   string
	Times, Ms, ReadUnits, WriteUnits float64
}

// limit is a quota or a capacity of a deployment.
type limit struct {
	name  string
	quota float64
	use   float64 // at the load above
}

func main() {
	write := flag.Bool("write", false, "write the tables into docs/scale.md")
	flag.Parse()
	text, err := tables(".")
	if err == nil && *write {
		err = writeInto("docs/scale.md", text)
	} else if err == nil {
		fmt.Print(text)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "scale:", err)
		os.Exit(1)
	}
}

// tables renders all tables.
func tables(root string) (string, error) {
	raw, err := os.ReadFile(filepath.Join(root, "infra", "cloud", "testdata", "measured.json"))
	if err != nil {
		return "", err
	}
	var steps []step
	if err := json.Unmarshal(raw, &steps); err != nil {
		return "", err
	}
	var b strings.Builder
	b.WriteString(limitTable(limits(steps)))
	b.WriteString(streamText())
	b.WriteString(batchText())
	b.WriteString(expireText())
	return b.String(), nil
}

// each sums a quantity over the steps of one person.
func each(steps []step, of func(step) float64) (sum float64) {
	for _, s := range steps {
		sum += s.Times / 1000 * of(s)
	}
	return sum
}

func limits(steps []step) []limit {
	rate := perDay * inBusiest / 3600 // people a second
	writes := each(steps, func(s step) float64 { return s.WriteUnits })
	busy := each(steps, func(s step) float64 { return s.Ms }) * slower / 1000
	requests := each(steps, func(s step) float64 {
		if f, ok := blueprint.FunctionNamed(s.Function); ok && len(f.Routes) > 0 {
			return 1
		}
		return 0
	})
	// What publish writes is in partitions of history.
	inWorkspace := each(steps, func(s step) float64 {
		switch s.Function {
		case "publish":
			return 0
		case "invite":
			return inviteWrites
		}
		return s.WriteUnits // an upper bound: indexes are in it
	})
	return []limit{
		{"SES: mails a day, a new production account", 50_000, perDay},
		{"SES: mails a second, a new production account", blueprint.DefaultMailRate, rate},
		{"Lambda: runs at once, a new account", 10, rate * busy},
		{"Lambda: runs at once, the usual account", 1000, rate * busy},
		{"HTTP API: requests a second of an account", 10_000, rate * (requests + readsEach + scannersEach)},
		{"HTTP API: previews a second (a route's throttle)", 500, rate * (1 + scannersEach)},
		{"Cognito: sign-ins a second", 120, rate},
		{"DynamoDB: write units a second, a new table", 4000, rate * writes},
		{"DynamoDB: write units a second, a table's quota", 40_000, rate * writes},
		{"DynamoDB: the partition of the largest workspace", partitionWrite, rate * inLargest * inWorkspace},
		{"DynamoDB: its users in byStatus", partitionWrite, rate * inLargest * (inviteStatusWrites + 2*eventsEach)},
		{"DynamoDB: its history, table and index each", partitionWrite, rate * inLargest * eventsEach},
		{"DynamoDB: 16 shards of byDue", 16 * partitionWrite, rate * 3},
		{"Stream: events a second of the busiest shard", publishRate(), rate * inLargest * eventsEach},
		{"EventBridge: events put a second, us-east-1", 10_000, rate * eventsEach},
		{"EventBridge: deliveries a second, the smallest regions", 750, rate},
		{"Schedule: invitations that end a second", expireRate(memoryOf("expire")), perDay / 86400},
	}
}

func memoryOf(function string) float64 {
	f, _ := blueprint.FunctionNamed(function)
	return float64(f.MemoryMB)
}

// share is the part of a core that a memory size comes with.
func share(memory float64) float64 { return min(1, memory/fullCPU) }

// publishRate is the number of events a second that one shard delivers: one batch
// at a time, one round of calls each.
func publishRate() float64 {
	f, _ := blueprint.FunctionNamed("publish")
	batch := float64(f.Stream.BatchSize)
	return batch / (busTrip + batch*publishCPU/share(memoryOf("publish"))) * 1000
}

// expireRate is the number of due invitations a second that the schedule ends, on
// average over runs and the pauses between them.
func expireRate(memory float64) float64 {
	f, _ := blueprint.FunctionNamed("expire")
	byCPU := 1000 / (expireCPU / share(memory))
	byTrips := lanes * 1000 / (3 * roundTrip)
	working := f.Timeout.Seconds() - margin
	return min(byCPU, byTrips) * working / f.Schedule.Every.Seconds()
}

func limitTable(limits []limit) string {
	var b strings.Builder
	b.WriteString("| limit | of | 1x | 10x | 100x | 1,000x |\n|---|---:|---:|---:|---:|---:|\n")
	for _, l := range limits {
		fmt.Fprintf(&b, "| %s | %s |", l.name, number(l.quota))
		for _, times := range []float64{1, 10, 100, 1000} {
			use := number(l.use * times)
			if l.use*times > l.quota {
				use = "**" + use + "**"
			}
			fmt.Fprintf(&b, " %s |", use)
		}
		b.WriteByte('\n')
	}
	return b.String()
}

func streamText() string {
	f, _ := blueprint.FunctionNamed("publish")
	batch := float64(f.Stream.BatchSize)
	cpu := batch * publishCPU / share(memoryOf("publish"))
	changes := partitionWrite / inviteWrites
	return fmt.Sprintf(`
| the stream | |
|---|---:|
| changes a second that a partition can take (%s write units each) | %s |
| calls side by side for a batch of %s (bus, history) | %s |
| a batch at %s MB: %s ms of CPU, %s ms for the calls | %s ms |
| events a second of one shard | %s |
| a shard's events ÷ a partition's changes | %s |
`, number(inviteWrites), number(changes), number(batch), number(math.Ceil(batch/10)+math.Ceil(batch/25)),
		number(memoryOf("publish")), number(cpu), number(busTrip), number(busTrip+cpu), number(publishRate()), number(publishRate()/changes))
}

func batchText() string {
	return fmt.Sprintf(`
| %d invitations at once into one workspace | write units in its partition | seconds at %s a second |
|---|---:|---:|
| one call | %s | %s |
| as many calls of one | %s | %s |
`, usersAtOnce, number(partitionWrite), number(batchWrites), number(batchWrites/partitionWrite), number(usersAtOnce*inviteWrites), number(usersAtOnce*inviteWrites/partitionWrite))
}

func expireText() string {
	var b strings.Builder
	b.WriteString("\n| expire at | due a second | 10,000 due, minutes | 1,000,000 due, minutes | write units a second |\n|---|---:|---:|---:|---:|\n")
	f, _ := blueprint.FunctionNamed("expire")
	for _, memory := range []float64{256, 512, 1024, 1769} {
		rate := expireRate(memory)
		duty := (f.Timeout.Seconds() - margin) / f.Schedule.Every.Seconds()
		mark := ""
		if memory == memoryOf("expire") {
			mark = " (deployed)"
		}
		fmt.Fprintf(&b, "| %s MB%s | %s | %s | %s | %s |\n", number(memory), mark, number(rate), number(10_000/rate*duty/60), number(1e6/rate/60), number(rate/duty*expireWrites))
	}
	fmt.Fprintf(&b, "\nIn one workspace alone its partition takes %s a second, which is %s minutes for a million, until DynamoDB splits it.\n",
		number(partitionWrite/expireWorkspaceWrites), number(1e6/(partitionWrite/expireWorkspaceWrites)/60))
	return b.String()
}

// number has thousands separators and two significant digits below 10.
func number(v float64) string {
	if v < 10 && v != math.Trunc(v) {
		return strconv.FormatFloat(v, 'g', 2, 64)
	}
	digits := strconv.FormatFloat(math.Round(v), 'f', 0, 64)
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits
}

const (
	begin = "<!-- worked out by go run ./bench/scale -write -->\n"
	end   = "<!-- end -->\n"
)

// merge puts the tables into a page.
func merge(page, text string) (string, error) {
	before, rest, ok := strings.Cut(page, begin)
	_, after, ok2 := strings.Cut(rest, end)
	if !ok || !ok2 {
		return "", errors.New("the page has no place for the tables")
	}
	return before + begin + "\n" + text + "\n" + end + after, nil
}

func writeInto(path, text string) error {
	page, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	merged, err := merge(string(page), text)
	if err != nil {
		return err
	}
	return os.WriteFile(path, []byte(merged), 0o644)
}
