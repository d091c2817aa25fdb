package pattern_test

import (
	"encoding/json"
	"testing"

	"github.com/latchkey/latchkey/infra/local/messaging/pattern"
)

// Semantics as EventBridge documents them:
// https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-event-patterns.html
func TestPatterns(t *testing.T) {
	cases := []struct {
		name, pattern, event string
		want                 bool
	}{
		{"exact", `{"source":["latchkey"]}`, `{"source":"latchkey"}`, true},
		{"another value", `{"source":["latchkey"]}`, `{"source":"other"}`, false},
		{"one of several", `{"a":["x","y"]}`, `{"a":"y"}`, true},
		{"every field must match", `{"a":["x"],"b":["y"]}`, `{"a":"x"}`, false},
		{"other fields do not matter", `{"a":["x"]}`, `{"a":"x","b":"y"}`, true},
		{"nested", `{"d":{"a":["x"]}}`, `{"d":{"a":"x"}}`, true},
		{"nested, absent", `{"d":{"a":["x"]}}`, `{}`, false},
		{"an element of a list", `{"a":["x"]}`, `{"a":["w","x"]}`, true},
		{"an object in a list", `{"d":{"a":["x"]}}`, `{"d":[{"a":"w"},{"a":"x"}]}`, true},
		{"true", `{"a":[true]}`, `{"a":true}`, true},
		{"true is no text", `{"a":[true]}`, `{"a":"true"}`, false},
		{"number", `{"a":[1]}`, `{"a":1.0}`, true},
		{"null", `{"a":[null]}`, `{"a":null}`, true},
		{"null is not absent", `{"a":[null]}`, `{}`, false},
		{"prefix", `{"a":[{"prefix":"user."}]}`, `{"a":"user.invited"}`, true},
		{"another prefix", `{"a":[{"prefix":"user."}]}`, `{"a":"workspace.created"}`, false},
		{"prefix of a number", `{"a":[{"prefix":"1"}]}`, `{"a":1}`, false},
		{"suffix", `{"a":[{"suffix":".created"}]}`, `{"a":"workspace.created"}`, true},
		{"exists", `{"a":[{"exists":true}]}`, `{"a":null}`, true},
		{"does not exist", `{"a":[{"exists":false}]}`, `{"b":1}`, true},
		{"exists although it should not", `{"a":[{"exists":false}]}`, `{"a":1}`, false},
		{"nested, does not exist", `{"d":{"a":[{"exists":false}]}}`, `{}`, true},
		{"anything but", `{"a":[{"anything-but":["x","y"]}]}`, `{"a":"z"}`, true},
		{"anything but that", `{"a":[{"anything-but":["x","y"]}]}`, `{"a":"y"}`, false},
		{"anything but, of a list", `{"a":[{"anything-but":["x"]}]}`, `{"a":["x","y"]}`, true},
		{"anything but, absent", `{"a":[{"anything-but":["x"]}]}`, `{}`, false},
		{"anything but a number", `{"a":[{"anything-but":1}]}`, `{"a":1}`, false},
		{"anything but a prefix", `{"a":[{"anything-but":{"prefix":"x"}}]}`, `{"a":"yx"}`, true},
		{"anything but that prefix", `{"a":[{"anything-but":{"prefix":["w","x"]}}]}`, `{"a":"xy"}`, false},
		{"anything but, of an object", `{"a":[{"anything-but":"x"}]}`, `{"a":{"b":"y"}}`, false},
		{"empty text", `{"a":[""]}`, `{"a":""}`, true},
		{"exists is for leaves", `{"a":[{"exists":true}]}`, `{"a":{"b":1}}`, false},
		{"an object is no leaf", `{"a":[{"exists":false}]}`, `{"a":{"b":1}}`, true},
		{"exists, false", `{"a":[{"exists":true}]}`, `{"a":false}`, true},
		{"a value or none", `{"a":["x",{"exists":false}]}`, `{}`, true},
		{"a value or none, another", `{"a":["x",{"exists":false}]}`, `{"a":"y"}`, false},
		{"one object of a list matches whole", `{"d":{"a":["x"],"b":["y"]}}`, `{"d":[{"a":"x"},{"b":"y"}]}`, false},
		{"nested, does not exist in any", `{"d":{"a":[{"exists":false}]}}`, `{"d":[{"a":1},{"b":1}]}`, true},
		{"a list in a list", `{"a":["x"]}`, `{"a":[["w"],["x"]]}`, true},
		{"no text where a number is", `{"a":["1"]}`, `{"a":1}`, false},
		{"DynamoDB's filter", `{"eventName":["INSERT"],"dynamodb":{"NewImage":{"entity":{"S":["user"]}}}}`, `{"eventName":"INSERT","dynamodb":{"NewImage":{"entity":{"S":"user"}}}}`, true},
		{"DynamoDB's filter, a removal", `{"dynamodb":{"NewImage":{"entity":{"S":["user"]}}}}`, `{"dynamodb":{"OldImage":{"entity":{"S":"user"}}}}`, false},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			var of map[string]any
			if err := json.Unmarshal([]byte(c.pattern), &of); err != nil {
				t.Fatal(err)
			}
			p, err := pattern.New(of)
			if err != nil {
				t.Fatal(err)
			}
			var event map[string]any
			if err := json.Unmarshal([]byte(c.event), &event); err != nil {
				t.Fatal(err)
			}
			if got := p.Match(event); got != c.want {
				t.Errorf("%s matches %s: %v", c.event, c.pattern, got)
			}
		})
	}
}

func TestPatternsThatAreRefused(t *testing.T) {
	for _, bad := range []map[string]any{
		{"a": "x"},
		{"a": []any{map[string]any{"cidr": "10.0.0.0/8"}}},
		{"d": map[string]any{"a": 1}},
		{},
		{"a": []any{}},
		{"a": map[string]any{}},
		{"a": []any{[]any{"x"}}},
		{"a": []any{map[string]any{"prefix": 1}}},
		{"a": []any{map[string]any{"exists": "yes"}}},
		{"a": []any{map[string]any{"prefix": "x", "suffix": "y"}}},
		{"a": []any{map[string]any{"anything-but": []any{}}}},
		{"a": []any{map[string]any{"anything-but": map[string]any{"wildcard": "*"}}}},
	} {
		if _, err := pattern.New(bad); err == nil {
			t.Errorf("%v is taken for a pattern", bad)
		}
	}
}
