package store_test

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/latchkey/latchkey/infra/local/dynamodblocal"
	"github.com/latchkey/latchkey/shared/access"
	"github.com/latchkey/latchkey/shared/awsenv"
	"github.com/latchkey/latchkey/shared/fault"
	"github.com/latchkey/latchkey/shared/invitation"
	"github.com/latchkey/latchkey/shared/store"
	"github.com/latchkey/latchkey/shared/user"
	"github.com/latchkey/latchkey/shared/workspace"
)

// office is the use cases of a workspace in the hands of its founder: what these
// tests are about is whether the store keeps what the use cases decide.
type office struct {
	*table
	invitation.Service
	workspace workspace.Workspace
	founder   user.User
}

func (tb *table) office(t testing.TB, limits workspace.Limits) office {
	t.Helper()
	w, founder := tb.found(t)
	service := invitation.Service{Store: tb.Store, Limits: limits, Reports: 3, Random: rand.Reader}
	return office{tb, service, w, founder}
}

// grant reads what a request of the founder reads.
func (o office) grant(ctx context.Context, want store.Want, target string) (access.Grant, error) {
	want.Workspace, want.Inviter = o.workspace.ID, o.founder.Email
	want.Users = append(want.Users, o.founder.ID, target)
	st, err := o.table.Load(ctx, want)
	return access.Grant{State: st, Me: o.founder, Actor: o.founder.ID, Email: o.founder.Email, Target: target}, err
}

func newPerson(email string) invitation.Person {
	return invitation.NewPerson(invitation.Person{
		Details: user.Details{Name: "John Doe", Email: email, Role: user.Builder}, SendEmail: true,
	})
}

func (o office) invite(ctx context.Context, email string, now time.Time) (user.User, error) {
	p := newPerson(email)
	g, err := o.grant(ctx, invitation.Needs(p, invitation.Call{}), "")
	if err != nil {
		return user.User{}, err
	}
	v, err := o.Invite(ctx, g, p, invitation.Call{}, now)
	return v.User, err
}

// act runs a use case on a user whom the request reads with the caller.
func (o office) act(ctx context.Context, id string, do func(context.Context, access.Grant) (invitation.View, error)) (user.User, error) {
	g, err := o.grant(ctx, store.Want{Counts: true}, id)
	if err != nil {
		return user.User{}, err
	}
	v, err := do(ctx, g)
	return v.User, err
}

var withMail = invitation.Again{SendEmail: true}

func (o office) resend(ctx context.Context, id string, now time.Time) (user.User, error) {
	return o.act(ctx, id, func(ctx context.Context, g access.Grant) (invitation.View, error) {
		return o.Resend(ctx, g, withMail, now)
	})
}

func (o office) archive(ctx context.Context, id string, now time.Time) (user.User, error) {
	return o.act(ctx, id, func(ctx context.Context, g access.Grant) (invitation.View, error) {
		return o.Archive(ctx, g, now)
	})
}

func (o office) restore(ctx context.Context, id string, now time.Time) (user.User, error) {
	return o.act(ctx, id, func(ctx context.Context, g access.Grant) (invitation.View, error) {
		return o.Restore(ctx, g, withMail, now)
	})
}

func (o office) eraseOne(ctx context.Context, id string, now time.Time) error {
	_, err := o.act(ctx, id, func(ctx context.Context, g access.Grant) (invitation.View, error) {
		return invitation.View{}, o.Erase(ctx, g, now)
	})
	return err
}

// asked adds up what the parts of the workspace's and the founder's day counted.
func (o office) asked(t testing.TB) (workspaceDay, inviterDay int) {
	t.Helper()
	st, err := o.table.Load(t.Context(), store.Want{Workspace: o.workspace.ID, AllCounts: true})
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range st.Tally {
		workspaceDay += part.Mails.On(t0)
	}
	for part := range 4 {
		item := o.raw(t, "INVITER#"+user.EmailKey(o.founder.Email), "PART#"+strconv.Itoa(part))
		inviterDay += numberOf(item["asked"])
	}
	return workspaceDay, inviterDay
}

