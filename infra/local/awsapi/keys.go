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

func loadKeys(dir string, random io.Reader) (keys, error) {
	k := keys{dir: dir, random: random}
	raw, err := k.load(masterFile, func(key []byte) ([]byte, error) { return key, nil })
	if err != nil {
		return k, err
	}
	block, err := aes.NewCipher(raw)
	if err != nil {
		return k, fmt.Errorf("%s in the data folder is no key: %w", masterFile, err)
	}
	k.master, err = cipher.NewGCM(block)
	if err != nil {
		return k, err
	}
	_, err = k.link()
	return k, err
}

// link is the secret with the link keys, read anew each time, so that a file
// that was changed counts.
func (k keys) link() (string, error) {
	raw, err := k.load(linkFile, func(key []byte) ([]byte, error) {
		return json.Marshal(map[string]string{"current": base64.StdEncoding.EncodeToString(key), "previous": ""})
	})
	return string(raw), err
}

// load reads a file of the data folder. Where it is missing, it is made from a
// new random key.
func (k keys) load(name string, render func(key []byte) ([]byte, error)) ([]byte, error) {
	path := filepath.Join(k.dir, name)
	raw, err := os.ReadFile(path)
	if !errors.Is(err, fs.ErrNotExist) {
		return raw, err
	}
	key := make([]byte, keySize)
	if _, err := io.ReadFull(k.random, key); err != nil {
		return nil, err
	}
	raw, err = render(key)
	if err != nil {
		return nil, err
	}
	// Written aside and renamed, so that no half of a key is ever read.
	err = os.WriteFile(path+".new", raw, 0o600)
	if err != nil {
		return nil, err
	}
	return raw, os.Rename(path+".new", path)
}

type dataKeyRequest struct {
	KeyID             string
	CiphertextBlob    []byte
	EncryptionContext map[string]string
}

// additional is the encryption context in one form: JSON sorts its keys.
func (r dataKeyRequest) additional() []byte {
	raw, err := json.Marshal(r.EncryptionContext)
	if err != nil {
		return nil // texts alone: cannot fail
	}
	return raw
}

// https://docs.aws.amazon.com/kms/latest/APIReference/API_GenerateDataKeyWithoutPlaintext.html
func (h *Handler) generateDataKey(body []byte) (any, error) {
	var in dataKeyRequest
	if err := json.Unmarshal(body, &in); err != nil || in.KeyID != h.cfg.MetadataKeyID {
		return nil, failure{"NotFoundException", "there is no such key"}
	}
	secret := make([]byte, keySize+h.keys.master.NonceSize())
	if _, err := io.ReadFull(h.keys.random, secret); err != nil {
		return nil, err
	}
	key, nonce := secret[:keySize], secret[keySize:]
	blob := h.keys.master.Seal(append([]byte(nil), nonce...), nonce, key, in.additional())
	return map[string]any{"CiphertextBlob": blob, "KeyId": in.KeyID}, nil
}

// https://docs.aws.amazon.com/kms/latest/APIReference/API_Decrypt.html
func (h *Handler) decrypt(body []byte) (any, error) {
	var in dataKeyRequest
	n := h.keys.master.NonceSize()
	if err := json.Unmarshal(body, &in); err != nil || len(in.CiphertextBlob) < n {
		return nil, failure{"InvalidCiphertextException", ""}
	}
	key, err := h.keys.master.Open(nil, in.CiphertextBlob[:n], in.CiphertextBlob[n:], in.additional())
	if err != nil {
		return nil, failure{"InvalidCiphertextException", ""}
	}
	return map[string]any{"Plaintext": key, "KeyId": h.cfg.MetadataKeyID, "EncryptionAlgorithm": "SYMMETRIC_DEFAULT"}, nil
}

// Rotate makes a new link key; the current one becomes the previous one, which
// links that are out go on working with.
func Rotate(dataDir string, random io.Reader) error {
	k := keys{dir: dataDir, random: random}
	old, err := k.link()
	if err != nil {
		return err
	}
	var secret struct {
		Current  string `json:"current"`
		Previous string `json:"previous"`
	}
	if err := json.Unmarshal([]byte(old), &secret); err != nil {
		return err
	}
	key := make([]byte, keySize)
	if _, err := io.ReadFull(random, key); err != nil {
		return err
	}
	secret.Previous, secret.Current = secret.Current, base64.StdEncoding.EncodeToString(key)
	raw, err := json.Marshal(secret)
	if err != nil {
		return err
	}
	path := filepath.Join(dataDir, linkFile)
	if err := os.WriteFile(path+".new", raw, 0o600); err != nil {
		return err
	}
	return os.Rename(path+".new", path)
}
