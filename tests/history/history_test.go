package history

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"math/rand/v2"
	"net/http"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/latchkey/latchkey/infra/blueprint"
	"github.com/latchkey/latchkey/infra/local"
	"github.com/latchkey/latchkey/infra/local/dynamodblocal"
	"github.com/latchkey/latchkey/infra/local/messaging"
	"github.com/latchkey/latchkey/infra/local/stream"
	"github.com/latchkey/latchkey/shared/setting"
	"github.com/latchkey/latchkey/tests/caller"
	"github.com/latchkey/latchkey/tests/invariant"
)

var (
	operations = flag.Int("operations", 250, "calls of a load")
	seed       = flag.Uint64("seed", 0, "of the only load; 0 is a fixed seed, and a random one")
	lasts      = flag.Duration("for", 0, "how long loads with new seeds go on; 0 is one round")
	severe     = flag.Bool("severe", false, "kill the function mail, too, and stop the table for 15 s: mails then wait for leases of a minute")
)

const (
	perDay     = 40 // mails of a workspace
	perInviter = 25
	retrySpeed = 20 // a failed message shows again after 9 s instead of three minutes
)

var limits = map[setting.Definition]string{
	setting.MailsPerNewWorkspace: fmt.Sprint(perDay), setting.MailsPerInviter: fmt.Sprint(perInviter),
}

// converged is within what time after the last fault everything has followed that
// follows a write. The longest waits are a mail's lease of a minute, and the nine
// seconds after each failure.
const converged = 4 * time.Minute

// seeds are those of one round's loads.
func seeds(round int) []uint64 {
	switch {
	case *seed != 0:
		return []uint64{*seed + uint64(round)}
	case round == 0:
		return []uint64{1, rand.Uint64N(1 << 32)}
	}
	return []uint64{rand.Uint64N(1 << 32), rand.Uint64N(1 << 32)}
}

