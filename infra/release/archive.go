package main

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"maps"
	"os"
	"path"
	"slices"
	"time"
)

// made is the time of every file in an archive: the earliest that a zip can
// store. With the time of the build, no two builds would be equal.
var made = time.Date(1980, 1, 1, 0, 0, 0, 0, time.UTC)

// read returns the content of a file and its mode in an archive: rwxr-xr-x for a
// program and rw-r--r-- for the rest, whatever the umask of the machine.
func read(file string) (content []byte, mode os.FileMode, err error) {
	info, err := os.Stat(file)
	if err != nil {
		return nil, 0, err
	}
	mode = 0o644
	if info.Mode()&0o100 != 0 {
		mode = 0o755
	}
	content, err = os.ReadFile(file)
	return content, mode, err
}

// writeTar writes files, by their names, into a compressed archive with one
// folder.
func writeTar(to, folder string, files map[string]string) error {
	var archive bytes.Buffer
	compressed, err := gzip.NewWriterLevel(&archive, gzip.BestCompression)
	if err != nil {
		return err
	}
	w := tar.NewWriter(compressed)
	for _, name := range slices.Sorted(maps.Keys(files)) {
		content, mode, err := read(files[name])
		if err != nil {
			return err
		}
		header := &tar.Header{Name: path.Join(folder, name), Mode: int64(mode), Size: int64(len(content)), ModTime: made}
		if err := w.WriteHeader(header); err != nil {
			return err
		}
		if _, err := w.Write(content); err != nil {
			return err
		}
	}
	if err := w.Close(); err != nil {
		return err
	}
	if err := compressed.Close(); err != nil {
		return err
	}
	return os.WriteFile(to, archive.Bytes(), 0o644)
}

// writeZip writes files, by their names, into a zip.
func writeZip(to string, files map[string]string) error {
	var archive bytes.Buffer
	w := zip.NewWriter(&archive)
	for _, name := range slices.Sorted(maps.Keys(files)) {
		content, mode, err := read(files[name])
		if err != nil {
			return err
		}
		header := &zip.FileHeader{Name: name, Method: zip.Deflate, Modified: made}
		header.SetMode(mode)
		file, err := w.CreateHeader(header)
		if err != nil {
			return err
		}
		if _, err := file.Write(content); err != nil {
			return err
		}
	}
	if err := w.Close(); err != nil {
		return err
	}
	return os.WriteFile(to, archive.Bytes(), 0o644)
}
