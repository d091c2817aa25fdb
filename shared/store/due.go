package store

import (
	"container/heap"
	"context"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"golang.org/x/sync/errgroup"

	"github.com/latchkey/latchkey/shared/table"
)

// Due is something whose time has come: a user with a scheduled mail, a reminder
// or an expiry, a group whose deletion is to be finished, a deleted workspace
// that is to be erased (its id alone), an import that has stalled, or an account
// that has left. The other ids are empty.
type Due struct {
	WorkspaceID, UserID, GroupID, ImportID string
	Departed                               string // an email key
	Mail                                   bool   // a scheduled mail: those of a workspace leave in order
	at                                     string
}

func dueOfItem(item Item) Due {
	key := table.KeyOf(item)
	d := Due{at: table.TextOf(item, "dueSk")}
	if email, ok := strings.CutPrefix(key.PK, prefixAccount); ok {
		d.Departed = email
		return d
	}
	d.WorkspaceID = strings.TrimPrefix(key.PK, prefixWorkspace)
	if id, ok := strings.CutPrefix(key.SK, prefixGroup); ok {
		d.GroupID = id
	} else if id, ok := strings.CutPrefix(key.SK, prefixImport); ok {
		d.ImportID = id
	} else if id, ok := strings.CutPrefix(key.SK, prefixUser); ok {
		d.UserID, d.Mail = id, strings.Contains(d.at, "#")
	}
	return d
}

// dueShard is one shard's part of what is due, read a page ahead.
type dueShard struct {
	page []Due
	next Item // where the following page begins; nil at the end
}

// Overdue gives what is due at an instant, longest overdue first over all
// shards. It is for one caller at a time.
type Overdue struct {
	store  *Store
	now    time.Time
	shards dueHeap
	names  map[*dueShard]string
}

type dueHeap []*dueShard

func (h dueHeap) Len() int           { return len(h) }
func (h dueHeap) Less(i, j int) bool { return h[i].page[0].at < h[j].page[0].at }
func (h dueHeap) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }
func (h *dueHeap) Push(x any)        { *h = append(*h, x.(*dueShard)) }
func (h *dueHeap) Pop() any {
	last := (*h)[len(*h)-1]
	*h = (*h)[:len(*h)-1]
	return last
}

// ListDue begins a walk over all that is due.
func (s *Store) ListDue(ctx context.Context, now time.Time) (*Overdue, error) {
	o := &Overdue{store: s, now: now, names: map[*dueShard]string{}}
	shards := make([]*dueShard, Shards)
	group, within := errgroup.WithContext(ctx)
	for i := range shards {
		shards[i] = &dueShard{}
		o.names[shards[i]] = shardName(i)
		group.Go(func() error { return s.readDue(within, shards[i], shardName(i), now) })
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	for _, shard := range shards {
		if len(shard.page) > 0 {
			o.shards = append(o.shards, shard)
		}
	}
	heap.Init(&o.shards)
	return o, nil
}

// Next returns the next that is due; ok is false at the end.
func (o *Overdue) Next(ctx context.Context) (d Due, ok bool, err error) {
	if len(o.shards) == 0 {
		return Due{}, false, nil
	}
	first := o.shards[0]
	d, first.page = first.page[0], first.page[1:]
	if len(first.page) == 0 && first.next != nil {
		if err := o.store.readDue(ctx, first, o.names[first], o.now); err != nil {
			return d, true, err
		}
	}
	if len(first.page) == 0 {
		heap.Pop(&o.shards)
	} else {
		heap.Fix(&o.shards, 0)
	}
	return d, true, nil
}

// duePage is how many due items one query reads.
const duePage = 100

// lastOf sorts behind everything that is due at one instant: a scheduled mail
// has the age of its user behind the instant.
const lastOf = "~"

func (s *Store) readDue(ctx context.Context, shard *dueShard, named string, now time.Time) error {
	out, err := s.table.Query(ctx, &dynamodb.QueryInput{
		IndexName:                 aws.String("byDue"),
		KeyConditionExpression:    aws.String("duePk = :shard AND dueSk <= :now"),
		ExpressionAttributeValues: Item{":shard": table.Text(named), ":now": table.Text(timeText(now) + lastOf)},
		Limit:                     aws.Int32(duePage),
		ExclusiveStartKey:         shard.next,
	})
	if err != nil {
		return err
	}
	shard.next, shard.page = out.LastEvaluatedKey, nil
	for _, item := range out.Items {
		shard.page = append(shard.page, dueOfItem(item))
	}
	return nil
}
