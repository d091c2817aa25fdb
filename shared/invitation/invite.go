package invitation

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/latchkey/latchkey/shared/access"
	"github.com/latchkey/latchkey/shared/fault"
	"github.com/latchkey/latchkey/shared/id"
	"github.com/latchkey/latchkey/shared/store"
	"github.com/latchkey/latchkey/shared/user"
	"github.com/latchkey/latchkey/shared/workspace"
)

// Person is somebody to invite, as a caller wrote it.
type Person struct {
	user.Details `json:"details"` // named, so that Groups below does not hide its own
	Groups       []string         // as written, for the pointers of errors
	Message      string
	Locale       string // "" for the workspace's
	SendEmail    bool
	Confirmed    bool // mail an address that returned the last mail
	Days         int  // how long the invitation lasts; 0 for the workspace's setting
	// Wrong is what was found while reading: with any of it, nobody is invited.
	Wrong fault.Fields
}

// NewPerson checks what can be checked without the workspace and adds it to what
// was found while reading.
func NewPerson(p Person) Person {
	var found fault.Fields
	p.Groups = p.Details.Groups
	p.Details, found = p.Details.Check()
	user.CheckMessage(&found, p.Message)
	if p.Locale != "" {
		workspace.CheckLocale(&found, p.Locale)
	}
	if p.Days != 0 && (p.Days < workspace.MinInvitationDays || p.Days > workspace.MaxInvitationDays) {
		found.Add("/expiresInDays", "out_of_range", "must be from 1 to 30")
	}
	p.Wrong.Merge(found)
	return p
}

// Call is the request that people are invited by, for Idempotency-Key. The zero
// value is a call without one.
type Call struct {
	Key  string // the key, hashed together with its caller and operation; "" for none
	Body string // the body, hashed
}

// Needs names what has to be read to invite one person, so that it can be read
// together with the caller. It has the same size for everybody.
func Needs(p Person, call Call) store.Want { return needs(p.Email, p.Wrong, call) }

func needs(email string, wrong fault.Fields, call Call) store.Want {
	want := store.Want{Counts: true, Request: call.Key}
	if !wrong.Names("email") && email != "" {
		want.People = []string{email}
	}
	return want
}

// Invite invites one person: a batch of one, with the link as answer. A repeat of
// the call within 24 hours is answered as the first one was.
func (s Service) Invite(ctx context.Context, g access.Grant, p Person, call Call, now time.Time) (View, error) {
	k, err := s.keys(ctx, g.Workspace, len(p.Metadata) > 0 || call.Key != "", now)
	if err != nil {
		return View{}, err
	}
	one := &batch{Service: s, grant: g, keys: k, call: call, one: true, now: now}
	err = one.add(ctx, p)
	if err != nil {
		return View{}, err
	}
	outcomes, err := one.invite(ctx)
	if err != nil {
		return View{}, err
	}
	switch o := outcomes[0]; o.Kind {
	case Created, Replayed:
		v, err := k.view(o.User, now)
		v.Replayed = o.Kind == Replayed
		return v, err
	case Exists:
		return View{}, user.Exists(o.User, now)
	default:
		return View{}, o.Reason
	}
}

// InviteAll invites many people, each as Invite would: every one has an outcome
// of their own, in order. A dry run returns what would become of them and writes
// nothing.
func (s Service) InviteAll(ctx context.Context, g access.Grant, people []Person, call Call, dryRun bool, now time.Time) ([]Outcome, error) {
	b := &batch{Service: s, grant: g, call: call, dryRun: dryRun, now: now}
	if dryRun {
		b.call = Call{}
	}
	if slices.ContainsFunc(people, func(p Person) bool { return len(p.Metadata) > 0 }) {
		box, err := s.DataKeys.Open(ctx, g.Workspace)
		if err != nil {
			return nil, err
		}
		b.keys.box = box
	}
	if b.call.Key != "" {
		name, err := id.Random("", s.Random)
		if err != nil {
			return nil, err
		}
		stands, err := s.noteCall(ctx, g.Workspace.ID, b.call, name, now)
		if err != nil {
			return nil, err
		}
		b.id = stands.Call
	}
	return b.inviteAll(ctx, people)
}

func (b *batch) inviteAll(ctx context.Context, people []Person) ([]Outcome, error) {
	for _, p := range people {
		if err := b.add(ctx, p); err != nil {
			return nil, err
		}
	}
	return b.invite(ctx)
}

// batch is people on the way to being invited.
type batch struct {
	Service
	grant  access.Grant
	keys   keys
	call   Call
	id     string // of this use of the call's key, or of a chunk of an import; "" for none
	before int    // rows of the import that come before these people
	one    bool   // a single person, whose answer is kept for a repeat
	dryRun bool
	now    time.Time

	how     user.Inviting
	people  []Person
	stamps  []user.Stamp
	ids     []string // user ids; "" for a person without a valid address
	sealed  [][]byte // metadata
	waiting int      // mails of earlier chunks that have to wait for another day
}

