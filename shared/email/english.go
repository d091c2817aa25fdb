package email

import (
	"fmt"
	"strings"
	"time"
)

// date is a day as English readers on both sides of the Atlantic read it.
func date(t time.Time) string { return t.Format("Monday, 2 January 2006") }

// dateAndTime names the zone, with its distance from UTC where it has another:
// "CST" is three different times.
func dateAndTime(t time.Time) string {
	return date(t) + " at " + t.Format("15:04") + " " + zone(t)
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

const (
	day   = 24 * time.Hour
	late  = time.Hour        // what days may lack, for a mail that waited a little
	later = 10 * time.Minute // what hours may
)

// in words how long it is until then; "" if that is over.
func in(left time.Duration) string {
	switch {
	case left <= 0:
		return ""
	case left >= 2*day-late:
		return fmt.Sprintf("in %d days", (left+late)/day)
	case left >= 2*time.Hour-later:
		return fmt.Sprintf("in %d hours", (left+later)/time.Hour)
	case left >= time.Hour-later:
		return "in an hour"
	}
	return "in less than an hour"
}
