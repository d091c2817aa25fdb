package policy

import (
	"fmt"
	"slices"
	"strings"
)

// Request is one authorization request of a call.
type Request struct {
	Action   string // "dynamodb:GetItem"
	Resource string // an ARN
	// Context holds the values of each condition key that the service sets
	// for the call.
	Context map[string][]string
}

// Check returns an error if Allows does not support the document.
func (d Document) Check() error {
	for _, s := range d.Statement {
		if s.Effect != "Allow" && s.Effect != "Deny" {
			return fmt.Errorf("policy: the effect %q is unknown", s.Effect)
		}
		for operator := range s.Condition {
			_, name := qualified(operator)
			if _, known := comparisons[name]; !known && name != "Null" {
				return fmt.Errorf("policy: the condition operator %q is unknown", operator)
			}
		}
	}
	return nil
}

// Allows reports whether the document permits a request: some statement allows
// it, and none denies it.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
func (d Document) Allows(r Request) bool {
	allowed := false
	for _, s := range d.Statement {
		if !s.covers(r) {
			continue
		}
		if s.Effect == "Deny" {
			return false
		}
		allowed = true
	}
	return allowed
}

func (s Statement) covers(r Request) bool {
	action := func(pattern string) bool { return like(strings.ToLower(pattern), strings.ToLower(r.Action)) }
	resource := func(pattern string) bool { return sameARN(pattern, r.Resource) }
	return slices.ContainsFunc(s.Action, action) && slices.ContainsFunc(s.Resource, resource) && s.Condition.holds(r.Context)
}

// sameARN reports whether a resource matches a pattern. A wildcard stays
// within its segment; the last of the six segments may hold colons.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_resource.html
func sameARN(pattern, arn string) bool {
	if pattern == "*" {
		return true
	}
	patterns, segments := strings.SplitN(pattern, ":", 6), strings.SplitN(arn, ":", 6)
	if len(patterns) != len(segments) {
		return false
	}
	for i := range patterns {
		if !like(patterns[i], segments[i]) {
			return false
		}
	}
	return true
}

// comparisons are the operators that are known, without their qualifiers.
var comparisons = map[string]func(wanted, got string) bool{
	"StringEquals": func(wanted, got string) bool { return wanted == got },
	"StringLike":   like,
}

// holds reports whether every test of the condition is met.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-single-vs-multi-valued-context-keys.html
func (c Condition) holds(context map[string][]string) bool {
	for operator, tests := range c {
		set, name := qualified(operator)
		for key, wanted := range tests {
			got, present := valuesOf(context, key)
			if name == "Null" {
				if !slices.Contains(wanted, fmt.Sprint(!present)) {
					return false
				}
				continue
			}
			matches := func(value string) bool {
				return slices.ContainsFunc(wanted, func(w string) bool { return comparisons[name](w, value) })
			}
			if set == "ForAllValues" {
				// True for an empty set, as in IAM. A document that requires
				// the key tests it with Null.
				if slices.ContainsFunc(got, func(v string) bool { return !matches(v) }) {
					return false
				}
			} else if !slices.ContainsFunc(got, matches) {
				return false
			}
		}
	}
	return true
}

func qualified(operator string) (set, name string) {
	for _, set := range []string{"ForAllValues", "ForAnyValue"} {
		if name, ok := strings.CutPrefix(operator, set+":"); ok {
			return set, name
		}
	}
	return "", operator
}

// valuesOf finds a condition key, ignoring case.
func valuesOf(context map[string][]string, key string) (values []string, present bool) {
	for name, values := range context {
		if strings.EqualFold(name, key) {
			return values, len(values) > 0
		}
	}
	return nil, false
}

// like reports whether a text matches a pattern in which * matches any number of
// characters and ? exactly one.
func like(pattern, text string) bool {
	star, resume := -1, 0
	p, t := 0, 0
	for t < len(text) {
		switch {
		case p < len(pattern) && pattern[p] == '*':
			star, resume = p, t
			p++
		case p < len(pattern) && (pattern[p] == '?' || pattern[p] == text[t]):
			p++
			t++
		case star >= 0: // let the last star take one more
			resume++
			p, t = star+1, resume
		default:
			return false
		}
	}
	return strings.Trim(pattern[p:], "*") == ""
}
