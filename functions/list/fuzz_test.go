package main

import (
	"testing"

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
