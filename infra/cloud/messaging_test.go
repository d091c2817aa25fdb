package latchkey_test

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/latchkey/latchkey/infra/blueprint"
)

// TestMail checks that nobody is tracked and that notices find their queue.
func TestMail(t *testing.T) {
	made := standard(t)
	for id, r := range made.of("AWS::SES::ConfigurationSetEventDestination") {
		kinds := many(r.Properties["EventDestination"].(map[string]any)["MatchingEventTypes"])
		if slices.Contains(kinds, "OPEN") || slices.Contains(kinds, "CLICK") {
			t.Errorf("%s tracks what people open: %v", id, kinds)
		}
	}
	for _, r := range made.of("AWS::SES::ConfigurationSet") {
		if text(r.Properties["SuppressionOptions"]) != `{"SuppressedReasons":["BOUNCE","COMPLAINT"]}` || r.Properties["TrackingOptions"] != nil {
			t.Errorf("configuration set: %s", text(r.Properties))
		}
	}
	for _, r := range made.of("AWS::SNS::Subscription") {
		if r.Properties["Protocol"] == "email" { // of alarms
			continue
		}
		if !strings.Contains(text(r.Properties["Endpoint"]), "LatchkeyQueuefeedback") || r.Properties["RedrivePolicy"] == nil {
			t.Errorf("notices go to %s", text(r.Properties))
		}
	}
}

// TestQueues compares the queues with the blueprint's.
func TestQueues(t *testing.T) {
	made := map[string]resource{}
	for _, q := range standard(t).of("AWS::SQS::Queue") {
		made[strings.TrimPrefix(q.Properties["QueueName"].(string), "latchkey-")] = q
	}
	for _, q := range blueprint.Queues() {
		r, ok := made[q.Name]
		if !ok {
			t.Errorf("queue %s is not in the template", q.Name)
			continue
		}
		if q.DeadLetter != "" && !strings.Contains(text(r.Properties["RedrivePolicy"]), "LatchkeyQueue"+strings.ReplaceAll(q.DeadLetter, "-", "")) {
			t.Errorf("queue %s: redrive %s", q.Name, text(r.Properties["RedrivePolicy"]))
		}
		if r.Properties["SqsManagedSseEnabled"] != true || r.Properties["MessageRetentionPeriod"] != q.Retention.Seconds() {
			t.Errorf("queue %s: %s", q.Name, text(r.Properties))
		}
	}
}

// TestRunbook finds an entry for each alarm in docs/operations.md, and no
// entry for an alarm that is not there.
func TestRunbook(t *testing.T) {
	page, err := os.ReadFile("../../docs/operations.md")
	if err != nil {
		t.Fatal(err)
	}
	entries := map[string]bool{}
	for _, m := range regexp.MustCompile(`(?m)^### (\S+)$`).FindAllStringSubmatch(string(page), -1) {
		entries[m[1]] = true
	}
	for _, alarm := range standard(t).of("AWS::CloudWatch::Alarm") {
		name := strings.TrimPrefix(alarm.Properties["AlarmName"].(string), "latchkey-")
		if !entries[name] {
			t.Errorf("docs/operations.md has no entry ### %s", name)
		}
		delete(entries, name)
	}
	for name := range entries {
		t.Errorf("docs/operations.md has an entry for %s, which is no alarm", name)
	}
}
