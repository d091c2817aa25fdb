package store

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"golang.org/x/sync/errgroup"

	"github.com/latchkey/latchkey/shared/event"
	"github.com/latchkey/latchkey/shared/table"
	"github.com/latchkey/latchkey/shared/user"
	"github.com/latchkey/latchkey/shared/workspace"
)

// Statistics are one item for each workspace and day, beside its history. The
// item itself recognizes a milestone that is delivered again, and each write is
// conditional on the state that it was computed from.

// daysAtOnce bounds how many days are counted side by side.
const daysAtOnce = 8

// StatisticsDays is how many days of statistics are kept.
const StatisticsDays = 90

func dailyFields(f *table.Fields, d *workspace.Daily) {
	f.Ints("counts", d.Counts[:])
	f.Ints("waits", d.Waits[:])
	f.Bytes("seen", &d.Seen)
	table.Int(f, "version", &d.Version)
}

func dailyWrite(key Key, d workspace.Daily) (table.Write, error) {
	date, err := time.Parse(time.DateOnly, d.Date)
	w := put(key, entityStatistics, dailyFields, &d)
	w.Put["ttl"] = table.Number(int(date.AddDate(0, 0, StatisticsDays+1).Unix()))
	return w, err
}

func dailyOfItem(date string, item Item) (workspace.Daily, error) {
	d := workspace.Daily{Date: date}
	err := table.Decode(item, dailyFields, &d)
	return d, err
}

// MilestoneOf returns the milestone of an event, given a user's images before and
// after it; ok is false for an event that is not counted.
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
		// A repeated state, such as a second bounce of one mail, is not counted.
		return m, textOf(oldImage, "delivery") != e.Delivery
	default:
		return m, false
	}
	return m, true
}

// Count counts milestones, each once even if it is delivered again.
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
		w, err := dailyWrite(key, after)
		if err != nil {
			return err
		}
		w.Condition = table.Missing("pk")
		if before.Version > 0 {
			w.Condition = isVersion(before.Version)
		}
		var lost bool
		item, lost, err = s.table.Apply(ctx, w)
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
