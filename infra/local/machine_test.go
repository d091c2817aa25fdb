package local_test

import (
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/latchkey/latchkey/infra/local/port"
)

// runner builds what `make run` runs, once.
func runner(t *testing.T) (binary, root string) {
	t.Helper()
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	binary = filepath.Join(t.TempDir(), "latchkey")
	if out, err := exec.Command("go", "build", "-o", binary, "./latchkey").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return binary, root
}

// freePorts finds three free ports in a row.
func freePorts(t *testing.T) int {
	t.Helper()
	first, err := port.Free(3)
	if err != nil {
		t.Fatal(err)
	}
	return first
}

type running struct {
	*exec.Cmd
	out  *lockedBuffer
	port int
}

func start(t *testing.T, binary, root, data string, port int, env ...string) running {
	t.Helper()
	r := running{exec.Command(binary, "dev"), &lockedBuffer{}, port}
	r.Dir = root
	r.Stdout, r.Stderr = r.out, r.out
	r.Env = append(append(os.Environ(), "PORT="+strconv.Itoa(port), "DATA_DIR="+data), env...)
	if err := r.Start(); err != nil {
		t.Fatal(err)
	}
	return r
}

func (r running) awaitReady(t *testing.T) {
	t.Helper()
	eventually(t, func() error {
		if !strings.Contains(r.out.String(), "Latchkey is ready") {
			return fmt.Errorf("not ready: %s", r.out.String())
		}
		return nil
	})
}

// children are the processes that a process has started, and theirs.
func children(t *testing.T, pid int) (found []int) {
	t.Helper()
	out, err := exec.Command("ps", "-eo", "pid=,ppid=").Output()
	if err != nil {
		t.Fatal(err)
	}
	parents := map[int][]int{}
	for line := range strings.Lines(string(out)) {
		var child, parent int
		if _, err := fmt.Sscan(line, &child, &parent); err == nil {
			parents[parent] = append(parents[parent], child)
		}
	}
	for queue := parents[pid]; len(queue) > 0; queue = queue[1:] {
		found = append(found, queue[0])
		queue = append(queue, parents[queue[0]]...)
	}
	return found
}

func alive(pid int) bool { return syscall.Kill(pid, 0) == nil }

// What was invited before a restart, and whoever signed up, is there after it,
// and a link that was mailed goes on working. Ctrl-C leaves no process behind.
func TestRestartLosesNothingAndLeavesNothingBehind(t *testing.T) {
	binary, root := runner(t)
	data, port := t.TempDir(), freePorts(t)
	first := start(t, binary, root, data, port)
	first.awaitReady(t)
	base := "http://127.0.0.1:" + strconv.Itoa(port)
	for _, needed := range []string{base, "http://127.0.0.1:" + strconv.Itoa(port+1), "http://127.0.0.1:" + strconv.Itoa(port+2), "Ctrl-C"} {
		if !strings.Contains(first.out.String(), needed) {
			t.Errorf("the greeting lacks %q: %s", needed, first.out.String())
		}
	}

	// The greeting's three lines work when pasted.
	var script []string
	for line := range strings.Lines(first.out.String()) {
		if line = strings.TrimSpace(line); strings.HasPrefix(line, "TOKEN=") || strings.HasPrefix(line, "WS=") || strings.HasPrefix(line, "curl ") {
			script = append(script, line)
		}
	}
	if len(script) != 3 {
		t.Fatalf("the greeting has %d lines to try, not 3", len(script))
	}
	pasted, err := exec.Command("bash", "-c", strings.Join(append(script, "echo; echo $TOKEN; echo $WS"), "\n")).Output()
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(string(pasted)), "\n")
	var u apiUser
	if err := json.Unmarshal([]byte(lines[0]), &u); err != nil || u.Status != "requested" || u.Invitation.URL == "" {
		t.Fatalf("pasted, they print %s", pasted)
	}
	token, workspaceID := lines[1], lines[2]

	kids := children(t, first.Process.Pid)
	if len(kids) < 4 { // java, node, and the functions that were called
		t.Errorf("%d processes are running", len(kids))
	}
	if err := first.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if err := first.Wait(); err != nil {
		t.Errorf("after Ctrl-C: %v: %s", err, first.out.String())
	}
	for _, pid := range kids {
		if alive(pid) {
			t.Errorf("process %d is left behind", pid)
		}
	}

	second := start(t, binary, root, data, port)
	second.awaitReady(t)
	admin := newClient(t, token) // signed before the restart
	path := base + "/v1/workspaces/" + workspaceID
	again := want[apiUser](t, admin.send("GET", path+"/users/"+u.ID+"/link", nil, nil), http.StatusOK)
	if again.Invitation.URL != u.Invitation.URL {
		t.Errorf("after a restart the link is %q, not %q", again.Invitation.URL, u.Invitation.URL)
	}
	kids = children(t, second.Process.Pid)
	if err := second.Process.Kill(); err != nil { // no time to say goodbye
		t.Fatal(err)
	}
	_ = second.Wait() // it was killed
	eventually(t, func() error {
		for _, pid := range kids {
			if alive(pid) {
				return fmt.Errorf("process %d outlives its parent", pid)
			}
		}
		return nil
	})
}

