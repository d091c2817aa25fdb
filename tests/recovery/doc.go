// Package recovery makes an operator's mistakes on a running stack, and holds
// what docs/operations.md says of each: a link key that is lost, a metadata key
// that is disabled, a table that is restored to an hour ago, and code that is
// rolled back over newer items.
package recovery
