package user_test

import (
	"encoding/json"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"golang.org/x/net/idna"
	"golang.org/x/text/unicode/norm"
	"pgregory.net/rapid"

	"github.com/latchkey/latchkey/shared/user"
)

// rows reads tab-separated lines; the first is the header, # starts a comment.
func rows(t *testing.T, file string, columns int) [][]string {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join("testdata", file))
	if err != nil {
		t.Fatal(err)
	}
	var all [][]string
	for i, line := range strings.Split(strings.TrimRight(string(raw), "\n"), "\n") {
		if strings.HasPrefix(line, "#") {
			continue
		}
		cells := strings.Split(line, "\t")
		if len(cells) != columns {
			t.Fatalf("%s, line %d has %d columns instead of %d", file, i+1, len(cells), columns)
		}
		all = append(all, cells)
	}
	return all
}

func valid(address string) bool { return user.ValidEmail(strings.TrimSpace(address)) }

// Records are stored under these keys, so they never change.
func TestStoredKeysStayAsTheyAre(t *testing.T) {
	for _, row := range rows(t, "addresses.tsv", 5) {
		typed, _ := strconv.Unquote(row[0])
		canonical, _ := strconv.Unquote(row[1])
		mailed, _ := strconv.Unquote(row[2])
		if got := user.CanonicalEmail(typed); got != canonical {
			t.Errorf("CanonicalEmail(%q) = %q, want %q", typed, got, canonical)
		}
		if got := user.MailAddress(typed); got != mailed {
			t.Errorf("MailAddress(%q) = %q, want %q", typed, got, mailed)
		}
		if got := user.EmailKey(typed); got != row[3] {
			t.Errorf("EmailKey(%q) = %q, want %q", typed, got, row[3])
		}
		if got := user.IDFor("ws_1", typed); got != row[4] {
			t.Errorf("IDFor(%q) = %q, want %q", typed, got, row[4])
		}
	}
}

// Finding E3: each of these once had the canonical form of the address beside
// it, which is another mailbox.
func TestLookalikesAreOtherPeople(t *testing.T) {
	for lookalike, victim := range map[string]string{
		"mike@vİctim-inc.example":  "mike@victim-inc.example",
		"mİke@corp.com":            "mike@corp.com",
		"\u212Aate@corp.com":       "kate@corp.com",
		"mi\u212Ae@corp.com":       "mike@corp.com",
		"a\u037Eb@corp.com":        "a;b@corp.com",
		"\u1FEFa@corp.com":         "`a@corp.com",
		"groẞ@corp.com":            "gross@corp.com",
		"john@straẞe.example":      "john@straße.example",
		"john@STRAẞE.example":      "john@strasse.example",
		"john@straße.example":      "john@strasse.example",
		"ｊohn@corp.com":            "john@corp.com",
		"jo\u200Bhn@corp.com":      "john@corp.com",
		"john\u00AD@corp.com":      "john@corp.com",
		"\uFEFFjohn@corp.com":      "john@corp.com",
		"john@corp.com\u200B@a.io": "john@corp.com",
		"john\uFF20corp.com":       "john@corp.com",
		"john@corp\u2024com":       "john@corp.com\u2024",
		"j\xffohn@corp.com":        "john@corp.com",
	} {
		a, b := user.CanonicalEmail(lookalike), user.CanonicalEmail(victim)
		if a == b || user.EmailKey(lookalike) == user.EmailKey(victim) || user.IDFor("ws_1", lookalike) == user.IDFor("ws_1", victim) {
			t.Errorf("%q and %q are both %q", lookalike, victim, a)
		}
	}
}

// codePoints yields every code point of the planes that have characters, and
// one in 251 of those that are unassigned or for private use.
func codePoints(yield func(rune) bool) {
	for r := rune(0); r <= unicode.MaxRune; r++ {
		if r >= 0x40000 && r < 0xdff00 || r >= 0xe1000 {
			r += 250
		}
		if utf8.ValidRune(r) && !yield(r) {
			return
		}
	}
}

// Before the @, ASCII letters alone have another form, and a character outside
// ASCII stays outside.
func TestEveryCodePointBeforeTheAt(t *testing.T) {
	t.Parallel()
	for r := range codePoints {
		if r == '@' {
			continue
		}
		for _, local := range []string{string(r) + "ohn", "jo" + string(r) + "hn", "joh" + string(r)} {
			typed := local + "@corp.com"
			want := typed
			if 'A' <= r && r <= 'Z' {
				want = strings.Replace(typed, string(r), string(r+32), 1)
			}
			if strings.HasPrefix(local, string(r)) && unicode.IsSpace(r) {
				want = strings.TrimPrefix(want, string(r)) // white space around an address is no part of it
			}
			if got := user.CanonicalEmail(typed); got != want {
				t.Fatalf("%U: CanonicalEmail(%q) = %q, want %q", r, typed, got, want)
			}
			if r >= utf8.RuneSelf && !unicode.IsSpace(r) && valid(typed) {
				t.Fatalf("%U: %q is valid", r, typed)
			}
		}
	}
}

