package stream

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams/types"

	"github.com/latchkey/latchkey/infra/local/messaging/pattern"
)

// record is a stream record as Lambda hands it to a function.
type record struct {
	sequence string
	at       time.Time
	payload  json.RawMessage
}

// filtered renders the records that a filter wants.
func (s *Source) filtered(arn string, records []types.Record) (batch []record, err error) {
	for _, r := range records {
		event := map[string]any{
			"eventID": aws.ToString(r.EventID), "eventName": string(r.EventName), "eventVersion": "1.1",
			"eventSource": "aws:dynamodb", "awsRegion": "us-east-1", "eventSourceARN": arn,
			"dynamodb": change(r.Dynamodb),
		}
		if u := r.UserIdentity; u != nil { // time to live removed it
			event["userIdentity"] = map[string]any{"principalId": aws.ToString(u.PrincipalId), "type": aws.ToString(u.Type)}
		}
		if !s.matches(event) {
			continue
		}
		payload, err := json.Marshal(event)
		if err != nil {
			return batch, fmt.Errorf("render a stream record: %w", err)
		}
		batch = append(batch, record{*r.Dynamodb.SequenceNumber, aws.ToTime(r.Dynamodb.ApproximateCreationDateTime), payload})
	}
	return batch, nil
}

// matches reports whether any filter wants a record; all do where there is none.
func (s *Source) matches(record map[string]any) bool {
	return len(s.filter) == 0 || slices.ContainsFunc(s.filter, func(p pattern.Pattern) bool { return p.Match(record) })
}

// change renders a change with the types that encoding/json decodes, which are
// those of patterns.
func change(c *types.StreamRecord) map[string]any {
	out := map[string]any{
		"ApproximateCreationDateTime": float64(aws.ToTime(c.ApproximateCreationDateTime).Unix()),
		"Keys":                        image(c.Keys),
		"SequenceNumber":              aws.ToString(c.SequenceNumber),
		"SizeBytes":                   float64(aws.ToInt64(c.SizeBytes)),
		"StreamViewType":              string(c.StreamViewType),
	}
	if c.NewImage != nil {
		out["NewImage"] = image(c.NewImage)
	}
	if c.OldImage != nil {
		out["OldImage"] = image(c.OldImage)
	}
	return out
}

// image renders an item in DynamoDB's JSON.
func image(item map[string]types.AttributeValue) map[string]any {
	out := make(map[string]any, len(item))
	for name, v := range item {
		out[name] = value(v)
	}
	return out
}

func value(v types.AttributeValue) any {
	switch v := v.(type) {
	case *types.AttributeValueMemberS:
		return map[string]any{"S": v.Value}
	case *types.AttributeValueMemberN:
		return map[string]any{"N": v.Value}
	case *types.AttributeValueMemberBOOL:
		return map[string]any{"BOOL": v.Value}
	case *types.AttributeValueMemberB:
		return map[string]any{"B": base64.StdEncoding.EncodeToString(v.Value)}
	case *types.AttributeValueMemberM:
		return map[string]any{"M": image(v.Value)}
	case *types.AttributeValueMemberL:
		return map[string]any{"L": list(v.Value, value)}
	case *types.AttributeValueMemberSS:
		return map[string]any{"SS": list(v.Value, text)}
	case *types.AttributeValueMemberNS:
		return map[string]any{"NS": list(v.Value, text)}
	case *types.AttributeValueMemberBS:
		return map[string]any{"BS": list(v.Value, func(b []byte) any { return base64.StdEncoding.EncodeToString(b) })}
	}
	return map[string]any{"NULL": true}
}

func text(s string) any { return s }

func list[T any](values []T, render func(T) any) []any {
	out := make([]any, len(values))
	for i, v := range values {
		out[i] = render(v)
	}
	return out
}
