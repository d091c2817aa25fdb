package local

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"

	"github.com/latchkey/latchkey/infra/blueprint"
	"github.com/latchkey/latchkey/infra/local/issuer"
)

// dashboard serves the built dashboard (web/), as CloudFront does in the cloud.
type dashboard struct {
	url     string
	files   fs.FS
	headers map[string]string
	mux     *http.ServeMux
}

// newDashboard serves the files of a folder at the stack's own address.
func newDashboard(folder, url string, people issuer.Behavior) (*dashboard, error) {
	if _, err := os.Stat(filepath.Join(folder, blueprint.DashboardPage)); err != nil {
		return nil, fmt.Errorf("the dashboard is not built: run make build: %w", err)
	}
	description := blueprint.DashboardConfig{API: url, Issuer: url, ClientID: issuer.DashboardClient, SignOutWithToken: people.SignOutTakesToken()}
	if path := people.SignUpPath(); path != "" {
		description.SignUp = url + path
	}
	config, err := json.Marshal(description)
	if err != nil {
		return nil, err
	}
	var origins blueprint.DashboardOrigins
	if description.SignOutWithToken {
		origins.SignOut = []string{} // the issuer is at the same address
	}
	d := &dashboard{url: url, files: os.DirFS(folder), headers: blueprint.DashboardHeaders(origins), mux: http.NewServeMux()}
	d.mux.HandleFunc("GET /config.json", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(config)
	})
	d.mux.HandleFunc("GET /", d.file)
	return d, nil
}

// answers says whether a request is for a page or a file rather than the API.
func (d *dashboard) answers(r *http.Request) bool {
	return (r.Method == http.MethodGet || r.Method == http.MethodHead) &&
		!strings.HasPrefix(r.URL.Path, "/v1/") && !strings.HasPrefix(r.URL.Path, "/invite/")
}

func (d *dashboard) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	// Signing in works at one address alone; localhost is another one.
	if own := strings.TrimPrefix(d.url, "http://"); r.Host != own {
		http.Redirect(w, r, d.url+r.URL.RequestURI(), http.StatusTemporaryRedirect)
		return
	}
	file := strings.TrimPrefix(r.URL.Path, "/")
	for name, value := range d.headers {
		w.Header().Set(name, value)
	}
	w.Header().Set("Cache-Control", blueprint.DashboardCaching(file))
	d.mux.ServeHTTP(w, r)
}

func (d *dashboard) file(w http.ResponseWriter, r *http.Request) {
	http.ServeFileFS(w, r, d.files, blueprint.DashboardFile(r.URL.Path))
}
