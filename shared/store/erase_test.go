package store_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/latchkey/latchkey/shared/event"
	"github.com/latchkey/latchkey/shared/fault"
	"github.com/latchkey/latchkey/shared/store"
	"github.com/latchkey/latchkey/shared/user"
)

// told is all that a value of an item tells, whatever its type.
func told(v types.AttributeValue) (texts []string) {
	switch v := v.(type) {
	case *types.AttributeValueMemberS:
		return []string{v.Value}
	case *types.AttributeValueMemberN:
		return []string{v.Value}
	case *types.AttributeValueMemberB:
		return []string{string(v.Value)}
	case *types.AttributeValueMemberSS:
		return v.Value
	case *types.AttributeValueMemberL:
		for _, v := range v.Value {
			texts = append(texts, told(v)...)
		}
	case *types.AttributeValueMemberM:
		for name, v := range v.Value {
			texts = append(append(texts, name), told(v)...)
		}
	case *types.AttributeValueMemberBOOL, *types.AttributeValueMemberNULL:
	default:
		panic(fmt.Sprintf("told: %T", v))
	}
	return texts
}

// holding are the items of the whole table that hold one of the texts, in
// whatever attribute and in whatever case.
func (tb *table) holding(t testing.TB, texts ...string) (found []string) {
	t.Helper()
	for _, item := range tb.all(t) {
		whole := strings.ToLower(strings.Join(told(&types.AttributeValueMemberM{Value: item}), "\x00"))
		for _, text := range texts {
			if strings.Contains(whole, strings.ToLower(text)) {
				found = append(found, fmt.Sprintf("%s %s has %q", textOf(item["pk"]), textOf(item["sk"]), text))
			}
		}
	}
	return found
}

// After an erasure nothing in the whole table names the person, and what is
// left in their place is ids and counts alone.
func TestAnErasedPersonIsNamedNowhere(t *testing.T) {
	tb := newTable(t)
	w, founder := tb.found(t)
	const email, name, message = "Zebra.Quagga@Savanna.example", "Zebra Quagga", "A personal word"
	personal := []string{email, "zebra", "quagga", "savanna", message, "sealed-metadata", "sub-zebra", user.EmailKey(email)}
	u := invited(w.ID, email, user.Builder, t0)
	u.Name, u.SealedMetadata, u.Invitation.Message, u.Groups = name, []byte("sealed-metadata"), message, []string{"a"}
	var events []event.Event
	then := func(next user.User) user.User {
		u = next
		events = append(events, event.OfUser(u))
		return u
	}
	then(tb.insert(t, u))
	tb.claim(t, mailOf(u), t0)
	if err := tb.MarkMailSent(t.Context(), mailOf(u), t0); err != nil {
		t.Fatal(err)
	}
	tb.deliver(t, u, user.DeliveryFailed, "The mail service refused the mail.")
	then(tb.load(t, u))
	then(tb.change(t, u, func(u user.User) (user.User, error) { return accept(u, byAdmin(t0.Add(time.Hour)), "sub-zebra") }))
	then(tb.change(t, u, archive))
	if err := tb.AppendHistory(t.Context(), events, 10*day); err != nil {
		t.Fatal(err)
	}
	for _, text := range personal { // or the search would find nothing, whatever is there
		if len(tb.holding(t, text)) == 0 {
			t.Fatalf("before, nothing holds %q", text)
		}
	}

	tb.erase(t, u)
	found := tb.holding(t, personal...)
	// That the address was mailed belongs to the deployment, under its hash alone.
	mailbox := "RECIPIENT#" + user.EmailKey(email) + " MAILBOX"
	found = slices.DeleteFunc(found, func(f string) bool { return f == mailbox+fmt.Sprintf(" has %q", user.EmailKey(email)) })
	if len(found) > 0 {
		t.Errorf("after, %s", strings.Join(found, "\n"))
	}
	left := tb.rawUser(t, u)
	var attributes []string
	for name := range left {
		attributes = append(attributes, name)
	}
	slices.Sort(attributes)
	if want := []string{"entity", "generation", "last", "pk", "sk", "ttl", "version"}; !slices.Equal(attributes, want) {
		t.Errorf("left are %q, want %q", attributes, want)
	}
	if ttl := ttlOf(t, left); ttl.After(t0.Add(3 * day)) {
		t.Errorf("it is left until %v", ttl)
	}

	// They are in no index, in no list, in no count.
	if _, ok, err := tb.LoadUser(t.Context(), w.ID, u.ID); ok || err != nil {
		t.Errorf("they can be loaded: %v, %v", ok, err)
	}
	if users := tb.list(t, w.ID, store.Filter{}); len(users) != 1 || users[0].ID != founder.ID {
		t.Errorf("listed are %s", names(users))
	}
	if memberships, _, err := tb.Memberships(t.Context(), user.EmailKey(email), ""); err != nil || len(memberships) != 0 {
		t.Errorf("the email is in %v, %v", memberships, err)
	}
	if due := tb.due(t, t0.Add(365*day)); len(due) != 0 {
		t.Errorf("due are %q", due)
	}
	tb.checkTally(t, w.ID, 0)
	snap, err := tb.Load(t.Context(), store.Want{Workspace: w.ID, Users: []string{u.ID}})
	if err != nil || len(snap.Users) != 0 || snap.Erased[u.ID].ID != u.ID {
		t.Errorf("loaded are %v and %v, %v", snap.Users, snap.Erased, err)
	}

	// The history stays, about somebody who has no name.
	lines, _, err := tb.ListHistory(t.Context(), w.ID, u.ID, store.HistoryPage{Limit: 10}, t0)
	if err != nil || len(lines) != len(events) {
		t.Errorf("%d lines of history are left, %v", len(lines), err)
	}
	if people, err := tb.People(t.Context(), w.ID, []string{u.ID}); err != nil || len(people) != 0 {
		t.Errorf("they are %v, %v", people, err)
	}
}

