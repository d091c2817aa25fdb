package pattern

import (
	"fmt"
	"slices"
)

// check refuses what EventBridge refuses, and operators that it knows and this
// package doesn't: a pattern that matched less here than there would mislead.
func check(name string, fields map[string]any) error {
	if len(fields) == 0 {
		return fmt.Errorf("pattern: %q is an empty object", name)
	}
	for name, want := range fields {
		switch want := want.(type) {
		case map[string]any:
			if err := check(name, want); err != nil {
				return err
			}
		case []any:
			if len(want) == 0 {
				return fmt.Errorf("pattern: %q is an empty list", name)
			}
			for _, w := range want {
				if err := checkLeaf(name, w); err != nil {
					return err
				}
			}
		default:
			return fmt.Errorf("pattern: %q must be a list or an object", name)
		}
	}
	return nil
}

func checkLeaf(name string, want any) error {
	switch want := want.(type) {
	case []any:
		return fmt.Errorf("pattern: %q has a list in its list", name)
	case map[string]any:
		if len(want) == 1 {
			for operator, operand := range want {
				if operandFits(operator, operand) {
					return nil
				}
			}
		}
		return fmt.Errorf("pattern: %q has an operator that is not known here", name)
	}
	return nil
}

func operandFits(operator string, operand any) bool {
	switch operator {
	case "exists":
		_, ok := operand.(bool)
		return ok
	case "prefix", "suffix":
		return isText(operand)
	case "anything-but":
		if affix, ok := operand.(map[string]any); ok {
			if len(affix) != 1 {
				return false
			}
			for operator, operand := range affix {
				return (operator == "prefix" || operator == "suffix") && areAll(operand, isText)
			}
		}
		return areAll(operand, isTextOrNumber)
	}
	return false
}

// areAll is for an operand that may be one value or a list of them.
func areAll(operand any, fits func(any) bool) bool {
	list, ok := operand.([]any)
	if !ok {
		return fits(operand)
	}
	return len(list) > 0 && !slices.ContainsFunc(list, func(v any) bool { return !fits(v) })
}

func isText(v any) bool {
	_, ok := v.(string)
	return ok
}

func isTextOrNumber(v any) bool {
	_, ok := v.(float64)
	return ok || isText(v)
}
