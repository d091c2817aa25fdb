package httpapi_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/latchkey/latchkey/shared/httpapi"
)

// A body of any form is read, or refused with an answer that is not much longer
// than the body.
func FuzzObject(f *testing.F) {
	for _, seed := range []string{
		`{"name":"John","users":[{"name":1},null,"x"],"groups":["a"],"n":1e400,"yes":"true","raw":{"a":[]}}`,
		`{"name":null}`, `{"name":"a","name":"b"}`, `{"~/":1,"":2}`, `{"users":{}}`, `[]`, `null`, `{`, ``, "{\"a\":\"\xff\"}", `{"a":` + strings.Repeat("[", 200),
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, body string) {
		o, err := (&httpapi.Request{Body: []byte(body)}).Object()
		if err != nil {
			return
		}
		var members map[string]json.RawMessage
		if err := json.Unmarshal([]byte(body), &members); err != nil {
			t.Fatalf("%q was read: %v", body, err)
		}
		o.String("name")
		o.OptionalString("name")
		o.OptionalInt("n")
		o.Bool("yes", true)
		o.OptionalStrings("groups")
		o.IDs("users")
		o.Raw("raw")
		for _, row := range o.Objects("users") {
			row.String("name")
			row.Unknown()
			_ = row.Err()
		}
		o.Unknown()
		_ = o.Err()
		raw, err := json.Marshal(o.Errors)
		if err != nil {
			t.Fatal(err)
		}
		if most := 2000 + 100*len(body); len(raw) > most {
			t.Errorf("%d bytes of body make %d of answer", len(body), len(raw))
		}
	})
}
