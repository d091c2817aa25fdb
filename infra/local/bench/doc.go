// Package bench measures the built functions: what each operation consumes of
// the table, and what a thousand invitations take. It holds benchmarks alone;
// `make bench-units` runs them.
//
// It may import infra/blueprint, infra/local and infra/local/capacity.
package bench
