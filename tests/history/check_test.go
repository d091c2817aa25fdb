package history

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/anishathalye/porcupine"
)

// never is the end of a call that has no answer: it may happen at any time.
const never = math.MaxInt64

// atMost is how long the order of one person's calls is looked for.
const atMost = 30 * time.Second

func check(calls []porcupine.Operation) porcupine.CheckResult {
	return porcupine.CheckOperationsTimeout(model.ToModel(), calls, atMost)
}

// shortest returns a history that is impossible still, and of which no part can
// be left out that easily: it ends with the first answer that cannot be, and has
// none of the calls that changed nothing and are not needed for that.
func shortest(calls []porcupine.Operation) []porcupine.Operation {
	ends := slices.SortedFunc(slices.Values(calls), func(a, b porcupine.Operation) int { return int(a.Return - b.Return) })
	for _, last := range ends {
		if begun := until(calls, last.Return); check(begun) == porcupine.Illegal {
			calls = begun
			break
		}
	}
	for i := len(calls) - 1; i >= 0; i-- {
		if !harmless(calls[i]) {
			continue
		}
		if fewer := slices.Delete(slices.Clone(calls), i, i+1); check(fewer) == porcupine.Illegal {
			calls = fewer
		}
	}
	return calls
}

// until returns the history as it was known at an instant: a call that had no
// answer by then may have happened.
func until(calls []porcupine.Operation, at int64) (begun []porcupine.Operation) {
	for _, c := range calls {
		switch {
		case c.Call > at:
			continue
		case c.Return > at:
			c.Return, c.Output = never, output{Lost: true}
		}
		begun = append(begun, c)
	}
	return begun
}

// harmless reports whether the call can be left out: what it shows only narrows
// what can have happened, and nothing else rests on it.
func harmless(c porcupine.Operation) bool {
	in, out := c.Input.(input), c.Output.(output)
	return !out.Lost && in.Act != sweep && (in.Act == get || in.Act == getLink || out.Code != "" || out.Replay)
}

// describe writes a history, a call a line, in the order of their beginnings.
func describe(calls []porcupine.Operation) string {
	var lines strings.Builder
	for _, c := range slices.SortedFunc(slices.Values(calls), func(a, b porcupine.Operation) int { return int(a.Call - b.Call) }) {
		end := "        "
		if c.Return != never {
			end = fmt.Sprintf("%8.3f", time.Duration(c.Return).Seconds())
		}
		fmt.Fprintf(&lines, "\t%8.3f-%s s  client %2d  %v: %v\n", time.Duration(c.Call).Seconds(), end, c.ClientId, c.Input, c.Output)
	}
	return lines.String()
}
