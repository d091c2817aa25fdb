package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/latchkey/latchkey/infra/local"
	"github.com/latchkey/latchkey/infra/local/issuer"
	"github.com/latchkey/latchkey/infra/local/mailbox"
	"github.com/latchkey/latchkey/shared/setting"
)

// latchkey dev stops before it starts anything, and says in one
// sentence for each setting what is wrong.
func TestWrongSettingsStopTheRun(t *testing.T) {
	program := filepath.Join(t.TempDir(), "latchkey")
	if out, err := exec.Command("go", "build", "-o", program, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	data := filepath.Join(t.TempDir(), "data")
	cmd := exec.Command(program, "dev")
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
	c, err := readConfig(nil, func(name string) string { return env[name] })
	if c.Port != 8080 || err != nil {
		t.Fatal(c.Port, err)
	}
	for _, d := range setting.All() {
		about := d.About()
		value, overridden := c.Settings[d]
		if overridden == about.Derived || overridden && value != env[about.Name] {
			t.Errorf("%s (%s) is %q, overridden %v", about.Name, strings.ToLower(about.Doc), value, overridden)
		}
	}
	c, err = readConfig(nil, func(string) string { return "" })
	if c.Port != 8080 || c.DataDir != ".data" || len(c.Settings) > 0 || err != nil {
		t.Errorf("an empty environment takes port %d, folder %s and overrides %v, %v", c.Port, c.DataDir, c.Settings, err)
	}
}

func TestAFlagWinsOverTheEnvironment(t *testing.T) {
	env := map[string]string{"PORT": "9000", "DATA_DIR": "there", "ISSUER_BEHAVIOR": "okta"}
	c, err := readConfig([]string{"-port", "7000", "-data", "here"}, func(name string) string { return env[name] })
	if err != nil || c.Port != 7000 || c.DataDir != "here" || fmt.Sprint(c.Issuer) != fmt.Sprint(issuer.Okta) {
		t.Errorf("port %d, folder %s, issuer %v, %v", c.Port, c.DataDir, c.Issuer, err)
	}
}

func TestFaults(t *testing.T) {
	c, err := readConfig([]string{
		"-fault", "table-slow=200ms", "-fault", "table-busy=1", "-fault", "duplicates=0.5", "-fault", "mail=sandbox", "-fault", "mail-per-day=50",
	}, func(string) string { return "" })
	if err != nil {
		t.Fatal(err)
	}
	if f := c.TableFault(local.TableCall{}); f != (local.TableFault{Refuse: local.TooBusy}) {
		t.Errorf("a call to the table meets %+v", f)
	}
	account := mailbox.Account{Identities: []string{"corp.com"}}
	c.SES(&account)
	if !account.Sandbox || account.PerDay != 50 || account.Paused || len(account.Identities) != 1 || c.Duplicates != 0.5 {
		t.Errorf("the account is %+v, %v of messages come twice", account, c.Duplicates)
	}
	for _, wrong := range []string{"", "power", "table-busy=2", "table-cut=x", "table-slow=long", "duplicates=-1", "mail=fast", "mail-per-day=0"} {
		if _, err := readConfig([]string{"-fault", wrong}, func(string) string { return "" }); err == nil {
			t.Errorf("-fault %q is taken", wrong)
		}
	}
}

// The seed of the README gives a stack its workspaces and people once, however often it starts.
func TestSeed(t *testing.T) {
	root, err := filepath.Abs("../../..")
	if err != nil {
		t.Fatal(err)
	}
	s, err := local.Start(t.Context(), local.Config{Root: root, Functions: filepath.Join(root, "build", "local"), Log: io.Discard})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close(context.WithoutCancel(t.Context()))
	file := filepath.Join(t.TempDir(), "people.json")
	readme, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, data, _ := strings.Cut(string(readme), "```json\n")
	data, _, _ = strings.Cut(data, "```")
	if err := os.WriteFile(file, []byte(data), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := readConfig([]string{"-seed", file}, func(string) string { return "" })
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := c.seed.plant(t.Context(), s.URL); err != nil {
			t.Fatal(err)
		}
	}
	ada, err := signUp(t.Context(), s.URL, "Ada Admin", "ada@corp.com")
	if err != nil {
		t.Fatal(err)
	}
	var mine struct{ Workspaces []struct{ ID, Slug string } }
	if err := ada.call(t.Context(), "GET", "/v1/me/workspaces", nil, &mine); err != nil || len(mine.Workspaces) != 1 {
		t.Fatal(mine, err)
	}
	var page struct {
		Users []struct {
			Email, Status string
			Groups        []string
		}
	}
	if err := ada.call(t.Context(), "GET", "/v1/workspaces/"+mine.Workspaces[0].ID+"/users", nil, &page); err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, u := range page.Users {
		got[u.Email] = u.Status + " " + strings.Join(u.Groups, " ")
	}
	want := map[string]string{"ada@corp.com": "active ", "john@corp.com": "active design", "jane@corp.com": "requested "}
	if !maps.Equal(got, want) {
		t.Errorf("the people are %q", got)
	}
}
