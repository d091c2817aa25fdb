package main

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/latchkey/latchkey/infra/local/capacity"
	"github.com/latchkey/latchkey/shared/user"
)

// growthCalls is the number of calls behind each figure.
const growthCalls = 50

// growth has the numbers of users at which growth is measured, ascending.
var growth = []int{1_000, 10_000, 100_000}

func setGrowth(text string) error {
	growth = nil
	for part := range strings.SplitSeq(text, ",") {
		size, err := strconv.Atoi(part)
		if err != nil {
			return err
		}
		growth = append(growth, size)
	}
	return nil
}

// measureGrowth lets one workspace grow and reports, at each size, the units and
// the latency of what people do in it.
func measureGrowth(ctx context.Context, s *sheet) error {
	stack, o, meter, err := metered(ctx)
	if err != nil {
		return err
	}
	defer stack.Close(ctx)
	workspaceID := strings.TrimPrefix(o.path, "/v1/workspaces/")
	users := 0
	for _, size := range growth {
		if err := fill(ctx, stack, users, size, mixed(workspaceID)); err != nil {
			return err
		}
		users = size
		if err := grown(s, o, meter, size); err != nil {
			return err
		}
		const due, others = 1_000, 10_000_000 // numbers that no size reaches
		if err := fill(ctx, stack, others+users, others+users+due, pendingFor(workspaceID, 24*time.Hour)); err != nil {
			return err
		}
		units, _, err := expire(ctx, stack, meter)
		if err != nil {
			return err
		}
		row := fmt.Sprintf("expire, each of %d due among %d users", due, size)
		s.add(row, "RCU", units.Read/due)
		s.add(row, "WCU", units.Write/due)
	}
	return nil
}

// mixed makes people of every role, of whom a third accepted and a tenth of those
// were archived.
func mixed(workspaceID string) func(n int) (user.User, error) {
	return func(n int) (user.User, error) {
		u, err := invited(workspaceID, n, user.Roles()[n%3], 10*365*24*time.Hour)
		if err == nil && n%3 == 0 {
			by := user.Answer{Generation: u.Invitation.Generation, ByLink: true}
			u, err = u.Accept(stampOf(n), by, user.Guest{Subject: "sub", Email: u.Email}, user.User{Status: user.Active, Role: user.Admin})
		}
		if err == nil && n%30 == 0 {
			u, err = u.Archive(stampOf(n))
		}
		return u, err
	}
}

// grown measures the operations at one size.
func grown(s *sheet, o *office, meter *capacity.Meter, size int) error {
	guests := make([]guest, growthCalls)
	list := func(query string) func(int) error {
		return func(int) error { return o.call(o.admin, http.MethodGet, o.path+"/users?limit=50"+query, nil, nil) }
	}
	for _, op := range []struct {
		name, function string
		prepare, call  func(i int) error
	}{
		{"invite", "invite", nil, func(i int) (err error) { guests[i], err = o.invite(); return err }},
		{"get", "list", nil, func(i int) error { return o.call(o.admin, http.MethodGet, o.path+"/users/"+guests[i].id, nil, nil) }},
		{"accept", "accept",
			func(i int) (err error) { guests[i].token, err = o.token(guests[i].email); return err },
			func(i int) error { return o.call(guests[i].token, http.MethodPost, guests[i].path+"/accept", nil, nil) }},
		{"list 50", "list", nil, list("")},
		{"list 50 of a status", "list", nil, list("&status=active")},
		{"list 50 of a role", "list", nil, list("&role=admin")},
		{"list 50, oldest first", "list", nil, list("&sort=oldest")},
		{"search", "list", nil, list("&q=person%20777")},
		{"search of an address", "list", nil, list("&q=person-777@corp.com")},
		{"archive", "archive", nil, func(i int) error {
			return o.call(o.admin, http.MethodPost, o.path+"/users/"+guests[i].id+"/archive", nil, nil)
		}},
	} {
		for i := range growthCalls {
			if op.prepare == nil {
				break
			}
			if err := op.prepare(i); err != nil {
				return err
			}
		}
		meter.Take()
		l, err := drive(1, growthCalls, op.call)
		if err != nil {
			return err
		}
		units := meter.Take()[op.function]
		row := fmt.Sprintf("%s, %d users", op.name, size)
		s.add(row, "RCU", units.Read/growthCalls)
		s.add(row, "WCU", units.Write/growthCalls)
		s.add(row, "p50 ms", l.p50)
		s.add(row, "p99 ms", l.p99)
	}
	return nil
}
