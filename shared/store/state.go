package store

import (
	"context"
	"maps"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"

	"github.com/latchkey/latchkey/shared/table"
	"github.com/latchkey/latchkey/shared/user"
	"github.com/latchkey/latchkey/shared/workspace"
)

// Want names what Load is to read. Empty members ask for nothing.
type Want struct {
	Workspace string   // its id; the members below that name one need it
	Users     []string // user ids in the workspace; "" is passed over
	Groups    []string // group ids in the workspace
	Request   string   // a hashed Idempotency-Key
	Import    string   // the id of an import of the workspace
	// ImportRows is the row at which a chunk of the import begins; 0 for none.
	ImportRows int
	People     []string // emails of people to be invited: all that is known of each
	Wishes     []string // ids of people in the workspace: what they said about mail, record or not
	Accounts   []string // emails whose accounts are asked for
	// Inviter is the email of who asks for invitations or workspaces.
	Inviter    string
	InviterKey string // the same by its email key
	// Counts reads one part of the workspace's tally, and of the inviter's
	// counts if there is one: enough for a write of one user. AllCounts reads
	// every part.
	Counts    bool
	AllCounts bool
}

// State is what was read for a decision, and what a decision reads. A decision
// that is lost to another writer is made anew on the state as it is then.
type State struct {
	Workspace workspace.Workspace // zero if there is none, or it is deleted
	Deleted   workspace.Workspace // the same where it is deleted: for those who restore or erase it
	Users     map[string]user.User
	Erased    map[string]user.Erased
	Groups    map[string]bool // those that exist and are not being deleted
	Accounts  map[string]bool // email keys
	Answer    Answer          // to the earlier call with the key; zero for none
	Import    workspace.Import
	// ImportRows is the chunk of the import that was read last.
	ImportRows ImportRows
	Tally      workspace.Tally // the parts that were read; see Complete

	id         string // of the workspace, whether or not it exists
	inviter    inviter
	mailboxes  map[string]user.Mailbox   // by email key
	recipients map[string]user.Recipient // by user id
	read       map[Key]bool
	guessed    []string // email keys of mailboxes that a decision took from a record
}

// inviterParts is how many parts an inviter's day has: one person's clicks and
// batches do not queue for one item.
const inviterParts = 4

// inviter is what one person asked for on a day, in all workspaces.
type inviter struct {
	key   string // of their email; "" for a backend, which no such limit binds
	parts [inviterParts]workspace.Day
}

// Load reads all that one operation needs, strongly consistent, in one call for
// up to 100 items.
func (s *Store) Load(ctx context.Context, want Want) (*State, error) {
	st := &State{
		Users: map[string]user.User{}, Erased: map[string]user.Erased{}, Groups: map[string]bool{}, Accounts: map[string]bool{},
		id: want.Workspace, mailboxes: map[string]user.Mailbox{}, recipients: map[string]user.Recipient{}, read: map[Key]bool{},
	}
	for part := range st.Tally {
		st.Tally[part] = partOfItem(nil)
	}
	return st, s.Fill(ctx, st, want)
}

// Fill reads what a state lacks of what is wanted.
func (s *Store) Fill(ctx context.Context, st *State, want Want) error {
	if want.Inviter != "" {
		want.InviterKey = user.EmailKey(want.Inviter)
	}
	if want.InviterKey != "" {
		st.inviter.key = want.InviterKey
	}
	return s.fill(ctx, st, st.keys(want))
}

func (s *Store) fill(ctx context.Context, st *State, keys []Key) error {
	missing := map[Key]bool{}
	for _, key := range keys {
		if !st.read[key] {
			missing[key] = true
		}
	}
	items, err := s.table.BatchGet(ctx, slices.Collect(maps.Keys(missing)), table.Strong)
	if err != nil {
		return err
	}
	for _, item := range items {
		if err := st.take(item); err != nil {
			return err
		}
	}
	for key := range missing {
		st.read[key] = true
	}
	return nil
}

