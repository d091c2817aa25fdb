package gateway

import (
	"strings"
	"unicode/utf8"
)

// isText says whether API Gateway hands a body to the function as it is. All
// else, a form included, and a body without a type, reaches it in base64.
func isText(contentType string, body []byte) bool {
	if !utf8.Valid(body) { // no JSON string could carry it
		return false
	}
	media, _, _ := strings.Cut(strings.ToLower(contentType), ";")
	media = strings.TrimSpace(media)
	switch media {
	case "application/json", "application/xml", "application/javascript":
		return true
	}
	return strings.HasPrefix(media, "text/") || strings.HasSuffix(media, "+json")
}
