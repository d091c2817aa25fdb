package latchkey_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/latchkey/latchkey/infra/blueprint"
)

// List prices in USD, us-east-1, arm64, without free tiers, as of August 2026.
// docs/cost.md tells readers to check them: they are AWS's to change.
const (
	perRequest       = 1.00 / 1e6 // HTTP API
	perRun           = 0.20 / 1e6 // Lambda
	perGBSecond      = 0.0000133334
	perReadUnit      = 0.125 / 1e6 // DynamoDB, on demand
	perWriteUnit     = 0.625 / 1e6
	perEvent         = 1.00 / 1e6 // EventBridge, custom event
	perQueueRequest  = 0.40 / 1e6 // SQS
	perNotice        = 0.50 / 1e6 // SNS
	perMail          = 0.10 / 1e3 // SES
	perLogGB         = 0.50       // CloudWatch
	queueRequests    = 3          // a message is sent, received and deleted
	costPage         = "../../docs/cost.md"
	measurementsFile = "testdata/measured.json"
	costBegin        = "<!-- costs: written by go test ./infra/cloud -run TestCost -update -->\n"
	costEnd          = "<!-- end of costs -->\n"
)

// measurement is one step of 1,000 invitations, invited, accepted and listed.
// Ms, ReadUnits and WriteUnits are of one run; nil has not been measured.
type measurement struct {
	Step       string
	Function   string
	Times      *float64 // runs for 1,000 invitations
	Ms         *float64 // billed duration of a warm run
	ReadUnits  *float64
	WriteUnits *float64
}

// TestCost keeps the table in docs/cost.md true to the measurements.
func TestCost(t *testing.T) {
	raw, err := os.ReadFile(measurementsFile)
	if err != nil {
		t.Fatal(err)
	}
	var steps []measurement
	if err := json.Unmarshal(raw, &steps); err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile(costPage)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok := strings.Cut(string(page), costBegin)
	_, after, ok2 := strings.Cut(rest, costEnd)
	if !ok || !ok2 {
		t.Fatalf("%s has no place for the costs", costPage)
	}
	want := []byte(before + costBegin + costs(t, steps) + costEnd + after)
	if *update {
		if err := os.WriteFile(costPage, want, 0o644); err != nil {
			t.Fatal(err)
		}
	} else if !bytes.Equal(page, want) {
		t.Errorf("%s is not what %s comes to; write it anew with: go test ./infra/cloud -run TestCost -update", costPage, measurementsFile)
	}
}

// TestAlarmCost counts what CloudWatch charges for, the metrics of the alarms,
// and what an idle month comes to with it.
func TestAlarmCost(t *testing.T) {
	metrics := 0
	alarms := standard(t).of("AWS::CloudWatch::Alarm")
	for _, a := range alarms {
		parts, math := a.Properties["Metrics"].([]any)
		if !math {
			metrics++
			continue
		}
		for _, part := range parts {
			if part.(map[string]any)["MetricStat"] != nil {
				metrics++
			}
		}
	}
	page, err := os.ReadFile(costPage)
	if err != nil {
		t.Fatal(err)
	}
	// CloudWatch, KMS, what Lambda asks the queues beyond the free million, and
	// the reads of expire: an idle month with the free tiers of every account.
	const key, freeMetrics, polls, expire = 1.00, 10, 0.314 * 0.40, 0.0088
	idle := key + 0.10*float64(metrics-freeMetrics) + polls + expire
	if idle >= 2 {
		t.Errorf("an idle month is %.2f USD, and has to stay below 2.00", idle)
	}
	for _, want := range []string{
		fmt.Sprintf("%d metrics × 0.10 (%d alarms, ", metrics, len(alarms)),
		fmt.Sprintf("| %.4f |", 0.10*float64(metrics)),
		fmt.Sprintf("about **%.2f**", idle),
	} {
		if !strings.Contains(string(page), want) {
			t.Errorf("%s does not say %q", costPage, want)
		}
	}
}

func costs(t *testing.T, steps []measurement) string {
	var out strings.Builder
	out.WriteString("\n| step | runs | ms | read units | write units | USD |\n|---|---:|---:|---:|---:|---:|\n")
	total, durations, missing := 0.0, 0.0, false
	line := func(name string, cost float64) {
		total += cost
		fmt.Fprintf(&out, "| %s | | | | | %.4f |\n", name, cost)
	}
	for _, s := range steps {
		f, ok := blueprint.FunctionNamed(s.Function)
		if !ok {
			t.Errorf("%s: %s is no function", measurementsFile, s.Function)
		}
		price := "not measured"
		if s.Times == nil || s.Ms == nil || s.ReadUnits == nil || s.WriteUnits == nil {
			missing = true
		} else {
			duration := *s.Ms / 1e3 * float64(f.MemoryMB) / 1024 * perGBSecond
			durations += *s.Times * duration
			one := perRun + duration + *s.ReadUnits*perReadUnit + *s.WriteUnits*perWriteUnit
			if len(f.Routes) > 0 {
				one += perRequest
			}
			total += *s.Times * one
			price = fmt.Sprintf("%.4f", *s.Times*one)
		}
		fmt.Fprintf(&out, "| %s (`%s`) | %s | %s | %s | %s | %s |\n", s.Step, s.Function, figure(s.Times), figure(s.Ms), figure(s.ReadUnits), figure(s.WriteUnits), price)
	}
	line("4,790 events on the bus: invited, mail sent, mail delivered, account recorded, accepted; some changes arrive as one", 4790*perEvent)
	line("3,000 preflight requests of browsers, at most", 3000*perRequest)
	line("15 MB of logs", 0.015*perLogGB)
	line("1,000 messages to the mail queue", 1000*queueRequests*perQueueRequest)
	line("1,000 mails", 1000*perMail)
	line("1,000 notices of mail delivered, over the topic to their queue", 1000*(perNotice+queueRequests*perQueueRequest))
	sum := fmt.Sprintf("%.4f", total)
	if missing {
		sum = "not measured"
	}
	fmt.Fprintf(&out, "| **together** | | | | | **%s** |\n\nAll durations together are %.4f of it.\n\n", sum, durations)
	return out.String()
}

func figure(v *float64) string {
	if v == nil {
		return "not measured"
	}
	return strings.TrimSuffix(strings.TrimRight(fmt.Sprintf("%.2f", *v), "0"), ".")
}
