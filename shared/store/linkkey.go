package store

import (
	"context"
	"time"

	"github.com/latchkey/latchkey/shared/table"
)

// LinkKey is a version of the key that links are derived from.
type LinkKey struct {
	Wrapped []byte    // by KMS
	From    time.Time // when it begins to sign; it always verifies
}

func linkKeysFields(f *table.Fields, keys *[]LinkKey) {
	table.ListOr(f, "keys", linkKeyFields, keys)
}

func linkKeyFields(f *table.Fields, k *LinkKey) {
	f.Bytes("key", &k.Wrapped)
	from := k.From.Unix() // as operators write it with date +%s
	table.Int(f, "from", &from)
	k.From = time.Unix(from, 0).UTC()
}

func linkKeysOfItem(item Item) ([]LinkKey, error) {
	keys := []LinkKey{}
	err := table.Decode(item, linkKeysFields, &keys)
	return keys, err
}

// LinkKeys returns every version of the link key; none before the first link.
func (s *Store) LinkKeys(ctx context.Context) ([]LinkKey, error) {
	item, err := s.table.Get(ctx, linkKeysKey())
	if err != nil {
		return nil, err
	}
	return linkKeysOfItem(item)
}

// InsertLinkKeys writes the first versions of the link key, unless there are
// some. It returns the versions that the table then has.
func (s *Store) InsertLinkKeys(ctx context.Context, keys []LinkKey) (stands []LinkKey, err error) {
	w := put(linkKeysKey(), entityLinkKeys, linkKeysFields, &keys)
	w.Condition = table.Missing("pk")
	old, lost, err := s.table.Apply(ctx, w)
	if err != nil || !lost {
		return keys, err
	}
	return linkKeysOfItem(old)
}
