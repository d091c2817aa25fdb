package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/latchkey/latchkey/infra/blueprint"
)

// execute runs a command of the Makefile or the CDK CLI in the module's folder,
// without settings, credentials or configuration of the machine.
func execute(t *testing.T, env []string, name string, args ...string) (output string, err error) {
	t.Helper()
	bin, err := filepath.Abs("../node_modules/.bin")
	if err != nil {
		t.Fatal(err)
	}
	if name == "cdk" {
		name = filepath.Join(bin, name)
	}
	command := exec.Command(name, args...)
	command.Dir = ".."
	for _, variable := range os.Environ() {
		if !strings.HasPrefix(variable, "AWS_") && !strings.HasPrefix(variable, "CDK_") && !strings.HasPrefix(variable, "PATH=") && !strings.HasPrefix(variable, "MAKE") {
			command.Env = append(command.Env, variable)
		}
	}
	nowhere := filepath.Join(t.TempDir(), "none")
	command.Env = append(command.Env, "PATH="+bin+string(filepath.ListSeparator)+os.Getenv("PATH"),
		"AWS_CONFIG_FILE="+nowhere, "AWS_SHARED_CREDENTIALS_FILE="+nowhere, "AWS_EC2_METADATA_DISABLED=true", "CDK_DISABLE_CLI_TELEMETRY=true")
	command.Env = append(command.Env, env...)
	out, err := command.CombinedOutput()
	return string(out), err
}

// fakeAWS answers who the caller is, and has no stack. It notes every call.
type fakeAWS struct {
	mu    sync.Mutex
	calls []string
}

func (f *fakeAWS) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	_ = r.ParseForm()
	call := r.Form.Get("Action") + " " + r.Form.Get("StackName")
	f.mu.Lock()
	f.calls = append(f.calls, call)
	f.mu.Unlock()
	w.Header().Set("Content-Type", "text/xml")
	if r.Form.Get("Action") == "GetCallerIdentity" {
		fmt.Fprint(w, `<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult>`+
			`<Arn>arn:aws:iam::123456789012:user/x</Arn><UserId>x</UserId><Account>123456789012</Account></GetCallerIdentityResult></GetCallerIdentityResponse>`)
		return
	}
	w.WriteHeader(http.StatusBadRequest)
	fmt.Fprintf(w, `<ErrorResponse><Error><Type>Sender</Type><Code>ValidationError</Code><Message>Stack with id %s does not exist</Message></Error></ErrorResponse>`,
		r.Form.Get("StackName"))
}

// TestBootstrap runs make bootstrap before any setting exists: the CDK CLI gets
// as far as creating its stack in the account and region of the credentials.
func TestBootstrap(t *testing.T) {
	aws := &fakeAWS{}
	server := httptest.NewServer(aws)
	defer server.Close()
	out, err := execute(t, []string{
		"AWS_ENDPOINT_URL=" + server.URL, "AWS_REGION=eu-west-1", "AWS_ACCESS_KEY_ID=x", "AWS_SECRET_ACCESS_KEY=x",
	}, "make", "bootstrap")
	if err == nil { // the fake has no CloudFormation
		t.Errorf("bootstrap succeeded against a fake: %s", out)
	}
	if !slices.Contains(aws.calls, "CreateChangeSet CDKToolkit") || !strings.Contains(out, "aws://123456789012/eu-west-1") {
		t.Errorf("bootstrap did not get to CloudFormation, but to %v:\n%s", aws.calls, out)
	}
}

// stubs returns a folder of placeholder functions, so that nothing is compiled.
func stubs(t *testing.T) string {
	t.Helper()
	folder := t.TempDir()
	for _, f := range blueprint.Functions() {
		path := filepath.Join(folder, f.Name, "bootstrap")
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte("#!/bin/sh\n"), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return folder
}

// stackArtifact is how the cloud assembly describes a stack to the CDK CLI.
type stackArtifact struct {
	Type        string
	Environment string
	Properties  struct {
		TemplateFile          string
		TerminationProtection bool
	}
}

// assemble runs cdk synth with settings and returns the one stack's name and
// how the cloud assembly describes it.
func assemble(t *testing.T, settings ...string) (name string, artifact stackArtifact) {
	t.Helper()
	folder := t.TempDir()
	args := []string{"synth", "--quiet", "--output", folder, "-c", "latchkey:functionsFolder=" + stubs(t)}
	for _, s := range settings {
		args = append(args, "-c", "latchkey:"+s)
	}
	if out, err := execute(t, nil, "cdk", args...); err != nil {
		t.Fatalf("cdk synth: %v\n%s", err, out)
	}
	raw, err := os.ReadFile(filepath.Join(folder, "manifest.json"))
	if err != nil {
		t.Fatal(err)
	}
	var manifest struct{ Artifacts map[string]stackArtifact }
	if err := json.NewDecoder(bytes.NewReader(raw)).Decode(&manifest); err != nil {
		t.Fatal(err)
	}
	for id, a := range manifest.Artifacts {
		if a.Type == "aws:cloudformation:stack" {
			if name != "" {
				t.Errorf("two stacks, %s and %s", name, id)
			}
			name, artifact = id, a
		}
	}
	return name, artifact
}

// TestStages runs the app for several stages: each is a stack of its own, and
// production's is protected.
func TestStages(t *testing.T) {
	base := []string{"sender=invitations@example.com", "dashboards=https://app.example.com", "alarmMail=on-call@example.com"}
	for _, c := range []struct {
		settings  []string
		stack     string
		protected bool
	}{
		{nil, "Latchkey", true},
		{[]string{"unprotected=true"}, "Latchkey", false},
		{[]string{"stage=development", "namePrefix=latchkey-dev", "region=eu-west-1"}, "Latchkey-dev", false},
	} {
		stack, artifact := assemble(t, append(c.settings, base...)...)
		if stack != c.stack || artifact.Properties.TerminationProtection != c.protected {
			t.Errorf("%v: stack %s, protected %v; want %s, %v", c.settings, stack, artifact.Properties.TerminationProtection, c.stack, c.protected)
		}
		if len(c.settings) == 3 && artifact.Environment != "aws://unknown-account/eu-west-1" {
			t.Errorf("%v: in %s", c.settings, artifact.Environment)
		}
	}
}

// TestSettingsByName reports a missing setting by its name in the settings.
func TestSettingsByName(t *testing.T) {
	out, err := execute(t, nil, "cdk", "synth", "--quiet", "-c", "latchkey:sender=invitations@example.com", "-c", "latchkey:alarmTopic=arn:aws:sns:eu-central-1:123456789012:on-call")
	if err == nil || !strings.Contains(out, "latchkey:dashboards is empty") || strings.Contains(out, "alarmMail") {
		t.Errorf("%v: %s", err, out)
	}
}
