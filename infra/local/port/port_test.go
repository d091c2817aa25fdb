package port_test

import (
	"net"
	"strconv"
	"testing"

	"github.com/latchkey/latchkey/infra/local/port"
)

// A port that the system would give to anybody else in the meantime is no
// choice: it made one run in fifty of the tests fail.
func TestFreePortsAreInARowAndNotTheSystems(t *testing.T) {
	t.Parallel()
	for range 200 {
		first, err := port.Free(3)
		if err != nil {
			t.Fatal(err)
		}
		if first < 10_000 || first+2 > 32_767 {
			t.Fatalf("%d is not in the range", first)
		}
	}
}

func TestATakenPortIsNotFree(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	_, p, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	n, err := strconv.Atoi(p)
	if err != nil {
		t.Fatal(err)
	}
	if port.Taken(n) == nil {
		t.Errorf("somebody listens on %d", n)
	}
}
