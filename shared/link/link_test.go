package link_test

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"math"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/latchkey/latchkey/shared/id"
	"github.com/latchkey/latchkey/shared/link"
	"github.com/latchkey/latchkey/shared/user"
	"github.com/latchkey/latchkey/shared/workspace"
)

func key(fill byte) []byte { return bytes.Repeat([]byte{fill}, 32) }

var keys = link.Keys{Current: key(1)}

func invitation(generation int) link.Invitation {
	return link.Invitation{
		WorkspaceID: id.FromBytes(workspace.IDPrefix, []byte("fifteen bytes!!")),
		UserID:      user.IDFor("ws_1", "john@corp.com"),
		Generation:  generation,
	}
}

func token(t testing.TB, k link.Keys, inv link.Invitation) string {
	t.Helper()
	text, err := k.Token(link.Accept, inv)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func checkRefused(t *testing.T, what, text string) {
	t.Helper()
	defer func() {
		if p := recover(); p != nil {
			t.Errorf("%s: panic: %v", what, p)
		}
	}()
	inv, err := keys.Verify(link.Accept, text)
	if !errors.Is(err, link.ErrInvalid) || inv != (link.Invitation{}) {
		t.Errorf("%s: %+v, %v", what, inv, err)
	}
}

func TestATokenStandsForTheInvitationItWasMadeFor(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		k := link.Keys{Current: rapid.SliceOfN(rapid.Byte(), 32, 32).Draw(t, "key")}
		want := link.Invitation{
			WorkspaceID: id.FromBytes(workspace.IDPrefix, rapid.SliceOfN(rapid.Byte(), id.RandomBytes, id.RandomBytes).Draw(t, "workspace")),
			UserID:      id.FromBytes(user.IDPrefix, rapid.SliceOfN(rapid.Byte(), id.HashBytes, id.HashBytes).Draw(t, "user")),
			Generation:  rapid.IntRange(1, math.MaxUint32).Draw(t, "generation"),
		}
		text, err := k.Token(link.Accept, want)
		if err != nil || len(text) != 96 || strings.Trim(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_") != "" {
			t.Fatalf("%q, %v", text, err)
		}
		again, err := k.Token(link.Accept, want)
		if err != nil || again != text {
			t.Fatalf("derived again it is %q, not %q", again, text)
		}
		if got, err := k.Verify(link.Accept, text); err != nil || got != want {
			t.Fatalf("%+v, %v", got, err)
		}
	})
}

func TestEveryFlippedBitIsRefused(t *testing.T) {
	raw, err := base64.RawURLEncoding.DecodeString(token(t, keys, invitation(1)))
	if err != nil {
		t.Fatal(err)
	}
	for bit := range len(raw) * 8 {
		raw[bit/8] ^= 1 << (bit % 8)
		checkRefused(t, "a flipped bit", base64.RawURLEncoding.EncodeToString(raw))
		raw[bit/8] ^= 1 << (bit % 8)
	}
}

func TestEveryOtherLengthIsRefused(t *testing.T) {
	good := token(t, keys, invitation(1))
	for n := range len(good) {
		checkRefused(t, "cut at its end", good[:n])
		checkRefused(t, "cut at its beginning", good[n+1:])
	}
	for _, more := range []string{"A", "=", "==", "\n", " ", "\x00", "AAAA", good} {
		checkRefused(t, "longer", good+more)
		checkRefused(t, "longer in front", more+good)
	}
}

// One token has one spelling, so that it can be counted, compared and cut out
// of logs.
func TestEveryOtherSpellingIsRefused(t *testing.T) {
	// A token with both letters in which the two alphabets differ.
	var good string
	for generation := 1; !strings.Contains(good, "-") || !strings.Contains(good, "_"); generation++ {
		good = token(t, keys, invitation(generation))
	}
	if _, err := keys.Verify(link.Accept, good); err != nil {
		t.Fatal(err)
	}
	checkRefused(t, "the standard alphabet", strings.NewReplacer("-", "+", "_", "/").Replace(good))
	checkRefused(t, "half the standard alphabet", strings.Replace(good, "-", "+", 1))
	checkRefused(t, "with padding", good[:95]+"=")
	checkRefused(t, "with more padding", good[:94]+"==")
	checkRefused(t, "escaped", strings.Replace(good, "-", "%2D", 1))
	checkRefused(t, "turned", strings.ToUpper(good))
	for i := range good {
		for _, blank := range []string{"\n", "\r", " ", "\t", "\x00", "=", "\u00e9"} {
			checkRefused(t, "with "+blank+" in place of a letter", good[:i]+blank+good[i+1:])
		}
	}
}

