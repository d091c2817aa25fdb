package store

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/latchkey/latchkey/shared/awsenv"
	"github.com/latchkey/latchkey/shared/workspace"
)

// sentKept is how long a day's counts of mails are kept.
const sentKept = 48 * time.Hour

// Sender is who asks for mails, and under which limits. Inviter is a user id,
// or "" for who is bound by the workspace's limit alone.
type Sender struct {
	Workspace workspace.Workspace
	Inviter   string
	Limits    workspace.MailLimits
}

// total is the attribute that counts a day's mails of the workspace; each
// inviter has one of their own beside it.
const total = "total"

func byInviter(inviter string) string { return "by " + inviter }

// left is how many of n mails the counts leave room for; where these are fewer,
// refused is the fault of the limit that says so.
func (by Sender) left(counts Item, n int, now time.Time) (granted int, refused error) {
	granted = n
	if left := by.Limits.Of(by.Workspace, now) - intOf(counts, total, 0); left < granted {
		granted, refused = left, workspace.DayLimit(now)
	}
	if by.Inviter != "" {
		if left := by.Limits.Inviter - intOf(counts, byInviter(by.Inviter), 0); left < granted {
			granted, refused = left, workspace.InviterLimit(now)
		}
	}
	return max(granted, 0), refused
}

// MailsLeft is what ReserveMails would grant of n; it counts nothing.
func (s *Store) MailsLeft(ctx context.Context, by Sender, n int, now time.Time) (granted int, refused, err error) {
	out, err := s.db.GetItem(ctx, &dynamodb.GetItemInput{TableName: &s.table, Key: sentKey(by.Workspace.ID, now).item()})
	if err != nil {
		return 0, nil, awsenv.Failure("read the count of mails", err)
	}
	granted, refused = by.left(out.Item, n, now)
	return granted, refused, nil
}

// ReserveMails counts n mails on the UTC day of now. Where the limits leave
// fewer, it counts those, and refused is the fault of the limit. What is
// counted stays counted, whatever becomes of the mail. The limits themselves
// bound how often this one item is written.
func (s *Store) ReserveMails(ctx context.Context, by Sender, n int, now time.Time) (granted int, refused, err error) {
	// No day's item yet may grant more than the limits themselves.
	n, refused = by.left(nil, n, now)
	for n > 0 {
		counts, err := s.count(ctx, by, n, now)
		if err != nil || counts == nil {
			return n, refused, err
		}
		n, refused = by.left(counts, n, now)
	}
	return 0, refused, nil
}

// count adds n, unless a limit would be passed: then it gives the counts.
func (s *Store) count(ctx context.Context, by Sender, n int, now time.Time) (counts Item, err error) {
	input := s.addSent(by.Workspace.ID, n, now)
	condition := "(attribute_not_exists(#total) OR #total <= :total)"
	input.ExpressionAttributeValues[":total"] = number(by.Limits.Of(by.Workspace, now) - n)
	if by.Inviter != "" {
		*input.UpdateExpression += ", #inviter :n"
		input.ExpressionAttributeNames["#inviter"] = byInviter(by.Inviter)
		condition += " AND (attribute_not_exists(#inviter) OR #inviter <= :inviter)"
		input.ExpressionAttributeValues[":inviter"] = number(by.Limits.Inviter - n)
	}
	input.ConditionExpression = &condition
	_, err = s.db.UpdateItem(ctx, input)
	if old, lost := lostCondition(err); lost {
		if old == nil {
			old = Item{}
		}
		return old, nil
	}
	return nil, awsenv.Failure("count mails", err)
}

// ReturnMails takes back what was reserved for mails that were not asked for
// in the end, because nothing was written.
func (s *Store) ReturnMails(ctx context.Context, by Sender, n int, now time.Time) error {
	if n == 0 {
		return nil
	}
	input := s.addSent(by.Workspace.ID, -n, now)
	if by.Inviter != "" {
		*input.UpdateExpression += ", #inviter :n"
		input.ExpressionAttributeNames["#inviter"] = byInviter(by.Inviter)
	}
	_, err := s.db.UpdateItem(ctx, input)
	return awsenv.Failure("take back a count of mails", err)
}

// CountMail counts a mail that no limit stops: a reminder.
func (s *Store) CountMail(ctx context.Context, workspaceID string, now time.Time) error {
	_, err := s.db.UpdateItem(ctx, s.addSent(workspaceID, 1, now))
	return awsenv.Failure("count a mail", err)
}

func (s *Store) addSent(workspaceID string, n int, now time.Time) *dynamodb.UpdateItemInput {
	return &dynamodb.UpdateItemInput{
		TableName: &s.table, Key: sentKey(workspaceID, now).item(),
		UpdateExpression:         aws.String("SET entity = :entity, #ttl = :ttl ADD #total :n"),
		ExpressionAttributeNames: map[string]string{"#total": total, "#ttl": "ttl"},
		ExpressionAttributeValues: Item{
			":entity": text(entitySent), ":ttl": number(int(now.Add(sentKept).Unix())), ":n": number(n),
		},
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	}
}
