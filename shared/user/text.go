package user

import (
	"bytes"
	"encoding/json"
	"strings"
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

// CheckMessage adds what is wrong with an inviter's personal message: at most
// 500 characters, line breaks allowed. Links in it are removed when it is mailed.
func CheckMessage(fields *fault.Fields, text string) {
	lines := strings.NewReplacer("\r\n", "", "\n", "").Replace(text)
	switch {
	case utf8.RuneCountInString(text) > MaxMessage:
		fields.Add("/message", "too_long", "A message must be 500 characters or fewer.")
	case strings.ContainsFunc(lines, unprintable):
		fields.Add("/message", "invalid_characters", "Control characters and characters that change the direction of text aren't allowed in a message.")
	}
}

// CheckMetadata adds what is wrong with metadata and returns its compact form;
// absent metadata, null and the empty object are nil.
func CheckMetadata(fields *fault.Fields, raw json.RawMessage) json.RawMessage {
	const at = "/metadata"
	text := bytes.TrimSpace(raw)
	if len(text) == 0 || string(text) == "null" {
		return nil
	}
	if text[0] != '{' {
		fields.Add(at, "wrong_type", "Metadata must be a JSON object.")
		return nil
	}
	if depth(text) > MaxMetadataDepth {
		fields.Add(at, "too_deep", "Metadata can have at most 5 levels of nesting.")
		return nil
	}
	var compact bytes.Buffer
	if json.Compact(&compact, text) != nil {
		fields.Add(at, "invalid_json", "Metadata must be valid JSON.")
		return nil
	}
	if compact.Len() > MaxMetadata {
		fields.Add(at, "too_large", "Metadata must be 4,096 bytes or smaller as compact JSON.")
		return nil
	}
	if compact.String() == "{}" {
		return nil
	}
	return compact.Bytes()
}

// MergeMetadata returns metadata with a JSON merge patch applied (RFC 7396):
// members of the patch replace those of the same name, null removes one, and
// objects are merged. Both must be valid JSON; metadata may be absent. Members
// are sorted by name.
func MergeMetadata(metadata, patch json.RawMessage) json.RawMessage {
	var merged bytes.Buffer
	e := json.NewEncoder(&merged)
	e.SetEscapeHTML(false)                           // six bytes for one, and the size is limited
	_ = e.Encode(merge(read(metadata), read(patch))) // made of valid JSON, so it cannot fail
	return bytes.TrimSpace(merged.Bytes())
}

// read returns the value of valid JSON, with numbers as they stand; nil for no
// text.
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

// depth returns how deep objects and arrays are nested in valid JSON.
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
