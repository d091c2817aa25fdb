package httpapi

import (
	"strconv"
	"strings"

	"github.com/latchkey/latchkey/shared/fault"
)

var errIfMatch = fault.New(fault.Invalid, "invalid_if_match", `If-Match is the ETag of an earlier answer, with its quotes: "3".`)

// IfMatch is the condition that the caller puts on a version, by the header
// If-Match (RFC 9110, section 13.1.1); without one, every version will do. A
// weak tag never matches, as the RFC has it.
func (r *Request) IfMatch() (match func(version int) bool, err error) {
	header := strings.TrimSpace(r.Header["if-match"])
	if header == "" || header == "*" {
		return func(int) bool { return true }, nil
	}
	wanted := map[int]bool{}
	for tag := range strings.SplitSeq(header, ",") {
		tag, weak := strings.CutPrefix(strings.TrimSpace(tag), "W/")
		text, quoted := strings.CutPrefix(tag, `"`)
		text, ended := strings.CutSuffix(text, `"`)
		if !quoted || !ended || strings.Contains(text, `"`) {
			return nil, errIfMatch
		}
		if version, err := strconv.Atoi(text); err == nil && !weak {
			wanted[version] = true
		}
	}
	return func(version int) bool { return wanted[version] }, nil
}
