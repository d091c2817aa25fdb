package latchkey

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestReproducible builds a function from two copies of the module in two
// folders: the same bytes, so that only what changed is deployed.
func TestReproducible(t *testing.T) {
	if testing.Short() {
		t.Skip("compiles for arm64")
	}
	module, err := moduleFolder()
	if err != nil {
		t.Fatal(err)
	}
	var built [][]byte
	for _, place := range []string{"a", "somewhere/else"} {
		copied := filepath.Join(t.TempDir(), place)
		copyModule(t, module, copied)
		out, err := build(copied, t.TempDir(), "expire")
		if err != nil {
			t.Fatal(err)
		}
		content, err := os.ReadFile(filepath.Join(out, "bootstrap"))
		if err != nil {
			t.Fatal(err)
		}
		built = append(built, content)
	}
	if !bytes.Equal(built[0], built[1]) {
		t.Error("two folders give two binaries")
	}
	if bytes.Contains(built[0], []byte(module)) {
		t.Error("the binary names the folder it was built in")
	}
}

// copyModule copies what functions are built from.
func copyModule(t *testing.T, from, to string) {
	t.Helper()
	for _, part := range []string{"go.mod", "go.sum", "functions", "shared"} {
		err := filepath.WalkDir(filepath.Join(from, part), func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || strings.HasSuffix(path, "_test.go") {
				return err
			}
			name, err := filepath.Rel(from, path)
			if err != nil {
				return err
			}
			content, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			target := filepath.Join(to, name)
			if err := os.MkdirAll(filepath.Dir(target), 0o755); err != nil {
				return err
			}
			return os.WriteFile(target, content, 0o644)
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

func TestBuildFails(t *testing.T) {
	module, err := moduleFolder()
	if err != nil {
		t.Fatal(err)
	}
	_, err = build(module, t.TempDir(), "no-such-function")
	if err == nil || !strings.Contains(err.Error(), "no-such-function") {
		t.Errorf("said %v", err)
	}
}
