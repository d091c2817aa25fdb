package store

import (
	"context"
	"errors"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/latchkey/latchkey/shared/awsenv"
	"github.com/latchkey/latchkey/shared/user"
)

// EraseUser applies an erasure to u, which was read before, deciding it anew
// where somebody was faster. The record, its metadata and its index entries go
// in one write; what is left names nobody, and goes within a day or two.
func (s *Store) EraseUser(ctx context.Context, u user.User, erase func(user.User) (user.Erased, error)) error {
	for try := range attempts {
		erased, err := erase(u)
		if err != nil {
			return err
		}
		now, err := s.replaceErased(ctx, u, erased)
		switch {
		case errors.Is(err, errChangedMeanwhile):
			u = now
		case errors.Is(err, errContended):
			err := pause(ctx, jitter(try))
			if err != nil {
				return awsenv.Failure("erase a user", err)
			}
		default:
			return err
		}
	}
	return awsenv.ErrBusy
}

func (s *Store) replaceErased(ctx context.Context, u user.User, erased user.Erased) (now user.User, err error) {
	item, err := itemOfErased(erased)
	if err != nil {
		return user.User{}, err
	}
	_, err = s.db.TransactWriteItems(ctx, &dynamodb.TransactWriteItemsInput{TransactItems: []types.TransactWriteItem{
		{Put: &types.Put{
			TableName: &s.table, Item: item,
			ConditionExpression:                 aws.String("#version = :version"),
			ExpressionAttributeNames:            map[string]string{"#version": "version"},
			ExpressionAttributeValues:           Item{":version": number(u.Version)},
			ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
		}},
		{Update: s.tallyUpdate(u.WorkspaceID, anyPart(), tally{u.Status: -1})},
	}})
	reasons := canceled(err)
	switch {
	case reasons == nil:
		return user.User{}, awsenv.Failure("erase a user", err)
	case lostAt(reasons, 0):
		return changedMeanwhile(reasons[0].Item)
	}
	return user.User{}, errContended
}
