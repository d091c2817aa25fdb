package store

import (
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/latchkey/latchkey/shared/user"
)

// The schedule asks every shard alike, so none may be much fuller than others.
func TestShardsAreEven(t *testing.T) {
	const n = 32_000
	full := map[string]int{}
	for i := range n {
		full[shard(user.IDFor("ws_1", fmt.Sprintf("user%d@corp.com", i)))]++
	}
	for i := range Shards {
		if got := full[shardName(i)]; got < n/Shards*8/10 || got > n/Shards*12/10 {
			t.Errorf("%s has %d of %d users, where %d would be even", shardName(i), got, n, n/Shards)
		}
	}
	if len(full) != Shards {
		t.Errorf("there are %d shards", len(full))
	}
}

// Times in keys are compared as text.
func TestTimesSortAsText(t *testing.T) {
	instants := rapid.Map(rapid.Int64Range(0, 253_402_300_799_999), time.UnixMilli) // to the year 9999
	rapid.Check(t, func(t *rapid.T) {
		a, b := instants.Draw(t, "a"), instants.Draw(t, "b")
		if (timeText(a) < timeText(b)) != a.Before(b) || (timeText(a) == timeText(b)) != a.Equal(b) {
			t.Fatalf("%s and %s", timeText(a), timeText(b))
		}
		if !parseTime(timeText(a)).Equal(a) {
			t.Fatalf("%v comes back as %v", a, parseTime(timeText(a)))
		}
	})
	if timeText(time.Time{}) != "" || !parseTime("").IsZero() {
		t.Error("no time is not no text")
	}
}

// Behind a position comes everybody who is older, and not the one who stands
// there.
func TestBeforeAPositionIsEverybodyOlder(t *testing.T) {
	positions := rapid.StringMatching(`[0-3]#usr_[0-9a-v]{3}`)
	rapid.Check(t, func(t *rapid.T) {
		a, b := positions.Draw(t, "a"), positions.Draw(t, "b")
		if (b <= before(a)) != (b < a) {
			t.Fatalf("%s is before %s: %v", b, a, b <= before(a))
		}
	})
}