// uts46 is the profile that the rules name, put together here a second time.
var uts46 = idna.New(idna.MapForLookup(), idna.Transitional(false), idna.StrictDomainName(true), idna.VerifyDNSLength(true), idna.BidiRule())

// In a domain, exactly what UTS #46 maps to one domain is one domain, and mail
// goes to the domain by which people are told apart.
func TestEveryCodePointInADomain(t *testing.T) {
	t.Parallel()
	for r := range codePoints {
		if r == '@' {
			continue
		}
		for _, domain := range []string{string(r) + "orp.com", "co" + string(r) + "rp.com", "corp.co" + string(r)} {
			typed := "john@" + domain
			got := user.CanonicalEmail(typed)
			trimmed := strings.TrimSpace(domain)
			if strings.HasPrefix(domain, string(r)) {
				trimmed = strings.TrimRightFunc(domain, unicode.IsSpace)
			}
			want, err := uts46.ToASCII(trimmed)
			switch {
			case err != nil || r == 'ẞ':
				if valid(typed) {
					t.Fatalf("%U: %q is valid, though UTS #46 rejects its domain", r, typed)
				}
				if r >= utf8.RuneSelf && !unicode.IsSpace(r) && !strings.ContainsRune(got, r) {
					t.Fatalf("%U: CanonicalEmail(%q) = %q", r, typed, got)
				}
			case got != "john@"+want:
				t.Fatalf("%U: CanonicalEmail(%q) = %q, want the domain %q", r, typed, got, want)
			}
			if strings.HasPrefix(domain, "co"+string(r)) && user.MailAddress(typed) != got {
				t.Fatalf("%U: mail to %q goes to %q, but the person is %q", r, typed, user.MailAddress(typed), got)
			}
		}
	}
}

// A body of 256 KB has room for such a domain, and Punycode took 20 seconds.
func TestALongDomainIsRejectedAtOnce(t *testing.T) {
	domain := strings.Repeat("漢字仮名交じり文と長い領域名の試験", 5000) + ".com"
	start := time.Now()
	typed := "john@" + domain
	if valid(typed) || user.CanonicalEmail(typed) != typed {
		t.Error("it is valid")
	}
	if _, ok := user.CheckDomain(domain); ok {
		t.Error("it is a domain")
	}
	if took := time.Since(start); took > 2*time.Second {
		t.Errorf("it took %s", took)
	}
}

func TestInvalidUTF8IsNobody(t *testing.T) {
	for _, typed := range []string{"john@a\xffb.com", "john@corp.\xab", "john@\xff.com", "john@corp.co\xc3", "j\xffohn@corp.com", "john\xe2\x80@corp.com"} {
		if valid(typed) || user.CanonicalEmail(typed) != typed || user.MailAddress(typed) != typed {
			t.Errorf("%q is %q", typed, user.CanonicalEmail(typed))
		}
	}
}

// letters are characters that case mapping, normalization or IDNA treat
// specially, and ordinary ones.
var letters = rapid.OneOf(
	rapid.RuneFrom([]rune("abkKsSiIzZ019.-_+'@ \t.")),
	rapid.RuneFrom([]rune("İıẞßςΣσſK\u1fefÅ\u037e。．｡․\u00ad\u200b\u200c\u200d\ufe0fⓐＡａ①\u0307\u0301éЁё漢あ한अا")),
	rapid.Rune(),
)

func TestCanonicalFormsAreStable(t *testing.T) {
	text := rapid.StringOfN(letters, 0, 20, -1)
	rapid.Check(t, func(t *rapid.T) {
		typed := text.Draw(t, "local") + "@" + text.Draw(t, "domain")
		canonical := user.CanonicalEmail(typed)
		if again := user.CanonicalEmail(canonical); again != canonical {
			t.Fatalf("%q is %q, which is %q", typed, canonical, again)
		}
		if mailed := user.MailAddress(typed); user.CanonicalEmail(mailed) != canonical {
			t.Fatalf("mail to %q, who is %q, goes to %q", typed, canonical, mailed)
		}
		if valid(typed) != valid(canonical) {
			t.Fatalf("%q and %q differ in being valid", typed, canonical)
		}
		if valid(typed) && strings.ContainsFunc(canonical, func(r rune) bool { return r >= utf8.RuneSelf }) {
			t.Fatalf("%q is valid, but %q is not ASCII", typed, canonical)
		}
	})
}

