package store

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"golang.org/x/sync/errgroup"

	"github.com/latchkey/latchkey/shared/event"
	"github.com/latchkey/latchkey/shared/table"
	"github.com/latchkey/latchkey/shared/user"
	"github.com/latchkey/latchkey/shared/workspace"
)

// Statistics are one item for each workspace and day, beside its history. The
// stream counts: a milestone that comes again is recognized by the item itself,
// and each write takes the place of the very state that it was made from.

// daysAtOnce bounds how many days are counted side by side.
const daysAtOnce = 8

// StatisticsDays is how many days of statistics are kept.
const StatisticsDays = 90

type dailyItem struct {
	primary
	Counts  []int  `dynamodbav:"counts"`
	Waits   []int  `dynamodbav:"waits"`
	Seen    []byte `dynamodbav:"seen"`
	Version int    `dynamodbav:"version"`
	TTL     int64  `dynamodbav:"ttl"`
}

func itemOfDaily(key Key, d workspace.Daily) (Item, error) {
	date, err := time.Parse(time.DateOnly, d.Date)
	if err != nil {
		return nil, err
	}
	return attributevalue.MarshalMap(dailyItem{
		primary: primary{key.PK, key.SK, entityStatistics}, Counts: d.Counts[:], Waits: d.Waits[:], Seen: d.Seen, Version: d.Version,
		TTL: date.AddDate(0, 0, StatisticsDays+1).Unix(),
	})
}

func dailyOfItem(date string, item Item) (workspace.Daily, error) {
	var in dailyItem
	err := attributevalue.UnmarshalMap(item, &in)
	d := workspace.Daily{Date: date, Seen: in.Seen, Version: in.Version}
	copy(d.Counts[:], in.Counts)
	copy(d.Waits[:], in.Waits)
	return d, err
}

// MilestoneOf returns what an event, behind these images of a user, is to the
// statistics; ok is false where it is nothing.
func MilestoneOf(oldImage, newImage Image, e event.Event) (m workspace.Milestone, ok bool) {
	m = workspace.Milestone{EventID: e.ID, WorkspaceID: e.WorkspaceID, At: e.Time}
	switch user.ChangeType(e.Type) {
	case user.UserInvited, user.UserReinvited, user.EmailCorrected:
		m.Step = workspace.Invitations
	case user.UserRestored:
		return m, user.Status(e.Status).Pending()
	case user.UserAccepted:
		m.Step = workspace.Accepted
		m.Waited = e.Time.Sub(parseTime(textOf(newImage, "sentAt")))
	case user.UserDeclined:
		m.Step = workspace.Declined
	case user.UserExpired:
		m.Step = workspace.Expired
	case user.DeliveryChanged:
		switch user.Delivery(e.Delivery) {
		case user.DeliveryDelivered:
			m.Step = workspace.Delivered
		case user.DeliveryBounced:
			m.Step = workspace.Bounced
		default:
			return m, false
		}
		// A second bounce of one mail, and what else was learned, is no news.
		return m, textOf(oldImage, "delivery") != e.Delivery
	default:
		return m, false
	}
	return m, true
}

// Count counts milestones, each once however often it comes.
func (s *Store) Count(ctx context.Context, milestones []workspace.Milestone) error {
	type of struct{ workspace, date string }
	days := map[of][]workspace.Milestone{}
	for _, m := range milestones {
		day := of{m.WorkspaceID, workspace.DateOf(m.At)}
		days[day] = append(days[day], m)
	}
	var group errgroup.Group
	group.SetLimit(daysAtOnce)
	for day, milestones := range days {
		group.Go(func() error { return s.countDay(ctx, day.workspace, day.date, milestones) })
	}
	return group.Wait()
}

func (s *Store) countDay(ctx context.Context, workspaceID, date string, milestones []workspace.Milestone) error {
	key := statisticsKey(workspaceID, date)
	item, err := s.table.Get(ctx, key)
	for try := 0; err == nil; try++ {
		before, err := dailyOfItem(date, item)
		if err != nil {
			return err
		}
		after := before.Add(milestones)
		if after.Version == before.Version {
			return nil
		}
		put, err := itemOfDaily(key, after)
		if err != nil {
			return err
		}
		same := missing("pk")
		if before.Version > 0 {
			same = isVersion(before.Version)
		}
		var lost bool
		item, lost, err = s.table.Apply(ctx, table.Write{Key: key, Put: put, Condition: same})
		if err != nil || !lost {
			return err
		}
		if err := table.Wait(ctx, try); err != nil {
			return err
		}
	}
	return err
}

// Statistics returns the last StatisticsDays days of a workspace, today's last.
// Changes of the last seconds may be missing.
func (s *Store) Statistics(ctx context.Context, workspaceID string, now time.Time) ([]workspace.Daily, error) {
	days := make([]workspace.Daily, StatisticsDays)
	place := map[string]int{}
	for i := range days {
		days[i].Date = workspace.DateOf(now.AddDate(0, 0, i+1-StatisticsDays))
		place[days[i].Date] = i
	}
	from, to := statisticsKey(workspaceID, days[0].Date), statisticsKey(workspaceID, days[len(days)-1].Date)
	in := dynamodb.QueryInput{
		KeyConditionExpression:    aws.String("pk = :pk AND sk BETWEEN :from AND :to"),
		ExpressionAttributeValues: Item{":pk": table.Text(from.PK), ":from": table.Text(from.SK), ":to": table.Text(to.SK)},
	}
	err := s.table.Pages(ctx, &in, func(items []Item) (bool, error) {
		for _, item := range items {
			date := table.TextOf(item, "sk")[len(prefixStatistics):]
			day, err := dailyOfItem(date, item)
			if err != nil {
				return false, err
			}
			days[place[date]] = day
		}
		return true, nil
	})
	return days, err
}

// textOf returns a string attribute of an image, "" if there is none.
func textOf(image Image, name string) string {
	v, ok := image[name]
	if !ok {
		return ""
	}
	return table.TextOf(Item{name: valueOf(v)}, name)
}
