package store_test

import (
	"bytes"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/latchkey/latchkey/shared/store"
	"github.com/latchkey/latchkey/shared/user"
)

func answerOf(key, body string, until time.Time) store.Answer {
	return store.Answer{Key: key, Body: body, Sealed: []byte("answer to " + body), Until: until}
}

// Twenty calls with one Idempotency-Key: one inserts, and all others are given
// what it was answered, also where it took the last seat.
func TestCallsWithOneKeyHaveOneAnswer(t *testing.T) {
	tb := newTable(t)
	for round := range 4 {
		w, _ := tb.found(t)
		if round%2 == 1 {
			w = tb.limited(t, 2)
		}
		var mu sync.Mutex
		inserted, replayed := []string{}, []string{}
		race(20, func(i int) {
			u := quiet(w.ID, "john@corp.com", t0)
			u.Name = fmt.Sprintf("John %d", i)
			a := answerOf("key", fmt.Sprintf("body %d", i), t0.Add(day))
			done, err := tb.InsertUsers(t.Context(), []user.User{u}, a, t0)
			mu.Lock()
			defer mu.Unlock()
			switch {
			case err != nil:
				t.Error(err)
			case done.Before.Key != "":
				if done.Before.Key != "key" || string(done.Before.Sealed) != "answer to "+done.Before.Body || !done.Before.Until.Equal(a.Until) {
					t.Errorf("%+v", done.Before)
				}
				replayed = append(replayed, done.Before.Body)
			case len(done.Existing) == 0 && len(done.Seatless) == 0:
				inserted = append(inserted, a.Body)
			default:
				t.Errorf("round %d: neither inserted nor answered: %+v", round, done)
			}
		})
		if len(inserted) != 1 || len(replayed) != 19 {
			t.Fatalf("round %d: %d inserted, %d were given an answer", round, len(inserted), len(replayed))
		}
		for _, body := range replayed {
			if body != inserted[0] {
				t.Errorf("round %d: the answer to %s, and inserted was %s", round, body, inserted[0])
			}
		}
		snap, err := tb.Load(t.Context(), store.Want{Workspace: w.ID, Request: "key", Users: []string{user.IDFor(w.ID, "john@corp.com")}})
		if err != nil || snap.Answer.Body != inserted[0] || len(snap.Users) != 1 {
			t.Errorf("round %d: %+v, %v", round, snap, err)
		}
	}
}

// An answer goes with what it is about, or not at all.
func TestWhoIsThereAlreadyLeavesNoAnswer(t *testing.T) {
	tb := newTable(t)
	w, founder := tb.found(t)
	u := quiet(w.ID, founder.Email, t0)
	done, err := tb.InsertUsers(t.Context(), []user.User{u}, answerOf("key", "body", t0.Add(day)), t0)
	if err != nil || done.Existing[u.ID].ID != founder.ID || done.Before.Key != "" {
		t.Fatalf("%+v, %v", done, err)
	}
	full := tb.limited(t, 1)
	u = quiet(full.ID, "john@corp.com", t0)
	done, err = tb.InsertUsers(t.Context(), []user.User{u}, answerOf("key", "body", t0.Add(day)), t0)
	if err != nil || !done.Seatless[u.ID] {
		t.Fatalf("%+v, %v", done, err)
	}
	for _, item := range tb.all(t) {
		if textOf(item["entity"]) == "request" {
			t.Errorf("an answer is kept: %v", item)
		}
	}
}