// Base64 decoders pass over line breaks, which count for the length.
func TestLineBreaksAreRefused(t *testing.T) {
	good := token(t, keys, invitation(1))
	for n := 1; n <= 96 && !t.Failed(); n++ {
		for _, broken := range []string{"\n", "\r"} {
			checkRefused(t, "line breaks, then a token", strings.Repeat(broken, n)+good[:96-n])
			checkRefused(t, "a token, then line breaks", good[:96-n]+strings.Repeat(broken, n))
		}
	}
}

func TestAnotherKeyIsRefused(t *testing.T) {
	checkRefused(t, "another key", token(t, link.Keys{Current: key(2)}, invitation(1)))
	// HMAC pads its key with zeros: this token is signed as with no key at all.
	unsigned := token(t, link.Keys{Current: []byte{0}}, invitation(1))
	checkRefused(t, "the empty key", unsigned)
	if _, err := (link.Keys{}).Verify(link.Accept, unsigned); !errors.Is(err, link.ErrInvalid) {
		t.Errorf("no key at all verifies: %v", err)
	}
}

func TestAKeyIsAcceptedAsLongAsItIsKept(t *testing.T) {
	old := token(t, keys, invitation(3))
	once := link.Keys{Current: key(2), Others: [][]byte{key(1)}}
	twice := link.Keys{Current: key(3), Others: [][]byte{key(2)}}
	if got, err := once.Verify(link.Accept, old); err != nil || got != invitation(3) {
		t.Errorf("rotated once: %+v, %v", got, err)
	}
	if fresh := token(t, once, invitation(3)); fresh == old {
		t.Error("the previous key still signs")
	}
	if _, err := twice.Verify(link.Accept, old); !errors.Is(err, link.ErrInvalid) {
		t.Errorf("rotated twice: %v", err)
	}
}

// payload is what a token says, in the format that link documents.
func payload(inv link.Invitation, version byte) []byte {
	ws, _ := id.Bytes(workspace.IDPrefix, inv.WorkspaceID, id.RandomBytes)
	usr, _ := id.Bytes(user.IDPrefix, inv.UserID, id.HashBytes)
	raw := append([]byte{version}, ws...)
	raw = append(raw, usr...)
	return binary.BigEndian.AppendUint32(raw, uint32(inv.Generation))
}

func signed(payload []byte, purpose string) string {
	h := hmac.New(sha256.New, keys.Current)
	h.Write([]byte(purpose))
	h.Write(payload)
	return base64.RawURLEncoding.EncodeToString(h.Sum(payload))
}

// Rule 5 of the pitfalls: what the same key signed for something else is no link.
func TestAMACOfAnotherPurposeIsRefused(t *testing.T) {
	inv := invitation(1)
	good := signed(payload(inv, 1), "latchkey/invitation/1\x00")
	if good != token(t, keys, inv) {
		t.Fatal("the format of tokens changed: links that were mailed are dead")
	}
	for _, purpose := range []string{"", "latchkey/invitation/1", "latchkey/invitation/2\x00", "latchkey/cursor/1\x00", "latchkey/unsubscribe/1\x00"} {
		checkRefused(t, "purpose "+purpose, signed(payload(inv, 1), purpose))
	}
	for _, version := range []byte{0, 2, 255} {
		checkRefused(t, "another format", signed(payload(inv, version), "latchkey/invitation/1\x00"))
	}
}

// A token opens one door: with the link to accept nobody opts the person out or
// reports the invitation, and with the links in the mail's footer nobody accepts.
func TestATokenIsWorthNothingForAnotherPurpose(t *testing.T) {
	purposes := []link.Purpose{link.Accept, link.OptOut, link.Report}
	rotated := link.Keys{Current: key(2), Others: [][]byte{key(1)}}
	for _, made := range purposes {
		text, err := keys.Token(made, invitation(7))
		if err != nil {
			t.Fatal(err)
		}
		for _, asked := range purposes {
			for _, k := range []link.Keys{keys, rotated} {
				got, err := k.Verify(asked, text)
				if made == asked && (err != nil || got != invitation(7)) {
					t.Errorf("%q: %+v, %v", asked, got, err)
				}
				if made != asked && (!errors.Is(err, link.ErrInvalid) || got != (link.Invitation{})) {
					t.Errorf("made for %q, asked for %q: %+v, %v", made, asked, got, err)
				}
			}
		}
	}
}

