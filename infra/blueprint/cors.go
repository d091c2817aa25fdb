package blueprint

import "time"

// Browsers is what the API lets browsers on the dashboards' pages do (CORS).
var Browsers = struct {
	Methods []string
	Sends   []string // headers of a request, beside those that every page may send
	Reads   []string // headers of an answer, likewise
	MaxAge  time.Duration
}{
	Methods: []string{"GET", "POST", "PUT", "PATCH", "DELETE"},
	Sends:   []string{"authorization", "content-type", "idempotency-key", "if-match"},
	Reads:   []string{"apigw-requestid", "content-disposition", "etag", "idempotent-replay", "link", "location", "retry-after"},
	MaxAge:  2 * time.Hour, // the longest that Chromium keeps
}