// Two addresses are one person only if UTS #46 says that their domains are one
// and the local parts differ in the case of ASCII letters alone.
func TestOnlyEqualMailboxesAreOnePerson(t *testing.T) {
	text := rapid.StringOfN(letters, 1, 4, -1)
	rapid.Check(t, func(t *rapid.T) {
		local, domain := text.Draw(t, "local"), text.Draw(t, "domain")+".com"
		changed := func(s, name string) string {
			runes := []rune(s)
			i := rapid.IntRange(0, len(runes)-1).Draw(t, name)
			near := []rune(strings.ToUpper(string(runes[i])) + strings.ToLower(string(runes[i])) + norm.NFKC.String(string(runes[i])) + norm.NFD.String(string(runes[i])))
			near = append(near, unicode.SimpleFold(runes[i]))
			runes[i] = rapid.SampledFrom(near).Draw(t, name+" becomes")
			return string(runes)
		}
		a := local + "@" + domain
		b := changed(local, "local at") + "@" + changed(domain, "domain at")
		if user.CanonicalEmail(a) != user.CanonicalEmail(b) {
			return
		}
		if got, want := independent(a), independent(b); got != want {
			t.Fatalf("%q and %q are both %q, but by the rules %q and %q", a, b, user.CanonicalEmail(a), got, want)
		}
	})
}

// independent is the canonical form as the rules say it, byte by byte.
func independent(typed string) string {
	text := strings.TrimFunc(typed, unicode.IsSpace)
	local, domain := "", text
	if i := strings.LastIndex(text, "@"); i >= 0 {
		local, domain = text[:i+1], text[i+1:]
		if ascii, err := uts46.ToASCII(domain); err == nil && !strings.Contains(domain, "ẞ") {
			domain = ascii
		}
	}
	raw := []byte(local + domain)
	for i, c := range raw {
		if c >= 'A' && c <= 'Z' {
			raw[i] = c | 0x20
		}
	}
	return string(raw)
}

// nodeJS returns the project's Node.js, or the machine's.
func nodeJS(t *testing.T) string {
	t.Helper()
	for _, name := range []string{filepath.Join("..", "..", "node_modules", ".bin", "node"), "node"} {
		if path, err := exec.LookPath(name); err == nil {
			if path, err = filepath.Abs(path); err == nil {
				return path
			}
		}
	}
	t.Skip("there is no Node.js to compare with: run npm ci")
	return ""
}

// The URL standard's domain to ASCII (https://url.spec.whatwg.org/#idna) is
// UTS #46 by other hands. It allows more: underscores, any length, hyphens
// anywhere. Where both have an answer it is the same.
func TestDomainsAreThoseOfTheURLStandard(t *testing.T) {
	const n = 30_000
	random := rand.New(rand.NewPCG(1, 2))
	pools := [][]rune{
		[]rune("abcxyzABCXYZ0123456789-"),
		[]rune("äöüßÄÖÜéèêñçøåæœİıſKÅςσΣΟ"),
		[]rune("абвгдёжАБВГД"), []rune("αβγδώΑΒΓ"), []rune("漢字仮名交じり文"), []rune("한국어도메인"),
		[]rune("ａｂｃＡＢＣ０１２①②ⓐⓑ℡㎏ﬁﬂ"), []rune("\u0301\u0308\u0307\u0327"), []rune("אבגד"), []rune("ابتثج"), []rune("कखगघ\u094d\u200c\u200d"), []rune("กขคง"),
		[]rune("\u00ad\u200b\u2060\ufe0f"), []rune("。．｡"),
	}
	list := make([]string, n)
	for i := range list {
		var b strings.Builder
		first, second := pools[random.IntN(len(pools))], pools[random.IntN(len(pools))]
		for range 1 + random.IntN(8) {
			pool := first
			switch random.IntN(8) {
			case 0:
				pool = second
			case 1:
				pool = pools[0]
			}
			b.WriteRune(pool[random.IntN(len(pool))])
		}
		list[i] = b.String() + []string{".com", ".example", "。jp", ".рф"}[random.IntN(4)]
	}
	in, err := json.Marshal(list)
	if err != nil {
		t.Fatal(err)
	}
	script := `const { domainToASCII } = require("node:url"); let s = ""; process.stdin.setEncoding("utf8").on("data", d => s += d).on("end", () => process.stdout.write(JSON.stringify(JSON.parse(s).map(domainToASCII))))`
	node := exec.CommandContext(t.Context(), nodeJS(t), "-e", script)
	node.Stdin = strings.NewReader(string(in))
	out, err := node.Output()
	if err != nil {
		t.Fatal(err)
	}
	var theirs []string
	if err := json.Unmarshal(out, &theirs); err != nil || len(theirs) != n {
		t.Fatalf("%d answers: %v", len(theirs), err)
	}
	compared := 0
	for i, domain := range list {
		ours, ok := user.CheckDomain(domain)
		if _, err := uts46.ToASCII(theirs[i]); !ok || err != nil {
			continue // Node.js leaves some runs of combining marks out of order, which makes its answer no valid domain
		}
		compared++
		if ours != theirs[i] {
			t.Errorf("%q (%+q) is %q, by the URL standard %q", domain, domain, ours, theirs[i])
		}
	}
	t.Logf("%d domains compared", compared)
	if compared < n/3 {
		t.Errorf("only %d of %d domains could be compared", compared, n)
	}
}
