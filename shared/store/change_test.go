package store_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/latchkey/latchkey/shared/store"
	"github.com/latchkey/latchkey/shared/user"
)

func mailOf(u user.User) store.Mail {
	return store.Mail{WorkspaceID: u.WorkspaceID, UserID: u.ID, Generation: u.Invitation.Generation, Kind: "invitation"}
}

func (tb *table) deliver(t testing.TB, u user.User, to user.Delivery, reason string) {
	t.Helper()
	err := tb.SetDelivery(t.Context(), mailOf(u), stamp("mail", t0.Add(time.Minute)), user.Notice{Delivery: to, Reason: reason})
	if err != nil {
		t.Fatal(err)
	}
}

// An attribute that this version knows nothing of is another writer's: a
// change that replaced whole items would lose it.
func TestAChangeWritesOnlyWhatDiffers(t *testing.T) {
	tb := newTable(t)
	u := tb.insert(t, invited(newWorkspaceID(), "john@corp.com", user.Builder, t0))
	_, err := tb.db.UpdateItem(t.Context(), &dynamodb.UpdateItemInput{
		TableName: &tb.name, Key: store.Item{"pk": s("WS#" + u.WorkspaceID), "sk": s("USER#" + u.ID)},
		UpdateExpression:          aws.String("SET foreign_ = :x, #name = :x"),
		ExpressionAttributeNames:  map[string]string{"#name": "name"},
		ExpressionAttributeValues: store.Item{":x": s("another writer's")},
	})
	if err != nil {
		t.Fatal(err)
	}
	var written []string
	tb.calls.listen(func(operation, request string, _ []byte) {
		if operation == "BatchGetItem" {
			return
		}
		type update struct {
			Key                      struct{ SK struct{ S string } }
			ExpressionAttributeNames map[string]string
		}
		var in struct{ TransactItems []struct{ Update update } }
		if operation != "TransactWriteItems" || json.Unmarshal([]byte(request), &in) != nil || len(in.TransactItems) != 2 ||
			!strings.HasPrefix(in.TransactItems[1].Update.Key.SK.S, "TALLY#") {
			t.Fatalf("it called %s: %s", operation, request)
		}
		for _, name := range in.TransactItems[0].Update.ExpressionAttributeNames {
			written = append(written, name)
		}
	})
	_, err = tb.ChangeUser(t.Context(), u, archive)
	tb.calls.listen(nil)
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(written)
	if want := []string{"archivedAt", "duePk", "dueSk", "last", "rolePk", "status", "statusSk", "updatedAt", "version"}; !slices.Equal(written, want) {
		t.Errorf("it wrote %q, want %q", written, want)
	}
	item := tb.rawUser(t, u)
	if textOf(item["foreign_"]) != "another writer's" || textOf(item["name"]) != "another writer's" {
		t.Errorf("another writer's attributes are %v and %v", item["foreign_"], item["name"])
	}
	if item["duePk"] != nil || item["dueSk"] != nil {
		t.Error("an archived user is still in the index of what is due")
	}
}

// Mail delivery is written without raising the version, so a change that was
// decided before it must not put the old state back.
func TestAChangeLeavesTheDeliveryThatCameInBetween(t *testing.T) {
	tb := newTable(t)
	for name, change := range map[string]func(user.User) (user.User, error){
		"archive": archive,
		"accept":  func(u user.User) (user.User, error) { return accept(u, byAdmin(t0.Add(day)), "sub") },
		"decline": func(u user.User) (user.User, error) { return decline(u, byAdmin(t0.Add(day))) },
		"expire":  func(u user.User) (user.User, error) { return u.Expire(byAdmin(t0.Add(week))) },
	} {
		u := tb.insert(t, invited(newWorkspaceID(), "john@corp.com", user.Builder, t0))
		tb.deliver(t, u, user.DeliveryFailed, "the mail server refused it")
		_, err := tb.ChangeUser(t.Context(), u, change) // u is what was read before
		if err != nil {
			t.Fatal(err)
		}
		if i := tb.load(t, u).Invitation; i.Delivery != user.DeliveryFailed || i.DeliveryReason != "the mail server refused it" {
			t.Errorf("%s: the delivery is %s, %q", name, i.Delivery, i.DeliveryReason)
		}
	}
}

