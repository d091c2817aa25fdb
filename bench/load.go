package main

import (
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"
)

// load is the throughput and latency of a run of calls.
type load struct {
	perSecond float64
	p50, p99  float64 // milliseconds
}

// drive makes n calls from concurrent clients. Each client waits for an answer
// before it makes its next call.
func drive(clients, n int, call func(i int) error) (load, error) {
	took := make([]float64, n)
	var next atomic.Int64
	var group errgroup.Group
	began := time.Now()
	for range clients {
		group.Go(func() error {
			for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
				began := time.Now()
				if err := call(i); err != nil {
					return err
				}
				took[i] = time.Since(began).Seconds() * 1000
			}
			return nil
		})
	}
	err := group.Wait()
	return load{float64(n) / time.Since(began).Seconds(), percentile(took, 50), percentile(took, 99)}, err
}

// pace makes n calls at a fixed rate, without waiting for answers while fewer
// than 64 calls are under way. It returns the rate that it reached.
func pace(perSecond, n int, call func(i int) error) (float64, error) {
	var group errgroup.Group
	group.SetLimit(64)
	began := time.Now()
	for i := range n {
		time.Sleep(time.Until(began.Add(time.Duration(i) * time.Second / time.Duration(perSecond))))
		group.Go(func() error { return call(i) })
	}
	err := group.Wait()
	return float64(n) / time.Since(began).Seconds(), err
}
