package table

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// Fields lists the attributes of one kind of item, once for both directions: a
// record's function names each attribute with the variable that it lies in, and
// Encode fills an item from the variables, Decode the variables from an item. It
// does what the SDK's package for attribute values does with tags, without reflection.
//
// What ends in Or leaves out an attribute whose variable is zero.
type Fields struct {
	item  Item
	write bool
	texts []types.AttributeValueMemberS // so that the texts of an item are one allocation
	err   error
}

// fieldsAtOnce is how many texts are allocated together.
const fieldsAtOnce = 24

// Encode returns the item of a record.
func Encode[T any](fields func(*Fields, *T), record *T) Item {
	f := Fields{item: make(Item, fieldsAtOnce), write: true}
	fields(&f, record)
	return f.item
}

// Decode fills a record from an item. An attribute that the item does not have,
// or has as NULL, leaves its variable as it is. One of another type is an error.
func Decode[T any](item Item, fields func(*Fields, *T), record *T) error {
	f := Fields{item: item}
	fields(&f, record)
	return f.err
}

// Writing reports whether an item is being filled: for attributes that follow
// from others and are never read.
func (f *Fields) Writing() bool { return f.write }

// Put writes a text that is never read.
func (f *Fields) Put(name, text string) {
	if f.write {
		f.item[name] = f.text(text)
	}
}

func (f *Fields) text(s string) types.AttributeValue {
	if len(f.texts) == 0 {
		f.texts = make([]types.AttributeValueMemberS, fieldsAtOnce)
	}
	v := &f.texts[0]
	f.texts = f.texts[1:]
	v.Value = s
	return v
}

// as returns a value of the type that an attribute should have. ok is false where
// there is none, and where it has another type, which is an error of the record.
func as[T types.AttributeValue](f *Fields, name string, v types.AttributeValue) (of T, ok bool) {
	of, ok = v.(T)
	if _, null := v.(*types.AttributeValueMemberNULL); !ok && v != nil && !null && f.err == nil {
		f.err = fmt.Errorf("table: the attribute %s is a %T", name, v)
	}
	return of, ok
}

// String is a text of any string type.
func String[S ~string](f *Fields, name string, s *S) {
	if f.write {
		f.item[name] = f.text(string(*s))
		return
	}
	if v, ok := as[*types.AttributeValueMemberS](f, name, f.item[name]); ok {
		*s = S(v.Value)
	}
}

// StringOr is a text that may be missing.
func StringOr[S ~string](f *Fields, name string, s *S) {
	if !f.write || *s != "" {
		String(f, name, s)
	}
}

// Int is a whole number of any integer type.
func Int[N ~int | ~int64](f *Fields, name string, n *N) {
	if f.write {
		f.item[name] = &types.AttributeValueMemberN{Value: strconv.FormatInt(int64(*n), 10)}
		return
	}
	v, ok := as[*types.AttributeValueMemberN](f, name, f.item[name])
	if !ok {
		return
	}
	parsed, err := strconv.ParseInt(v.Value, 10, 64)
	if err != nil && f.err == nil {
		f.err = fmt.Errorf("table: the attribute %s: %w", name, err)
	}
	*n = N(parsed)
}

// IntOr is a whole number that may be missing.
func IntOr[N ~int | ~int64](f *Fields, name string, n *N) {
	if !f.write || *n != 0 {
		Int(f, name, n)
	}
}

// BoolOr is a flag that is missing where it is false.
func (f *Fields) BoolOr(name string, b *bool) {
	if f.write {
		if *b {
			f.item[name] = &types.AttributeValueMemberBOOL{Value: true}
		}
		return
	}
	if v, ok := as[*types.AttributeValueMemberBOOL](f, name, f.item[name]); ok {
		*b = v.Value
	}
}

// Bytes is binary; none is NULL.
func (f *Fields) Bytes(name string, b *[]byte) {
	if f.write {
		f.item[name] = &types.AttributeValueMemberB{Value: *b}
		if *b == nil {
			f.item[name] = &types.AttributeValueMemberNULL{Value: true}
		}
		return
	}
	if v, ok := as[*types.AttributeValueMemberB](f, name, f.item[name]); ok {
		*b = v.Value
	}
}

// BytesOr is binary that may be missing.
func (f *Fields) BytesOr(name string, b *[]byte) {
	if !f.write || len(*b) > 0 {
		f.Bytes(name, b)
	}
}

// StringsOr is a list of texts that may be missing.
func (f *Fields) StringsOr(name string, list *[]string) {
	listOr(f, name, list,
		func(s *string) types.AttributeValue { return f.text(*s) },
		func(element types.AttributeValue, s *string) {
			if v, ok := as[*types.AttributeValueMemberS](f, name, element); ok {
				*s = v.Value
			}
		})
}

