package recovery

import (
	"net/http"
	"reflect"
	"regexp"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/latchkey/latchkey/infra/local"
	"github.com/latchkey/latchkey/tests/caller"
)

// Without the link key every link that is out is dead, as if it were unknown,
// and nothing else is lost: records, members, and what people said. An admin
// copies a new link at once, or resends.
func TestLosingTheLinkKeyKillsLinksAlone(t *testing.T) {
	dataDir := t.TempDir()
	s, stop := start(t, dataDir)
	o := found(t, s)
	john, jane, jim := o.invite("john", fields{"sendEmail": true}), o.invite("jane", nil), o.invite("jim", nil)
	member := o.invite("member", fields{"metadata": fields{"key": "value"}})
	o.accept(member).Into(http.StatusOK, nil)
	tokens := regexp.MustCompile(`[A-Za-z0-9_-]{96}`).FindAllString(o.mails(john.Email, 1)[0], -1)
	if len(tokens) < 2 {
		t.Fatalf("the mail has %d links", len(tokens))
	}
	stop() // functions keep the key for five minutes

	s, _ = start(t, dataDir)
	o = o.on(s)
	linkKeys := &types.AttributeValueMemberS{Value: "LINKKEYS"}
	_, err := s.DB.DeleteItem(t.Context(), &dynamodb.DeleteItemInput{
		TableName: aws.String(local.TableName), Key: map[string]types.AttributeValue{"pk": linkKeys, "sk": linkKeys},
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, token := range append(tokens, jane.Token()) {
		for _, c := range []struct{ method, path string }{
			{"GET", "/v1/invitations/" + token}, {"POST", "/v1/invitations/" + token + "/decline"},
			{"POST", "/v1/invitations/" + token + "/unsubscribe"}, {"POST", "/v1/invitations/" + token + "/report"}, {"GET", "/invite/" + token},
		} {
			o.nobody().Send(c.method, c.path, nil).Refused(http.StatusNotFound, "invitation_not_found")
		}
	}
	o.accept(john).Refused(http.StatusNotFound, "invitation_not_found")
	if a := o.nobody().Send("GET", "/invite/"+jane.Token(), nil, "Accept", "text/html"); a.Status != http.StatusFound {
		t.Errorf("a browser is not led to the dashboard, which says so: %v", a)
	}

	// The same invitation has a link of the new key, without a mail.
	var now caller.User
	o.admin.Send("GET", o.path+"/users/"+jane.ID+"/link", nil).Into(http.StatusOK, &now)
	o.accept(now).Into(http.StatusOK, nil)
	// From one's own list no link is needed.
	o.person(jim).Send("POST", "/v1/me/workspaces/"+o.id+"/accept", nil).Into(http.StatusOK, nil)
	// A batch mails new links.
	o.admin.Send("POST", o.path+"/users/batch/resend", fields{"users": []string{john.ID}, "sendEmail": false}).Into(http.StatusOK, nil)
	o.admin.Send("GET", o.path+"/users/"+john.ID+"/link", nil).Into(http.StatusOK, &now)
	o.accept(now).Into(http.StatusOK, nil)
	if got := o.get(member); got.Status != "active" || string(got.Metadata) != `{"key":"value"}` {
		t.Errorf("the member is %+v", got)
	}
}

// While the metadata key is disabled, whatever needs metadata, a link, a cursor
// or a new workspace answers 503 and writes nothing, unless a function has the
// key already; everything else works. Afterwards all data is intact.
func TestWithoutTheMetadataKeyNothingIsLost(t *testing.T) {
	dataDir := t.TempDir()
	s, stop := start(t, dataDir)
	o := found(t, s)
	secret := fields{"metadata": fields{"key": "value"}}
	plain, sealed, other := o.invite("plain", nil), o.invite("sealed", secret), o.invite("other", nil)
	leaver := o.invite("leaver", secret)
	stop() // functions keep the data keys that they have opened

	s, _ = start(t, dataDir)
	o = o.on(s)
	s.DisableMetadataKey(true)
	unavailable := func(a caller.Answer) {
		t.Helper()
		a.Refused(http.StatusServiceUnavailable, "unavailable")
		if a.Header.Get("Retry-After") == "" {
			t.Errorf("%v lacks Retry-After", a)
		}
	}
	before := o.users()
	unavailable(o.admin.Send("POST", o.path+"/users", newUser("new", secret)))
	unavailable(o.admin.Send("POST", o.path+"/users", newUser("new", nil), "Idempotency-Key", "one"))
	unavailable(o.admin.Send("POST", o.path+"/users/batch", fields{"users": []any{newUser("new", secret), newUser("newer", nil)}}))
	unavailable(o.admin.Send("GET", o.path+"/users/"+sealed.ID, nil))
	unavailable(o.admin.Send("PATCH", o.path+"/users/"+sealed.ID, fields{"name": "Other"}))
	unavailable(o.act(sealed, "archive", nil))
	unavailable(o.act(sealed, "resend", nil))
	unavailable(o.accept(sealed))
	unavailable(o.admin.Send("POST", o.path+"/users", newUser("plainer", nil)))
	unavailable(o.act(other, "archive", nil))
	unavailable(o.nobody().Send("GET", "/v1/invitations/"+sealed.Token(), nil))
	unavailable(o.nobody().Send("POST", "/v1/invitations/"+leaver.Token()+"/decline", nil))
	unavailable(o.admin.Send("GET", o.path+"/users", nil))
	unavailable(o.admin.Send("GET", o.path+"/history", nil))
	unavailable(caller.Person(t, s.URL, "new@corp.example", "New").Send("POST", "/v1/workspaces", fields{"name": "Another"}))
	if after := o.users(); !reflect.DeepEqual(after, before) {
		t.Errorf("%v became %v", before, after)
	}

	o.admin.Send("GET", o.path, nil).Into(http.StatusOK, nil)
	o.admin.Send("GET", o.path+"/groups", nil).Into(http.StatusOK, nil)
	o.admin.Send("PUT", o.path+"/groups/eu", nil).Into(http.StatusCreated, nil)
	o.person(plain).Send("GET", "/v1/me/workspaces", nil).Into(http.StatusOK, nil)
	o.person(plain).Send("POST", "/v1/me/workspaces/"+o.id+"/accept", nil).Into(http.StatusOK, nil)
	o.admin.Send("PATCH", o.path+"/users/"+plain.ID, fields{"role": "admin"}).Into(http.StatusOK, nil)

	s.DisableMetadataKey(false)
	o.nobody().Send("POST", "/v1/invitations/"+leaver.Token()+"/decline", nil).Into(http.StatusOK, nil)
	o.accept(sealed).Into(http.StatusOK, nil)
	o.admin.Send("POST", o.path+"/users", newUser("new", secret)).Into(http.StatusCreated, nil)
	for _, u := range []caller.User{sealed, leaver} {
		if got := o.get(u); string(got.Metadata) != `{"key":"value"}` {
			t.Errorf("the metadata is %s", got.Metadata)
		}
	}
	if counts := o.counts(); counts["active"] != 3 || counts["requested"] != 2 || counts["declined"] != 1 {
		t.Errorf("the counts are %v", counts)
	}
}
