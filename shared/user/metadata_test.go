package user_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/latchkey/latchkey/shared/fault"
	"github.com/latchkey/latchkey/shared/user"
)

func parsed(t rapid.TB, raw []byte) any {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil || d.More() {
		t.Fatalf("%q is not one JSON value: %v", raw, err)
	}
	return v
}

// The examples are those of RFC 7396, appendix A.
func TestMergePatchesAsTheRFCShows(t *testing.T) {
	for _, c := range []struct{ original, patch, result string }{
		{`{"a":"b"}`, `{"a":"c"}`, `{"a":"c"}`},
		{`{"a":"b"}`, `{"b":"c"}`, `{"a":"b","b":"c"}`},
		{`{"a":"b"}`, `{"a":null}`, `{}`},
		{`{"a":"b","b":"c"}`, `{"a":null}`, `{"b":"c"}`},
		{`{"a":["b"]}`, `{"a":"c"}`, `{"a":"c"}`},
		{`{"a":"c"}`, `{"a":["b"]}`, `{"a":["b"]}`},
		{`{"a":{"b":"c"}}`, `{"a":{"b":"d","c":null}}`, `{"a":{"b":"d"}}`},
		{`{"a":[{"b":"c"}]}`, `{"a":[1]}`, `{"a":[1]}`},
		{`["a","b"]`, `["c","d"]`, `["c","d"]`},
		{`{"a":"b"}`, `["c"]`, `["c"]`},
		{`{"a":"foo"}`, `null`, `null`},
		{`{"a":"foo"}`, `"bar"`, `"bar"`},
		{`{"e":null}`, `{"a":1}`, `{"e":null,"a":1}`},
		{`[1,2]`, `{"a":"b","c":null}`, `{"a":"b"}`},
		{`{}`, `{"a":{"bb":{"ccc":null}}}`, `{"a":{"bb":{}}}`},
		// And what the RFC has no example of.
		{``, `{"a":1,"b":null}`, `{"a":1}`},
		{`{"a":{"b":1},"c":2}`, ` { "a" : { "b" : null , "d" : 3 } } `, `{"a":{"d":3},"c":2}`},
		{`{"a":"<b>&\u2028"}`, `{"c":1}`, `{"a":"<b>&\u2028","c":1}`},
		{`{"n":12345678901234567890.10}`, `{"m":1e400}`, `{"n":12345678901234567890.10,"m":1e400}`},
		{`{"A":1}`, `{"a":2}`, `{"A":1,"a":2}`},
		{`{"a":[{"b":null}]}`, `{"c":[null,{"d":null}]}`, `{"a":[{"b":null}],"c":[null,{"d":null}]}`},
	} {
		got := user.MergeMetadata([]byte(c.original), []byte(c.patch))
		if !json.Valid(got) || !reflect.DeepEqual(parsed(t, got), parsed(t, []byte(c.result))) {
			t.Errorf("%s with %s is %s, want %s", c.original, c.patch, got, c.result)
		}
	}
}

// anyJSON draws a JSON value with few names, so that patches meet something.
func anyJSON(depth int) *rapid.Generator[any] {
	scalars := rapid.SampledFrom([]any{nil, true, "", "x", "<&>", json.Number("1"), json.Number("-0.50"), json.Number("1e3")})
	if depth == 0 {
		return scalars
	}
	return rapid.OneOf(
		scalars,
		rapid.Map(rapid.SliceOfN(anyJSON(depth-1), 0, 3), func(list []any) any { return list }),
		rapid.Map(anyObject(depth-1), func(o map[string]any) any { return o }),
	)
}

func anyObject(depth int) *rapid.Generator[map[string]any] {
	return rapid.MapOfN(rapid.SampledFrom([]string{"a", "b", "c", "", "ä"}), anyJSON(depth), 0, 4)
}