func (st *State) keys(want Want) []Key {
	var keys []Key
	for _, email := range want.Accounts {
		keys = append(keys, accountKey(user.EmailKey(email)))
	}
	if st.id != "" {
		keys = append(keys, workspaceKey(st.id))
		for _, id := range want.Users {
			if id != "" {
				keys = append(keys, userKey(st.id, id))
			}
		}
		for _, id := range want.Groups {
			keys = append(keys, groupKey(st.id, id))
		}
		if want.Import != "" {
			keys = append(keys, importKey(st.id, want.Import))
			if want.ImportRows > 0 {
				keys = append(keys, importRowsKey(st.id, want.Import, want.ImportRows))
			}
		}
		if want.Request != "" {
			keys = append(keys, requestKey(st.id, want.Request))
		}
		for _, id := range want.Wishes {
			keys = append(keys, recipientKey(st.id, id))
		}
		for _, email := range want.People {
			id, key := user.IDFor(st.id, email), user.EmailKey(email)
			keys = append(keys, userKey(st.id, id), recipientKey(st.id, id), accountKey(key), mailboxKey(key))
		}
	}
	return append(keys, st.countKeys(want)...)
}

func (st *State) countKeys(want Want) []Key {
	var keys []Key
	switch {
	case want.AllCounts:
		keys = st.tallyKeys()
		for part := range inviterParts {
			keys = append(keys, inviterKey(st.inviter.key, part))
		}
	case want.Counts:
		keys = append(keys, tallyKey(st.id, rand.IntN(workspace.Parts)), inviterKey(st.inviter.key, rand.IntN(inviterParts)))
	}
	return slices.DeleteFunc(keys, func(k Key) bool { return k.PK == prefixInviter || k.PK == prefixWorkspace })
}

func (st *State) tallyKeys() (keys []Key) {
	for part := range workspace.Parts {
		keys = append(keys, tallyKey(st.id, part))
	}
	return keys
}

// Complete reports whether every part of the counts was read.
func (st *State) Complete() bool {
	for _, key := range st.countKeys(Want{AllCounts: true}) {
		if !st.read[key] {
			return false
		}
	}
	return true
}

// Recount reads all parts of the counts again, and then the users: a read is not a
// snapshot, and in this order a user who took one of the missing seats is seen as
// existing, rather than as one without a seat.
func (s *Store) Recount(ctx context.Context, st *State, users ...string) error {
	counts := st.countKeys(Want{AllCounts: true})
	for _, keys := range [][]Key{counts, st.keys(Want{Users: users})} {
		st.forget(keys)
		if err := s.fill(ctx, st, keys); err != nil {
			return err
		}
	}
	return nil
}

// forget marks items as unread: a decision that needs them reads them again.
func (st *State) forget(keys []Key) {
	for _, key := range keys {
		delete(st.read, key)
	}
}

// tallyParts returns the parts of the tally that were read, beginning anywhere,
// so that writers spread over them.
func (st *State) tallyParts() []int {
	var parts []int
	first := rand.IntN(workspace.Parts)
	for i := range workspace.Parts {
		if part := (first + i) % workspace.Parts; st.read[tallyKey(st.id, part)] {
			parts = append(parts, part)
		}
	}
	return parts
}

func (st *State) inviterPartsRead() []int {
	var parts []int
	first := rand.IntN(inviterParts)
	for i := range inviterParts {
		if part := (first + i) % inviterParts; st.read[inviterKey(st.inviter.key, part)] {
			parts = append(parts, part)
		}
	}
	return parts
}

// take notes an item as it is.
func (st *State) take(item Item) (err error) {
	key := table.KeyOf(item)
	switch entityOf(item) {
	case entityWorkspace:
		var w workspace.Workspace
		w, err = workspaceOfItem(item)
		if w.SeatLimit != st.Workspace.SeatLimit { // the rooms that were read are those of another limit
			st.forget(st.tallyKeys())
		}
		st.Workspace, st.Deleted = living(w)
	case entityUser:
		var u user.User
		u, err = userOfItem(item)
		u.Recipient = u.Recipient.And(st.recipients[u.ID])
		st.Users[u.ID] = u
		delete(st.Erased, u.ID)
	case entityErased:
		var e user.Erased
		var wishes user.Recipient
		e, wishes, err = erasedOfItem(item)
		st.Erased[e.ID] = e
		delete(st.Users, e.ID)
		if wishes.Wishes() {
			st.recipients[e.ID] = wishes
		}
	case entityGroup:
		g, deleting := groupOfItem(item)
		st.Groups[g.ID] = !deleting
	case entityAccount:
		st.Accounts[strings.TrimPrefix(key.PK, prefixAccount)] = true
	case entityRequest:
		st.Answer, err = answerOfItem(item)
	case entityTally:
		part, _ := strconv.Atoi(strings.TrimPrefix(key.SK, prefixTally))
		st.Tally[part] = partOfItem(item)
	case entityInviter:
		if part, ok := strings.CutPrefix(key.SK, prefixPart); ok {
			n, _ := strconv.Atoi(part)
			st.inviter.parts[n] = dayOfItem(item)
		}
	case entityImport:
		st.Import, err = importOfItem(item)
	case entityImportRows:
		st.ImportRows, err = importRowsOfItem(item)
	case entityMailbox:
		st.mailboxes[strings.TrimPrefix(key.PK, prefixRecipient)], err = mailboxOfItem(item)
	case entityRecipient:
		// A wish can be written while its person is invited again: then the
		// record does not have it, and this item counts.
		id := strings.TrimPrefix(key.SK, prefixRecipient)
		st.recipients[id], err = recipientOfItem(item)
		if u, ok := st.Users[id]; ok {
			u.Recipient = u.Recipient.And(st.recipients[id])
			st.Users[id] = u
		}
	}
	st.read[key] = true
	return err
}