func (b *batch) add(ctx context.Context, p Person) error {
	stamp, err := b.grant.Stamp(ctx, b.now, b.Random)
	if err != nil {
		return err
	}
	id, sealed := "", []byte(nil)
	if !p.Wrong.Names("email") && !p.Wrong.Names("") {
		id = user.IDFor(b.grant.Workspace.ID, p.Email)
		sealed, err = b.keys.box.SealMetadata(id, p.Metadata)
		if err != nil {
			return err
		}
	}
	b.people, b.stamps, b.ids, b.sealed = append(b.people, p), append(b.stamps, stamp), append(b.ids, id), append(b.sealed, sealed)
	return nil
}

// atOnce is how many people one transaction invites: each is two items of the
// hundred that it may have, and the counts need room beside them.
const atOnce = 36

func (b *batch) invite(ctx context.Context) (outcomes []Outcome, err error) {
	if b.one {
		if replayed, ok, err := b.replay(b.grant.State); ok || err != nil {
			return []Outcome{replayed}, err
		}
	}
	b.how, err = b.grant.Workspace.Inviting(0)
	if err != nil {
		return nil, err
	}
	if err := b.read(ctx); err != nil {
		return nil, err
	}
	outcomes = make([]Outcome, len(b.people))
	todo := b.check(outcomes)
	if b.dryRun {
		return outcomes, b.foresee(ctx, todo, outcomes)
	}
	freed := false
	for len(todo) > 0 {
		chunk := todo[:min(len(todo), atOnce)]
		todo = todo[len(chunk):]
		results, err := store.Decide(ctx, b.Store, b.grant.State, chunking{batch: b, rows: chunk}.decide)
		if err != nil {
			return nil, err
		}
		var seatless []int
		for i, row := range chunk {
			outcomes[row] = results[i]
			switch {
			case results[i].Kind == NoSeat:
				seatless = append(seatless, row)
			case results[i].User.Invitation.Delivery == user.DeliveryScheduled && results[i].Kind == Created:
				b.waiting++
			}
		}
		if len(seatless) > 0 && !freed {
			freed = true
			todo = append(seatless, todo...)
			if err := b.freeSeats(ctx, b.grant.State, b.now, b.idsOf(todo)...); err != nil {
				return nil, err
			}
		}
	}
	return outcomes, b.lateReplay(ctx, outcomes)
}

func (b *batch) idsOf(rows []int) []string {
	ids := make([]string, len(rows))
	for i, row := range rows {
		ids[i] = b.ids[row]
	}
	return ids
}

// read reads what the people depend on and was not read with the caller.
func (b *batch) read(ctx context.Context) error {
	want := store.Want{AllCounts: !b.one}
	for row, p := range b.people {
		want.Groups = append(want.Groups, validGroups(p.Groups)...)
		if b.ids[row] != "" {
			want.People = append(want.People, p.Email)
		}
	}
	return b.Store.Fill(ctx, b.grant.State, want)
}

// validGroups returns the groups that could exist; any other is unknown unasked.
func validGroups(groups []string) []string {
	var valid []string
	for _, group := range groups {
		if workspace.ValidGroupID(group) {
			valid = append(valid, group)
		}
	}
	return valid
}

// check notes the outcome of everybody with a wrong field, every one named at
// once, and returns the rows of all others.
func (b *batch) check(outcomes []Outcome) (todo []int) {
	first := map[string]int{} // by user id: the row that names them
	for row, p := range b.people {
		var found fault.Fields
		workspace.CheckGroups(&found, p.Groups, b.grant.Groups)
		if p.Message != "" && !b.grant.Workspace.PersonalMessages {
			found.Add("/message", "messages_off", "Personal messages are turned off in this workspace.")
		}
		if b.ids[row] != "" {
			b.grant.Workspace.CheckDomain(&found, p.Email)
			if earlier, twice := first[b.ids[row]]; twice {
				found.Add("/email", "duplicate", fmt.Sprintf("Row %d has the same address.", b.before+earlier+1))
			} else {
				first[b.ids[row]] = row
			}
		}
		wrong := p.Wrong
		wrong.Merge(found)
		if err := wrong.Err(); err != nil {
			outcomes[row] = Outcome{Kind: Refused, Reason: err}
			continue
		}
		todo = append(todo, row)
	}
	return todo
}

