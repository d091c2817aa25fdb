package history

import (
	"slices"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"
)

// history makes calls that follow one another, a second each.
type history []porcupine.Operation

func (h history) then(in input, out output) history {
	at := int64(len(h)) * 2
	c := porcupine.Operation{Input: in, Output: out, Call: at, Return: at + 1}
	if out.Lost {
		c.Return = never
	}
	return append(slices.Clone(h), c)
}

// meanwhile is then for a call that began before the one before it had ended.
func (h history) meanwhile(in input, out output) history {
	h = h.then(in, out)
	h[len(h)-1].Call = h[len(h)-2].Call
	return h
}

var (
	gone    = output{Code: "user_not_found"}
	dead    = output{Code: "invitation_not_found"}
	refused = output{Code: "status_conflict"}
	lost    = output{Lost: true}
)

func is(status string, version, gen int) output {
	return output{Status: status, Version: version, Gen: gen}
}

var (
	john     = input{Act: invite, Name: "John", Role: "builder"}
	invited  = history{}.then(john, is("requested", 10, 100))
	resent   = invited.then(input{Act: resend}, is("requested", 11, 101))
	accepted = resent.then(input{Act: accept, Gen: 101}, is("active", 12, 0))
	archived = accepted.then(input{Act: archive}, is("archived", 13, 0))
	erased   = archived.then(input{Act: erase}, output{})
	keyed    = history{}.then(input{Act: invite, Key: "k"}, lost)
)

// TestTheCheckerAcceptsWhatCanHappen shows histories that are odd, and possible.
func TestTheCheckerAcceptsWhatCanHappen(t *testing.T) {
	for name, h := range map[string]history{
		"a life":                             erased.then(john, is("requested", 15, 102)),
		"an old link is dead":                resent.then(input{Act: accept, Gen: 100}, dead),
		"a second accept":                    accepted.then(input{Act: accept, Gen: 101}, refused),
		"the wrong person":                   resent.then(input{Act: accept, Gen: 101, Wrong: true}, output{Code: "recipient_mismatch"}),
		"a lost call that happened":          history{}.then(john, lost).then(input{Act: get}, is("requested", 10, 0)),
		"a lost call that did not":           history{}.then(john, lost).then(input{Act: get}, gone),
		"a lost call that happens late":      history{}.then(john, lost).then(input{Act: get}, gone).then(input{Act: get}, is("requested", 10, 0)),
		"a key that is used again":           keyed.then(input{Act: invite, Key: "k"}, output{Replay: true}),
		"one of two accepts wins":            resent.then(input{Act: accept, Gen: 101}, refused).meanwhile(input{Act: accept, Gen: 101}, is("active", 12, 0)),
		"the schedule ends it, or not":       history{}.then(input{Act: invite, Short: true}, is("requested", 10, 100)).then(input{Act: sweep}, output{}).then(input{Act: get}, is("expired", 11, 0)),
		"restored to what they were":         archived.then(input{Act: restore}, is("active", 14, 0)),
		"restored anew":                      archived.then(input{Act: restore, Reinvite: true}, is("invited", 14, 103)),
		"a version that nobody asked for":    accepted.then(input{Act: get}, is("active", 17, 0)).then(input{Act: update, Match: 12, Name: "J"}, output{Code: "version_mismatch"}),
		"a link that was never seen is read": history{}.then(john, lost).then(input{Act: getLink}, is("requested", 10, 100)).then(input{Act: accept, Gen: 100}, is("active", 11, 0)),
	} {
		if check(h) != porcupine.Ok {
			t.Errorf("%s is refused:\n%s", name, describe(h))
		}
	}
}

