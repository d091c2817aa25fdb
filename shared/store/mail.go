package store

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/latchkey/latchkey/shared/table"
	"github.com/latchkey/latchkey/shared/user"
)

// Mail names one mail: of that kind, for that generation of the user's link.
// It is sent at least once and almost always exactly once.
type Mail struct {
	WorkspaceID string
	UserID      string
	Generation  int
	Kind        string
	// Event is set for a kind that may be due more than once in a generation.
	Event string
}

func (m Mail) key() Key {
	kind := m.Kind
	if m.Event != "" {
		kind += "#" + m.Event
	}
	return mailKey(m.WorkspaceID, m.UserID, m.Generation, kind)
}

// Claim is what came of claiming a mail.
type Claim int

// The outcomes of a claim.
const (
	Claimed     Claim = iota // send it now
	ClaimedElse              // somebody else is at it; look again later
	AlreadySent              // it has been sent
)

// claimKept is longer than any queue keeps a message.
const claimKept = 30 * 24 * time.Hour

// Attempt is one run's try at a mail: it differs from all others, so that
// a claim whose answer was lost is recognized when it is repeated.
type Attempt struct {
	ID    string
	At    time.Time
	Lease time.Duration
}

// ClaimMail takes a mail for as long as the attempt's lease; a run that dies
// while it holds one is succeeded when the lease ends.
func (s *Store) ClaimMail(ctx context.Context, m Mail, a Attempt) (Claim, error) {
	key := m.key()
	free := table.Missing("pk").
		Or(table.Is("attempt", "=", table.Text(a.ID))).
		Or(table.Missing("sentAt").And(table.Is("leasedUntil", "<=", timeValue(a.At))))
	old, lost, err := s.table.Apply(ctx, table.Write{
		Key: key, Condition: free,
		Put: Item{
			"pk": table.Text(key.PK), "sk": table.Text(key.SK), "entity": table.Text(entityMail), "attempt": table.Text(a.ID),
			"leasedUntil": table.Text(timeText(a.At.Add(a.Lease))), "ttl": table.Number(int(a.At.Add(claimKept).Unix())),
		},
	})
	switch {
	case err != nil:
		return ClaimedElse, err
	case lost && old["sentAt"] != nil:
		return AlreadySent, nil
	case lost:
		return ClaimedElse, nil
	}
	return Claimed, nil
}

// ReleaseMail ends an attempt at a mail that was surely not sent, so that the
// next one need not wait for the lease. A successor's claim stays.
func (s *Store) ReleaseMail(ctx context.Context, m Mail, a Attempt) error {
	_, _, err := s.table.Apply(ctx, table.Write{
		Key:       m.key(),
		Update:    table.Update{}.Set("leasedUntil", timeValue(a.At)).Remove("attempt"),
		Condition: table.Is("attempt", "=", table.Text(a.ID)).And(table.Missing("sentAt")),
	})
	return err
}

// MarkMailSent notes that SES took the mail, so that no repeat sends it again. An
// invitation's mail needs no mark: SetDelivery says the same in the user's record.
func (s *Store) MarkMailSent(ctx context.Context, m Mail, now time.Time) error {
	_, _, err := s.table.Apply(ctx, table.Write{Key: m.key(), Update: table.Update{}.Set("sentAt", timeValue(now))})
	return err
}

// CountNotice counts a notice to the managers of a workspace; ok is false if the
// day's limit is reached. A repeat may count twice, so that there are too few
// notices rather than too many.
func (s *Store) CountNotice(ctx context.Context, workspaceID string, limit int, now time.Time) (ok bool, err error) {
	key := noticesKey(workspaceID)
	item, err := s.table.Get(ctx, key)
	for try := 0; err == nil; try++ {
		known := dayOfItem(item)
		if known.On(now) >= limit {
			return false, nil
		}
		var lost bool
		item, lost, err = s.table.Apply(ctx, dayWrite(entityNotices, key, known, 1, limit, now))
		if err != nil || !lost {
			return err == nil, err
		}
		err = table.Wait(ctx, try)
	}
	return false, err
}

// SetDelivery notes what was learned about the newest mail of an invitation. It
// does nothing for an older generation, for a user who is gone, or where the
// notice replaces nothing (user.Notice.Replaces): notices may come late, twice,
// and in any order. It does not raise the version.
func (s *Store) SetDelivery(ctx context.Context, m Mail, stamp user.Stamp, n user.Notice) error {
	last := table.Encode(changeFields, &user.Change{ID: stamp.ID, Type: user.DeliveryChanged, Actor: stamp.Actor, At: stamp.At, CorrelationID: stamp.CorrelationID})
	update := table.Update{}.Set("delivery", table.Text(string(n.Delivery))).
		Set("deliveryWeight", table.Number(int(n.Weight))).
		Set("last", &types.AttributeValueMemberM{Value: last})
	if n.Reason == "" {
		update = update.Remove("deliveryReason")
	} else {
		update = update.Set("deliveryReason", table.Text(n.Reason))
	}
	weight, none := table.Number(int(n.Weight)), table.Missing("deliveryWeight")
	replaces := none.Or(table.Is("deliveryWeight", "<", weight))
	if n.Weight == user.WeightOurs {
		replaces = none.Or(table.Is("deliveryWeight", "=", weight)).
			And(table.Is("delivery", "<>", table.Text(string(n.Delivery))))
	}
	_, _, err := s.table.Apply(ctx, table.Write{
		Key: userKey(m.WorkspaceID, m.UserID), Update: update,
		Condition: table.Is("entity", "=", table.Text(entityUser)).And(table.Is("generation", "=", table.Number(m.Generation))).And(replaces).
			And(table.Is("delivery", "<>", table.Text(string(user.DeliveryScheduled)))),
	})
	return err
}
