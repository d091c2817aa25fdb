package store_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/latchkey/latchkey/infra/local/dynamodblocal"
	"github.com/latchkey/latchkey/shared/awsenv"
	"github.com/latchkey/latchkey/shared/event"
	"github.com/latchkey/latchkey/shared/fault"
	"github.com/latchkey/latchkey/shared/store"
	"github.com/latchkey/latchkey/shared/user"
	"github.com/latchkey/latchkey/shared/workspace"
)

// operations are all that calls the table.
func operations() map[string]func(context.Context, *store.Store) error {
	wsID := newWorkspaceID()
	pending := invited(wsID, "john@corp.com", user.Builder, t0)
	admin := active(wsID, "admin@corp.com", user.Admin, t0)
	w := workspace.New(byAdmin(t0), wsID, "Corp", "corp", nil)
	gone := pending
	gone.Status = user.Archived
	accepts := func(u user.User) (user.User, error) { return accept(u, byAdmin(t0), "sub") }
	return map[string]func(context.Context, *store.Store) error{
		"Load": func(ctx context.Context, s *store.Store) error {
			_, err := s.Load(ctx, store.Want{Workspace: wsID})
			return err
		},
		"LoadUser": func(ctx context.Context, s *store.Store) error {
			_, _, err := s.LoadUser(ctx, wsID, pending.ID)
			return err
		},
		"InsertUsers": func(ctx context.Context, s *store.Store) error {
			_, err := insertUsers(ctx, s, []user.User{pending}, store.Answer{}, t0)
			return err
		},
		"ChangeUser": func(ctx context.Context, s *store.Store) error {
			_, err := changeUser(ctx, s, pending, accepts)
			return err
		},
		"ChangeUser, a name": func(ctx context.Context, s *store.Store) error {
			name := "Jane Doe"
			_, err := changeUser(ctx, s, pending, func(u user.User) (user.User, error) { return u.Edit(byAdmin(t0), user.Patch{Name: &name}), nil })
			return err
		},
		"EraseUser": func(ctx context.Context, s *store.Store) error {
			return eraseUser(ctx, s, gone, func(u user.User) (user.Erased, error) { return u.Erase(byAdmin(t0)) })
		},
		"Lapsed": func(ctx context.Context, s *store.Store) error {
			_, _, err := s.Lapsed(ctx, wsID, t0)
			return err
		},
		"Bounced": func(ctx context.Context, s *store.Store) error {
			return s.Bounced(ctx, user.EmailKey(pending.Email), t0)
		},
		"NoteDeparture": func(ctx context.Context, s *store.Store) error {
			return s.NoteDeparture(ctx, store.Departure{EmailKey: user.EmailKey(pending.Email), Actor: "svc_hr", At: t0})
		},
		"Departure": func(ctx context.Context, s *store.Store) error {
			_, _, err := s.Departure(ctx, user.EmailKey(pending.Email))
			return err
		},
		"DropDeparture": func(ctx context.Context, s *store.Store) error {
			return s.DropDeparture(ctx, store.Departure{EmailKey: user.EmailKey(pending.Email), At: t0})
		},
		"Counts": func(ctx context.Context, s *store.Store) error {
			_, err := s.Counts(ctx, wsID)
			return err
		},
		"InsertAnswer": func(ctx context.Context, s *store.Store) error {
			_, err := s.InsertAnswer(ctx, wsID, store.Answer{Key: "key", Until: t0.Add(day)}, t0)
			return err
		},
		"DeleteGroup": func(ctx context.Context, s *store.Store) error {
			return s.DeleteGroup(ctx, wsID, "sales", t0)
		},
		"EmptyGroup": func(ctx context.Context, s *store.Store) error {
			_, err := s.EmptyGroup(ctx, wsID, "sales", time.Now().Add(time.Hour), time.Now, func() (user.Stamp, error) { return byAdmin(t0), nil })
			return err
		},
		"DropGroup": func(ctx context.Context, s *store.Store) error { return s.DropGroup(ctx, wsID, "sales") },
		"ListHistory": func(ctx context.Context, s *store.Store) error {
			_, _, err := s.ListHistory(ctx, wsID, pending.ID, store.HistoryPage{Limit: 10}, t0)
			return err
		},
		"People": func(ctx context.Context, s *store.Store) error {
			_, err := s.People(ctx, wsID, []string{pending.ID})
			return err
		},
		"ChangeWorkspace, seats": func(ctx context.Context, s *store.Store) error {
			_, err := changeWorkspace(ctx, s, w, func(w workspace.Workspace) (workspace.Workspace, error) {
				w.SeatLimit = 10
				w.Version++
				return w, nil
			})
			return err
		},
		"ChangeUser, an admin": func(ctx context.Context, s *store.Store) error {
			_, err := changeUser(ctx, s, admin, archive)
			return err
		},
		"InsertWorkspace": func(ctx context.Context, s *store.Store) error { return s.InsertWorkspace(ctx, w, &admin, 10) },
		"ChangeWorkspace": func(ctx context.Context, s *store.Store) error {
			_, err := changeWorkspace(ctx, s, w, func(w workspace.Workspace) (workspace.Workspace, error) {
				w.Version++
				return w, nil
			})
			return err
		},
		"PutGroup": func(ctx context.Context, s *store.Store) error {
			_, _, err := s.PutGroup(ctx, wsID, workspace.Group{ID: "sales", Name: "Sales", CreatedAt: t0})
			return err
		},
		"ListGroups": func(ctx context.Context, s *store.Store) error {
			_, err := s.ListGroups(ctx, wsID)
			return err
		},
		"ListUsers": func(ctx context.Context, s *store.Store) error {
			_, _, err := s.ListUsers(ctx, workspace.Workspace{ID: wsID}, store.Filter{}, store.Page{Limit: 10}, t0)
			return err
		},
		"InsertAccount": func(ctx context.Context, s *store.Store) error {
			return s.InsertAccount(ctx, "john@corp.com", t0)
		},
		"Memberships": func(ctx context.Context, s *store.Store) error {
			_, _, err := s.Memberships(ctx, user.EmailKey("john@corp.com"), "")
			return err
		},
		"ListDue": func(ctx context.Context, s *store.Store) error {
			_, err := s.ListDue(ctx, t0)
			return err
		},
		"AppendHistory": func(ctx context.Context, s *store.Store) error {
			return s.AppendHistory(ctx, []event.Event{event.OfUser(pending)}, week)
		},
		"ClaimMail": func(ctx context.Context, s *store.Store) error {
			_, err := s.ClaimMail(ctx, mailOf(pending), attempt(t0))
			return err
		},
		"ReleaseMail": func(ctx context.Context, s *store.Store) error {
			return s.ReleaseMail(ctx, mailOf(pending), attempt(t0))
		},
		"MarkMailSent": func(ctx context.Context, s *store.Store) error { return s.MarkMailSent(ctx, mailOf(pending), t0) },
		"SetDelivery": func(ctx context.Context, s *store.Store) error {
			return s.SetDelivery(ctx, mailOf(pending), byAdmin(t0), user.Notice{Delivery: user.DeliverySent})
		},
	}
}

