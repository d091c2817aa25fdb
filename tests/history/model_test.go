package history

import (
	"fmt"
	"strings"

	"github.com/anishathalye/porcupine"
)

// act is what a call asks for about one person.
type act string

const (
	invite  act = "invite"
	resend  act = "resend"
	accept  act = "accept"
	decline act = "decline"
	archive act = "archive"
	leave   act = "leave"
	restore act = "restore"
	erase   act = "erase"
	update  act = "update"
	get     act = "get"
	getLink act = "get the link of"
	sweep   act = "run the schedule, which may expire"
)

// input is a call, as far as it concerns one person.
type input struct {
	Act      act
	Person   bool   // called by an admin, who may have lost their role, and not by a backend
	Wrong    bool   // accept: signed in as somebody else
	Own      bool   // accept, decline: from one's own list, without a link
	Gen      int    // accept, decline: the generation of the link
	Key      string // invite: the Idempotency-Key
	Short    bool   // invite: for a day, so that the schedule of tomorrow ends it
	Reinvite bool   // restore
	Mail     bool   // invite, resend, restore
	Groups   bool   // names a group that may not exist
	Match    int    // update: the version of If-Match; 0 for none
	Name     string // invite, update
	Role     string // invite, update
	Trouble  string // the code that the person's address may bring about
}

// output is what the call was answered. The zero value of a member says nothing.
type output struct {
	Lost   bool   // no answer, or a 5xx: it may have happened, or happen yet
	Code   string // of the problem; "" for done
	Replay bool
	Status string
	Name   string
	Role   string
	Gen    int // of the link that it shows
	// Version is that of the record.
	Version int
}

// state is what is known of one person in one workspace. It is comparable.
type state struct {
	Exists     bool
	Status     string // pending, active, archived, expired or declined
	WasActive  bool
	Short      bool
	ByOperator bool
	Name, Role string
	// Gen is the generation of the newest link, and Version the record's; the
	// generation is at least that where it is not Exact. Versions rise by what no
	// call asks for, too, so Version is always a lower bound. Neither comes back
	// after erasure.
	Gen     int
	Exact   bool
	Version int
	Keys    string // Idempotency-Keys that have created the person
}

const pending = "pending"

// shown is a status as the model has it.
func shown(status string) string {
	if status == "requested" || status == "invited" {
		return pending
	}
	return status
}

// holdsSeat reports whether the person takes one of the workspace's seats.
func (s state) holdsSeat() bool { return s.Exists && (s.Status == pending || s.Status == "active") }

// opens reports whether a link of that generation may be the newest, and learns
// from it.
func (s state) opens(in input) (state, bool) {
	switch {
	case !s.Exists || s.Status == "archived":
		return s, false
	case in.Own:
		return s, true
	case s.Exact:
		return s, in.Gen == s.Gen
	}
	known := s
	known.Gen, known.Exact = in.Gen, true
	return known, in.Gen >= s.Gen
}

// relink returns the state with a new link that nobody has seen yet.
func (s state) relink(in input) state {
	s.Status, s.Gen, s.Exact, s.Short, s.ByOperator = pending, s.Gen+1, false, in.Short, !in.Person
	return s
}

// done returns the state after a call that was done; ok is false where the
// person's state does not allow it.
func (s state) done(in input) (next state, ok bool) {
	next = s
	switch in.Act {
	case invite:
		if s.Exists {
			return s, false
		}
		next = state{Exists: true, Name: in.Name, Role: in.Role, Gen: s.Gen, Version: s.Version, Keys: s.Keys}.relink(in)
		if in.Key != "" {
			next.Keys += " " + in.Key
		}
	case resend:
		if !s.Exists || s.Status == "active" || s.Status == "archived" {
			return s, false
		}
		in.Short = false
		next = s.relink(in)
	case accept, decline:
		next, ok = s.opens(in)
		if !ok || s.Status != pending {
			return s, false
		}
		next.Status = "declined"
		if in.Act == accept {
			if in.Wrong || in.Own && s.Role == "admin" {
				return s, false
			}
			next.Status, next.WasActive = "active", true
		}
	case archive:
		if !s.Exists || s.Status == "archived" {
			return s, false
		}
		next.Status = "archived"
	case leave:
		if s.Status != "active" {
			return s, false
		}
		next.Status = "archived"
	case restore:
		if !s.Exists || s.Status != "archived" {
			return s, false
		}
		next.Status = "active"
		if in.Reinvite || !s.WasActive {
			in.Short = false
			next = s.relink(in)
			next.WasActive = false
		}
	case erase:
		if !s.Exists || s.Status == pending || s.Status == "active" {
			return s, false
		}
		next = state{Gen: s.Gen, Version: s.Version, Keys: s.Keys}
	case update:
		if !s.Exists || in.Match != 0 && in.Match < s.Version {
			return s, false
		}
		if in.Match != 0 {
			next.Version = in.Match
		}
		if in.Name != "" {
			next.Name = in.Name
		}
		if in.Role != "" {
			next.Role = in.Role
		}
	case get:
		return s, s.Exists
	case getLink:
		return s, s.Exists && s.Status == pending
	case sweep:
		if !s.Exists || s.Status != pending || !s.Short {
			return s, false
		}
		next.Status = "expired"
	}
	if next != s {
		next.Version = max(next.Version, s.Version) + 1
	}
	return next, true
}

