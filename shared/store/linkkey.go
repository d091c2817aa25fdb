package store

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"

	"github.com/latchkey/latchkey/shared/table"
)

// LinkKey is a version of the key that links are derived from.
type LinkKey struct {
	Wrapped []byte    // by KMS
	From    time.Time // since when it signs; it verifies at any time
}

type linkKeysItem struct {
	primary
	Keys []linkKeyItem `dynamodbav:"keys"`
}

type linkKeyItem struct {
	Wrapped []byte `dynamodbav:"key"`
	From    int64  `dynamodbav:"from"` // in Unix seconds, as operators write it with date +%s
}

func linkKeysOfItem(item Item) ([]LinkKey, error) {
	var in linkKeysItem
	err := attributevalue.UnmarshalMap(item, &in)
	keys := make([]LinkKey, len(in.Keys))
	for i, k := range in.Keys {
		keys[i] = LinkKey{k.Wrapped, time.Unix(k.From, 0).UTC()}
	}
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

// InsertLinkKeys writes the first versions of the link key, and returns those
// that stand: keys, or what somebody else wrote before.
func (s *Store) InsertLinkKeys(ctx context.Context, keys []LinkKey) (stands []LinkKey, err error) {
	key := linkKeysKey()
	in := linkKeysItem{primary: primary{key.PK, key.SK, entityLinkKeys}}
	for _, k := range keys {
		in.Keys = append(in.Keys, linkKeyItem{k.Wrapped, k.From.Unix()})
	}
	item, err := attributevalue.MarshalMap(in)
	if err != nil {
		return nil, err
	}
	old, lost, err := s.table.Apply(ctx, table.Write{Key: key, Put: item, Condition: missing("pk")})
	if err != nil || !lost {
		return keys, err
	}
	return linkKeysOfItem(old)
}
