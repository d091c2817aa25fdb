package email

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

var itoa = strconv.Itoa

// date is a day and a time as readers of the language write them. The zone is
// named with its distance from UTC where it has another: "CST" is three
// different times.
// https://cldr.unicode.org/translation/date-time/date-time-patterns
func (w words) date(t time.Time) string {
	number := itoa(t.Day())
	if w.tag == "fr" && t.Day() == 1 {
		number = "1er"
	}
	return strings.NewReplacer(
		"{weekday}", w.weekdays[t.Weekday()], "{day}", number,
		"{month}", w.months[t.Month()-1], "{number}", itoa(int(t.Month())), "{year}", itoa(t.Year()),
		"{time}", t.Format("15:04")+" "+zone(t),
	).Replace(w.at)
}

func zone(t time.Time) string {
	name, offset := t.Zone()
	if offset == 0 && (name == "UTC" || name == "GMT") {
		return name
	}
	sign := '+'
	if offset < 0 {
		sign, offset = '-', -offset
	}
	utc := fmt.Sprintf("UTC%c%d", sign, offset/3600)
	if minutes := offset / 60 % 60; minutes != 0 {
		utc += fmt.Sprintf(":%02d", minutes)
	}
	// The time zone database has no letters for many places, only "-03".
	if name == "" || strings.ContainsFunc(name, func(r rune) bool { return r < 'A' || r > 'Z' }) {
		return utc
	}
	return name + " (" + utc + ")"
}
