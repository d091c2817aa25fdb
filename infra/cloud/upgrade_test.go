package latchkey_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/latchkey/latchkey/infra/blueprint"
	latchkey "github.com/latchkey/latchkey/infra/cloud"
	"github.com/latchkey/latchkey/infra/upgrade"
)

const changelog = "../../CHANGELOG.md"

// versionHeading is one of Keep a Changelog.
var versionHeading = regexp.MustCompile(`(?m)^## \[([0-9]+\.[0-9]+\.[0-9]+)\] - (\S+)$`)

// readVersions returns the version headings of the changelog, newest first: of
// each the whole line, the version, and its date or Unreleased.
func readVersions(t *testing.T) [][]string {
	t.Helper()
	page, err := os.ReadFile(changelog)
	if err != nil {
		t.Fatal(err)
	}
	versions := versionHeading.FindAllStringSubmatch(string(page), -1)
	if len(versions) < 2 {
		t.Fatalf("%d versions in %s", len(versions), changelog)
	}
	return versions
}

// upgrading are the steps under "Upgrading" in CHANGELOG.md that a deployment
// of an earlier version needs, as props, by that version.
var upgrading = map[string]func(*latchkey.Props){
	"0.1.0": func(p *latchkey.Props) { p.NameOptional, p.LinkKeySecret, p.OmitByRole = true, true, true },
}

// TestVersion finds the version of the code at the top of the changelog, and
// the template and the contract of every version that was released.
func TestVersion(t *testing.T) {
	versions := readVersions(t)
	if got := versions[0][1]; got != blueprint.Version {
		t.Errorf("%s begins with %s, and blueprint.Version is %s", changelog, got, blueprint.Version)
	}
	for _, v := range versions {
		released := v[2] != "Unreleased"
		for what, file := range map[string]string{"template": v[1] + ".json", "contract": v[1] + ".yaml"} {
			_, err := os.Stat(filepath.Join("testdata/released", file))
			if released != (err == nil) {
				t.Errorf("%s: released %v, its %s in testdata/released: %v", v[1], released, what, err == nil)
			}
		}
	}
	if output := standard(t).Outputs["Version"]; !strings.Contains(text(output), `"`+blueprint.Version+`"`) {
		t.Errorf("the stack's output Version is %s", text(output))
	}
}

// TestBreakingChangesHaveTheirVersion lets the contract break only where Semantic
// Versioning does: with a major version, or a minor one before 1.0.0.
func TestBreakingChangesHaveTheirVersion(t *testing.T) {
	versions := readVersions(t)
	raw, err := os.ReadFile("testdata/contract/breaking.txt")
	if err != nil {
		t.Fatal(err)
	}
	breaking := 0
	for line := range strings.Lines(string(raw)) {
		if !strings.HasPrefix(line, "#") {
			breaking++
		}
	}
	if last, now := versions[1][1], versions[0][1]; breaking > 0 && !mayBreak(last, now) {
		t.Errorf("testdata/contract/breaking.txt accepts %d breaking changes, which %s may not have after %s", breaking, now, last)
	}
}

func TestMayBreak(t *testing.T) {
	for _, c := range []struct {
		last, now string
		want      bool
	}{
		{"0.1.0", "0.2.0", true}, {"0.1.0", "0.1.1", false}, {"0.9.0", "0.10.0", true}, {"0.2.0", "1.0.0", true},
		{"1.2.0", "1.3.0", false}, {"1.2.0", "1.2.1", false}, {"1.9.9", "2.0.0", true},
	} {
		if got := mayBreak(c.last, c.now); got != c.want {
			t.Errorf("%s after %s: %v", c.now, c.last, got)
		}
	}
}

// mayBreak reports whether a version may break what the last one promised.
func mayBreak(last, now string) bool {
	before, after := strings.Split(last, "."), strings.Split(now, ".")
	return before[0] != after[0] || before[0] == "0" && before[1] != after[1]
}

// TestUpgrade deploys this version over each released one, as CHANGELOG.md says:
// nothing that holds data is replaced or removed, and nothing is refused.
func TestUpgrade(t *testing.T) {
	files, err := filepath.Glob("testdata/released/*.json")
	if err != nil || len(files) == 0 {
		t.Fatalf("released templates: %v, %v", files, err)
	}
	for _, file := range files {
		version := strings.TrimSuffix(filepath.Base(file), ".json")
		raw, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var before, after upgrade.Template
		if err := json.Unmarshal(raw, &before); err != nil {
			t.Fatal(err)
		}
		props := minimal()
		if steps, ok := upgrading[version]; ok {
			steps(&props)
		}
		if err := json.Unmarshal(assetHash.ReplaceAll(synth(t, props, nil).raw, []byte("asset")), &after); err != nil {
			t.Fatal(err)
		}
		changes := upgrade.Compare(before, after)
		if len(changes) == 0 {
			t.Errorf("%s: nothing changes: the test compares a template with itself", version)
		}
		for _, c := range upgrade.Problems(changes) {
			t.Errorf("from %s: %s %s (%s)", version, c.Sentence, c.Problem, c.ID)
		}
	}
}

// TestUpgradeNeedsItsSteps shows that TestUpgrade sees what a step is for:
// without NameOptional, Cognito refuses the pool of 0.1.0; without LinkKeySecret
// the stack drops the link key while functions read it; and without OmitByRole
// DynamoDB refuses two indexes at once.
func TestUpgradeNeedsItsSteps(t *testing.T) {
	raw, err := os.ReadFile("testdata/released/0.1.0.json")
	if err != nil {
		t.Fatal(err)
	}
	var before, after upgrade.Template
	if err := json.Unmarshal(raw, &before); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(standard(t).raw, &after); err != nil {
		t.Fatal(err)
	}
	var types []string
	for _, p := range upgrade.Problems(upgrade.Compare(before, after)) {
		types = append(types, p.Type)
	}
	slices.Sort(types)
	if want := []string{"AWS::Cognito::UserPool", "AWS::DynamoDB::GlobalTable", "AWS::SecretsManager::Secret"}; !slices.Equal(types, want) {
		t.Errorf("problems: %v", types)
	}
}

// TestTheSecondIndexFollows removes OmitByRole, as the deployment after the
// upgrade does.
func TestTheSecondIndexFollows(t *testing.T) {
	props := minimal()
	props.OmitByRole = true
	var before, after upgrade.Template
	for template, raw := range map[*upgrade.Template][]byte{&before: synth(t, props, nil).raw, &after: synth(t, minimal(), nil).raw} {
		if err := json.Unmarshal(raw, template); err != nil {
			t.Fatal(err)
		}
	}
	changes := upgrade.Compare(before, after)
	if len(changes) != 1 || changes[0].Type != "AWS::DynamoDB::GlobalTable" || len(upgrade.Problems(changes)) > 0 {
		t.Errorf("changes: %v", changes)
	}
}
