package httpapi

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/latchkey/latchkey/shared/fault"
)

// Object reads the members of a JSON object one by one and remembers all that
// is wrong with them, so that an answer can name every bad field at once.
type Object struct {
	members map[string]json.RawMessage
	read    map[string]bool
	Errors  fault.Fields
}

// Faults of bodies.
var (
	errNoBody  = fault.New(fault.Invalid, "body_required", "This operation needs a JSON object as its body.")
	errNotJSON = fault.New(fault.Invalid, "invalid_json", "The body is not a JSON object.")
)

// Object is the body as an object.
func (r *Request) Object() (*Object, error) {
	if len(bytes.TrimSpace(r.Body)) == 0 {
		return nil, errNoBody
	}
	o := &Object{read: map[string]bool{}}
	if json.Unmarshal(r.Body, &o.members) != nil || o.members == nil {
		return nil, errNotJSON
	}
	return o, nil
}

// OptionalObject is the body as an object, which may be left out.
func (r *Request) OptionalObject() (*Object, error) {
	if len(bytes.TrimSpace(r.Body)) == 0 {
		return &Object{read: map[string]bool{}}, nil
	}
	return r.Object()
}

// NewObject is an object of members that were read otherwise, with what was
// wrong with them there.
func NewObject(members map[string]json.RawMessage, wrong fault.Fields) *Object {
	return &Object{members: members, read: map[string]bool{}, Errors: wrong}
}

// Null is true for a member that is there and null, where that means something.
func (o *Object) Null(name string) bool { return string(o.members[name]) == "null" }

// Objects is a list of objects, nil where the member is absent; an element
// that is no object has that as its error.
func (o *Object) Objects(name string) []*Object {
	list := value[[]json.RawMessage](o, name, "a list of objects")
	if list == nil {
		return nil
	}
	objects := make([]*Object, len(*list))
	for i, raw := range *list {
		objects[i] = NewObject(nil, nil)
		if json.Unmarshal(raw, &objects[i].members) != nil || objects[i].members == nil {
			objects[i].Errors.Add("", "wrong_type", "This must be an object.")
		}
	}
	return objects
}

// Raw is a member as it stands; nil where it is absent or null.
func (o *Object) Raw(name string) json.RawMessage {
	o.read[name] = true
	raw := o.members[name]
	if string(raw) == "null" {
		return nil
	}
	return raw
}

func value[T any](o *Object, name, what string) *T {
	raw := o.Raw(name)
	if raw == nil {
		return nil
	}
	v := new(T)
	if json.Unmarshal(raw, v) != nil {
		o.Errors.Add("/"+name, "wrong_type", "This must be "+what+".")
		return nil
	}
	return v
}

// OptionalString is a text, or nil where the member is absent.
func (o *Object) OptionalString(name string) *string { return value[string](o, name, "a text") }

// String is a text, "" where the member is absent or no text.
func (o *Object) String(name string) string {
	if s := o.OptionalString(name); s != nil {
		return *s
	}
	return ""
}

// OptionalInt is a whole number, or nil where the member is absent.
func (o *Object) OptionalInt(name string) *int { return value[int](o, name, "a whole number") }

// OptionalBool is true or false, or nil where the member is absent.
func (o *Object) OptionalBool(name string) *bool { return value[bool](o, name, "true or false") }

// Bool is true or false, otherwise where the member is absent.
func (o *Object) Bool(name string, otherwise bool) bool {
	if b := o.OptionalBool(name); b != nil {
		return *b
	}
	return otherwise
}

// OptionalStrings is a list of texts, or nil where the member is absent.
func (o *Object) OptionalStrings(name string) *[]string {
	const what = "a list of texts"
	list := value[[]*string](o, name, what)
	if list == nil {
		return nil
	}
	texts := make([]string, len(*list))
	for i, text := range *list {
		if text == nil { // null is no text
			o.Errors.Add("/"+name, "wrong_type", "This must be "+what+".")
			return nil
		}
		texts[i] = *text
	}
	return &texts
}

// Strings is a list of texts, nil where the member is absent.
func (o *Object) Strings(name string) []string {
	if list := o.OptionalStrings(name); list != nil {
		return *list
	}
	return nil
}

// Bad reports whether a member was there and could not be read, so that nobody
// says of it that it is missing; "" stands for the object as a whole.
func (o *Object) Bad(name string) bool { return o.Errors.Names(name) }

// Merge adds what the domain found, but for members that could not be read.
func (o *Object) Merge(fields fault.Fields) { o.Errors.Merge(fields) }

// Unknown notes every member that was not read. Call it after the last member
// was read.
func (o *Object) Unknown() {
	var unknown []string
	for name := range o.members {
		if !o.read[name] {
			unknown = append(unknown, name)
		}
	}
	slices.Sort(unknown)
	for _, name := range unknown {
		o.read[name] = true
		if len(name) > 100 {
			name = name[:100]
		}
		pointer := strings.NewReplacer("~", "~0", "/", "~1").Replace(strings.ToValidUTF8(name, ""))
		o.Errors.Add("/"+pointer, "unknown_field", fmt.Sprintf("There is no field %q.", name))
	}
}

// Err names everything that was wrong, unknown members included.
func (o *Object) Err() error {
	o.Unknown()
	return o.Errors.Err()
}
