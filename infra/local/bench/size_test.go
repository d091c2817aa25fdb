package bench

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"
)

// BenchmarkTenThousandInvitations invites 10,000 people into one workspace, 500
// a call, one call after the other, while mail and events follow behind.
func BenchmarkTenThousandInvitations(b *testing.B) {
	const total, batch = 10_000, 500
	for b.Loop() {
		o, meter := newOffice(b)
		o.settle(meter)
		began := time.Now()
		for range total / batch {
			o.inviteMany(batch)
		}
		took := time.Since(began)
		b.ReportMetric(took.Seconds(), "s")
		units := meter.Take()["invite"]
		b.ReportMetric(units.Read, "RCU")
		b.ReportMetric(units.Write, "WCU")
		b.ReportMetric(float64(units.Calls), "calls")
		began = time.Now()
		o.drained(total)
		b.ReportMetric((took + time.Since(began)).Seconds(), "s-to-last-mail")
	}
	b.ReportMetric(0, "ns/op")
}

// drained waits until every mail of a workspace was sent.
func (o *office) drained(mails int) {
	for sent := 0; sent < mails; time.Sleep(time.Second) {
		sent = 0
		for cursor := ""; ; {
			page := o.call(o.admin, "GET", o.path+"/users?limit=100"+cursor, nil)
			for _, u := range page["users"].([]any) {
				if in, ok := u.(map[string]any)["invitation"].(map[string]any); ok && in["delivery"] == "sent" {
					sent++
				}
			}
			next, more := page["nextCursor"].(string)
			if !more {
				break
			}
			cursor = "&cursor=" + next
		}
	}
}

// BenchmarkFiveHundredAtOnce sends 500 single invitations into one workspace
// from 50 clients at once, without a seat limit and with one: no item is hot,
// so the limit costs no throughput.
func BenchmarkFiveHundredAtOnce(b *testing.B) {
	for _, limit := range []any{nil, 100_000} {
		b.Run(fmt.Sprintf("seatLimit=%v", limit), func(b *testing.B) {
			for b.Loop() {
				o, meter := newOffice(b)
				o.call(o.admin, "PATCH", o.path, map[string]any{"seatLimit": limit})
				o.settle(meter)
				took := make([]float64, 500)
				var clients errgroup.Group
				clients.SetLimit(50)
				began := time.Now()
				for i := range took {
					clients.Go(func() error {
						began := time.Now()
						o.inviteWith(map[string]any{"sendEmail": false})
						took[i] = float64(time.Since(began).Microseconds()) / 1000
						return nil
					})
				}
				_ = clients.Wait()
				b.ReportMetric(500/time.Since(began).Seconds(), "invitations/s")
				slices.Sort(took)
				b.ReportMetric(took[250], "ms-p50")
				b.ReportMetric(took[495], "ms-p99")
				b.ReportMetric(meter.Take()["invite"].Write/500, "WCU")
			}
			b.ReportMetric(0, "ns/op")
		})
	}
}
