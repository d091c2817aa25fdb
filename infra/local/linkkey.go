package local

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/latchkey/latchkey/shared/datakey"
	"github.com/latchkey/latchkey/shared/store"
)

// adoptLinkKeys copies the link keys from a data folder of 0.1.0, which had them
// in a file, into the table, so that existing links still work. Keys that are
// already in the table stay. docs/operations.md has the same steps for a
// deployment.
func (s *Stack) adoptLinkKeys(ctx context.Context, dataDir string) error {
	raw, err := os.ReadFile(filepath.Join(dataDir, "link-key.json"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	var texts struct{ Current, Previous string }
	if err == nil {
		err = json.Unmarshal(raw, &texts)
	}
	if err != nil {
		return fmt.Errorf("read the link keys in the data folder: %w", err)
	}
	kms := datakey.FromEnv(s.Env(), rand.Reader)
	var keys []store.LinkKey
	for _, text := range []string{texts.Current, texts.Previous} {
		if text == "" {
			continue
		}
		key := sha256.Sum256([]byte(text))
		wrapped, err := kms.WrapLinkKey(ctx, key[:])
		if err != nil {
			return err
		}
		keys = append(keys, store.LinkKey{Wrapped: wrapped, From: time.Unix(0, 0)})
	}
	_, err = store.FromEnv(s.Env()).InsertLinkKeys(ctx, keys)
	return err
}