// A founder, who was never invited, is mailed too, and may opt out.
func TestAFounderMayOptOutAndHasNothingToAccept(t *testing.T) {
	if text, err := keys.Token(link.Accept, invitation(0)); err == nil {
		t.Errorf("to accept: %q", text)
	}
	for _, purpose := range []link.Purpose{link.OptOut, link.Report} {
		text, err := keys.Token(purpose, invitation(0))
		if err != nil {
			t.Fatal(err)
		}
		if got, err := keys.Verify(purpose, text); err != nil || got != invitation(0) {
			t.Errorf("%q: %+v, %v", purpose, got, err)
		}
	}
}

func TestEveryPartOfAnInvitationIsSigned(t *testing.T) {
	good := token(t, keys, invitation(1))
	for what, change := range map[string]func(*link.Invitation){
		"workspace": func(i *link.Invitation) {
			i.WorkspaceID = id.FromBytes(workspace.IDPrefix, make([]byte, id.RandomBytes))
		},
		"user":       func(i *link.Invitation) { i.UserID = user.IDFor("ws_1", "other@corp.com") },
		"generation": func(i *link.Invitation) { i.Generation = 2 },
	} {
		inv := invitation(1)
		change(&inv)
		other := token(t, keys, inv)
		if other[54:] == good[54:] {
			t.Errorf("another %s has the same MAC", what)
		}
		raw, err := base64.RawURLEncoding.DecodeString(good)
		if err != nil {
			t.Fatal(err)
		}
		copy(raw, payload(inv, 1))
		checkRefused(t, "another "+what+" with this one's MAC", base64.RawURLEncoding.EncodeToString(raw))
	}
}

func TestWhatIsNoInvitationHasNoToken(t *testing.T) {
	for what, change := range map[string]func(*link.Invitation){
		"nothing":              func(i *link.Invitation) { *i = link.Invitation{} },
		"generation 0":         func(i *link.Invitation) { i.Generation = 0 },
		"a negative one":       func(i *link.Invitation) { i.Generation = -1 },
		"one that is too high": func(i *link.Invitation) { i.Generation = math.MaxUint32 + 1 },
		"no workspace":         func(i *link.Invitation) { i.WorkspaceID = "" },
		"a user for workspace": func(i *link.Invitation) { i.WorkspaceID = i.UserID },
		"a workspace for user": func(i *link.Invitation) { i.UserID = i.WorkspaceID },
		"a longer user":        func(i *link.Invitation) { i.UserID += "0" },
		"upper case":           func(i *link.Invitation) { i.UserID = strings.ToUpper(i.UserID) },
	} {
		inv := invitation(1)
		change(&inv)
		if text, err := keys.Token(link.Accept, inv); err == nil || text != "" {
			t.Errorf("%s: %q", what, text)
		}
	}
}

func TestTheAddressBeginsAsConfigured(t *testing.T) {
	if got := link.URL("https://api.corp.com", "token"); got != "https://api.corp.com/invite/token" {
		t.Errorf("%s", got)
	}
}

func FuzzVerify(f *testing.F) {
	good := token(f, keys, invitation(1))
	for _, seed := range []string{"", good, good[:95], good + "A", strings.Repeat("A", 96), strings.Repeat("_", 96), strings.Repeat("=", 96),
		strings.Repeat("\n", 96), "AQ" + strings.Repeat("\r", 94), strings.Repeat("\xff", 96)} {
		f.Add(seed)
	}
	k := link.Keys{Current: key(1), Others: [][]byte{key(2)}}
	f.Fuzz(func(t *testing.T, text string) {
		inv, err := k.Verify(link.Accept, text)
		if err != nil {
			if inv != (link.Invitation{}) {
				t.Errorf("refused, and yet %+v", inv)
			}
			return
		}
		// Whatever passes is what one of the keys makes.
		for _, key := range append(k.Others, k.Current) {
			if again, err := (link.Keys{Current: key}).Token(link.Accept, inv); err == nil && again == text {
				return
			}
		}
		t.Errorf("%q passes, but nobody made it", text)
	})
}
