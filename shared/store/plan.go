package store

import (
	"errors"
	"maps"
	"slices"

	"github.com/latchkey/latchkey/shared/table"
	"github.com/latchkey/latchkey/shared/user"
	"github.com/latchkey/latchkey/shared/workspace"
)

// plan turns a decision into the parts of one transaction. short reports that
// the counts that were read have no room for it, though others may.
func (s *Store) plan(st *State, d Decision) (writes []table.Write, short bool, err error) {
	p := planner{st: st, d: d, counts: map[user.Status]int{}, mailboxes: map[string]bool{}}
	for _, change := range d.Users {
		p.user(change)
	}
	for _, erasure := range d.Erased {
		p.erase(erasure)
	}
	for id, wishes := range d.Recipients {
		p.recipient(st.id, id, wishes, sameWishes(st.recipients[id]))
	}
	p.workspace()
	p.tally()
	p.inviter()
	if d.Account != "" {
		p.add(accountWrite(user.EmailKey(d.Account), d.At))
	}
	if d.Answer != nil {
		p.add(answerWrite(st.id, *d.Answer, d.At))
	}
	if d.Import != nil {
		p.importing(*d.Import)
	}
	if p.short && st.Complete() && p.err == nil {
		p.fail(errors.New("store: the decision asks for more than the limits leave"))
	}
	return append(p.writes, p.joins...), p.short, p.err
}

// planner collects the parts of a transaction; its first error stays.
type planner struct {
	st        *State
	d         Decision
	writes    []table.Write
	joins     []table.Write // users into groups
	counts    map[user.Status]int
	admins    int
	mailboxes map[string]bool // whose write is planned, by email key
	short     bool
	err       error
}

func (p *planner) add(w table.Write) { p.writes = append(p.writes, w) }

func (p *planner) fail(err error) {
	if p.err == nil {
		p.err = err
	}
}

func count(yes bool) int {
	if yes {
		return 1
	}
	return 0
}

func (p *planner) user(c UserChange) {
	p.counts[c.After.Status]++
	if c.Before.ID != "" {
		p.counts[c.Before.Status]--
	}
	p.admins += count(c.After.Manages()) - count(c.Before.Manages())
	if c.Before.ID == "" {
		p.insert(c.After)
	} else {
		p.add(userUpdate(c.Before, c.After))
	}
	p.leave(c.Before, c.After.Groups)
	for _, group := range c.After.Groups {
		if !slices.Contains(c.Before.Groups, group) {
			p.joins = append(p.joins, joinWrite(c.After, group))
		}
	}
	if c.Before.Recipient != c.After.Recipient {
		p.recipient(c.After.WorkspaceID, c.After.ID, c.After.Recipient, table.Condition{})
	}
	before := c.Before.Mailbox
	if c.Before.ID == "" {
		before = p.st.Mailbox(c.After.Email)
	}
	if before != c.After.Mailbox {
		p.mailbox(user.EmailKey(c.After.Email), before, c.After.Mailbox)
	}
}

// leave takes a user out of the lists of groups that are not among those.
func (p *planner) leave(u user.User, stays []string) {
	for _, group := range u.Groups {
		if !slices.Contains(stays, group) {
			p.add(table.Write{Key: inGroupKey(u.WorkspaceID, group, Position(u)), Delete: true})
		}
	}
}

// joinWrite puts a user into the list of a group.
func joinWrite(u user.User, group string) table.Write {
	w := table.Write{Key: inGroupKey(u.WorkspaceID, group, Position(u))}
	w.Put = w.Key.Item()
	w.Put["entity"] = table.Text(entityInGroup)
	return w
}

// insert puts a new user where there is none, or over the tombstone that the
// decision saw.
func (p *planner) insert(u user.User) {
	free := table.Missing("pk")
	if erased, ok := p.st.Erased[u.ID]; ok {
		free = free.Or(table.Is("entity", "=", table.Text(entityErased)).And(table.Is("last.id", "=", table.Text(erased.Last.ID))))
	}
	p.add(table.Write{Key: userKey(u.WorkspaceID, u.ID), Put: itemOfUser(u), Condition: free})
}

func (p *planner) erase(e Erasure) {
	p.counts[e.Before.Status]--
	p.add(table.Write{Key: userKey(e.After.WorkspaceID, e.After.ID), Put: itemOfErased(e.After), Condition: isVersion(e.Before.Version)})
	p.leave(e.Before, nil)
	if e.Before.Recipient.Wishes() { // an older record may have them to itself
		p.recipient(e.After.WorkspaceID, e.After.ID, e.Before.Recipient, table.Condition{})
	}
}

// isVersion is the condition that a record is as it was read.
func isVersion(version int) table.Condition { return table.Is("version", "=", table.Number(version)) }