// answering is a store whose table answers everything alike, without repeats.
func answering(t *testing.T, status int, body string) *store.Store {
	t.Helper()
	table := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("content-type", "application/x-amz-json-1.0")
		w.WriteHeader(status)
		_, _ = fmt.Fprint(w, body)
	}))
	t.Cleanup(table.Close)
	return at(table.URL, aws.NopRetryer{})
}

func at(url string, retryer aws.Retryer) *store.Store {
	return store.New(dynamodb.New(dynamodb.Options{
		Region: "us-east-1", BaseEndpoint: &url, Credentials: dynamodblocal.Credentials, Retryer: retryer,
	}), "table")
}

func checkBusy(t *testing.T, what string, err error) {
	t.Helper()
	var f *fault.Error
	if !errors.Is(err, awsenv.ErrBusy) || !errors.As(err, &f) || f.Kind != fault.Unavailable || f.RetryAfter <= 0 {
		t.Errorf("%s: the answer is %v", what, err)
	}
}

func TestATableThatIsTooBusyIsUnavailableForNow(t *testing.T) {
	for what, a := range map[string]struct {
		status int
		body   string
	}{
		"throttled": {400, `{"__type": "com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException", "message": "slow down"}`},
		"limited":   {400, `{"__type": "com.amazonaws.dynamodb.v20120810#RequestLimitExceeded", "message": "slow down"}`},
		"broken":    {500, `{"__type": "com.amazonaws.dynamodb.v20120810#InternalServerError", "message": "sorry"}`},
		"away":      {503, `no JSON at all`},
	} {
		s := answering(t, a.status, a.body)
		for name, do := range operations() {
			checkBusy(t, what+": "+name, do(t.Context(), s))
		}
	}
}

