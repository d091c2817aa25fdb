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
	if err := fill(ctx, stack, workspaceID, 0, due, 24*time.Hour); err != nil {
		return err
	}
	if err := fill(ctx, stack, workspaceID, due, due+pending, 10*365*24*time.Hour); err != nil {
		return err
	}
	if _, err := stack.Invoke(ctx, "expire", []byte(`{"now":"2026-01-01T00:00:00Z"}`)); err != nil { // starts the function
		return err
	}
	meter.Take()
	before := childrenCPU(os.Getpid())["expire"]
	began := time.Now()
	if _, err := stack.Invoke(ctx, "expire", []byte(`{}`)); err != nil {
		return err
	}
	took := time.Since(began)
	used := childrenCPU(os.Getpid())["expire"] - before
	units := meter.Take()["expire"]
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

// perWrite is how many users one transaction writes, besides the counts.
const perWrite = 48

// fill writes pending users whose invitations were made at the beginning of 2026,
// as if they had come long ago: no event follows them.
func fill(ctx context.Context, stack *local.Stack, workspaceID string, from, to int, lasts time.Duration) error {
	table := store.FromEnv(stack.Env())
	var group errgroup.Group
	group.SetLimit(4)
	for begin := from; begin < to; begin += perWrite {
		group.Go(func() error {
			st, err := table.Load(ctx, store.Want{Workspace: workspaceID, AllCounts: true})
			if err != nil {
				return err
			}
			var d store.Decision
			for n := begin; n < min(begin+perWrite, to); n++ {
				at := time.Date(2026, 1, 1, 0, 0, n, 0, time.UTC)
				stamp := user.Stamp{ID: fmt.Sprint("evt_", n), Actor: user.ActorSchedule, At: at}
				details := user.Details{Name: fmt.Sprint("Person ", n), Email: fmt.Sprintf("person-%d@corp.com", n), Role: user.EndUser}
				u, err := user.New(stamp, workspaceID, details, user.Inviting{Lasts: lasts}, user.Erased{}, user.Mailbox{}, user.Recipient{})
				if err != nil {
					return err
				}
				u.Last = user.Change{}
				d.Users = append(d.Users, store.UserChange{After: u})
			}
			_, err = store.Decide(ctx, table, st, func(*store.State) (store.Decision, bool, error) { return d, true, nil })
			return err
		})
	}
	return group.Wait()
}
