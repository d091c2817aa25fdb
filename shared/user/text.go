package user

import (
	"bytes"
	"encoding/json"
	"regexp"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/latchkey/latchkey/shared/fault"
)

// Limits of what an admin may write about a person.
const (
	MaxName          = 100  // characters
	MaxGroups        = 50   // for each user
	MaxMetadata      = 4096 // bytes of compact JSON
	MaxMetadataDepth = 5    // the object itself is the first level
	MaxMessage       = 500  // characters
)

// A mail client turns "www.evil.example" into a link however well it is
// escaped, and so the service into a phishing relay. Two dotted letters are
// enough: clients differ in the endings that they know.
var looksLikeAddress = regexp.MustCompile(`(?i)(://|www\.|@|[\p{L}\p{N}][.。．｡][\p{L}]{2,})`)

// CheckText names what is wrong with a name that people will read: 1 to max
// characters, no control or direction-changing characters, nothing that a
// mail client would make a link of.
func CheckText(fields *fault.Fields, pointer, text string, max int) {
	trimmed := strings.TrimSpace(text)
	switch {
	case trimmed == "":
		fields.Add(pointer, "required", "This may not be empty.")
	case utf8.RuneCountInString(trimmed) > max:
		fields.Add(pointer, "too_long", "This may have "+strconv.Itoa(max)+" characters at most.")
	case strings.ContainsFunc(trimmed, unprintable):
		fields.Add(pointer, "invalid_characters", "Line breaks, control characters and marks that change the direction of text are not allowed here.")
	case looksLikeAddress.MatchString(trimmed):
		fields.Add(pointer, "looks_like_address", "This looks like a web or mail address. Put a space behind the dot, or leave it out.")
	}
}

// CheckMessage names what is wrong with an inviter's personal words: up to 500
// characters, line breaks allowed. Links in it are defused when it is mailed.
func CheckMessage(fields *fault.Fields, text string) {
	lines := strings.NewReplacer("\r\n", "", "\n", "").Replace(text)
	switch {
	case utf8.RuneCountInString(text) > MaxMessage:
		fields.Add("/message", "too_long", "A message may have 500 characters at most.")
	case strings.ContainsFunc(lines, unprintable):
		fields.Add("/message", "invalid_characters", "Control characters and marks that change the direction of text are not allowed here.")
	}
}

// unprintable characters have no business in a name: controls, line
// separators, and the marks that reverse the text around them (UAX #9).
func unprintable(r rune) bool {
	return unicode.IsControl(r) || r == '\u2028' || r == '\u2029' || r == utf8.RuneError || r == '\ufeff' ||
		(r >= '\u202a' && r <= '\u202e') || (r >= '\u2066' && r <= '\u2069') || r == '\u200e' || r == '\u200f' || r == '\u061c'
}

// CheckMetadata names what is wrong with metadata and gives its compact form;
// absent metadata and null are the empty object, given as nil.
func CheckMetadata(fields *fault.Fields, raw json.RawMessage) json.RawMessage {
	const at = "/metadata"
	text := bytes.TrimSpace(raw)
	if len(text) == 0 || string(text) == "null" {
		return nil
	}
	if text[0] != '{' {
		fields.Add(at, "wrong_type", "Metadata is a JSON object.")
		return nil
	}
	if depth(text) > MaxMetadataDepth {
		fields.Add(at, "too_deep", "Metadata may be nested 5 levels deep at most.")
		return nil
	}
	var compact bytes.Buffer
	if json.Compact(&compact, text) != nil {
		fields.Add(at, "invalid_json", "Metadata is not valid JSON.")
		return nil
	}
	if compact.Len() > MaxMetadata {
		fields.Add(at, "too_large", "Metadata may have 4,096 bytes at most.")
		return nil
	}
	if compact.String() == "{}" {
		return nil
	}
	return compact.Bytes()
}

// MergeMetadata gives metadata with a JSON merge patch applied (RFC 7396):
// members of the patch replace those of the same name, null removes one, and
// objects are merged. Both must be valid JSON; metadata may be absent. Members
// come back in the order of their names.
func MergeMetadata(metadata, patch json.RawMessage) json.RawMessage {
	var merged bytes.Buffer
	e := json.NewEncoder(&merged)
	e.SetEscapeHTML(false)                           // six bytes for one, and the size is limited
	_ = e.Encode(merge(read(metadata), read(patch))) // made of valid JSON, so it cannot fail
	return bytes.TrimSpace(merged.Bytes())
}

// read is valid JSON as a value, with numbers as they stand; nil for no text.
func read(text json.RawMessage) (v any) {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	_ = d.Decode(&v)
	return v
}

// merge is MergePatch of RFC 7396, section 2.
func merge(target, patch any) any {
	changes, ok := patch.(map[string]any)
	if !ok {
		return patch
	}
	object, ok := target.(map[string]any)
	if !ok {
		object = map[string]any{}
	}
	for name, value := range changes {
		if value == nil {
			delete(object, name)
		} else {
			object[name] = merge(object[name], value)
		}
	}
	return object
}

// depth is how deep objects and arrays are nested in valid JSON.
func depth(text []byte) int {
	deepest, level, inString := 0, 0, false
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case inString && c == '\\':
			i++
		case c == '"':
			inString = !inString
		case inString:
		case c == '{' || c == '[':
			level++
			deepest = max(deepest, level)
		case c == '}' || c == ']':
			level--
		}
	}
	return deepest
}