func numberOf(v types.AttributeValue) int {
	n, ok := v.(*types.AttributeValueMemberN)
	if !ok {
		return 0
	}
	number, err := strconv.Atoi(n.Value)
	if err != nil {
		return 0
	}
	return number
}

// deliveries counts the users of workspaces, but for their founders, by delivery.
func deliveries(t testing.TB, offices ...office) map[user.Delivery]int {
	t.Helper()
	counts := map[user.Delivery]int{}
	for _, o := range offices {
		for _, u := range o.list(t, o.workspace.ID, store.Filter{}) {
			if u.ID != o.founder.ID {
				counts[u.Invitation.Delivery]++
			}
		}
	}
	return counts
}

const (
	// racers is how many callers these tests have at once.
	racers = 30
	// crowded is how long all calls of one race may take: on one machine they
	// also wait for the one server.
	crowded = 3 * time.Minute
)

// inviteMany has n people invited, racers of them at once, spread over the
// workspaces.
func inviteMany(t *testing.T, n int, offices ...office) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), crowded)
	defer cancel()
	race(racers, func(racer int) {
		for i := racer; i < n; i += racers {
			_, err := offices[i/racers%len(offices)].invite(ctx, fmt.Sprintf("guest%d@corp.com", i), t0)
			if err != nil {
				t.Error(err)
			}
		}
	})
}

func TestTheWorkspacesDayIsExactUnderARace(t *testing.T) {
	const limit, people = 30, 120
	o := newTable(t).office(t, workspace.Limits{Inviter: 1000, NewWorkspace: limit, Workspace: limit})
	inviteMany(t, people, o)
	if got := deliveries(t, o); got[user.DeliveryQueued] != limit || got[user.DeliveryScheduled] != people-limit {
		t.Errorf("the deliveries are %v", got)
	}
	if ofWorkspace, ofInviter := o.asked(t); ofWorkspace != limit || ofInviter != limit {
		t.Errorf("the workspace's day counts %d, the inviter's %d", ofWorkspace, ofInviter)
	}
	o.checkTally(t, o.workspace.ID, 0)
}

func TestTheInvitersDayIsExactOverAllWorkspaces(t *testing.T) {
	const limit, people = 30, 120
	tb := newTable(t)
	limits := workspace.Limits{Inviter: limit, NewWorkspace: 1000, Workspace: 1000}
	here, there := tb.office(t, limits), tb.office(t, limits) // both founders have one address
	inviteMany(t, people, here, there)
	if got := deliveries(t, here, there); got[user.DeliveryQueued] != limit || got[user.DeliveryScheduled] != people-limit {
		t.Errorf("the deliveries are %v", got)
	}
	ofHere, ofInviter := here.asked(t)
	ofThere, _ := there.asked(t)
	if ofHere+ofThere != limit || ofInviter != limit {
		t.Errorf("the workspaces' days count %d and %d, the inviter's %d", ofHere, ofThere, ofInviter)
	}
}

