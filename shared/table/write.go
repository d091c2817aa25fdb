package table

import (
	"context"
	"errors"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/latchkey/latchkey/shared/awsenv"
)

// Write is one part of a transaction, or a write by itself: either Put, or
// Update, or Delete, under a Condition.
type Write struct {
	Key       Key
	Put       Item // the whole item, keys included
	Update    Update
	Delete    bool
	Condition Condition // zero for none
}

// oldItem asks for the item as it is where a condition fails.
const oldItem = types.ReturnValuesOnConditionCheckFailureAllOld

func (t *Table) part(w Write) (types.TransactWriteItem, error) {
	e, err := w.parameters()
	if err != nil {
		return types.TransactWriteItem{}, err
	}
	switch {
	case w.Put != nil:
		return types.TransactWriteItem{Put: &types.Put{
			TableName: &t.name, Item: w.Put, ConditionExpression: e.condition,
			ExpressionAttributeNames: e.names, ExpressionAttributeValues: e.values,
			ReturnValuesOnConditionCheckFailure: oldItem,
		}}, nil
	case w.Delete:
		return types.TransactWriteItem{Delete: &types.Delete{
			TableName: &t.name, Key: w.Key.Item(), ConditionExpression: e.condition,
			ExpressionAttributeNames: e.names, ExpressionAttributeValues: e.values,
			ReturnValuesOnConditionCheckFailure: oldItem,
		}}, nil
	}
	return types.TransactWriteItem{Update: &types.Update{
		TableName: &t.name, Key: w.Key.Item(), UpdateExpression: e.update, ConditionExpression: e.condition,
		ExpressionAttributeNames: e.names, ExpressionAttributeValues: e.values,
		ReturnValuesOnConditionCheckFailure: oldItem,
	}}, nil
}

// Outcome is the result of a transaction.
type Outcome struct {
	// Committed reports that everything was written.
	Committed bool
	// Lost has, for each part whose condition failed, the item as it is (nil
	// for no item), by the part's index. Where it is empty and nothing was
	// committed, another transaction held an item or the table was busy.
	Lost map[int]Item
}

// MaxWrites is how many parts a transaction may have.
// https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html
const MaxWrites = 100

// maxToken is the longest ClientRequestToken.
// https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html
const maxToken = 36

// Transact writes all parts or none. The token names this very transaction
// among all others of the last ten minutes: an attempt whose answer was lost is
// repeated under it, so DynamoDB applies it once however often it arrives.
// What passes by itself (throttling, 5xx, broken connections) is tried again
// until the context ends, which returns awsenv.ErrBusy.
func (t *Table) Transact(ctx context.Context, token string, parts []Write) (Outcome, error) {
	if len(token) > maxToken {
		return Outcome{}, errors.New("table: the token " + strconv.Quote(token) + " is too long")
	}
	in := &dynamodb.TransactWriteItemsInput{ClientRequestToken: &token, TransactItems: make([]types.TransactWriteItem, len(parts))}
	for i, w := range parts {
		part, err := t.part(w)
		if err != nil {
			return Outcome{}, err
		}
		in.TransactItems[i] = part
	}
	_, err := t.db.TransactWriteItems(ctx, in)
	if err == nil {
		return Outcome{Committed: true}, nil
	}
	var canceled *types.TransactionCanceledException
	if !errors.As(err, &canceled) {
		return Outcome{}, awsenv.Failure("write a transaction", err)
	}
	lost := map[int]Item{}
	for i, reason := range canceled.CancellationReasons {
		switch aws.ToString(reason.Code) {
		case "ConditionalCheckFailed":
			lost[i] = reason.Item
		case "ValidationError", "ItemCollectionSizeLimitExceeded": // a defect of ours
			return Outcome{}, awsenv.Failure("write a transaction", err)
		}
	}
	return Outcome{Lost: lost}, nil
}

// Apply makes one write outside a transaction, for what is harmless to repeat.
// Where the condition fails, lost is true and old is the item as it is.
func (t *Table) Apply(ctx context.Context, w Write) (old Item, lost bool, err error) {
	part, err := t.part(w)
	if err != nil {
		return nil, false, err
	}
	switch {
	case part.Put != nil:
		p := part.Put
		_, err = t.db.PutItem(ctx, &dynamodb.PutItemInput{
			TableName: p.TableName, Item: p.Item, ConditionExpression: p.ConditionExpression,
			ExpressionAttributeNames: p.ExpressionAttributeNames, ExpressionAttributeValues: p.ExpressionAttributeValues,
			ReturnValuesOnConditionCheckFailure: oldItem,
		})
	case part.Delete != nil:
		d := part.Delete
		_, err = t.db.DeleteItem(ctx, &dynamodb.DeleteItemInput{
			TableName: d.TableName, Key: d.Key, ConditionExpression: d.ConditionExpression,
			ExpressionAttributeNames: d.ExpressionAttributeNames, ExpressionAttributeValues: d.ExpressionAttributeValues,
			ReturnValuesOnConditionCheckFailure: oldItem,
		})
	default:
		u := part.Update
		_, err = t.db.UpdateItem(ctx, &dynamodb.UpdateItemInput{
			TableName: u.TableName, Key: u.Key, UpdateExpression: u.UpdateExpression, ConditionExpression: u.ConditionExpression,
			ExpressionAttributeNames: u.ExpressionAttributeNames, ExpressionAttributeValues: u.ExpressionAttributeValues,
			ReturnValuesOnConditionCheckFailure: oldItem,
		})
	}
	var failed *types.ConditionalCheckFailedException
	if errors.As(err, &failed) {
		return failed.Item, true, nil
	}
	return nil, false, awsenv.Failure("write an item", err)
}
