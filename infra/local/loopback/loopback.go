// Package loopback keeps web pages away from servers of this machine. A page of
// the internet whose name is made to resolve to 127.0.0.1 is same-origin with
// whatever listens there (DNS rebinding), so a server that asks nobody who they
// are answers loopback names alone.
//
// It imports the standard library alone.
package loopback

import (
	"encoding/json"
	"net"
	"net/http"
	"strings"
)

// IsHost reports whether a Host header names this machine: localhost or a
// loopback address, with or without a port.
func IsHost(hostport string) bool {
	host := hostport
	if h, _, err := net.SplitHostPort(hostport); err == nil {
		host = h
	}
	host = strings.Trim(host, "[]")
	ip := net.ParseIP(host)
	return strings.EqualFold(host, "localhost") || ip != nil && ip.IsLoopback()
}

// Only answers requests under another name with 421.
func Only(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !IsHost(r.Host) {
			problem(w, http.StatusMisdirectedRequest, "wrong_host", "This server serves its own machine alone.")
			return
		}
		next.ServeHTTP(w, r)
	})
}

// SameOrigin answers what another site's page makes a browser send with 403.
// Command lines send no Origin, and pass.
func SameOrigin(next http.Handler) http.Handler {
	protection := http.NewCrossOriginProtection()
	protection.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		problem(w, http.StatusForbidden, "cross_origin", "This request came from another site.")
	}))
	return protection.Handler(next)
}

func problem(w http.ResponseWriter, status int, code, detail string) {
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]any{
		"type": "about:blank", "title": http.StatusText(status), "status": status, "code": code, "detail": detail,
	})
}
