package access

import (
	"math/rand/v2"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
	"pgregory.net/rapid"
)

// draft is a request that may still be changed.
type draft struct {
	operation, method string
	path              string            // with the names of its parameters
	params            map[string]string // of the path
	query             url.Values
	header            http.Header
	token             string
	body              any    // as JSON; nil for none
	raw               []byte // takes the place of body unless nil
	changed           []string
}

// target returns the address of the request below that of the API.
func (d *draft) target() string {
	path := d.path
	for name, value := range d.params {
		path = strings.ReplaceAll(path, "{"+name+"}", url.PathEscape(value))
	}
	if len(d.query) > 0 {
		path += "?" + d.query.Encode()
	}
	return path
}

// operation is an operation of openapi.yaml.
type operation struct {
	method, path string
	parameters   openapi3.Parameters // of the path and of the operation
	*openapi3.Operation
}

// readOperations returns the operations of openapi.yaml, by their ids.
func readOperations(path string) ([]operation, error) {
	document, err := openapi3.NewLoader().LoadFromFile(path)
	if err != nil {
		return nil, err
	}
	var all []operation
	for path, item := range document.Paths.Map() {
		for method, o := range item.Operations() {
			all = append(all, operation{method, path, slices.Concat(item.Parameters, o.Parameters), o})
		}
	}
	slices.SortFunc(all, func(a, b operation) int { return strings.Compare(a.OperationID, b.OperationID) })
	return all, nil
}

// generator makes requests as openapi.yaml allows them.
type generator struct {
	*rand.Rand
	// known are values that mean something in a workspace, by the name of a
	// parameter or member.
	known map[string][]string
}

func (g generator) oneIn(n int) bool { return g.IntN(n) == 0 }

func pick[T any](g generator, of []T) T { return of[g.IntN(len(of))] }

// request returns a valid request of an operation.
func (g generator) request(o operation) *draft {
	d := &draft{
		operation: o.OperationID, method: o.method, path: o.path,
		params: map[string]string{}, query: url.Values{}, header: http.Header{},
	}
	for _, p := range o.parameters {
		if !p.Value.Required && !g.oneIn(3) || p.Value.Name == "cursor" {
			continue
		}
		value := text(g.value(p.Value.Name, p.Value.Schema.Value))
		switch p.Value.In {
		case "path":
			d.params[p.Value.Name] = value
		case "query":
			if value != "" {
				d.query.Set(p.Value.Name, value)
			}
		case "header":
			d.header.Set(p.Value.Name, value)
		}
	}
	if o.RequestBody == nil || !o.RequestBody.Value.Required && g.oneIn(3) {
		return d
	}
	kind := pick(g, sorted(o.RequestBody.Value.Content))
	d.header.Set("Content-Type", kind)
	if kind == "text/csv" {
		d.raw = []byte("name,email,role,groups\r\n" + pick(g, g.known["name"]) + "," + pick(g, g.known["email"]) + ",builder,\r\n")
		return d
	}
	d.body = g.value("", o.RequestBody.Value.Content[kind].Schema.Value)
	return d
}

// text returns a parameter's value as it stands in a path, query or header.
func text(value any) string {
	if list, ok := value.([]any); ok {
		parts := make([]string, len(list))
		for i, part := range list {
			parts[i] = text(part)
		}
		return strings.Join(parts, ",")
	}
	if s, ok := value.(string); ok {
		return s
	}
	return asJSON(value)
}

// value returns a value that a schema allows.
func (g generator) value(name string, s *openapi3.Schema) any {
	for _, choice := range []openapi3.SchemaRefs{s.OneOf, s.AnyOf} {
		if len(choice) > 0 {
			return g.value(name, pick(g, choice).Value)
		}
	}
	switch {
	case len(s.AllOf) > 0:
		return g.value(name, s.AllOf[0].Value)
	case s.Const != nil:
		return s.Const
	case len(s.Enum) > 0:
		return pick(g, s.Enum)
	}
	kinds := s.Type.Slice()
	kind := pick(g, kinds)
	if kind == "null" && len(kinds) > 1 && !g.oneIn(3) {
		kind = kinds[0]
	}
	switch kind {
	case "null":
		return nil
	case "boolean":
		return g.oneIn(2)
	case "integer", "number":
		if values := g.known[name]; values != nil && !g.oneIn(4) {
			if n, err := strconv.Atoi(pick(g, values)); err == nil {
				return n
			}
		}
		low, high := 0.0, 1000.0
		if s.Min != nil {
			low = *s.Min
		}
		if s.Max != nil {
			high = min(high, *s.Max)
		}
		return int(low) + g.IntN(int(high-low)+1)
	case "array":
		list := make([]any, int(s.MinItems)+g.IntN(3))
		for i := range list {
			if s.Items != nil {
				list[i] = g.value(name, s.Items.Value)
			}
		}
		return list
	case "object":
		object := map[string]any{}
		for _, member := range sorted(s.Properties) { // in one order, so that a seed means one request
			if slices.Contains(s.Required, member) || g.oneIn(4) {
				object[member] = g.value(member, s.Properties[member].Value)
			}
		}
		if len(s.Properties) == 0 && s.AdditionalProperties.Schema == nil && s.AdditionalProperties.Has != nil && *s.AdditionalProperties.Has {
			object["key"] = []any{"value", 1, nil}
		}
		return object
	}
	if values := g.known[name]; values != nil {
		return pick(g, values)
	}
	pattern := "[a-z]{5,35}"
	if s.Pattern != "" {
		pattern = s.Pattern
	}
	for {
		text := rapid.StringMatching(pattern).Example(int(g.Int32()))
		if s.MaxLength == nil || len(text) <= int(*s.MaxLength) {
			return text
		}
	}
}
