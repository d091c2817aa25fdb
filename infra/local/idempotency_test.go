package local_test

import (
	"bytes"
	"fmt"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
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

// A repeat of a batch with its key answers as the first call did, and what
// others did in the meantime stays.
func TestSameIdempotencyKeyOfABatch(t *testing.T) {
	o := newOffice(t)
	there := o.invite(map[string]any{"sendEmail": false})
	rows := append(quiet(3), map[string]any{"name": "There", "email": there.Email, "role": "builder"})
	delete(rows[0], "sendEmail")
	body := map[string]any{"users": rows}
	key := map[string]string{"Idempotency-Key": unique()}
	send := func(c *client, body any, header map[string]string) batchAnswer {
		t.Helper()
		return c.batch(o.path+"/users/batch", body, header)
	}
	expected := []string{"created", "created", "created", "exists"}
	first := send(o.admin, body, key)
	equal(t, "first", first.said(), expected)
	equal(t, "repeated", send(o.admin, body, key).said(), expected)

	// In the meantime one was archived, one accepted.
	want[any](t, o.admin.send("POST", o.path+"/users/"+first.Results[1].User.ID+"/archive", nil, nil), http.StatusOK)
	o.accept(want[apiUser](t, o.admin.send("GET", o.path+"/users/"+first.Results[2].User.ID+"/link", nil, nil), http.StatusOK))
	later := send(o.admin, body, key)
	equal(t, "repeated later", later.said(), expected)
	if later.Results[1].User.Status != "archived" || later.Results[2].User.Status != "active" {
		t.Errorf("the repeat changed what became of them: %+v %+v", later.Results[1].User, later.Results[2].User)
	}
	inbox(t, rows[0]["email"].(string), 1)
	if total, mine := o.mails(); total != 4 || mine != 4 {
		t.Errorf("%d invitations are counted, %d of them the admin's", total, mine)
	}

	// Another body, another way of writing it, another type of it.
	refused(t, o.admin.send("POST", o.path+"/users/batch", map[string]any{"users": rows[:3]}, key), http.StatusUnprocessableEntity, "idempotency_mismatch")
	file := maps.Clone(csvFile)
	maps.Copy(file, key)
	refused(t, o.admin.send("POST", o.path+"/users/batch", "name,email,role\nN,n@corp.com,builder\n", file), http.StatusUnprocessableEntity, "idempotency_mismatch")

	// The key is the caller's own, and the operation's own.
	second := o.secondAdmin()
	equal(t, "another admin's same key", send(second, body, key).said(), []string{"exists", "exists", "exists", "exists"})
	want[apiUser](t, o.admin.send("POST", o.path+"/users", quiet(1)[0], key), http.StatusCreated)
	equal(t, "without a key", send(o.admin, body, nil).said(), []string{"exists", "exists", "exists", "exists"})
}

// The connection breaks while the batch is under way; the caller sends it again
// at once. Everybody is invited once, mailed once and counted once.
func TestABatchIsRepeatedAfterADroppedConnection(t *testing.T) {
	o := newOffice(t)
	rows := quiet(200)
	for i := range 10 {
		delete(rows[i*20], "sendEmail")
	}
	body := map[string]any{"users": rows}
	key := map[string]string{"Idempotency-Key": unique()}
	impatient := *o.admin
	impatient.http = &http.Client{Transport: o.admin.http.Transport, Timeout: 60 * time.Millisecond}
	if _, err := impatient.try("POST", o.path+"/users/batch", body, key); err == nil {
		t.Log("the connection was not dropped: the answer was too fast")
	}
	a := o.admin.batch(o.path+"/users/batch", body, key)
	if n := a.tally()["created"]; n != len(rows) {
		t.Errorf("outcomes %v, want %d created", a.tally(), len(rows))
	}
	for i := range 10 {
		inbox(t, rows[i*20]["email"].(string), 1)
	}
	if n := o.counted()["requested"]; n != len(rows) {
		t.Errorf("%d are requested, not %d", n, len(rows))
	}
	eventually(t, func() error { // the first call may still be at it
		if total, mine := o.mails(); total != len(rows) || mine != len(rows) {
			return fmt.Errorf("%d invitations are counted, %d of them the admin's, not %d", total, mine, len(rows))
		}
		return nil
	})
}

// The function is killed in the middle of a batch. A repeat does what was not
// done, and does nothing twice.
func TestABatchIsFinishedAfterTheFunctionWasKilled(t *testing.T) {
	for range 10 {
		o := newOffice(t)
		rows := quiet(500)
		body := map[string]any{"users": rows}
		key := map[string]string{"Idempotency-Key": unique()}
		done := make(chan answer)
		go func() {
			a, err := o.admin.wrong().try("POST", o.path+"/users/batch", body, key)
			if err != nil {
				t.Error(err)
			}
			done <- a
		}()
		for deadline := time.Now().Add(5 * time.Second); itemsIn(t, o.id) < 100 && time.Now().Before(deadline); {
			time.Sleep(time.Millisecond)
		}
		killFunction(t, "invite")
		first := <-done
		if first.status == http.StatusOK {
			continue // it was done before it could be killed
		}
		if first.status < 500 {
			t.Errorf("a killed function answers %d %s", first.status, first.body)
		}
		already := o.counted()["requested"]
		if already == 0 || already == len(rows) {
			continue
		}
		t.Logf("killed after %d of %d", already, len(rows))
		var a batchAnswer
		eventually(t, func() error { // until the gateway has a new function
			res, err := o.admin.try("POST", o.path+"/users/batch", body, key)
			if err == nil && res.status != http.StatusOK {
				err = fmt.Errorf("%d %s", res.status, res.body)
			}
			if err == nil {
				res.decode(t, &a)
			}
			return err
		})
		if n := a.tally()["created"]; n != len(rows) {
			t.Errorf("outcomes %v, want %d created", a.tally(), len(rows))
		}
		if n := o.counted()["requested"]; n != len(rows) {
			t.Errorf("%d are requested, not %d", n, len(rows))
		}
		return
	}
	t.Error("in ten attempts, the function was never killed in the middle of its work")
}

// killFunction kills the processes of a function.
func killFunction(t *testing.T, name string) {
	t.Helper()
	killed := 0
	for _, pid := range children(t, os.Getpid()) {
		args, err := exec.Command("ps", "-o", "args=", "-p", strconv.Itoa(pid)).Output()
		if err == nil && strings.Contains(string(args), name+"/bootstrap") {
			killed++
			if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
				t.Fatal(err)
			}
		}
	}
	if killed == 0 {
		t.Fatalf("the function %s does not run", name)
	}
}
