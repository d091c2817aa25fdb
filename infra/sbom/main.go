// Command sbom lists the licenses in bills of materials (CycloneDX, JSON) and
// fails for a component whose license is not on the list of those that are
// allowed: go run ./infra/sbom go.cdx.json npm.cdx.json
//
// It imports the standard library alone.
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
)

// allowed are the licenses, by SPDX identifier, of what is shipped or used as a
// tool: permissive ones, and MPL-2.0, whose terms end at its own files and whose
// components here are tools.
var allowed = []string{
	"0BSD", "Apache-2.0", "BlueOak-1.0.0", "BSD-2-Clause", "BSD-3-Clause", "CC0-1.0", "ISC", "MIT", "MIT-0", "MPL-2.0", "Python-2.0", "Unlicense", "WTFPL",
	"CC-BY-SA-4.0",    // word lists of the spelling linter, which is not shipped
	"BSD-Source-Code", // what cyclonedx-gomod takes the BSD-3-Clause of golang.org/x for
}

// byHand are the licenses of components that declare none in a form that tools
// read; each was read in the component's own files.
var byHand = map[string]string{
	"github.com/oasdiff/yaml":             "MIT",
	"@cspell/dict-en-common-misspellings": "CC-BY-SA-4.0",
	"@react-aria/optimize-locales-plugin": "Apache-2.0",
	"slick":                               "MIT",
}

type bill struct {
	Components []component `json:"components"`
}

type component struct {
	Group    string   `json:"group"`
	Name     string   `json:"name"`
	Version  string   `json:"version"`
	Licenses licenses `json:"licenses"`
	Evidence struct {
		Licenses licenses `json:"licenses"`
	} `json:"evidence"`
}

type licenses []struct {
	License    struct{ ID, Name string } `json:"license"`
	Expression string                    `json:"expression"`
}

// names are the licenses of a component; all of them apply.
func (c component) names() (names []string) {
	for _, l := range slices.Concat(c.Licenses, c.Evidence.Licenses) {
		for _, name := range []string{l.License.ID, l.License.Name, l.Expression} {
			if name != "" {
				names = append(names, name)
				break
			}
		}
	}
	if known := byHand[c.title()]; len(names) == 0 && known != "" {
		names = []string{known}
	}
	return names
}

func (c component) title() string {
	if c.Group != "" {
		return c.Group + "/" + c.Name
	}
	return c.Name
}

// isAllowed reports whether a license may be used; of alternatives (MIT OR
// GPL-3.0) one is enough. An expression with AND is not understood, and is not
// allowed.
func isAllowed(license string) bool {
	for option := range strings.SplitSeq(strings.Trim(license, "()"), " OR ") {
		if slices.Contains(allowed, option) {
			return true
		}
	}
	return false
}

// check counts components by license and returns an error for each that may not
// be used.
func check(b bill, count map[string]int) error {
	var errs []error
	if len(b.Components) == 0 {
		errs = append(errs, errors.New("the bill is empty"))
	}
	for _, c := range b.Components {
		names := c.names()
		if len(names) == 0 {
			errs = append(errs, fmt.Errorf("%s %s declares no license", c.title(), c.Version))
		}
		for _, name := range names {
			count[name]++
			if !isAllowed(name) {
				errs = append(errs, fmt.Errorf("%s %s is under %s, which is not allowed", c.title(), c.Version, name))
			}
		}
	}
	return errors.Join(errs...)
}

func run(files []string) error {
	count := map[string]int{}
	var errs []error
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		var b bill
		if err := json.Unmarshal(raw, &b); err != nil {
			return fmt.Errorf("read %s: %w", file, err)
		}
		if err := check(b, count); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", file, err))
		}
	}
	for _, license := range slices.Sorted(maps.Keys(count)) {
		fmt.Printf("%5d  %s\n", count[license], license)
	}
	return errors.Join(errs...)
}

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
