package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/latchkey/latchkey/infra/blueprint"
	"github.com/latchkey/latchkey/infra/local"
	"github.com/latchkey/latchkey/infra/local/capacity"
	"github.com/latchkey/latchkey/shared/setting"
	"github.com/latchkey/latchkey/shared/store"
	"github.com/latchkey/latchkey/shared/user"
)

// startStack starts a stack within this process, for what cannot be seen from
// outside.
func startStack(ctx context.Context, cfg local.Config) (*local.Stack, *office, error) {
	root, err := os.Getwd()
	if err != nil {
		return nil, nil, err
	}
	const enough = "100000"
	cfg.Settings = map[setting.Definition]string{setting.MailsPerInviter: enough, setting.MailsPerNewWorkspace: enough}
	cfg.Root, cfg.Functions = root, filepath.Join(root, "build", "local")
	if cfg.Log == nil {
		cfg.Log = io.Discard
	}
	stack, err := local.Start(ctx, cfg)
	if err != nil {
		return nil, nil, err
	}
	o := &office{server: &server{url: stack.URL}}
	if err := o.open(); err != nil {
		_ = stack.Close(ctx)
		return nil, nil, err
	}
	return stack, o, nil
}

// metered starts a stack whose functions reach the table through a unit counter.
func metered(ctx context.Context) (stack *local.Stack, o *office, meter *capacity.Meter, err error) {
	stack, o, err = startStack(ctx, local.Config{Meter: func(table string) (func(string) http.Handler, error) {
		var err error
		meter, err = capacity.New(table, blueprint.TheTable())
		return func(function string) http.Handler { return meter.For(function) }, err
	}})
	return stack, o, meter, err
}

// measurePartitions invites 500 people at once and reports what that writes in
// the partitions that take most.
func measurePartitions(ctx context.Context, s *sheet) error {
	const n = 500
	stack, o, meter, err := metered(ctx)
	if err != nil {
		return err
	}
	defer stack.Close(ctx)
	for _, way := range []struct {
		row string
		run func() error
	}{
		{"one call of 500", func() error { return o.fill(n) }},
		{"500 calls of one, 16 clients", func() error {
			_, err := drive(16, n, func(int) error { _, err := o.invite(); return err })
			return err
		}},
	} {
		meter.Take()
		if err := way.run(); err != nil {
			return err
		}
		units := meter.Take()["invite"]
		most := busiest(units)
		s.add(way.row, "together", units.Write)
		for _, kind := range []string{"the workspace", "byStatus of the workspace", "a shard of byDue", "the inviter's day", "a mailbox"} {
			s.add(way.row, kind, most[kind])
		}
	}
	return nil
}

// busiest returns the write units of the busiest partition of each kind.
func busiest(units capacity.Units) map[string]float64 {
	most := map[string]float64{}
	for key, written := range units.Partitions {
		kind := kindOf(key)
		most[kind] = max(most[kind], written)
	}
	return most
}

// kindOf names what a partition key is of.
func kindOf(key string) string {
	for prefix, kind := range map[string]string{
		"WS#": "the workspace", "byStatus ": "byStatus of the workspace", "byDue ": "a shard of byDue",
		"INVITER#": "the inviter's day", "RECIPIENT#": "a mailbox", "byEmail ": "byEmail",
	} {
		if strings.HasPrefix(key, prefix) {
			return kind
		}
	}
	return key
}

// measureExpire lets a run of the schedule find due invitations among others.
func measureExpire(ctx context.Context, s *sheet) error {
	const due, pending = 1000, 5000
	stack, o, meter, err := metered(ctx)
	if err != nil {
		return err
	}
	defer stack.Close(ctx)
	workspaceID := strings.TrimPrefix(o.path, "/v1/workspaces/")
	if err := fill(ctx, stack, 0, due, pendingFor(workspaceID, 24*time.Hour)); err != nil {
		return err
	}
	if err := fill(ctx, stack, due, due+pending, pendingFor(workspaceID, 10*365*24*time.Hour)); err != nil {
		return err
	}
	before := childrenCPU(os.Getpid())["expire"]
	units, took, err := expire(ctx, stack, meter)
	if err != nil {
		return err
	}
	used := childrenCPU(os.Getpid())["expire"] - before
	most := busiest(units)
	row := fmt.Sprintf("%d due, %d not", due, pending)
	s.add(row, "WCU each", units.Write/due)
	s.add(row, "of them in the workspace", most["the workspace"]/due)
	s.add(row, "in byStatus of the workspace", most["byStatus of the workspace"]/due)
	s.add(row, "RCU each", units.Read/due)
	s.add(row, "calls each", float64(units.Calls)/due)
	s.add(row, "function CPU ms each", used/due)
	s.add(row, "a second here", due/took.Seconds())
	return nil
}

// expire runs the schedule once, on a function that is warm.
func expire(ctx context.Context, stack *local.Stack, meter *capacity.Meter) (capacity.Units, time.Duration, error) {
	if _, err := stack.Invoke(ctx, "expire", []byte(`{"now":"2026-01-01T00:00:00Z"}`)); err != nil { // starts the function
		return capacity.Units{}, 0, err
	}
	meter.Take()
	began := time.Now()
	_, err := stack.Invoke(ctx, "expire", []byte(`{}`))
	return meter.Take()["expire"], time.Since(began), err
}

// perWrite is how many users one transaction writes, besides the counts.
const perWrite = 48

// fill writes the users from one number to another. No event follows them.
func fill(ctx context.Context, stack *local.Stack, from, to int, person func(n int) (user.User, error)) error {
	table := store.FromEnv(stack.Env())
	var group errgroup.Group
	group.SetLimit(4)
	for begin := from; begin < to; begin += perWrite {
		group.Go(func() error {
			var d store.Decision
			for n := begin; n < min(begin+perWrite, to); n++ {
				u, err := person(n)
				if err != nil {
					return err
				}
				u.Last = user.Change{} // as if it had been long ago
				d.Users = append(d.Users, store.UserChange{After: u})
			}
			st, err := table.Load(ctx, store.Want{Workspace: d.Users[0].After.WorkspaceID, AllCounts: true})
			if err != nil {
				return err
			}
			_, err = store.Decide(ctx, table, st, func(*store.State) (store.Decision, bool, error) { return d, true, nil })
			return err
		})
	}
	return group.Wait()
}

// pendingFor makes people who were invited at the beginning of 2026.
func pendingFor(workspaceID string, lasts time.Duration) func(n int) (user.User, error) {
	return func(n int) (user.User, error) { return invited(workspaceID, n, user.EndUser, lasts) }
}

func invited(workspaceID string, n int, role user.Role, lasts time.Duration) (user.User, error) {
	details := user.Details{Name: fmt.Sprint("Person ", n), Email: fmt.Sprintf("person-%d@corp.com", n), Role: role}
	return user.New(stampOf(n), workspaceID, details, user.Inviting{Lasts: lasts}, user.Erased{}, user.Mailbox{}, user.Recipient{})
}

func stampOf(n int) user.Stamp {
	return user.Stamp{ID: fmt.Sprint("evt_", n), Actor: user.ActorSchedule, At: time.Date(2026, 1, 1, 0, 0, n, 0, time.UTC)}
}
