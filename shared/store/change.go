package store

import (
	"context"
	"errors"
	"math/rand/v2"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/latchkey/latchkey/shared/awsenv"
	"github.com/latchkey/latchkey/shared/user"
)

// attempts bounds how often a change is decided anew when others were faster.
// Each loss means that somebody else's change went through.
const attempts = 8

// ChangeUser applies a transition to u, which was read before. The write goes
// through only if the record is still as the transition saw it; if somebody
// was faster, the transition is decided anew on what they left, so that of two
// callers racing for one transition exactly one wins and the other is told
// the state. A transition that gives u itself writes nothing. What fails gives
// the user as last read, so that it can be tried again.
func (s *Store) ChangeUser(ctx context.Context, u user.User, transition func(user.User) (user.User, error)) (user.User, error) {
	part := anyPart()
	for try := range attempts {
		next, err := transition(u)
		if err != nil || next.Version == u.Version {
			return next, err
		}
		now, err := s.replaceUser(ctx, u, next, part)
		switch {
		case err == nil:
			return next, nil
		case errors.Is(err, errChangedMeanwhile):
			u = now
		case errors.Is(err, errNoRoom):
			part, _, err = s.roomiest(ctx, u.WorkspaceID)
			if err != nil {
				return u, err
			}
		case errors.Is(err, errContended):
			part = anyPart()
			err := pause(ctx, jitter(try))
			if err != nil {
				return u, awsenv.Failure("change a user", err)
			}
		default:
			return u, err
		}
	}
	return u, awsenv.ErrBusy
}

var (
	errChangedMeanwhile = errors.New("store: the record has changed")
	errContended        = errors.New("store: another transaction is under way, or the table is busy")
	errNoRoom           = errors.New("store: no seat is left in this part of the tally")
)

func jitter(try int) time.Duration {
	return time.Duration(rand.Int64N(int64(10*time.Millisecond) << min(try, 4)))
}

// replaceUser writes the difference between two states of a user: by itself,
// or in one transaction with what a change of status or of admins changes in
// the workspace's counts. It gives the record as it is where another writer
// was faster.
func (s *Store) replaceUser(ctx context.Context, from, to user.User, part int) (now user.User, err error) {
	update, err := s.userUpdate(from, to)
	if err != nil {
		return user.User{}, err
	}
	admins := count(to.Manages()) - count(from.Manages())
	if to.Status == from.Status && admins == 0 {
		err = s.update(ctx, update)
		if old, lost := lostCondition(err); lost {
			return changedMeanwhile(old)
		}
		return user.User{}, awsenv.Failure("change a user", err)
	}
	writes := []types.TransactWriteItem{{Update: update}}
	inTally, inAdmins := -1, -1
	if to.Status != from.Status {
		inTally = len(writes)
		writes = append(writes, types.TransactWriteItem{Update: s.tallyUpdate(from.WorkspaceID, part, tally{from.Status: -1, to.Status: 1})})
	}
	if admins != 0 {
		inAdmins = len(writes)
		writes = append(writes, types.TransactWriteItem{Update: s.countAdmins(from.WorkspaceID, admins)})
	}
	_, err = s.db.TransactWriteItems(ctx, &dynamodb.TransactWriteItemsInput{TransactItems: writes})
	reasons := canceled(err)
	switch {
	case reasons == nil:
		return user.User{}, awsenv.Failure("change a user", err)
	case lostAt(reasons, 0):
		return changedMeanwhile(reasons[0].Item)
	case lostAt(reasons, inAdmins):
		return user.User{}, user.ErrLastAdmin
	case lostAt(reasons, inTally):
		return user.User{}, errNoRoom
	}
	return user.User{}, errContended
}

func lostAt(reasons []types.CancellationReason, i int) bool {
	return i >= 0 && i < len(reasons) && aws.ToString(reasons[i].Code) == lost
}

// lost is why a transaction was canceled: a condition was not met. Any other
// reason (a conflict with another transaction, throttling) passes by itself.
// https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html
const lost = "ConditionalCheckFailed"

// canceled are the reasons for which a transaction was canceled, one for each
// of its parts; nil where it failed otherwise, or by a fault of ours.
func canceled(err error) []types.CancellationReason {
	var canceled *types.TransactionCanceledException
	if !errors.As(err, &canceled) {
		return nil
	}
	for _, reason := range canceled.CancellationReasons {
		if aws.ToString(reason.Code) == "ValidationError" || aws.ToString(reason.Code) == "ItemCollectionSizeLimitExceeded" {
			return nil
		}
	}
	return canceled.CancellationReasons
}

// update makes an update by itself, outside a transaction. Where it fails its
// condition, the error carries the item as it is.
func (s *Store) update(ctx context.Context, u *types.Update) error {
	_, err := s.db.UpdateItem(ctx, &dynamodb.UpdateItemInput{
		TableName: u.TableName, Key: u.Key,
		UpdateExpression: u.UpdateExpression, ConditionExpression: u.ConditionExpression,
		ExpressionAttributeNames: u.ExpressionAttributeNames, ExpressionAttributeValues: u.ExpressionAttributeValues,
		ReturnValuesOnConditionCheckFailure: u.ReturnValuesOnConditionCheckFailure,
	})
	return err
}

