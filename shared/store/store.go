// Package store keeps everything in one DynamoDB table: its keys, items,
// conditions and cursors are here and nowhere else. A transition of the domain
// becomes one conditional write, or one transaction where it counts admins.
//
// It may import the DynamoDB client, the shapes of Lambda's events, shared/awsenv
// and the domain packages.
package store

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"golang.org/x/sync/errgroup"

	"github.com/latchkey/latchkey/shared/awsenv"
	"github.com/latchkey/latchkey/shared/user"
	"github.com/latchkey/latchkey/shared/workspace"
)

// Store is the table. It is safe for concurrent use.
type Store struct {
	db    *dynamodb.Client
	table string
}

// New is the store over a table.
func New(db *dynamodb.Client, table string) *Store { return &Store{db: db, table: table} }

// FromEnv is the store of a Lambda: the table that TABLE names.
func FromEnv(env awsenv.Env) *Store {
	return New(dynamodb.New(dynamodb.Options{
		Region:       env.Region(),
		Credentials:  env.Credentials(),
		BaseEndpoint: env.Endpoint("DYNAMODB"),
		Retryer:      awsenv.Retryer(),
	}), env.Get("TABLE"))
}

func (k Key) item() Item {
	return Item{"pk": text(k.PK), "sk": text(k.SK)}
}

func text(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }

func number(n int) types.AttributeValue {
	return &types.AttributeValueMemberN{Value: fmt.Sprint(n)}
}

// Want names what Load shall read.
type Want struct {
	Workspace string   // its id; "" for none
	Users     []string // user ids in the workspace; "" is passed over
	Groups    []string // group ids in the workspace
	Email     string   // whose account is asked for; "" for nobody's
	Emails    []string // the same for many: Snapshot.Accounts
	Request   string   // a hashed Idempotency-Key; "" for none
}

// Snapshot is what Load found. What does not exist is absent, and the zero
// value of the workspace.
type Snapshot struct {
	Workspace  workspace.Workspace
	Users      map[string]user.User
	Groups     map[string]bool // those that exist and are not being deleted
	Accounts   map[string]bool // email keys
	Erased     map[string]user.Erased
	Answer     Answer // to the earlier call; zero where there was none
	HasAccount bool   // of Want.Email
}

// Load reads all that one operation needs, strongly consistent, in one call.
func (s *Store) Load(ctx context.Context, w Want) (Snapshot, error) {
	seen := map[Key]bool{}
	var keys []Item
	add := func(k Key) {
		if !seen[k] {
			seen[k] = true
			keys = append(keys, k.item())
		}
	}
	if w.Workspace != "" {
		add(workspaceKey(w.Workspace))
		for _, id := range w.Users {
			if id != "" {
				add(userKey(w.Workspace, id))
			}
		}
		for _, id := range w.Groups {
			add(groupKey(w.Workspace, id))
		}
		if w.Request != "" {
			add(requestKey(w.Workspace, w.Request))
		}
	}
	emailKey := ""
	if w.Email != "" {
		emailKey = user.EmailKey(w.Email)
		add(accountKey(emailKey))
	}
	for _, email := range w.Emails {
		add(accountKey(user.EmailKey(email)))
	}
	items, err := s.batchGet(ctx, keys, strongly)
	if err != nil {
		return Snapshot{}, err
	}
	snap := Snapshot{
		Users: map[string]user.User{}, Groups: map[string]bool{},
		Accounts: map[string]bool{}, Erased: map[string]user.Erased{},
	}
	for _, item := range items {
		err := snap.take(item)
		if err != nil {
			return Snapshot{}, err
		}
	}
	snap.HasAccount = snap.Accounts[emailKey]
	return snap, nil
}

func (snap *Snapshot) take(item Item) (err error) {
	switch entityOf(item) {
	case entityWorkspace:
		snap.Workspace, err = workspaceOfItem(item)
	case entityUser:
		var u user.User
		u, err = userOfItem(item)
		snap.Users[u.ID] = u
	case entityErased:
		var e user.Erased
		e, err = erasedOfItem(item)
		snap.Erased[e.ID] = e
	case entityGroup:
		if g, deleting := groupOfItem(item); !deleting {
			snap.Groups[g.ID] = true
		}
	case entityAccount:
		snap.Accounts[strings.TrimPrefix(stringOf(item, "pk"), prefixAccount)] = true
	case entityRequest:
		snap.Answer, err = answerOfItem(item)
	}
	return err
}

func entityOf(item Item) string { return stringOf(item, "entity") }

func stringOf(item Item, name string) string {
	if v, ok := item[name].(*types.AttributeValueMemberS); ok {
		return v.Value
	}
	return ""
}

// batchSize is how many items one BatchGetItem reads.
const batchSize = 100

// How consistent a read is: one that may lag by a moment costs half.
const (
	strongly   = true
	eventually = false
)

// batchGet reads any number of items, a hundred a call, side by side.
func (s *Store) batchGet(ctx context.Context, keys []Item, consistency bool) ([]Item, error) {
	if len(keys) <= batchSize {
		return s.batchGetOnce(ctx, keys, consistency)
	}
	found := make([][]Item, (len(keys)+batchSize-1)/batchSize)
	group, ctx := errgroup.WithContext(ctx)
	for i, chunk := range slices.Collect(slices.Chunk(keys, batchSize)) {
		group.Go(func() (err error) {
			found[i], err = s.batchGetOnce(ctx, chunk, consistency)
			return err
		})
	}
	err := group.Wait()
	return slices.Concat(found...), err
}

// batchGetOnce reads up to 100 items, and asks again for those that a busy
// table left out.
func (s *Store) batchGetOnce(ctx context.Context, keys []Item, consistency bool) ([]Item, error) {
	var found []Item
	for len(keys) > 0 {
		out, err := s.db.BatchGetItem(ctx, &dynamodb.BatchGetItemInput{
			RequestItems: map[string]types.KeysAndAttributes{
				s.table: {Keys: keys, ConsistentRead: &consistency},
			},
		})
		if err != nil {
			return nil, awsenv.Failure("read items", err)
		}
		found = append(found, out.Responses[s.table]...)
		left := out.UnprocessedKeys[s.table].Keys
		if len(left) == len(keys) { // throttled altogether: give the table a breath
			err := pause(ctx, 50*time.Millisecond)
			if err != nil {
				return nil, awsenv.Failure("read items", err)
			}
		}
		keys = left
	}
	return found, nil
}

func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}

// LoadUser reads one user, strongly consistent; ok is false if there is none.
func (s *Store) LoadUser(ctx context.Context, workspaceID, id string) (u user.User, ok bool, err error) {
	out, err := s.db.GetItem(ctx, &dynamodb.GetItemInput{
		TableName: &s.table, Key: userKey(workspaceID, id).item(), ConsistentRead: aws.Bool(true),
	})
	if err != nil || entityOf(out.Item) != entityUser {
		return user.User{}, false, awsenv.Failure("read a user", err)
	}
	u, err = userOfItem(out.Item)
	return u, err == nil, err
}
