package store

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"

	"github.com/latchkey/latchkey/shared/table"
	"github.com/latchkey/latchkey/shared/user"
)

// A mailbox is what the deployment knows of an address; its item holds no
// address, only its key. It goes two days after the last mail unless mail to it
// was returned.

func mailboxOfItem(item Item) user.Mailbox {
	var in struct {
		mailboxItem
		Version int `dynamodbav:"version"`
	}
	// Texts and numbers of ours: nothing in it can fail to be read.
	_ = attributevalue.UnmarshalMap(item, &in)
	return in.mailbox(in.Version)
}

func recipientOfItem(item Item) user.Recipient {
	var in recipientItem
	_ = attributevalue.UnmarshalMap(item, &in) // as above
	return in.recipient()
}

// mailbox writes a mailbox, on condition that it is as the decision saw it.
func (p *planner) mailbox(key string, before, after user.Mailbox) {
	if p.mailboxes[key] {
		p.fail(fmt.Errorf("store: one transaction cannot write the mailbox %s twice", key))
		return
	}
	p.mailboxes[key] = true
	w, err := mailboxWrite(key, before, after)
	if err != nil {
		p.fail(err)
		return
	}
	p.add(w)
}

func mailboxWrite(emailKey string, before, after user.Mailbox) (table.Write, error) {
	key := mailboxKey(emailKey)
	var ttl int64
	if until := after.RetainUntil(); !until.IsZero() {
		ttl = until.Unix()
	}
	item, err := attributevalue.MarshalMap(struct {
		primary
		mailboxItem
		Version int   `dynamodbav:"version"`
		TTL     int64 `dynamodbav:"ttl,omitempty"`
	}{primary{key.PK, key.SK, entityMailbox}, itemOfMailbox(after), after.Version, ttl})
	same := missing("pk")
	if before.Version > 0 {
		same = isVersion(before.Version)
	}
	return table.Write{Key: key, Put: item, Condition: same}, err
}

// Bounced notes that mail to an address was returned for a lasting reason.
func (s *Store) Bounced(ctx context.Context, emailKey string, now time.Time) error {
	item, err := s.table.Get(ctx, mailboxKey(emailKey))
	var stuck deadlock
	for try := 0; err == nil; try++ {
		var before user.Mailbox
		if item != nil {
			before = mailboxOfItem(item)
		}
		if !before.BouncedAt.IsZero() {
			return nil
		}
		w, err := mailboxWrite(emailKey, before, before.Bounced(now))
		if err != nil {
			return err
		}
		old, lost, err := s.table.Apply(ctx, w)
		if err != nil || !lost {
			return err
		}
		if err := stuck.note([]table.Write{w}, map[int]Item{0: old}); err != nil {
			return err
		}
		item = old
		if err := table.Wait(ctx, try); err != nil {
			return err
		}
	}
	return err
}
