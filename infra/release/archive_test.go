package main

import (
	"archive/zip"
	"bytes"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// The files of one build differ from another's in their times and in what the
// umask left of their modes.
func TestEqualFilesMakeEqualArchives(t *testing.T) {
	var archives [2][2][]byte
	for i, when := range []time.Time{time.Unix(1_700_000_000, 0), time.Unix(1_800_000_000, 0)} {
		folder := t.TempDir()
		for name, mode := range map[string]os.FileMode{"bootstrap": []os.FileMode{0o755, 0o700}[i], "README.md": []os.FileMode{0o644, 0o600}[i]} {
			file := filepath.Join(folder, name)
			if err := os.WriteFile(file, []byte("content of "+name), mode); err != nil {
				t.Fatal(err)
			}
			if err := os.Chtimes(file, when, when); err != nil {
				t.Fatal(err)
			}
		}
		files, err := contents(folder, ".")
		if err != nil || len(files) != 2 {
			t.Fatal(files, err)
		}
		out := t.TempDir()
		if err := writeTar(filepath.Join(out, "tar"), "latchkey", files); err != nil {
			t.Fatal(err)
		}
		if err := writeZip(filepath.Join(out, "zip"), files); err != nil {
			t.Fatal(err)
		}
		for j, name := range []string{"tar", "zip"} {
			archives[i][j], err = os.ReadFile(filepath.Join(out, name))
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	if !bytes.Equal(archives[0][0], archives[1][0]) {
		t.Error("the tar archives differ")
	}
	if !bytes.Equal(archives[0][1], archives[1][1]) {
		t.Error("the zips differ")
	}
	r, err := zip.NewReader(bytes.NewReader(archives[0][1]), int64(len(archives[0][1])))
	if err != nil {
		t.Fatal(err)
	}
	if f := r.File[1]; f.Name != "bootstrap" || f.Mode() != 0o755 {
		t.Errorf("Lambda could not start %s with mode %s", f.Name, f.Mode())
	}
}

func TestBillsDoNotSayWhenTheyWereMade(t *testing.T) {
	folder := t.TempDir()
	var copies [2][]byte
	for i, when := range []string{"2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z"} {
		from, to := filepath.Join(folder, "from.json"), filepath.Join(folder, "to.json")
		bill := `{"serialNumber":"` + when + `","metadata":{"timestamp":"` + when + `","component":{"name":"latchkey"}},"components":[]}`
		if err := os.WriteFile(from, []byte(bill), 0o644); err != nil {
			t.Fatal(err)
		}
		if err := copyBill(from, to); err != nil {
			t.Fatal(err)
		}
		var err error
		copies[i], err = os.ReadFile(to)
		if err != nil {
			t.Fatal(err)
		}
	}
	if !bytes.Equal(copies[0], copies[1]) || !bytes.Contains(copies[0], []byte(`"latchkey"`)) {
		t.Errorf("%s\n%s", copies[0], copies[1])
	}
}
