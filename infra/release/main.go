// Command release builds the files of a release of Latchkey:
//
//	go run ./infra/release -out build/release
//
// For each platform it writes an archive of the local stack: the program, the
// functions that it runs, and the dashboard. For AWS it writes each function as
// a Lambda zip (arm64). SHA256SUMS lists every file. The dashboard and the bills
// of materials are built before, by make. Equal sources give equal bytes.
//
// It imports the standard library and the blueprint alone.
package main

import (
	"crypto/sha256"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strings"

	"github.com/latchkey/latchkey/infra/blueprint"
)

// platforms are the machines that the local stack is built for, as GOOS/GOARCH.
var platforms = []string{"linux/amd64", "linux/arm64", "darwin/amd64", "darwin/arm64"}

// lambda is the platform of the functions in AWS.
const lambda = "linux/arm64"

// beside are the files that an archive holds besides the built ones. A folder
// stands for everything in it.
var beside = []string{
	"CHANGELOG.md", "LICENSE", "README.md", "build/web", "docs/api/index.html",
	"package-lock.json", "package.json", "web/package.json",
}

func main() {
	out := flag.String("out", "build/release", "folder to write to; what is in it is removed")
	flag.Parse()
	if err := release(*out); err != nil {
		fmt.Fprintln(os.Stderr, "The release was not built:", err)
		os.Exit(1)
	}
}

func release(out string) error {
	if err := os.RemoveAll(out); err != nil {
		return err
	}
	if err := os.MkdirAll(out, 0o755); err != nil {
		return err
	}
	work, err := os.MkdirTemp("", "latchkey-release-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(work)
	prefix := "latchkey_" + blueprint.Version + "_"
	for _, platform := range platforms {
		name := prefix + strings.ReplaceAll(platform, "/", "_")
		built := filepath.Join(work, name)
		if err := buildStack(platform, built); err != nil {
			return err
		}
		files, err := contents(built, ".")
		if err != nil {
			return err
		}
		more, err := contents(".", beside...)
		if err != nil {
			return err
		}
		maps.Copy(files, more)
		if err := writeTar(filepath.Join(out, name+".tar.gz"), name, files); err != nil {
			return err
		}
		if platform != lambda {
			continue
		}
		for _, f := range blueprint.Functions() {
			bootstrap := filepath.Join(built, "build", "local", f.Name, "bootstrap")
			if err := writeZip(filepath.Join(out, prefix+"lambda_"+f.Name+".zip"), map[string]string{"bootstrap": bootstrap}); err != nil {
				return err
			}
		}
	}
	for _, kind := range []string{"go", "npm"} {
		bill := filepath.Join("build", "sbom", kind+".cdx.json")
		if err := copyBill(bill, filepath.Join(out, prefix+kind+".cdx.json")); err != nil {
			return err
		}
	}
	return writeSums(out)
}

// buildStack compiles the local stack and its functions for a platform into the
// places below folder where make run has them.
func buildStack(platform, folder string) error {
	programs := map[string]string{"latchkey": "./infra/local/latchkey"}
	for _, f := range blueprint.Functions() {
		programs[path.Join("build/local", f.Name, "bootstrap")] = "./functions/" + f.Name
	}
	system, machine, _ := strings.Cut(platform, "/")
	for to, from := range programs {
		command := exec.Command("go", "build", "-mod=readonly", "-trimpath", "-buildvcs=false",
			"-tags", "lambda.norpc,nethttpomithttp2", "-ldflags", "-s -w", "-o", filepath.Join(folder, to), from)
		command.Env = append(os.Environ(), "GOOS="+system, "GOARCH="+machine, "CGO_ENABLED=0", "GOFLAGS=", "GOWORK=off", "GOEXPERIMENT=")
		if said, err := command.CombinedOutput(); err != nil {
			return fmt.Errorf("build %s for %s: %w\n%s", from, platform, err, said)
		}
	}
	return nil
}

// contents returns the files at or below the given places, each by its name
// relative to root.
func contents(root string, places ...string) (map[string]string, error) {
	files := map[string]string{}
	for _, place := range places {
		err := filepath.WalkDir(filepath.Join(root, place), func(file string, d os.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			name, err := filepath.Rel(root, file)
			files[filepath.ToSlash(name)] = file
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	return files, nil
}

// copyBill copies a bill of materials without its serial number and time, which
// differ from run to run.
func copyBill(from, to string) error {
	raw, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	var bill map[string]any
	if err := json.Unmarshal(raw, &bill); err != nil {
		return fmt.Errorf("%s: %w", from, err)
	}
	metadata, ok := bill["metadata"].(map[string]any)
	if !ok {
		return errors.New(from + " has no metadata")
	}
	delete(bill, "serialNumber")
	delete(metadata, "timestamp")
	raw, err = json.MarshalIndent(bill, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(to, append(raw, '\n'), 0o644)
}

// writeSums writes SHA256SUMS, which `sha256sum -c` reads.
func writeSums(folder string) error {
	entries, err := os.ReadDir(folder) // sorted by name
	if err != nil {
		return err
	}
	var sums strings.Builder
	for _, e := range entries {
		raw, err := os.ReadFile(filepath.Join(folder, e.Name()))
		if err != nil {
			return err
		}
		fmt.Fprintf(&sums, "%x  %s\n", sha256.Sum256(raw), e.Name())
	}
	return os.WriteFile(filepath.Join(folder, "SHA256SUMS"), []byte(sums.String()), 0o644)
}
