package gateway

import (
	"cmp"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/latchkey/latchkey/infra/blueprint"
)

// What a local API has in place of an AWS account and an API's id.
const (
	accountID = "000000000000"
	apiID     = "local"
	stage     = "$default"
)

// call is what the gateway knows of a request beyond HTTP.
type call struct {
	route     *route
	params    map[string]string
	claims    Claims
	requestID string
	start     time.Time
}

// event is a request in payload format 2.0. The types of aws-lambda-go would
// not do: they write members that API Gateway leaves out, and leave out some
// that it writes.
type event struct {
	Version        string            `json:"version"`
	RouteKey       string            `json:"routeKey"`
	RawPath        string            `json:"rawPath"`
	RawQueryString string            `json:"rawQueryString"`
	Cookies        []string          `json:"cookies,omitempty"`
	Headers        map[string]string `json:"headers"`
	Query          map[string]string `json:"queryStringParameters,omitempty"`
	Context        eventContext      `json:"requestContext"`
	PathParameters map[string]string `json:"pathParameters,omitempty"`
	Body           string            `json:"body,omitempty"`
	Base64         bool              `json:"isBase64Encoded"`
}

type eventContext struct {
	AccountID    string           `json:"accountId"`
	APIID        string           `json:"apiId"`
	Authorizer   *eventAuthorizer `json:"authorizer,omitempty"`
	DomainName   string           `json:"domainName"`
	DomainPrefix string           `json:"domainPrefix"`
	HTTP         eventHTTP        `json:"http"`
	RequestID    string           `json:"requestId"`
	RouteKey     string           `json:"routeKey"`
	Stage        string           `json:"stage"`
	Time         string           `json:"time"`
	TimeEpoch    int64            `json:"timeEpoch"`
}

type eventHTTP struct {
	Method    string `json:"method"`
	Path      string `json:"path"`
	Protocol  string `json:"protocol"`
	SourceIP  string `json:"sourceIp"`
	UserAgent string `json:"userAgent"`
}

type eventAuthorizer struct {
	JWT eventJWT `json:"jwt"`
}

// eventJWT has scopes only on routes that demand some, which Latchkey's do
// not: API Gateway writes null then, whatever the token's scope claim says.
type eventJWT struct {
	Claims Claims   `json:"claims"`
	Scopes []string `json:"scopes"`
}

func newEvent(r *http.Request, c call, body []byte) ([]byte, error) {
	sourceIP, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		sourceIP = r.RemoteAddr
	}
	domain, _, err := net.SplitHostPort(r.Host)
	if err != nil {
		domain = r.Host
	}
	prefix, _, _ := strings.Cut(domain, ".")
	e := event{
		Version:        "2.0",
		RouteKey:       c.route.key,
		RawPath:        r.URL.Path, // decoded, for all its name: HTTP APIs do that
		RawQueryString: r.URL.RawQuery,
		Cookies:        cookies(r),
		Headers:        headers(r, sourceIP, len(body)),
		Query:          query(r),
		PathParameters: c.params,
		Context: eventContext{
			AccountID: accountID, APIID: apiID,
			DomainName: domain, DomainPrefix: prefix,
			HTTP: eventHTTP{
				Method: r.Method, Path: r.URL.Path, Protocol: r.Proto,
				SourceIP: sourceIP, UserAgent: r.UserAgent(),
			},
			RequestID: c.requestID, RouteKey: c.route.key, Stage: stage,
			Time:      c.start.UTC().Format("02/Jan/2006:15:04:05 -0700"),
			TimeEpoch: c.start.UnixMilli(),
		},
	}
	if c.route.auth != blueprint.Public {
		e.Context.Authorizer = &eventAuthorizer{JWT: eventJWT{Claims: c.claims}}
	}
	if e.Base64 = len(body) > 0 && !isText(r.Header.Get("Content-Type"), body); e.Base64 {
		e.Body = base64.StdEncoding.EncodeToString(body)
	} else {
		e.Body = string(body)
	}
	return json.Marshal(e)
}

// headers are in lower case, the values of a name joined by commas. Cookies
// have a member of their own, and a connection's headers end at the gateway.
func headers(r *http.Request, sourceIP string, bodyLength int) map[string]string {
	out := make(map[string]string, len(r.Header)+6)
	for name, values := range r.Header {
		switch name {
		case "Cookie", "Connection", "Keep-Alive", "Te", "Trailer", "Transfer-Encoding", "Upgrade", "Expect":
		default:
			out[strings.ToLower(name)] = strings.Join(values, ",")
		}
	}
	out["host"] = r.Host
	if bodyLength > 0 {
		out["content-length"] = strconv.Itoa(bodyLength)
	}
	_, port, _ := net.SplitHostPort(r.Host)
	forwarded := sourceIP
	if before := out["x-forwarded-for"]; before != "" {
		forwarded = before + ", " + sourceIP
	}
	out["x-forwarded-for"] = forwarded
	out["x-forwarded-port"] = cmp.Or(port, "80")
	out["x-forwarded-proto"] = "http"
	if out["x-amzn-trace-id"] == "" {
		out["x-amzn-trace-id"] = newTraceID()
	}
	return out
}

func cookies(r *http.Request) []string {
	var out []string
	for _, line := range r.Header.Values("Cookie") {
		for cookie := range strings.SplitSeq(line, ";") {
			if cookie = strings.TrimSpace(cookie); cookie != "" {
				out = append(out, cookie)
			}
		}
	}
	return out
}

// query is decoded, the values of a name joined by commas.
func query(r *http.Request) map[string]string {
	values := r.URL.Query()
	if len(values) == 0 {
		return nil
	}
	out := make(map[string]string, len(values))
	for name, v := range values {
		out[name] = strings.Join(v, ",")
	}
	return out
}

func newTraceID() string {
	var b [12]byte
	_, _ = rand.Read(b[:]) // never fails
	return fmt.Sprintf("Root=1-%08x-%x", time.Now().Unix(), b)
}
