package store

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/latchkey/latchkey/shared/awsenv"
	"github.com/latchkey/latchkey/shared/user"
)

// Mail names one mail: of that kind, for that generation of the user's link.
// It is sent at least once and almost always exactly once.
type Mail struct {
	WorkspaceID string
	UserID      string
	Generation  int
	Kind        string
}

func (m Mail) key() Key { return mailKey(m.WorkspaceID, m.UserID, m.Generation, m.Kind) }

// Claim is what came of claiming a mail.
type Claim int

// The outcomes of a claim.
const (
	Claimed     Claim = iota // send it now
	ClaimedElse              // somebody else is at it; look again later
	AlreadySent              // it has been sent
)

// claims are kept for longer than any queue keeps a message.
const claimKept = 30 * 24 * time.Hour

// ClaimMail takes a mail for as long as the lease; whoever dies while holding
// one is succeeded when it ends.
func (s *Store) ClaimMail(ctx context.Context, m Mail, now time.Time, lease time.Duration) (Claim, error) {
	key := m.key()
	_, err := s.db.PutItem(ctx, &dynamodb.PutItemInput{
		TableName: &s.table,
		Item: Item{
			"pk": text(key.PK), "sk": text(key.SK), "entity": text(entityMail),
			"leasedUntil": text(timeText(now.Add(lease))),
			"ttl":         number(int(now.Add(claimKept).Unix())),
		},
		ConditionExpression:                 aws.String("attribute_not_exists(pk) OR (attribute_not_exists(sentAt) AND leasedUntil <= :now)"),
		ExpressionAttributeValues:           Item{":now": text(timeText(now))},
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	})
	old, lost := lostCondition(err)
	switch {
	case lost && old["sentAt"] != nil:
		return AlreadySent, nil
	case lost:
		return ClaimedElse, nil
	}
	return Claimed, awsenv.Failure("claim a mail", err)
}

// ReleaseMail ends one's own claim, made at claimed, of a mail that was surely
// not sent, so that the next attempt need not wait for the lease. A successor's
// claim, after the lease was over, stays.
func (s *Store) ReleaseMail(ctx context.Context, m Mail, claimed time.Time, lease time.Duration) error {
	_, err := s.db.UpdateItem(ctx, &dynamodb.UpdateItemInput{
		TableName: &s.table, Key: m.key().item(),
		UpdateExpression:    aws.String("SET leasedUntil = :now"),
		ConditionExpression: aws.String("leasedUntil = :mine AND attribute_not_exists(sentAt)"),
		ExpressionAttributeValues: Item{
			":now": text(timeText(claimed)), ":mine": text(timeText(claimed.Add(lease))),
		},
	})
	if _, lost := lostCondition(err); lost {
		return nil
	}
	return awsenv.Failure("release a mail", err)
}

// MarkMailSent notes that SES took the mail, so that no repeat sends it again.
func (s *Store) MarkMailSent(ctx context.Context, m Mail, messageID string, now time.Time) error {
	_, err := s.db.UpdateItem(ctx, &dynamodb.UpdateItemInput{
		TableName: &s.table, Key: m.key().item(),
		UpdateExpression:          aws.String("SET sentAt = :now, messageId = :id"),
		ExpressionAttributeValues: Item{":now": text(timeText(now)), ":id": text(messageID)},
	})
	return awsenv.Failure("mark a mail", err)
}

// SetDelivery notes what sending the newest mail of an invitation came to. It
// does nothing for an older generation, and nothing where the state moved on
// already: it goes from queued only, or from failed where a message that had
// been given up was sent after all.
func (s *Store) SetDelivery(ctx context.Context, m Mail, stamp user.Stamp, to user.Delivery, reason string) error {
	last := &types.AttributeValueMemberM{Value: Item{
		"id": text(stamp.ID), "type": text(string(user.DeliveryChanged)), "actor": text(stamp.Actor), "at": text(timeText(stamp.At)),
	}}
	e := newExpression()
	e.set("delivery", text(string(to)))
	e.set("last", last)
	if reason == "" {
		e.remove("deliveryReason")
	} else {
		e.set("deliveryReason", text(reason))
	}
	condition := e.name("generation") + " = " + e.value(number(m.Generation)) +
		" AND " + e.name("delivery") + " IN (" + e.value(text(string(user.DeliveryQueued)))
	if to != user.DeliveryFailed {
		condition += ", " + e.value(text(string(user.DeliveryFailed)))
	}
	condition += ")"
	err := s.update(ctx, e.update(s.table, userKey(m.WorkspaceID, m.UserID), condition))
	if _, lost := lostCondition(err); lost {
		return nil
	}
	return awsenv.Failure("set a delivery state", err)
}
