package history

import (
	"bytes"
	"flag"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/latchkey/latchkey/infra/local/dynamodblocal"
	"github.com/latchkey/latchkey/infra/local/port"
	"github.com/latchkey/latchkey/tests/caller"
	"github.com/latchkey/latchkey/tests/invariant"
)

var crashes = flag.Int("crashes", 1, "how often the machine is killed")

// machine is the service as `make run` runs it, in a process of its own.
type machine struct {
	t                  *testing.T
	root, binary, data string
	port               int
	cmd                *exec.Cmd
	ended              chan struct{} // closed when it has
}

// TestNothingIsLostWhenTheMachineDies plays a load while everything, the database
// included, is killed with -9 and started again on the same data.
func TestNothingIsLostWhenTheMachineDies(t *testing.T) {
	t.Parallel()
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	m := &machine{t: t, root: root, binary: filepath.Join(t.TempDir(), "latchkey"), data: t.TempDir()}
	build := exec.Command("go", "build", "-o", m.binary, "./infra/local/latchkey")
	build.Dir = root
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if m.port, err = port.Free(3); err != nil {
		t.Fatal(err)
	}
	m.start()
	defer m.kill()
	tableURL := "http://127.0.0.1:" + strconv.Itoa(m.port+2)
	w := &world{
		t: t, url: m.url(), tableURL: tableURL, clock: &clock{began: time.Now()},
		db:       dynamodb.New(dynamodb.Options{Region: "us-east-1", BaseEndpoint: aws.String(tableURL), Credentials: dynamodblocal.Credentials}),
		evidence: evidence{perDay: perDay, perInviter: perInviter, endsSent: true},
	}
	l := newLoad(t, w.clock, m.url(), seeds(0)[len(seeds(0))-1], *operations/2)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		w.play([]*load{l})
	}()
	whole := l.left.Load()
	for n := range *crashes {
		for at := whole - whole*int64(n+1)/int64(*crashes+1); l.left.Load() > at; {
			time.Sleep(20 * time.Millisecond)
		}
		from := time.Since(w.began)
		m.kill()
		w.clock.crashes = append(w.clock.crashes, crash{from, time.Since(w.began)})
		m.start()
	}
	<-ended
	l.settle()
	took := w.converge(false)
	w.evidence.crashes = *crashes
	t.Logf("killed %d times; converged %.1f s after the last call", *crashes, took.Seconds())
	w.mails = w.claimed()
	w.conclude()
}

func (m *machine) url() string { return "http://127.0.0.1:" + strconv.Itoa(m.port) }

// crash is the time that it takes the machine to die.
type crash struct{ from, to time.Duration }

// uncommitted is how long before a crash an answer may have come whose write is
// gone. DynamoDB Local answers before it commits: of writes that it had answered,
// the very last was gone in eight kills of eight, and no other one. AWS's never
// loses a write that it has answered.
const uncommitted = 3 * time.Second

// afterCrashes returns the calls as far as they can be relied on. A write that was
// answered at the last moment may not have happened; what was read of it may be
// wrong, and a version that was read may come back.
func afterCrashes(calls []porcupine.Operation, crashes []crash) (reliable []porcupine.Operation) {
	if len(crashes) == 0 {
		return calls
	}
	for _, c := range calls {
		end := time.Duration(c.Return)
		late := slices.ContainsFunc(crashes, func(at crash) bool { return end > at.from-uncommitted && end <= at.to })
		switch {
		case late && harmless(c), c.Output.(output).Code == "version_mismatch":
			continue
		case late:
			c.Return, c.Output = never, output{Lost: true}
		}
		reliable = append(reliable, c)
	}
	return reliable
}

// start starts the service, and waits until it answers. On a machine that is too
// busy for its database to start in time, it tries again.
func (m *machine) start() {
	for range 3 {
		said := &bytes.Buffer{}
		m.cmd = exec.Command(m.binary, "dev")
		m.cmd.Dir, m.cmd.Stdout, m.cmd.Stderr = m.root, said, said
		m.cmd.Env = append(os.Environ(), "PORT="+strconv.Itoa(m.port), "DATA_DIR="+m.data)
		for setting, value := range limits {
			m.cmd.Env = append(m.cmd.Env, setting.About().Name+"="+value)
		}
		if err := m.cmd.Start(); err != nil {
			m.t.Error(err)
			return
		}
		ended, cmd := make(chan struct{}), m.cmd
		m.ended = ended
		go func() {
			_ = cmd.Wait() // it was killed, or said why
			close(ended)
		}()
		if m.answers() {
			return
		}
		m.t.Logf("it did not start: %s", said)
	}
	m.t.Error("it does not start")
}

// answers waits until the service answers; false if it has ended.
func (m *machine) answers() bool {
	for {
		select {
		case <-m.ended:
			return false
		case <-time.After(50 * time.Millisecond):
		}
		if caller.Anyone(m.t, m.url()).Send("GET", "/.well-known/openid-configuration", nil).Status == http.StatusOK {
			return true
		}
	}
}

// kill kills the service with all that it has started, and waits until they are
// gone.
func (m *machine) kill() {
	_ = m.cmd.Process.Kill() // unless it has ended
	<-m.ended
	caller.Eventually(m.t, time.Minute, func() error {
		for i := range 3 {
			if err := port.Taken(m.port + i); err != nil {
				return err
			}
		}
		return nil
	})
}

// claimed returns the mails that were sent, as the table knows them: the inbox
// died with the machine. Of an invitation's mail, the claim says that it was begun
// and the user's delivery that it was sent.
func (w *world) claimed() (mails []mail) {
	people := map[string]invariant.Item{}
	for _, i := range w.items {
		if i.Text("entity") == "user" {
			people[i.Text("pk")+strings.TrimPrefix(i.Text("sk"), "USER#")] = i
		}
	}
	for _, i := range w.items {
		if i.Text("entity") != "mail" {
			continue
		}
		parts := strings.SplitN(i.Text("sk"), "#", 4) // MAIL, user, generation, kind
		gen, err := strconv.Atoi(parts[2])
		if err != nil {
			w.t.Error(err)
		}
		u := people[i.Text("pk")+parts[1]]
		known := u.Number("generation") == gen && !slices.Contains([]string{"", "none", "queued", "scheduled"}, u.Text("delivery"))
		if known || i.Text("sentAt") != "" {
			mails = append(mails, mail{To: u.Text("email"), Subject: parts[3], Gen: gen})
		}
	}
	return mails
}