// Only who is not in the workspace is erased; for everybody else nothing is
// written, and nobody is erased twice.
func TestOnlyWhoIsGoneIsErased(t *testing.T) {
	tb := newTable(t)
	w, founder := tb.found(t)
	erase := func(u user.User, at time.Time) error {
		return tb.EraseUser(t.Context(), u, func(u user.User) (user.Erased, error) { return u.Erase(byAdmin(at)) })
	}
	pending := tb.insert(t, quiet(w.ID, "pending@corp.com", t0))
	end := pending.Invitation.ExpiresAt
	for name, u := range map[string]user.User{"active": founder, "pending": pending} {
		if err := erase(u, end.Add(-time.Millisecond)); fault.Code(err) != "status_conflict" {
			t.Errorf("%s: %v", name, err)
		}
		if now := tb.load(t, u); now.Version != u.Version {
			t.Errorf("%s: version %d became %d", name, u.Version, now.Version)
		}
	}
	// Expired by the clock, before the schedule ran.
	if err := erase(pending, end); err != nil {
		t.Error(err)
	}
	if err := erase(pending, end); fault.Code(err) != "user_not_found" {
		t.Errorf("erased twice: %v", err)
	}
	if err := erase(quiet(w.ID, "nobody@corp.com", t0), end); fault.Code(err) != "user_not_found" {
		t.Errorf("nobody is erased: %v", err)
	}
	tb.checkTally(t, w.ID, 0)
}

// Somebody is restored by one and erased by another at once: one of them wins,
// and the other is told.
func TestErasedOrRestoredNeverBoth(t *testing.T) {
	tb := newTable(t)
	for range 8 {
		wsID := newWorkspaceID()
		u := tb.change(t, tb.insert(t, quiet(wsID, "john@corp.com", t0)), archive)
		errs := make([]error, 8)
		race(len(errs), func(i int) {
			if i%2 == 0 {
				errs[i] = tb.EraseUser(t.Context(), u, func(u user.User) (user.Erased, error) { return u.Erase(byAdmin(t0)) })
			} else {
				_, errs[i] = tb.ChangeUser(t.Context(), u, func(u user.User) (user.User, error) { return u.Restore(byAdmin(t0), false, noMail) })
			}
		})
		won := map[string]int{}
		for i, err := range errs {
			if err == nil {
				won[map[bool]string{true: "erased", false: "restored"}[i%2 == 0]]++
			} else if c := fault.Code(err); c != "user_not_found" && c != "status_conflict" {
				t.Errorf("call %d: %v", i, err)
			}
		}
		_, there, err := tb.LoadUser(t.Context(), wsID, u.ID)
		if err != nil || won["erased"]+won["restored"] != 1 || there != (won["restored"] == 1) {
			t.Errorf("won %v, there is somebody: %v, %v", won, there, err)
		}
		tb.checkTally(t, wsID, 0)
	}
}

// Whoever is invited again after an erasure is somebody new with the old id:
// none of the old links' generations comes back, whenever that is, and the mails
// of the day still count.
func TestWhoIsInvitedAgainAfterAnErasureHasNewLinksAlone(t *testing.T) {
	tb := newTable(t)
	w, _ := tb.found(t)
	for name, later := range map[string]time.Duration{"within the same second": 0, "within seconds": time.Second, "within minutes": 10 * time.Minute, "days later": 9 * day} {
		t.Run(name, func(t *testing.T) {
			email := strings.ReplaceAll(name, " ", "-") + "@corp.com"
			u := tb.insert(t, invited(w.ID, email, user.Builder, t0))
			old := []int{u.Invitation.Generation}
			for range 3 {
				u = tb.change(t, u, func(u user.User) (user.User, error) { return u.Resend(byAdmin(t0), noMail) })
				old = append(old, u.Invitation.Generation)
			}
			u = tb.change(t, u, func(u user.User) (user.User, error) { return decline(u, byAdmin(t0)) })
			if err := tb.EraseUser(t.Context(), u, func(u user.User) (user.Erased, error) { return u.Erase(byAdmin(t0)) }); err != nil {
				t.Fatal(err)
			}
			snap, err := tb.Load(t.Context(), store.Want{Workspace: w.ID, People: []string{email}})
			if err != nil {
				t.Fatal(err)
			}
			again, err := user.New(byAdmin(t0.Add(later)), w.ID, user.Details{Name: "Anew", Email: email, Role: user.EndUser}, noMail,
				snap.Erased[u.ID], snap.Mailbox(email), snap.Recipient(u.ID))
			if err != nil || again.ID != u.ID {
				t.Fatalf("%s became %s, %v", u.ID, again.ID, err)
			}
			tb.insert(t, again)
			now := tb.load(t, again)
			if slices.Contains(old, now.Invitation.Generation) {
				t.Errorf("the link of generation %d, of those that are dead (%v), is alive again", now.Invitation.Generation, old)
			}
			if now.Mailbox != u.Mailbox || now.Version <= u.Version || now.Name != "Anew" || now.Subject != "" || !now.ActivatedAt.IsZero() {
				t.Errorf("invited again: %+v", now)
			}
			if item := tb.rawUser(t, now); item["ttl"] != nil {
				t.Errorf("the new record is gone at %v", ttlOf(t, item))
			}
		})
	}
	tb.checkTally(t, w.ID, 0)
}
