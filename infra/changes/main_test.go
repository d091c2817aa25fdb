package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// assembly writes a cloud assembly with one stack, as cdk synth does.
func assembly(t *testing.T, template string) string {
	t.Helper()
	folder := t.TempDir()
	for name, content := range map[string]string{
		"manifest.json": `{"artifacts": {"Tree": {"type": "cdk:tree"}, "Latchkey": {"type": "aws:cloudformation:stack", "environment": "aws://unknown-account/eu-west-1",
			"properties": {"templateFile": "Latchkey.template.json"}}}}`,
		"Latchkey.template.json": template,
	} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return folder
}

const queue = `{"Resources": {"A": {"Type": "AWS::SQS::Queue", "DeletionPolicy": "Retain", "Properties": {"QueueName": "mail"}}}}`

func TestRun(t *testing.T) {
	before := filepath.Join(t.TempDir(), "before.json")
	if err := os.WriteFile(before, []byte(queue), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		now  string
		ok   bool
		says string
	}{
		"same":    {queue, true, "Nothing changes."},
		"created": {strings.Replace(queue, `{"A"`, `{"B": {"Type": "AWS::SNS::Topic"}, "A"`, 1), true, "The topic B is created."},
		"lost":    {strings.Replace(queue, `"mail"`, `"post"`, 1), false, "Do not deploy this as it is"},
	} {
		var out strings.Builder
		ok, err := run(&out, assembly(t, c.now), before, false)
		if err != nil || ok != c.ok || !strings.Contains(out.String(), c.says) {
			t.Errorf("%s: %v, %v: %s", name, ok, err, out.String())
		}
	}
	var out strings.Builder
	if _, err := run(&out, assembly(t, queue), before, true); err != nil || !strings.Contains(out.String(), "leaves in the account:\n  The queue mail\nThe other 0 resources are deleted.") {
		t.Errorf("kept: %v: %s", err, out.String())
	}
}

// TestDeployed asks the AWS CLI for the stack of the assembly in its region.
func TestDeployed(t *testing.T) {
	for name, c := range map[string]struct{ script, says string }{
		"deployed":   {"cat <<'E'\n" + queue + "\nE\necho \"$@\" >\"$ASKED\"", "Nothing changes."},
		"not yet":    {"echo 'Stack with id Latchkey does not exist' >&2; exit 254", "The stack Latchkey does not exist yet.\nThe queue mail is created."},
		"forbidden":  {"echo 'AccessDenied' >&2; exit 254", ""},
		"not a JSON": {"echo Resources:", ""},
	} {
		folder := t.TempDir()
		if err := os.WriteFile(filepath.Join(folder, "aws"), []byte("#!/bin/sh\n"+c.script+"\n"), 0o700); err != nil {
			t.Fatal(err)
		}
		asked := filepath.Join(folder, "asked")
		t.Setenv("ASKED", asked)
		t.Setenv("PATH", folder+string(filepath.ListSeparator)+os.Getenv("PATH"))
		var out strings.Builder
		ok, err := run(&out, assembly(t, queue), "", false)
		if ok != (c.says != "") || (err == nil) != (c.says != "") || !strings.Contains(out.String(), c.says) {
			t.Errorf("%s: %v, %v: %s", name, ok, err, out.String())
		}
		if name == "deployed" {
			args, err := os.ReadFile(asked)
			if err != nil || !strings.Contains(string(args), "--stack-name Latchkey") || !strings.Contains(string(args), "--region eu-west-1") {
				t.Errorf("asked for %s, %v", args, err)
			}
		}
	}
}
