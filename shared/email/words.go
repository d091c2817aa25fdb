package email

import (
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/feature/plural"
	"golang.org/x/text/language"
)

// words are the sentences of all mails in one language. In them stand, in
// braces: inviter, workspace, role, name (of the invited person), to (the
// address), in ("in 7 days") and ends (day and time).
type words struct {
	tag       string // BCP 47
	colon     string // with the space that the language has before it
	workspace string // where a workspace has no name that can be shown
	roles     map[string]string

	greeting, greetingUnnamed string
	kinds                     map[Kind]occasion
	lead, leadUnnamed         string // before the inviter's own words
	linkRemoved               string // stands in those for a link
	ends, endsOn              string // without {in}
	signUp, signIn            string // on the button
	why                       string // they got an invitation
	fallback                  string
	help                      string // before the support address
	stop, abuse               string

	days, hours            map[plural.Form]string // with {n}
	anHour, lessThanAnHour string
	months                 [12]string
	weekdays               [7]string // Sunday first
	at                     string    // {weekday} {day} {month} {year} {number of the month} {time}
}

// occasion is what the kinds of mail say differently. The texts for a mail
// without an inviter, or without what else they name, stand second.
type occasion struct {
	subject, subjectUnnamed string
	title                   string
	intro, introUnnamed     string
	button                  string // "" for signing up or in
	why                     string // they got it
}

// wordsOf are the words of one of locale.Languages.
func wordsOf(language string) words {
	switch language {
	case "de":
		return german()
	case "fr":
		return french()
	case "es":
		return spanish()
	case "pt-BR":
		return portuguese()
	case "ja":
		return japanese()
	case "zh-Hans":
		return chinese()
	}
	return english()
}

// part is a piece of a sentence; a name is set apart from what is ours.
type part struct {
	Text string
	Name bool
}

// sentence is a text that knows which of its parts are names.
type sentence []part

// String is the sentence as plain text.
func (s sentence) String() string {
	var b strings.Builder
	for _, p := range s {
		b.WriteString(p.Text)
	}
	return b.String()
}

// fill puts values in the place of {their names}. Where a name meets a letter
// with no space between them, as in Japanese, something invisible keeps a mail
// client from reading both as one address.
func fill(pattern string, values map[string]string) sentence {
	var s sentence
	for pattern != "" {
		before, rest, found := strings.Cut(pattern, "{")
		if before != "" {
			s = append(s, part{Text: before})
		}
		if !found {
			break
		}
		key, after, _ := strings.Cut(rest, "}")
		value := part{Text: values[key], Name: key != "in" && key != "ends" && key != "role"}
		if value.Name && value.Text != "" {
			if last, _ := utf8.DecodeLastRuneInString(before); adjoins(last) {
				value.Text = string(nonJoiner) + value.Text
			}
			if first, _ := utf8.DecodeRuneInString(after); adjoins(first) {
				value.Text += string(nonJoiner)
			}
		}
		s = append(s, value)
		pattern = after
	}
	return s
}

func adjoins(r rune) bool {
	return r > unicode.MaxASCII && r != utf8.RuneError && (unicode.IsLetter(r) || strings.ContainsRune(linking, r))
}

// count says n of something in the language's plural form.
// https://www.unicode.org/cldr/charts/latest/supplemental/language_plural_rules.html
func (w words) count(forms map[plural.Form]string, n int) string {
	form := plural.Cardinal.MatchPlural(language.Make(w.tag), n, 0, 0, 0, 0)
	text, ok := forms[form]
	if !ok {
		text = forms[plural.Other]
	}
	return strings.ReplaceAll(text, "{n}", itoa(n))
}

const (
	day   = 24 * time.Hour
	late  = time.Hour        // what days may lack, for a mail that waited a little
	later = 10 * time.Minute // what hours may
)

// in says how long it is until then; "" if that is over.
func (w words) in(left time.Duration) string {
	switch {
	case left <= 0:
		return ""
	case left >= 2*day-late:
		return w.count(w.days, int((left+late)/day))
	case left >= 2*time.Hour-later:
		return w.count(w.hours, int((left+later)/time.Hour))
	case left >= time.Hour-later:
		return w.anHour
	}
	return w.lessThanAnHour
}