func TestATableThatCannotBeReachedIsUnavailableForNow(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed := "http://" + l.Addr().String()
	_ = l.Close()
	s := at(closed, aws.NopRetryer{})
	for name, do := range operations() {
		checkBusy(t, name, do(t.Context(), s))
	}
}

// A transaction that is throttled says so in the reasons for its cancellation.
// https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html
func TestATransactionThatIsThrottledIsUnavailableForNow(t *testing.T) {
	all := operations()
	cases := []string{
		`{"Code": "ThrottlingError"}, {"Code": "None"}`,
		`{"Code": "None"}, {"Code": "ThrottlingError"}`,
		`{"Code": "ProvisionedThroughputExceeded"}, {"Code": "None"}`,
		`{"Code": "None"}, {"Code": "TransactionConflict"}`,
		`{"Code": "TransactionConflict"}, {"Code": "None"}`,
	}
	race(len(cases), func(i int) {
		s := writing(t, func() (int, string) {
			return 400, `{"__type": "com.amazonaws.dynamodb.v20120810#TransactionCanceledException", "CancellationReasons": [` + cases[i] + `]}`
		})
		for _, name := range []string{"ChangeUser", "ChangeUser, an admin", "InsertUsers", "EraseUser", "InsertWorkspace", "ChangeWorkspace"} {
			ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
			checkBusy(t, name+": "+cases[i], all[name](ctx, s))
			cancel()
		}
	})
}

// writing is a store whose table is empty and answers writes alone as it is told.
func writing(t *testing.T, answer func() (status int, body string)) *store.Store {
	t.Helper()
	table := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		status, body := 200, `{}`
		if target := r.Header.Get("X-Amz-Target"); !strings.HasSuffix(target, "GetItem") {
			status, body = answer()
		}
		w.Header().Set("content-type", "application/x-amz-json-1.0")
		w.WriteHeader(status)
		_, _ = fmt.Fprint(w, body)
	}))
	t.Cleanup(table.Close)
	return at(table.URL, awsenv.PatientRetryer())
}

// A busy table costs time alone: until shortly before the deadline every write
// goes on trying, each under one token, and then succeeds.
func TestABusyTableIsWaitedForUntilTheDeadline(t *testing.T) {
	all := operations()
	names := []string{"ChangeUser", "ChangeUser, an admin", "InsertUsers", "EraseUser", "InsertWorkspace", "ChangeWorkspace"}
	busy := map[string]string{
		"throttled":  `{"__type": "com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException", "message": "slow down"}`,
		"in the way": `{"__type": "com.amazonaws.dynamodb.v20120810#TransactionCanceledException", "CancellationReasons": [{"Code": "TransactionConflict"}, {"Code": "None"}]}`,
	}
	for what, body := range busy {
		race(len(names), func(i int) {
			began := time.Now()
			var tries atomic.Int64
			s := writing(t, func() (int, string) {
				tries.Add(1)
				if time.Since(began) < 1500*time.Millisecond {
					return 400, body
				}
				return 200, `{}`
			})
			ctx, cancel := context.WithTimeout(t.Context(), 8*time.Second)
			defer cancel()
			if err := all[names[i]](ctx, s); err != nil || tries.Load() < 3 {
				t.Errorf("%s, %s: %v after %d tries", names[i], what, err, tries.Load())
			}
		})
	}
}