// However many workspaces invite one person at once, the address gets one mail
// in a minute.
func TestOneAddressGetsOneMailAMinuteFromAllWorkspaces(t *testing.T) {
	const workspaces = 8
	tb := newTable(t)
	var offices []office
	for range workspaces {
		offices = append(offices, tb.office(t, limits))
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	race(workspaces, func(i int) {
		u, err := offices[i].invite(ctx, "guest@corp.com", t0)
		if err != nil {
			t.Error(err)
		}
		if i := u.Invitation; i.Delivery == user.DeliveryScheduled && !i.ScheduledFor.Equal(t0.Add(user.MailEvery)) {
			t.Errorf("it is scheduled for %v", i.ScheduledFor)
		}
	})
	if got := deliveries(t, offices...); got[user.DeliveryQueued] != 1 || got[user.DeliveryScheduled] != workspaces-1 {
		t.Errorf("the deliveries are %v", got)
	}
	total := 0
	for _, o := range offices {
		ofWorkspace, _ := o.asked(t)
		total += ofWorkspace
	}
	mailbox := tb.raw(t, "RECIPIENT#"+user.EmailKey("guest@corp.com"), "MAILBOX")
	if total != 1 || numberOf(mailbox["mailed"]) != 1 {
		t.Errorf("%d mails are counted by the workspaces, %d by the mailbox", total, numberOf(mailbox["mailed"]))
	}
}

// A new seat limit touches every part of the tally, and each invitation one of
// them: neither keeps the other from being decided.
func TestASeatLimitIsSetBesideManyInvitations(t *testing.T) {
	const people, patches = 60, 8
	o := newTable(t).office(t, limits)
	ctx, cancel := context.WithTimeout(t.Context(), crowded)
	defer cancel()
	var invited, seatless, set atomic.Int64
	race(people+1, func(i int) {
		if i < people {
			_, err := o.invite(ctx, fmt.Sprintf("guest%d@corp.com", i), t0)
			switch {
			case err == nil:
				invited.Add(1)
			case errors.Is(err, workspace.ErrSeatLimit):
				seatless.Add(1)
			default:
				t.Error(err)
			}
			return
		}
		for n := range patches {
			limit := 1 + people - 5*n // the first one holds everybody
			g, err := o.grant(ctx, store.Want{Counts: true}, "")
			if err == nil {
				_, err = o.Service.ChangeWorkspace(ctx, g, workspace.Patch{SeatLimit: &limit}, t0)
			}
			switch {
			case err == nil:
				set.Add(1)
			case fault.Code(err) != workspace.CodeSeatsInUse:
				t.Errorf("limit %d: %v", limit, err)
			}
		}
	})
	w := o.table.workspace(t, o.workspace.ID)
	if set.Load() == 0 || w.SeatLimit == 0 || invited.Load()+seatless.Load() != people || invited.Load() >= int64(w.SeatLimit) {
		t.Errorf("%d limits were set, the last one %d; %d were invited, %d found no seat", set.Load(), w.SeatLimit, invited.Load(), seatless.Load())
	}
	o.checkTally(t, w.ID, w.SeatLimit)
}

// If batches with the same people race for the last seats, each gets a true answer:
// a user created by a twin exists, rather than lacking a seat.
func TestABatchIsToldOfThoseWhoItsTwinBroughtIn(t *testing.T) {
	const people, twins = 6, 5
	tb := newTable(t)
	for range 3 {
		o := tb.office(t, limits)
		if _, err := tb.limitSeats(t.Context(), o.workspace, 1+people); err != nil {
			t.Fatal(err)
		}
		var batch []invitation.Person
		for i := range people {
			batch = append(batch, newPerson(fmt.Sprintf("guest%d@corp.com", i)))
		}
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		var created atomic.Int64
		race(twins, func(int) {
			g, err := o.grant(ctx, store.Want{}, "")
			var outcomes []invitation.Outcome
			if err == nil {
				outcomes, err = o.InviteAll(ctx, g, batch, invitation.Call{}, false, t0)
			}
			if err != nil {
				t.Error(err)
			}
			for i, outcome := range outcomes {
				switch outcome.Kind {
				case invitation.Created:
					created.Add(1)
				case invitation.Exists:
				default:
					t.Errorf("person %d: %s, %v", i, outcome.Kind, outcome.Reason)
				}
			}
		})
		cancel()
		if created.Load() != people {
			t.Errorf("%d were created", created.Load())
		}
		o.checkTally(t, o.workspace.ID, 1+people)
	}
}

// The answer to a write is lost after the write was made: the client repeats
// it, which changes nothing, and the caller is answered as if it had arrived.
func TestAWriteWhoseAnswerIsLostIsMadeOnce(t *testing.T) {
	o := newTable(t).office(t, limits)
	ctx := t.Context()
	losing := func(what, operation string, do func() error) {
		t.Helper()
		lost := o.calls.loseNext(operation)
		if err := do(); err != nil {
			t.Errorf("%s: %v", what, err)
		}
		if !lost() {
			t.Errorf("%s: no answer was lost", what)
		}
	}
	var u user.User
	losing("invite", "TransactWriteItems", func() (err error) {
		u, err = o.invite(ctx, "guest@corp.com", t0)
		return err
	})
	stored := func(what string, version int) {
		t.Helper()
		now := o.load(t, u)
		if now.Version != version || now.Version != u.Version || !now.UpdatedAt.Equal(u.UpdatedAt) {
			t.Errorf("%s: stored is version %d, answered was %d; it should be %d", what, now.Version, u.Version, version)
		}
	}
	first := int(t0.UnixMilli())
	stored("invite", first)
	losing("edit", "TransactWriteItems", func() (err error) {
		name := "Jane Doe"
		u, err = o.act(ctx, u.ID, func(ctx context.Context, g access.Grant) (invitation.View, error) {
			return o.Edit(ctx, g, invitation.Edit{Patch: user.Patch{Name: &name}, Match: func(int) bool { return true }}, t0.Add(time.Hour))
		})
		return err
	})
	stored("edit", first+1)
	losing("resend", "TransactWriteItems", func() (err error) {
		u, err = o.resend(ctx, u.ID, t0.Add(2*time.Hour))
		return err
	})
	stored("resend", first+2)
	if mails, _ := o.asked(t); mails != 2 || u.Invitation.Sends != 2 || u.Mailbox.Mails != 2 {
		t.Errorf("%d mails are counted, %d by the user, %d by the mailbox", mails, u.Invitation.Sends, u.Mailbox.Mails)
	}
	losing("notice", "UpdateItem", func() error {
		return o.SetDelivery(ctx, mailOf(u), stamp("mail", t0.Add(3*time.Hour)), user.Notice{Delivery: user.DeliverySent, Weight: user.WeightSent})
	})
	losing("note of a call", "PutItem", func() error {
		a := store.Answer{Key: "key", Body: "body", Call: "this one", Until: t0.Add(day)}
		stands, err := o.InsertAnswer(ctx, o.workspace.ID, a, t0)
		if stands.Call != a.Call {
			t.Errorf("the call is taken for %q", stands.Call)
		}
		return err
	})
	losing("archive", "TransactWriteItems", func() (err error) {
		u, err = o.archive(ctx, u.ID, t0.Add(4*time.Hour))
		return err
	})
	stored("archive", first+3)
	losing("erase", "TransactWriteItems", func() error { return o.eraseOne(ctx, u.ID, t0.Add(5*time.Hour)) })
	if item := o.rawUser(t, u); textOf(item["entity"]) != "erased" || numberOf(item["version"]) != first+4 {
		t.Errorf("after the erasure stands %v", item)
	}
	o.checkTally(t, o.workspace.ID, 0)
}

// A request that is busy until its deadline has used up nothing: no seat, no
// mail of a day, no person's minute.
func TestARequestThatWasTooBusyLeavesNothing(t *testing.T) {
	o := newTable(t).office(t, limits)
	other := dynamodb.New(dynamodb.Options{Region: "us-east-1", BaseEndpoint: aws.String(server.Endpoint()), Credentials: dynamodblocal.Credentials})
	mailbox := store.Item{"pk": s("RECIPIENT#" + user.EmailKey("guest@corp.com")), "sk": s("MAILBOX")}
	beaten := 0
	before := o.all(t)
	o.calls.ahead(func(operation, _ string) {
		if operation != "TransactWriteItems" {
			return
		}
		beaten++ // another workspace's change of the mailbox is faster each time
		_, err := other.UpdateItem(t.Context(), &dynamodb.UpdateItemInput{
			TableName: &o.name, Key: mailbox, UpdateExpression: aws.String("SET entity = :mailbox, version = :n"),
			ExpressionAttributeValues: store.Item{":mailbox": s("mailbox"), ":n": &types.AttributeValueMemberN{Value: strconv.Itoa(beaten)}},
		})
		if err != nil {
			t.Error(err)
		}
	})
	ctx, cancel := context.WithTimeout(t.Context(), 1500*time.Millisecond)
	defer cancel()
	_, err := o.invite(ctx, "guest@corp.com", t0)
	o.calls.ahead(nil)
	if !errors.Is(err, awsenv.ErrBusy) || beaten < 5 {
		t.Errorf("after %d tries: %v", beaten, err)
	}
	after := slices.DeleteFunc(o.all(t), func(item store.Item) bool { return textOf(item["sk"]) == "MAILBOX" })
	if !reflect.DeepEqual(byKey(after), byKey(before)) {
		t.Errorf("the table was %v, and is %v", before, after)
	}
	u, err := o.invite(t.Context(), "guest@corp.com", t0)
	if err != nil || u.Invitation.Delivery != user.DeliveryQueued || u.Mailbox.Mails != 1 {
		t.Errorf("tried again: %s, %d mails, %v", u.Invitation.Delivery, u.Mailbox.Mails, err)
	}
}

func byKey(items []store.Item) map[string]store.Item {
	found := map[string]store.Item{}
	for _, item := range items {
		found[textOf(item["pk"])+" "+textOf(item["sk"])] = item
	}
	return found
}

// A user's record remembers the mailbox as its last write saw it. The write of
// the next mail depends on the mailbox itself, so an old memory counts no mail
// twice, and lets none pass.
func TestAnOldMemoryOfAMailboxIsCorrectedByTheWrite(t *testing.T) {
	tb := newTable(t)
	here, there := tb.office(t, limits), tb.office(t, limits)
	u, err := here.invite(t.Context(), "guest@corp.com", t0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := there.invite(t.Context(), "guest@corp.com", t0.Add(2*time.Minute)); err != nil {
		t.Fatal(err)
	}
	// The record does not know of the other workspace's mail a moment ago.
	if _, err := here.resend(t.Context(), u.ID, t0.Add(2*time.Minute+time.Second)); fault.Code(err) != user.ErrTooSoon.Code {
		t.Errorf("within a minute of the other mail: %v", err)
	}
	u, err = here.resend(t.Context(), u.ID, t0.Add(10*time.Minute))
	if err != nil || u.Mailbox.Mails != 3 || u.Invitation.Delivery != user.DeliveryQueued {
		t.Errorf("the third mail of the day: %+v, %v", u.Mailbox, err)
	}
	if now := tb.load(t, u); now.Mailbox != u.Mailbox || numberOf(tb.raw(t, "RECIPIENT#"+user.EmailKey(u.Email), "MAILBOX")["mailed"]) != 3 {
		t.Errorf("stored is %+v", now.Mailbox)
	}
}

// A refusal is not made on what a record remembers: the mailbox is read first.
func TestARefusalReadsTheMailboxFirst(t *testing.T) {
	o := newTable(t).office(t, limits)
	u, err := o.invite(t.Context(), "guest@corp.com", t0)
	if err != nil {
		t.Fatal(err)
	}
	// The record saw a bounce, which was confirmed elsewhere since.
	_, err = o.db.UpdateItem(t.Context(), &dynamodb.UpdateItemInput{
		TableName: &o.name, Key: store.Item{"pk": s("WS#" + u.WorkspaceID), "sk": s("USER#" + u.ID)},
		UpdateExpression: aws.String("SET bouncedAt = :at"), ExpressionAttributeValues: store.Item{":at": s("2026-01-01T12:00:30.000Z")},
	})
	if err != nil {
		t.Fatal(err)
	}
	var calls []string
	o.calls.listen(func(operation, _ string, _ []byte) { calls = append(calls, operation) })
	u, err = o.resend(t.Context(), u.ID, t0.Add(time.Hour))
	o.calls.listen(nil)
	if err != nil || !u.Mailbox.BouncedAt.IsZero() || !slices.Equal(calls, []string{"BatchGetItem", "BatchGetItem", "TransactWriteItems"}) {
		t.Errorf("after %v: %+v, %v", calls, u.Mailbox, err)
	}
	// Where the mailbox did bounce, the refusal stands.
	if err := o.Bounced(t.Context(), user.EmailKey(u.Email), t0.Add(2*time.Hour)); err != nil {
		t.Fatal(err)
	}
	if _, err := o.resend(t.Context(), u.ID, t0.Add(3*time.Hour)); fault.Code(err) != user.ErrUndeliverable.Code {
		t.Errorf("resent to an address that bounced: %v", err)
	}
}

// learnLate has the mail service say something about a mail that was sent long
// ago.
func (o office) learnLate(t testing.TB, m store.Mail, email string, n user.Notice, now time.Time) {
	t.Helper()
	err := o.Learn(t.Context(), invitation.Returned{Mail: m, EmailKey: user.EmailKey(email), Notice: n}, "mail", now)
	if err != nil {
		t.Fatal(err)
	}
}

func TestLateNoticesNeverTouchAnErasedRecord(t *testing.T) {
	o := newTable(t).office(t, limits)
	u, err := o.invite(t.Context(), "guest@corp.com", t0)
	if err != nil {
		t.Fatal(err)
	}
	sent := mailOf(u)
	if _, err := o.archive(t.Context(), u.ID, t0.Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	if err := o.eraseOne(t.Context(), u.ID, t0.Add(2*time.Hour)); err != nil {
		t.Fatal(err)
	}
	before := o.rawUser(t, u)
	for weight := user.WeightOurs; weight <= user.WeightComplained; weight++ {
		o.learnLate(t, sent, u.Email, user.Notice{Delivery: user.DeliveryBounced, Weight: weight, Reason: "late"}, t0.Add(3*time.Hour))
		if after := o.rawUser(t, u); !reflect.DeepEqual(after, before) {
			t.Fatalf("a notice of weight %d made %v of %v", weight, after, before)
		}
	}
	// What they say of the address and of the person is noted, where it names nobody.
	st, err := o.table.Load(t.Context(), store.Want{Workspace: o.workspace.ID, People: []string{u.Email}})
	if err != nil || st.Mailbox(u.Email).BouncedAt.IsZero() || st.Recipient(u.ID).ComplainedAt.IsZero() {
		t.Errorf("the mailbox is %+v, the person's wishes %+v, %v", st.Mailbox(u.Email), st.Recipient(u.ID), err)
	}
	if found := o.holding(t, "guest@corp.com"); len(found) > 0 {
		t.Errorf("%s", strings.Join(found, "\n"))
	}
	o.checkTally(t, o.workspace.ID, 0)
}

func TestAComplaintAboutAnOlderMailCounts(t *testing.T) {
	o := newTable(t).office(t, limits)
	u, err := o.invite(t.Context(), "guest@corp.com", t0)
	if err != nil {
		t.Fatal(err)
	}
	first := mailOf(u)
	if u, err = o.resend(t.Context(), u.ID, t0.Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	complaint := user.Notice{Delivery: user.DeliveryComplained, Weight: user.WeightComplained, Reason: "spam"}
	o.learnLate(t, first, u.Email, complaint, t0.Add(2*time.Hour))
	now := o.load(t, u)
	if now.Recipient.ComplainedAt.IsZero() || now.Invitation.Delivery != user.DeliveryQueued || now.Version != u.Version+1 {
		t.Errorf("%+v, the newer mail is %s, version %d after %d", now.Recipient, now.Invitation.Delivery, now.Version, u.Version)
	}
	o.learnLate(t, first, u.Email, complaint, t0.Add(3*time.Hour))
	if again := o.load(t, u); again.Version != now.Version {
		t.Error("the same complaint was noted twice")
	}
	if _, err := o.resend(t.Context(), u.ID, t0.Add(4*time.Hour)); fault.Code(err) != user.ErrComplained.Code {
		t.Errorf("resent: %v", err)
	}
	if o.raw(t, "WS#"+u.WorkspaceID, "RECIPIENT#"+u.ID) == nil {
		t.Error("the complaint is in the record alone, and would go with it")
	}
}

// One read and one write: what a request costs where nobody is in its way.
func TestAUseCaseIsTwoCallsOfTheTable(t *testing.T) {
	o := newTable(t).office(t, limits)
	var calls []string
	o.calls.listen(func(operation, _ string, _ []byte) { calls = append(calls, operation) })
	defer o.calls.listen(nil)
	var u user.User
	ctx, now := t.Context(), t0
	for _, step := range []struct {
		name string
		do   func() (user.User, error)
	}{
		{"invite", func() (user.User, error) { return o.invite(ctx, "guest@corp.com", now) }},
		{"resend", func() (user.User, error) { return o.resend(ctx, u.ID, now) }},
		{"archive", func() (user.User, error) { return o.archive(ctx, u.ID, now) }},
		{"restore", func() (user.User, error) { return o.restore(ctx, u.ID, now) }},
	} {
		now, calls = now.Add(time.Hour), nil
		var err error
		if u, err = step.do(); err != nil {
			t.Fatal(step.name, err)
		}
		if !slices.Equal(calls, []string{"BatchGetItem", "TransactWriteItems"}) {
			t.Errorf("%s calls %q", step.name, calls)
		}
	}
}

// A condition that can never hold is a defect, of the decision or of an item,
// and is reported as one before the deadline.
func TestADecisionThatCannotHoldIsAnInternalError(t *testing.T) {
	tb := newTable(t)
	orphan := tb.insert(t, invited(newWorkspaceID(), "admin@corp.com", user.Admin, t0)) // of a workspace that is not there
	broken := tb.insert(t, invited(newWorkspaceID(), "john@corp.com", user.Builder, t0))
	_, err := tb.db.UpdateItem(t.Context(), &dynamodb.UpdateItemInput{
		TableName: &tb.name, Key: store.Item{"pk": s("WS#" + broken.WorkspaceID), "sk": s("USER#" + broken.ID)},
		UpdateExpression: aws.String("REMOVE version"),
	})
	if err != nil {
		t.Fatal(err)
	}
	// An address whose mailbox has lost its version, and a workspace of an id in use.
	_, err = tb.db.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: &tb.name, Item: store.Item{
		"pk": s("RECIPIENT#" + user.EmailKey("jane@corp.com")), "sk": s("MAILBOX"), "entity": s("mailbox"),
	}})
	if err != nil {
		t.Fatal(err)
	}
	twin := workspace.New(byAdmin(t0), tb.bare(t), "Corp", "another-slug", nil)
	accepts := func(u user.User) error {
		_, err := tb.ChangeUser(t.Context(), u, func(u user.User) (user.User, error) { return accept(u, byAdmin(t0.Add(time.Hour)), "sub") })
		return err
	}
	cases := map[string]func() error{
		"WS#" + orphan.WorkspaceID: func() error { return accepts(orphan) },
		"USER#" + broken.ID:        func() error { return accepts(broken) },
		"MAILBOX": func() error {
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			return tb.Bounced(ctx, user.EmailKey("jane@corp.com"), t0)
		},
		"WS#" + twin.ID: func() error { return tb.InsertWorkspace(t.Context(), twin, nil) },
	}
	var writes atomic.Int64
	tb.calls.listen(func(operation, _ string, _ []byte) {
		if operation == "TransactWriteItems" || operation == "PutItem" {
			writes.Add(1)
		}
	})
	keys := slices.Sorted(maps.Keys(cases))
	race(len(keys), func(i int) {
		err := cases[keys[i]]()
		if err == nil || errors.Is(err, awsenv.ErrBusy) || fault.Code(err) != "internal" || !strings.Contains(err.Error(), keys[i]) {
			t.Errorf("%s: %v", keys[i], err)
		}
	})
	tb.calls.listen(nil)
	if writes.Load() != 4*12 {
		t.Errorf("it tried %d times; want 12 for each", writes.Load())
	}
	for _, u := range []user.User{orphan, broken} {
		if status := textOf(tb.rawUser(t, u)["status"]); status != "requested" {
			t.Errorf("%s became %s", u.Email, status)
		}
	}
}