// The new link's mail is queued, whatever became of the old one's in between.
func TestANewLinkStartsWithAQueuedDelivery(t *testing.T) {
	tb := newTable(t)
	again := user.Inviting{SendEmail: true, Lasts: week}
	resend := func(u user.User) (user.User, error) { return u.Resend(byAdmin(t0.Add(day)), again) }
	for name, c := range map[string]struct {
		to     user.Delivery
		reason string
	}{
		"after it was sent": {user.DeliverySent, ""},
		"after it failed":   {user.DeliveryFailed, "the mail server refused it"},
		"as it was":         {},
	} {
		for _, fresh := range []bool{true, false} {
			u := tb.insert(t, invited(newWorkspaceID(), "john@corp.com", user.Builder, t0))
			before := u
			if c.to != "" {
				tb.deliver(t, u, c.to, c.reason)
			}
			if fresh {
				before = tb.load(t, u)
			}
			next, err := tb.ChangeUser(t.Context(), before, resend)
			if err != nil {
				t.Fatal(err)
			}
			i := tb.load(t, u).Invitation
			if i != next.Invitation || i.Delivery != user.DeliveryQueued || i.DeliveryReason != "" || i.Generation <= u.Invitation.Generation {
				t.Errorf("%s, read after it %v: stored is %+v", name, fresh, i)
			}
			// A late notice of the old link's mail changes nothing any more.
			tb.deliver(t, u, user.DeliveryFailed, "late")
			if i := tb.load(t, u).Invitation; i.Delivery != user.DeliveryQueued {
				t.Errorf("%s: a notice of generation 1 made it %s, %q", name, i.Delivery, i.DeliveryReason)
			}
			tb.deliver(t, next, user.DeliverySent, "")
			if i := tb.load(t, u).Invitation; i.Delivery != user.DeliverySent || i.DeliveryReason != "" {
				t.Errorf("%s: a notice of generation 2 made it %s, %q", name, i.Delivery, i.DeliveryReason)
			}
		}
	}
}

// learn notes what was learned of a user's mail, and gives what is known then.
func (tb *table) learn(t testing.TB, u user.User, notices ...user.Notice) user.User {
	t.Helper()
	for _, n := range notices {
		err := tb.SetDelivery(t.Context(), mailOf(u), stamp("mail", t0.Add(time.Minute)), n)
		if err != nil {
			t.Fatal(err)
		}
	}
	return tb.load(t, u)
}

// Of two notices the weightier one stands, whichever comes first and however
// often; none of them is a version of its own, which would let a transition
// that is under way be decided anew.
func TestTheWeightierNoticeStands(t *testing.T) {
	tb := newTable(t)
	notices := []user.Notice{
		{Delivery: user.DeliverySent, Weight: user.WeightSent},
		{Delivery: user.DeliveryDelayed, Weight: user.WeightDelayed, Reason: "delayed"},
		{Delivery: user.DeliveryBounced, Weight: user.WeightAutomatic, Reason: "absent"},
		{Delivery: user.DeliveryDelivered, Weight: user.WeightDelivered},
		{Delivery: user.DeliveryBounced, Weight: user.WeightBounced, Reason: "full"},
		{Delivery: user.DeliveryBounced, Weight: user.WeightUndeliverable, Reason: "no such mailbox"},
		{Delivery: user.DeliveryComplained, Weight: user.WeightComplained, Reason: "spam"},
	}
	for i, lighter := range notices {
		for _, weightier := range notices[i+1:] {
			for _, order := range [][]user.Notice{
				{lighter, weightier}, {weightier, lighter}, {lighter, lighter, weightier, weightier}, {weightier, lighter, weightier, lighter},
			} {
				u := tb.insert(t, invited(newWorkspaceID(), "john@corp.com", user.Builder, t0))
				now := tb.learn(t, u, order...)
				if got := now.Invitation; got.Delivery != weightier.Delivery || got.DeliveryReason != weightier.Reason || got.DeliveryWeight != weightier.Weight {
					t.Errorf("%+v: %s %q", order, got.Delivery, got.DeliveryReason)
				}
				if now.Version != u.Version || now.Last.Type != user.DeliveryChanged {
					t.Errorf("%+v: version %d, and the last change is %s", order, now.Version, now.Last.Type)
				}
			}
		}
	}
}