// An ordinary write fails while a transaction is at the same item, as another
// admin's who accepts; the client of the SDK does not repeat it by itself.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/transaction-apis.html#transaction-conflict-handling
func TestAWriteThatMeetsATransactionIsTriedAgain(t *testing.T) {
	names := []string{"SetDelivery", "ClaimMail", "ReleaseMail", "MarkMailSent", "InsertAnswer", "NoteDeparture", "InsertAccount"}
	all := operations()
	race(len(names), func(i int) {
		name, calls := names[i], 0
		table := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			if calls++; calls == 1 {
				w.WriteHeader(http.StatusBadRequest)
				_, _ = fmt.Fprint(w, `{"__type": "com.amazonaws.dynamodb.v20120810#TransactionConflictException", "message": "a transaction is under way"}`)
				return
			}
			_, _ = fmt.Fprint(w, `{}`)
		}))
		err := all[name](t.Context(), at(table.URL, awsenv.Retryer()))
		table.Close()
		if calls != 2 || err != nil {
			t.Errorf("%s: %v, after %d calls", name, err, calls)
		}
	})
}

func TestADefectOfOursIsNotTakenForABusyTable(t *testing.T) {
	for what, body := range map[string]string{
		"no such table": `{"__type": "com.amazonaws.dynamodb.v20120810#ResourceNotFoundException", "message": "no table"}`,
		"not allowed":   `{"__type": "com.amazon.coral.service#AccessDeniedException", "Message": "no"}`,
		"wrong":         `{"__type": "com.amazon.coral.validate#ValidationException", "message": "no"}`,
	} {
		s := answering(t, 400, body)
		for name, do := range operations() {
			if err := do(t.Context(), s); err == nil || errors.Is(err, awsenv.ErrBusy) || fault.Code(err) != "internal" {
				t.Errorf("%s: %s: the answer is %v", what, name, err)
			}
		}
	}
}

// The retries of the clients that ship end with the context.
func TestNothingWaitsLongerThanItsContext(t *testing.T) {
	release := make(chan struct{})
	silent := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-release }))
	defer silent.Close()
	defer close(release)
	throttling := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusBadRequest)
		_, _ = fmt.Fprint(w, `{"__type": "x#ProvisionedThroughputExceededException"}`)
	}))
	defer throttling.Close()
	for what, url := range map[string]string{"silent": silent.URL, "throttling": throttling.URL} {
		s := store.FromEnv(awsenv.Env{Get: func(name string) string {
			return map[string]string{
				"AWS_REGION": "us-east-1", "AWS_ACCESS_KEY_ID": "local", "AWS_SECRET_ACCESS_KEY": "local",
				"AWS_ENDPOINT_URL_DYNAMODB": url, "TABLE": "table",
			}[name]
		}})
		all := operations()
		names := slices.Sorted(maps.Keys(all))
		race(len(names), func(i int) {
			const allowed = 300 * time.Millisecond
			ctx, cancel := context.WithTimeout(t.Context(), allowed)
			defer cancel()
			began := time.Now()
			checkBusy(t, what+": "+names[i], all[names[i]](ctx, s))
			if took := time.Since(began); took > allowed+2*time.Second {
				t.Errorf("%s: %s took %v", what, names[i], took)
			}
		})
	}
}

// What a table leaves of a batch is asked for again, until the context ends.
func TestWhatIsLeftOfABatchIsAskedForAgain(t *testing.T) {
	for _, name := range []string{"Load", "AppendHistory"} {
		left := 2
		table := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if left--; left < 0 {
				_, _ = fmt.Fprint(w, `{}`)
				return
			}
			_, _ = fmt.Fprint(w, `{"UnprocessedKeys": {"table": {"Keys": [{"pk": {"S": "x"}, "sk": {"S": "y"}}]}},
				"UnprocessedItems": {"table": [{"PutRequest": {"Item": {"pk": {"S": "x"}}}}]}}`)
		}))
		err := operations()[name](t.Context(), at(table.URL, aws.NopRetryer{}))
		table.Close()
		if err != nil || left != -1 {
			t.Errorf("%s: %v, after %d calls", name, err, 2-left)
		}
		endless := answering(t, 200, `{"UnprocessedKeys": {"table": {"Keys": [{"pk": {"S": "x"}, "sk": {"S": "y"}}]}},
			"UnprocessedItems": {"table": [{"PutRequest": {"Item": {"pk": {"S": "x"}}}}]}}`)
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		checkBusy(t, name, operations()[name](ctx, endless))
		cancel()
	}
}
