// Package access tries every operation as every kind of caller, in a workspace
// of their own, in a foreign one and in one that does not exist, on the
// functions' own binaries.
//
// The same calls, with what occurs nowhere else in every field, end in a search
// for it in logs, events, history, queues, refusals and keys (secrets_test.go).
//
// Requests that are generated from openapi.yaml, most of them made wrong, are
// held against the contract (requests_test.go). A failure names its seed, which
// makes the same requests again:
//
//	go test ./tests/access -run TestBadRequests -v -args -requests 1000 -seed 7
//
// What each must be answered stands in matrix.txt, a row for each operation. The
// operations come from the blueprint: a new route fails until its row is
// written, and a request for it in operations_test.go.
package access
