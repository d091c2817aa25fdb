package latchkey_test

import (
	"debug/elf"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/latchkey/latchkey/infra/blueprint"
)

// TestImport synthesizes examples/import, a module of its own that takes the
// construct into its own app: with nothing but go get, the functions are built
// and the importer's rule is on the bus.
func TestImport(t *testing.T) {
	if testing.Short() {
		t.Skip("compiles every function for arm64")
	}
	folder := t.TempDir()
	command := exec.Command("go", "run", ".")
	command.Dir = "../../examples/import"
	command.Env = append(os.Environ(), "CDK_OUTDIR="+folder, "GOFLAGS=-mod=readonly", "GOWORK=off")
	if out, err := command.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s\nWhere go.mod needs an update: cd examples/import && go mod tidy", err, out)
	}
	raw, err := os.ReadFile(filepath.Join(folder, "Product.template.json"))
	if err != nil {
		t.Fatal(err)
	}
	made := template{raw: raw}
	if err := json.Unmarshal(raw, &made); err != nil {
		t.Fatal(err)
	}
	found := false
	for _, rule := range made.of("AWS::Events::Rule") {
		if strings.Contains(text(rule.Properties["Targets"]), "Joined") { // the mail rule listens to it, too
			found = strings.Contains(text(rule.Properties["EventBusName"]), "LatchkeyBus") && strings.Contains(text(rule.Properties["EventPattern"]), "user.accepted")
		}
	}
	if !found {
		t.Error("the importer's rule is not on the bus")
	}
	for endpoint, listens := range map[string]string{"slack.com": "invitation.delivery_changed", "hooks.example.com": "user."} {
		reached := false
		for id, destination := range made.of("AWS::Events::ApiDestination") {
			if !strings.Contains(text(destination.Properties["InvocationEndpoint"]), endpoint) {
				continue
			}
			for _, rule := range made.of("AWS::Events::Rule") {
				reached = reached || strings.Contains(text(rule.Properties["Targets"]), id) && strings.Contains(text(rule.Properties["EventPattern"]), listens)
			}
		}
		if !reached {
			t.Errorf("no rule for %s reaches %s", listens, endpoint)
		}
	}
	binaries, err := filepath.Glob(filepath.Join(folder, "asset.*", "bootstrap"))
	if err != nil || len(binaries) != len(blueprint.Functions()) {
		t.Fatalf("%d functions built, %d in the blueprint (%v)", len(binaries), len(blueprint.Functions()), err)
	}
	for _, binary := range binaries {
		file, err := elf.Open(binary)
		if err != nil {
			t.Fatal(err)
		}
		if file.Machine != elf.EM_AARCH64 {
			t.Errorf("%s is for %s", binary, file.Machine)
		}
		if libraries, err := file.ImportedLibraries(); err == nil && len(libraries) > 0 {
			t.Errorf("%s needs %v", binary, libraries)
		}
		file.Close()
	}
	if got := len(made.of("AWS::Lambda::Function")); got != len(blueprint.Functions()) {
		t.Errorf("%d functions: some are not Latchkey's", got)
	}
}
