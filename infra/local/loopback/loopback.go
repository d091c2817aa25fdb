// Package loopback protects unauthenticated servers on this machine from web
// pages. A website can point its own name at 127.0.0.1 and become same-origin
// with any server there (DNS rebinding), so such servers accept requests for
// loopback names only.
//
// It may import the standard library.
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

// Only answers requests for other hosts with 421.
func Only(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !IsHost(r.Host) {
			problem(w, http.StatusMisdirectedRequest, "wrong_host", "This server accepts requests for localhost only.")
			return
		}
		next.ServeHTTP(w, r)
	})
}

// SameOrigin answers cross-origin browser requests with 403. Requests without an
// Origin, such as those of curl, pass.
func SameOrigin(next http.Handler) http.Handler {
	protection := http.NewCrossOriginProtection()
	protection.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		problem(w, http.StatusForbidden, "cross_origin", "Cross-origin requests are not allowed.")
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