// TestNothingIsLost plays loads while everything around the functions fails, but
// the machine.
func TestNothingIsLost(t *testing.T) {
	t.Parallel()
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	f := newTrouble(max(*seed, 1), !*severe)
	stack, err := local.Start(t.Context(), local.Config{
		Root: root, Functions: filepath.Join(root, "build", "local"), TableFault: f.table, Around: f.around,
		RetrySpeed: retrySpeed, Settings: limits,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := stack.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	w := &world{t: t, url: stack.URL, db: stack.DB, tableURL: stack.TableURL, queues: stack.Queues, clock: &clock{began: time.Now()}, evidence: evidence{
		events: map[string][]string{}, perDay: perDay, perInviter: perInviter,
	}}
	stack.Bus.Subscribe(w.hear)
	for round := 0; round == 0 || time.Since(w.began) < *lasts; round++ {
		var loads []*load
		for _, seed := range seeds(round) {
			loads = append(loads, newLoad(t, w.clock, stack.URL, seed, *operations))
		}
		f.set(true)
		ended := make(chan struct{})
		var failing sync.WaitGroup
		failing.Go(func() { f.play(t, stack, ended) })
		w.play(loads)
		close(ended)
		failing.Wait()
		f.set(false)
		f.late.Wait()
		for _, l := range loads {
			l.settle()
		}
		took := w.converge(true)
		t.Logf("converged %.1f s after the last fault; so far: %s", took.Seconds(), f.summary())
	}
	w.mails = w.inbox(stack.MailURL)
	w.conclude()
}

// play lets things fail until it is over.
func (f *trouble) play(t *testing.T, stack *local.Stack, ended <-chan struct{}) {
	stops := 2 * time.Second
	if !f.mild {
		stops = 15 * time.Second
	}
	rotated := false
	for n := 1; ; n++ {
		select {
		case <-ended:
			return
		case <-time.After(300 * time.Millisecond):
		}
		f.kill()
		if n >= 8 && !rotated { // there are links by now, and functions restart all the time
			rotated = f.rotate(t, stack)
		}
		if n%10 == 0 {
			f.redrive(t, stack.Queues)
		}
		if n == 6 || n%200 == 0 {
			f.stop(t, stops)
		}
	}
}

// world is a stack, and all that is known of it.
type world struct {
	*clock
	evidence
	t        *testing.T
	url      string
	db       *dynamodb.Client
	tableURL string
	queues   *messaging.Queues // nil where they are another process's
	hurried  time.Time         // when that process was last told to hurry
	loads    []*load
	hearing  sync.Mutex
}

// hear notes an event of the bus.
func (w *world) hear(e messaging.Envelope) {
	w.hearing.Lock()
	defer w.hearing.Unlock()
	id := textOf(string(e.Detail), "id")
	w.events[id] = append(w.events[id], string(e.Detail))
}

// play plays loads at the same time.
func (w *world) play(loads []*load) {
	w.loads = append(w.loads, loads...)
	var all sync.WaitGroup
	for _, l := range loads {
		all.Go(l.run)
	}
	all.Wait()
}

// check fails the test where the calls of a person cannot have been answered as
// they were.
func (w *world) check(l *load) {
	w.t.Helper()
	began, longest := time.Now(), 0
	histories := l.histories()
	for p, calls := range histories {
		longest = max(longest, len(calls))
		switch check(calls) {
		case porcupine.Illegal:
			w.t.Errorf("seed %d: what %s (%s) in %s went through is impossible:\n%sTheir record was written:\n%s",
				l.seed, p.email, p.id, p.office.id, describe(shortest(calls)), w.written(p))
		case porcupine.Unknown:
			w.t.Errorf("seed %d: no order was found for %d calls within %v", l.seed, len(calls), atMost)
		}
	}
	w.t.Logf("seed %d: %d calls, %d without an answer; %d histories of up to %d calls, checked in %.1f s",
		l.seed, l.made.Load(), l.lost.Load(), len(histories), longest, time.Since(began).Seconds())
}

// written lists the states of a person's record, as the table's stream has them.
func (w *world) written(p *person) string {
	var lines strings.Builder
	for _, wr := range w.log {
		if i := wr.After; i.Text("pk") == "WS#"+p.office.id && i.Text("sk") == "USER#"+p.id {
			fmt.Fprintf(&lines, "\t%s %s, version %d, link %d, by %s (%s)\n", i.Last().Text("at"), i.Text("status"),
				i.Number("version"), i.Number("generation"), i.Last().Text("type"), i.Last().Text("correlationId"))
		}
	}
	return lines.String()
}

// converge waits until everything has followed that follows a write, with the
// schedule running as if days went by, so that postponed mails leave.
func (w *world) converge(queued bool) time.Duration {
	w.t.Helper()
	began, changed, before, days := time.Now(), time.Now(), -1, 0
	rest := 300 * time.Millisecond
	if w.queues == nil { // nobody sees the notices that come a second after their mail
		rest = 3 * time.Second
	}
	caller.Eventually(w.t, converged, func() error {
		items, err := invariant.Items(w.t.Context(), w.db, local.TableName)
		if err != nil {
			return err
		}
		if len(items) != before {
			changed, before = time.Now(), len(items)
		}
		if err := w.quiet(); err != nil {
			changed = time.Now()
			return err
		}
		waiting, err := open(items, !queued, len(w.clock.crashes))
		switch {
		case err != nil:
			changed = time.Now()
			return err
		case len(waiting) > 0 && time.Since(changed) > rest:
			days++
			changed = time.Now()
			w.loads[0].sweep(0, time.Duration(days)*12*time.Hour)
			fallthrough
		case time.Since(changed) < rest:
			return fmt.Errorf("on day %g, %d items wait, and the table has %d items; the last is %v", float64(days)/2, len(waiting), len(items), last(waiting))
		}
		w.items = items
		return nil
	})
	return time.Since(began)
}

func last(of []invariant.Item) invariant.Item {
	if len(of) == 0 {
		return nil
	}
	return of[len(of)-1]
}

// open returns an error for what is under way, unless it is so little that a crash
// may have stopped it, and the users and groups that wait for the schedule.
func open(items []invariant.Item, endsSent bool, crashes int) (waiting []invariant.Item, err error) {
	var under []error
	told := map[string]bool{}
	for _, i := range items {
		if i.Text("entity") == "history" {
			_, id, _ := strings.Cut(i.Text("sk"), "#")
			told[id] = true
		}
	}
	for _, i := range items {
		if last := i.Last().Text("id"); last != "" && !told[last] {
			under = append(under, fmt.Errorf("no line of history tells of %v of %s", i.Last(), i.Text("sk")))
		}
		if i.Text("entity") == "history" {
			continue
		}
		switch d := i.Text("delivery"); {
		case d == "scheduled" || i.Text("postponedUntil") != "" || i["deleting"] == true:
			waiting = append(waiting, i)
		case d == "queued" || d == "sent" && !endsSent:
			under = append(under, fmt.Errorf("%s has the delivery %s", i.Text("sk"), d))
		}
	}
	if len(under) > crashes {
		err = under[0]
	}
	return waiting, err
}

// quiet returns an error while a queue holds anything. What was given up is
// redriven, as the runbook has it.
func (w *world) quiet() error {
	if w.queues == nil {
		if time.Since(w.hurried) < 20*time.Second {
			return nil
		}
		w.hurried = time.Now()
		a := caller.Anyone(w.t, w.url).Send("POST", "/local/queues/advance", fields{"seconds": 180})
		return a.Err
	}
	for _, q := range [][2]string{{blueprint.QueueMailDead, blueprint.QueueMail}, {blueprint.QueueFeedbackDead, blueprint.QueueFeedback}} {
		if _, err := w.queues.Redrive(q[0], q[1]); err != nil {
			return err
		}
		if depth, err := w.queues.Depth(q[1]); err != nil || depth.Visible+depth.InFlight > 0 {
			return fmt.Errorf("the queue %s holds %d messages, and %d in flight: %w", q[1], depth.Visible, depth.InFlight, err)
		}
	}
	return nil
}

// conclude holds all that is left against what was promised.
func (w *world) conclude() {
	w.t.Helper()
	w.log = w.readLog()
	broken := w.broken()
	for _, l := range w.loads {
		w.check(l)
		broken = append(broken, l.miscounted(w.items)...)
	}
	var of []string
	for _, l := range w.loads {
		of = append(of, fmt.Sprint(l.seed))
	}
	if len(broken) > 0 {
		w.t.Errorf("seeds %s: %d promises are broken:\n\t%s", strings.Join(of, ", "), len(broken), strings.Join(broken[:min(len(broken), 20)], "\n\t"))
	}
	w.t.Logf("seeds %s: %d writes, %d changes, %d events heard once more, %d mails, %d of them once more; %s; %.0f s",
		strings.Join(of, ", "), len(w.log), len(w.changes()), w.duplicate, len(w.mails), w.twice(), w.byEntity(), time.Since(w.began).Seconds())
}

// miscounted compares what the API counts and lists with the table.
func (l *load) miscounted(items []invariant.Item) (broken []string) {
	for _, o := range l.offices {
		are := map[string]int{}
		for _, i := range items {
			if i.Text("entity") == "user" && i.Text("pk") == "WS#"+o.id {
				are[i.Text("status")]++
			}
		}
		listed := map[string]int{}
		cursor := ""
		for first := true; first || cursor != ""; first = false {
			var page struct {
				Users      []caller.User
				Counts     map[string]int
				NextCursor string
			}
			l.operator.Send("GET", o.path+"/users?limit=100&counts=true"+cursor, nil).Into(http.StatusOK, &page)
			for _, u := range page.Users {
				listed[u.Status]++
			}
			for status, n := range page.Counts {
				if n != are[status] {
					broken = append(broken, fmt.Sprintf("%s counts %d %s, and has %d", o.id, n, status, are[status]))
				}
			}
			if cursor = page.NextCursor; cursor != "" {
				cursor = "&cursor=" + cursor
			}
		}
		for status, n := range are {
			if listed[status] != n {
				broken = append(broken, fmt.Sprintf("%s lists %d %s, and has %d", o.id, listed[status], status, n))
			}
		}
	}
	return broken
}

var linkOf = regexp.MustCompile(`/invite/([A-Za-z0-9_-]{96})`)

// inbox returns the mails that the mail server took.
func (w *world) inbox(url string) (mails []mail) {
	w.t.Helper()
	var store struct {
		Emails []struct {
			Destination struct{ To []string }
			Subject     string
			Body        struct{ Text string }
		}
	}
	caller.Anyone(w.t, url).Send("GET", "/store", nil).Into(http.StatusOK, &store)
	for _, m := range store.Emails {
		gen := 0
		if link := linkOf.FindStringSubmatch(m.Body.Text); link != nil {
			gen = generation(link[1])
		}
		for _, to := range m.Destination.To {
			mails = append(mails, mail{To: to, Subject: m.Subject, Gen: gen})
		}
	}
	return mails
}

// readLog reads the table's stream from its beginning.
func (w *world) readLog() []write {
	w.t.Helper()
	log := &logReader{}
	source, err := stream.New(stream.Config{
		DB: w.db, Streams: dynamodblocal.Streams(w.tableURL), Table: local.TableName, Source: blueprint.StreamSource{BatchSize: 1000},
		Invoker: log, Checkpoints: checkpoints{},
	})
	if err != nil {
		w.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(w.t.Context())
	defer cancel()
	go source.Run(ctx)
	for still, before := 0, 0; still < 10; still++ {
		time.Sleep(100 * time.Millisecond)
		if n := log.len(); n != before || n == 0 {
			still, before = 0, n
		}
	}
	log.mu.Lock()
	defer log.mu.Unlock()
	return slices.Clone(log.writes)
}

// checkpoints start at the beginning of a stream, and forget nothing.
type checkpoints map[string]string

func (c checkpoints) At(stream, shard string) (string, error) { return c[stream+shard], nil }

func (c checkpoints) Remember(stream, shard, sequence string) error {
	c[stream+shard] = sequence
	return nil
}

// logReader takes the records of a stream, as a function would.
type logReader struct {
	mu     sync.Mutex
	writes []write
}

func (l *logReader) len() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.writes)
}

func (l *logReader) Invoke(_ context.Context, event []byte) ([]byte, error) {
	var in struct {
		Records []struct {
			DynamoDB struct{ OldImage, NewImage map[string]map[string]any }
		}
	}
	if err := json.Unmarshal(event, &in); err != nil {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, r := range in.Records {
		l.writes = append(l.writes, write{Before: itemOf(r.DynamoDB.OldImage), After: itemOf(r.DynamoDB.NewImage)})
	}
	return nil, nil
}

// itemOf turns DynamoDB's JSON into an item.
func itemOf(image map[string]map[string]any) invariant.Item {
	if image == nil {
		return nil
	}
	item := invariant.Item{}
	for name, value := range image {
		item[name] = plain(value)
	}
	return item
}

func plain(value map[string]any) any {
	for kind, v := range value {
		switch v := v.(type) {
		case string:
			var n float64
			if kind == "N" && json.Unmarshal([]byte(v), &n) == nil {
				return n
			}
		case map[string]any: // M
			item := map[string]any{}
			for name, member := range v {
				member, _ := member.(map[string]any)
				item[name] = plain(member)
			}
			return item
		}
		return v
	}
	return nil
}
