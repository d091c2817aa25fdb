package awsapi

import (
	"crypto/aes"
	"crypto/cipher"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

const (
	masterFile = "metadata-master.key"
	keySize    = 32
)

// loadMaster reads what KMS would keep, making it where it is missing.
func loadMaster(dir string, random io.Reader) (cipher.AEAD, error) {
	path := filepath.Join(dir, masterFile)
	raw, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		raw = make([]byte, keySize)
		if _, err = io.ReadFull(random, raw); err == nil {
			err = writeWhole(path, raw)
		}
	}
	if err != nil {
		return nil, err
	}
	if len(raw) != keySize {
		return nil, fmt.Errorf("%s in the data folder holds %d bytes, and a key has %d", masterFile, len(raw), keySize)
	}
	block, err := aes.NewCipher(raw)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(block)
}

// writeWhole writes a file aside and renames it, so that no half of a key is
// ever read, whenever the power fails.
func writeWhole(path string, raw []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*") // mode 0600
	if err != nil {
		return err
	}
	_, err = f.Write(raw)
	err = errors.Join(err, f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		_ = os.Remove(f.Name())
	}
	return err
}
