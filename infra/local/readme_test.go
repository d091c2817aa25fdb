package local_test

import (
	"bufio"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/latchkey/latchkey/tests/caller"
)

// runScript runs a script of the docs against the stack of the tests, and finds each
// of the needles in a line of its output, in order.
func runScript(t *testing.T, script string, needles ...string) {
	t.Helper()
	script = strings.ReplaceAll(script, "http://127.0.0.1:8080", stack.URL)
	script = strings.ReplaceAll(script, "http://127.0.0.1:8081", stack.MailURL)
	out, err := exec.Command("bash", "-euo", "pipefail", "-c", script).CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	for i, needle := range needles {
		if i >= len(lines) || !strings.Contains(lines[i], needle) {
			t.Fatalf("line %d lacks %q; all of it:\n%s", i+1, needle, out)
		}
	}
}

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
	runScript(t, script,
		`"id":"manager"`, `"status":"requested"`, "302 "+stack.URL+"/signup#invitation=", `"status":"pending"`,
		`john@corp.com`, `"status":"active"`, `"outcome":"created"`, `"metadata":{"plan":"gold"}`, `"type":"user.updated"`, `"status":"active"`, `"status":"archived"`, `"status":"active"`, `"expired":`,
	)
}

// samples returns the code blocks of a language on a page of docs.
func samples(t *testing.T, page, language string) []string {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join("../../docs", page))
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for _, m := range regexp.MustCompile("(?ms)^```"+language+"\n(.*?)^```$").FindAllStringSubmatch(string(raw), -1) {
		found = append(found, m[1])
	}
	if len(found) == 0 {
		t.Fatalf("docs/%s has no sample in %s", page, language)
	}
	return found
}

// The commands of a guide run one after another, in one shell.
func TestGuidesRun(t *testing.T) {
	for page, needles := range map[string][]string{
		"quick-start.md":      {`"status":"requested"`, `"status":"pending"`, `"status":"active"`, `"active":2`},
		"guides/migrating.md": {`"dryRun":true`, `"outcome":"created"`, `"outcome":"created"`, `"status":"archived"`},
		"guides/gdpr.md":      {`"metadata":{"plan":"gold"}`, `"type":"user.accepted"`, `"status":"archived"`, "204", "404"},
	} {
		t.Run(page, func(t *testing.T) {
			runScript(t, strings.Join(samples(t, page, "bash"), "\n"), needles...)
		})
	}
}

// The event that the guide shows is one that could come.
func TestEventOfTheGuide(t *testing.T) {
	schema, err := jsonschema.NewCompiler().Compile("../../events/schema/user.accepted.json")
	if err != nil {
		t.Fatal(err)
	}
	event, err := jsonschema.UnmarshalJSON(strings.NewReader(samples(t, "guides/webhooks.md", "json")[0]))
	if err != nil {
		t.Fatal(err)
	}
	if err := schema.Validate(event); err != nil {
		t.Error(err)
	}
}

// The dashboard of the guide lists people and invites one.
func TestDashboardOfTheGuide(t *testing.T) {
	program := samples(t, "guides/dashboard.md", "js")[0]
	if lines := strings.Count(program, "\n"); lines > 30 {
		t.Errorf("30 lines are %d", lines)
	}
	file := filepath.Join(t.TempDir(), "dashboard.mjs")
	if err := os.WriteFile(file, []byte(program), 0o600); err != nil {
		t.Fatal(err)
	}
	token := caller.Token(t, stack.URL, map[string]any{"email": "ada@corp.com", "name": "Ada Admin"})
	var ws struct{ ID string }
	caller.Holder(t, stack.URL, token).Send("POST", "/v1/workspaces", map[string]any{"name": "Nexus"}).Into(http.StatusCreated, &ws)
	cmd := exec.Command("node", file)
	cmd.Env = append(os.Environ(), "API="+stack.URL, "WORKSPACE="+ws.ID, "TOKEN="+token, "PORT=0")
	cmd.Stderr = os.Stderr
	said, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	address, err := bufio.NewReader(said).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	address = strings.TrimSpace(address)
	show := func(response *http.Response, err error) string {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		page, err := io.ReadAll(response.Body)
		if err != nil {
			t.Fatal(err)
		}
		return string(page)
	}
	if page := show(http.Get(address)); !strings.Contains(page, "<td>Ada Admin<td>ada@corp.com<td>admin<td>active") {
		t.Errorf("the page does not list Ada: %s", page)
	}
	john := url.Values{"name": {"John Doe"}, "email": {"john@corp.com"}, "role": {"builder"}}
	if page := show(http.PostForm(address, john)); !strings.Contains(page, "<td>John Doe<td>john@corp.com<td>builder<td>") {
		t.Errorf("the page does not list John: %s", page)
	}
	if page := show(http.PostForm(address, john)); !strings.Contains(page, "already in the workspace") {
		t.Errorf("the page does not say that John is there already: %s", page)
	}
}
