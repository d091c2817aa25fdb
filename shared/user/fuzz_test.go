package user_test

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/latchkey/latchkey/shared/user"
)

// The canonical form of a valid address is one, stays one, and is the person's.
func FuzzCanonicalEmail(f *testing.F) {
	for _, seed := range []string{
		"John.Doe+x@Corp.com", " a@b.c ", "a@münchen.example", "mike@vİctim.example", "mike@STRAßE.example", "\u212aim@corp.com",
		"a@b@c.d", "@", "a@", "@b.c", "a@xn--mnchen-3ya.example", "a@b.c\x00", "a\r\nb@c.d", "\xff@b.c", "a@.", "",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, typed string) {
		once := user.CanonicalEmail(typed)
		if twice := user.CanonicalEmail(once); twice != once {
			t.Errorf("%q becomes %q and then %q", typed, once, twice)
		}
		if !user.ValidEmail(typed) {
			return
		}
		if !user.ValidEmail(once) {
			t.Errorf("%q is valid, its canonical form %q is not", typed, once)
		}
		if user.EmailKey(typed) != user.EmailKey(once) || user.IDFor("ws", typed) != user.IDFor("ws", once) {
			t.Errorf("%q and %q are two people", typed, once)
		}
		for _, c := range []byte(once) {
			if c <= ' ' || c >= 0x7f {
				t.Errorf("%q has the canonical form %q", typed, once)
			}
		}
	})
}

// A merge patch applied twice is the patch applied once, and valid JSON.
func FuzzMergeMetadata(f *testing.F) {
	for _, seed := range [][2]string{
		{`{"a":1}`, `{"a":null,"b":{"c":[1,2]}}`}, {``, `{}`}, {`{"a":{"b":1}}`, `{"a":{"b":null}}`},
		{`{"n":1e999}`, `{"n":12345678901234567890}`}, {`{"a":"<&>"}`, `{"\u0000":"\ud800"}`}, {`[]`, `1`}, {`{"a":1,"a":2}`, `{"":null}`},
	} {
		f.Add(seed[0], seed[1])
	}
	f.Fuzz(func(t *testing.T, metadata, patch string) {
		if metadata != "" && !json.Valid([]byte(metadata)) || !json.Valid([]byte(patch)) {
			return
		}
		once := user.MergeMetadata(json.RawMessage(metadata), json.RawMessage(patch))
		if !json.Valid(once) {
			t.Fatalf("%s with %s: %s", metadata, patch, once)
		}
		if twice := user.MergeMetadata(once, json.RawMessage(patch)); !bytes.Equal(once, twice) {
			t.Errorf("%s with %s: %s, and again %s", metadata, patch, once, twice)
		}
	})
}
