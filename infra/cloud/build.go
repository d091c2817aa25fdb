package latchkey

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
)

const modulePath = "github.com/latchkey/latchkey"

// build compiles a function for Lambda into folder/<name>/bootstrap and returns
// that folder. Equal sources give equal bytes wherever they lie, so that CDK
// deploys what changed and nothing else.
func build(module, folder, name string) (string, error) {
	out := filepath.Join(folder, name)
	// The tags are the Makefile's. The module's own go.mod decides the versions of its dependencies, not
	// the importer's: what is deployed is what was tested.
	command := exec.Command("go", "build", "-mod=readonly", "-trimpath", "-buildvcs=false",
		"-tags", "lambda.norpc,nethttpomithttp2", "-ldflags", "-s -w", "-o", filepath.Join(out, "bootstrap"), "./functions/"+name)
	command.Dir = module
	command.Env = append(os.Environ(), "GOOS=linux", "GOARCH=arm64", "CGO_ENABLED=0", "GOFLAGS=", "GOWORK=off", "GOEXPERIMENT=")
	var said bytes.Buffer
	command.Stderr = &said
	if err := command.Run(); err != nil {
		return "", fmt.Errorf("build the function %s in %s: %w\n%s", name, module, err, said.String())
	}
	return out, nil
}

// moduleFolder finds Latchkey's sources: beside this file where it was
// compiled from, else where the go command finds the module.
func moduleFolder() (string, error) {
	if _, file, _, ok := runtime.Caller(0); ok {
		root := filepath.Dir(filepath.Dir(filepath.Dir(file)))
		if isModule(root) {
			return root, nil
		}
	}
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", modulePath).Output()
	root := strings.TrimSpace(string(out))
	if err == nil && isModule(root) {
		return root, nil
	}
	return "", errors.New("the sources of " + modulePath + " are not to be found (a vendor folder has no functions): " +
		"build them elsewhere and set Props.FunctionsFolder")
}

func isModule(folder string) bool {
	content, err := os.ReadFile(filepath.Join(folder, "go.mod"))
	return err == nil && bytes.Contains(content, []byte("module "+modulePath+"\n"))
}