// TestTheCheckerRefusesWhatCannotHappen feeds it forged histories, each with one
// violation at its end.
func TestTheCheckerRefusesWhatCannotHappen(t *testing.T) {
	for name, h := range map[string]history{
		"two records for one email":        invited.then(john, is("requested", 11, 101)),
		"a superseded link works":          resent.then(input{Act: accept, Gen: 100}, is("active", 12, 0)),
		"a superseded link declines":       resent.then(input{Act: decline, Gen: 100}, is("declined", 12, 0)),
		"an accepted link works again":     accepted.then(input{Act: accept, Gen: 101}, is("active", 13, 0)),
		"an archived person's link works":  archived.then(input{Act: accept, Gen: 101}, is("active", 14, 0)),
		"an erased person's link works":    erased.then(input{Act: accept, Gen: 101}, is("active", 15, 0)),
		"the wrong person is in":           resent.then(input{Act: accept, Gen: 101, Wrong: true}, is("active", 12, 0)),
		"an admin without the link":        history{}.then(input{Act: invite, Role: "admin"}, is("requested", 10, 100)).then(input{Act: accept, Own: true}, is("active", 11, 0)),
		"two accepts win":                  resent.then(input{Act: accept, Gen: 101}, is("active", 12, 0)).meanwhile(input{Act: accept, Gen: 101}, is("active", 12, 0)),
		"a member is resent":               accepted.then(input{Act: resend}, is("invited", 13, 102)),
		"somebody leaves who was invited":  invited.then(input{Act: leave}, output{}),
		"a member is not there":            accepted.then(input{Act: leave}, output{Code: "workspace_not_found"}),
		"a member is erased":               accepted.then(input{Act: erase}, output{}),
		"a declined invitation is taken":   invited.then(input{Act: decline, Gen: 100}, output{Status: "declined"}).then(input{Act: accept, Gen: 100}, is("active", 12, 0)),
		"an expired invitation is taken":   history{}.then(input{Act: invite, Short: true}, is("requested", 10, 100)).then(input{Act: sweep}, output{}).then(input{Act: get}, is("expired", 11, 0)).then(input{Act: accept, Gen: 100}, is("active", 12, 0)),
		"nobody's invitation expires":      invited.then(input{Act: sweep}, output{}).then(input{Act: get}, is("expired", 11, 0)),
		"a done call is undone":            archived.then(input{Act: get}, is("active", 13, 0)),
		"a change is lost":                 invited.then(input{Act: update, Match: 10, Name: "A"}, output{Name: "A", Version: 11}).then(input{Act: update, Match: 10, Name: "B"}, output{Name: "B", Version: 11}),
		"a change is seen and then not":    invited.then(input{Act: update, Name: "A"}, output{Name: "A"}).then(input{Act: get}, output{Name: "John"}),
		"a refusal that is not true":       resent.then(input{Act: accept, Gen: 101}, refused),
		"a live link is dead":              resent.then(input{Act: accept, Gen: 101}, dead),
		"a mismatch that is none":          invited.then(input{Act: update, Match: 10, Name: "A"}, output{Code: "version_mismatch"}).then(input{Act: get}, is("requested", 10, 0)),
		"a version comes back":             resent.then(input{Act: get}, is("requested", 10, 0)),
		"a generation comes back":          erased.then(john, is("requested", 15, 101)),
		"a key creates twice":              keyed.then(input{Act: get}, is("requested", 10, 0)).then(input{Act: invite, Key: "k"}, output{Code: "user_exists"}),
		"a key replays what was not there": invited.then(input{Act: invite, Key: "k"}, output{Replay: true}),
		"an operator's invitation is void": invited.then(input{Act: accept, Gen: 100}, output{Code: "inviter_not_admin"}),
		"a builder is the last admin":      accepted.then(input{Act: archive}, output{Code: "last_admin"}),
		"restored further than they were":  invited.then(input{Act: archive}, is("archived", 11, 0)).then(input{Act: restore}, is("active", 12, 0)),
		"an unknown problem":               invited.then(input{Act: get}, output{Code: "internal"}),
	} {
		if check(h[:len(h)-1]) != porcupine.Ok {
			t.Errorf("%s: the history before is refused:\n%s", name, describe(h))
		}
		if check(h) != porcupine.Illegal {
			t.Errorf("%s passes:\n%s", name, describe(h))
		}
	}
}

// TestTheLastMomentBeforeACrashProvesNothing: a write that was answered then may
// be gone.
func TestTheLastMomentBeforeACrashProvesNothing(t *testing.T) {
	h := invited.then(input{Act: archive}, is("archived", 11, 0)).then(input{Act: get}, is("archived", 11, 0)).then(input{Act: get}, is("requested", 10, 0))
	for n := range h { // an hour each
		h[n].Call, h[n].Return = h[n].Call*int64(time.Hour), h[n].Return*int64(time.Hour)
	}
	if check(h) != porcupine.Illegal {
		t.Error("a write is undone without a crash")
	}
	before, after := time.Duration(h[1].Return), time.Duration(h[2].Return)
	if reliable := afterCrashes(h, []crash{{before, before}, {after, after}}); check(reliable) != porcupine.Ok {
		t.Errorf("with crashes, this is refused:\n%s", describe(reliable))
	}
	if reliable := afterCrashes(h, []crash{{0, 0}}); check(reliable) != porcupine.Illegal {
		t.Errorf("with an earlier crash, this passes:\n%s", describe(reliable))
	}
}

// TestTheShortestHistoryShowsTheViolation shrinks a long one.
func TestTheShortestHistoryShowsTheViolation(t *testing.T) {
	h := history{}.then(input{Act: get}, gone).then(john, is("requested", 10, 100)).
		then(input{Act: get}, is("requested", 10, 0)).then(john, output{Code: "user_exists"}).
		then(input{Act: erase}, output{}).
		then(input{Act: get}, gone).then(input{Act: getLink}, gone)
	if short := shortest(h); len(short) != 2 {
		t.Errorf("it is:\n%s", describe(short))
	}
}
