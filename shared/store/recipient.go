package store

import (
	"context"
	"fmt"
	"time"

	"github.com/latchkey/latchkey/shared/table"
	"github.com/latchkey/latchkey/shared/user"
)

// A mailbox is what the deployment knows of an address; its item holds no
// address, only its key. It goes two days after the last mail unless mail to it
// was returned.

func mailboxItemFields(f *table.Fields, b *user.Mailbox) {
	mailboxFields(f, b)
	table.Int(f, "version", &b.Version)
}

func mailboxOfItem(item Item) (b user.Mailbox, err error) {
	err = table.Decode(item, mailboxItemFields, &b)
	return b, err
}

func recipientOfItem(item Item) (r user.Recipient, err error) {
	err = table.Decode(item, recipientFields, &r)
	return r, err
}

// mailbox writes a mailbox, on condition that it is as the decision saw it.
func (p *planner) mailbox(key string, before, after user.Mailbox) {
	if p.mailboxes[key] {
		p.fail(fmt.Errorf("store: one transaction cannot write the mailbox %s twice", key))
		return
	}
	p.mailboxes[key] = true
	p.add(mailboxWrite(key, before, after))
}

func mailboxWrite(emailKey string, before, after user.Mailbox) table.Write {
	w := put(mailboxKey(emailKey), entityMailbox, mailboxItemFields, &after)
	if until := after.RetainUntil(); !until.IsZero() {
		w.Put["ttl"] = table.Number(int(until.Unix()))
	}
	w.Condition = table.Missing("pk")
	if before.Version > 0 {
		w.Condition = isVersion(before.Version)
	}
	return w
}

// Bounced notes that mail to an address was returned for a lasting reason.
func (s *Store) Bounced(ctx context.Context, emailKey string, now time.Time) error {
	item, err := s.table.Get(ctx, mailboxKey(emailKey))
	var stuck deadlock
	for try := 0; err == nil; try++ {
		var before user.Mailbox
		if item != nil {
			before, err = mailboxOfItem(item)
			if err != nil {
				return err
			}
		}
		if !before.BouncedAt.IsZero() {
			return nil
		}
		w := mailboxWrite(emailKey, before, before.Bounced(now))
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
