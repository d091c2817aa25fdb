// Package table is the ground floor of shared/store: keys and items of the one
// DynamoDB table, reads, and transactions that are safe to repeat. It knows
// nothing of what an item means.
//
// It may import the DynamoDB client and its expression package, and
// shared/awsenv.
package table

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go"
	"golang.org/x/sync/errgroup"

	"github.com/latchkey/latchkey/shared/awsenv"
	"github.com/latchkey/latchkey/shared/setting"
)

// Item is a DynamoDB item.
type Item = map[string]types.AttributeValue

// Key is the primary key of an item.
type Key struct{ PK, SK string }

// Item returns the key as DynamoDB takes it.
func (k Key) Item() Item { return Item{"pk": Text(k.PK), "sk": Text(k.SK)} }

// KeyOf returns the primary key of an item.
func KeyOf(item Item) Key { return Key{TextOf(item, "pk"), TextOf(item, "sk")} }

// Text returns a string attribute.
func Text(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }

// Number returns a number attribute.
func Number(n int) types.AttributeValue {
	return &types.AttributeValueMemberN{Value: strconv.Itoa(n)}
}

// TextOf returns a string attribute of an item, "" if there is none.
func TextOf(item Item, name string) string {
	if v, ok := item[name].(*types.AttributeValueMemberS); ok {
		return v.Value
	}
	return ""
}

// NumberOf returns a whole number of an item, or otherwise if there is none.
func NumberOf(item Item, name string, otherwise int) int {
	v, ok := item[name].(*types.AttributeValueMemberN)
	if !ok {
		return otherwise
	}
	n, err := strconv.Atoi(v.Value)
	if err != nil {
		return otherwise
	}
	return n
}

// Table is one DynamoDB table. It is safe for concurrent use.
type Table struct {
	db   *dynamodb.Client
	name string
}

// New returns the table of that name.
func New(db *dynamodb.Client, name string) *Table { return &Table{db: db, name: name} }

// FromEnv returns the table of a Lambda: the one that TABLE names. It connects to
// DynamoDB, so that the first request does not have to.
func FromEnv(env awsenv.Env) *Table {
	client := awshttp.NewBuildableClient()
	options := dynamodb.Options{
		Region:       env.Region(),
		Credentials:  env.Credentials(),
		BaseEndpoint: env.Endpoint("DYNAMODB"),
		Retryer:      awsenv.PatientRetryer(),
		HTTPClient:   client,
	}
	awsenv.Connect(client, endpoint(options))
	return New(dynamodb.New(options), env.Get(setting.Table.Name))
}

// endpoint returns the endpoint of a client with these options, "" if it is
// unknown.
func endpoint(o dynamodb.Options) string {
	at, err := dynamodb.NewDefaultEndpointResolverV2().ResolveEndpoint(context.Background(), dynamodb.EndpointParameters{
		Region: &o.Region, Endpoint: o.BaseEndpoint,
	}.WithDefaults())
	if err != nil {
		return ""
	}
	return at.URI.String()
}

// Consistency is how recent a read is. A read that may lag by a moment costs
// half the units.
type Consistency bool

// The two consistencies of DynamoDB.
const (
	Strong   Consistency = true
	Eventual Consistency = false
)

// Get reads one item, strongly consistent; nil if there is none.
func (t *Table) Get(ctx context.Context, key Key) (Item, error) {
	out, err := t.db.GetItem(ctx, &dynamodb.GetItemInput{TableName: &t.name, Key: key.Item(), ConsistentRead: aws.Bool(true)})
	if err != nil {
		return nil, awsenv.Failure("read an item", err)
	}
	return out.Item, nil
}

// batchSize is how many items one BatchGetItem reads.
// https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchGetItem.html
const batchSize = 100

// sideBySide bounds how many calls one request makes at once.
const sideBySide = 8

// BatchGet reads the items of distinct keys, 100 a call and 8 calls side by
// side. Items that do not exist are absent; the order is DynamoDB's.
func (t *Table) BatchGet(ctx context.Context, keys []Key, c Consistency) ([]Item, error) {
	chunks := slices.Collect(slices.Chunk(keys, batchSize))
	if len(chunks) == 0 {
		return nil, nil
	}
	if len(chunks) == 1 {
		return t.batchGet(ctx, keys, c)
	}
	found := make([][]Item, len(chunks))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(sideBySide)
	for i, chunk := range chunks {
		group.Go(func() (err error) {
			found[i], err = t.batchGet(ctx, chunk, c)
			return err
		})
	}
	err := group.Wait()
	return slices.Concat(found...), err
}