// fits holds what an answer shows against the state after its call, and learns
// from it.
func (s state) fits(out output) (state, bool) {
	if out.Status != "" && shown(out.Status) != s.Status ||
		out.Name != "" && out.Name != s.Name || out.Role != "" && out.Role != s.Role ||
		out.Version != 0 && out.Version < s.Version {
		return s, false
	}
	if out.Gen != 0 {
		if s.Exact && out.Gen != s.Gen || out.Gen < s.Gen {
			return s, false
		}
		s.Gen, s.Exact = out.Gen, true
	}
	s.Version = max(s.Version, out.Version)
	return s, true
}

// refused returns the state after a call that a problem answered; ok is false
// where the person's state is no reason for it.
func (s state) refused(in input, code string) (next state, ok bool) {
	known, opens := s.opens(in)
	answers := in.Act == accept || in.Act == decline
	switch code {
	case "admin_required":
		return s, in.Person
	case "workspace_not_found":
		return s, in.Person && !answers || in.Own && (!s.Exists || s.Status == "archived") || in.Act == leave && s.Status != "active"
	case "user_not_found":
		return s, in.Act != invite && !answers && !s.Exists
	case "user_exists":
		return s, in.Act == invite && s.Exists && (in.Key == "" || !strings.Contains(s.Keys+" ", " "+in.Key+" "))
	case "seat_limit_reached":
		_, could := s.done(in)
		return s, could && !s.holdsSeat() && (in.Act == invite || in.Act == resend || in.Act == restore)
	case "invitation_not_found":
		return s, answers && (!opens || !in.Own && !s.Exact)
	case "recipient_mismatch":
		return known, in.Act == accept && in.Wrong && opens
	case "status_conflict":
		if answers {
			return known, opens && s.Status != pending
		}
		_, could := s.done(in)
		return s, s.Exists && !could && in.Act != update && in.Act != get
	case "inviter_not_admin":
		return known, in.Act == accept && opens && s.Status == pending && !s.ByOperator
	case "link_required":
		return s, in.Act == accept && in.Own && opens && s.Status == pending && s.Role == "admin"
	case "last_admin":
		return s, (in.Act == archive || in.Act == leave || in.Act == update && in.Role != "admin") && s.Status == "active" && s.Role == "admin"
	case "version_mismatch": // versions only rise, so it is past the one that was sent
		s.Version = max(s.Version, in.Match+1)
		return s, in.Act == update && s.Exists && in.Match != 0
	case "mail_limit_recipient_minute":
		_, could := s.done(in)
		return s, in.Act == resend && in.Mail && could
	case "unknown_group", "invalid_request":
		return s, in.Groups
	case in.Trouble:
		return s, in.Mail
	}
	return s, false
}

// step returns the states that a call may lead to, none where its answer cannot
// be.
func step(s state, in input, out output) []state {
	next, ok := s.done(in)
	switch {
	case out.Lost || in.Act == sweep:
		if !ok {
			return []state{s}
		}
		return []state{s, next}
	case out.Code != "":
		if next, ok = s.refused(in, out.Code); ok {
			return []state{next}
		}
		return nil
	case out.Replay:
		if strings.Contains(s.Keys+" ", " "+in.Key+" ") {
			return []state{s}
		}
		return nil
	case ok && !(in.Act == update && in.Match != 0 && out.Version > in.Match+1):
		if next, ok = next.fits(out); ok {
			return []state{next}
		}
	}
	return nil
}

var model = porcupine.NondeterministicModel{
	Init: func() []any { return []any{state{}} },
	Step: func(s, in, out any) []any {
		var all []any
		for _, next := range step(s.(state), in.(input), out.(output)) {
			all = append(all, next)
		}
		return all
	},
}

func (in input) String() string {
	var parts []string
	add := func(is bool, text string, args ...any) {
		if is {
			parts = append(parts, fmt.Sprintf(text, args...))
		}
	}
	add(in.Person, "as an admin")
	add(in.Wrong, "as somebody else")
	add(in.Own, "from their list")
	add(in.Gen != 0, "link %d", in.Gen)
	add(in.Key != "", "key %s", in.Key)
	add(in.Short, "for a day")
	add(in.Reinvite, "anew")
	add(in.Mail, "with a mail")
	add(in.Match != 0, "if version %d", in.Match)
	add(in.Name != "", "name %q", in.Name)
	add(in.Role != "", "role %s", in.Role)
	return string(in.Act) + " (" + strings.Join(parts, ", ") + ")"
}

func (out output) String() string {
	switch {
	case out.Lost:
		return "no answer"
	case out.Code != "":
		return out.Code
	}
	return strings.TrimSpace(fmt.Sprintf("done: %s, version %d, link %d, %q, %s", out.Status, out.Version, out.Gen, out.Name, out.Role))
}
