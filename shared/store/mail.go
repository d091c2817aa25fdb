package store

import (
	"context"
	"errors"
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

// SetDelivery notes what was learned about the newest mail of an invitation.
// It does nothing for an older generation, and nothing where something at least
// as weighty is known: so notices may come late, twice, and in any order. What
// we say ourselves stands until the mail service says something, and replaces
// what we said before.
func (s *Store) SetDelivery(ctx context.Context, m Mail, stamp user.Stamp, n user.Notice) error {
	last := &types.AttributeValueMemberM{Value: Item{
		"id": text(stamp.ID), "type": text(string(user.DeliveryChanged)), "actor": text(stamp.Actor), "at": text(timeText(stamp.At)),
	}}
	e := newExpression()
	e.set("delivery", text(string(n.Delivery)))
	e.set("deliveryWeight", number(int(n.Weight)))
	e.set("last", last)
	if n.Reason == "" {
		e.remove("deliveryReason")
	} else {
		e.set("deliveryReason", text(n.Reason))
	}
	weight := e.name("deliveryWeight")
	known := e.value(number(int(n.Weight)))
	if n.Weight == user.WeightOurs { // of one's own words the newest stand, but not twice
		known = weight + " = " + known + " AND NOT " + e.name("delivery") + " = " + e.value(text(string(n.Delivery)))
	} else {
		known = weight + " < " + known
	}
	condition := e.name("generation") + " = " + e.value(number(m.Generation)) + " AND (attribute_not_exists(" + weight + ") OR (" + known + "))"
	err := s.update(ctx, e.update(s.table, userKey(m.WorkspaceID, m.UserID), condition))
	if _, lost := lostCondition(err); lost {
		return nil
	}
	return awsenv.Failure("set a delivery state", err)
}

// ReportInvitation notes that a person called an invitation abuse, and counts
// it in the workspace, in one transaction; who did so before counts no more. It
// gives the workspace's count.
func (s *Store) ReportInvitation(ctx context.Context, u user.User, stamp user.Stamp) (reports int, err error) {
	for try := range attempts {
		next, first := u.Report(stamp)
		if !first {
			snap, err := s.Load(ctx, Want{Workspace: u.WorkspaceID})
			return snap.Workspace.Reports, err
		}
		update, err := s.userUpdate(u, next)
		if err != nil {
			return 0, err
		}
		e := newExpression()
		e.add("reports", 1)
		count := e.update(s.table, workspaceKey(u.WorkspaceID), "attribute_exists(pk)")
		_, err = s.db.TransactWriteItems(ctx, &dynamodb.TransactWriteItemsInput{
			TransactItems: []types.TransactWriteItem{{Update: update}, {Update: count}},
		})
		reasons := canceled(err)
		switch {
		case reasons == nil && err != nil:
			return 0, awsenv.Failure("report an invitation", err)
		case reasons == nil: // read what it came to
			u = next
			continue
		case lostAt(reasons, 0):
			now, err := changedMeanwhile(reasons[0].Item)
			if !errors.Is(err, errChangedMeanwhile) {
				return 0, err
			}
			u = now
		}
		if err := pause(ctx, jitter(try)); err != nil {
			return 0, awsenv.Failure("report an invitation", err)
		}
	}
	return 0, awsenv.ErrBusy
}
