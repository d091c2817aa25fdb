package guard

import (
	"encoding/json"
	"fmt"
	"strings"
	"unicode"

	"github.com/latchkey/latchkey/infra/blueprint/policy"
)

// item is an item or a key in DynamoDB's JSON. Its values stay encoded: a key is
// all that is read of it.
type item map[string]json.RawMessage

// tableRequest holds the members of a request that name tables and keys.
type tableRequest struct {
	TableName                 string
	IndexName                 string
	Key                       item
	Item                      item
	KeyConditionExpression    string
	ExpressionAttributeNames  map[string]string
	ExpressionAttributeValues item
	RequestItems              map[string]json.RawMessage
	TransactItems             []map[string]tableRequest
}

// partition returns the value of a partition key, which is always a string.
func (i item) partition(attribute string) (string, error) {
	var value struct{ S *string }
	if json.Unmarshal(i[attribute], &value) == nil && value.S != nil {
		return *value.S, nil
	}
	return "", fmt.Errorf("the request has no partition key %s", attribute)
}

// leading returns a request for items with these partition keys.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/specifying-conditions.html
func leading(action, resource string, keys ...string) policy.Request {
	return policy.Request{Action: "dynamodb:" + action, Resource: resource, Context: map[string][]string{"dynamodb:LeadingKeys": keys}}
}

func (g *Guard) ofTable(operation string, body []byte) ([]policy.Request, error) {
	var in tableRequest
	if json.Unmarshal(body, &in) != nil {
		return nil, unreadable(operation)
	}
	switch operation {
	case "BatchGetItem", "BatchWriteItem":
		return g.ofBatch(operation, in.RequestItems)
	case "TransactWriteItems", "TransactGetItems":
		return g.ofTransaction(operation, in.TransactItems)
	}
	request, err := g.ofItem(operation, in)
	return []policy.Request{request}, err
}

// ofItem handles operations on one item or one partition.
func (g *Guard) ofItem(operation string, in tableRequest) (policy.Request, error) {
	resource, attribute := tableARN(in.TableName), g.tables.PartitionKey
	var key string
	var err error
	switch operation {
	case "GetItem", "UpdateItem", "DeleteItem", "ConditionCheckItem":
		key, err = in.Key.partition(attribute)
	case "PutItem":
		key, err = in.Item.partition(attribute)
	case "Query":
		if in.IndexName != "" {
			resource += "/index/" + in.IndexName
			for _, index := range g.tables.Indexes {
				if index.Name == in.IndexName {
					attribute = index.PartitionKey
				}
			}
		}
		key, err = in.queried(attribute)
	default: // on a table as a whole
		if in.IndexName != "" {
			resource += "/index/" + in.IndexName
		}
		return policy.Request{Action: "dynamodb:" + operation, Resource: resource}, nil
	}
	if err != nil {
		return policy.Request{}, fmt.Errorf("%s: %w", operation, err)
	}
	return leading(operation, resource, key), nil
}

// ofBatch returns one request for each table, with the keys of all its items.
func (g *Guard) ofBatch(operation string, tables map[string]json.RawMessage) ([]policy.Request, error) {
	var requests []policy.Request
	for name, raw := range tables {
		items, err := batched(operation, raw)
		if err != nil {
			return nil, err
		}
		var keys []string
		for _, i := range items {
			key, err := i.partition(g.tables.PartitionKey)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", operation, err)
			}
			keys = append(keys, key)
		}
		requests = append(requests, leading(operation, tableARN(name), keys...))
	}
	return requests, nil
}

// batched returns the items and keys of one table in a batch.
func batched(operation string, raw json.RawMessage) (items []item, err error) {
	if operation == "BatchGetItem" {
		var of struct{ Keys []item }
		if json.Unmarshal(raw, &of) != nil {
			return nil, unreadable(operation)
		}
		return of.Keys, nil
	}
	var of []struct {
		PutRequest    struct{ Item item }
		DeleteRequest struct{ Key item }
	}
	if json.Unmarshal(raw, &of) != nil {
		return nil, unreadable(operation)
	}
	for _, w := range of {
		if w.PutRequest.Item != nil {
			items = append(items, w.PutRequest.Item)
		} else {
			items = append(items, w.DeleteRequest.Key)
		}
	}
	return items, nil
}

// ofTransaction returns a request for each part: transactions have no action of
// their own.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/transaction-apis-iam.html
func (g *Guard) ofTransaction(enclosing string, parts []map[string]tableRequest) ([]policy.Request, error) {
	operations := map[string]string{
		"Put": "PutItem", "Update": "UpdateItem", "Delete": "DeleteItem", "ConditionCheck": "ConditionCheckItem", "Get": "GetItem",
	}
	var requests []policy.Request
	for _, part := range parts {
		for kind, in := range part {
			operation, ok := operations[kind]
			if !ok {
				return nil, fmt.Errorf("%s: %q is no part of a transaction", enclosing, kind)
			}
			request, err := g.ofItem(operation, in)
			if err != nil {
				return nil, err
			}
			request.Context["dynamodb:EnclosingOperation"] = []string{enclosing}
			requests = append(requests, request)
		}
	}
	return requests, nil
}

// queried returns the partition key of a query from its key condition, in which
// names may be placeholders: "pk = :pk AND …", "(#0 = :0) AND (…)".
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Query.KeyConditionExpressions.html
func (in tableRequest) queried(attribute string) (string, error) {
	name := func(word string) string {
		if strings.HasPrefix(word, "#") {
			return in.ExpressionAttributeNames[word]
		}
		return word
	}
	words := tokens(in.KeyConditionExpression)
	for i := 1; i+1 < len(words); i++ {
		if words[i] != "=" {
			continue
		}
		for _, side := range [][2]string{{words[i-1], words[i+1]}, {words[i+1], words[i-1]}} {
			if name(side[0]) == attribute && strings.HasPrefix(side[1], ":") {
				return item{attribute: in.ExpressionAttributeValues[side[1]]}.partition(attribute)
			}
		}
	}
	return "", fmt.Errorf("the key condition says nothing of the partition key %s", attribute)
}

// tokens splits an expression into names, placeholders and operators.
func tokens(expression string) []string {
	part := func(r rune) bool {
		return unicode.IsLetter(r) || unicode.IsDigit(r) || strings.ContainsRune("#:_-.", r)
	}
	var words []string
	for rest := []rune(expression); len(rest) > 0; {
		n := 0
		for n < len(rest) && part(rest[n]) {
			n++
		}
		if n == 0 {
			n = 1
		}
		// <=, >= and <> are no equals signs.
		if n == 1 && len(rest) > 1 && (rest[0] == '<' || rest[0] == '>') && (rest[1] == '=' || rest[1] == '>') {
			n = 2
		}
		if word := strings.TrimSpace(string(rest[:n])); word != "" {
			words = append(words, word)
		}
		rest = rest[n:]
	}
	return words
}
