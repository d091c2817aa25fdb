package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/latchkey/latchkey/infra/local/port"
	"github.com/latchkey/latchkey/infra/local/process"
	"github.com/latchkey/latchkey/shared/setting"
)

// client calls both services.
var client = &http.Client{
	Timeout:       time.Minute,
	Transport:     &http.Transport{MaxIdleConnsPerHost: 64},
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
}

// server is a service in a process of its own.
type server struct {
	cmd   *exec.Cmd
	url   string
	dir   string        // its data
	ended chan struct{} // closed when the process has ended
}

func (s *server) hasEnded() bool {
	select {
	case <-s.ended:
		return true
	default:
		return false
	}
}

// startServer starts a program that listens at PORT, the first of n free ports,
// and keeps its data in DATA_DIR. It waits until a path answers.
func startServer(ctx context.Context, cmd *exec.Cmd, n int, path string) (*server, error) {
	first, err := port.Free(n)
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "latchkey-bench-*")
	if err != nil {
		return nil, err
	}
	log, err := os.Create(filepath.Join(dir, "output"))
	if err != nil {
		return nil, err
	}
	defer log.Close()
	cmd.Stdout, cmd.Stderr = log, log
	cmd.Env = append(cmd.Env, "PORT="+strconv.Itoa(first), "DATA_DIR="+dir)
	if err := process.Start(cmd); err != nil {
		return nil, err
	}
	s := &server{cmd: cmd, url: "http://127.0.0.1:" + strconv.Itoa(first), dir: dir, ended: make(chan struct{})}
	go func() { _ = cmd.Wait(); close(s.ended) }()
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(50 * time.Millisecond) {
		res, err := client.Get(s.url + path)
		if err == nil {
			_ = res.Body.Close()
			return s, nil
		}
		if ctx.Err() != nil || s.hasEnded() || time.Now().After(deadline) {
			raw, _ := os.ReadFile(log.Name())
			s.stop()
			return nil, fmt.Errorf("%s did not answer: %s", s.url+path, raw)
		}
	}
}

// stop ends the process and removes its data.
func (s *server) stop() {
	_ = process.Terminate(s.cmd)
	select {
	case <-s.ended:
	case <-time.After(10 * time.Second):
		_ = process.Kill(s.cmd)
		<-s.ended
	}
	_ = os.RemoveAll(s.dir)
}

// cpu returns the CPU time of the process and its children.
func (s *server) cpu() map[string]float64 { return childrenCPU(s.cmd.Process.Pid) }

// childrenCPU returns the CPU time of a process and its children in milliseconds,
// by the function that a child runs or the name of its program.
func childrenCPU(pid int) map[string]float64 {
	const perTick = 10 // USER_HZ is 100 on every Linux
	self := strconv.Itoa(pid)
	out := map[string]float64{}
	stats, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, stat := range stats {
		raw, err := os.ReadFile(stat)
		if err != nil {
			continue // it has ended
		}
		// https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html
		fields := strings.Fields(string(raw[strings.LastIndexByte(string(raw), ')')+1:]))
		pid := filepath.Base(filepath.Dir(stat))
		if pid != self && fields[1] != self {
			continue
		}
		exe, err := os.Readlink(filepath.Join(filepath.Dir(stat), "exe"))
		if err != nil {
			continue
		}
		name := filepath.Base(exe)
		if name == "bootstrap" {
			name = filepath.Base(filepath.Dir(exe))
		}
		for _, field := range fields[11:13] { // utime, stime
			ticks, _ := strconv.Atoi(field)
			out[name] += float64(ticks) * perTick
		}
	}
	return out
}

// office is a workspace on a stack in a process of its own, as make run runs it.
type office struct {
	*server
	admin, path string
	n           atomic.Int64
}

func newOffice(ctx context.Context) (*office, error) {
	cmd := exec.Command("build/latchkey", "dev")
	cmd.Env = os.Environ()
	for _, limit := range []*setting.Int{setting.MailsPerInviter, setting.MailsPerNewWorkspace, setting.MailsPerWorkspace} {
		cmd.Env = append(cmd.Env, limit.Name+"=100000") // no limit is reached
	}
	s, err := startServer(ctx, cmd, 3, "/.well-known/openid-configuration")
	if err != nil {
		return nil, err
	}
	o := &office{server: s}
	if err := o.open(); err != nil {
		s.stop()
		return nil, err
	}
	return o, nil
}

// open creates the workspace and its admin.
func (o *office) open() (err error) {
	o.admin, err = o.token("ada@corp.com")
	if err != nil {
		return err
	}
	var w struct{ ID string }
	err = o.call(o.admin, http.MethodPost, "/v1/workspaces", map[string]any{"name": "Nexus"}, &w)
	o.path = "/v1/workspaces/" + w.ID
	return err
}

// call makes a request and decodes the answer into out, if that is not nil.
func (o *office) call(token, method, path string, in, out any) error {
	header := http.Header{}
	if token != "" {
		header.Set("Authorization", "Bearer "+token)
	}
	return send(method, o.url+path, header, in, out)
}

func send(method, url string, header http.Header, in, out any) error {
	var body io.Reader
	if in != nil {
		raw, err := json.Marshal(in)
		if err != nil {
			return err
		}
		body = bytes.NewReader(raw)
	}
	req, err := http.NewRequest(method, url, body)
	if err != nil {
		return err
	}
	maps.Copy(req.Header, header)
	req.Header.Set("Content-Type", "application/json")
	res, err := client.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode >= 400 {
		return fmt.Errorf("%s %s: %d %.300s %w", method, url, res.StatusCode, raw, err)
	}
	if out == nil {
		return nil
	}
	return json.Unmarshal(raw, out)
}

func (o *office) token(email string) (string, error) {
	var t struct{ Token string }
	err := o.call("", http.MethodPost, "/local/token", map[string]any{"email": email, "name": "Jo Doe"}, &t)
	return t.Token, err
}

// guest is a person who was invited.
type guest struct{ id, email, path, token string }

func (o *office) person() map[string]any {
	return map[string]any{
		"name": "John Doe", "email": fmt.Sprintf("john-%d@corp.com", o.n.Add(1)), "role": "builder", "sendEmail": false,
		"metadata": map[string]any{"apiKey": "abc123", "region": "eu"},
	}
}

func (o *office) invite() (guest, error) {
	person := o.person()
	var u struct {
		ID         string
		Invitation struct{ URL string }
	}
	err := o.call(o.admin, http.MethodPost, o.path+"/users", person, &u)
	return guest{id: u.ID, email: person["email"].(string), path: "/v1/invitations/" + strings.TrimPrefix(u.Invitation.URL, o.url+"/invite/")}, err
}

// fill invites n people, 500 a call.
func (o *office) fill(n int) error {
	for begin := 0; begin < n; begin += 500 {
		people := make([]any, min(500, n-begin))
		for i := range people {
			people[i] = o.person()
		}
		if err := o.call(o.admin, http.MethodPost, o.path+"/users/batch", map[string]any{"users": people}, nil); err != nil {
			return err
		}
	}
	return nil
}
