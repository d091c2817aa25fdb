package recovery

import (
	"encoding/json"
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/latchkey/latchkey/infra/local"
	"github.com/latchkey/latchkey/infra/local/messaging"
	"github.com/latchkey/latchkey/shared/event"
	"github.com/latchkey/latchkey/tests/caller"
)

type item = map[string]types.AttributeValue

// log is the events that were published.
type log struct {
	mu     sync.Mutex
	events []event.Event
}

func (l *log) note(e messaging.Envelope) {
	var published event.Event
	_ = json.Unmarshal(e.Detail, &published) // the schema's tests hold the form
	l.mu.Lock()
	defer l.mu.Unlock()
	l.events = append(l.events, published)
}

func (l *log) all() []event.Event {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.events)
}

// of returns how often some event of a user was published most often.
func (l *log) of(u caller.User) (most int) {
	times := map[string]int{}
	for _, e := range l.all() {
		if e.UserID == u.ID {
			times[e.ID]++
			most = max(most, times[e.ID])
		}
	}
	return most
}

// own is the items that a restore of the workspace concerns, by their keys:
// everything of it but what people said about mail.
func (o office) own() map[string]item {
	own := map[string]item{}
	for _, item := range o.table() {
		key := keyOf(item)
		if strings.HasPrefix(key, "WS#"+o.id+" ") && !strings.Contains(key, " RECIPIENT#") || strings.HasPrefix(key, "HISTORY#"+o.id+" ") {
			own[key] = item
		}
	}
	return own
}

// restore makes the workspace what it was, as docs/operations.md has it.
func (o office) restore(was map[string]item) {
	o.t.Helper()
	for key, now := range o.own() {
		if was[key] == nil {
			_, err := o.stack.DB.DeleteItem(o.t.Context(), &dynamodb.DeleteItemInput{TableName: aws.String(local.TableName), Key: item{"pk": now["pk"], "sk": now["sk"]}})
			if err != nil {
				o.t.Fatal(err)
			}
		}
	}
	for _, then := range was {
		o.put(then)
	}
}

func (o office) put(item item) {
	o.t.Helper()
	if _, err := o.stack.DB.PutItem(o.t.Context(), &dynamodb.PutItemInput{TableName: aws.String(local.TableName), Item: item}); err != nil {
		o.t.Fatal(err)
	}
}

