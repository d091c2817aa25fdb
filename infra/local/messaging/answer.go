package messaging

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
)

// FailedItems reads the answer of a function that reports failures item by
// item (ReportBatchItemFailures): the identifiers of those that failed. Nothing
// at all, null and an empty list mean that all went well. An error means that
// the whole batch failed, as Lambda has it for no JSON and for an identifier
// that is empty, null or under another name. Names count letter by letter, so
// encoding/json, which ignores their case, reads them into maps.
// https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html
func FailedItems(answer []byte) (ids []string, err error) {
	if len(bytes.TrimSpace(answer)) == 0 {
		return nil, nil
	}
	var out map[string]json.RawMessage
	if err := json.Unmarshal(answer, &out); err != nil {
		return nil, fmt.Errorf("the function's answer is no report of failures: %w", err)
	}
	list, ok := out["batchItemFailures"]
	if !ok {
		return nil, nil
	}
	var items []map[string]any
	if err := json.Unmarshal(list, &items); err != nil {
		return nil, fmt.Errorf("the function's answer is no report of failures: %w", err)
	}
	for _, item := range items {
		id, _ := item["itemIdentifier"].(string)
		if id == "" {
			return nil, errors.New("the function reports a failure without an itemIdentifier")
		}
		ids = append(ids, id)
	}
	return ids, nil
}
