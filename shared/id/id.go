// Package id makes identifiers: a prefix that says of what, and lower-case
// base32 that sorts as its bytes do. They are safe in URLs, keys and logs.
//
// It imports the standard library alone.
package id

import (
	"crypto/sha256"
	"encoding/base32"
	"encoding/binary"
	"fmt"
	"io"
	"strings"
	"time"
)

// The "extended hex" alphabet of RFC 4648 section 7, in lower case: it keeps
// the order of the encoded bytes.
var encoding = base32.NewEncoding("0123456789abcdefghijklmnopqrstuv").WithPadding(base32.NoPadding)

const (
	// RandomBytes is the length of the identifiers that Random makes.
	RandomBytes = 15
	// HashBytes is the length of the identifiers that Hash makes.
	HashBytes = 20
	// OrderedBytes is the length of the identifiers that Ordered makes.
	OrderedBytes = 16
)

// Random is an identifier of 120 random bits.
func Random(prefix string, random io.Reader) (string, error) {
	raw := make([]byte, RandomBytes)
	if _, err := io.ReadFull(random, raw); err != nil {
		return "", fmt.Errorf("make an identifier: %w", err)
	}
	return prefix + encoding.EncodeToString(raw), nil
}

// Ordered is an identifier whose text sorts by time (to the millisecond), with
// 80 random bits behind.
func Ordered(prefix string, now time.Time, random io.Reader) (string, error) {
	raw := make([]byte, OrderedBytes)
	binary.BigEndian.PutUint64(raw, uint64(now.UnixMilli())<<16)
	if _, err := io.ReadFull(random, raw[6:]); err != nil {
		return "", fmt.Errorf("make an identifier: %w", err)
	}
	return prefix + encoding.EncodeToString(raw), nil
}

// At returns an identifier of Ordered with its time replaced, and any other
// text as it is.
func At(ordered string, at time.Time) string {
	cut := len(ordered) - encoding.EncodedLen(OrderedBytes)
	if cut < 0 {
		return ordered
	}
	raw, ok := Bytes(ordered[:cut], ordered, OrderedBytes)
	if !ok {
		return ordered
	}
	var stamp [8]byte
	binary.BigEndian.PutUint64(stamp[:], uint64(at.UnixMilli())<<16)
	copy(raw, stamp[:6])
	return FromBytes(ordered[:cut], raw)
}

// Hash is the identifier that belongs to parts: the same for the same parts,
// 160 bits of SHA-256. Parts are separated so that no two lists collide.
func Hash(prefix string, parts ...string) string {
	h := sha256.New()
	for _, p := range parts {
		var size [4]byte
		binary.BigEndian.PutUint32(size[:], uint32(len(p)))
		h.Write(size[:])
		h.Write([]byte(p))
	}
	return prefix + encoding.EncodeToString(h.Sum(nil)[:HashBytes])
}

// Bytes are the n bytes behind an identifier; ok is false for any text that
// is not exactly such an identifier.
func Bytes(prefix, text string, n int) (raw []byte, ok bool) {
	rest, found := strings.CutPrefix(text, prefix)
	if !found {
		return nil, false
	}
	raw, err := encoding.DecodeString(rest)
	if err != nil || len(raw) != n || encoding.EncodeToString(raw) != rest {
		return nil, false
	}
	return raw, true
}

// FromBytes is the identifier of given bytes: the inverse of Bytes.
func FromBytes(prefix string, raw []byte) string {
	return prefix + encoding.EncodeToString(raw)
}
