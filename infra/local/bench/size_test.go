package bench

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/latchkey/latchkey/infra/local/capacity"
	"github.com/latchkey/latchkey/shared/store"
	"github.com/latchkey/latchkey/shared/user"
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

// BenchmarkListBySize lists 50 of workspaces that differ in size: what a page
// costs does not.
func BenchmarkListBySize(b *testing.B) {
	o, meter := newOffice(b)
	workspaceID := o.path[len("/v1/workspaces/"):]
	filled := 0
	for _, size := range []int{1_000, 10_000, 100_000} {
		o.fill(workspaceID, filled, size)
		filled = size
		o.settle(meter)
		for _, q := range []string{"", "&status=active", "&role=admin", "&sort=oldest", "&q=7777"} {
			b.Run(fmt.Sprintf("%d users/limit=50%s", size, q), func(b *testing.B) {
				var took []float64
				var units capacity.Units
				for b.Loop() {
					began := time.Now()
					o.call(o.admin, "GET", o.path+"/users?limit=50"+q, nil)
					took = append(took, float64(time.Since(began).Microseconds())/1000)
					u := meter.Take()["list"]
					units.Read += u.Read
				}
				b.ReportMetric(units.Read/float64(len(took)), "RCU")
				b.ReportMetric(median(took), "ms-p50")
				b.ReportMetric(0, "ns/op")
			})
		}
	}
}

// perWrite is how many users one transaction writes, besides the counts.
const perWrite = 48

// fill writes users from one number to another, of all statuses and roles, as
// if they had come long ago: no event follows them.
func (o *office) fill(workspaceID string, from, to int) {
	s := store.FromEnv(o.stack.Env())
	var group errgroup.Group
	group.SetLimit(4)
	for begin := from; begin < to; begin += perWrite {
		group.Go(func() error {
			var users []user.User
			for n := begin; n < min(begin+perWrite, to); n++ {
				users = append(users, person(workspaceID, n))
			}
			st, err := s.Load(o.b.Context(), store.Want{Workspace: workspaceID, AllCounts: true})
			if err != nil {
				return err
			}
			var d store.Decision
			for _, u := range users {
				d.Users = append(d.Users, store.UserChange{After: u})
			}
			_, err = store.Decide(o.b.Context(), s, st, func(*store.State) (store.Decision, bool, error) { return d, true, nil })
			return err
		})
	}
	if err := group.Wait(); err != nil {
		o.b.Fatal(err)
	}
}

func person(workspaceID string, n int) user.User {
	at := time.Date(2026, 1, 1, 0, 0, n, 0, time.UTC)
	stamp := user.Stamp{ID: fmt.Sprintf("evt_%d", n), Actor: user.ActorSchedule, At: at}
	details := user.Details{Name: fmt.Sprintf("Person %d", n), Email: fmt.Sprintf("person-%d@corp.com", n), Role: user.Roles()[n%3]}
	u, _ := user.New(stamp, workspaceID, details, user.Inviting{Lasts: 365 * 24 * time.Hour, HasAccount: n%2 == 0}, user.Erased{}, user.Mailbox{}, user.Recipient{}) // no mail: cannot fail
	if n%3 == 0 {
		by := user.Answer{Generation: u.Invitation.Generation, ByLink: true}
		inviter := user.User{Status: user.Active, Role: user.Admin}
		u, _ = u.Accept(stamp, by, user.Guest{Subject: "sub", Email: details.Email}, inviter) // pending, theirs: cannot fail
	}
	if n%30 == 0 {
		u, _ = u.Archive(stamp) // active: cannot fail
	}
	u.Last = user.Change{}
	return u
}
