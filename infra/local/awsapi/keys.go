package awsapi

import (
	"crypto/aes"
	"crypto/cipher"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// keys are what KMS and Secrets Manager would keep.
type keys struct {
	dir    string
	master cipher.AEAD
	random io.Reader
}

const (
	linkFile   = "link-key.json"
	masterFile = "metadata-master.key"
	keySize    = 32
)

// loadKeys reads the keys, making them where they are missing.
func loadKeys(dir string, random io.Reader) (keys, error) {
	k := keys{dir: dir, random: random}
	if err := k.makeLink(); err != nil {
		return k, err
	}
	path := filepath.Join(dir, masterFile)
	raw, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		if raw, err = k.key(); err == nil {
			err = writeWhole(path, raw)
		}
	}
	if err != nil {
		return k, err
	}
	if len(raw) != keySize {
		return k, fmt.Errorf("%s in the data folder holds %d bytes, and a key has %d", masterFile, len(raw), keySize)
	}
	block, err := aes.NewCipher(raw)
	if err != nil {
		return k, err
	}
	k.master, err = cipher.NewGCM(block)
	return k, err
}

// key is a new random key.
func (k keys) key() ([]byte, error) {
	key := make([]byte, keySize)
	_, err := io.ReadFull(k.random, key)
	return key, err
}

// linkSecret is the secret with the link keys, in base64.
type linkSecret struct {
	Current  string `json:"current"`
	Previous string `json:"previous"` // may be empty
}

// makeLink makes the link key at the first start. It is never made later: a
// key that vanished would take all links with it, and in silence.
func (k keys) makeLink() error {
	_, err := os.Stat(filepath.Join(k.dir, linkFile))
	if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return k.writeLink("")
}

// writeLink writes the secret with a new key.
func (k keys) writeLink(previous string) error {
	key, err := k.key()
	if err != nil {
		return err
	}
	raw, err := json.Marshal(linkSecret{Current: base64.StdEncoding.EncodeToString(key), Previous: previous})
	if err != nil {
		return err
	}
	return writeWhole(filepath.Join(k.dir, linkFile), raw)
}

// link is the secret with the link keys, read anew each time, so that a key
// that was rotated counts.
func (k keys) link() (string, error) {
	raw, err := os.ReadFile(filepath.Join(k.dir, linkFile))
	return string(raw), err
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

// Rotate makes a new link key; the current one becomes the previous one, which
// links that are out go on working with.
func Rotate(dataDir string, random io.Reader) error {
	k := keys{dir: dataDir, random: random}
	raw, err := k.link()
	if err != nil {
		return fmt.Errorf("rotate the link key: %w", err)
	}
	var secret linkSecret
	if err := json.Unmarshal([]byte(raw), &secret); err != nil {
		return fmt.Errorf("rotate the link key: %w", err)
	}
	return k.writeLink(secret.Current)
}
