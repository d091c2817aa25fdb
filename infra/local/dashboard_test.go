package local

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/latchkey/latchkey/infra/local/issuer"
)

func TestDashboardAnswersEveryPage(t *testing.T) {
	folder := t.TempDir()
	if err := os.Mkdir(filepath.Join(folder, "assets"), 0o700); err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string]string{"index.html": "<!doctype html>page", "assets/main-x1.js": "script"} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	d, err := newDashboard(folder, "http://127.0.0.1:8080", issuer.Cognito)
	if err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		target, content, kind, caching string
		status                         int
	}{
		{"/", "page", "text/html; charset=utf-8", "no-cache", 200},
		{"/login", "page", "text/html; charset=utf-8", "no-cache", 200},
		{"/callback?code=x", "page", "text/html; charset=utf-8", "no-cache", 200},
		{"/nexus/workspace-settings/users", "page", "text/html; charset=utf-8", "no-cache", 200},
		{"/assets/main-x1.js", "script", "text/javascript; charset=utf-8", "public, max-age=31536000, immutable", 200},
		{"/assets/main-x2.js", "404", "text/plain; charset=utf-8", "", 404},
		{"/config.json", `{"api":"http://127.0.0.1:8080","issuer":"http://127.0.0.1:8080","clientId":"latchkey-dashboard","signUp":"http://127.0.0.1:8080/local/signup"}`, "application/json", "no-cache", 200},
	} {
		r := httptest.NewRequest("GET", "http://127.0.0.1:8080"+tc.target, nil)
		if !d.answers(r) {
			t.Errorf("%s is left to the API", tc.target)
		}
		w := httptest.NewRecorder()
		d.ServeHTTP(w, r)
		h := w.Header()
		if w.Code != tc.status || !strings.Contains(w.Body.String(), tc.content) || h.Get("Content-Type") != tc.kind || h.Get("Cache-Control") != tc.caching {
			t.Errorf("%s: %d %v %s", tc.target, w.Code, h, w.Body)
		}
		if csp := h.Get("Content-Security-Policy"); !strings.HasPrefix(csp, "default-src 'none'; script-src 'self';") || strings.Contains(csp, "unsafe") {
			t.Errorf("%s: %q", tc.target, csp)
		}
		if h.Get("Referrer-Policy") != "no-referrer" || h.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s: %v", tc.target, h)
		}
	}
	for _, r := range []*http.Request{
		httptest.NewRequest("GET", "/v1/me/workspaces", nil), httptest.NewRequest("GET", "/invite/x", nil), httptest.NewRequest("POST", "/", nil),
	} {
		if d.answers(r) {
			t.Errorf("%s %s is taken from the API", r.Method, r.URL)
		}
	}
	w := httptest.NewRecorder()
	d.ServeHTTP(w, httptest.NewRequest("GET", "http://localhost:8080/nexus?a=b", nil))
	if w.Code != http.StatusTemporaryRedirect || w.Header().Get("Location") != "http://127.0.0.1:8080/nexus?a=b" {
		t.Errorf("localhost: %d %v", w.Code, w.Header())
	}
	if _, err := newDashboard(t.TempDir(), "http://127.0.0.1:8080", issuer.Cognito); err == nil || !strings.Contains(err.Error(), "make build") {
		t.Errorf("a dashboard that is not built: %v", err)
	}
}
