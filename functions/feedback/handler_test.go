package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"log/slog"
	mathrand "math/rand/v2"
	"os"
	"strings"
	"testing"
	"time"

	lambdaevents "github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/latchkey/latchkey/infra/blueprint"
	"github.com/latchkey/latchkey/infra/local/dynamodblocal"
	"github.com/latchkey/latchkey/shared/id"
	"github.com/latchkey/latchkey/shared/invitation"
	"github.com/latchkey/latchkey/shared/store"
	"github.com/latchkey/latchkey/shared/user"
	"github.com/latchkey/latchkey/shared/workspace"
)

var table *dynamodblocal.Server

func TestMain(m *testing.M) {
	dir, err := dynamodblocal.FindDir()
	if err == nil {
		table, err = dynamodblocal.Start(context.Background(), dynamodblocal.Config{Dir: dir})
	}
	if err == nil {
		err = dynamodblocal.CreateTable(context.Background(), table.Client(), "latchkey", blueprint.TheTable())
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	code := m.Run()
	if err := table.Stop(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

const address = "john.doe@corp.com"

type bench struct {
	t   *testing.T
	h   handler
	u   user.User
	now time.Time
	log *strings.Builder
}

func newBench(t *testing.T) *bench {
	t.Helper()
	b := &bench{t: t, now: time.Now().UTC().Truncate(time.Millisecond), log: &strings.Builder{}}
	b.h = handler{
		invitations: invitation.Service{Store: store.New(table.Client(), "latchkey"), Random: rand.Reader},
		log:         slog.New(slog.NewJSONHandler(b.log, nil)), now: func() time.Time { return b.now },
	}
	ws, err := id.Random(workspace.IDPrefix, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	err = b.store().InsertWorkspace(t.Context(), workspace.New(b.stamp(), ws, "Nexus", "nexus-"+ws, []byte("key")), nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	// An address of its own, because what an address returned holds in every workspace.
	own := "john.doe+" + ws[len(workspace.IDPrefix):] + "@corp.com"
	b.u, err = user.New(b.stamp(), ws, user.Details{Name: "John Doe", Email: own, Role: user.Builder},
		user.Inviting{SendEmail: true, Lasts: 7 * 24 * time.Hour}, user.Erased{}, user.Mailbox{}, user.Recipient{})
	if err != nil {
		t.Fatal(err)
	}
	b.write(store.Decision{Users: []store.UserChange{{After: b.u}}})
	return b
}

func (b *bench) store() *store.Store { return b.h.invitations.Store }

// load reads all that is known of the invited person.
func (b *bench) load() *store.State {
	b.t.Helper()
	st, err := b.store().Load(b.t.Context(), store.Want{
		Workspace: b.u.WorkspaceID, Users: []string{b.u.ID}, People: []string{b.u.Email}, Wishes: []string{b.u.ID}, Counts: true,
	})
	if err != nil {
		b.t.Fatal(err)
	}
	return st
}

func (b *bench) write(d store.Decision) {
	b.t.Helper()
	_, err := store.Decide(b.t.Context(), b.store(), b.load(), func(*store.State) (store.Decision, bool, error) { return d, true, nil })
	if err != nil {
		b.t.Fatal(err)
	}
}

// change makes a transition of the invited person.
func (b *bench) change(transition func(user.User) (user.User, error)) user.User {
	b.t.Helper()
	u, err := b.store().ChangeUser(b.t.Context(), b.load(), b.u.ID, transition)
	if err != nil {
		b.t.Fatal(err)
	}
	return u
}

func (b *bench) stamp() user.Stamp {
	e, err := id.Ordered("evt_", b.now, rand.Reader)
	if err != nil {
		b.t.Fatal(err)
	}
	return user.Stamp{ID: e, Actor: "usr_admin", At: b.now}
}

// told is a notice as SES writes it, with the address in every place where SES
// has it.
func (b *bench) told(kind string, more map[string]any) string {
	n := map[string]any{"eventType": kind, "mail": map[string]any{
		"destination": []string{b.u.Email}, "messageId": "m-1", "source": "invitations@example.com",
		"commonHeaders": map[string]any{"to": []string{b.u.Email}},
		"tags": map[string][]string{
			"workspace": {b.u.WorkspaceID}, "user": {b.u.ID}, "generation": {fmt.Sprint(b.u.Invitation.Generation)}, "kind": {"invitation"}, "recipient": {user.EmailKey(b.u.Email)},
		},
	}}
	for name, value := range more {
		n[name] = value
	}
	raw, err := json.Marshal(n)
	if err != nil {
		b.t.Fatal(err)
	}
	return string(raw)
}

func bounce(kind, sub, status string) map[string]any {
	return map[string]any{"bounce": map[string]any{"bounceType": kind, "bounceSubType": sub, "bouncedRecipients": []map[string]any{
		{"emailAddress": address, "status": status, "diagnosticCode": "smtp; 550 <" + address + "> unknown"},
	}}}
}

func (b *bench) take(bodies ...string) []string {
	b.t.Helper()
	var in lambdaevents.SQSEvent
	for i, body := range bodies {
		in.Records = append(in.Records, lambdaevents.SQSMessage{MessageId: fmt.Sprint(i), Body: body})
	}
	out, err := b.h.handle(b.t.Context(), in)
	if err != nil {
		b.t.Fatal(err)
	}
	var failed []string
	for _, f := range out.BatchItemFailures {
		failed = append(failed, f.ItemIdentifier)
	}
	return failed
}

func (b *bench) state() user.Invitation {
	b.t.Helper()
	u, ok := b.load().Users[b.u.ID]
	if !ok {
		b.t.Fatal("the person is gone")
	}
	return u.Invitation
}

// mailable returns why a mail must not go to the person, or nil.
func (b *bench) mailable() error { return b.load().Mailed(b.u.ID).MayBeMailed(false) }

func TestEachNoticeSetsItsState(t *testing.T) {
	for _, c := range []struct {
		kind   string
		more   map[string]any
		want   user.Delivery
		reason string
		stops  error // further mail
	}{
		{"Send", nil, user.DeliveryQueued, "", nil}, // mail knows
		{"Delivery", nil, user.DeliveryDelivered, "", nil},
		{"DeliveryDelay", map[string]any{"deliveryDelay": map[string]any{"delayType": "MailboxFull"}}, user.DeliveryDelayed, "The mailbox is full; it is tried again.", nil},
		{"DeliveryDelay", map[string]any{"deliveryDelay": map[string]any{"delayType": "Undetermined"}}, user.DeliveryDelayed, "The recipient's mail server makes the mail wait.", nil},
		{"Bounce", bounce("Permanent", "General", "5.1.1"), user.DeliveryBounced, "The mailbox does not exist.", user.ErrUndeliverable},
		{"Bounce", bounce("Permanent", "NoEmail", ""), user.DeliveryBounced, "The mailbox does not exist.", user.ErrUndeliverable},
		{"Bounce", bounce("Permanent", "General", "5.9.9"), user.DeliveryBounced, "The mailbox takes no mail.", user.ErrUndeliverable},
		{"Bounce", bounce("Permanent", "Suppressed", ""), user.DeliverySuppressed, suppressed.Reason, user.ErrUndeliverable},
		{"Bounce", bounce("Permanent", "OnAccountSuppressionList", ""), user.DeliverySuppressed, suppressed.Reason, user.ErrUndeliverable},
		{"Bounce", bounce("Transient", "MailboxFull", "4.2.2"), user.DeliveryBounced, "The mailbox is full.", nil},
		{"Bounce", bounce("Transient", "General", ""), user.DeliveryBounced, "The mail came back, for a reason that may pass.", nil},
		{"Bounce", bounce("Undetermined", "Undetermined", ""), user.DeliveryBounced, "The mail came back, for a reason that may pass.", nil},
		{"Complaint", map[string]any{"complaint": map[string]any{"complaintFeedbackType": "abuse"}}, user.DeliveryComplained, "The recipient reported the mail as spam.", user.ErrComplained},
		{"Complaint", map[string]any{"complaint": map[string]any{"complaintSubType": "OnAccountSuppressionList"}}, user.DeliverySuppressed, suppressed.Reason, user.ErrUndeliverable},
		{"Reject", map[string]any{"reject": map[string]any{"reason": "Bad content"}}, user.DeliveryFailed, "The mail service refused the mail's content.", nil},
		{"Rendering Failure", map[string]any{"failure": map[string]any{}}, user.DeliveryFailed, "The mail could not be written.", nil},
		{"Open", map[string]any{"open": map[string]any{}}, user.DeliveryQueued, "", nil},
		{"Subscription", nil, user.DeliveryQueued, "", nil},
	} {
		b := newBench(t)
		if failed := b.take(b.told(c.kind, c.more)); len(failed) > 0 {
			t.Errorf("%s: failed", c.kind)
		}
		i := b.state()
		if stops := b.mailable(); i.Delivery != c.want || i.DeliveryReason != c.reason || stops != c.stops {
			t.Errorf("%s %v: %s, %q, further mail: %v", c.kind, c.more, i.Delivery, i.DeliveryReason, stops)
		}
		if strings.Contains(b.log.String(), "john") || strings.Contains(i.DeliveryReason, "john") {
			t.Errorf("%s: the address got into the log or the reason:\n%s", c.kind, b.log)
		}
	}
}

// Notices come late, twice and in any order; what they come to does not depend
// on it.
func TestTheOrderOfNoticesDoesNotMatter(t *testing.T) {
	delay := map[string]any{"deliveryDelay": map[string]any{"delayType": "SpamDetected"}}
	for _, c := range []struct {
		name string
		told func(b *bench) []string
		want user.Delivery
	}{
		{"delivered", func(b *bench) []string {
			return []string{b.told("DeliveryDelay", delay), b.told("Delivery", nil)}
		}, user.DeliveryDelivered},
		{"bounced for good", func(b *bench) []string {
			return []string{b.told("Delivery", nil), b.told("Bounce", bounce("Permanent", "General", "5.1.1"))}
		}, user.DeliveryBounced},
		{"bounced since the mailbox is full", func(b *bench) []string {
			return []string{b.told("Delivery", nil), b.told("Bounce", bounce("Transient", "MailboxFull", "5.2.2"))}
		}, user.DeliveryBounced},
		{"delivered to somebody who is away", func(b *bench) []string {
			return []string{b.told("Delivery", nil), b.told("Bounce", bounce("Transient", "General", ""))}
		}, user.DeliveryDelivered},
		{"complained", func(b *bench) []string {
			return []string{b.told("Delivery", nil), b.told("Complaint", nil), b.told("Bounce", bounce("Permanent", "General", "5.1.1"))}
		}, user.DeliveryComplained},
	} {
		for range 5 {
			b := newBench(t)
			told := c.told(b)
			told = append(told, told...) // each twice
			mathrand.Shuffle(len(told), func(i, j int) { told[i], told[j] = told[j], told[i] })
			b.take(told...)
			if i := b.state(); i.Delivery != c.want {
				t.Errorf("%s: %s", c.name, i.Delivery)
			}
		}
	}
}

// A notice that changes nothing writes nothing: no line of history, no event.
func TestARepeatedNoticeWritesNothing(t *testing.T) {
	b := newBench(t)
	read := func() string {
		out, err := table.Client().GetItem(t.Context(), &dynamodb.GetItemInput{TableName: ptr("latchkey"), Key: map[string]types.AttributeValue{
			"pk": text("WS#" + b.u.WorkspaceID), "sk": text("USER#" + b.u.ID),
		}})
		if err != nil {
			t.Fatal(err)
		}
		last, err := json.Marshal(out.Item["last"])
		if err != nil || out.Item["last"] == nil {
			t.Fatal(err)
		}
		return string(last)
	}
	b.take(b.told("Delivery", nil))
	first := read()
	b.now = b.now.Add(time.Hour)
	b.take(b.told("Delivery", nil), b.told("DeliveryDelay", nil))
	if again := read(); again != first {
		t.Errorf("the item changed: %s, %s", first, again)
	}
}

func TestANoticeOfAnotherTimeChangesNothing(t *testing.T) {
	b := newBench(t)
	old := b.told("Bounce", bounce("Permanent", "General", "5.1.1"))
	b.now = b.now.Add(2 * time.Minute)
	next := b.change(func(u user.User) (user.User, error) {
		return u.Resend(b.stamp(), user.Inviting{SendEmail: true, Lasts: time.Hour})
	})
	b.take(old)
	if i := b.state(); i.Delivery != user.DeliveryQueued || i.Generation != next.Invitation.Generation {
		t.Errorf("an old link's bounce: %+v", i)
	}
	for name, body := range map[string]string{
		"foreign tags":  `{"eventType":"Bounce","mail":{"tags":{"campaign":["x"]}},"bounce":{"bounceType":"Permanent"}}`,
		"no such user":  strings.Replace(b.told("Delivery", nil), b.u.ID, user.IDFor(b.u.WorkspaceID, "else@corp.com"), 1),
		"no id at all":  strings.Replace(b.told("Delivery", nil), b.u.ID, "x", 1),
		"the inviter's": strings.Replace(b.told("Bounce", bounce("Permanent", "General", "5.1.1")), `"invitation"`, `"accepted"`, 1),
	} {
		if failed := b.take(body); len(failed) > 0 {
			t.Errorf("%s: failed", name)
		}
	}
	if i := b.state(); i.Delivery != user.DeliveryQueued {
		t.Errorf("the state is %s", i.Delivery)
	}
}

// What cannot be read goes to the dead-letter queue, and keeps nothing back.
func TestOneUnreadableNoticeSpoilsNoOther(t *testing.T) {
	b := newBench(t)
	failed := b.take("not JSON, but "+address, b.told("Delivery", nil))
	if len(failed) != 1 || failed[0] != "0" {
		t.Errorf("failed: %v", failed)
	}
	if i := b.state(); i.Delivery != user.DeliveryDelivered {
		t.Errorf("the state is %s", i.Delivery)
	}
	if strings.Contains(b.log.String(), address) {
		t.Errorf("the address is in the log: %s", b.log)
	}
}

func text(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }

func ptr(s string) *string { return &s }

// A6, A4: what SES says after a person was erased rewrites nothing of theirs,
// and a complaint holds all the same.
func TestA06ALateNoticeLeavesAnErasedPersonErased(t *testing.T) {
	for _, kind := range []string{"Delivery", "Bounce", "Complaint"} {
		b := newBench(t)
		told := map[string]string{"Delivery": b.told("Delivery", nil), "Bounce": b.told("Bounce", bounce("Permanent", "General", "5.1.1")), "Complaint": b.told("Complaint", nil)}[kind]
		archived := b.change(func(u user.User) (user.User, error) { return u.Archive(b.stamp()) })
		rest, err := archived.Erase(b.stamp())
		if err != nil {
			t.Fatal(err)
		}
		b.write(store.Decision{Erased: []store.Erasure{{Before: archived, After: rest}}})
		before := b.load().Erased[b.u.ID]
		if failed := b.take(told, told); len(failed) > 0 {
			t.Errorf("%s: failed", kind)
		}
		st := b.load()
		if after, ok := st.Erased[b.u.ID]; !ok || after.Last.ID != before.Last.ID || after.Last.Type != user.UserErased || after.Version != before.Version {
			t.Errorf("%s: what is left of the person became %+v", kind, after)
		}
		if complained := !st.Recipient(b.u.ID).ComplainedAt.IsZero(); complained != (kind == "Complaint") {
			t.Errorf("%s: a complaint is noted: %v", kind, complained)
		}
		if returned := !st.Mailbox(b.u.Email).BouncedAt.IsZero(); returned != (kind == "Bounce") {
			t.Errorf("%s: the address is noted as undeliverable: %v", kind, returned)
		}
	}
}

// A4: a complaint about an older mail counts after a resend, and a resend
// without mail does not take it back.
func TestA04AComplaintAfterAResendCounts(t *testing.T) {
	b := newBench(t)
	complaint := b.told("Complaint", nil)
	b.now = b.now.Add(2 * time.Minute)
	b.change(func(u user.User) (user.User, error) {
		return u.Resend(b.stamp(), user.Inviting{SendEmail: true, Lasts: time.Hour})
	})
	b.take(complaint)
	if why := b.mailable(); why != user.ErrComplained {
		t.Errorf("after a complaint about the older mail: %v", why)
	}
	b.change(func(u user.User) (user.User, error) { return u.Resend(b.stamp(), user.Inviting{Lasts: time.Hour}) })
	if why := b.mailable(); why != user.ErrComplained {
		t.Errorf("after a resend without mail: %v", why)
	}
}
