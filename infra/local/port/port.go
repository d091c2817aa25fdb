// Package port chooses TCP ports for programs that need one as a setting.
package port

import (
	"fmt"
	"math/rand/v2"
	"net"
	"strconv"
)

// The range is below the ephemeral ports of operating systems, so no other
// program is assigned a port between its choice and its use.
// https://www.rfc-editor.org/rfc/rfc6335#section-6 (macOS, Windows: from
// 49152), https://docs.kernel.org/networking/ip-sysctl.html (Linux: from 32768)
const (
	first = 10_000
	last  = 32_767
)

// Free returns the first of n consecutive ports of 127.0.0.1 on which nobody
// listens.
func Free(n int) (int, error) {
	for range 1000 {
		p := first + rand.IntN(last-first-n+2)
		if inRow(p, n) {
			return p, nil
		}
	}
	return 0, fmt.Errorf("there are no %d free ports in a row from %d to %d", n, first, last)
}

func inRow(from, n int) bool {
	for p := from; p < from+n; p++ {
		if Taken(p) != nil {
			return false
		}
	}
	return true
}

// Taken returns an error if somebody listens on a port of 127.0.0.1.
func Taken(p int) error {
	l, err := net.Listen("tcp", "127.0.0.1:"+strconv.Itoa(p))
	if err != nil {
		return err
	}
	return l.Close()
}
