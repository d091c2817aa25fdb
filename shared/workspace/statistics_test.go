package workspace_test

import (
	"fmt"
	"reflect"
	"testing"
	"time"

	"github.com/latchkey/latchkey/shared/workspace"
)

func milestones(from, to int, step workspace.Step, waited time.Duration) (all []workspace.Milestone) {
	for n := from; n < to; n++ {
		all = append(all, workspace.Milestone{EventID: fmt.Sprintf("evt_%026d", n), Step: step, Waited: waited})
	}
	return all
}

// A stream begins again in the midst of a batch of at most a hundred records.
func TestAMilestoneThatComesAgainIsCountedOnce(t *testing.T) {
	var d workspace.Daily
	want := 0
	for batch := range 20 {
		of := milestones(100*batch, 100*batch+100, workspace.Invitations, 0)
		want += 100
		for _, again := range []int{0, 0, 37, 99, 100} {
			before := d
			d = d.Add(of[again:])
			if again > 0 && !reflect.DeepEqual(d, before) {
				t.Fatalf("batch %d, again from %d: %+v", batch, again, d.Counts)
			}
		}
		if d.Counts[workspace.Invitations] != want || d.Version != batch+1 {
			t.Fatalf("batch %d: %d are counted, want %d; version %d", batch, d.Counts[workspace.Invitations], want, d.Version)
		}
		if len(d.Seen) > 512 {
			t.Fatalf("%d bytes of what was seen", len(d.Seen))
		}
	}
}

func TestAddLeavesWhatItWasMadeFrom(t *testing.T) {
	first := workspace.Daily{}.Add(milestones(0, 3, workspace.Accepted, time.Hour))
	kept := fmt.Sprint(first)
	first.Add(milestones(3, 200, workspace.Declined, 0))
	if fmt.Sprint(first) != kept {
		t.Error("it has changed")
	}
}

func TestMedianWait(t *testing.T) {
	if _, ok := workspace.MedianWait(make([]workspace.Daily, 3)); ok {
		t.Error("nobody accepted, and took a time")
	}
	for _, waited := range []time.Duration{time.Minute, 10 * time.Minute, time.Hour, 26 * time.Hour, 7 * 24 * time.Hour, 29 * 24 * time.Hour} {
		days := []workspace.Daily{
			workspace.Daily{}.Add(milestones(0, 4, workspace.Accepted, time.Second)),
			workspace.Daily{}.Add(milestones(4, 7, workspace.Accepted, waited)),
			workspace.Daily{}.Add(milestones(7, 11, workspace.Accepted, 400*24*time.Hour)),
		}
		got, ok := workspace.MedianWait(days)
		if !ok || got < waited*4/5 || got > waited*6/5 {
			t.Errorf("%v: %v", waited, got)
		}
	}
}
