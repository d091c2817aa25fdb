package store_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/latchkey/latchkey/shared/workspace"
)

func (tb *table) statistics(t *testing.T, workspaceID string, now time.Time) []workspace.Daily {
	t.Helper()
	days, err := tb.Statistics(t.Context(), workspaceID, now)
	if err != nil {
		t.Fatal(err)
	}
	return days
}

// Batches are counted side by side, each arrives twice, and answers are lost.
func TestStatisticsAreExactHoweverOftenABatchComes(t *testing.T) {
	tb := newTable(t)
	ws := newWorkspaceID()
	const batches, each = 6, 20
	race(2*batches, func(i int) {
		if i%4 == 0 {
			tb.calls.loseNext("PutItem")
		}
		var of []workspace.Milestone
		for n := range each {
			of = append(of, workspace.Milestone{
				EventID: fmt.Sprintf("evt_%026d", i/2*each+n), WorkspaceID: ws, At: t0.Add(time.Duration(n%2) * day), Step: workspace.Step(n % int(workspace.Steps)),
			})
		}
		if err := tb.Count(t.Context(), of); err != nil {
			t.Error(err)
		}
	})
	days := tb.statistics(t, ws, t0.Add(day))
	total := 0
	for _, d := range days {
		for _, n := range d.Counts {
			total += n
		}
	}
	if len(days) != 90 || days[89].Date != workspace.DateOf(t0.Add(day)) || total != batches*each {
		t.Errorf("%d days until %s, %d milestones", len(days), days[len(days)-1].Date, total)
	}
	if n := days[88].Counts[workspace.Invitations]; n != batches*4 {
		t.Errorf("%d invitations on the first day", n)
	}
	if later := tb.statistics(t, ws, t0.Add(91*day)); later[0].Counts != [workspace.Steps]int{} {
		t.Errorf("an old day is told: %+v", later[0])
	}
}

// A day is one item of one write unit, however much has happened.
func TestADayOfStatisticsIsSmall(t *testing.T) {
	tb := newTable(t)
	ws := newWorkspaceID()
	for batch := range 5 {
		var of []workspace.Milestone
		for n := range 100 {
			of = append(of, workspace.Milestone{
				EventID: newID("evt_"), WorkspaceID: ws, At: t0, Step: workspace.Accepted, Waited: time.Duration(batch*100+n) * 90 * time.Minute,
			})
		}
		if err := tb.Count(t.Context(), of); err != nil {
			t.Fatal(err)
		}
	}
	out, err := tb.db.PutItem(t.Context(), &dynamodb.PutItemInput{
		TableName: &tb.name, Item: tb.raw(t, "HISTORY#"+ws, "STATISTICS#"+workspace.DateOf(t0)), ReturnConsumedCapacity: types.ReturnConsumedCapacityTotal,
	})
	if err != nil || aws.ToFloat64(out.ConsumedCapacity.CapacityUnits) != 1 {
		t.Errorf("it costs %+v, %v", out, err)
	}
}
