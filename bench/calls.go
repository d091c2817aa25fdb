package main

import (
	"context"
	"fmt"
	"net/http"
)

// measureCalls drives each operation from one client and from sixteen, and
// reports what it took and which process used the CPU.
func measureCalls(ctx context.Context, s *sheet) error {
	o, err := newOffice(ctx)
	if err != nil {
		return err
	}
	defer o.stop()
	if err := o.fill(people); err != nil {
		return err
	}
	return measureWork(o, s)
}

func measureWork(o *office, s *sheet) error {
	for _, clients := range []int{1, 16} {
		n := 200
		if clients > 1 {
			n = 800
		}
		guests := make([]guest, n)
		for _, op := range []struct {
			name, function string
			prepare, call  func(i int) error
		}{
			{"invite", "invite", nil, func(i int) (err error) { guests[i], err = o.invite(); return err }},
			{"accept", "accept", func(i int) (err error) { guests[i].token, err = o.token(guests[i].email); return err },
				func(i int) error { return o.call(guests[i].token, http.MethodPost, guests[i].path+"/accept", nil, nil) }},
			{"list 50 of 10,000", "list", nil, func(int) error { return o.call(o.admin, http.MethodGet, o.path+"/users?limit=50", nil, nil) }},
			{"list 50 requested", "list", nil, func(int) error {
				return o.call(o.admin, http.MethodGet, o.path+"/users?limit=50&status=requested", nil, nil)
			}},
		} {
			if op.prepare != nil {
				if _, err := drive(4, n, op.prepare); err != nil {
					return err
				}
			}
			warm := func(int) error { return o.call(o.admin, http.MethodGet, o.path+"/users/me", nil, nil) }
			if _, err := drive(clients, clients, warm); err != nil {
				return err
			}
			before := o.cpu()
			l, err := drive(clients, n, op.call)
			if err != nil {
				return err
			}
			after := o.cpu()
			row := fmt.Sprintf("%s, %d clients", op.name, clients)
			s.add(row, "a second", l.perSecond)
			s.add(row, "p50 ms", l.p50)
			s.add(row, "p99 ms", l.p99)
			per := func(process string) float64 { return (after[process] - before[process]) / float64(n) }
			s.add(row, "function CPU ms", per(op.function))
			s.add(row, "gateway CPU ms", per("latchkey-local"))
			s.add(row, "DynamoDB Local CPU ms", per("java"))
			s.add(row, "publish CPU ms", per("publish"))
		}
	}
	return nil
}
