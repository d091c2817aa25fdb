package workspace

import (
	"encoding/binary"
	"hash/fnv"
	"math"
	"slices"
	"time"
)

// Step is a step of an invitation. A new link is another invitation.
type Step int

// The steps.
const (
	Invitations Step = iota
	Delivered
	Bounced
	Accepted
	Declined
	Expired
	Steps // the number of steps
)

// Milestone is one step of one invitation.
type Milestone struct {
	EventID     string
	WorkspaceID string
	At          time.Time
	Step        Step
	Waited      time.Duration // for Accepted: time since the invitation was sent
}

// waitClasses is the number of classes in which times to accept are counted. Class
// n begins at 2^(n/2) minutes, the first at 0, the last at 32 days.
const waitClasses = 32

// seenKept is how many of its milestones a day recognizes if they are delivered
// again. A stream repeats a batch, of at most a hundred records.
const seenKept = 128

const seenBytes = 4 // of a hash of the event's id

// Daily is the statistics of a workspace's invitations on one UTC day.
type Daily struct {
	Date    string // such as 2026-01-31
	Counts  [Steps]int
	Waits   [waitClasses]int // people who accepted, by how long they took
	Seen    []byte           // hashes of the milestones counted last, oldest first
	Version int              // rises with every change
}

// Add counts milestones of the day, except those that it has seen. If nothing
// changes, it returns d itself.
func (d Daily) Add(milestones []Milestone) Daily {
	next := d
	next.Seen = slices.Clone(d.Seen)
	for _, m := range milestones {
		name := seenName(m.EventID)
		if next.saw(name) {
			continue
		}
		next.Seen = append(next.Seen, name...)
		next.Counts[m.Step]++
		if m.Step == Accepted {
			next.Waits[waitClass(m.Waited)]++
		}
	}
	if len(next.Seen) == len(d.Seen) {
		return d
	}
	next.Seen = next.Seen[max(0, len(next.Seen)-seenKept*seenBytes):]
	next.Version++
	return next
}

func (d Daily) saw(name []byte) bool {
	for seen := range slices.Chunk(d.Seen, seenBytes) {
		if slices.Equal(seen, name) {
			return true
		}
	}
	return false
}

func seenName(eventID string) []byte {
	h := fnv.New32a()
	h.Write([]byte(eventID))
	return binary.BigEndian.AppendUint32(nil, h.Sum32())
}

func waitClass(waited time.Duration) int {
	if waited < time.Minute {
		return 0
	}
	return min(int(2*math.Log2(waited.Minutes())), waitClasses-1)
}

// MedianWait returns the median time to accept of the people who accepted on these
// days, to within a fifth; ok is false if nobody accepted.
func MedianWait(days []Daily) (median time.Duration, ok bool) {
	var sum [waitClasses]int
	people := 0
	for _, d := range days {
		for class, n := range d.Waits {
			sum[class] += n
			people += n
		}
	}
	if people == 0 {
		return 0, false
	}
	class, below := 0, sum[0]
	for 2*below < people {
		class++
		below += sum[class]
	}
	middle := math.Exp2((float64(class) + 0.5) / 2) // of the class, in minutes
	return time.Duration(middle * float64(time.Minute)).Round(time.Second), true
}