// A key is remembered for its time, by the clock: DynamoDB's TTL may come days
// later. It is a workspace's own.
func TestAnAnswerCountsUntilItsTimeIsOver(t *testing.T) {
	tb := newTable(t)
	wsID := newWorkspaceID()
	until := t0.Add(day)
	insert := func(what string, email, key string, at time.Time) store.Answer {
		t.Helper()
		done, err := tb.InsertUsers(t.Context(), []user.User{quiet(wsID, email, at)}, answerOf(key, what, at.Add(day)), at)
		if err != nil || len(done.Existing) > 0 {
			t.Fatalf("%s: %+v, %v", what, done, err)
		}
		return done.Before
	}
	if before := insert("first", "a@corp.com", "key", t0); before.Key != "" {
		t.Errorf("the first was given %+v", before)
	}
	if before := insert("just in time", "b@corp.com", "key", until.Add(-time.Millisecond)); before.Body != "first" || !before.Until.Equal(until) {
		t.Errorf("within its time: %+v", before)
	}
	if _, ok, err := tb.LoadUser(t.Context(), wsID, user.IDFor(wsID, "b@corp.com")); ok || err != nil {
		t.Errorf("who was given an answer wrote something: %v", err)
	}
	if before := insert("another key", "c@corp.com", "other", t0); before.Key != "" {
		t.Errorf("another key was given %+v", before)
	}
	if before := insert("after it", "d@corp.com", "key", until); before.Key != "" {
		t.Errorf("after its time: %+v", before)
	}
	snap, err := tb.Load(t.Context(), store.Want{Workspace: wsID, Request: "key"})
	if err != nil || snap.Answer.Body != "after it" {
		t.Errorf("%+v, %v", snap.Answer, err)
	}
	if ttl := ttlOf(t, tb.raw(t, "WS#"+wsID, "REQUEST#key")); !ttl.Equal(until.Add(day)) {
		t.Errorf("it is kept until %v", ttl)
	}
	if snap, err := tb.Load(t.Context(), store.Want{Workspace: newWorkspaceID(), Request: "key"}); err != nil || snap.Answer.Key != "" {
		t.Errorf("another workspace's: %+v, %v", snap.Answer, err)
	}
}

// The answer stays what it was, whatever becomes of the user.
func TestAnAnswerOutlivesWhatItIsAbout(t *testing.T) {
	tb := newTable(t)
	wsID := newWorkspaceID()
	u := quiet(wsID, "john@corp.com", t0)
	a := answerOf("key", "body", t0.Add(day))
	if done, err := tb.InsertUsers(t.Context(), []user.User{u}, a, t0); err != nil || done.Before.Key != "" {
		t.Fatal(err)
	}
	check := func(what string) {
		t.Helper()
		done, err := tb.InsertUsers(t.Context(), []user.User{u}, answerOf("key", "body", t0.Add(2*day)), t0.Add(time.Hour))
		if err != nil || done.Before.Key != "key" || !bytes.Equal(done.Before.Sealed, a.Sealed) {
			t.Errorf("%s: %+v, %v", what, done, err)
		}
	}
	check("as it was made")
	archived := tb.change(t, u, archive)
	check("archived")
	tb.erase(t, archived)
	check("erased")
	if _, ok, err := tb.LoadUser(t.Context(), wsID, u.ID); ok || err != nil {
		t.Errorf("the repeat brought the erased user back: %v", err)
	}
}

// A batch notes its body alone, once.
func TestABatchNotesItsBodyOnce(t *testing.T) {
	tb := newTable(t)
	wsID := newWorkspaceID()
	var bodies sync.Map
	race(20, func(i int) {
		stands, err := tb.InsertAnswer(t.Context(), wsID, store.Answer{Key: "key", Body: fmt.Sprint(i), Call: fmt.Sprint("call ", i), Until: t0.Add(day)}, t0)
		if err != nil || stands.Key != "key" || stands.Call != "call "+stands.Body {
			t.Errorf("%+v, %v", stands, err)
		}
		bodies.Store(stands.Body, true)
	})
	different := 0
	bodies.Range(func(any, any) bool { different++; return true })
	if different != 1 {
		t.Errorf("%d calls stand", different)
	}
	late := store.Answer{Key: "key", Body: "late", Call: "another", Until: t0.Add(2 * day)}
	stands, err := tb.InsertAnswer(t.Context(), wsID, late, t0.Add(day))
	if err != nil || stands.Call != "another" {
		t.Errorf("after its time: %+v, %v", stands, err)
	}
	if snap, err := tb.Load(t.Context(), store.Want{Workspace: wsID, Request: "key"}); err != nil || snap.Answer.Body != "late" || snap.Answer.Sealed != nil {
		t.Errorf("%+v, %v", snap.Answer, err)
	}
}