func changedMeanwhile(old Item) (user.User, error) {
	if len(old) == 0 || entityOf(old) == entityErased {
		return user.User{}, user.ErrNotFound
	}
	now, err := userOfItem(old)
	if err != nil {
		return user.User{}, err
	}
	return now, errChangedMeanwhile
}

func count(yes bool) int {
	if yes {
		return 1
	}
	return 0
}

// countAdmins is the second half of a transaction: the count of active admins
// never reaches zero, however many leave at once.
func (s *Store) countAdmins(workspaceID string, by int) *types.Update {
	condition := "attribute_exists(pk)"
	if by < 0 {
		condition = "admins > :one"
	}
	values := Item{":by": number(by)}
	if by < 0 {
		values[":one"] = number(1)
	}
	return &types.Update{
		TableName: &s.table, Key: workspaceKey(workspaceID).item(),
		UpdateExpression:          aws.String("ADD admins :by"),
		ConditionExpression:       &condition,
		ExpressionAttributeValues: values,
	}
}

// userUpdate sets what differs between two states, on condition that the
// stored state is the first of them. Mail delivery is written by others
// without raising the version, so it is left alone but for a new generation.
func (s *Store) userUpdate(from, to user.User) (*types.Update, error) {
	before, err := itemOfUser(from)
	if err != nil {
		return nil, err
	}
	after, err := itemOfUser(to)
	if err != nil {
		return nil, err
	}
	e := newExpression()
	for _, name := range slices.Sorted(keysOf(before, after)) {
		switch {
		case name == "delivery" || name == "deliveryReason" || name == "deliveryWeight": // below
		case after[name] == nil:
			e.remove(name)
		case !reflect.DeepEqual(before[name], after[name]):
			e.set(name, after[name])
		}
	}
	if from.Invitation.Generation != to.Invitation.Generation {
		// Whatever became of the older mail since it was read: a new one begins.
		e.set("delivery", after["delivery"])
		e.remove("deliveryReason")
		e.remove("deliveryWeight")
	}
	condition := e.name("version") + " = " + e.value(number(from.Version))
	if from.Status.Pending() && to.Status == user.Active {
		// The version says it already; this says it in the words of the
		// rule, which no later change of the versioning can loosen.
		condition += " AND " + e.name("expiresAt") + " > " + e.value(text(timeText(to.Last.At)))
		condition += " AND " + e.name("generation") + " = " + e.value(number(from.Invitation.Generation))
	}
	return e.update(s.table, userKey(from.WorkspaceID, from.ID), condition), nil
}

func keysOf(items ...Item) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		seen := map[string]bool{}
		for _, item := range items {
			for name := range item {
				if !seen[name] && !yield(name) {
					return
				}
				seen[name] = true
			}
		}
	}
}

// lostCondition says whether a write failed its condition, and gives the item
// as it is where the write asked for it.
func lostCondition(err error) (old Item, lost bool) {
	var failed *types.ConditionalCheckFailedException
	if errors.As(err, &failed) {
		return failed.Item, true
	}
	return nil, false
}

// expression builds an update with placeholders for every name, because many
// of ours are reserved words.
type expression struct {
	names               map[string]string
	values              Item
	sets, removes, adds []string
}

func newExpression() *expression {
	return &expression{names: map[string]string{}, values: Item{}}
}

func (e *expression) name(attribute string) string {
	e.names["#"+attribute] = attribute
	return "#" + attribute
}

func (e *expression) value(v types.AttributeValue) string {
	placeholder := ":v" + strconv.Itoa(len(e.values))
	e.values[placeholder] = v
	return placeholder
}

func (e *expression) set(attribute string, v types.AttributeValue) {
	e.sets = append(e.sets, e.name(attribute)+" = "+e.value(v))
}

func (e *expression) add(attribute string, n int) {
	e.adds = append(e.adds, e.name(attribute)+" "+e.value(number(n)))
}

func (e *expression) remove(attribute string) {
	e.removes = append(e.removes, e.name(attribute))
}

// update is the whole; an empty condition is none.
func (e *expression) update(table string, key Key, condition string) *types.Update {
	var parts []string
	if len(e.sets) > 0 {
		parts = append(parts, "SET "+strings.Join(e.sets, ", "))
	}
	if len(e.removes) > 0 {
		parts = append(parts, "REMOVE "+strings.Join(e.removes, ", "))
	}
	if len(e.adds) > 0 {
		parts = append(parts, "ADD "+strings.Join(e.adds, ", "))
	}
	u := &types.Update{
		TableName: &table, Key: key.item(),
		UpdateExpression:          aws.String(strings.Join(parts, " ")),
		ExpressionAttributeNames:  e.names,
		ExpressionAttributeValues: e.values,
		// A transaction hands the record back with its reasons.
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	}
	if condition != "" {
		u.ConditionExpression = &condition
	}
	return u
}