// What is wrong with the machine is said in one sentence.
func TestWhatIsMissingIsSaidInOneSentence(t *testing.T) {
	binary, root := runner(t)
	port := freePorts(t)
	held, err := net.Listen("tcp", "127.0.0.1:"+strconv.Itoa(port+1))
	if err != nil {
		t.Fatal(err)
	}
	defer held.Close()
	noJava := t.TempDir() // a PATH with node alone
	node, err := exec.LookPath("node")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(node, filepath.Join(noJava, "node")); err != nil {
		t.Fatal(err)
	}
	other := freePorts(t)
	for _, c := range []struct {
		name, says string
		port       int
		env        []string
		// lines is how many are said: a wrong setting has one to itself, below
		// the one that announces it.
		lines int
	}{
		{"a port taken", fmt.Sprintf("port %d, for the inbox page, is taken", port+1), port, nil, 1},
		{"no Java", "no Java is installed", other, []string{"PATH=" + noJava}, 1},
		{"no Node.js", "no Node.js is installed", other, []string{"PATH=" + t.TempDir()}, 1},
		{"no such port", "PORT is \"many\"; set a whole number", other, []string{"PORT=many"}, 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := start(t, binary, root, t.TempDir(), c.port, c.env...)
			err := r.Wait()
			said := strings.TrimSpace(r.out.String())
			if err == nil || !strings.Contains(said, c.says) || len(strings.Split(said, "\n")) != c.lines {
				t.Errorf("%v: %q", err, said)
			}
		})
	}
}

// A second stack on the same data folder is refused, and spoils nothing.
func TestOneStackForADataFolder(t *testing.T) {
	binary, root := runner(t)
	data := t.TempDir()
	first := start(t, binary, root, data, freePorts(t))
	first.awaitReady(t)
	defer func() {
		_ = first.Process.Signal(os.Interrupt)
		_ = first.Wait()
	}()
	second := start(t, binary, root, data, freePorts(t))
	if err := second.Wait(); err == nil || !strings.Contains(second.out.String(), "data folder is in use") {
		t.Errorf("%v: %s", err, second.out.String())
	}
	res, err := http.Get("http://127.0.0.1:" + strconv.Itoa(first.port) + "/.well-known/openid-configuration")
	if err != nil || res.StatusCode != http.StatusOK {
		t.Errorf("the first one: %v", err)
	}
}

// A function is killed when its time is over or when it dies, and the next
// request finds a new one: shown here on the whole stack.
func TestAFunctionThatDiesIsReplaced(t *testing.T) {
	o := newOffice(t)
	killFunction(t, "workspace")
	eventually(t, func() error {
		a, err := o.admin.try("GET", o.path, nil, nil)
		if err != nil || a.status != http.StatusOK {
			return fmt.Errorf("%d %s %v", a.status, a.body, err)
		}
		return nil
	})
}
