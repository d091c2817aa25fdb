package local_test

import (
	"net/http"
	"strings"
	"testing"
)

// A body that is too large is refused with 413 at every size: by the function,
// by the gateway where the event would be too large for Lambda, and by the
// gateway's own limit.
func TestATooLargeBodyIsRefusedAtEverySize(t *testing.T) {
	o := newOffice(t)
	for _, kb := range []int{257, 1 << 10, 4 << 10, 5 << 10, 7 << 10, 9 << 10, 11 << 10} {
		for _, kind := range []string{"application/json", "text/csv", "application/octet-stream"} {
			body := strings.Repeat("x", kb<<10)
			a, err := o.admin.wrong().try("POST", o.path+"/users/batch", body, map[string]string{"content-type": kind})
			if err != nil {
				t.Errorf("%d KB of %s: %v", kb, kind, err)
			} else if a.status != http.StatusRequestEntityTooLarge {
				t.Errorf("%d KB of %s: %d %s", kb, kind, a.status, a.body)
			}
		}
	}
}
