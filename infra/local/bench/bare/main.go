// Command bare is a Lambda that does nothing but call DynamoDB: it reads and
// writes as many items as its event says, by the same calls as a function of
// ours. What it costs is the floor under theirs.
package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"os"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/latchkey/latchkey/shared/awsenv"
)

// work is what one run does: Reads are the keys of its BatchGetItem calls, Writes
// the numbers of attributes of the items of its one transaction, Query a query.
type work struct {
	Reads  [][]map[string]struct{ S string }
	Writes []int
	Query  *struct {
		IndexName, KeyConditionExpression string
		ExpressionAttributeValues         map[string]struct{ S string }
		Limit                             int32
		ScanIndexForward                  bool
	}
}

func main() {
	env := awsenv.Env{Get: os.Getenv}
	db := dynamodb.New(dynamodb.Options{Region: env.Region(), Credentials: env.Credentials(), BaseEndpoint: env.Endpoint("DYNAMODB")})
	lambda.StartHandlerFunc(func(ctx context.Context, w work) (string, error) {
		if err := run(ctx, db, w); err != nil || w.Query == nil {
			return "done", err
		}
		return query(ctx, db, w)
	})
}

const table = "latchkey"

func run(ctx context.Context, db *dynamodb.Client, w work) error {
	for _, read := range w.Reads {
		keys := make([]map[string]types.AttributeValue, len(read))
		for i, k := range read {
			keys[i] = map[string]types.AttributeValue{"pk": text(k["pk"].S), "sk": text(k["sk"].S)}
		}
		_, err := db.BatchGetItem(ctx, &dynamodb.BatchGetItemInput{RequestItems: map[string]types.KeysAndAttributes{
			table: {Keys: keys, ConsistentRead: aws.Bool(true)},
		}})
		if err != nil {
			return err
		}
	}
	if len(w.Writes) == 0 {
		return nil
	}
	items := make([]types.TransactWriteItem, len(w.Writes))
	for i, attributes := range w.Writes {
		item := key(fmt.Sprint(i))
		for n := range attributes {
			item[fmt.Sprint("attribute", n)] = text("2026-01-01T00:00:00.000Z")
		}
		items[i].Put = &types.Put{TableName: aws.String(table), Item: item}
	}
	_, err := db.TransactWriteItems(ctx, &dynamodb.TransactWriteItemsInput{TransactItems: items, ClientRequestToken: aws.String(rand.Text())})
	return err
}

// query prints what a query finds as JSON.
func query(ctx context.Context, db *dynamodb.Client, w work) (string, error) {
	values := map[string]types.AttributeValue{}
	for name, v := range w.Query.ExpressionAttributeValues {
		values[name] = text(v.S)
	}
	out, err := db.Query(ctx, &dynamodb.QueryInput{
		TableName: aws.String(table), IndexName: &w.Query.IndexName, KeyConditionExpression: &w.Query.KeyConditionExpression,
		ExpressionAttributeValues: values, Limit: &w.Query.Limit, ScanIndexForward: &w.Query.ScanIndexForward,
	})
	if err != nil {
		return "", err
	}
	raw, err := json.Marshal(out.Items)
	return string(raw), err
}

func key(sk string) map[string]types.AttributeValue {
	return map[string]types.AttributeValue{"pk": text("BARE"), "sk": text(sk)}
}

func text(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }
