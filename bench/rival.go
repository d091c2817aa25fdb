package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
)

const rivalDir = "bench/rival"

// rival is better-auth's organization plugin in a process of its own.
type rival struct {
	*server
	OrganizationID string
	Admin          string   // the cookie of a session
	Cookies        []string // of the people john-<n>@corp.com
	invitations    []string
}

// newRival starts better-auth with an organization of that many members, and as
// many guests outside it, who can be invited.
func newRival(ctx context.Context, members, guests int) (*rival, error) {
	node, err := systemNode()
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(node, "server.mjs")
	cmd.Dir = rivalDir
	cmd.Env = append(os.Environ(), "NODE_ENV=production", "MEMBERS="+strconv.Itoa(members), "GUESTS="+strconv.Itoa(guests))
	s, err := startServer(ctx, cmd, 1, "/ready")
	if err != nil {
		return nil, err
	}
	r := &rival{server: s, invitations: make([]string, guests)}
	if err := send(http.MethodGet, s.url+"/ready", nil, nil, r); err != nil {
		s.stop()
		return nil, err
	}
	return r, nil
}

// systemNode finds the Node.js that better-sqlite3 is built for: not the npm
// package node, which comes without headers.
func systemNode() (string, error) {
	for dir := range strings.SplitSeq(os.Getenv("PATH"), string(os.PathListSeparator)) {
		path := filepath.Join(dir, "node")
		if info, err := os.Stat(path); err == nil && !info.IsDir() && !strings.Contains(dir, "node_modules") {
			return path, nil
		}
	}
	return "", errors.New("no Node.js is installed on this machine for the rival")
}

func (r *rival) call(cookie, method, path string, in, out any) error {
	header := http.Header{"Cookie": {cookie}, "Origin": {r.url}}
	return send(method, r.url+"/api/auth/organization"+path, header, in, out)
}

func (r *rival) invite(i int) error {
	var out struct{ ID string }
	err := r.call(r.Admin, http.MethodPost, "/invite-member", map[string]any{
		"email": fmt.Sprintf("john-%d@corp.com", i), "role": "member", "organizationId": r.OrganizationID,
	}, &out)
	r.invitations[i] = out.ID
	return err
}

func (r *rival) accept(i int) error {
	return r.call(r.Cookies[i], http.MethodPost, "/accept-invitation", map[string]any{"invitationId": r.invitations[i]}, nil)
}

func (r *rival) list(int) error {
	return r.call(r.Admin, http.MethodGet, "/list-members?limit=50&organizationId="+r.OrganizationID, nil, nil)
}
