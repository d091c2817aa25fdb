package main

import (
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"
)

// load is what a run of many calls came to.
type load struct {
	perSecond, p50, p99 float64 // milliseconds
}

// drive makes n calls from so many clients, each of which waits for its answer.
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

// pace makes n calls, perSecond of them a second whatever the answers take, from
// 64 clients at most. It returns the rate that came about.
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
