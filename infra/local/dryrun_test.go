package local_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
)

// A dry run says what would be, and leaves no trace.
func TestDryRunWritesNothing(t *testing.T) {
	o := newOffice(t)
	there := o.invite(map[string]any{"sendEmail": false})
	rows := quiet(4)
	rows = append(rows, map[string]any{"name": "There", "email": there.Email, "role": "builder"}, map[string]any{"name": "Bad"})
	delete(rows[0], "sendEmail")
	want[any](t, o.admin.send("PATCH", o.path, map[string]any{"seatLimit": 5}, nil), http.StatusOK)
	eventually(t, func() error { // what was written before has come through
		if got := historyTypes(t, o.id); len(got) != 3 {
			return fmt.Errorf("history %v", got)
		}
		if !slices.Contains(itemTexts(t, "HISTORY#"+o.id), "entity=statistics") {
			return fmt.Errorf("no statistics")
		}
		return nil
	})
	held := func() []string {
		texts := slices.Concat(itemTexts(t, "WS#"+o.id), itemTexts(t, "HISTORY#"+o.id))
		slices.Sort(texts)
		// The statistics may still be counting what came before.
		return slices.DeleteFunc(texts, func(text string) bool { return strings.HasPrefix(text, "seen=") })
	}
	before := held()
	key := map[string]string{"Idempotency-Key": unique()}
	body := map[string]any{"users": rows}
	foreseen := o.admin.wrong().batch(o.path+"/users/batch?dryRun=true", body, key)
	expected := []string{"created", "created", "created", "failed: seat_limit_reached", "exists", "failed: /email required, /role required"}
	equal(t, "foreseen", foreseen.said(), expected)
	if !foreseen.DryRun {
		t.Error("the answer does not say that it was a dry run")
	}
	for i, r := range foreseen.Results {
		if (r.User != nil) != (r.Outcome == "exists") {
			t.Errorf("row %d, %s, has the user %+v", i+1, r.Outcome, r.User)
		}
	}
	equal(t, "what the table holds", held(), before)
	// What was foreseen comes true, under the same key: it was not used up.
	equal(t, "done", o.admin.wrong().batch(o.path+"/users/batch", body, key).said(), expected)
	inbox(t, rows[0]["email"].(string), 1) // and no second mail from the dry run
}

// A dry run knows how many mails would have to wait.
func TestDryRunForeseesTheMailLimits(t *testing.T) {
	awayFromMidnight()
	o := newOffice(t)
	o.mailed(100, 198)
	rows := loud(5)
	body := map[string]any{"users": rows}
	expected := slices.Repeat([]string{"created"}, 5)
	foreseen := o.admin.batch(o.path+"/users/batch?dryRun=true", body, nil)
	equal(t, "foreseen", foreseen.said(), expected)
	if total, mine := o.mails(); foreseen.Scheduled != 3 || total != 100 || mine != 198 {
		t.Errorf("%d mails would wait; after a dry run, %d and %d are counted", foreseen.Scheduled, total, mine)
	}
	done := o.admin.batch(o.path+"/users/batch", body, nil)
	equal(t, "done", done.said(), expected)
	if done.Scheduled != 3 {
		t.Errorf("%d mails wait", done.Scheduled)
	}
}

// A dry run knows of seats that the clock has freed, though nobody has
// persisted that yet.
func TestDryRunForeseesFreedSeats(t *testing.T) {
	o := newOffice(t)
	late := o.invite(map[string]any{"sendEmail": false})
	want[any](t, o.admin.send("PATCH", o.path, map[string]any{"seatLimit": 2}, nil), http.StatusOK)
	body := map[string]any{"users": quiet(1)}
	equal(t, "while both seats are taken", o.admin.batch(o.path+"/users/batch?dryRun=true", body, nil).said(), []string{"failed: seat_limit_reached"})
	o.wait(late.ID, 8*24*time.Hour)
	equal(t, "foreseen", o.admin.batch(o.path+"/users/batch?dryRun=true", body, nil).said(), []string{"created"})
	equal(t, "done", o.admin.batch(o.path+"/users/batch", body, nil).said(), []string{"created"})
}