// A workspace that is restored to an hour ago is what it was then: people,
// links, counts and seats. Nobody is mailed by the restore, what people said
// about mail since then holds, and all goes on from there.
func TestAWorkspaceRestoredIsWhatItWas(t *testing.T) {
	s, _ := start(t, t.TempDir())
	var published log
	s.Bus.Subscribe(published.note)
	o := found(t, s)
	o.admin.Send("PATCH", o.path, fields{"seatLimit": 7}).Into(http.StatusOK, nil)
	accepts, resent, silent := o.invite("accepts", fields{"sendEmail": true}), o.invite("resent", nil), o.invite("silent", fields{"sendEmail": true})
	archived, erased := o.invite("archived", nil), o.invite("erased", nil)
	o.accept(archived).Into(http.StatusOK, nil)
	o.nobody().Send("POST", "/v1/invitations/"+erased.Token()+"/decline", nil).Into(http.StatusOK, nil)
	o.mails(accepts.Email, 1)
	optOut := linkIn(t, o.mails(silent.Email, 1)[0], "/unsubscribe")
	was, counts := o.own(), o.counts()

	// The hour that is lost.
	o.accept(accepts).Into(http.StatusOK, nil)
	var again caller.User
	o.act(resent, "resend", fields{"sendEmail": true}).Into(http.StatusOK, &again)
	o.mails(resent.Email, 1)
	o.nobody().Send("POST", optOut, nil).Into(http.StatusNoContent, nil)
	o.act(archived, "archive", nil).Into(http.StatusOK, nil)
	o.admin.Send("DELETE", o.path+"/users/"+erased.ID, nil).Into(http.StatusNoContent, nil)
	late := o.invite("late", fields{"sendEmail": true})
	o.mails(late.Email, 1)

	for _, u := range []caller.User{accepts, silent, resent, late} { // the delivery is not part of the test
		caller.Eventually(t, 30*time.Second, func() error {
			if got := o.get(u).Invitation; got.Delivery != "delivered" {
				return fmt.Errorf("the mail to %s is %s", u.Email, got.Delivery)
			}
			return nil
		})
	}
	restored := time.Now()
	o.restore(was)
	// Subscribers get the events of the four changed users again, and no new ones.
	caller.Eventually(t, 30*time.Second, func() error {
		for _, u := range []caller.User{accepts, resent, archived, erased} {
			if n := published.of(u); n < 2 {
				return fmt.Errorf("%d times the last event of %s", n, u.Email)
			}
		}
		return nil
	})
	for _, e := range published.all() {
		if e.Time.After(restored) {
			t.Errorf("the restore makes the event %+v", e)
		}
	}

	if now := o.counts(); !reflect.DeepEqual(now, counts) {
		t.Errorf("the counts are %v, not %v", now, counts)
	}
	for u, status := range map[*caller.User]string{&accepts: "requested", &resent: "requested", &archived: "active", &erased: "declined"} {
		if now := o.get(*u); now.Status != status {
			t.Errorf("%s is %s, not %s", u.Email, now.Status, status)
		}
	}
	// People who joined in that hour join again, with the same link.
	o.accept(accepts).Into(http.StatusOK, nil)
	// The link before is the newest again; that of the lost hour is dead until
	// the invitation is sent again, which makes the very same one.
	preview := func(u caller.User) caller.Answer { return o.nobody().Send("GET", "/v1/invitations/"+u.Token(), nil) }
	preview(resent).Into(http.StatusOK, nil)
	preview(again).Refused(http.StatusNotFound, "invitation_not_found")
	// The people invited since are unknown: they are invited again, with a mail.
	preview(late).Refused(http.StatusNotFound, "invitation_not_found")
	anew := o.invite("late2", fields{"sendEmail": true})
	o.mails(anew.Email, 1)
	// What a person said about mail is not undone.
	o.act(silent, "resend", nil).Refused(http.StatusConflict, "recipient_unsubscribed")
	// The seats are exact: admin, accepts, resent, silent, archived, late2, and one more.
	o.invite("last", nil)
	o.admin.Send("POST", o.path+"/users", newUser("more", nil)).Refused(http.StatusConflict, "seat_limit_reached")
	for _, u := range []caller.User{accepts, resent, silent} {
		if n := len(o.inbox(u.Email)); n != 1 {
			t.Errorf("%s has had %d mails", u.Email, n)
		}
	}
}

// linkIn returns the path of the API that a link in a mail leads to.
func linkIn(t *testing.T, text, end string) string {
	t.Helper()
	for word := range strings.FieldsSeq(text) {
		if at := strings.Index(word, "/v1/invitations/"); at >= 0 && strings.Contains(word, end) {
			return word[at : strings.Index(word, end)+len(end)]
		}
	}
	t.Fatalf("no link to %s in %s", end, text)
	return ""
}

// with is an item with further attributes.
func (o office) with(key string, more map[string]string) {
	o.t.Helper()
	for _, item := range o.table() {
		if keyOf(item) == key {
			for name, value := range more {
				item[name] = &types.AttributeValueMemberS{Value: value}
			}
			o.put(item)
			return
		}
	}
	o.t.Fatalf("there is no item %s", key)
}

// attribute is the text of an attribute; "" where there is none.
func (o office) attribute(key, name string) string {
	for _, item := range o.table() {
		if keyOf(item) == key {
			if text, ok := item[name].(*types.AttributeValueMemberS); ok {
				return text.Value
			}
		}
	}
	return ""
}

