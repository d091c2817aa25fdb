package loopback_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/latchkey/latchkey/infra/local/loopback"
)

func TestHosts(t *testing.T) {
	for host, want := range map[string]bool{
		"localhost": true, "LOCALHOST:8080": true, "127.0.0.1": true, "127.0.0.1:80": true, "127.9.9.9:1": true, "[::1]:80": true, "[::1]": true,
		"": false, "evil.example": false, "evil.example:8080": false, "127.0.0.1.evil.example": false, "localhost.evil.example:80": false,
		"127.0.0.1@evil.example": false, "0.0.0.0:80": false, "192.168.1.2": false, "localhost.": false,
	} {
		if loopback.IsHost(host) != want {
			t.Errorf("%q: %v", host, !want)
		}
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.Host = host
		w := httptest.NewRecorder()
		loopback.Only(http.NotFoundHandler()).ServeHTTP(w, r)
		if got := w.Code == http.StatusNotFound; got != want || !got && w.Code != http.StatusMisdirectedRequest {
			t.Errorf("%q: answered %d", host, w.Code)
		}
	}
}

func TestOrigins(t *testing.T) {
	for _, c := range []struct {
		header, value string
		want          int
	}{
		{"", "", 404}, {"Origin", "http://127.0.0.1:8080", 404}, {"Sec-Fetch-Site", "same-origin", 404},
		{"Origin", "http://evil.example", 403}, {"Origin", "http://127.0.0.1:9090", 403}, {"Origin", "null", 403}, {"Sec-Fetch-Site", "cross-site", 403},
	} {
		r := httptest.NewRequest(http.MethodPost, "http://127.0.0.1:8080/local/run/expire", nil)
		if c.header != "" {
			r.Header.Set(c.header, c.value)
		}
		w := httptest.NewRecorder()
		loopback.SameOrigin(http.NotFoundHandler()).ServeHTTP(w, r)
		if w.Code != c.want {
			t.Errorf("%s %s: %d, want %d", c.header, c.value, w.Code, c.want)
		}
	}
}
