package main

import (
	"encoding/json"
	"maps"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const operationsPage = "../docs/operations.md"

// block is one fenced block of a page. Blocks with the word account need an
// AWS account; those without run anywhere.
type block struct {
	language, text string
	account        bool
}

var fence = regexp.MustCompile("(?ms)^( *)```([a-z]*)( account)?\n(.*?)^ *```$")

func blocks(t *testing.T) []block {
	t.Helper()
	page, err := os.ReadFile(operationsPage)
	if err != nil {
		t.Fatal(err)
	}
	var found []block
	for _, m := range fence.FindAllStringSubmatch(string(page), -1) {
		found = append(found, block{language: m[2], account: m[3] != "", text: m[4]})
	}
	return found
}

// TestOperationsCommands runs every command of docs/operations.md that needs no
// account, with the real CDK CLI, and parses the others.
func TestOperationsCommands(t *testing.T) {
	if testing.Short() {
		t.Skip("compiles every function for arm64")
	}
	ran, parsed := 0, 0
	for _, b := range blocks(t) {
		switch {
		case b.language != "sh":
		case b.account:
			parsed++
			if out, err := exec.Command("bash", "-n", "-c", b.text).CombinedOutput(); err != nil {
				t.Errorf("bash does not understand: %v\n%s\n%s", err, out, b.text)
			}
		default:
			ran++
			if out, err := execute(t, nil, "bash", "-e", "-c", b.text); err != nil {
				t.Errorf("%v\n%s\n%s", err, b.text, out)
			}
		}
	}
	if ran < 3 || parsed < 10 {
		t.Errorf("%d commands ran and %d were parsed: the test does not see the page's blocks", ran, parsed)
	}
}

// TestOperationsSettings takes the settings of the page's cdk.json, and finds
// every setting that the page names.
func TestOperationsSettings(t *testing.T) {
	page, err := os.ReadFile(operationsPage)
	if err != nil {
		t.Fatal(err)
	}
	named := map[string]bool{}
	for _, m := range regexp.MustCompile(`latchkey:([a-zA-Z]+)`).FindAllStringSubmatch(string(page), -1) {
		named[m[1]] = true
	}
	for _, name := range slices.Sorted(maps.Keys(named)) {
		if _, known := settings[name]; !known {
			t.Errorf("the page names latchkey:%s, which is no setting", name)
		}
	}
	configs := 0
	for _, b := range blocks(t) {
		if b.language != "json" {
			continue
		}
		configs++
		var config struct{ Context map[string]any }
		if err := json.Unmarshal([]byte(b.text), &config); err != nil {
			t.Fatal(err)
		}
		if _, err := readConfig(config.Context); err != nil {
			t.Errorf("the page's cdk.json: %v", err)
		}
	}
	if configs != 1 {
		t.Errorf("%d cdk.json on the page, want 1", configs)
	}
}

// TestOperationsTargets finds every target of the Makefile that the page names.
func TestOperationsTargets(t *testing.T) {
	page, err := os.ReadFile(operationsPage)
	if err != nil {
		t.Fatal(err)
	}
	makefile, err := os.ReadFile("../Makefile")
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range regexp.MustCompile("(?m)(?:`|^)make ([a-z-]+)").FindAllStringSubmatch(string(page), -1) {
		if !strings.Contains(string(makefile), "\n"+m[1]+":") {
			t.Errorf("the page names make %s, which the Makefile does not have", m[1])
		}
	}
}

// TestFirstDeploymentUnprotects reads what make deploy FIRST=1 would run: CDK
// without protection first, then with it.
func TestFirstDeploymentUnprotects(t *testing.T) {
	for first, want := range map[string][]string{
		"FIRST=1": {"cdk deploy -c a=b -c latchkey:unprotected=true", "cdk deploy -c a=b"},
		"FIRST=":  {"cdk deploy -c a=b"},
	} {
		out, err := execute(t, nil, "make", "--dry-run", "deploy", first, "ARGS=-c a=b")
		if err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		var got []string
		for line := range strings.Lines(out) {
			if line = strings.TrimSpace(line); strings.HasPrefix(line, "cdk deploy") {
				got = append(got, line)
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: %q, want %q", first, got, want)
		}
	}
}

// TestDiffReadsTheDeployedTemplate reads what make diff would run: without
// BEFORE it compares with the deployed template, not with a file.
func TestDiffReadsTheDeployedTemplate(t *testing.T) {
	for setting, want := range map[string]string{
		"ARGS=":           "go run ./infra/changes",
		"BEFORE=old.json": "go run ./infra/changes -before old.json",
	} {
		out, err := execute(t, nil, "make", "--dry-run", "diff", setting)
		if err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		var got string
		for line := range strings.Lines(out) {
			if strings.HasPrefix(line, "go run ./infra/changes") {
				got = strings.TrimSpace(line)
			}
		}
		if got != want {
			t.Errorf("%s: %q, want %q", setting, got, want)
		}
	}
}
