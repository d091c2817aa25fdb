package table

import (
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// The builders of AWS's expression package take 50 µs of CPU for an invitation,
// a tenth of all that the function itself does. These know what this store needs
// and no more: an attribute is named by a word of ours or two with a dot
// between, so #word is its placeholder.

// Condition is what an item must be for a write to happen; zero is none.
type Condition struct {
	operator    string // AND, OR, a comparator, or the name of a function
	attribute   string
	value       types.AttributeValue
	left, right *Condition
}

// Missing is the condition that an item has no such attribute; with a part of
// the primary key, that there is no item.
func Missing(attribute string) Condition {
	return Condition{operator: "attribute_not_exists", attribute: attribute}
}

// Exists is the condition that an item has an attribute.
func Exists(attribute string) Condition {
	return Condition{operator: "attribute_exists", attribute: attribute}
}

// Is compares an attribute with a value, by =, <>, <, <=, > or >=.
func Is(attribute, comparator string, value types.AttributeValue) Condition {
	return Condition{operator: comparator, attribute: attribute, value: value}
}

// And is the condition that both hold; none holds always.
func (c Condition) And(other Condition) Condition {
	switch {
	case c.operator == "":
		return other
	case other.operator == "":
		return c
	}
	return Condition{operator: "AND", left: &c, right: &other}
}

// Or is the condition that one of two holds.
func (c Condition) Or(other Condition) Condition {
	return Condition{operator: "OR", left: &c, right: &other}
}

// Update is what a write does to the attributes of an item. As with append, the
// result of a method takes the place of what it was called on.
type Update []action

type action struct {
	clause    string // SET, REMOVE or ADD
	attribute string
	form      string // what SET makes of the attribute @, the value : and the other value ;
	value     types.AttributeValue
	otherwise types.AttributeValue
}

// Set gives an attribute a value.
func (u Update) Set(attribute string, value types.AttributeValue) Update {
	return append(u, action{clause: "SET", attribute: attribute, form: ":", value: value})
}

// SetOnce gives an attribute a value, if it has none.
func (u Update) SetOnce(attribute string, value types.AttributeValue) Update {
	return append(u, action{clause: "SET", attribute: attribute, form: "if_not_exists(@, :)", value: value})
}

// Increase adds to a number that the item has.
func (u Update) Increase(attribute string, n int) Update {
	return append(u, action{clause: "SET", attribute: attribute, form: "@ + :", value: Number(n)})
}

// Decrease takes from a number, which is otherwise where the item has none.
func (u Update) Decrease(attribute string, n, otherwise int) Update {
	return append(u, action{clause: "SET", attribute: attribute, form: "if_not_exists(@, ;) - :", value: Number(n), otherwise: Number(otherwise)})
}

// Remove takes an attribute away.
func (u Update) Remove(attribute string) Update {
	return append(u, action{clause: "REMOVE", attribute: attribute})
}

// Add adds to a number, which is 0 where the item has none.
func (u Update) Add(attribute string, n int) Update {
	return append(u, action{clause: "ADD", attribute: attribute, value: Number(n)})
}

// expression collects what the texts of a write refer to.
type expression struct {
	names  map[string]string
	values Item
}

func newExpression() *expression {
	return &expression{names: make(map[string]string, 8), values: make(Item, 8)}
}

func (e *expression) name(attribute string) string {
	if first, second, nested := strings.Cut(attribute, "."); nested {
		return e.name(first) + "." + e.name(second)
	}
	placeholder := "#" + attribute
	e.names[placeholder] = attribute
	return placeholder
}

func (e *expression) value(v types.AttributeValue) string {
	placeholder := ":" + strconv.Itoa(len(e.values))
	e.values[placeholder] = v
	return placeholder
}

func (e *expression) condition(b *strings.Builder, c *Condition) {
	switch {
	case c.left != nil:
		b.WriteByte('(')
		e.condition(b, c.left)
		b.WriteString(" " + c.operator + " ")
		e.condition(b, c.right)
		b.WriteByte(')')
	case c.value == nil:
		b.WriteString(c.operator + "(" + e.name(c.attribute) + ")")
	default:
		b.WriteString(e.name(c.attribute) + " " + c.operator + " " + e.value(c.value))
	}
}

func (e *expression) action(b *strings.Builder, a action) {
	name := e.name(a.attribute)
	b.WriteString(name)
	if a.clause == "ADD" {
		b.WriteString(" " + e.value(a.value))
	}
	if a.clause != "SET" {
		return
	}
	b.WriteString(" = ")
	for _, r := range a.form {
		switch r {
		case '@':
			b.WriteString(name)
		case ':':
			b.WriteString(e.value(a.value))
		case ';':
			b.WriteString(e.value(a.otherwise))
		default:
			b.WriteRune(r)
		}
	}
}

// conditionOf returns the text of a condition; nil for none.
func (e *expression) conditionOf(c Condition) *string {
	if c.operator == "" {
		return nil
	}
	var b strings.Builder
	e.condition(&b, &c)
	text := b.String()
	return &text
}

// updateOf returns the text of an update.
func (e *expression) updateOf(u Update) *string {
	var b strings.Builder
	for _, clause := range []string{"SET", "REMOVE", "ADD"} {
		between := clause + " "
		for _, a := range u {
			if a.clause == clause {
				b.WriteString(between)
				e.action(&b, a)
				between = ", "
			}
		}
		if between == ", " {
			b.WriteByte(' ')
		}
	}
	text := strings.TrimSuffix(b.String(), " ")
	return &text
}

// refs are the names and values that the texts refer to; DynamoDB takes no empty
// ones.
func (e *expression) refs() (map[string]string, Item) {
	names, values := e.names, e.values
	if len(names) == 0 {
		names = nil
	}
	if len(values) == 0 {
		values = nil
	}
	return names, values
}
