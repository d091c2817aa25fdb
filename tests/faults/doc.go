// Package faults lets every call to the table fail, one at a time, in every
// operation of the API and in the functions behind it, and asks of each what a
// person may expect: a right answer, at the latest when they repeat their call,
// and a table whose parts agree.
//
// The operations come from the blueprint: a route without a scenario fails the
// test. The calls of an operation come from a run without a fault, so a call
// that is added is covered without a change here. What must hold in the table
// is the list in tests/invariant.
package faults
