package local_test

import (
	"os"
	"os/exec"
	"strings"
	"testing"
)

// Every line of the README's walk-through runs, and does what it says.
func TestReadmeWalkThrough(t *testing.T) {
	raw, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, ok := strings.Cut(string(raw), "<!-- walk-through -->\n```bash\n")
	script, _, ok2 := strings.Cut(rest, "```\n<!-- /walk-through -->")
	if !ok || !ok2 {
		t.Fatal("README.md has lost its walk-through")
	}
	script = strings.ReplaceAll(script, "http://127.0.0.1:8080", stack.URL)
	script = strings.ReplaceAll(script, "http://127.0.0.1:8081", stack.MailURL)
	out, err := exec.Command("bash", "-euo", "pipefail", "-c", script).CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	for i, needed := range []string{
		`"id":"manager"`, `"status":"requested"`, "302 " + stack.URL + "/signup#invitation=", `"status":"pending"`,
		`john@corp.com`, `"status":"active"`, `"outcome":"created"`, `"metadata":{"plan":"gold"}`, `"type":"user.updated"`, `"status":"active"`, `"status":"archived"`, `"status":"active"`, `"expired":`,
	} {
		if i >= len(lines) || !strings.Contains(lines[i], needed) {
			t.Errorf("line %d lacks %q; all of it:\n%s", i+1, needed, out)
			break
		}
	}
}
