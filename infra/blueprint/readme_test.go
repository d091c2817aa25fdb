package blueprint_test

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/latchkey/latchkey/infra/blueprint"
)

var update = flag.Bool("update", false, "write the table of functions in README.md anew")

const readme = "../../README.md"

// The README's table of functions is what the blueprint says.
func TestReadmeTableOfFunctionsIsCurrent(t *testing.T) {
	raw, err := os.ReadFile(readme)
	if err != nil {
		t.Fatal(err)
	}
	const begin, end = "<!-- functions -->\n", "<!-- /functions -->"
	head, rest, ok := strings.Cut(string(raw), begin)
	_, tail, ok2 := strings.Cut(rest, end)
	if !ok || !ok2 {
		t.Fatal("README.md has lost the marks around its table of functions")
	}
	current := head + begin + functionTable() + end + tail
	if *update {
		if err := os.WriteFile(readme, []byte(current), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if current != string(raw) {
		t.Error("README.md's table of functions is not current: go test ./infra/blueprint -update")
	}
}

func functionTable() string {
	var b strings.Builder
	b.WriteString("| function | what it does | trigger | what it may |\n|---|---|---|---|\n")
	for _, f := range blueprint.Functions() {
		var triggers, may []string
		for _, r := range f.Routes {
			triggers = append(triggers, fmt.Sprintf("`%s` (%s)", r.Key(), r.Auth))
		}
		if f.Stream != nil {
			triggers = append(triggers, "the table's stream")
		}
		if f.Queue != nil {
			triggers = append(triggers, "queue `"+f.Queue.Queue+"`")
		}
		if f.Schedule != nil {
			triggers = append(triggers, fmt.Sprintf("every %d minutes", int(f.Schedule.Every.Minutes())))
		}
		if f.OnAccountConfirmed {
			triggers = append(triggers, "sign-up confirmed")
		}
		for _, p := range f.Permissions {
			text := fmt.Sprintf("%s: %s", p.Verb, p.On)
			if len(p.Keys) > 0 {
				text += " `" + strings.Join(p.Keys, "` `") + "`"
			}
			may = append(may, text)
		}
		fmt.Fprintf(&b, "| [%s](functions/%s) | %s | %s | %s |\n", f.Name, f.Name, f.Purpose, strings.Join(triggers, "<br>"), strings.Join(may, "<br>"))
	}
	return b.String()
}
