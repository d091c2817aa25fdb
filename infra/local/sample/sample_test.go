package sample_test

import (
	"context"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/latchkey/latchkey/infra/blueprint"
	"github.com/latchkey/latchkey/infra/local"
	"github.com/latchkey/latchkey/infra/local/sample"
)

var update = flag.Bool("update", false, "write the files of events/ anew")

const root = "../../.."

func events(t *testing.T) []sample.Event {
	t.Helper()
	all, err := sample.Events()
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// The files of events/ are what this package describes: nothing more, nothing
// less, nothing else.
func TestFilesAreCurrent(t *testing.T) {
	known := map[string]bool{}
	for _, e := range events(t) {
		known[e.File] = true
		want, err := json.MarshalIndent(e.Payload, "", "  ")
		if err != nil {
			t.Fatal(err)
		}
		want = append(want, '\n')
		path := filepath.Join(root, "events", e.File)
		if *update {
			if err := os.WriteFile(path, want, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		got, err := os.ReadFile(path)
		if err != nil || string(got) != string(want) {
			t.Errorf("%s is not current (%v): go test ./infra/local/sample -update", e.File, err)
		}
	}
	files, err := filepath.Glob(filepath.Join(root, "events", "*.json"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		if !known[filepath.Base(file)] {
			t.Errorf("%s belongs to no route and no trigger", file)
		}
	}
}

func TestEveryRouteAndTriggerHasASample(t *testing.T) {
	routes, others := map[string]bool{}, map[string]int{}
	for _, e := range events(t) {
		if name := strings.TrimSuffix(e.File, ".json"); name != e.Function && !strings.HasPrefix(name, e.Function+"-") {
			t.Errorf("%s is not named after its function %s", e.File, e.Function)
		}
		if e.Route != "" {
			routes[e.Route] = true
		} else {
			others[e.Function]++
		}
	}
	for _, f := range blueprint.Functions() {
		for _, r := range f.Routes {
			if !routes[r.Key()] {
				t.Errorf("%s has no sample", r.Key())
			}
		}
		triggers := 0
		for _, has := range []bool{f.Stream != nil, f.Queue != nil, f.Schedule != nil, f.OnAccountConfirmed} {
			if has {
				triggers++
			}
		}
		if others[f.Name] != triggers {
			t.Errorf("%s has %d triggers and %d samples of them", f.Name, triggers, others[f.Name])
		}
	}
}

// Each file, handed to the built function, does what its sample promises.
func TestEverySampleWorks(t *testing.T) {
	ctx := context.Background()
	top, err := filepath.Abs(root)
	if err != nil {
		t.Fatal(err)
	}
	stack, err := local.Start(ctx, local.Config{DataDir: t.TempDir(), Root: top, Functions: filepath.Join(top, "build", "local"), Log: t.Output()})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := stack.Close(ctx); err != nil {
			t.Error(err)
		}
	}()
	if err := sample.Seed(ctx, stack.Env()); err != nil {
		t.Fatal(err)
	}
	for _, e := range events(t) {
		t.Run(e.File, func(t *testing.T) {
			payload, err := os.ReadFile(filepath.Join(root, "events", e.File))
			if err != nil {
				t.Fatal(err)
			}
			answer, err := stack.Invoke(ctx, e.Function, payload)
			if err != nil {
				t.Fatal(err)
			}
			if e.Status != 0 {
				var out struct {
					StatusCode int
					Body       string
				}
				if err := json.Unmarshal(answer, &out); err != nil || out.StatusCode != e.Status {
					t.Errorf("answer %s (%v), want status %d", answer, err, e.Status)
				}
				if strings.Contains(out.Body, `"outcome":"failed"`) {
					t.Errorf("a row has failed: %s", out.Body)
				}
				return
			}
			done := map[string]string{
				"publish.json":           `{"batchItemFailures":[]}`,
				"mail.json":              `{"batchItemFailures":[]}`,
				"feedback.json":          `{"batchItemFailures":[]}`,
				"import.json":            `{"batchItemFailures":[]}`,
				"account-confirmed.json": "", // hands its event back
				"expire.json":            `{"expired":2,"reminded":0,"mailed":0,"groupsDeleted":1,"workspacesErased":0,"importsRevived":0,"failed":0}`,
			}[e.File]
			if normal(t, answer) != normal(t, []byte(done)) && done != "" || done == "" && normal(t, answer) != normal(t, payload) {
				t.Errorf("answer %s, want %s", answer, done)
			}
		})
	}
}

func normal(t *testing.T, raw []byte) string {
	t.Helper()
	if len(raw) == 0 {
		return ""
	}
	var v any
	if err := json.Unmarshal(raw, &v); err != nil {
		t.Fatal(err)
	}
	if m, ok := v.(map[string]any); ok && m["batchItemFailures"] == nil {
		if _, has := m["batchItemFailures"]; has {
			m["batchItemFailures"] = []any{}
		}
	}
	out, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}
