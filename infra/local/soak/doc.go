// Package soak has the test of mail under failure: SES that answers 500 and
// 429, hangs, and breaks off after it has accepted; functions that are killed; a
// queue that delivers twice and out of order; a table that refuses writes. Each
// person gets at least one mail, none is lost, and every delivery ends true.
//
// `make test` runs it in a short form, `make soak` in a long one.
package soak
