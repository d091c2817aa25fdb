package main

import (
	"encoding/json"
	"strings"
	"testing"

	lambdaevents "github.com/aws/aws-lambda-go/events"

	"github.com/latchkey/latchkey/shared/store"
)

// A stream record of any form is an event, none, or an error; an event names
// its change, and says nothing of what a record keeps secret.
func FuzzEventOf(f *testing.F) {
	const last = `"last":{"M":{"id":{"S":"evt_1"},"type":{"S":"user.invited"},"at":{"S":"2026-01-01T12:00:00.000Z"}}}`
	for _, seed := range []string{
		`{"NewImage":{"pk":{"S":"WS#ws_1"},"sk":{"S":"USER#usr_1"},"entity":{"S":"user"},"email":{"S":"secret@corp.example"},"metadata":{"B":"c2VjcmV0"},` + last + `}}`,
		`{"NewImage":{"entity":{"S":"workspace"},` + last + `},"OldImage":{"entity":{"S":"workspace"}}}`,
		`{"NewImage":{"entity":{"S":"erased"},` + last + `}}`, `{"NewImage":{"entity":{"N":"1"},` + last + `}}`,
		`{"NewImage":{"entity":{"S":"user"},"generation":{"N":"1e400"},"groups":{"SS":["a"]},"invitation":{"L":[{"NULL":true},{"BS":["AA=="]},{"NS":["1"]}]},` + last + `}}`,
		`{"NewImage":{"last":{"M":{"id":{"N":"1"}}}}}`, `{"NewImage":null}`, `{}`, `null`, ``,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		var record lambdaevents.DynamoDBStreamRecord
		if json.Unmarshal([]byte(raw), &record) != nil {
			return
		}
		e, ok, err := store.EventOf(record.OldImage, record.NewImage)
		if ok && (err != nil || e.ID == "") {
			t.Errorf("%s: the event %+v, %v", raw, e, err)
		}
		text, err := json.Marshal(e)
		if ok && (err != nil || strings.Contains(string(text), "secret@corp.example")) {
			t.Errorf("%s: %s, %v", raw, text, err)
		}
	})
}
