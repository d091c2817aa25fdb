// Package guard stands between a function and the table as IAM does in the
// cloud: what the blueprint does not permit the function is refused, so that a
// permission that was forgotten is missed on the laptop and not after a
// deployment.
//
// It may import infra/blueprint.
package guard

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httputil"
	"net/url"
	"path"
	"slices"
	"strings"

	"github.com/latchkey/latchkey/infra/blueprint"
)

// New is the way of one function to the table at an address.
func New(f blueprint.Function, table string) (http.Handler, error) {
	to, err := url.Parse(table)
	if err != nil {
		return nil, err
	}
	proxy := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(to) }}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		target := r.Header.Get("X-Amz-Target")
		if denied := check(f, target[strings.LastIndexByte(target, '.')+1:], body); denied != nil {
			w.Header().Set("Content-Type", "application/x-amz-json-1.0")
			w.WriteHeader(http.StatusBadRequest)
			_ = json.NewEncoder(w).Encode(map[string]string{"__type": "AccessDeniedException", "message": denied.Error()})
			return
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		proxy.ServeHTTP(w, r)
	}), nil
}

// attribute is a value in DynamoDB's JSON; keys are texts.
type attribute struct{ S string }

type item map[string]attribute

// request is what the operations that we use say of the keys they touch.
type request struct {
	Key                       item
	Item                      json.RawMessage
	IndexName                 string
	ExpressionAttributeValues json.RawMessage
	RequestItems              map[string]json.RawMessage
	TransactItems             []map[string]request
}

// use is one thing that a request does.
type use struct {
	action string
	on     blueprint.Resource
	key    string // the partition key
}

// check names the first use that no permission covers.
func check(f blueprint.Function, operation string, body []byte) error {
	var in request
	if err := json.Unmarshal(body, &in); err != nil {
		return fmt.Errorf("%s: the request cannot be read", operation)
	}
	uses, err := usesOf(operation, in)
	if err != nil {
		return err
	}
	for _, u := range uses {
		if !slices.ContainsFunc(f.Permissions, u.coveredBy) {
			return fmt.Errorf("the function %s is not authorized to perform %s on the %s, key %s", f.Name, u.action, u.on, prefix(u.key))
		}
	}
	return nil
}

func usesOf(operation string, in request) (uses []use, err error) {
	add := func(action string, keys ...string) {
		for _, key := range keys {
			uses = append(uses, use{"dynamodb:" + action, blueprint.OnTable, key})
		}
	}
	switch operation {
	case "GetItem", "UpdateItem", "DeleteItem":
		add(operation, in.Key[blueprint.AttrPK].S)
	case "PutItem":
		add(operation, partitionOf(in.Item))
	case "Query":
		on := blueprint.OnTable
		if in.IndexName != "" {
			on = blueprint.Resource("index " + in.IndexName)
		}
		uses = append(uses, use{"dynamodb:Query", on, queried(in.ExpressionAttributeValues)})
	case "BatchGetItem":
		for _, raw := range in.RequestItems {
			var of struct{ Keys []item }
			if err := json.Unmarshal(raw, &of); err != nil {
				return nil, err
			}
			for _, key := range of.Keys {
				add(operation, key[blueprint.AttrPK].S)
			}
		}
	case "BatchWriteItem":
		for _, raw := range in.RequestItems {
			var of []struct {
				PutRequest struct{ Item json.RawMessage }
			}
			if err := json.Unmarshal(raw, &of); err != nil {
				return nil, err
			}
			for _, w := range of {
				add(operation, partitionOf(w.PutRequest.Item))
			}
		}
	case "TransactWriteItems":
		// Authorized by what its parts are.
		// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/transaction-apis-iam.html
		for _, part := range in.TransactItems {
			for kind, of := range part {
				of, err := usesOf(map[string]string{"Put": "PutItem", "Update": "UpdateItem", "Delete": "DeleteItem", "ConditionCheck": "ConditionCheckItem"}[kind], of)
				if err != nil {
					return nil, err
				}
				uses = append(uses, of...)
			}
		}
	default:
		add(operation, "")
	}
	return uses, nil
}

func partitionOf(raw json.RawMessage) string {
	var of struct{ PK attribute }
	if json.Unmarshal(raw, &of) != nil {
		return ""
	}
	return of.PK.S
}

// queried is the partition of a query of the table: the value that is a key of
// ours. Queries of an index are permitted by the index alone.
func queried(raw json.RawMessage) string {
	var values map[string]attribute
	if json.Unmarshal(raw, &values) != nil {
		return ""
	}
	return values[":pk"].S
}

func (u use) coveredBy(p blueprint.Permission) bool {
	return p.On == u.on && slices.Contains(p.Verb.Actions(), u.action) &&
		(len(p.Keys) == 0 || slices.ContainsFunc(p.Keys, func(shape string) bool {
			ok, err := path.Match(shape, u.key)
			return err == nil && ok
		}))
}

// prefix is what of a key may be named in a log.
func prefix(key string) string {
	head, _, _ := strings.Cut(key, "#")
	return head + "#…"
}
