package email

import (
	"slices"
	"strings"
	"unicode"
)

// maxColumns is the width of the text part.
const maxColumns = 76

// wrap breaks the lines of a text. A line that is a link stays whole, so that
// it can be clicked; a quoted line goes on as a quoted line.
func wrap(text string, links ...string) string {
	var out []string
	for line := range strings.SplitSeq(strings.TrimSpace(text), "\n") {
		switch {
		case line != "" && slices.Contains(links, line):
			out = append(out, line)
		case strings.HasPrefix(line, ">"):
			for _, l := range wrapLine(strings.TrimSpace(line[1:]), maxColumns-2) {
				out = append(out, strings.TrimRight("> "+l, " "))
			}
		default:
			out = append(out, wrapLine(line, maxColumns)...)
		}
	}
	return strings.Join(out, "\n") + "\n"
}

// hanging are the marks that no line begins with in Chinese and Japanese; one
// of them may stand beyond its end.
// https://www.w3.org/TR/jlreq/#characters_not_starting_a_line
const hanging = "、。，．：；！？）］」』】"

// wrapLine breaks one line between words, and a word only where it is longer
// than a line.
func wrapLine(line string, most int) []string {
	var lines []string
	var b strings.Builder
	at := 0
	next := func() {
		lines = append(lines, b.String())
		b.Reset()
		at = 0
	}
	for word := range strings.FieldsSeq(line) {
		wide := columns(word)
		if at > 0 && at+1+wide > most {
			next()
		}
		if at > 0 {
			b.WriteByte(' ')
			at++
		}
		for _, r := range word {
			w := width(r)
			if at+w > most && (at > most || !strings.ContainsRune(hanging, r)) {
				next()
			}
			b.WriteRune(r)
			at += w
		}
	}
	next()
	return lines
}

func columns(text string) int {
	n := 0
	for _, r := range text {
		n += width(r)
	}
	return n
}

// width is how many columns a character takes, roughly: East Asian letters
// and emoji two, marks and joiners none.
func width(r rune) int {
	switch {
	case r < 0x300:
		return 1
	case unicode.In(r, unicode.Mn, unicode.Me, unicode.Cf):
		return 0
	case unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Hangul),
		r >= 0x3000 && r <= 0x303f, r >= 0xff01 && r <= 0xff60, r >= 0x1f300 && r <= 0x1faff:
		return 2
	}
	return 1
}
