package setting

import (
	"errors"
	"fmt"
	"net/mail"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// parse is Parse of every type: from returns false for what is not allowed.
func parse[T any](about About, text string, from func(string) (T, bool)) (T, error) {
	var none T
	if text == "" {
		if about.Required {
			return none, errors.New("is empty; set " + about.Allowed)
		}
		if about.Default == "" {
			return none, nil
		}
		text = about.Default
	}
	value, ok := from(text)
	if !ok {
		return none, fmt.Errorf("is %s; set %s", quoted(text), about.Allowed)
	}
	return value, nil
}

// quoted returns the text in quotation marks, cut where it would fill a screen.
func quoted(text string) string {
	const enough = 100
	if runes := []rune(text); len(runes) > enough {
		text = string(runes[:enough]) + "…"
	}
	return strconv.Quote(text)
}

// Int is a whole number from Min to Max.
type Int struct {
	Name, Doc         string
	Default, Min, Max int
	Required, Derived bool
}

// About describes the setting.
func (d *Int) About() About {
	about := About{Name: d.Name, Doc: d.Doc, Required: d.Required, Derived: d.Derived,
		Allowed: fmt.Sprintf("a whole number from %d to %d", d.Min, d.Max)}
	if !d.Required {
		about.Default = strconv.Itoa(d.Default)
	}
	return about
}

// Parse reads a decimal number.
func (d *Int) Parse(text string) (int, error) {
	return parse(d.About(), text, func(text string) (int, bool) {
		n, err := strconv.Atoi(text)
		return n, err == nil && d.Min <= n && n <= d.Max
	})
}

// Format writes a decimal number.
func (d *Int) Format(n int) string { return strconv.Itoa(n) }

// Check returns Parse's error.
func (d *Int) Check(text string) error { return failure(d.Parse(text)) }

// maxInterval is more than the pace of one mail a second asks for.
const maxInterval = 10 * time.Second

// Duration is a time span from 0 to Max, written as a whole number of
// milliseconds. Its default, if it has one, is 0.
type Duration struct {
	Name, Doc         string
	Max               time.Duration
	Required, Derived bool
}

// About describes the setting.
func (d *Duration) About() About {
	return About{Name: d.Name, Doc: d.Doc, Required: d.Required, Derived: d.Derived,
		Allowed: fmt.Sprintf("a whole number of milliseconds from 0 to %d", d.Max.Milliseconds())}
}

// Parse reads milliseconds.
func (d *Duration) Parse(text string) (time.Duration, error) {
	return parse(d.About(), text, func(text string) (time.Duration, bool) {
		n, err := strconv.ParseInt(text, 10, 64)
		return time.Duration(n) * time.Millisecond, err == nil && 0 <= n && n <= d.Max.Milliseconds()
	})
}

// Format writes whole milliseconds, rounded down.
func (d *Duration) Format(span time.Duration) string {
	return strconv.FormatInt(span.Milliseconds(), 10)
}

// Check returns Parse's error.
func (d *Duration) Check(text string) error { return failure(d.Parse(text)) }

// Text is any text.
type Text struct {
	Name, Doc         string
	Required, Derived bool
}

// About describes the setting.
func (d *Text) About() About {
	return About{Name: d.Name, Doc: d.Doc, Required: d.Required, Derived: d.Derived, Allowed: "the " + d.Doc}
}

// Parse returns the text.
func (d *Text) Parse(text string) (string, error) {
	return parse(d.About(), text, func(text string) (string, bool) { return text, true })
}

// Format returns the text.
func (d *Text) Format(text string) string { return text }

// Check returns Parse's error.
func (d *Text) Check(text string) error { return failure(d.Parse(text)) }

// URL is a base address, to which a path can be appended: scheme, host and
// perhaps a path.
type URL struct {
	Name, Doc         string
	Required, Derived bool
}

// About describes the setting.
func (d *URL) About() About {
	return About{Name: d.Name, Doc: d.Doc, Required: d.Required, Derived: d.Derived,
		Allowed: "an address such as https://app.example.com, without a trailing slash, query, fragment or wildcard"}
}

// Parse returns the address.
func (d *URL) Parse(text string) (string, error) {
	return parse(d.About(), text, func(text string) (string, bool) {
		u, err := url.Parse(text)
		return text, err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Host != "" && u.User == nil &&
			!strings.HasSuffix(text, "/") && !strings.ContainsAny(text, "?#*")
	})
}

// Format returns the address.
func (d *URL) Format(address string) string { return address }

// Check returns Parse's error.
func (d *URL) Check(text string) error { return failure(d.Parse(text)) }

// Sender is an email address, alone or with a name before it.
type Sender struct {
	Name, Doc         string
	Required, Derived bool
}

// About describes the setting.
func (d *Sender) About() About {
	return About{Name: d.Name, Doc: d.Doc, Required: d.Required, Derived: d.Derived,
		Allowed: `an email address such as invitations@example.com or Example <invitations@example.com>`}
}

// Parse returns the text, name and all.
func (d *Sender) Parse(text string) (string, error) {
	return parse(d.About(), text, func(text string) (string, bool) {
		a, err := mail.ParseAddress(text)
		return text, err == nil && IsHost(strings.ToLower(a.Address[strings.LastIndexByte(a.Address, '@')+1:]))
	})
}

// Format returns the text.
func (d *Sender) Format(sender string) string { return sender }

// Check returns Parse's error.
func (d *Sender) Check(text string) error { return failure(d.Parse(text)) }

// Hosts is a list of host names, separated by commas; empty by default.
type Hosts struct{ Name, Doc string }

// About describes the setting.
func (d *Hosts) About() About {
	return About{Name: d.Name, Doc: d.Doc,
		Allowed: "lower-case host names such as cdn.example.com, separated by commas"}
}

// Parse splits the list. Space around a name and empty names are dropped.
func (d *Hosts) Parse(text string) ([]string, error) {
	return parse(d.About(), text, func(text string) (hosts []string, ok bool) {
		for part := range strings.SplitSeq(text, ",") {
			if host := strings.TrimSpace(part); host != "" {
				hosts = append(hosts, host)
			}
		}
		return hosts, !slices.ContainsFunc(hosts, func(host string) bool { return !IsHost(host) })
	})
}

// Format joins the list.
func (d *Hosts) Format(hosts []string) string { return strings.Join(hosts, ",") }

// Check returns Parse's error.
func (d *Hosts) Check(text string) error { return failure(d.Parse(text)) }

// Choice is one of Values; the first is the default.
type Choice struct {
	Name, Doc string
	Values    []string
}

// About describes the setting.
func (d *Choice) About() About {
	return About{Name: d.Name, Doc: d.Doc, Default: d.Values[0], Allowed: strings.Join(d.Values, " or ")}
}

// Parse returns the text if it is one of Values, letter by letter.
func (d *Choice) Parse(text string) (string, error) {
	return parse(d.About(), text, func(text string) (string, bool) { return text, slices.Contains(d.Values, text) })
}

// Format returns the value.
func (d *Choice) Format(value string) string { return value }

// Check returns Parse's error.
func (d *Choice) Check(text string) error { return failure(d.Parse(text)) }

func failure[T any](_ T, err error) error { return err }

const (
	lowerCase = "abcdefghijklmnopqrstuvwxyz"
	inLabel   = lowerCase + "0123456789-"
)

// IsHost reports whether text is a lower-case host name of two labels or more,
// each of at most 63 characters (RFC 1035, section 2.3.4). The last one has
// letters alone, at least two.
func IsHost(text string) bool {
	labels := strings.Split(text, ".")
	for _, label := range labels {
		if label == "" || len(label) > 63 || strings.Trim(label, inLabel) != "" || strings.Trim(label, "-") != label {
			return false
		}
	}
	last := labels[len(labels)-1]
	return len(labels) > 1 && len(last) > 1 && strings.Trim(last, lowerCase) == ""
}
