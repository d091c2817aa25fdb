package local_test

import (
	"bytes"
	"maps"
	"net/http"
	"strings"
	"sync"
	"testing"
)

// A call that is repeated with its Idempotency-Key is answered as the first
// time, whatever became of the user; nobody is invited, mailed or counted twice.
func TestSameIdempotencyKeyAnswersTheFirstAnswer(t *testing.T) {
	o := newOffice(t)
	want[any](t, o.limitSeats(2), http.StatusOK) // the repeat needs no seat
	body := map[string]any{"name": "John", "email": "idem-" + unique() + "@corp.com", "role": "builder", "metadata": map[string]any{"apiKey": "abc"}}
	key := map[string]string{"Idempotency-Key": unique()}
	first := o.admin.send("POST", o.path+"/users", body, key)
	u := want[apiUser](t, first, http.StatusCreated)
	if first.header.Get("idempotent-replay") != "" {
		t.Error("the first answer is said to be a repeat")
	}
	repeated := func(when string) {
		t.Helper()
		a := o.admin.send("POST", o.path+"/users", body, key)
		want[apiUser](t, a, http.StatusCreated)
		if a.header.Get("idempotent-replay") != "true" || !bytes.Equal(a.body, first.body) ||
			a.header.Get("location") != first.header.Get("location") || a.header.Get("etag") != first.header.Get("etag") {
			t.Errorf("%s: %s %v, first %s", when, a.body, a.header, first.body)
		}
	}
	repeated("at once")
	inbox(t, u.Email, 1)
	o.edit(u.ID, map[string]any{"name": "Johnny"})
	repeated("after an edit")
	o.accept(u)
	repeated("after the person has accepted")
	want[any](t, o.act(u.ID, "archive"), http.StatusOK)
	repeated("after they were archived")
	want[any](t, o.erase(u.ID), http.StatusNoContent)
	repeated("after they were erased")
	refused(t, o.admin.send("GET", o.path+"/users/"+u.ID, nil, nil), http.StatusNotFound, "user_not_found")
	if total, mine := o.mails(); total != 1 || mine != 1 {
		t.Errorf("%d mails are counted, %d of them the admin's", total, mine)
	}
	inbox(t, u.Email, 1)
}

// The same key with any other body is a mistake, which does nothing.
func TestAnIdempotencyKeyFitsOneBody(t *testing.T) {
	o := newOffice(t)
	second := o.secondAdmin()
	body := map[string]any{"name": "John", "email": "idem-" + unique() + "@corp.com", "role": "builder", "sendEmail": false}
	key := map[string]string{"Idempotency-Key": unique()}
	u := want[apiUser](t, o.admin.send("POST", o.path+"/users", body, key), http.StatusCreated)
	for field, value := range map[string]any{"name": "Johnny", "email": "other-" + unique() + "@corp.com", "role": "admin", "sendEmail": true} {
		changed := maps.Clone(body)
		changed[field] = value
		refused(t, o.admin.send("POST", o.path+"/users", changed, key), http.StatusUnprocessableEntity, "idempotency_mismatch")
	}
	unchanged(t, o, u)
	if n := len(o.list("")); n != 3 {
		t.Errorf("%d users", n)
	}
	long := map[string]string{"Idempotency-Key": strings.Repeat("k", 256)}
	refused(t, o.admin.wrong().send("POST", o.path+"/users", quiet(1)[0], long), http.StatusBadRequest, "invalid_idempotency_key")
	// The key is the caller's own, the workspace's own.
	other := newOffice(t)
	want[apiUser](t, other.admin.send("POST", other.path+"/users", body, key), http.StatusCreated)
	refused(t, second.send("POST", o.path+"/users", body, key), http.StatusConflict, "user_exists")
	want[apiUser](t, second.send("POST", o.path+"/users", quiet(1)[0], key), http.StatusCreated)
	// What was refused is not remembered: the key is free for a body that is right.
	fresh := map[string]string{"Idempotency-Key": unique()}
	refused(t, o.admin.wrong().send("POST", o.path+"/users", map[string]any{"name": "X"}, fresh), http.StatusBadRequest, "invalid_request")
	refused(t, o.admin.send("POST", o.path+"/users", body, fresh), http.StatusConflict, "user_exists")
	want[apiUser](t, o.admin.send("POST", o.path+"/users", quiet(1)[0], fresh), http.StatusCreated)
}

// Many calls with one key at once: one user, one mail, one answer for all.
func TestManyCallsWithOneIdempotencyKey(t *testing.T) {
	for _, seats := range []any{nil, 2} { // also where the first takes the last seat
		o := newOffice(t)
		want[any](t, o.limitSeats(seats), http.StatusOK)
		body := map[string]any{"name": "John", "email": "idem-" + unique() + "@corp.com", "role": "builder"}
		key := map[string]string{"Idempotency-Key": unique()}
		var mu sync.Mutex
		answers, replays := map[string]int{}, 0
		counts := race(t, 20, func(int) (answer, error) {
			a, err := o.admin.try("POST", o.path+"/users", body, key)
			mu.Lock()
			defer mu.Unlock()
			answers[string(a.body)]++
			if a.header.Get("idempotent-replay") == "true" {
				replays++
			}
			return a, err
		})
		if counts[http.StatusCreated] != 20 || len(answers) != 1 || replays != 19 {
			t.Errorf("answers %v: %d of them repeats, %d different: %v", counts, replays, len(answers), answers)
		}
		if n := o.counted()["requested"]; n != 1 {
			t.Errorf("%d users were invited", n)
		}
		inbox(t, body["email"].(string), 1)
		if total, mine := o.mails(); total != 1 || mine != 1 {
			t.Errorf("%d mails are counted, %d of them the admin's", total, mine)
		}
	}
}
