package main

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
)

// callsOf is the number of calls by the number of clients.
var callsOf = map[int]int{1: 200, 16: 800}

// measureCalls drives each operation from one client and from sixteen, on
// Latchkey and the rival in turns, and reports throughput, latency, and the CPU
// time of each process.
func measureCalls(ctx context.Context, s *sheet) error {
	o, err := newOffice(ctx)
	if err != nil {
		return err
	}
	defer o.stop()
	if err := o.fill(people); err != nil {
		return err
	}
	r, err := theRival(ctx)
	if err != nil {
		return err
	}
	if r != nil {
		defer r.stop()
	}
	first := 0 // of the rival's guests
	for _, clients := range []int{1, 16} {
		if err := compare(s, o, r, clients, first); err != nil {
			return err
		}
		first += callsOf[clients]
	}
	return nil
}

// theRival starts the rival; it returns nil if the rival is not installed.
func theRival(ctx context.Context) (*rival, error) {
	if _, err := os.Stat(filepath.Join(rivalDir, "node_modules")); err != nil {
		fmt.Fprintln(os.Stderr, "the rival is not installed: run make bench")
		return nil, nil
	}
	return newRival(ctx, people, callsOf[1]+callsOf[16])
}

func compare(s *sheet, o *office, r *rival, clients, first int) error {
	n := callsOf[clients]
	guests := make([]guest, n)
	list := func(query string) func(int) error {
		return func(int) error { return o.call(o.admin, http.MethodGet, o.path+"/users?limit=50"+query, nil, nil) }
	}
	for _, op := range []struct {
		name, function string
		prepare, call  func(i int) error
		rival          func(r *rival, i int) error // nil if it has no such operation
	}{
		{"invite", "invite", nil,
			func(i int) (err error) { guests[i], err = o.invite(); return err },
			func(r *rival, i int) error { return r.invite(first + i) }},
		{"accept", "accept",
			func(i int) (err error) { guests[i].token, err = o.token(guests[i].email); return err },
			func(i int) error { return o.call(guests[i].token, http.MethodPost, guests[i].path+"/accept", nil, nil) },
			func(r *rival, i int) error { return r.accept(first + i) }},
		{"list 50", "list", nil, list(""), (*rival).list},
		{"list 50 of one status", "list", nil, list("&status=requested"), nil},
	} {
		if op.prepare != nil {
			if _, err := drive(4, n, op.prepare); err != nil {
				return err
			}
		}
		row := fmt.Sprintf("%s, %d clients", op.name, clients)
		used, err := measureOne(s, row, o.server, clients, n, op.call)
		if err != nil {
			return err
		}
		s.add(row, "function, CPU ms", used[op.function])
		s.add(row, "gateway", used["latchkey"])
		s.add(row, "DynamoDB Local", used["java"])
		s.add(row, "publish", used["publish"])
		if r == nil || op.rival == nil {
			continue
		}
		row += ": better-auth"
		used, err = measureOne(s, row, r.server, clients, n, func(i int) error { return op.rival(r, i) })
		if err != nil {
			return err
		}
		s.add(row, "function, CPU ms", used["node"])
	}
	return nil
}

// measureOne drives one operation and returns the CPU time of a call in
// milliseconds, by process.
func measureOne(s *sheet, row string, of *server, clients, n int, call func(i int) error) (map[string]float64, error) {
	before := of.cpu()
	l, err := drive(clients, n, call)
	if err != nil {
		return nil, err
	}
	s.add(row, "a second", l.perSecond)
	s.add(row, "p50 ms", l.p50)
	s.add(row, "p99 ms", l.p99)
	used := of.cpu()
	for process := range used {
		used[process] = (used[process] - before[process]) / float64(n)
	}
	return used, nil
}
