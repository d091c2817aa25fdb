package upgrade

import (
	"archive/tar"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// fixture is what is in the data folder of an earlier release, in the words of
// its API.
type fixture struct {
	Release    string
	MadeAt     time.Time
	Workspaces map[string]*workspaceView
}

// workspaceView is a workspace as its admin saw it.
type workspaceView struct {
	ID         string
	AdminEmail string          // "" where an operator made it and nobody manages it
	Settings   json.RawMessage // getWorkspace
	Counts     map[string]int
	Groups     json.RawMessage `json:",omitempty"` // listGroups
	Deleting   []string        `json:",omitempty"` // groups that are being deleted
	Users      map[string]*userView
	Erased     map[string]string   `json:",omitempty"` // labels to emails
	Requests   []requestView       `json:",omitempty"`
	History    map[string][]string // by user id: the types of their history lines, oldest first
}

// userView is a user as an admin saw them.
type userView struct {
	User json.RawMessage // getUser
	ETag string
	Link string   `json:",omitempty"` // token of the newest link
	Dead []string `json:",omitempty"` // tokens of links that a newer one, or archiving, had killed
}

// requestView is a call that had an Idempotency-Key, and its answer.
type requestView struct {
	Path, Key, Body string
	Status          int
	Answer          json.RawMessage
}

func path(name string) string { return filepath.Join("testdata", name) }

func readFixture(t *testing.T, file string) (f fixture) {
	t.Helper()
	raw, err := os.ReadFile(file)
	if err == nil {
		err = json.Unmarshal(raw, &f)
	}
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// pack writes a folder into a tar.gz, but for logs.
func pack(dir, archive string) (err error) {
	out, err := os.Create(archive)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, out.Close()) }()
	zipped, err := gzip.NewWriterLevel(out, gzip.BestCompression)
	if err != nil {
		return err
	}
	files := tar.NewWriter(zipped)
	err = files.AddFS(os.DirFS(dir))
	return errors.Join(err, files.Close(), zipped.Close())
}

// unpack writes what pack packed into a folder.
func unpack(archive, dir string) error {
	in, err := os.Open(archive)
	if err != nil {
		return err
	}
	defer in.Close()
	zipped, err := gzip.NewReader(in)
	if err != nil {
		return err
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer root.Close()
	for files := tar.NewReader(zipped); ; {
		header, err := files.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := writeEntry(root, header, files); err != nil {
			return fmt.Errorf("unpack %s: %w", header.Name, err)
		}
	}
}

func writeEntry(root *os.Root, header *tar.Header, content io.Reader) error {
	if header.FileInfo().IsDir() {
		err := root.Mkdir(filepath.Clean(header.Name), 0o700)
		if errors.Is(err, fs.ErrExist) {
			return nil
		}
		return err
	}
	file, err := root.OpenFile(header.Name, os.O_CREATE|os.O_WRONLY|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(file, content)
	return errors.Join(err, file.Close())
}