// living returns a workspace as exists or, if it is deleted, as deleted; the other
// one is zero. Readers of State.Workspace never see a deleted workspace.
func living(w workspace.Workspace) (exists, deleted workspace.Workspace) {
	if w.Exists() {
		return w, deleted
	}
	return exists, w
}

// absorb notes an item as another writer left it; nil for none.
func (st *State) absorb(key Key, item Item) error {
	if item != nil {
		return st.take(item)
	}
	st.read[key] = true
	switch {
	case strings.HasPrefix(key.SK, prefixUser):
		delete(st.Users, strings.TrimPrefix(key.SK, prefixUser))
		delete(st.Erased, strings.TrimPrefix(key.SK, prefixUser))
	case key.SK == skWorkspace:
		st.Workspace, st.Deleted = workspace.Workspace{}, workspace.Workspace{}
	case key.SK == skMailbox:
		delete(st.mailboxes, strings.TrimPrefix(key.PK, prefixRecipient))
	case strings.HasPrefix(key.SK, prefixImport):
		st.Import = workspace.Import{}
	case strings.HasPrefix(key.SK, prefixImportRows):
		st.ImportRows = ImportRows{}
	case strings.HasPrefix(key.SK, prefixRequest):
		st.Answer = Answer{}
	case strings.HasPrefix(key.SK, prefixPart): // the count of a day that is over
		part, _ := strconv.Atoi(strings.TrimPrefix(key.SK, prefixPart))
		st.inviter.parts[part] = workspace.Day{}
	}
	return nil
}

// Mailed returns a user with what is known of their mailbox. Where that was not
// read, it is what their record last saw: good enough to act on, since the write
// depends on it, but not to refuse anything. A refusal reads the mailbox and
// decides anew.
func (st *State) Mailed(id string) user.User {
	u, ok := st.Users[id]
	if !ok {
		return u
	}
	key := user.EmailKey(u.Email)
	if st.read[mailboxKey(key)] {
		// A record from before mailboxes had items of their own knows best, as
		// long as there is none.
		if box, ok := st.mailboxes[key]; ok || u.Mailbox.Version > 0 {
			u.Mailbox = box
		}
		return u
	}
	if !slices.Contains(st.guessed, key) {
		st.guessed = append(st.guessed, key)
	}
	return u
}

// Mailbox returns what is known of an address that was among the people wanted.
func (st *State) Mailbox(email string) user.Mailbox { return st.mailboxes[user.EmailKey(email)] }

// Recipient returns what the person of that id said about mail from the
// workspace. Their record, where there is one, says the same.
func (st *State) Recipient(id string) user.Recipient {
	if u, ok := st.Users[id]; ok {
		return u.Recipient
	}
	return st.recipients[id]
}

// InviterKey returns the email key of the inviter whose limits count; "" for a
// backend.
func (st *State) InviterKey() string { return st.inviter.key }

// HasRead reports whether a user was read, existing or not.
func (st *State) HasRead(id string) bool { return st.read[userKey(st.id, id)] }

// HasAccount reports whether an email that was asked for has an account.
func (st *State) HasAccount(email string) bool { return st.Accounts[user.EmailKey(email)] }

// LoadUser reads one user; ok is false if there is none.
func (s *Store) LoadUser(ctx context.Context, workspaceID, id string) (u user.User, ok bool, err error) {
	item, err := s.table.Get(ctx, userKey(workspaceID, id))
	if err != nil || entityOf(item) != entityUser {
		return user.User{}, false, err
	}
	u, err = userOfItem(item)
	return u, err == nil, err
}
