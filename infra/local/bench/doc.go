// Package bench measures the built functions: how long they take from start to
// their first request for work, beside a Lambda that does nothing, what each
// operation consumes of the table, and what a thousand invitations take. It
// holds benchmarks alone; `make bench` runs them.
//
// It may import infra/blueprint, infra/local and infra/local/capacity.
package bench
