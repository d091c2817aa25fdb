package store

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/latchkey/latchkey/shared/awsenv"
	"github.com/latchkey/latchkey/shared/user"
)

// Answer is what a call with an Idempotency-Key was answered. It lies beside
// what the call wrote, written by the same transaction.
type Answer struct {
	Key    string // the key, hashed together with its caller and operation
	Body   string // the request's body, hashed
	Sealed []byte // the answer, sealed under the workspace's data key; nil for a batch
	Until  time.Time
}

type answerItem struct {
	primary
	Body   string `dynamodbav:"body"`
	Sealed []byte `dynamodbav:"sealed,omitempty"`
	Until  string `dynamodbav:"until"`
	TTL    int64  `dynamodbav:"ttl"`
}

func answerOfItem(item Item) (Answer, error) {
	var in answerItem
	err := attributevalue.UnmarshalMap(item, &in)
	return Answer{Key: in.SK[len(prefixRequest):], Body: in.Body, Sealed: in.Sealed, Until: parseTime(in.Until)}, err
}

// putAnswer writes an answer where there is none that still counts.
func (s *Store) putAnswer(workspaceID string, a Answer, now time.Time) (*types.Put, error) {
	key := requestKey(workspaceID, a.Key)
	item, err := attributevalue.MarshalMap(answerItem{
		primary: primary{key.PK, key.SK, entityRequest},
		Body:    a.Body, Sealed: a.Sealed, Until: timeText(a.Until), TTL: a.Until.Unix(),
	})
	return &types.Put{
		TableName: &s.table, Item: item,
		ConditionExpression:                 aws.String("attribute_not_exists(pk) OR #until <= :now"),
		ExpressionAttributeNames:            map[string]string{"#until": "until"},
		ExpressionAttributeValues:           Item{":now": text(timeText(now))},
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	}, err
}

// InsertAnswer notes the body that came with a batch's Idempotency-Key; where
// the key is known already it changes nothing and gives what is.
func (s *Store) InsertAnswer(ctx context.Context, workspaceID string, a Answer, now time.Time) (before Answer, err error) {
	put, err := s.putAnswer(workspaceID, a, now)
	if err != nil {
		return Answer{}, err
	}
	_, err = s.db.PutItem(ctx, &dynamodb.PutItemInput{
		TableName: put.TableName, Item: put.Item, ConditionExpression: put.ConditionExpression,
		ExpressionAttributeNames: put.ExpressionAttributeNames, ExpressionAttributeValues: put.ExpressionAttributeValues,
		ReturnValuesOnConditionCheckFailure: put.ReturnValuesOnConditionCheckFailure,
	})
	if old, lost := lostCondition(err); lost {
		return answerOfItem(old)
	}
	return Answer{}, awsenv.Failure("note a request", err)
}

// Insertion is what became of users who were to be inserted.
type Insertion struct {
	Existing map[string]user.User // by id: those whose email the workspace knows; nothing was written for them
	Seatless map[string]bool      // by id: those for whom no seat is left
	Before   Answer               // another call with this Idempotency-Key was faster; nothing was written
}

// insertedAtOnce is how many users one transaction inserts: few calls for a
// batch, and still small enough to be repeated when one of them exists.
const insertedAtOnce = 50

// InsertUsers writes users of one workspace who are not there yet, each with
// the seat that they take. An answer, for a single user, goes with them.
func (s *Store) InsertUsers(ctx context.Context, users []user.User, answer Answer, now time.Time) (Insertion, error) {
	done := Insertion{Existing: map[string]user.User{}, Seatless: map[string]bool{}}
	part, free := anyPart(), unlimited
	for try := 0; len(users) > 0 && done.Before.Key == ""; {
		if free <= 0 {
			var err error
			part, free, err = s.roomiest(ctx, users[0].WorkspaceID)
			if seatless(err) {
				return done, s.turnAway(ctx, &done, users, answer, now)
			}
			if err != nil {
				return done, err
			}
		}
		n := min(len(users), insertedAtOnce, free)
		reasons, err := s.insert(ctx, users[:n], answer, part, now)
		switch {
		case reasons == nil && err != nil:
			return done, err
		case reasons == nil:
			users, try = users[n:], 0
			if free -= n; free > insertedAtOnce { // the next ones into another part
				part = anyPart()
			}
			continue
		case !lostAny(reasons):
			if try++; try == attempts {
				return done, awsenv.ErrBusy
			}
			if free > insertedAtOnce {
				part = anyPart()
			}
			err := pause(ctx, jitter(try))
			if err != nil {
				return done, awsenv.Failure("insert users", err)
			}
			continue
		}
		if lostAt(reasons, 0) {
			free = 0
		}
		left, err := done.lost(users, reasons[1:n+1])
		if err != nil {
			return done, err
		}
		if len(left) < len(users) {
			users, try = left, 0
		} else if try++; try == attempts {
			return done, awsenv.ErrBusy
		}
		if answer.Key != "" && lostAt(reasons, n+1) {
			done.Before, err = answerOfItem(reasons[n+1].Item)
			if err != nil {
				return done, err
			}
		}
	}
	return done, nil
}

// turnAway is for users for whom no seat was left: whoever exists by now was
// brought in by somebody else, and so was the answer, if there is one.
func (s *Store) turnAway(ctx context.Context, done *Insertion, users []user.User, answer Answer, now time.Time) error {
	want := Want{Workspace: users[0].WorkspaceID, Request: answer.Key}
	for _, u := range users {
		want.Users = append(want.Users, u.ID)
	}
	snap, err := s.Load(ctx, want)
	if err != nil {
		return err
	}
	if snap.Answer.Until.After(now) {
		done.Before = snap.Answer
	}
	for _, u := range users {
		if existing, ok := snap.Users[u.ID]; ok {
			done.Existing[u.ID] = existing
		} else {
			done.Seatless[u.ID] = true
		}
	}
	return nil
}

// lost takes those out who turned out to exist.
func (done *Insertion) lost(users []user.User, reasons []types.CancellationReason) (left []user.User, err error) {
	for i, u := range users {
		if i >= len(reasons) || aws.ToString(reasons[i].Code) != lost {
			left = append(left, u)
			continue
		}
		done.Existing[u.ID], err = userOfItem(reasons[i].Item)
		if err != nil {
			return nil, err
		}
	}
	return left, nil
}

// insert makes the transaction: the seats, the users, the answer. Where it is
// canceled, it gives the reasons in that order.
func (s *Store) insert(ctx context.Context, users []user.User, answer Answer, part int, now time.Time) ([]types.CancellationReason, error) {
	change := tally{}
	puts := make([]types.TransactWriteItem, len(users))
	for i, u := range users {
		item, err := itemOfUser(u)
		if err != nil {
			return nil, err
		}
		change[u.Status]++
		puts[i].Put = &types.Put{
			TableName: &s.table, Item: item,
			ConditionExpression:                 aws.String("attribute_not_exists(pk) OR entity = :erased"),
			ExpressionAttributeValues:           Item{":erased": text(entityErased)},
			ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
		}
	}
	writes := append([]types.TransactWriteItem{{Update: s.tallyUpdate(users[0].WorkspaceID, part, change)}}, puts...)
	if answer.Key != "" {
		put, err := s.putAnswer(users[0].WorkspaceID, answer, now)
		if err != nil {
			return nil, err
		}
		writes = append(writes, types.TransactWriteItem{Put: put})
	}
	_, err := s.db.TransactWriteItems(ctx, &dynamodb.TransactWriteItemsInput{TransactItems: writes})
	return canceled(err), awsenv.Failure("insert users", err)
}