// attributesOfDelivery are also written by notices of mail, which do not raise
// the version.
var attributesOfDelivery = []string{"delivery", "deliveryReason", "deliveryWeight"}

// derivedAttributes follow from the rest of a record where an earlier release did
// not write them (userOfItem, recallDelivery, rolePartition). A change may take
// away what they are derived from, so each one writes them.
var derivedAttributes = []string{"hasAccount", "bouncedAt", "complainedAt", "rolePk"}

// userUpdate sets what differs between two states of a user, on condition that
// the stored state is the first of them.
func userUpdate(before, after user.User) table.Write {
	was, is := itemOfUser(before), itemOfUser(after)
	for _, attribute := range derivedAttributes {
		if is[attribute] != nil {
			delete(was, attribute)
		}
	}
	if before.Invitation.Generation != after.Invitation.Generation {
		// Whatever became of the older mail since it was read, a new one begins.
		for _, attribute := range attributesOfDelivery {
			delete(was, attribute)
			if is[attribute] == nil {
				was[attribute] = table.Text("") // so that it is removed
			}
		}
	}
	condition := isVersion(before.Version)
	if before.Status.Pending() && after.Status == user.Active {
		// The version says it already. This says it in the words of the rule,
		// which no later change of the versioning can loosen.
		condition = condition.And(table.Is("expiresAt", ">", timeValue(after.ActivatedAt))).
			And(table.Is("generation", "=", table.Number(before.Invitation.Generation)))
	}
	return table.Write{Key: userKey(before.WorkspaceID, before.ID), Update: difference(was, is), Condition: condition}
}

// difference sets every attribute that differs between two items and removes
// every one that is gone.
func difference(was, is Item) (update table.Update) {
	for attribute, v := range is {
		if !table.Equal(was[attribute], v) {
			update = update.Set(attribute, v)
		}
	}
	for attribute := range was {
		if is[attribute] == nil {
			update = update.Remove(attribute)
		}
	}
	return update
}

// recipient writes wishes; without a condition where another part of the
// transaction guards them.
func (p *planner) recipient(workspaceID, userID string, wishes user.Recipient, condition table.Condition) {
	w := table.Write{Key: recipientKey(workspaceID, userID), Delete: true}
	if wishes.Wishes() {
		w = put(w.Key, entityRecipient, recipientFields, &wishes)
	}
	w.Condition = condition
	p.add(w)
}

// sameWishes is the condition that the wishes of a person without a record have not
// changed since they were read. An older release kept the wishes of erased people
// without an item of their own.
func sameWishes(before user.Recipient) table.Condition {
	none := table.Missing("pk")
	if !before.Wishes() {
		return none
	}
	var same table.Condition
	item := table.Encode(recipientFields, &before)
	for _, attribute := range []string{"unsubscribedAt", "complainedAt", "reportedAt"} {
		if v, said := item[attribute]; said {
			same = same.And(table.Is(attribute, "=", v))
		} else {
			same = same.And(table.Missing(attribute))
		}
	}
	return none.Or(same)
}

// workspace writes the difference between two states of the workspace, with
// every part's share of a new seat limit, or counts active admins. The last one
// stays, however many leave at once.
func (p *planner) workspace() {
	if c := p.d.Workspace; c != nil && c.After.Stage == workspace.StageErased {
		p.tombstone(*c)
	} else if c != nil {
		p.add(workspaceUpdate(c.Before, c.After))
		if c.Before.SeatLimit != c.After.SeatLimit {
			p.seatLimit(c.After.SeatLimit)
		}
	}
	if p.admins == 0 {
		return
	}
	if p.d.Workspace != nil {
		p.fail(errors.New("store: one transaction cannot change a workspace and its count of admins"))
		return
	}
	w := p.st.Workspace
	if !w.Exists() { // somebody is archived everywhere
		w = p.st.Deleted
	}
	if w.ID != "" && w.Admins+p.admins < 1 {
		p.fail(user.ErrLastAdmin)
		return
	}
	enough := table.Exists("pk")
	if p.admins < 0 {
		enough = table.Is("admins", ">", table.Number(-p.admins))
	}
	p.add(table.Write{Key: workspaceKey(p.st.id), Condition: enough, Update: table.Update{}.Add("admins", p.admins)})
}

// tombstone replaces an erased workspace with its tombstone, and frees its slug.
func (p *planner) tombstone(c WorkspaceChange) {
	w := put(workspaceKey(c.After.ID), entityWorkspace, tombstoneFields, &c.After)
	w.Put["ttl"] = table.Number(int(c.After.RetainUntil().Unix()))
	w.Condition = isVersion(c.Before.Version)
	p.add(w)
	p.add(table.Write{Key: slugKey(c.Before.Slug), Delete: true, Condition: table.Missing("pk").Or(table.Is("workspace", "=", table.Text(c.Before.ID)))})
}

