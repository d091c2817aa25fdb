package id_test

import (
	"bytes"
	"crypto/rand"
	"errors"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"pgregory.net/rapid"

	"github.com/latchkey/latchkey/shared/id"
)

func TestRandomIdentifiersDifferAndFitKeysAndAddresses(t *testing.T) {
	seen := map[string]bool{}
	for range 1000 {
		text, err := id.Random("ws_", rand.Reader)
		if err != nil || seen[text] || len(text) != 3+24 {
			t.Fatalf("%q, %v, seen: %v", text, err, seen[text])
		}
		seen[text] = true
		if strings.Trim(text, "abcdefghijklmnopqrstuvwxyz0123456789_") != "" {
			t.Fatalf("%q", text)
		}
	}
}

func TestWithoutRandomnessThereIsNoIdentifier(t *testing.T) {
	for n := range 9 {
		few := bytes.NewReader(make([]byte, n))
		if text, err := id.Random("ws_", few); err == nil || text != "" {
			t.Errorf("%d bytes: %q", n, text)
		}
	}
	broken := iotest.ErrReader(errors.New("none left"))
	if text, err := id.Ordered("evt_", time.Now(), broken); err == nil || text != "" {
		t.Errorf("%q", text)
	}
}

func TestOrderedIdentifiersSortByTime(t *testing.T) {
	millis := rapid.Int64Range(0, 1<<48-1)
	rapid.Check(t, func(t *rapid.T) {
		a, b := millis.Draw(t, "a"), millis.Draw(t, "b")
		first, err := id.Ordered("evt_", time.UnixMilli(a), rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		second, err := id.Ordered("evt_", time.UnixMilli(b), rand.Reader)
		if err != nil || len(first) != len(second) {
			t.Fatalf("%q and %q, %v", first, second, err)
		}
		if a != b && (first < second) != (a < b) || first == second {
			t.Fatalf("%d is %q, %d is %q", a, first, b, second)
		}
	})
}

func TestHashesTellListsApart(t *testing.T) {
	lists := [][]string{{}, {""}, {"", ""}, {"ab"}, {"a", "b"}, {"b", "a"}, {"a", "b", ""}, {"", "ab"}, {"a\x00b"}, {"a\x00\x00\x00\x01b"}}
	seen := map[string][]string{}
	for _, list := range lists {
		text := id.Hash("usr_", list...)
		if other, ok := seen[text]; ok {
			t.Errorf("%q and %q are both %s", other, list, text)
		}
		seen[text] = list
		if text != id.Hash("usr_", list...) || len(text) != 4+32 {
			t.Errorf("%q is %s", list, text)
		}
	}
}

func TestBytesComeBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		raw := rapid.SliceOfN(rapid.Byte(), 0, 30).Draw(t, "bytes")
		text := id.FromBytes("x_", raw)
		got, ok := id.Bytes("x_", text, len(raw))
		if !ok || !bytes.Equal(got, raw) {
			t.Fatalf("%q gives %x, %v", text, got, ok)
		}
		if _, ok := id.Bytes("x_", text, len(raw)+1); ok {
			t.Fatalf("%q passes for a longer one", text)
		}
	})
}

func TestWhatIsNoIdentifierIsRefused(t *testing.T) {
	good := id.Hash("usr_", "john")
	if _, ok := id.Bytes("usr_", good, id.HashBytes); !ok {
		t.Fatal(good)
	}
	for _, text := range []string{
		"", "usr_", "usr", good[1:], good[:len(good)-1], good + "0", good + "00000000", " " + good, good + " ", good + "\n", "\n" + good,
		strings.ToUpper(good), "USR_" + good[4:], "ws_" + good[4:], good[4:], "usr_" + good, good[:20] + "\n" + good[21:], good[:20] + "\r\n" + good[20:],
		good[:20] + "w" + good[21:], good[:20] + "=" + good[21:], good[:20] + "#" + good[21:], good[:20] + "\x00" + good[21:],
		id.FromBytes("usr_", make([]byte, id.RandomBytes)), strings.Repeat(good, 90), "me",
	} {
		if raw, ok := id.Bytes("usr_", text, id.HashBytes); ok || raw != nil {
			t.Errorf("%q passes", text)
		}
	}
	// 15 bytes leave no spare bits; where there are some, they must be zero.
	if _, ok := id.Bytes("x_", "x_01", 1); ok {
		t.Error("spare bits pass, so that one identifier has many spellings")
	}
}

// A change is stamped later than the one before it, whatever the clock says: its
// id takes that time and stays itself otherwise.
func TestAnIdentifierTakesAnotherTimeAndSortsByIt(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		at := func(name string) time.Time {
			return time.UnixMilli(rapid.Int64Range(0, 1<<47).Draw(t, name))
		}
		random := bytes.NewReader(rapid.SliceOfN(rapid.Byte(), 20, 20).Draw(t, "random"))
		made, err := id.Ordered("evt_", at("made"), random)
		if err != nil {
			t.Fatal(err)
		}
		early, late := at("early"), at("late")
		if late.Before(early) {
			early, late = late, early
		}
		a, b := id.At(made, early), id.At(made, late)
		if a > b || a == b != early.Equal(late) {
			t.Fatalf("at %v it is %s, at %v %s", early, a, late, b)
		}
		if back := id.At(a, late); back != b {
			t.Fatalf("%s, and by a detour %s", b, back)
		}
	})
	for _, text := range []string{"", "x", "evt_1", "evt_" + strings.Repeat("~", 26), strings.Repeat("é", 40)} {
		if got := id.At(text, time.UnixMilli(1)); got != text {
			t.Errorf("%q became %q", text, got)
		}
	}
}
