package store

import (
	"context"
	"errors"
	"reflect"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/latchkey/latchkey/shared/awsenv"
	"github.com/latchkey/latchkey/shared/user"
	"github.com/latchkey/latchkey/shared/workspace"
)

// InsertWorkspace writes a workspace, its slug and, unless an operator makes
// it, its first admin, all or nothing. A slug in use is workspace.ErrSlugTaken.
func (s *Store) InsertWorkspace(ctx context.Context, w workspace.Workspace, founder *user.User) error {
	if founder != nil {
		w.Admins = 1
	}
	item, err := itemOfWorkspace(w)
	if err != nil {
		return err
	}
	key := slugKey(w.Slug)
	slug := Item{"pk": text(key.PK), "sk": text(key.SK), "entity": text(entitySlug), "workspace": text(w.ID)}
	items := []Item{slug, item}
	if founder != nil {
		item, err := itemOfUser(*founder)
		if err != nil {
			return err
		}
		items = append(items, item)
	}
	writes := make([]types.TransactWriteItem, len(items))
	for i, item := range items {
		writes[i].Put = &types.Put{TableName: &s.table, Item: item, ConditionExpression: aws.String("attribute_not_exists(pk)")}
	}
	if founder != nil {
		writes = append(writes, types.TransactWriteItem{Update: s.tallyUpdate(w.ID, anyPart(), tally{founder.Status: 1})})
	}
	_, err = s.db.TransactWriteItems(ctx, &dynamodb.TransactWriteItemsInput{TransactItems: writes})
	reasons := canceled(err)
	switch {
	case reasons == nil:
		return awsenv.Failure("insert a workspace", err)
	case aws.ToString(reasons[0].Code) == lost:
		return workspace.ErrSlugTaken
	}
	return awsenv.ErrBusy
}

// ChangeWorkspace applies a change of settings to w, which was read before,
// deciding it anew where somebody else was faster. A seat limit below the
// seats in use is workspace.SeatsInUse.
func (s *Store) ChangeWorkspace(ctx context.Context, w workspace.Workspace, change func(workspace.Workspace) (workspace.Workspace, error)) (workspace.Workspace, error) {
	for try := range attempts {
		next, err := change(w)
		if err != nil || next.Version == w.Version {
			return next, err
		}
		now, err := s.replaceWorkspace(ctx, w, next)
		switch {
		case err == nil:
			return next, nil
		case errors.Is(err, errChangedMeanwhile):
			w = now
		case errors.Is(err, errContended):
			err := pause(ctx, jitter(try))
			if err != nil {
				return workspace.Workspace{}, awsenv.Failure("change a workspace", err)
			}
		default:
			return workspace.Workspace{}, err
		}
	}
	return workspace.Workspace{}, awsenv.ErrBusy
}

// replaceWorkspace writes the difference between two states; a new seat limit
// goes together with every part's share of it.
func (s *Store) replaceWorkspace(ctx context.Context, from, to workspace.Workspace) (now workspace.Workspace, err error) {
	update, err := s.workspaceUpdate(from, to)
	if err != nil {
		return workspace.Workspace{}, err
	}
	var old Item
	var lostOurs bool
	if from.SeatLimit == to.SeatLimit {
		err = s.update(ctx, update)
		old, lostOurs = lostCondition(err)
		if !lostOurs {
			return workspace.Workspace{}, awsenv.Failure("change a workspace", err)
		}
	} else {
		writes, err := s.seatUpdates(ctx, from.ID, to.SeatLimit)
		if err != nil {
			return workspace.Workspace{}, err
		}
		writes = append(writes, types.TransactWriteItem{Update: update})
		_, err = s.db.TransactWriteItems(ctx, &dynamodb.TransactWriteItemsInput{TransactItems: writes})
		reasons := canceled(err)
		switch {
		case reasons == nil:
			return workspace.Workspace{}, awsenv.Failure("change a seat limit", err)
		case !lostAt(reasons, Parts):
			return workspace.Workspace{}, errContended // the seats in use have changed since they were counted
		}
		old = reasons[Parts].Item
	}
	now, err = workspaceOfItem(old)
	if err != nil {
		return workspace.Workspace{}, err
	}
	return now, errChangedMeanwhile
}

func (s *Store) workspaceUpdate(from, to workspace.Workspace) (*types.Update, error) {
	before, err := itemOfWorkspace(from)
	if err != nil {
		return nil, err
	}
	after, err := itemOfWorkspace(to)
	if err != nil {
		return nil, err
	}
	e := newExpression()
	for _, name := range slices.Sorted(keysOf(before, after)) {
		switch {
		case name == "admins": // counted by transactions, never set
		case name == "reports" && to.Reports != 0: // counted likewise, and begun anew when an operator says so
		case after[name] == nil:
			e.remove(name)
		case !reflect.DeepEqual(before[name], after[name]):
			e.set(name, after[name])
		}
	}
	condition := e.name("version") + " = " + e.value(number(from.Version))
	return e.update(s.table, workspaceKey(from.ID), condition), nil
}
