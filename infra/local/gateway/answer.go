package gateway

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
)

// response is a function's answer of format 2.0.
type response struct {
	StatusCode *json.Number      `json:"statusCode"` // "200" will do
	Headers    map[string]string `json:"headers"`
	Body       string            `json:"body"`
	Base64     bool              `json:"isBase64Encoded"`
	Cookies    []string          `json:"cookies"`
}

// decode decodes an answer that has a statusCode; ok is false for any other. A
// long answer is mostly its body, so the usual one is read only once.
func decode(answer []byte) (out response, ok bool, err error) {
	name := []byte(`"statusCode"`) // exactly so, unlike what encoding/json accepts
	if err = json.Unmarshal(answer, &out); err == nil {
		return out, out.StatusCode != nil && bytes.Contains(answer, name), nil
	}
	var members map[string]json.RawMessage
	if json.Unmarshal(answer, &members) != nil || members["statusCode"] == nil {
		return out, false, nil
	}
	return out, true, fmt.Errorf("read the function's answer: %w", err)
}

// readAnswer reads what a function answered: a response of format 2.0 where it
// has a statusCode, else the body of a plain 200, even where it is no JSON.
func readAnswer(answer []byte) (reply, error) {
	response, ok, err := decode(answer)
	if err != nil {
		return reply{}, err
	}
	if !ok {
		return reply{
			status: http.StatusOK,
			header: http.Header{"Content-Type": {"application/json"}},
			body:   answer,
		}, nil
	}
	status, err := response.StatusCode.Int64()
	if err != nil || status < 200 || status > 599 {
		return reply{}, fmt.Errorf("status %q is none", *response.StatusCode)
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
