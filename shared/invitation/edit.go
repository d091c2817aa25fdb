package invitation

import (
	"bytes"
	"context"
	"encoding/json"
	"time"

	"github.com/latchkey/latchkey/shared/access"
	"github.com/latchkey/latchkey/shared/datakey"
	"github.com/latchkey/latchkey/shared/fault"
	"github.com/latchkey/latchkey/shared/store"
	"github.com/latchkey/latchkey/shared/user"
	"github.com/latchkey/latchkey/shared/workspace"
)

// Edit is a change of what admins write about a person.
type Edit struct {
	user.Patch
	Groups   []string        // as written, for the pointers of errors
	Metadata json.RawMessage // a merge patch (RFC 7396); null empties it, nil leaves it
	Match    func(version int) bool
	Wrong    fault.Fields // what was found while reading
}

// Edit changes the user of the path, whatever their status; the link of a
// pending one stays. Nothing is written over what the caller has not seen.
func (s Service) Edit(ctx context.Context, g access.Grant, e Edit, now time.Time) (View, error) {
	u, err := g.User()
	if err != nil {
		return View{}, err
	}
	if err := s.Store.Fill(ctx, g.State, store.Want{Groups: validGroups(e.Groups)}); err != nil {
		return View{}, err
	}
	k, err := s.keys(ctx, g.Workspace, len(u.SealedMetadata) > 0 || e.Metadata != nil, now)
	if err != nil {
		return View{}, err
	}
	var found fault.Fields
	workspace.CheckGroups(&found, e.Groups, g.Groups)
	if !e.Wrong.Names("metadata") {
		if _, _, err := merged(k.box, u, e.Metadata, &found); err != nil {
			return View{}, err
		}
	}
	e.Wrong.Merge(found)
	if err := e.Wrong.Err(); err != nil {
		return View{}, err
	}
	stamp, err := g.Stamp(ctx, now, s.Random)
	if err != nil {
		return View{}, err
	}
	u, err = s.Store.ChangeUser(ctx, g.State, g.Target, func(u user.User) (user.User, error) {
		if err := u.IsVersion(e.Match, now); err != nil {
			return u, err
		}
		return edited(k.box, u, e, stamp)
	})
	if err != nil {
		return View{}, err
	}
	v, err := k.view(u, now)
	v.URL = "" // an edit shows no link
	return v, err
}

func edited(box datakey.Box, u user.User, e Edit, stamp user.Stamp) (user.User, error) {
	var wrong fault.Fields
	before, after, err := merged(box, u, e.Metadata, &wrong)
	if err == nil {
		err = wrong.Err()
	}
	if err != nil {
		return u, err
	}
	patch := e.Patch
	if !bytes.Equal(canonical(before), canonical(after)) {
		sealed, err := box.SealMetadata(u.ID, after)
		if err != nil {
			return u, err
		}
		patch.SealedMetadata = &sealed
	}
	return u.Edit(stamp, patch), nil
}

// merged returns a user's metadata before and after a patch, and notes what is
// wrong with the result. Without a patch both are nil.
func merged(box datakey.Box, u user.User, patch json.RawMessage, wrong *fault.Fields) (before, after json.RawMessage, err error) {
	if patch == nil {
		return nil, nil, nil
	}
	before, err = box.Metadata(u)
	if err != nil {
		return nil, nil, err
	}
	return before, user.CheckMetadata(wrong, user.MergeMetadata(before, patch)), nil
}

// canonical writes an object with its members in one order, so that equal ones
// are equal texts; nothing is the empty object.
func canonical(object json.RawMessage) []byte {
	if len(object) == 0 {
		return []byte("{}")
	}
	return user.MergeMetadata(object, json.RawMessage("{}"))
}
