package main

import (
	"bytes"
	"encoding/base64"
	"testing"
	"time"

	"github.com/latchkey/latchkey/shared/datakey"
	"github.com/latchkey/latchkey/shared/id"
	"github.com/latchkey/latchkey/shared/identity"
	"github.com/latchkey/latchkey/shared/workspace"
)

// A cursor is good for the caller that it was made for, in one spelling.
func FuzzPlaceOf(f *testing.F) {
	ada, bob := identity.Caller{Email: "ada@corp.com"}, identity.Caller{Email: "bob@corp.com"}
	ws := id.FromBytes(workspace.IDPrefix, make([]byte, id.RandomBytes))
	for _, seed := range []string{placeCursor(ada, ws), placeCursor(bob, ws), placeCursor(ada, ws) + "\n", "AAAA", "=", "", "\x00"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, cursor string) {
		place, err := placeOf(ada, cursor)
		if (err == nil) != (cursor == "" || place != "") {
			t.Errorf("%q: place %q, %v", cursor, place, err)
		}
		if place == "" {
			return
		}
		if placeCursor(ada, place) != cursor {
			t.Errorf("%q is a second spelling of a cursor", cursor)
		}
		if other, err := placeOf(bob, cursor); err == nil {
			t.Errorf("%q leads another caller to %q", cursor, other)
		}
	})
}

// A cursor opens for the listing and the day that it was made for, and nothing
// that anybody makes of it, or without it, does.
func FuzzCursor(f *testing.F) {
	nonce := bytes.NewReader(make([]byte, 64)) // every process of a fuzzer seals alike
	box, err := datakey.NewBox(make([]byte, 32), nonce)
	if err != nil {
		f.Fatal(err)
	}
	at := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	users := cursor{box, "users of A"}
	sealed, err := users.seal("2026#usr_1", at)
	if err != nil {
		f.Fatal(err)
	}
	for _, seed := range []string{*sealed, *sealed + "A", (*sealed)[1:], "", "AA", "====", "AQAAAAAAAAAAAAAAAA", "\x00"} {
		f.Add(seed, 3, byte(1))
	}
	f.Fuzz(func(t *testing.T, text string, place int, flip byte) {
		raw := []byte(*sealed)
		raw[uint(place)%uint(len(raw))] ^= flip
		for _, text := range []string{text, string(raw)} {
			was, _ := base64.RawURLEncoding.DecodeString(*sealed)
			is, err := base64.RawURLEncoding.DecodeString(text)
			same := err == nil && bytes.Equal(is, was)
			if after := users.open(text, at); (after == "2026#usr_1") != same || after != "" && !same {
				t.Errorf("%q leads to %q", text, after)
			}
			for _, other := range []string{(cursor{box, "users of B"}).open(text, at), users.open(text, at.Add(25*time.Hour))} {
				if other != "" {
					t.Errorf("%q leads elsewhere, or later, to %q", text, other)
				}
			}
		}
	})
}
