package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	lambdaevents "github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sesv2"

	"github.com/latchkey/latchkey/infra/blueprint"
	"github.com/latchkey/latchkey/infra/local/awsapi"
	"github.com/latchkey/latchkey/infra/local/dynamodblocal"
	"github.com/latchkey/latchkey/shared/awsenv"
	"github.com/latchkey/latchkey/shared/event"
	"github.com/latchkey/latchkey/shared/invitation"
	"github.com/latchkey/latchkey/shared/setting"
	"github.com/latchkey/latchkey/shared/store"
	"github.com/latchkey/latchkey/shared/user"
	"github.com/latchkey/latchkey/shared/workspace"
)

var (
	table *dynamodblocal.Server
	kms   http.Handler
)

func TestMain(m *testing.M) {
	flag.Parse()
	if flag.Lookup("test.fuzz").Value.String() != "" {
		os.Exit(m.Run()) // the target needs no table, and each of its processes would start one
	}
	keys, err := os.MkdirTemp("", "latchkey-keys-*")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	kms, err = awsapi.New(awsapi.Config{DataDir: keys, MetadataKeyID: "key", Random: rand.Reader})
	dir := ""
	if err == nil {
		dir, err = dynamodblocal.FindDir()
	}
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
	if err := errors.Join(table.Stop(), os.RemoveAll(keys)); err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

// post is SES, as the handler meets it.
type post struct {
	mu     sync.Mutex
	mails  []map[string]any
	answer func(w http.ResponseWriter) (sent bool)
}

func (p *post) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	raw, _ := io.ReadAll(r.Body)
	var mail map[string]any
	_ = json.Unmarshal(raw, &mail) // the SDK's own
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.answer(w) {
		p.mails = append(p.mails, mail)
	}
}

// sent are the mails so far; of a connection that breaks off the caller may
// hear before the mail is noted.
func (p *post) sent() []map[string]any {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.mails
}

// does says what becomes of mails from now on.
func (p *post) does(answer func(http.ResponseWriter) (sent bool)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.answer = answer
}

func accepts(w http.ResponseWriter) bool {
	fmt.Fprint(w, `{"MessageId":"m-1"}`)
	return true
}

func refuses(status int, code string) func(http.ResponseWriter) bool {
	return refusesWith(status, code, "Address john@corp.com is not to be logged")
}

func refusesWith(status int, code, message string) func(http.ResponseWriter) bool {
	return func(w http.ResponseWriter) bool {
		w.Header().Set("X-Amzn-ErrorType", code)
		w.WriteHeader(status)
		_ = json.NewEncoder(w).Encode(map[string]string{"message": message})
		return false
	}
}

// acceptsAndBreaksOff takes the mail, and nobody hears of it.
func acceptsAndBreaksOff(w http.ResponseWriter) bool {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err == nil {
		_ = conn.Close()
	}
	return true
}

type bench struct {
	t   *testing.T
	h   handler
	ses *post
	u   user.User
	log *strings.Builder
	now time.Time
}