// What we say ourselves stands until the mail service says anything, and is
// told once.
func TestOurOwnWordsStandUntilTheMailServiceSpeaks(t *testing.T) {
	tb := newTable(t)
	failed := user.Notice{Delivery: user.DeliveryFailed, Reason: "given up"}
	sent := user.Notice{Delivery: user.DeliverySent, Weight: user.WeightSent}
	u := tb.insert(t, invited(newWorkspaceID(), "john@corp.com", user.Builder, t0))
	first := tb.learn(t, u, failed)
	if first.Invitation.Delivery != user.DeliveryFailed || first.Last.Type != user.DeliveryChanged {
		t.Errorf("%s, and the last change is %s", first.Invitation.Delivery, first.Last.Type)
	}
	changed, err := tb.ChangeUser(t.Context(), first, func(u user.User) (user.User, error) { return u.Archive(stamp("admin", t0.Add(time.Hour))) })
	if err != nil {
		t.Fatal(err)
	}
	if again := tb.learn(t, changed, failed); again.Last.Type != user.UserArchived {
		t.Error("the same was told twice")
	}
	if redriven := tb.learn(t, u, sent); redriven.Invitation.Delivery != user.DeliverySent || redriven.Invitation.DeliveryReason != "" {
		t.Errorf("redriven, it is %+v", redriven.Invitation)
	}
	if late := tb.learn(t, u, failed); late.Invitation.Delivery != user.DeliverySent {
		t.Errorf("given up by another run meanwhile, it is %s", late.Invitation.Delivery)
	}
}

func TestANoticeOfAnotherGenerationOrOfNobodyChangesNothing(t *testing.T) {
	tb := newTable(t)
	u := invited(newWorkspaceID(), "john@corp.com", user.Builder, t0)
	u.Invitation.Generation = 3
	tb.insert(t, u)
	for _, generation := range []int{1, 2, 4} {
		m := mailOf(u)
		m.Generation = generation
		err := tb.SetDelivery(t.Context(), m, stamp("mail", t0), user.Notice{Delivery: user.DeliverySent})
		if err != nil {
			t.Error(err)
		}
	}
	if now := tb.load(t, u); now.Invitation.Delivery != user.DeliveryQueued || now.Last.ID != u.Last.ID {
		t.Errorf("the delivery is %s after %s", now.Invitation.Delivery, now.Last.Type)
	}
	before := len(tb.all(t))
	tb.deliver(t, invited(newWorkspaceID(), "nobody@corp.com", user.Builder, t0), user.DeliverySent, "")
	if after := len(tb.all(t)); after != before {
		t.Errorf("a notice made a record: %d items became %d", before, after)
	}
}

// Archiving and the notice of a mail, at the same time, are both kept.
func TestDeliveryAndTransitionAtOnceAreBothKept(t *testing.T) {
	tb := newTable(t)
	for range 8 {
		u := tb.insert(t, invited(newWorkspaceID(), "john@corp.com", user.Builder, t0))
		race(2, func(i int) {
			if i == 0 {
				tb.deliver(t, u, user.DeliverySent, "")
				return
			}
			if _, err := tb.ChangeUser(t.Context(), u, archive); err != nil {
				t.Error(err)
			}
		})
		if now := tb.load(t, u); now.Status != user.Archived || now.Invitation.Delivery != user.DeliverySent {
			t.Fatalf("the user is %s, the delivery %s", now.Status, now.Invitation.Delivery)
		}
	}
}
