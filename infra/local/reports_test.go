package local

import (
	"log/slog"
	"maps"
	"slices"
	"testing"
)

func TestReportsKeepDurationsUntilTheyAreTaken(t *testing.T) {
	var reports Reports
	log := slog.New(slog.NewJSONHandler(&reports, nil))
	log.Info(report, "function", "invite", "durationMs", 1.5)
	log.Info("event", "function", "invite", "durationMs", 3)
	log.Info(report, "function", "invite", "durationMs", 2)
	if got := reports.Take(); !slices.Equal(slices.Collect(maps.Keys(got)), []string{"invite"}) || !slices.Equal(got["invite"], []float64{1.5, 2}) {
		t.Errorf("taken: %v", got)
	}
	if got := reports.Take(); len(got) != 0 {
		t.Errorf("taken once more: %v", got)
	}
}
