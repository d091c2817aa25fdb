package email

import (
	"fmt"
	"strings"
)

// The functions below do what html/template's escapers do, to which
// shared/email/templates matches each value by its place.

var htmlEscaper = strings.NewReplacer(
	"\x00", "\ufffd", `"`, "&#34;", "&", "&amp;", "'", "&#39;", "+", "&#43;", "<", "&lt;", ">", "&gt;")

// escapeHTML escapes text between tags and in quoted attributes.
func escapeHTML(text string) string { return htmlEscaper.Replace(text) }

// rejected takes the place of a value that could do harm.
const rejected = "ZgotmplZ"

// filterURL rejects an address with any other scheme than the web's or mail's.
func filterURL(address string) string {
	scheme, _, found := strings.Cut(address, ":")
	if found && !strings.Contains(scheme, "/") && !strings.EqualFold(scheme, "https") && !strings.EqualFold(scheme, "http") && !strings.EqualFold(scheme, "mailto") {
		return "#" + rejected
	}
	return address
}

// inLink are the characters that normalizeURL leaves as they are.
const inLink = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~!#$&*+,/:;=?@[]%"

// normalizeURL encodes what cannot stand in an address.
func normalizeURL(address string) string {
	var b strings.Builder
	for i, c := range []byte(address) {
		if strings.IndexByte(inLink, c) < 0 || c == '%' && !isEscape(address[i+1:]) {
			fmt.Fprintf(&b, "%%%02x", c)
		} else {
			b.WriteByte(c)
		}
	}
	return b.String()
}

// isEscape reports whether what follows a percent sign makes it an escape.
func isEscape(rest string) bool {
	return len(rest) >= 2 && strings.Trim(rest[:2], "0123456789abcdefABCDEF") == ""
}

// filterColor rejects what is no color, for styles.
func filterColor(color string) string {
	if !accentShape().MatchString(color) {
		return rejected
	}
	return color
}

// filled reports whether {{if}} takes a value for true.
func filled(value any) bool {
	switch v := value.(type) {
	case bool:
		return v
	case int:
		return v != 0
	case string:
		return v != ""
	case sentence:
		return len(v) > 0
	case []string:
		return len(v) > 0
	}
	return value != nil
}
