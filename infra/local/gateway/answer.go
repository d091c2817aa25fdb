package gateway

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
)

// readAnswer reads what a function answered: a response of format 2.0 where it
// has a statusCode, else the body of a plain 200, even where it is no JSON.
func readAnswer(answer []byte) (reply, error) {
	var members map[string]json.RawMessage
	if json.Unmarshal(answer, &members) != nil || members["statusCode"] == nil {
		return reply{
			status: http.StatusOK,
			header: http.Header{"Content-Type": {"application/json"}},
			body:   answer,
		}, nil
	}
	var response struct {
		StatusCode json.Number       `json:"statusCode"` // "200" will do
		Headers    map[string]string `json:"headers"`
		Body       string            `json:"body"`
		Base64     bool              `json:"isBase64Encoded"`
		Cookies    []string          `json:"cookies"`
	}
	if err := json.Unmarshal(answer, &response); err != nil {
		return reply{}, fmt.Errorf("read the function's answer: %w", err)
	}
	status, err := response.StatusCode.Int64()
	if err != nil || status < 200 || status > 599 {
		return reply{}, fmt.Errorf("status %q is none", response.StatusCode)
	}
	out := reply{status: int(status), header: http.Header{}, body: []byte(response.Body)}
	if response.Base64 {
		if out.body, err = base64.StdEncoding.DecodeString(response.Body); err != nil {
			return reply{}, fmt.Errorf("decode the function's body: %w", err)
		}
	}
	for name, value := range response.Headers {
		switch name = http.CanonicalHeaderKey(name); name {
		case "Connection", "Content-Length", "Keep-Alive", "Transfer-Encoding", "Upgrade", "Apigw-Requestid":
			// These are the gateway's.
		default:
			out.header.Add(name, value)
		}
	}
	for _, cookie := range response.Cookies {
		out.header.Add("Set-Cookie", cookie)
	}
	if out.header.Get("Content-Type") == "" && bodyAllowed(out.status) {
		out.header.Set("Content-Type", "text/plain; charset=utf-8")
	}
	return out, nil
}

// bodyAllowed is false for answers that HTTP gives no body.
func bodyAllowed(status int) bool {
	return status != http.StatusNoContent && status != http.StatusNotModified
}