// batchGet reads up to 100 items and asks again for those that a busy table
// left out.
func (t *Table) batchGet(ctx context.Context, keys []Key, c Consistency) ([]Item, error) {
	left := make([]Item, len(keys))
	for i, key := range keys {
		left[i] = key.Item()
	}
	var found []Item
	for try := 0; len(left) > 0; try++ {
		if try > 0 {
			if err := Wait(ctx, try); err != nil {
				return nil, err
			}
		}
		out, err := t.db.BatchGetItem(ctx, &dynamodb.BatchGetItemInput{
			RequestItems: map[string]types.KeysAndAttributes{t.name: {Keys: left, ConsistentRead: aws.Bool(bool(c))}},
		})
		if err != nil {
			return nil, awsenv.Failure("read items", err)
		}
		found = append(found, out.Responses[t.name]...)
		left = out.UnprocessedKeys[t.name].Keys
	}
	return found, nil
}

// Query runs a query of this table.
func (t *Table) Query(ctx context.Context, in *dynamodb.QueryInput) (*dynamodb.QueryOutput, error) {
	in.TableName = &t.name
	out, err := t.db.Query(ctx, in)
	var api smithy.APIError
	if in.IndexName != nil && errors.As(err, &api) && api.ErrorCode() == "ValidationException" && strings.Contains(api.ErrorMessage(), *in.IndexName) {
		return nil, fmt.Errorf("%w: %w", ErrNoIndex, err)
	}
	return out, awsenv.Failure("query", err)
}

// ErrNoIndex is for a query of an index that is not there, or not filled yet.
// CloudFormation does not wait for a new index before it updates the functions.
var ErrNoIndex = errors.New("table: the index cannot be read yet")

// Pages runs a query page by page until take returns false or an error.
func (t *Table) Pages(ctx context.Context, in *dynamodb.QueryInput, take func([]Item) (more bool, err error)) error {
	for {
		out, err := t.Query(ctx, in)
		if err != nil {
			return err
		}
		more, err := take(out.Items)
		if err != nil || !more || out.LastEvaluatedKey == nil {
			return err
		}
		in.ExclusiveStartKey = out.LastEvaluatedKey
	}
}

// Scan reads the whole table page by page.
func (t *Table) Scan(ctx context.Context, in *dynamodb.ScanInput, take func([]Item) error) error {
	in.TableName = &t.name
	for {
		out, err := t.db.Scan(ctx, in)
		if err != nil {
			return awsenv.Failure("scan", err)
		}
		if err := take(out.Items); err != nil || out.LastEvaluatedKey == nil {
			return err
		}
		in.ExclusiveStartKey = out.LastEvaluatedKey
	}
}

// writeBatchSize is how many items one BatchWriteItem puts or deletes.
// https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchWriteItem.html
const writeBatchSize = 25

// PutAll writes items of distinct keys over whatever is there, 25 a call and 8
// calls side by side.
func (t *Table) PutAll(ctx context.Context, items []Item) error {
	requests := make([]types.WriteRequest, len(items))
	for i, item := range items {
		requests[i].PutRequest = &types.PutRequest{Item: item}
	}
	return t.writeAll(ctx, requests)
}

// DeleteAll deletes the items of distinct keys, as PutAll writes them. One that
// does not exist is no error.
func (t *Table) DeleteAll(ctx context.Context, keys []Key) error {
	requests := make([]types.WriteRequest, len(keys))
	for i, key := range keys {
		requests[i].DeleteRequest = &types.DeleteRequest{Key: key.Item()}
	}
	return t.writeAll(ctx, requests)
}

func (t *Table) writeAll(ctx context.Context, requests []types.WriteRequest) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(sideBySide)
	for chunk := range slices.Chunk(requests, writeBatchSize) {
		group.Go(func() error { return t.batchWrite(ctx, chunk) })
	}
	return group.Wait()
}

// batchWrite makes up to 25 writes, and retries those that a busy table did not
// process.
func (t *Table) batchWrite(ctx context.Context, left []types.WriteRequest) error {
	for try := 0; len(left) > 0; try++ {
		if try > 0 {
			if err := Wait(ctx, try); err != nil {
				return err
			}
		}
		out, err := t.db.BatchWriteItem(ctx, &dynamodb.BatchWriteItemInput{
			RequestItems: map[string][]types.WriteRequest{t.name: left},
		})
		if err != nil {
			return awsenv.Failure("write items", err)
		}
		left = out.UnprocessedItems[t.name]
	}
	return nil
}

// longestWait bounds the pause between two tries at something contended.
const longestWait = 200 * time.Millisecond

// Wait pauses before try number n (0 or more) at something that another caller
// holds, for a random time that grows with n. It returns awsenv.ErrBusy where
// the context ends first.
func Wait(ctx context.Context, n int) error {
	most := min(longestWait, (10*time.Millisecond)<<min(n, 5))
	timer := time.NewTimer(time.Duration(rand.Int64N(int64(most))))
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return awsenv.Failure("wait for the table", fmt.Errorf("after %d tries: %w", n+1, context.Cause(ctx)))
	case <-timer.C:
		return nil
	}
}
