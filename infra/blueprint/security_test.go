package blueprint_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

var (
	testNames = regexp.MustCompile("`((?:Test|Fuzz)[A-Za-z0-9_]+)`")
	webTests  = regexp.MustCompile("`(web/tests/[a-z]+\\.spec\\.ts)`")
	testFuncs = regexp.MustCompile(`(?m)^func ((?:Test|Fuzz)[A-Za-z0-9_]+)\(`)
)

// testsOfTheProject are the names of all tests.
func testsOfTheProject(t *testing.T) map[string]bool {
	t.Helper()
	found := map[string]bool{}
	err := filepath.WalkDir("../..", func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (d.Name() == "node_modules" || d.Name() == "build" || d.Name() == ".git" || d.Name() == ".data" || d.Name() == "cdk.out"):
			return fs.SkipDir
		case !strings.HasSuffix(path, "_test.go"):
			return nil
		}
		raw, err := os.ReadFile(path)
		for _, m := range testFuncs.FindAllStringSubmatch(string(raw), -1) {
			found[m[1]] = true
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// A control whose test was renamed or deleted is a sentence only.
func TestEveryTestThatTheSecurityPagesNameExists(t *testing.T) {
	all := testsOfTheProject(t)
	for _, page := range []string{"SECURITY.md", "docs/security.md"} {
		raw, err := os.ReadFile(filepath.Join("../..", page))
		if err != nil {
			t.Fatal(err)
		}
		named := testNames.FindAllStringSubmatch(string(raw), -1)
		if len(named) < 30 {
			t.Errorf("%s names %d tests; is it read right?", page, len(named))
		}
		for _, m := range named {
			if !all[m[1]] {
				t.Errorf("%s names %s, which does not exist", page, m[1])
			}
		}
		for _, m := range webTests.FindAllStringSubmatch(string(raw), -1) {
			if _, err := os.Stat(filepath.Join("../..", m[1])); err != nil {
				t.Errorf("%s names %s: %v", page, m[1], err)
			}
		}
	}
}

// Each pitfall has a row, in order, with a test or the words "to come"; each
// threat has a test.
func TestEveryPitfallAndThreatHasATest(t *testing.T) {
	next := 1
	for _, page := range []string{"docs/security.md", "SECURITY.md"} {
		raw, err := os.ReadFile(filepath.Join("../..", page))
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(raw)) {
			cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), "|")
			if len(cells) != 4 {
				continue
			}
			first, test := strings.TrimSpace(cells[0]), cells[3]
			n, err := strconv.Atoi(first)
			pitfall := err == nil
			threat := len(first) == 1 && strings.Contains("STRIDE", first)
			if pitfall {
				if n != next {
					t.Errorf("pitfall %d stands where %d should", n, next)
				}
				next++
			}
			if (pitfall || threat) && !testNames.MatchString(test) && !webTests.MatchString(test) && !(pitfall && strings.Contains(test, "to come")) {
				t.Errorf("%s: %s has no test", page, strings.TrimSpace(cells[1]))
			}
		}
	}
	if next != 50 {
		t.Errorf("there are %d pitfalls, not 49", next-1)
	}
}
