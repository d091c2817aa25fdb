// Package pattern matches events against EventBridge event patterns, which
// Lambda's filter criteria use as well: exact values, null, prefix, suffix,
// exists, anything-but, nested as the event is. Only leaves are compared: a
// field that holds an object is, for exists too, a field that is not there.
// https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-event-patterns.html
//
// It imports the standard library alone.
package pattern

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// Pattern is a compiled event pattern.
type Pattern struct{ fields map[string]any }

// New compiles a pattern. It fails for one that EventBridge would refuse, and
// for operators that are not known here.
func New(of map[string]any) (Pattern, error) {
	// By way of JSON, so that a pattern written in Go and an event read from
	// JSON have the same types.
	raw, err := json.Marshal(of)
	if err != nil {
		return Pattern{}, fmt.Errorf("pattern: %w", err)
	}
	var fields map[string]any
	if err := json.Unmarshal(raw, &fields); err != nil {
		return Pattern{}, fmt.Errorf("pattern: %w", err)
	}
	if err := check("", fields); err != nil {
		return Pattern{}, err
	}
	return Pattern{fields}, nil
}

// Match reports whether an event matches: an object as encoding/json decodes it.
func (p Pattern) Match(event map[string]any) bool { return matchObject(p.fields, event) }

func matchObject(fields, event map[string]any) bool {
	for name, want := range fields {
		values := flat(event[name])
		switch want := want.(type) {
		case map[string]any:
			if !matchNested(want, values) {
				return false
			}
		case []any:
			leaves := slices.DeleteFunc(values, func(v any) bool { return isObject(v) })
			if _, there := event[name]; !there {
				leaves = nil
			}
			if !slices.ContainsFunc(want, func(w any) bool { return matchLeaf(w, leaves) }) {
				return false
			}
		}
	}
	return true
}

// matchNested is for a field that holds an object or a list of them: any one
// of a list may match, but it alone must match whole. Where there is no object
// at all, nothing below it exists.
func matchNested(fields map[string]any, values []any) bool {
	none := true
	for _, v := range values {
		if object, ok := v.(map[string]any); ok {
			none = false
			if matchObject(fields, object) {
				return true
			}
		}
	}
	return none && matchObject(fields, map[string]any{})
}

func isObject(v any) bool {
	_, ok := v.(map[string]any)
	return ok
}

// flat are a list's elements, and those of the lists in it; anything else is
// its own only one.
func flat(value any) []any {
	list, ok := value.([]any)
	if !ok {
		return []any{value}
	}
	var all []any
	for _, v := range list {
		all = append(all, flat(v)...)
	}
	return all
}

// matchLeaf says whether what is wanted, a value or an operator, is among the
// leaves of a field; it has none if the field is not there.
func matchLeaf(want any, leaves []any) bool {
	operator, ok := want.(map[string]any)
	if !ok {
		return slices.Contains(leaves, want)
	}
	if exists, ok := operator["exists"].(bool); ok {
		return exists == (len(leaves) > 0)
	}
	return slices.ContainsFunc(leaves, func(leaf any) bool { return matchOperator(operator, leaf) })
}

func matchOperator(operator map[string]any, leaf any) bool {
	if not, ok := operator["anything-but"]; ok {
		if affix, ok := not.(map[string]any); ok {
			_, isText := leaf.(string)
			return isText && !matchOperator(affix, leaf)
		}
		return !slices.Contains(flat(not), leaf)
	}
	text, ok := leaf.(string)
	if !ok {
		return false
	}
	has := strings.HasPrefix
	affixes, isPrefix := operator["prefix"]
	if !isPrefix {
		has, affixes = strings.HasSuffix, operator["suffix"]
	}
	return slices.ContainsFunc(flat(affixes), func(affix any) bool { return has(text, affix.(string)) }) // check saw to the type
}
