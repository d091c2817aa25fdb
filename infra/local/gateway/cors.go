package gateway

import (
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/latchkey/latchkey/infra/blueprint"
)

// cors is the CORS configuration of the API. API Gateway answers preflight
// requests by itself, adds the headers to every answer, and ignores those that
// a function sets. https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-cors.html
type cors struct {
	origins []string
	methods string
}

func newCORS(origins, methods []string) cors {
	return cors{origins: origins, methods: strings.Join(methods, ",")}
}

// allowed is what to answer to the request's origin; "" for nothing.
func (c cors) allowed(r *http.Request) string {
	origin := r.Header.Get("Origin")
	switch {
	case origin == "":
		return ""
	case slices.Contains(c.origins, "*"):
		return "*"
	case slices.Contains(c.origins, origin):
		return origin
	}
	return ""
}

func (c cors) isPreflight(r *http.Request) bool {
	return len(c.origins) > 0 && r.Method == http.MethodOptions &&
		r.Header.Get("Origin") != "" && r.Header.Get("Access-Control-Request-Method") != ""
}

// preflight says nothing to a stranger: the browser understands.
func (c cors) preflight(r *http.Request) http.Header {
	h := http.Header{}
	if c.allowed(r) != "" {
		h.Set("Access-Control-Allow-Methods", c.methods)
		h.Set("Access-Control-Allow-Headers", strings.Join(blueprint.Browsers.Sends, ","))
		h.Set("Access-Control-Max-Age", strconv.Itoa(int(blueprint.Browsers.MaxAge.Seconds())))
	}
	return h
}

// finish makes the CORS headers of an answer the gateway's own.
func (c cors) finish(r *http.Request, h http.Header) {
	if len(c.origins) == 0 {
		return
	}
	if !c.isPreflight(r) {
		for name := range h {
			if strings.HasPrefix(name, "Access-Control-") {
				h.Del(name)
			}
		}
	}
	allowed := c.allowed(r)
	if allowed != "*" {
		h.Add("Vary", "Origin")
	}
	if allowed == "" {
		return
	}
	h.Set("Access-Control-Allow-Origin", allowed)
	if !c.isPreflight(r) {
		h.Set("Access-Control-Expose-Headers", strings.Join(blueprint.Browsers.Reads, ","))
	}
}
