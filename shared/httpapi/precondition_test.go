package httpapi_test

import (
	"slices"
	"testing"
	"time"

	"github.com/latchkey/latchkey/shared/fault"
	"github.com/latchkey/latchkey/shared/httpapi"
	"github.com/latchkey/latchkey/shared/user"
)

func TestIfMatch(t *testing.T) {
	every := []int{0, 1, 3, 4, 33}
	for header, want := range map[string][]int{
		"":                    every,
		"*":                   every,
		" * ":                 every,
		`"3"`:                 {3},
		`  "3"  `:             {3},
		`"3","4"`:             {3, 4},
		`"3" , "4","xyz"`:     {3, 4},
		`"3",,"4",`:           {3, 4}, // RFC 9110, section 5.6.1: empty elements are passed over
		`W/"3"`:               nil,    // section 13.1.1: compared strongly
		`W/"3", "4"`:          {4},
		`"03"`:                nil, // another tag, though the same number
		`"+3"`:                nil,
		`"3.0"`:               nil,
		`""`:                  nil,
		`"xyz"`:               nil,
		`"a,b", "3"`:          {3}, // section 8.8.3: a comma may stand within a tag
		`"3,4"`:               nil,
		`"é"`:                 nil,
		`"99999999999999999"`: nil,
	} {
		match, err := (&httpapi.Request{Header: map[string]string{"if-match": header}}).IfMatch()
		if err != nil {
			t.Errorf("%s: %v", header, err)
			continue
		}
		var got []int
		for _, version := range every {
			if match(version) {
				got = append(got, version)
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s matches %v, want %v", header, got, want)
		}
	}
	if match, err := (&httpapi.Request{}).IfMatch(); err != nil || !match(7) {
		t.Errorf("without the header: %v", err)
	}
}

func TestIfMatchThatIsNone(t *testing.T) {
	for _, header := range []string{
		"3", `"3`, `3"`, `"`, `'3'`, `"3" "4"`, `"3"4`, `w/"3"`, `W/3`, `W/`, `*, "3"`, `"3", *`, `"3";"4"`, `"3""4"`, ",", `"a b"`, `" 3"`, "\"a\x7f\"",
	} {
		_, err := (&httpapi.Request{Header: map[string]string{"if-match": header}}).IfMatch()
		if fault.Code(err) != "invalid_if_match" {
			t.Errorf("%s: %v", header, err)
		}
	}
}

// The ETag of an answer is what If-Match takes.
func TestTheETagOfAnAnswerMatches(t *testing.T) {
	u := user.Founder(user.Stamp{ID: "evt_1", Actor: "usr_1", At: time.Unix(0, 0)}, "ws_1", "John", "john@corp.com", "sub")
	u.Version = 12
	out := httpapi.ShowUser(u, time.Unix(0, 0)).Response(201)
	if out.Status != 201 || out.Header["etag"] != `"12"` {
		t.Fatalf("%+v", out)
	}
	match, err := (&httpapi.Request{Header: map[string]string{"if-match": out.Header["etag"]}}).IfMatch()
	if err != nil || !match(12) || match(1) || match(11) {
		t.Error(err)
	}
}
