package local_test

import (
	"os"
	"reflect"
	"strings"
	"testing"

	"github.com/latchkey/latchkey/infra/local"
)

// The emulator's README speaks of every package here, and of the options that
// exist.
func TestTheEmulatorsReadme(t *testing.T) {
	raw, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	page := string(raw)
	_, options, _ := strings.Cut(page, "\n## Options\n")
	table, _, _ := strings.Cut(options, "\nWhile it runs:\n")
	config := reflect.TypeFor[local.Config]()
	rows := 0
	for line := range strings.Lines(table) {
		if name, ok := strings.CutPrefix(line, "| `"); ok {
			rows++
			name, _, _ = strings.Cut(name, "`")
			if _, ok := config.FieldByName(name); !ok {
				t.Errorf("there is no option %s", name)
			}
		}
	}
	if rows < 5 {
		t.Errorf("%d options in the table", rows)
	}
	entries, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	tools := []string{"bench", "capacity", "contract", "invoke", "loopback", "mailpreview", "port", "process", "sample", "soak"}
	for _, e := range entries {
		if e.IsDir() && !strings.Contains(page, "]("+e.Name()+")") && !strings.Contains(strings.Join(tools, " "), e.Name()) {
			t.Errorf("the package %s emulates something that the page does not name", e.Name())
		}
	}
}
