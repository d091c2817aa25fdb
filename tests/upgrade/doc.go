// Package upgrade holds the data of earlier releases against the code of this
// one. Its testdata has, for each release, the data folder of a stack that
// served people then, and a description of what was in it; the test starts
// today's stack on that folder and goes on where those people stopped.
//
// After `make build`, this writes the data of the code as it is now:
//
//	go test ./tests/upgrade -run Make -make <release>
package upgrade
