package store

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/latchkey/latchkey/shared/table"
	"github.com/latchkey/latchkey/shared/user"
	"github.com/latchkey/latchkey/shared/workspace"
)

// accountWrite makes it known that an email has an account. The item holds no
// address, only its key. Repeated, it changes nothing.
func accountWrite(emailKey string, now time.Time) table.Write {
	return table.Write{
		Key:    accountKey(emailKey),
		Update: table.Update{}.Set("entity", table.Text(entityAccount)).SetOnce("createdAt", timeValue(now)),
	}
}

// InsertAccount makes it known that an email has an account.
func (s *Store) InsertAccount(ctx context.Context, email string, now time.Time) error {
	_, _, err := s.table.Apply(ctx, accountWrite(user.EmailKey(email), now))
	return err
}

// Membership is a user together with their workspace.
type Membership struct {
	User       user.User
	Workspace  workspace.Workspace
	Unreadable error // why one of them cannot be read; no other workspace suffers from it
}

// MaxMemberships bounds a page of Memberships.
const MaxMemberships = 50

// Memberships returns the workspaces that an email is in, with any status, in
// the order of their ids, beginning behind the workspace after ("": at the
// start). next is where the following page begins, "" at the end. Somebody who
// was invited within the last moments may be missing.
func (s *Store) Memberships(ctx context.Context, emailKey, after string) (found []Membership, next string, err error) {
	found, next, err = s.records(ctx, emailKey, after)
	return slices.DeleteFunc(found, func(m Membership) bool { return m.Workspace.Stage != "" }), next, err
}

// records is Memberships with those in deleted workspaces.
func (s *Store) records(ctx context.Context, emailKey, after string) (found []Membership, next string, err error) {
	if after == "" {
		after = " " // sorts before every id
	}
	out, err := s.table.Query(ctx, &dynamodb.QueryInput{
		IndexName:                 aws.String("byEmail"),
		KeyConditionExpression:    aws.String("emailPk = :email AND emailSk > :after"),
		ExpressionAttributeValues: Item{":email": table.Text(emailKey), ":after": table.Text(after)},
		Limit:                     aws.Int32(MaxMemberships),
	})
	if err != nil {
		return nil, "", err
	}
	keys := make([]Key, 0, 2*len(out.Items))
	order := make([]string, len(out.Items))
	byWorkspace := map[string]*Membership{}
	for i, item := range out.Items {
		order[i] = table.TextOf(item, "emailSk")
		byWorkspace[order[i]] = &Membership{}
		keys = append(keys, table.KeyOf(item), workspaceKey(order[i]))
	}
	items, err := s.table.BatchGet(ctx, keys, table.Strong)
	if err != nil {
		return nil, "", err
	}
	for _, item := range items {
		m := byWorkspace[strings.TrimPrefix(table.KeyOf(item).PK, prefixWorkspace)]
		var unreadable error
		switch entityOf(item) {
		case entityUser:
			m.User, unreadable = userOfItem(item)
		case entityWorkspace:
			m.Workspace, unreadable = workspaceOfItem(item)
		}
		m.Unreadable = cmp.Or(m.Unreadable, unreadable)
	}
	for _, id := range order {
		// The index may lag behind the table: what is gone is left out.
		if m := byWorkspace[id]; m.Unreadable != nil || m.User.ID != "" && m.Workspace.ID != "" {
			found = append(found, *m)
		}
	}
	if out.LastEvaluatedKey != nil {
		next = order[len(order)-1]
	}
	return found, next, nil
}

// EachMembership calls do for every workspace that an email is in.
func (s *Store) EachMembership(ctx context.Context, emailKey string, do func(Membership) error) error {
	return s.EachRecord(ctx, emailKey, func(m Membership) error {
		if m.Workspace.Stage != "" {
			return nil
		}
		return do(m)
	})
}

// EachRecord is EachMembership including deleted workspaces: a person archived
// everywhere is archived there, too, so that a restore does not let them in again.
func (s *Store) EachRecord(ctx context.Context, emailKey string, do func(Membership) error) error {
	for after := ""; ; {
		found, next, err := s.records(ctx, emailKey, after)
		if err != nil {
			return err
		}
		for _, m := range found {
			if err := do(m); err != nil {
				return err
			}
		}
		if next == "" {
			return nil
		}
		after = next
	}
}

// Departure is an account that was archived everywhere at a time: what an index
// had not seen yet is caught by the schedule a minute later.
type Departure struct {
	EmailKey string
	Actor    string
	At       time.Time
}

// NoteDeparture puts a departure on the schedule.
func (s *Store) NoteDeparture(ctx context.Context, d Departure) error {
	key := departureKey(d.EmailKey)
	item := Item{
		"pk": table.Text(key.PK), "sk": table.Text(key.SK), "entity": table.Text(entityDeparture),
		"actor": table.Text(d.Actor), "at": table.Text(timeText(d.At)),
		"duePk": table.Text(shard(d.EmailKey)), "dueSk": table.Text(timeText(d.At.Add(stragglers))),
	}
	_, _, err := s.table.Apply(ctx, table.Write{Key: key, Put: item})
	return err
}

// Departure reads a departure; ok is false if there is none.
func (s *Store) Departure(ctx context.Context, emailKey string) (d Departure, ok bool, err error) {
	item, err := s.table.Get(ctx, departureKey(emailKey))
	return Departure{emailKey, table.TextOf(item, "actor"), parseTime(table.TextOf(item, "at"))}, item != nil, err
}

// DropDeparture ends a departure, unless a later one has taken its place.
func (s *Store) DropDeparture(ctx context.Context, d Departure) error {
	_, _, err := s.table.Apply(ctx, table.Write{
		Key: departureKey(d.EmailKey), Delete: true, Condition: table.Is("at", "=", timeValue(d.At)),
	})
	return err
}