// foresee decides on everybody at once and writes nothing. Seats count as free
// that a real call would free, because the clock has ended an invitation.
func (b *batch) foresee(ctx context.Context, todo []int, outcomes []Outcome) error {
	c := chunking{batch: b, rows: todo}
	_, results, err := c.decide(b.grant.State)
	if slices.ContainsFunc(results, func(o Outcome) bool { return o.Kind == NoSeat }) {
		var lapsed []string
		_, lapsed, err = b.Store.Lapsed(ctx, b.grant.Workspace.ID, b.now)
		if err != nil {
			return err
		}
		c.lapsed = len(lapsed)
		_, results, err = c.decide(b.grant.State)
	}
	if err != nil {
		return err
	}
	for i, row := range todo {
		outcomes[row] = results[i]
	}
	return nil
}

// chunking is the decision on some rows of a batch.
type chunking struct {
	*batch
	rows   []int
	lapsed int // seats of a dry run that a real call would free
}

func (c chunking) decide(st *store.State) (store.Decision, []Outcome, error) {
	if c.one {
		if replayed, ok, err := c.replay(st); ok || err != nil {
			return store.Decision{}, []Outcome{replayed}, err
		}
	}
	d := store.Decision{Limits: c.Limits, At: c.now}
	room, seats, waiting := st.Room(d), st.Seats()+c.lapsed, c.waiting
	if room < len(c.rows) || seats < len(c.rows) {
		d.Needs.AllCounts = true
	}
	outcomes := make([]Outcome, len(c.rows))
	for i, row := range c.rows {
		if known, ok := c.known(st, row); ok {
			outcomes[i] = known
			continue
		}
		if seats < 1 {
			outcomes[i] = Outcome{Kind: NoSeat, Reason: workspace.ErrSeatLimit}
			continue
		}
		u, err := c.newUser(st, row, room, waiting)
		if err != nil {
			refused, err := refusal(err)
			if err != nil {
				return d, nil, err
			}
			outcomes[i] = refused
			continue
		}
		seats--
		switch {
		case u.Invitation.Delivery == user.DeliveryScheduled:
			waiting++
		case room > 0:
			room--
			d.Asked++
		}
		d.Users = append(d.Users, store.UserChange{After: u})
		outcomes[i] = Outcome{Kind: Created, User: u}
	}
	if c.one && c.call.Key != "" && len(d.Users) == 1 {
		answer, err := c.keyed().receipt(d.Users[0].After)
		if err != nil {
			return d, nil, err
		}
		d.Answer = &answer
	}
	return d, outcomes, nil
}

// known is the outcome of somebody whom the workspace knows already, or whom the
// same call created before: erased since, they are not created again.
func (c chunking) known(st *store.State, row int) (Outcome, bool) {
	id := c.ids[row]
	if u, ok := st.Users[id]; ok {
		if c.id != "" && u.Request == c.id {
			return Outcome{Kind: Replayed, User: u}, true
		}
		return Outcome{Kind: Exists, User: u}, true
	}
	if e, ok := st.Erased[id]; ok && c.id != "" && e.Request == c.id {
		return Outcome{Kind: Replayed}, true
	}
	return Outcome{}, false
}

// newUser returns a person as they are to be written. Whether their address has
// an account is only looked up for an invitation that the limits count: otherwise
// anybody could ask it of any number of addresses.
func (c chunking) newUser(st *store.State, row, room, waiting int) (user.User, error) {
	p := c.people[row]
	how := c.how
	how.SendEmail, how.Message, how.Confirmed = p.SendEmail, p.Message, p.Confirmed
	how.InviterKey = st.InviterKey()
	if p.Locale != "" {
		how.Locale = p.Locale
	}
	if p.Days != 0 {
		how.Lasts = time.Duration(p.Days) * 24 * time.Hour
	}
	box := st.Mailbox(p.Email)
	how.MailAt = box.Next(c.now)
	if room < 1 {
		how.MailAt = c.dayFor(st, waiting)
	}
	how.HasAccount = room > 0 && (!p.SendEmail || !how.MailAt.After(c.now)) && st.HasAccount(p.Email)
	u, err := user.New(c.stamps[row], st.Workspace.ID, p.Details, how, st.Erased[c.ids[row]], box, st.Recipient(c.ids[row]))
	u.SealedMetadata, u.Request = c.sealed[row], c.id
	return u, err
}

// dayFor returns when a mail is likely to leave that has others waiting before
// it: the workspace sends its limit on each day to come.
func (c chunking) dayFor(st *store.State, waiting int) time.Time {
	limit := c.Limits.Of(st.Workspace, c.now)
	if st.InviterKey() != "" {
		limit = min(limit, c.Limits.Inviter)
	}
	days := waiting / max(limit, 1)
	return user.Tomorrow(c.now).Add(time.Duration(days) * 24 * time.Hour)
}