func raw(t rapid.TB, v any) []byte {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// asThePseudocode is the function of RFC 7396, section 2.
func asThePseudocode(target, patch any) any {
	changes, ok := patch.(map[string]any)
	if !ok {
		return patch
	}
	out := map[string]any{}
	if object, ok := target.(map[string]any); ok {
		for name, value := range object {
			out[name] = value
		}
	}
	for name, value := range changes {
		if value == nil {
			delete(out, name)
		} else {
			out[name] = asThePseudocode(out[name], value)
		}
	}
	return out
}

func TestMergePatchesAreThoseOfTheRFC(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		metadata, patch := raw(t, anyObject(3).Draw(t, "metadata")), raw(t, anyJSON(4).Draw(t, "patch"))
		once := user.MergeMetadata(metadata, patch)
		if want := asThePseudocode(parsed(t, metadata), parsed(t, patch)); !reflect.DeepEqual(parsed(t, once), parsed(t, raw(t, want))) {
			t.Fatalf("%s with %s is %s", metadata, patch, once)
		}
		if twice := user.MergeMetadata(once, patch); !reflect.DeepEqual(parsed(t, twice), parsed(t, once)) {
			t.Fatalf("%s with %s is %s, and once more %s", metadata, patch, once, twice)
		}
		if empty := user.MergeMetadata(metadata, []byte(`{}`)); !reflect.DeepEqual(parsed(t, empty), parsed(t, metadata)) {
			t.Fatalf("%s with an empty patch is %s", metadata, empty)
		}
	})
}

// What a patch leaves alone takes as much room as before: the limit of 4,096
// bytes is the same when inviting and when editing.
func TestAMergePatchMakesNothingLonger(t *testing.T) {
	metadata := []byte(`{"html":"` + strings.Repeat("<&>", 1300) + `"}`)
	var fields fault.Fields
	if user.CheckMetadata(&fields, metadata); len(fields) > 0 {
		t.Fatal(fields)
	}
	merged := user.MergeMetadata(metadata, []byte(`{"b":null}`))
	if user.CheckMetadata(&fields, merged); len(fields) > 0 || len(merged) != len(metadata) {
		t.Errorf("%d bytes became %d: %v", len(metadata), len(merged), fields)
	}
}

// A body of 256 KB is merged in no time, however it is nested.
func TestADeepMergePatchCostsLittle(t *testing.T) {
	const levels = 9000 // encoding/json reads 10,000
	deep := []byte(strings.Repeat(`{"a":`, levels) + `"` + strings.Repeat("x", 200_000) + `"` + strings.Repeat("}", levels))
	began := time.Now()
	merged := user.MergeMetadata(deep, deep)
	if took := time.Since(began); took > 2*time.Second {
		t.Errorf("it took %v", took)
	}
	if !bytes.Equal(merged, deep) {
		t.Errorf("%d bytes became %d", len(deep), len(merged))
	}
}

func TestMetadataIsCheckedAndCompact(t *testing.T) {
	for text, want := range map[string]string{
		``: "", ` `: "", `null`: "", ` null `: "", `{}`: "", ` { } `: "",
		` {"a": [1, 2] } `:                 `{"a":[1,2]}`,
		`{"a":"<b>"}`:                      `{"a":"<b>"}`,
		`[]`:                               "wrong_type",
		`"{}"`:                             "wrong_type",
		`7`:                                "wrong_type",
		`{"a":}`:                           "invalid_json",
		`{"a":1`:                           "invalid_json",
		`{"a":1}{"b":2}`:                   "invalid_json",
		`{"a":{"b":{"c":{"d":{}}}}}`:       `{"a":{"b":{"c":{"d":{}}}}}`,
		`{"a":{"b":{"c":{"d":{"e":{}}}}}}`: "too_deep",
		`{"a":[[[[[]]]]]}`:                 "too_deep",
		`{"a":"[[[[[[{{{{{{"}`:             `{"a":"[[[[[[{{{{{{"}`,
		`{"a":"\"[[[[[[{{{{{{"}`:           `{"a":"\"[[[[[[{{{{{{"}`,
		fmt.Sprintf(`{"a":"%s"}`, strings.Repeat("x", user.MaxMetadata)): "too_large",
	} {
		var fields fault.Fields
		got := string(user.CheckMetadata(&fields, []byte(text)))
		if len(fields) > 0 {
			got = fields[0].Code
		}
		if got != want || len(fields) > 1 {
			t.Errorf("%.60s: %.60s, want %s", text, got, want)
		}
	}
}
