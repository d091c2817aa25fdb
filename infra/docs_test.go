package main

import (
	"cmp"
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	latchkey "github.com/latchkey/latchkey/infra/cloud"
	"github.com/latchkey/latchkey/shared/setting"
)

var update = flag.Bool("update", false, "write the table of settings in docs/operations.md anew")

// The table of settings in docs/operations.md is what the definitions say.
func TestTableOfSettingsIsCurrent(t *testing.T) {
	const path, begin, end = "../docs/operations.md", "<!-- settings -->\n", "<!-- /settings -->"
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	head, rest, ok := strings.Cut(string(raw), begin)
	_, tail, ok2 := strings.Cut(rest, end)
	if !ok || !ok2 {
		t.Fatal("docs/operations.md has lost the marks around its table of settings")
	}
	current := head + begin + tableOfSettings() + end + tail
	if *update {
		if err := os.WriteFile(path, []byte(current), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if current != string(raw) {
		t.Error("the table of settings in docs/operations.md is not current: go test ./infra -run TestTableOfSettings -update")
	}
}

func tableOfSettings() string {
	var b strings.Builder
	b.WriteString("| setting | environment variable | what it is | allowed | default |\n|---|---|---|---|---|\n")
	for _, s := range new(latchkey.Props).Settings() {
		about := s.Definition.About()
		variable := "none"
		if slices.Contains(setting.All(), s.Definition) {
			variable = "`" + about.Name + "`"
		}
		without := "empty"
		if about.Required {
			without = "required"
		}
		fmt.Fprintf(&b, "| `%s%s` | %s | %s | %s | %s |\n", settingPrefix, settingOf(s.Field), variable, about.Doc, escaped(about.Allowed), cmp.Or(about.Default, without))
	}
	return b.String()
}

// escaped keeps angle brackets from becoming HTML.
func escaped(text string) string {
	return strings.NewReplacer("<", "&lt;", ">", "&gt;").Replace(text)
}

// Every setting that a deployment chooses can be set in the cloud.
func TestEveryChosenSettingIsAProp(t *testing.T) {
	props := map[setting.Definition]bool{}
	for _, s := range new(latchkey.Props).Settings() {
		props[s.Definition] = true
	}
	for _, d := range setting.All() {
		if about := d.About(); props[d] == about.Derived {
			t.Errorf("%s: derived %v, a field of Props %v", about.Name, about.Derived, props[d])
		}
	}
}
