package email

import (
	"errors"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"
)

// maxName is where a name ends, whatever is stored: the domain allows as many.
const maxName = 100

// nonJoiner is the zero-width non-joiner. It is invisible, ends what a mail
// client takes for an address, and makes a host name invalid where one takes
// it along (IDNA's joiner rules); a word joiner would be dropped from the name.
const (
	nonJoiner = '\u200c'
	joiner    = '\u200d' // holds emoji together
)

// clean makes one line of a text: no control characters, no marks that turn
// the direction of what follows, nothing else that is invisible. A text of
// which nothing can be seen is empty.
func clean(text string) string {
	var b strings.Builder
	b.Grow(len(text))
	space, visible := false, false
	for _, r := range text {
		switch {
		case unicode.IsSpace(r) || unicode.In(r, unicode.Zl, unicode.Zp):
			space = true
			continue
		case r == utf8.RuneError, unicode.Is(unicode.C, r) && r != joiner && r != nonJoiner:
			continue
		}
		if space && b.Len() > 0 {
			b.WriteByte(' ')
		}
		space = false
		b.WriteRune(r)
		visible = visible || unicode.In(r, unicode.L, unicode.N, unicode.P, unicode.S)
	}
	if !visible {
		return ""
	}
	return b.String()
}

// defuse breaks what a mail client would make a link of: web and mail
// addresses, and the \\server\share that Outlook opens. It looks the same.
func defuse(text string) string {
	if !strings.ContainsAny(text, linking) {
		return text
	}
	runes := []rune(text)
	var b strings.Builder
	for i, r := range runes {
		inWord := i+1 < len(runes) && runes[i+1] != ' '
		if inWord && strings.ContainsRune(linking, r) {
			b.WriteRune(nonJoiner)
			b.WriteRune(r)
			b.WriteRune(nonJoiner)
			continue
		}
		b.WriteRune(r)
	}
	return b.String()
}

// linking are the characters without which nothing is an address, with those
// that browsers take for them (UTS #46).
const linking = ".\u3002\uff0e\uff61\u2024" + "@\uff20\ufe6b" + ":\uff1a\ufe55" + "\\\uff3c\ufe68"

// links are the addresses that are taken out of a personal message, without
// the mark that ends the sentence. Anything shorter may be two sentences with
// no space between them, and is only defused.
var links = sync.OnceValue(func() *regexp.Regexp {
	const dot, label, rest = `[.\x{3002}\x{ff0e}\x{ff61}]`, `[\p{L}\p{N}-]+`, `\S*[^\s.,;:!?)'"]`
	return regexp.MustCompile(`(?i)` +
		`[a-z][a-z0-9+.-]*:\s?[/\\]{2}` + rest + // a scheme
		`|\b(?:mailto|tel|sms):` + rest +
		`|\bwww` + dot + rest +
		`|` + label + `(?:` + dot + label + `)*` + dot + `\p{L}{2,}(?::\d+)?[/?#]` + `(?:` + rest + `)?`) // a host and a path
})

// messageLines are the lines of a personal message, with no link in them and
// never two empty ones in a row.
func messageLines(text, linkRemoved string) []string {
	text = strings.NewReplacer("\r\n", "\n", "\r", "\n", "\u2028", "\n", "\u2029", "\n\n").Replace(text)
	var lines []string
	for line := range strings.SplitSeq(text, "\n") {
		line = defuse(links().ReplaceAllString(clean(line), linkRemoved))
		if line != "" || len(lines) > 0 && lines[len(lines)-1] != "" {
			lines = append(lines, line)
		}
	}
	if len(lines) > 0 && lines[len(lines)-1] == "" {
		lines = lines[:len(lines)-1]
	}
	return lines
}

func length(text string) int { return utf8.RuneCountInString(text) }

// clip shortens a text to so many characters, at the end of a word if one is
// near, and never between a letter and what belongs to it.
func clip(text string, most int) string {
	if length(text) <= most {
		return text
	}
	runes := []rune(text)
	cut := max(most-1, 0) // the ellipsis is a character too
	for cut > 0 && belongs(runes[cut-1], runes[cut]) {
		cut--
	}
	for i := cut; i > cut*2/3; i-- {
		if runes[i] == ' ' {
			cut = i
			break
		}
	}
	return strings.TrimRight(string(runes[:cut]), " ,;:.-") + "…"
}

// belongs says whether b is of one sign with the a before it.
func belongs(a, b rune) bool {
	skinTone := b >= 0x1f3fb && b <= 0x1f3ff
	flag := regional(a) && regional(b)
	return unicode.Is(unicode.M, b) || a == joiner || b == joiner || b == nonJoiner || skinTone || flag
}

func regional(r rune) bool { return r >= 0x1f1e6 && r <= 0x1f1ff }

// maxLink is what every mail client and browser opens.
const maxLink = 2000

// checkLink refuses a link that could not be followed as it stands, or of which
// the two parts would show different forms. It does not quote it, and so drops
// the errors of net/url, which do.
func checkLink(link string) error {
	u, err := url.Parse(link)
	switch {
	case err != nil, len(link) > maxLink, strings.ContainsFunc(link, func(r rune) bool { return !strings.ContainsRune(inLink, r) }):
		return errors.New("the link is no web address")
	case u.Scheme != "https" && u.Scheme != "http", u.Hostname() == "", u.User != nil:
		return errors.New("the link is no absolute web address")
	}
	return nil
}
