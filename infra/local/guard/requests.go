package guard

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/mail"
	"path"
	"slices"
	"strings"

	"github.com/latchkey/latchkey/infra/blueprint/policy"
)

// requests returns the authorization requests that the service would make for a
// call.
func (g *Guard) requests(r *http.Request, body []byte) ([]policy.Request, error) {
	service, operation, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	switch {
	case strings.HasPrefix(service, "DynamoDB_"):
		return g.ofTable(operation, body)
	case service == "TrentService":
		return g.ofKMS(operation, body)
	case service == "AWSEvents":
		return g.ofBus(operation, body)
	case service == "AmazonSQS":
		return ofQueue(operation, body)
	case service == "" && r.Method == http.MethodPost && r.URL.Path == "/v2/email/outbound-emails":
		return g.ofMail(body)
	}
	return nil, fmt.Errorf("%s %s %s%s is not a call that this machine can judge", g.function, r.Method, r.URL.Path, r.Header.Get("X-Amz-Target"))
}

func unreadable(operation string) error {
	return fmt.Errorf("the request %s cannot be read", operation)
}

// https://docs.aws.amazon.com/kms/latest/developerguide/conditions-kms.html
func (g *Guard) ofKMS(operation string, body []byte) ([]policy.Request, error) {
	var in struct {
		KeyID             string `json:"KeyId"`
		EncryptionContext map[string]string
	}
	if json.Unmarshal(body, &in) != nil {
		return nil, unreadable(operation)
	}
	if in.KeyID == "" { // Decrypt: the one key that the ciphertext names
		in.KeyID = g.names.Key
	}
	context := map[string][]string{}
	for name, value := range in.EncryptionContext {
		context["kms:EncryptionContext:"+name] = []string{value}
	}
	if len(in.EncryptionContext) > 0 {
		context["kms:EncryptionContextKeys"] = slices.Sorted(maps.Keys(in.EncryptionContext))
	}
	return []policy.Request{{Action: "kms:" + operation, Resource: keyARN(in.KeyID), Context: context}}, nil
}

// https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazoneventbridge.html
func (g *Guard) ofBus(operation string, body []byte) ([]policy.Request, error) {
	var in struct {
		Entries []struct{ EventBusName, Source, DetailType string }
	}
	if json.Unmarshal(body, &in) != nil || len(in.Entries) == 0 {
		return nil, unreadable(operation)
	}
	var requests []policy.Request
	for _, e := range in.Entries {
		bus := e.EventBusName
		if bus == "" {
			bus = "default"
		}
		requests = append(requests, policy.Request{Action: "events:" + operation, Resource: busARN(bus), Context: map[string][]string{
			"events:source": {e.Source}, "events:detail-type": {e.DetailType},
		}})
	}
	return requests, nil
}

// https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonsqs.html
func ofQueue(operation string, body []byte) ([]policy.Request, error) {
	var in struct {
		QueueURL string `json:"QueueUrl"`
	}
	if json.Unmarshal(body, &in) != nil || in.QueueURL == "" {
		return nil, unreadable(operation)
	}
	return []policy.Request{{Action: "sqs:" + operation, Resource: queueARN(path.Base(in.QueueURL))}}, nil
}

// ofMail requires the sending identity and the configuration set.
// https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonsimpleemailservicev2.html
func (g *Guard) ofMail(body []byte) ([]policy.Request, error) {
	var in struct {
		FromEmailAddress     string
		ConfigurationSetName string
		Destination          struct{ ToAddresses, CcAddresses, BccAddresses []string }
		Content              struct{ Raw json.RawMessage }
	}
	if json.Unmarshal(body, &in) != nil {
		return nil, unreadable("SendEmail")
	}
	action := "ses:SendEmail"
	if len(in.Content.Raw) > 0 {
		action = "ses:SendRawEmail"
	}
	context := map[string][]string{
		"ses:ApiVersion": {"2"},
		"ses:Recipients": slices.Concat(in.Destination.ToAddresses, in.Destination.CcAddresses, in.Destination.BccAddresses),
	}
	var from string
	if address, err := mail.ParseAddress(in.FromEmailAddress); err == nil {
		from = address.Address
		context["ses:FromAddress"] = []string{from}
		if address.Name != "" {
			context["ses:FromDisplayName"] = []string{address.Name}
		}
	}
	requests := []policy.Request{{Action: action, Resource: identityARN(g.identityOf(from)), Context: context}}
	if in.ConfigurationSetName != "" {
		requests = append(requests, policy.Request{Action: action, Resource: configurationSetARN(in.ConfigurationSetName), Context: context})
	}
	return requests, nil
}

// identityOf returns the identity that covers an address: the address, its
// domain, or a parent domain.
func (g *Guard) identityOf(address string) string {
	_, domain, _ := strings.Cut(strings.ToLower(address), "@")
	identity := strings.ToLower(g.names.Identity)
	if identity == strings.ToLower(address) || identity == domain || strings.HasSuffix(domain, "."+identity) {
		return g.names.Identity
	}
	return domain
}
