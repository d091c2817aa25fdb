package httpapi

import (
	"regexp"
	"strconv"
	"strings"
	"sync"

	"github.com/latchkey/latchkey/shared/fault"
)

var errIfMatch = fault.New(fault.Invalid, "invalid_if_match", `If-Match is the ETag of an earlier answer, with its quotes: "3".`)

// A list of entity tags (RFC 9110, sections 5.6.1 and 8.8.3), and one of them.
const entityTag = `(W/)?"([!#-~\x{80}-\x{10FFFF}]*)"`

var (
	entityTags = sync.OnceValue(func() *regexp.Regexp {
		return regexp.MustCompile(`^[ \t,]*` + entityTag + `([ \t]*,[ \t,]*` + entityTag + `)*[ \t,]*$`)
	})
	oneTag = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(entityTag) })
)

// IfMatch is the condition that the caller puts on a version, by the header
// If-Match (RFC 9110, section 13.1.1); without one, every version will do. A
// weak tag never matches, as the RFC has it.
func (r *Request) IfMatch() (match func(version int) bool, err error) {
	header := strings.TrimSpace(r.Header["if-match"])
	if header == "" || header == "*" {
		return func(int) bool { return true }, nil
	}
	if !entityTags().MatchString(header) {
		return nil, errIfMatch
	}
	wanted := map[string]bool{}
	for _, tag := range oneTag().FindAllStringSubmatch(header, -1) {
		if weak, text := tag[1], tag[2]; weak == "" {
			wanted[text] = true
		}
	}
	return func(version int) bool { return wanted[strconv.Itoa(version)] }, nil
}
