package awsenv

import (
	"os"
	"runtime/debug"
)

// garbage is how far the heap may grow between two collections, in percent of
// what is live. A function has about 4 MB live: at Go's 100 percent it collects
// every 30 calls, which takes a fifth of its CPU time. This costs 16 MB of the
// 128 that the smallest function has.
const garbage = 400

// Every program that talks to AWS through this package is a Lambda, or stands in
// for one. GOGC in the environment takes precedence.
func init() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(garbage)
	}
}
