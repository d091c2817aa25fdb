package table

import (
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/expression"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// Condition is what must hold for a write to an item; the zero value always holds.
type Condition struct{ of expression.ConditionBuilder }

// Missing is the condition that an item has no such attribute; with a part of
// the primary key, that there is no item.
func Missing(attribute string) Condition {
	return Condition{expression.AttributeNotExists(expression.Name(attribute))}
}

// Exists is the condition that an item has an attribute.
func Exists(attribute string) Condition {
	return Condition{expression.AttributeExists(expression.Name(attribute))}
}

// Is compares an attribute with a value, by =, <>, <, <=, > or >=.
func Is(attribute, comparator string, value types.AttributeValue) Condition {
	name, v := expression.Name(attribute), expression.Value(value)
	switch comparator {
	case "=":
		return Condition{name.Equal(v)}
	case "<>":
		return Condition{name.NotEqual(v)}
	case "<":
		return Condition{name.LessThan(v)}
	case "<=":
		return Condition{name.LessThanEqual(v)}
	case ">":
		return Condition{name.GreaterThan(v)}
	case ">=":
		return Condition{name.GreaterThanEqual(v)}
	}
	panic("table: no comparator " + comparator)
}

// And is the condition that both hold; none holds always.
func (c Condition) And(other Condition) Condition {
	switch {
	case !c.of.IsSet():
		return other
	case !other.of.IsSet():
		return c
	}
	return Condition{c.of.And(other.of)}
}

// Or is the condition that one of two holds.
func (c Condition) Or(other Condition) Condition {
	return Condition{c.of.Or(other.of)}
}

// Update is a set of changes to the attributes of an item. As with append, use the
// result of a method in place of its receiver.
type Update struct{ of expression.UpdateBuilder }

// Set sets an attribute.
func (u Update) Set(attribute string, value types.AttributeValue) Update {
	return Update{u.of.Set(expression.Name(attribute), expression.Value(value))}
}

// SetOnce sets an attribute if the item does not have it.
func (u Update) SetOnce(attribute string, value types.AttributeValue) Update {
	name := expression.Name(attribute)
	return Update{u.of.Set(name, expression.IfNotExists(name, expression.Value(value)))}
}

// Increase adds to a number that the item has.
func (u Update) Increase(attribute string, n int) Update {
	name := expression.Name(attribute)
	return Update{u.of.Set(name, expression.Plus(name, expression.Value(Number(n))))}
}

// Decrease subtracts from a number, which counts as otherwise if the item has none.
func (u Update) Decrease(attribute string, n, otherwise int) Update {
	name := expression.Name(attribute)
	return Update{u.of.Set(name, expression.Minus(expression.IfNotExists(name, expression.Value(Number(otherwise))), expression.Value(Number(n))))}
}

// Remove removes an attribute.
func (u Update) Remove(attribute string) Update {
	return Update{u.of.Remove(expression.Name(attribute))}
}

// Add adds to a number, which counts as 0 if the item has none.
func (u Update) Add(attribute string, n int) Update {
	return Update{u.of.Add(expression.Name(attribute), expression.Value(Number(n)))}
}

// parameters are the texts of a write's expressions, and what they refer to.
type parameters struct {
	condition, update *string
	names             map[string]string
	values            Item
}

func (w Write) parameters() (parameters, error) {
	builder := expression.NewBuilder()
	updates := w.Put == nil && !w.Delete
	if updates {
		builder = builder.WithUpdate(w.Update.of)
	}
	if w.Condition.of.IsSet() {
		builder = builder.WithCondition(w.Condition.of)
	} else if !updates {
		return parameters{}, nil // the builder refuses to build nothing
	}
	e, err := builder.Build()
	return parameters{e.Condition(), e.Update(), e.Names(), e.Values()}, err
}