// listOr is a list that may be missing, each element written and read by the two
// functions.
func listOr[T any](f *Fields, name string, list *[]T, write func(*T) types.AttributeValue, read func(types.AttributeValue, *T)) {
	if f.write {
		if len(*list) == 0 {
			return
		}
		values := make([]types.AttributeValue, len(*list))
		for i := range *list {
			values[i] = write(&(*list)[i])
		}
		f.item[name] = &types.AttributeValueMemberL{Value: values}
		return
	}
	v, ok := as[*types.AttributeValueMemberL](f, name, f.item[name])
	if !ok {
		return
	}
	*list = make([]T, len(v.Value))
	for i, element := range v.Value {
		read(element, &(*list)[i])
	}
}

// Time is an instant, to the millisecond; the zero time is the empty text.
func (f *Fields) Time(name string, t *time.Time) {
	var text string
	if f.write {
		text = TimeText(*t)
	}
	String(f, name, &text)
	if !f.write {
		*t = ParseTime(text)
	}
}

// TimeOr is an instant that may be missing.
func (f *Fields) TimeOr(name string, t *time.Time) {
	if !f.write || !t.IsZero() {
		f.Time(name, t)
	}
}

// Map is a record within a record.
func Map[T any](f *Fields, name string, fields func(*Fields, *T), record *T) {
	if f.write {
		f.item[name] = &types.AttributeValueMemberM{Value: Encode(fields, record)}
		return
	}
	decodeMap(f, name, f.item[name], fields, record)
}

func decodeMap[T any](f *Fields, name string, v types.AttributeValue, fields func(*Fields, *T), record *T) {
	m, ok := as[*types.AttributeValueMemberM](f, name, v)
	if !ok {
		return
	}
	if err := Decode(m.Value, fields, record); err != nil && f.err == nil {
		f.err = err
	}
}

// ListOr is a list of records within a record, which may be missing.
func ListOr[T any](f *Fields, name string, fields func(*Fields, *T), list *[]T) {
	listOr(f, name, list,
		func(record *T) types.AttributeValue {
			return &types.AttributeValueMemberM{Value: Encode(fields, record)}
		},
		func(element types.AttributeValue, record *T) { decodeMap(f, name, element, fields, record) })
}

// Ints are whole numbers. As many are read as there is room for.
func (f *Fields) Ints(name string, list []int) {
	if f.write {
		values := make([]types.AttributeValue, len(list))
		for i, n := range list {
			values[i] = Number(n)
		}
		f.item[name] = &types.AttributeValueMemberL{Value: values}
		return
	}
	v, ok := as[*types.AttributeValueMemberL](f, name, f.item[name])
	if !ok {
		return
	}
	for i := range min(len(list), len(v.Value)) {
		list[i] = NumberOf(Item{name: v.Value[i]}, name, 0)
	}
}

// timeFormat is RFC 3339 in UTC with a fixed width, so that times sort as text.
const timeFormat = "2006-01-02T15:04:05.000Z"

// TimeText returns an instant as it is stored; "" for the zero time.
func TimeText(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(timeFormat)
}

// ParseTime reads what TimeText wrote; anything else is the zero time.
func ParseTime(text string) time.Time {
	if len(text) != len(timeFormat) {
		return time.Time{}
	}
	t, err := time.Parse(time.RFC3339Nano, text) // parses fast, unlike a format of our own
	if err != nil {
		return time.Time{}
	}
	return t
}

// Equal reports whether two attribute values are the same.
func Equal(a, b types.AttributeValue) bool {
	switch a := a.(type) {
	case *types.AttributeValueMemberS:
		b, ok := b.(*types.AttributeValueMemberS)
		return ok && a.Value == b.Value
	case *types.AttributeValueMemberN:
		b, ok := b.(*types.AttributeValueMemberN)
		return ok && a.Value == b.Value
	case *types.AttributeValueMemberBOOL:
		b, ok := b.(*types.AttributeValueMemberBOOL)
		return ok && a.Value == b.Value
	case *types.AttributeValueMemberNULL:
		_, ok := b.(*types.AttributeValueMemberNULL)
		return ok
	case *types.AttributeValueMemberB:
		b, ok := b.(*types.AttributeValueMemberB)
		return ok && string(a.Value) == string(b.Value)
	case *types.AttributeValueMemberL:
		b, ok := b.(*types.AttributeValueMemberL)
		return ok && slices.EqualFunc(a.Value, b.Value, Equal)
	case *types.AttributeValueMemberM:
		b, ok := b.(*types.AttributeValueMemberM)
		return ok && maps.EqualFunc(a.Value, b.Value, Equal)
	}
	return a == nil && b == nil
}
