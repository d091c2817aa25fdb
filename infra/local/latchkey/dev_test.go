package main

import (
	"errors"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/latchkey/latchkey/shared/setting"
)

// The program of make run stops before it starts anything, and says in one
// sentence for each setting what is wrong.
func TestWrongSettingsStopTheRun(t *testing.T) {
	program := filepath.Join(t.TempDir(), "latchkey-local")
	if out, err := exec.Command("go", "build", "-o", program, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	data := filepath.Join(t.TempDir(), "data")
	cmd := exec.Command(program)
	cmd.Env = []string{"PORT=80800", "DATA_DIR=" + data, "REPORTS_TO_PAUSE=three", "WORKSPACE_CREATION=operator", "MAILS_PER_INVITER=5000"}
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != 1 {
		t.Errorf("ended with %v", err)
	}
	const want = `Latchkey did not start: these settings need a change:
PORT is "80800"; set a whole number from 1 to 65533
WORKSPACE_CREATION is "operator"; set signed-in or operators
REPORTS_TO_PAUSE is "three"; set a whole number from 1 to 100000
`
	if string(out) != want {
		t.Errorf("says %s\nwant %s", out, want)
	}
	if found, _ := filepath.Glob(data); len(found) > 0 {
		t.Error("there is a data folder already")
	}
}

// The environment overrides every setting that a deployment chooses, and none
// that follows from the deployment.
func TestTheEnvironmentOverridesWhatIsChosen(t *testing.T) {
	env := map[string]string{"PORT": "8080"}
	for _, d := range setting.All() {
		about := d.About()
		env[about.Name] = about.Default
		for _, value := range []string{"7", "a@b.example", "a.example", "operators"} {
			if env[about.Name] == "" && d.Check(value) == nil {
				env[about.Name] = value
			}
		}
	}
	port, overrides, err := readSettings(func(name string) string { return env[name] })
	if port != 8080 || err != nil {
		t.Fatal(port, err)
	}
	for _, d := range setting.All() {
		about := d.About()
		value, overridden := overrides[d]
		if overridden == about.Derived || overridden && value != env[about.Name] {
			t.Errorf("%s (%s) is %q, overridden %v", about.Name, strings.ToLower(about.Doc), value, overridden)
		}
	}
	port, none, err := readSettings(func(string) string { return "" })
	if port != 8080 || len(none) > 0 || err != nil {
		t.Errorf("an empty environment takes port %d and overrides %v, %v", port, none, err)
	}
}
