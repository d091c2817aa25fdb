// Command changes describes in sentences what a deployment would change: it
// compares the template in cdk.out with the deployed one, or with a file. It
// exits with 1 if the deployment would lose data or be refused. With -kept it
// lists what deleting the stack would leave in the account.
//
// It reads the deployed template with the AWS CLI, which has the credentials.
package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/latchkey/latchkey/infra/upgrade"
)

func main() {
	before := flag.String("before", "", "compare with the template in this file instead of the deployed one")
	assembly := flag.String("assembly", "cdk.out", "the folder that cdk synth wrote")
	kept := flag.Bool("kept", false, "say what deleting the stack leaves")
	flag.Parse()
	ok, err := run(os.Stdout, *assembly, *before, *kept)
	if err != nil {
		fmt.Fprintln(os.Stderr, "changes:", err)
	}
	if err != nil || !ok {
		os.Exit(1)
	}
}

// stack is the one stack of an assembly.
type stack struct{ name, region, template string }

// errNoStack means that the stack has not been deployed yet.
var errNoStack = errors.New("the stack does not exist")

// run writes the changes; ok is false if they must not be deployed.
func run(out io.Writer, assembly, before string, kept bool) (ok bool, err error) {
	s, err := findStack(assembly)
	if err != nil {
		return false, err
	}
	var old upgrade.Template
	if before != "" {
		old, err = fromFile(before)
	} else {
		old, err = deployed(s)
	}
	switch {
	case errors.Is(err, errNoStack):
		fmt.Fprintf(out, "The stack %s does not exist yet.\n", s.name)
		if kept {
			return true, nil
		}
	case err != nil:
		return false, err
	}
	if kept {
		writeKept(out, s, old)
		return true, nil
	}
	now, err := fromFile(s.template)
	if err != nil {
		return false, err
	}
	return writeChanges(out, upgrade.Compare(old, now)), nil
}

func writeChanges(out io.Writer, changes []upgrade.Change) (ok bool) {
	if len(changes) == 0 {
		fmt.Fprintln(out, "Nothing changes.")
	}
	for _, c := range changes {
		fmt.Fprintln(out, c.Sentence)
	}
	problems := upgrade.Problems(changes)
	if len(problems) > 0 {
		fmt.Fprintln(out, "\nDo not deploy this as it is (CHANGELOG.md has the steps of each version):")
	}
	for _, c := range problems {
		fmt.Fprintf(out, "  %s: %s.\n", c.ID, c.Problem)
	}
	return len(problems) == 0
}

func writeKept(out io.Writer, s stack, deployed upgrade.Template) {
	names := upgrade.Kept(deployed)
	if len(names) == 0 {
		fmt.Fprintf(out, "Deleting the stack %s deletes everything in it, data included.\n", s.name)
		return
	}
	fmt.Fprintf(out, "Deleting the stack %s leaves in the account:\n", s.name)
	for _, name := range names {
		fmt.Fprintln(out, "  "+name)
	}
	fmt.Fprintf(out, "The other %d resources are deleted.\n", len(deployed.Resources)-len(names))
}

// findStack reads the manifest of a cloud assembly.
func findStack(assembly string) (stack, error) {
	raw, err := os.ReadFile(filepath.Join(assembly, "manifest.json"))
	if err != nil {
		return stack{}, fmt.Errorf("run make synth first: %w", err)
	}
	var manifest struct {
		Artifacts map[string]struct {
			Type, Environment string
			Properties        struct{ TemplateFile, StackName string }
		}
	}
	if err := json.Unmarshal(raw, &manifest); err != nil {
		return stack{}, fmt.Errorf("read the manifest of %s: %w", assembly, err)
	}
	for _, id := range slices.Sorted(maps.Keys(manifest.Artifacts)) {
		a := manifest.Artifacts[id]
		if a.Type != "aws:cloudformation:stack" {
			continue
		}
		s := stack{name: a.Properties.StackName, template: filepath.Join(assembly, a.Properties.TemplateFile)}
		if s.name == "" {
			s.name = id
		}
		if region := a.Environment[strings.LastIndexByte(a.Environment, '/')+1:]; region != "unknown-region" {
			s.region = region
		}
		return s, nil
	}
	return stack{}, fmt.Errorf("%s holds no stack", assembly)
}

func fromFile(path string) (upgrade.Template, error) {
	raw, err := os.ReadFile(path)
	if err != nil {
		return upgrade.Template{}, err
	}
	return parse(raw)
}

func parse(raw []byte) (upgrade.Template, error) {
	var t upgrade.Template
	if err := json.Unmarshal(raw, &t); err != nil {
		return t, fmt.Errorf("read a template: %w", err)
	}
	if len(t.Resources) == 0 {
		return t, errors.New("the template has no resources")
	}
	return t, nil
}

// deployed reads a stack's template with the AWS CLI.
func deployed(s stack) (upgrade.Template, error) {
	args := []string{"cloudformation", "get-template", "--stack-name", s.name, "--template-stage", "Original", "--query", "TemplateBody", "--output", "json"}
	if s.region != "" {
		args = append(args, "--region", s.region)
	}
	command := exec.Command("aws", args...)
	var said bytes.Buffer
	command.Stderr = &said
	raw, err := command.Output()
	switch {
	case errors.Is(err, exec.ErrNotFound):
		return upgrade.Template{}, errors.New("the AWS CLI is not installed; it reads the deployed template")
	case strings.Contains(said.String(), "does not exist"):
		return upgrade.Template{}, errNoStack
	case err != nil:
		return upgrade.Template{}, fmt.Errorf("read the template of %s: %s", s.name, strings.TrimSpace(said.String()))
	}
	return parse(raw)
}