func newBench(t *testing.T) *bench {
	t.Helper()
	b := &bench{t: t, ses: &post{answer: accepts}, log: &strings.Builder{}, now: time.Now().UTC().Truncate(time.Millisecond)}
	server := httptest.NewServer(b.ses)
	t.Cleanup(server.Close)
	keys := httptest.NewServer(kms)
	t.Cleanup(keys.Close)
	env := awsenv.Env{Get: func(name string) string {
		return map[string]string{
			"AWS_REGION": "us-east-1", "AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x", "TABLE": "latchkey",
			"AWS_ENDPOINT_URL_DYNAMODB": table.Endpoint(), "AWS_ENDPOINT_URL_KMS": keys.URL, "METADATA_KEY": "key", "API_URL": "https://api.example.com",
		}[name]
	}}
	b.h = handler{
		invitations: invitation.FromEnv(env, setting.NewReader(env.Get)).WithLinks(env, setting.NewReader(env.Get)),
		ses: sesv2.New(sesv2.Options{
			Region: "us-east-1", Credentials: env.Credentials(), BaseEndpoint: &server.URL, Retryer: aws.NopRetryer{},
		}),
		from: "Latchkey <invitations@example.com>", attempts: 3,
		log: slog.New(slog.NewTextHandler(b.log, nil)), now: func() time.Time { return b.now },
	}
	ws := fmt.Sprintf("ws_%024d", time.Now().UnixNano())
	stamp := user.Stamp{ID: "evt_1", Actor: "usr_admin", At: b.now}
	_, err := b.h.invitations.Links.Maker(t.Context(), b.now) // as invite makes the first link key
	if err != nil {
		t.Fatal(err)
	}
	err = b.store().InsertWorkspace(t.Context(), workspace.New(stamp, ws, "Nexus", ws, []byte("key")), nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	b.u, err = user.New(stamp, ws, user.Details{Name: "John Doe", Email: "john@corp.com", Role: user.Builder},
		user.Inviting{SendEmail: true, Lasts: 7 * 24 * time.Hour}, user.Erased{}, user.Mailbox{}, user.Recipient{})
	if err != nil {
		t.Fatal(err)
	}
	b.write(store.Decision{Users: []store.UserChange{{After: b.u}}})
	return b
}

func (b *bench) store() *store.Store { return b.h.invitations.Store }

func (b *bench) load() *store.State {
	b.t.Helper()
	st, err := b.store().Load(b.t.Context(), store.Want{Workspace: b.u.WorkspaceID, Users: []string{b.u.ID}, Counts: true})
	if err != nil {
		b.t.Fatal(err)
	}
	return st
}

// write writes users as they are, without what belongs to their addresses: all
// tests mail the same one.
func (b *bench) write(d store.Decision) {
	b.t.Helper()
	for i, c := range d.Users {
		d.Users[i].After.Mailbox = c.Before.Mailbox
	}
	_, err := store.Decide(b.t.Context(), b.store(), b.load(), func(*store.State) (store.Decision, bool, error) { return d, true, nil })
	if err != nil {
		b.t.Fatal(err)
	}
}

// byLink is the answer of somebody who follows the user's newest link.
func byLink(u user.User) user.Answer {
	return user.Answer{Generation: u.Invitation.Generation, ByLink: true}
}

// accepted makes a person a member whose inviter manages the workspace.
func accepted(u user.User, s user.Stamp) (user.User, error) {
	inviter := user.User{Status: user.Active, Role: user.Admin}
	return u.Accept(s, byLink(u), user.Guest{Subject: "sub", Email: u.Email}, inviter)
}

// change makes a transition of the person, and keeps what they are then.
func (b *bench) change(name string, transition func(user.User, user.Stamp) (user.User, error)) {
	b.t.Helper()
	before := b.load().Users[b.u.ID]
	after, err := transition(before, user.Stamp{ID: "evt_" + name, Actor: "usr_admin", At: b.now})
	if err != nil {
		b.t.Fatal(err)
	}
	b.write(store.Decision{Users: []store.UserChange{{Before: before, After: after}}})
	b.u = after
}

// receive hands the event of the invitation to the function, and says whether
// the message goes back to the queue.
func (b *bench) receive(count int) (back bool) {
	b.t.Helper()
	body, err := json.Marshal(map[string]any{"detail": event.OfUser(b.u)})
	if err != nil {
		b.t.Fatal(err)
	}
	out, err := b.h.handle(b.t.Context(), lambdaevents.SQSEvent{Records: []lambdaevents.SQSMessage{{
		MessageId: "1", Body: string(body), Attributes: map[string]string{"ApproximateReceiveCount": fmt.Sprint(count)},
	}}})
	if err != nil {
		b.t.Fatal(err)
	}
	return len(out.BatchItemFailures) == 1
}

func (b *bench) delivery() (user.Delivery, string) {
	b.t.Helper()
	u, ok := b.load().Users[b.u.ID]
	if !ok {
		b.t.Fatal("the person is gone")
	}
	return u.Invitation.Delivery, u.Invitation.DeliveryReason
}

func (b *bench) wantDelivery(want user.Delivery, mails int) {
	b.t.Helper()
	got, reason := b.delivery()
	if got != want || (reason != "") != (want == user.DeliveryFailed) || len(b.ses.sent()) != mails {
		b.t.Errorf("delivery %s %q after %d mails, want %s after %d", got, reason, len(b.ses.sent()), want, mails)
	}
}

func TestARepeatedMessageSendsOneMail(t *testing.T) {
	b := newBench(t)
	for range 3 {
		if b.receive(1) {
			t.Error("it went back to the queue")
		}
	}
	b.wantDelivery(user.DeliverySent, 1)
	mail := b.ses.sent()[0]
	if raw, _ := json.Marshal(mail["EmailTags"]); strings.Contains(string(raw), "@") || !strings.Contains(string(raw), b.u.ID) {
		t.Errorf("tags %s", raw)
	}
}

func TestThrottledMailIsTriedAgainAtOnce(t *testing.T) {
	b := newBench(t)
	calls := 0
	b.ses.does(func(w http.ResponseWriter) bool {
		calls++
		if calls < 3 {
			return refuses(http.StatusTooManyRequests, "TooManyRequestsException")(w)
		}
		return accepts(w)
	})
	if b.receive(1) {
		t.Error("it went back to the queue")
	}
	b.wantDelivery(user.DeliverySent, 1)
	if calls != 3 || b.h.slowed < 2*throttle {
		t.Errorf("%d calls, %s between two", calls, b.h.slowed)
	}
}

// A mail that was on its way when its workspace was deleted leaves when that is
// restored, and not before.
func TestAMailOfADeletedWorkspaceWaits(t *testing.T) {
	b := newBench(t)
	change := func(do func(workspace.Workspace, user.Stamp) workspace.Workspace) {
		t.Helper()
		b.now = b.now.Add(time.Second)
		_, err := store.Decide(t.Context(), b.store(), b.load(), func(st *store.State) (store.Decision, bool, error) {
			was := st.Workspace
			if !was.Exists() {
				was = st.Deleted
			}
			next := do(was, user.Stamp{ID: fmt.Sprintf("evt_%d", b.now.UnixNano()), Actor: "svc_support", At: b.now})
			return store.Decision{Workspace: &store.WorkspaceChange{Before: was, After: next}}, true, nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	change(func(w workspace.Workspace, s user.Stamp) workspace.Workspace { return w.Delete(s) })
	for range 2 {
		if b.receive(1) {
			t.Error("it went back to the queue")
		}
	}
	if d, reason := b.delivery(); d != user.DeliveryScheduled || reason != deleted || len(b.ses.sent()) != 0 {
		t.Errorf("delivery %s %q after %d mails", d, reason, len(b.ses.sent()))
	}
	b.now = b.now.Add(time.Hour)
	if _, err := b.h.invitations.Fall(t.Context(), b.u.WorkspaceID, b.u.ID, b.now); !errors.Is(err, workspace.ErrNotFound) {
		t.Errorf("while it is deleted, the schedule says %v", err)
	}
	change(func(w workspace.Workspace, s user.Stamp) workspace.Workspace {
		w, err := w.Restore(s)
		if err != nil {
			t.Error(err)
		}
		return w
	})
	if what, err := b.h.invitations.Fall(t.Context(), b.u.WorkspaceID, b.u.ID, b.now); what != user.MailDue || err != nil {
		t.Errorf("restored, the schedule says %q, %v", what, err)
	}
	b.u = b.load().Users[b.u.ID]
	if b.receive(1) {
		t.Error("restored, it went back to the queue")
	}
	b.wantDelivery(user.DeliverySent, 1)
}

// A mail that SES takes none of now is back on the schedule, even at its last
// attempt, and leaves when the schedule lets it go: it costs the queue nothing.
func TestAMailServiceThatTakesNoMailCostsNoAttempt(t *testing.T) {
	for code, message := range map[string]string{
		"TooManyRequestsException": "Daily message quota exceeded.", "LimitExceededException": "Maximum sending rate exceeded.",
		"SendingPausedException": "Email sending is paused.", "AccountSuspendedException": "The account is suspended.",
	} {
		t.Run(code, func(t *testing.T) {
			b := newBench(t)
			b.ses.does(refusesWith(http.StatusTooManyRequests, code, message))
			if b.receive(3) {
				t.Error("it went back to the queue")
			}
			u := b.load().Users[b.u.ID]
			if i := u.Invitation; i.Delivery != user.DeliveryScheduled || i.DeliveryReason == "" || !i.ScheduledFor.After(b.now) || i.Sends != 1 {
				t.Fatalf("%+v", i)
			}
			if b.receive(1) { // a repeated message
				t.Error("repeated, it went back to the queue")
			}
			b.now = u.Invitation.ScheduledFor
			b.change("retried", func(u user.User, s user.Stamp) (user.User, error) { return u.Retry(s) })
			b.ses.does(accepts)
			if b.receive(1) {
				t.Error("released, it went back to the queue")
			}
			b.wantDelivery(user.DeliverySent, 1)
			if i := b.load().Users[b.u.ID].Invitation; i.Sends != 1 {
				t.Errorf("counted %d times", i.Sends)
			}
		})
	}
}

// One refusal for the day is enough: an instance asks SES no more until the
// mails that wait are due.
func TestAUsedUpQuotaIsAskedForOnce(t *testing.T) {
	b := newBench(t)
	calls := 0
	b.ses.does(func(w http.ResponseWriter) bool {
		calls++
		return refusesWith(http.StatusTooManyRequests, "TooManyRequestsException", "Daily message quota exceeded.")(w)
	})
	b.receive(1)
	first := b.load().Users[b.u.ID].Invitation
	b.u.Invitation.Generation = first.Generation
	b.now = b.now.Add(time.Second)
	b.change("resent", func(u user.User, s user.Stamp) (user.User, error) {
		return u.Resend(s, user.Inviting{SendEmail: true, Lasts: time.Hour})
	})
	b.receive(1)
	second := b.load().Users[b.u.ID].Invitation
	if calls != 1 || second.Delivery != user.DeliveryScheduled || !second.ScheduledFor.Equal(first.ScheduledFor) {
		t.Errorf("%d calls; %v and %v", calls, first.ScheduledFor, second.ScheduledFor)
	}
}

// A mail to the inviter waits like any other, and the person's delivery state
// says nothing of it.
func TestANoticeToTheInviterWaitsToo(t *testing.T) {
	b := newBench(t)
	b.change("joined", accepted)
	u := b.u
	next, ok := u.Postpone(user.Stamp{At: b.now}, user.MailAccepted, "paused", time.Time{})
	if !ok || next.Invitation.Delivery != u.Invitation.Delivery || !next.Invitation.Waits(user.MailAccepted) {
		t.Fatalf("%+v", next.Invitation)
	}
	again, err := next.Retry(user.Stamp{ID: "evt_2", At: next.Invitation.Postponed.Until})
	if err != nil || kindOf(event.OfUser(again), again) != "accepted" || !event.OfUser(again).SendEmail {
		t.Errorf("%v %+v", err, again.Invitation)
	}
}

func TestAnUnverifiedDomainIsTriedAgainAtOnce(t *testing.T) {
	for _, code := range []string{"MailFromDomainNotVerifiedException"} {
		t.Run(code, func(t *testing.T) {
			b := newBench(t)
			b.ses.does(refuses(http.StatusBadRequest, code))
			if !b.receive(1) {
				t.Error("it did not go back to the queue")
			}
			b.wantDelivery(user.DeliveryQueued, 0)
			b.ses.does(accepts)
			if b.receive(2) {
				t.Error("it went back once more")
			}
			b.wantDelivery(user.DeliverySent, 1)
		})
	}
}

func TestRefusedMailIsGivenUpWithAReason(t *testing.T) {
	b := newBench(t)
	b.ses.does(refuses(http.StatusBadRequest, "MessageRejected"))
	if b.receive(1) {
		t.Error("what is refused for good goes back to the queue")
	}
	b.wantDelivery(user.DeliveryFailed, 0)
	if strings.Contains(b.log.String(), "john@corp.com") {
		t.Errorf("the log has the address: %s", b.log)
	}
}

// A message that is given up waits in the dead-letter queue, delivery says so,
// and redriving it sends the mail after all.
func TestTheLastAttemptSaysFailedAndCanBeRedriven(t *testing.T) {
	b := newBench(t)
	b.ses.does(refuses(http.StatusBadRequest, "MailFromDomainNotVerifiedException"))
	if !b.receive(3) {
		t.Error("the last attempt was taken for done")
	}
	b.wantDelivery(user.DeliveryFailed, 0)
	b.ses.does(accepts)
	if b.receive(1) {
		t.Error("redriven, it went back")
	}
	b.wantDelivery(user.DeliverySent, 1)
}

// Where nobody can tell whether a mail left, nobody sends it again before the
// lease is over: two mails at the most, and at least one.
func TestAnUnknownOutcomeWaitsForTheLease(t *testing.T) {
	for name, answer := range map[string]func(http.ResponseWriter) bool{
		"broken off": acceptsAndBreaksOff, "500": func(w http.ResponseWriter) bool { refuses(500, "InternalFailure")(w); return true },
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			b.ses.does(answer)
			if !b.receive(1) {
				t.Error("it was taken for done")
			}
			b.ses.does(accepts)
			if !b.receive(2) || len(b.ses.sent()) != 1 {
				t.Errorf("within the lease it was sent again: %d mails", len(b.ses.sent()))
			}
			b.now = b.now.Add(lease)
			if b.receive(3) {
				t.Error("after the lease it went back")
			}
			b.wantDelivery(user.DeliverySent, 2)
		})
	}
}

// What SES says of a mail with an unknown outcome settles it: it is not sent again.
func TestAMailThatWasDeliveredIsNotSentAgain(t *testing.T) {
	b := newBench(t)
	b.ses.does(acceptsAndBreaksOff)
	if !b.receive(1) {
		t.Error("it was taken for done")
	}
	b.ses.does(accepts)
	m := store.Mail{WorkspaceID: b.u.WorkspaceID, UserID: b.u.ID, Generation: b.u.Invitation.Generation, Kind: "invitation"}
	delivered := user.Notice{Delivery: user.DeliveryDelivered, Weight: user.WeightDelivered}
	if err := b.store().SetDelivery(t.Context(), m, user.Stamp{ID: "evt_delivered", Actor: "mail", At: b.now}, delivered); err != nil {
		t.Fatal(err)
	}
	b.now = b.now.Add(lease)
	if b.receive(2) {
		t.Error("it went back to the queue")
	}
	b.wantDelivery(user.DeliveryDelivered, 1)
}

// A run that died between sending and marking is succeeded after its lease.
func TestADeadRunIsSucceeded(t *testing.T) {
	b := newBench(t)
	m := store.Mail{WorkspaceID: b.u.WorkspaceID, UserID: b.u.ID, Generation: b.u.Invitation.Generation, Kind: "invitation"}
	if claim, err := b.store().ClaimMail(t.Context(), m, store.Attempt{ID: "dead", At: b.now, Lease: lease}); err != nil || claim != store.Claimed {
		t.Fatal(claim, err)
	}
	if !b.receive(1) || len(b.ses.sent()) != 0 {
		t.Error("another's mail was sent")
	}
	b.now = b.now.Add(lease)
	if b.receive(2) {
		t.Error("after the lease it went back")
	}
	b.wantDelivery(user.DeliverySent, 1)
}

func TestWhatIsNotCalledForAnyMoreIsNotSent(t *testing.T) {
	for name, c := range map[string]struct {
		change func(user.User, user.Stamp) (user.User, error)
		want   user.Delivery // A17: a mail that never leaves does not stay queued
	}{
		"accepted": {accepted, user.DeliveryNone},
		"declined": {func(u user.User, s user.Stamp) (user.User, error) { return u.Decline(s, byLink(u)) }, user.DeliveryNone},
		"archived": {func(u user.User, s user.Stamp) (user.User, error) { return u.Archive(s) }, user.DeliveryNone},
		"sent again": {func(u user.User, s user.Stamp) (user.User, error) {
			return u.Resend(s, user.Inviting{SendEmail: true, Lasts: time.Hour})
		}, user.DeliveryQueued},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			b.now = b.now.Add(2 * time.Minute)
			invited := b.u
			b.change("2", c.change)
			b.u = invited
			if b.receive(1) || len(b.ses.sent()) != 0 {
				t.Errorf("%d mails", len(b.ses.sent()))
			}
			if got, _ := b.delivery(); got != c.want {
				t.Errorf("delivery is %s, want %s", got, c.want)
			}
		})
	}
}
