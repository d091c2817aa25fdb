package capacity_test

import (
	"maps"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/latchkey/latchkey/infra/blueprint"
	"github.com/latchkey/latchkey/infra/local/capacity"
	"github.com/latchkey/latchkey/infra/local/dynamodblocal"
)

// What a transaction takes is what the same writes take by themselves, which
// DynamoDB Local counts right, and the table's part of it once more.
func TestATransactionTakesTheTablesPartTwice(t *testing.T) {
	dir, err := dynamodblocal.FindDir()
	if err != nil {
		t.Fatal(err)
	}
	server, err := dynamodblocal.Start(t.Context(), dynamodblocal.Config{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Stop() })
	meter, err := capacity.New(server.Endpoint(), blueprint.TheTable())
	if err != nil {
		t.Fatal(err)
	}
	proxy := httptest.NewServer(meter.For("f"))
	t.Cleanup(proxy.Close)
	client := func(endpoint string) *dynamodb.Client {
		return dynamodb.New(dynamodb.Options{Region: "us-east-1", BaseEndpoint: &endpoint, Credentials: dynamodblocal.Credentials})
	}
	db, metered := client(server.Endpoint()), client(proxy.URL)
	for _, table := range []string{"plain", "transacted"} {
		if err := dynamodblocal.CreateTable(t.Context(), db, table, blueprint.TheTable()); err != nil {
			t.Fatal(err)
		}
	}
	text := func(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }
	indexed := func(pk, status, due string, bytes int) map[string]types.AttributeValue {
		item := map[string]types.AttributeValue{
			"pk": text(pk), "sk": text("x"), "statusPk": text("ws"), "statusSk": text(status), "emailPk": text("e"), "emailSk": text("ws"),
			"createdAt": text("2025"), "name": text("John"), "filler": text(strings.Repeat("x", bytes)), "n": &types.AttributeValueMemberN{Value: "12"},
		}
		if due != "" {
			item["duePk"], item["dueSk"] = text("DUE#1"), text(due)
		}
		return item
	}
	for _, c := range []struct {
		name       string
		items      []map[string]types.AttributeValue
		partitions map[string]float64
	}{
		{"two new items, one in every index", []map[string]types.AttributeValue{indexed("a", "requested#1", "2026", 10), {"pk": text("b"), "sk": text("x")}},
			map[string]float64{"a": 2, "b": 2, "byStatus ws": 1, "byDue DUE#1": 1, "byEmail e": 1, "byCreation ws": 1}},
		{"an attribute that one index has and another leaves out", []map[string]types.AttributeValue{indexed("a", "requested#1", "2026", 20)},
			map[string]float64{"a": 2, "byStatus ws": 1}},
		{"another status", []map[string]types.AttributeValue{indexed("a", "invited#1", "2026", 10)}, nil},
		{"out of an index, and larger", []map[string]types.AttributeValue{indexed("a", "invited#1", "", 3000)}, nil},
		{"the same again, smaller, beside nothing", []map[string]types.AttributeValue{indexed("a", "invited#1", "", 1500), indexed("c", "active#1", "", 10)}, nil},
	} {
		want := 0.0
		var puts []types.TransactWriteItem
		for _, item := range c.items {
			out, err := db.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: aws.String("plain"), Item: item, ReturnConsumedCapacity: types.ReturnConsumedCapacityIndexes})
			if err != nil {
				t.Fatal(err)
			}
			want += *out.ConsumedCapacity.CapacityUnits + *out.ConsumedCapacity.Table.CapacityUnits
			puts = append(puts, types.TransactWriteItem{Put: &types.Put{TableName: aws.String("transacted"), Item: item}})
		}
		_, err := metered.TransactWriteItems(t.Context(), &dynamodb.TransactWriteItemsInput{TransactItems: puts})
		if err != nil {
			t.Fatal(err)
		}
		got := meter.Take()["f"]
		if got.Write != want {
			t.Errorf("%s: %v units, want %v", c.name, got.Write, want)
		}
		if c.partitions != nil && !maps.Equal(got.Partitions, c.partitions) {
			t.Errorf("%s: %v by partition, want %v", c.name, got.Partitions, c.partitions)
		}
	}
}
