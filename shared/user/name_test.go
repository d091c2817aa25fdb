package user_test

import (
	"strconv"
	"strings"
	"testing"
	"unicode"

	"pgregory.net/rapid"

	"github.com/latchkey/latchkey/shared/fault"
	"github.com/latchkey/latchkey/shared/user"
)

type nameCheck func(fields *fault.Fields, pointer, text string, max int)

// refusal returns the code that a check gives to a name, "" for none.
func refusal(check nameCheck, name string) string {
	var fields fault.Fields
	check(&fields, "/name", name, user.MaxName)
	if len(fields) == 0 {
		return ""
	}
	return fields[0].Code
}

func TestRealNamesPass(t *testing.T) {
	names, scripts := rows(t, "names.tsv", 3), map[string]bool{}
	for _, row := range names {
		script, name := row[0], row[2]
		scripts[script] = true
		if !strings.ContainsFunc(name, func(r rune) bool { return unicode.Is(unicode.Scripts[script], r) }) && script != "Latin" {
			t.Errorf("%q has no %s letter", name, script)
		}
		if code := refusal(user.CheckText, name); code != "" {
			t.Errorf("CheckText: %q: %s", name, code)
		}
		if code := refusal(user.CheckTitle, name); code != "" {
			t.Errorf("CheckTitle: %q: %s", name, code)
		}
	}
	if len(names) < 200 || len(scripts) < 20 {
		t.Errorf("the corpus has %d names in %d scripts", len(names), len(scripts))
	}
}

// Pitfalls 14 and 31, findings A13 and E7.
func TestScamsAreRefused(t *testing.T) {
	scams := rows(t, "scams.tsv", 4)
	for _, row := range scams {
		text, err := strconv.Unquote(`"` + strings.ReplaceAll(row[3], `"`, `\"`) + `"`)
		if err != nil {
			t.Fatalf("%s: %v", row[3], err)
		}
		if code := refusal(user.CheckTitle, text); code != row[2] {
			t.Errorf("CheckTitle: %s: %q is %q, want %q", row[0], text, code, row[2])
		}
		want := row[2]
		if row[1] == "title" {
			want = ""
		}
		if code := refusal(user.CheckText, text); code != want {
			t.Errorf("CheckText: %s: %q is %q, want %q", row[0], text, code, want)
		}
	}
	if len(scams) < 100 {
		t.Errorf("the corpus has %d texts", len(scams))
	}
}

// invisible characters change nothing about what a reader sees.
var invisible = rapid.RuneFrom([]rune("\u00ad\u034f\u115f\u1160\u17b4\u180b\u180e\u200b\u200c\u200d\u2060\u2063\u2800\u3164\ufe00\ufe0f\uffa0\U0001d173\U000e0001\U000e0061\U000e0100"))

// A scam is refused wherever invisible characters stand in it, and however it
// is written in full width.
func TestNoSpellingHidesAScam(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		scam := rapid.SampledFrom([]string{"go to evil.com", "www.evil.example", "call +1 (888) 555-0199", "only $499", "support@evil.com", "1000 USD"}).Draw(t, "scam")
		var b strings.Builder
		for _, r := range scam {
			if rapid.Bool().Draw(t, "hide") {
				b.WriteRune(invisible.Draw(t, "invisible"))
			}
			if r > ' ' && r < 0x7f && rapid.Bool().Draw(t, "full width") {
				r += 0xfee0
			}
			b.WriteRune(r)
		}
		if code := refusal(user.CheckText, b.String()); !strings.HasPrefix(code, "looks_like_") {
			t.Fatalf("%+q is %q", b.String(), code)
		}
	})
}

func TestANameOfInvisibleCharactersIsEmpty(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		name := rapid.StringOfN(rapid.OneOf(invisible, rapid.RuneFrom([]rune(" \t\u00a0\u3000"))), 0, user.MaxName, -1).Draw(t, "name")
		if code := refusal(user.CheckText, name); code != "required" {
			t.Fatalf("%+q is %q", name, code)
		}
	})
}

// Every decimal digit of Unicode is a digit of a phone number.
func TestEveryDigitCounts(t *testing.T) {
	for r := range codePoints {
		if !unicode.Is(unicode.Nd, r) {
			continue
		}
		if code := refusal(user.CheckText, strings.Repeat(string(r), 8)); code != "looks_like_phone_number" {
			t.Errorf("%U: %q", r, code)
		}
	}
}

// Whatever a title check accepts, the check of every other name accepts.
func FuzzNames(f *testing.F) {
	for _, seed := range []string{"", "Corp", "evil.com", "call 1-888-555-0199", "\u200b", "a.b.c", "\xff.com", "xn--.xn--", "50% off", "〇一二三四五六七", "ﷺ.com"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, name string) {
		text, title := refusal(user.CheckText, name), refusal(user.CheckTitle, name)
		if text != "" && title != text {
			t.Errorf("%+q: CheckText %q, CheckTitle %q", name, text, title)
		}
		if padded := refusal(user.CheckText, " "+name+" "); padded != text {
			t.Errorf("%+q: %q, with spaces around it %q", name, text, padded)
		}
	})
}

func BenchmarkNames(b *testing.B) {
	for kind, check := range map[string]nameCheck{"text": user.CheckText, "title": user.CheckTitle} {
		for _, name := range []string{"John Doe", "Société Générale S.A.", "Cohort 2024-01-15", strings.Repeat("ａ① ", 33)} {
			b.Run(kind+"/"+name[:8], func(b *testing.B) {
				for b.Loop() {
					refusal(check, name)
				}
			})
		}
	}
}
