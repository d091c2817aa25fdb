// Package pattern matches events against EventBridge event patterns, which
// Lambda's filter criteria use as well: exact values, null, prefix, suffix,
// exists, anything-but, nested as the event is.
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
	return Pattern{fields}, check(fields)
}

func check(fields map[string]any) error {
	for name, want := range fields {
		switch want := want.(type) {
		case map[string]any:
			if err := check(want); err != nil {
				return err
			}
		case []any:
			for _, w := range want {
				if err := checkOperator(name, w); err != nil {
					return err
				}
			}
		default:
			return fmt.Errorf("pattern: %q must be a list or an object", name)
		}
	}
	return nil
}

var operators = []string{"prefix", "suffix", "exists", "anything-but"}

func checkOperator(name string, want any) error {
	operator, ok := want.(map[string]any)
	if !ok {
		return nil
	}
	for key := range operator {
		if len(operator) != 1 || !slices.Contains(operators, key) {
			return fmt.Errorf("pattern: %q has an operator that is not known here", name)
		}
	}
	return nil
}

// Match says whether a JSON event matches.
func (p Pattern) Match(event []byte) bool {
	var v map[string]any
	return json.Unmarshal(event, &v) == nil && matchObject(p.fields, v)
}

func matchObject(fields, event map[string]any) bool {
	for name, want := range fields {
		value, present := event[name]
		switch want := want.(type) {
		case map[string]any:
			// Below a list, any of its objects may match.
			if !slices.ContainsFunc(elements(value), func(v any) bool {
				object, ok := v.(map[string]any)
				return ok && matchObject(want, object) || !ok && onlyAbsent(want)
			}) {
				return false
			}
		case []any:
			if !matchAny(want, value, present) {
				return false
			}
		}
	}
	return true
}

// onlyAbsent is true for a nested pattern that nothing satisfies.
func onlyAbsent(fields map[string]any) bool { return matchObject(fields, map[string]any{}) }

// elements are a list's elements; anything else is its own only one.
func elements(value any) []any {
	if list, ok := value.([]any); ok {
		return list
	}
	return []any{value}
}

func matchAny(wants []any, value any, present bool) bool {
	for _, want := range wants {
		operator, isOperator := want.(map[string]any)
		if isOperator {
			if exists, ok := operator["exists"].(bool); ok {
				if exists == present {
					return true
				}
				continue
			}
		}
		if !present {
			continue
		}
		for _, v := range elements(value) {
			if isOperator && matchOperator(operator, v) || !isOperator && v == want {
				return true
			}
		}
	}
	return false
}

func matchOperator(operator map[string]any, value any) bool {
	text, isText := value.(string)
	if prefix, ok := operator["prefix"].(string); ok {
		return isText && strings.HasPrefix(text, prefix)
	}
	if suffix, ok := operator["suffix"].(string); ok {
		return isText && strings.HasSuffix(text, suffix)
	}
	if not, ok := operator["anything-but"]; ok {
		return !slices.Contains(elements(not), value)
	}
	return false
}
