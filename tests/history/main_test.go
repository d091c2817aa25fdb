package history

import (
	"io"
	"log"
	"os"
	"testing"
)

// TestMain silences the proxies before the table, which log every call that is
// broken off on purpose.
func TestMain(m *testing.M) {
	log.SetOutput(io.Discard)
	os.Exit(m.Run())
}
