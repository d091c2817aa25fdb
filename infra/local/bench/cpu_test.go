package bench

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/latchkey/latchkey/infra/local"
	"github.com/latchkey/latchkey/infra/local/lambda"
)

// calls is how often each operation of BenchmarkCPU is run.
const calls = 1000

// shape is what a function asked of the table in one run: the keys of each
// BatchGetItem, the attributes or expression values of each item of its
// transaction, and its query.
type shape struct {
	Reads  [][]map[string]map[string]string `json:",omitempty"`
	Writes []int                            `json:",omitempty"`
	Query  json.RawMessage                  `json:",omitempty"`
}

// shapes keeps the calls of functions to the table.
type shapes struct {
	mu sync.Mutex
	of map[string]shape
}

func (s *shapes) note(c local.TableCall) (f local.TableFault) {
	var in struct {
		IndexName    string
		RequestItems map[string]struct {
			Keys []map[string]map[string]string
		}
		TransactItems []map[string]struct {
			Item, ExpressionAttributeValues map[string]json.RawMessage
		}
	}
	if json.Unmarshal(c.Body, &in) != nil {
		return f
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.of[c.Function]
	for _, table := range in.RequestItems {
		now.Reads = append(now.Reads, table.Keys)
	}
	if in.IndexName != "" {
		now.Query = slices.Clone(c.Body)
	}
	for _, item := range in.TransactItems {
		for _, part := range item {
			now.Writes = append(now.Writes, max(len(part.Item), len(part.ExpressionAttributeValues)))
		}
	}
	s.of[c.Function] = now
	return f
}

func (s *shapes) take(function string) shape {
	s.mu.Lock()
	defer s.mu.Unlock()
	taken := s.of[function]
	clear(s.of)
	return taken
}

// cpuOf returns the CPU time that the processes of a bootstrap have used so far,
// in clock ticks of 10 ms, user and system together.
func cpuOf(b testing.TB, bootstrap string) (ticks int) {
	found, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil || len(found) == 0 {
		b.Skip("CPU times are read from /proc, which this system does not have")
	}
	for _, stat := range found {
		if exe, err := os.Readlink(filepath.Join(filepath.Dir(stat), "exe")); err != nil || exe != bootstrap {
			continue
		}
		raw, err := os.ReadFile(stat)
		if err != nil {
			continue
		}
		// https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html
		fields := strings.Fields(string(raw[strings.LastIndexByte(string(raw), ')')+1:]))
		if fields[1] != strconv.Itoa(os.Getpid()) {
			continue // of another run of these tests
		}
		for _, field := range fields[11:13] { // utime, stime
			n, err := strconv.Atoi(field)
			if err != nil {
				b.Fatal(err)
			}
			ticks += n
		}
	}
	return ticks
}

// BenchmarkCPU measures the CPU time of a function's own processes over many
// calls, and beside it that of a program which makes the same calls to the table
// and does nothing else: it reads the same items, writes as many attributes, and
// prints what a query finds as JSON. Both are frozen between calls and take turns,
// so neither has the warmer caches. It reports milliseconds a call, and the ratio.
func BenchmarkCPU(b *testing.B) {
	seen := &shapes{of: map[string]shape{}}
	o := newOfficeWith(b, local.Config{TableFault: seen.note})
	bare := built(b, "bare")
	floor := lambda.New(lambda.Config{
		Name: "bare", Bootstrap: bare, Timeout: time.Minute, MemoryMB: 256, Freeze: true,
		Env: []string{"AWS_REGION=us-east-1", "AWS_ACCESS_KEY_ID=x", "AWS_SECRET_ACCESS_KEY=x", "AWS_ENDPOINT_URL_DYNAMODB=" + o.stack.TableURL},
	})
	b.Cleanup(func() { _ = floor.Close(b.Context()) })
	type guest struct{ id, email, url, token string }
	var guests []guest
	invite := func(int) {
		id, email, url := o.inviteWith(map[string]any{"sendEmail": false})
		guests = append(guests, guest{id: id, email: email, url: url})
	}
	for _, op := range []struct {
		name, function string
		prepare        func(g *guest)
		run            func(n int)
	}{
		{"invite", "invite", nil, invite},
		{"accept", "accept", func(g *guest) { g.token = o.token(g.email) }, func(n int) {
			g := guests[n]
			o.call(g.token, "POST", "/v1/invitations/"+g.url[len(o.url+"/invite/"):]+"/accept", nil)
		}},
		{"list", "list", nil, func(int) { o.call(o.admin, "GET", o.path+"/users?limit=50", nil) }},
		{"archive", "archive", nil, func(n int) { o.call(o.admin, "POST", o.path+"/users/"+guests[n].id+"/archive", nil) }},
	} {
		b.Run(op.name, func(b *testing.B) {
			for b.Loop() {
				for n := range guests {
					if op.prepare != nil {
						op.prepare(&guests[n])
					}
				}
				seen.take(op.function)
				op.run(0) // starts the function; its calls are what the bare one makes
				same := seen.take(op.function)
				if len(same.Writes) == 0 {
					same.Reads = nil // the floor of a list is the query alone
				}
				event, err := json.Marshal(same)
				if err != nil {
					b.Fatal(err)
				}
				if _, err := floor.Invoke(b.Context(), event); err != nil {
					b.Fatal(err)
				}
				ours, theirs := cpuOf(b, built(b, op.function)), cpuOf(b, bare)
				for n := range calls {
					op.run(1 + n)
					if _, err := floor.Invoke(b.Context(), event); err != nil {
						b.Fatal(err)
					}
				}
				ours, theirs = cpuOf(b, built(b, op.function))-ours, cpuOf(b, bare)-theirs
				b.ReportMetric(float64(ours)*10/calls, "ms")
				b.ReportMetric(float64(theirs)*10/calls, "bare-ms")
				b.ReportMetric(float64(ours)/float64(theirs), "x-bare")
				b.ReportMetric(0, "ns/op")
				b.Logf("%s: %d calls each; %d BatchGetItem, a transaction of %d items with %v values", op.name, calls, len(same.Reads), len(same.Writes), same.Writes)
			}
		})
	}
}