// seatLimit gives the parts' rooms a new sum. Each change is relative, so it
// does not matter how many seats were taken since the parts were read, as long
// as the room of none falls below zero.
func (p *planner) seatLimit(limit int) {
	if p.short = !p.st.Complete(); p.short {
		return
	}
	take, err := p.st.Tally.Limit(limit)
	if err != nil {
		p.fail(err)
		return
	}
	for part, n := range take {
		update, enough := roomUpdate(table.Update{}.Set("entity", table.Text(entityTally)), n)
		p.add(table.Write{Key: tallyKey(p.st.id, part), Update: update, Condition: enough})
	}
}

// tally counts the users by status, the seats that they take and the day's
// mails, in any parts that have the room.
func (p *planner) tally() {
	maps.DeleteFunc(p.counts, func(_ user.Status, n int) bool { return n == 0 })
	if p.err != nil || len(p.counts) == 0 && p.d.Asked == 0 {
		return
	}
	if p.d.Workspace != nil && p.d.Workspace.Before.SeatLimit != p.d.Workspace.After.SeatLimit {
		p.fail(errors.New("store: one transaction cannot change users and the seat limit"))
		return
	}
	parts := p.st.tallyParts()
	if len(parts) == 0 {
		p.short = true
		return
	}
	changes := map[int]*tallyChange{}
	at := func(part int) *tallyChange {
		if changes[part] == nil {
			changes[part] = &tallyChange{}
		}
		return changes[part]
	}
	seats := workspace.Seats(p.counts)
	room := func(part int) int { return p.st.Tally[part].Room }
	roomy := spread(parts, seats, room)
	if roomy == nil {
		p.short = true
		if p.st.Complete() {
			p.fail(workspace.ErrSeatLimit)
		}
		return
	}
	for part, n := range roomy {
		at(part).seats = n
	}
	at(slices.Min(slices.Collect(maps.Keys(roomy)))).counts = p.counts
	limit := 0
	if p.d.Asked > 0 {
		limit = p.d.Limits.Of(p.st.Workspace, p.d.At)
	}
	asked := spread(parts, p.d.Asked, func(part int) int {
		return p.st.Tally[part].Mails.Left(limit, part, workspace.Parts, p.d.At)
	})
	if asked == nil {
		p.short = true
		return
	}
	for part, n := range asked {
		at(part).mails = n
	}
	for part, change := range changes {
		p.add(p.tallyWrite(part, *change, workspace.Share(limit, part, workspace.Parts)))
	}
}

// spread takes n from parts that have room for it, as few of them as can be;
// nil where they have not. Something that takes nothing, or gives, goes to the
// first part.
func spread(parts []int, n int, room func(part int) int) map[int]int {
	if n <= 0 {
		return map[int]int{parts[0]: n}
	}
	for _, part := range parts {
		if room(part) >= n {
			return map[int]int{part: n}
		}
	}
	taken := map[int]int{}
	byRoom := slices.SortedFunc(slices.Values(parts), func(a, b int) int { return room(b) - room(a) })
	for _, part := range byRoom {
		if take := min(n, room(part)); take > 0 {
			taken[part] = take
			n -= take
		}
	}
	if n > 0 {
		return nil
	}
	return taken
}

// inviter counts what the inviter asked for.
func (p *planner) inviter() {
	if p.d.Asked == 0 || p.st.inviter.key == "" || p.err != nil {
		return
	}
	limit := p.d.Limits.Inviter
	parts := p.st.inviterPartsRead()
	if len(parts) == 0 {
		p.short = true
		return
	}
	asked := spread(parts, p.d.Asked, func(part int) int {
		return p.st.inviter.parts[part].Left(limit, part, inviterParts, p.d.At)
	})
	if asked == nil {
		p.short = true
		return
	}
	for part, n := range asked {
		p.add(dayWrite(entityInviter, inviterKey(p.st.inviter.key, part), p.st.inviter.parts[part], n, workspace.Share(limit, part, inviterParts), p.d.At))
	}
}

// Room returns how many invitations or mails may still be asked for on the day
// of d.At, as far as the counts were read.
func (st *State) Room(d Decision) int {
	limit := d.Limits.Of(st.Workspace, d.At)
	room := 0
	for _, part := range st.tallyParts() {
		room += st.Tally[part].Mails.Left(limit, part, workspace.Parts, d.At)
	}
	if st.inviter.key == "" {
		return room
	}
	own := 0
	for _, part := range st.inviterPartsRead() {
		own += st.inviter.parts[part].Left(d.Limits.Inviter, part, inviterParts, d.At)
	}
	return min(room, own)
}

// Seats returns how many seats are free, as far as the counts were read.
func (st *State) Seats() int {
	free := 0
	for _, part := range st.tallyParts() {
		free += st.Tally[part].Room
	}
	return free
}