// Code that is rolled back keeps what a newer release has added to an item, and
// takes a status or role that it does not know for one that allows nothing.
func TestOlderCodeKeepsWhatItDoesNotKnow(t *testing.T) {
	s, _ := start(t, t.TempDir())
	o := found(t, s)
	jane, joe, boss := o.invite("jane", nil), o.invite("joe", nil), o.invite("boss", nil)
	o.accept(boss).Into(http.StatusOK, nil)
	o.admin.Send("PUT", o.path+"/groups/eu", nil).Into(http.StatusCreated, nil)
	user := func(u caller.User) string { return "WS#" + o.id + " USER#" + u.ID }
	newer := map[string]string{"newer": "kept"}
	keys := []string{"WS#" + o.id + " WORKSPACE", user(jane), "WS#" + o.id + " GROUP#eu"}
	for _, key := range keys {
		o.with(key, newer)
	}
	o.admin.Send("PATCH", o.path, fields{"name": "Nexus Two"}).Into(http.StatusOK, nil)
	o.admin.Send("PUT", o.path+"/groups/eu", fields{"name": "Europe"}).Into(http.StatusOK, nil)
	o.admin.Send("PATCH", o.path+"/users/"+jane.ID, fields{"groups": []string{"eu"}, "metadata": fields{"a": 1}}).Into(http.StatusOK, nil)
	o.act(jane, "resend", fields{"sendEmail": false}).Into(http.StatusOK, &jane)
	o.accept(jane).Into(http.StatusOK, nil)
	o.act(jane, "archive", nil).Into(http.StatusOK, nil)
	o.act(jane, "restore", fields{"sendEmail": false}).Into(http.StatusOK, nil)
	for _, key := range keys {
		if got := o.attribute(key, "newer"); got != "kept" {
			t.Errorf("%s has lost what a newer release had added: %q", key, got)
		}
	}

	// With a status of a newer release nobody is a member and no link works, but
	// an admin can archive them.
	o.with(user(joe), map[string]string{"status": "suspended", "statusSk": "suspended#2026-01-01T12:00:00.000Z#" + joe.ID})
	for _, a := range []caller.Answer{
		o.accept(joe), o.person(joe).Send("POST", "/v1/me/workspaces/"+o.id+"/accept", nil),
		o.act(joe, "resend", nil), o.act(joe, "restore", nil), o.admin.Send("DELETE", o.path+"/users/"+joe.ID, nil),
	} {
		a.Refused(http.StatusConflict, "status_conflict")
	}
	o.admin.Send("POST", o.path+"/users", newUser("joe", nil)).Refused(http.StatusConflict, "user_exists")
	o.person(joe).Send("GET", o.path, nil).Refused(http.StatusNotFound, "workspace_not_found")
	var page struct{ Users []caller.User }
	o.admin.Send("GET", o.path+"/users", nil).Into(http.StatusOK, &page)
	if len(page.Users) != 4 { // an admin finds them, too
		t.Errorf("the list has %d users, want 4", len(page.Users))
	}
	if now := o.get(joe); now.Status != "suspended" {
		t.Errorf("the user is %s", now.Status)
	}
	o.act(joe, "archive", nil).Into(http.StatusOK, nil)

	// With a role of a newer release a member is one who may do nothing more.
	o.with(user(boss), map[string]string{"role": "owner"})
	o.person(boss).Send("GET", o.path, nil).Into(http.StatusOK, nil)
	o.person(boss).Send("GET", o.path+"/users", nil).Refused(http.StatusForbidden, "admin_required")
	o.person(boss).Send("POST", o.path+"/users", newUser("new", nil)).Refused(http.StatusForbidden, "admin_required")
	o.admin.Send("PATCH", o.path+"/users/"+boss.ID, fields{"role": "end-user"}).Into(http.StatusOK, nil)
}
