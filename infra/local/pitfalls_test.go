package local_test

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net/http"
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
)

func item(name, value string) map[string]types.AttributeValue {
	return map[string]types.AttributeValue{":" + name: &types.AttributeValueMemberS{Value: value}}
}

// historyTypes are the types of all history lines of a workspace, sorted.
func historyTypes(t *testing.T, workspaceID string) (found []string) {
	t.Helper()
	out, err := stack.DB.Query(t.Context(), &dynamodb.QueryInput{
		TableName: aws.String(local.TableName), ConsistentRead: aws.Bool(true),
		KeyConditionExpression: aws.String("pk = :pk"), ExpressionAttributeValues: item("pk", "HISTORY#"+workspaceID),
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range out.Items {
		if line["type"] == nil { // a day of the statistics lies beside the history
			continue
		}
		found = append(found, line["type"].(*types.AttributeValueMemberS).Value)
	}
	slices.Sort(found)
	return found
}

// onBus are all events that have crossed the bus.
var onBus = struct {
	sync.Mutex
	events []messaging.Envelope
}{}

func listen() {
	stack.Bus.Subscribe(func(e messaging.Envelope) {
		onBus.Lock()
		defer onBus.Unlock()
		onBus.events = append(onBus.events, e)
	})
}

func busTypes(workspaceID string) (found []string) {
	for _, e := range busEvents(workspaceID) {
		found = append(found, e.DetailType)
	}
	slices.Sort(found)
	return found
}

func busEvents(workspaceID string) (found []messaging.Envelope) {
	onBus.Lock()
	defer onBus.Unlock()
	for _, e := range onBus.events {
		if strings.Contains(string(e.Detail), workspaceID) {
			found = append(found, e)
		}
	}
	return found
}

// unchanged checks that what was tried has written nothing to a user.
func unchanged(t *testing.T, o office, before apiUser) {
	t.Helper()
	if after := o.get(before.ID); after.Version != before.Version || after.Status != before.Status {
		t.Errorf("%s version %d became %s version %d", before.Status, before.Version, after.Status, after.Version)
	}
}

func TestRule01AcceptNeedsTheLinkAndAVerifiedEmail(t *testing.T) {
	o := newOffice(t)
	u := o.invite(nil)
	unverified := newClient(t, token(t, map[string]any{"email": u.Email, "name": "John", "emailVerified": false}))
	refused(t, unverified.send("POST", "/v1/invitations/"+tokenOf(u.Invitation.URL)+"/accept", nil, nil), http.StatusForbidden, "email_unverified")
	refused(t, unverified.send("PUT", "/v1/me", nil, nil), http.StatusForbidden, "email_unverified")
	refused(t, unverified.send("POST", "/v1/workspaces", map[string]any{"name": "X"}, nil), http.StatusForbidden, "email_unverified")
	unchanged(t, o, u)
}

func TestRule02And24AnotherAccountCannotAcceptAndBurnsNothing(t *testing.T) {
	o := newOffice(t)
	u := o.invite(nil)
	accept := "/v1/invitations/" + tokenOf(u.Invitation.URL) + "/accept"
	p := refused(t, person(t, "mallory-"+unique()+"@corp.com", "Mallory").send("POST", accept, nil, nil), http.StatusForbidden, "recipient_mismatch")
	if strings.Contains(p.Detail, u.Email) || !strings.Contains(p.Detail, "j***@corp.com") || !strings.Contains(p.Detail, "Sign out") {
		t.Errorf("detail %q", p.Detail)
	}
	operator := newClient(t, token(t, map[string]any{"clientId": "x", "scope": "latchkey/operator"}))
	refused(t, operator.send("POST", accept, nil, nil), http.StatusForbidden, "person_required")
	unchanged(t, o, u)
	o.accept(u)
}

func TestRule03TheEmailComesFromTheRecordAlone(t *testing.T) {
	o := newOffice(t)
	u := o.invite(nil)
	a := person(t, u.Email, "John").wrong().send("POST", "/v1/invitations/"+tokenOf(u.Invitation.URL)+"/accept",
		map[string]any{"email": "mallory@corp.com", "role": "admin"}, nil)
	got := want[apiUser](t, a, http.StatusOK) // the operation takes no body: what is sent is not read
	if got.Email != u.Email || got.Role != "builder" {
		t.Errorf("accepted as %s %s", got.Role, got.Email)
	}
}

// Rule 4: a link says by itself whom it is for, and nothing else: what it opens
// is read from the table at that moment.
func TestRule04TheStateIsReadFromTheTable(t *testing.T) {
	o := newOffice(t)
	u := o.invite(map[string]any{"role": "admin"})
	token := tokenOf(u.Invitation.URL)
	for i := range len(token) { // every single character counts
		bent := []byte(token)
		bent[i] = 'A'
		if token[i] == 'A' {
			bent[i] = 'B'
		}
		if a := newClient(t, "").wrong().send("GET", "/v1/invitations/"+string(bent), nil, nil); a.status != http.StatusNotFound {
			t.Errorf("character %d changed: %d %s", i, a.status, a.body)
		}
	}
	o.edit(u.ID, map[string]any{"role": "end-user", "name": "As of now"})
	if got := o.accept(u); got.Role != "end-user" || got.Name != "As of now" {
		t.Errorf("accepted with what the link was made for: %+v", got)
	}
}

// Rule 5: a link of another tenant, person or purpose is no link.
func TestRule05ALinkIsGoodForOneThingAlone(t *testing.T) {
	o, other := newOffice(t), newOffice(t)
	quiet := map[string]any{"sendEmail": false}
	mine, colleague, theirs := o.invite(quiet), o.invite(quiet), other.invite(map[string]any{"sendEmail": false, "email": "x-" + unique() + "@corp.com"})
	raw := func(u apiUser) []byte {
		t.Helper()
		raw, err := base64.RawURLEncoding.DecodeString(tokenOf(u.Invitation.URL))
		if err != nil || len(raw) <= sha256.Size {
			t.Fatalf("%d bytes, %v", len(raw), err)
		}
		return raw
	}
	crossed := func(what, seal []byte) string {
		return base64.RawURLEncoding.EncodeToString(slices.Concat(what[:len(what)-sha256.Size], seal[len(seal)-sha256.Size:]))
	}
	if crossed(raw(mine), raw(mine)) != tokenOf(mine.Invitation.URL) {
		t.Fatal("a link is made in another way than this test takes it apart")
	}
	newer := want[apiUser](t, o.act(colleague.ID, "resend"), http.StatusOK)
	page := want[struct{ NextCursor *string }](t, o.admin.send("GET", o.path+"/users?limit=1", nil, nil), http.StatusOK)
	for name, token := range map[string]string{
		"a colleague, sealed for me": crossed(raw(colleague), raw(mine)), "the other workspace, sealed for mine": crossed(raw(theirs), raw(mine)),
		"the newer link, sealed as the older": crossed(raw(newer), raw(colleague)), "the older link": tokenOf(colleague.Invitation.URL),
		"a cursor": *page.NextCursor,
	} {
		somebody := person(t, colleague.Email, "John")
		for _, operation := range []string{"/accept", "/decline"} {
			refused(t, somebody.wrong().send("POST", "/v1/invitations/"+token+operation, nil, nil), http.StatusNotFound, "invitation_not_found")
		}
		if a := newClient(t, token).wrong().send("GET", o.path, nil, nil); a.status != http.StatusUnauthorized {
			t.Errorf("%s as a bearer token: %d", name, a.status)
		}
	}
	for office, u := range map[office]apiUser{o: newer, other: theirs} {
		unchanged(t, office, u)
	}
	o.accept(newer)
}

// Rule 6: the five operations of the contract show the link, and no other
// answer that an admin can get.
func TestRule06TheLinkIsInFiveAnswersAlone(t *testing.T) {
	o := newOffice(t)
	u := o.invite(nil)
	inbox(t, u.Email, 1)
	secret := tokenOf(u.Invitation.URL)
	key := map[string]string{"Idempotency-Key": unique()}
	row := quiet(1)
	o.admin.batch(o.path+"/users/batch", map[string]any{"users": row}, key)
	o.admin.batch(o.path+"/users/batch", map[string]any{"users": row}, key)
	shows := []string{"inviteUser", "correctEmail", "resendInvitation", "restoreUser", "getInvitationLink"}
	tried := 0
	for _, r := range routes() {
		if slices.Contains(shows, r.Operation) || r.Operation == "eraseUser" {
			continue
		}
		tried++
		a := o.admin.call(t, r, o.id, u.ID, "g", bodyFor(t, r, u))
		if strings.Contains(string(a.body), secret) || strings.Contains(string(a.body), `"url"`) || strings.Contains(string(a.body), "/invite/") {
			t.Errorf("%s shows a link: %s", r.Operation, a.body)
		}
		if r.Operation == "archiveUsers" || r.Operation == "archiveUser" { // for the rest they are pending again
			o.wait(u.ID, time.Minute)
			restored := o.act(u.ID, "restore")
			secret = tokenOf(want[apiUser](t, restored, http.StatusOK).Invitation.URL)
		}
	}
	if tried < 12 {
		t.Errorf("%d routes were tried", tried)
	}
	if a := o.admin.send("GET", o.path+"/users?format=csv", nil, nil); strings.Contains(string(a.body), "/invite/") {
		t.Errorf("the export shows a link: %s", a.body)
	}
	u = o.link(u.ID)
	if tokenOf(u.Invitation.URL) == "" {
		t.Error("the link's own operation does not show it")
	}
	// The link alone admits nobody: it is not the invited person.
	refused(t, o.admin.send("POST", "/v1/invitations/"+tokenOf(u.Invitation.URL)+"/accept", nil, nil), http.StatusForbidden, "recipient_mismatch")
}

// Rule 8: what a page showed when it was loaded counts for nothing; a link works
// once.
func TestRule08ALinkWorksOnceWhateverAPageHasShown(t *testing.T) {
	o := newOffice(t)
	nobody := newClient(t, "")
	for way, then := range map[string]struct {
		do     func(u apiUser)
		status int
		code   string
	}{
		"accepted": {func(u apiUser) { o.accept(u) }, http.StatusConflict, "status_conflict"},
		"declined": {func(u apiUser) {
			want[any](t, nobody.send("POST", "/v1/invitations/"+tokenOf(u.Invitation.URL)+"/decline", nil, nil), http.StatusOK)
		}, http.StatusConflict, "status_conflict"},
		"archived":   {func(u apiUser) { want[any](t, o.act(u.ID, "archive"), http.StatusOK) }, http.StatusNotFound, "invitation_not_found"},
		"sent again": {func(u apiUser) { want[any](t, o.act(u.ID, "resend"), http.StatusOK) }, http.StatusNotFound, "invitation_not_found"},
		"erased": {func(u apiUser) {
			want[any](t, o.act(u.ID, "archive"), http.StatusOK)
			want[any](t, o.erase(u.ID), http.StatusNoContent)
		}, http.StatusNotFound, "invitation_not_found"},
	} {
		t.Run(way, func(t *testing.T) {
			u := o.invite(map[string]any{"sendEmail": false})
			path := "/v1/invitations/" + tokenOf(u.Invitation.URL)
			want[any](t, nobody.send("GET", path, nil, nil), http.StatusOK) // the page has loaded
			then.do(u)
			for _, operation := range []string{"/accept", "/decline"} {
				refused(t, person(t, u.Email, "John").send("POST", path+operation, nil, nil), then.status, then.code)
			}
		})
	}
	if n := o.counted(); n["active"] != 2 || n["declined"] != 1 || n["archived"] != 1 || n["requested"] != 1 {
		t.Errorf("counts %v", n)
	}
}

// Rules 9 and 28: the clock decides at every read and in the write itself; that
// the schedule has not run changes nothing, and blocks nobody afterwards.
func TestRule09And28ExpiredIsExpiredBeforeTheScheduleRuns(t *testing.T) {
	o := newOffice(t)
	u := o.invite(map[string]any{"sendEmail": false})
	john := person(t, u.Email, "John")
	path := "/v1/invitations/" + tokenOf(u.Invitation.URL)
	o.wait(u.ID, 7*24*time.Hour)
	for _, operation := range []string{"/accept", "/decline"} {
		refused(t, john.send("POST", path+operation, nil, nil), http.StatusConflict, "status_conflict")
	}
	refused(t, o.admin.send("GET", o.path+"/users/"+u.ID+"/link", nil, nil), http.StatusConflict, "status_conflict")
	if got := o.get(u.ID); got.Status != "expired" || got.Version != u.Version {
		t.Errorf("shown as %s, version %d", got.Status, got.Version)
	}
	if listed := o.list("?status=expired"); len(listed) != 1 || len(o.list("?status=requested,invited")) != 0 {
		t.Errorf("listed as expired: %+v", listed)
	}
	if sheet := string(o.admin.send("GET", o.path+"/users?format=csv&status=expired", nil, nil).body); !strings.Contains(sheet, ",expired,") {
		t.Errorf("the export has %s", sheet)
	}
	mine := want[struct{ Workspaces []struct{ Status string } }](t, john.send("GET", "/v1/me/workspaces", nil, nil), http.StatusOK)
	if len(mine.Workspaces) != 1 || mine.Workspaces[0].Status != "expired" {
		t.Errorf("the person sees %+v", mine)
	}
	p := refused(t, o.admin.send("POST", o.path+"/users", map[string]any{"name": "X", "email": u.Email, "role": "builder"}, nil), http.StatusConflict, "user_exists")
	if p.User.Status != "expired" {
		t.Errorf("invited again: %+v", p.User)
	}
	// A new link, and then the schedule comes by: it takes nothing back.
	again := want[apiUser](t, o.act(u.ID, "resend"), http.StatusOK)
	o.expire(0)
	o.accept(again)
}

func TestRule12ScannersBurnNothing(t *testing.T) {
	o := newOffice(t)
	u := o.invite(nil)
	scanner := newClient(t, "")
	for range 3 {
		for _, method := range []string{"GET", "HEAD"} {
			for _, path := range []string{"/invite/", "/v1/invitations/"} {
				scanner.wrong().send(method, path+tokenOf(u.Invitation.URL), nil, nil)
			}
		}
		if a := scanner.wrong().send("POST", "/v1/invitations/"+tokenOf(u.Invitation.URL)+"/accept", nil, nil); a.status != http.StatusUnauthorized {
			t.Errorf("submitting the form without a person: %d", a.status)
		}
	}
	unchanged(t, o, u)
	o.accept(u)
}

// Rules 16 and 17: the link's host and every redirect come from configuration.
func TestRule16And17HostsComeFromConfiguration(t *testing.T) {
	o := newOffice(t)
	evil := map[string]string{"X-Forwarded-Host": "evil.example", "Forwarded": "host=evil.example", "X-Forwarded-Proto": "https", "Origin": "https://evil.example", "Referer": "https://evil.example"}
	u := want[apiUser](t, o.admin.send("POST", o.path+"/users", map[string]any{"name": "John", "email": "host-" + unique() + "@corp.com", "role": "builder"}, evil), http.StatusCreated)
	if !strings.HasPrefix(u.Invitation.URL, stack.URL+"/invite/") {
		t.Errorf("link %q", u.Invitation.URL)
	}
	a := newClient(t, "").wrong().send("GET", "/invite/"+tokenOf(u.Invitation.URL)+"?redirect=https://evil.example&next=//evil.example", nil, evil)
	if a.header.Get("location") != stack.URL+"/signup#invitation="+tokenOf(u.Invitation.URL) {
		t.Errorf("redirect to %q", a.header.Get("location"))
	}
}

// Rule 18: an invitation reaches no further than its inviter's authority.
func TestRule18TheInvitersAuthorityIsCheckedWhenAccepting(t *testing.T) {
	o := newOffice(t)
	second := o.invite(map[string]any{"role": "admin", "sendEmail": false})
	o.accept(second)
	their := office{t, person(t, second.Email, second.Name), o.id, o.slug, o.path, second.Email}
	u := their.invite(map[string]any{"role": "admin", "sendEmail": false})
	want[any](t, o.admin.send("POST", o.path+"/users/"+second.ID+"/archive", nil, nil), http.StatusOK)
	accept := func(u apiUser) answer {
		return person(t, u.Email, u.Name).send("POST", "/v1/invitations/"+tokenOf(u.Invitation.URL)+"/accept", nil, nil)
	}
	refused(t, accept(u), http.StatusConflict, "inviter_not_admin")
	again := want[apiUser](t, o.admin.send("POST", o.path+"/users/"+u.ID+"/resend", nil, nil), http.StatusOK)
	want[any](t, accept(again), http.StatusOK) // another admin stands by it
}

// Rule 19: nobody is active who did not accept, whatever admins and backends do
// to them.
func TestRule19NobodyIsActiveWhoDidNotAccept(t *testing.T) {
	o := newOffice(t)
	known := "known-" + unique() + "@corp.com"
	want[any](t, person(t, known, "Known").send("PUT", "/v1/me", nil, nil), http.StatusNoContent)
	for _, email := range []string{known, "unknown-" + unique() + "@corp.com"} {
		u := o.invite(map[string]any{"email": email, "role": "admin", "sendEmail": false})
		for _, do := range []func() answer{
			func() answer { return o.patch(u.ID, map[string]any{"name": "Edited"}, nil) },
			func() answer {
				return o.admin.wrong().send("PATCH", o.path+"/users/"+u.ID, map[string]any{"status": "active"}, nil)
			},
			func() answer { return o.act(u.ID, "resend") },
			func() answer { return o.act(u.ID, "archive") },
			func() answer { o.wait(u.ID, time.Minute); return o.act(u.ID, "restore") },
			func() answer { return o.admin.send("POST", o.path+"/users/batch/archive", ids(u.ID), nil) },
			func() answer {
				o.wait(u.ID, time.Minute)
				return operator(t, "hr").send("POST", o.path+"/users/batch/restore", map[string]any{"users": []string{u.ID}, "reinvite": true}, nil)
			},
			func() answer { return person(t, email, "").send("PUT", "/v1/me", nil, nil) },
			func() answer { o.expire(time.Hour); return o.admin.send("GET", o.path, nil, nil) },
		} {
			do()
			if got := o.get(u.ID); got.Status == "active" || got.ActivatedAt != nil {
				t.Fatalf("active without a word: %+v", got)
			}
			refused(t, person(t, email, "").send("GET", o.path, nil, nil), http.StatusNotFound, "workspace_not_found")
		}
		if got := o.get(u.ID); got.Status != "invited" || got.Invitation.Sends != 3 {
			t.Errorf("in the end, %+v", got)
		}
		o.accept(o.link(u.ID))
	}
}

// Rule 20: one canonical form is the person, shown as typed; what providers make
// of dots and plus signs is not ours to guess.
func TestRule20OneEmailInEverySpellingIsOnePerson(t *testing.T) {
	o := newOffice(t)
	local := "Jo.Foo-" + unique()
	first := o.invite(map[string]any{"email": " " + local + "@B\u00fccher.example ", "sendEmail": false})
	if first.Email != local+"@B\u00fccher.example" {
		t.Errorf("shown as %q", first.Email)
	}
	for _, same := range []string{
		strings.ToLower(local) + "@b\u00fccher.example", strings.ToUpper(local) + "@B\u00dcCHER.EXAMPLE",
		local + "@xn--bcher-kva.example", local + "@XN--BCHER-KVA.example", local + "@bu\u0308cher.example",
	} {
		p := refused(t, o.admin.send("POST", o.path+"/users", map[string]any{"name": "X", "email": same, "role": "builder"}, nil), http.StatusConflict, "user_exists")
		if p.User.ID != first.ID {
			t.Errorf("%q is %s, not %s", same, p.User.ID, first.ID)
		}
	}
	for _, another := range []string{strings.ReplaceAll(local, ".", "") + "@b\u00fccher.example", local + "+tag@b\u00fccher.example", local + "@bucher.example"} {
		if u := o.invite(map[string]any{"email": another, "sendEmail": false}); u.ID == first.ID {
			t.Errorf("%q is taken for %q", another, first.Email)
		}
	}
}

func TestRule21DomainsAreComparedWhole(t *testing.T) {
	o := newOffice(t)
	want[any](t, o.admin.send("PATCH", o.path, map[string]any{"allowedEmailDomains": []string{"example.com", "bücher.example"}}, nil), http.StatusOK)
	for email, status := range map[string]int{
		"a@attacker-example.com": 400, "a@example.com.evil.org": 400, "a@sub.example.com": 400,
		"a@EXAMPLE.com": 201, "a@xn--bcher-kva.example": 201,
	} {
		if a := o.admin.send("POST", o.path+"/users", map[string]any{"name": "A", "email": email, "role": "builder", "sendEmail": false}, nil); a.status != status {
			t.Errorf("%s: %d %s", email, a.status, a.body)
		}
	}
}

// Rule 23, and the house's rule for logs: no token, no address, no secret is
// in anything that is logged, in an event, or in a key.
func TestRule23NothingSecretIsLogged(t *testing.T) {
	o := newOffice(t)
	mark := "zebra" + letters()
	u := o.invite(map[string]any{"name": "Name" + mark, "email": "mail" + mark + "@corp.com", "metadata": map[string]any{"apiKey": "secret" + mark}})
	inbox(t, u.Email, 1)
	secret := tokenOf(u.Invitation.URL)
	newClient(t, "").send("GET", "/invite/"+secret, nil, nil)
	newClient(t, "").send("GET", "/v1/invitations/"+secret, nil, nil)
	o.accept(u)
	o.list("?q=" + mark)
	eventually(t, func() error {
		if got := busTypes(o.id); len(got) < 4 {
			return fmt.Errorf("events so far: %v", got)
		}
		return nil
	})
	for _, needle := range []string{mark, secret, o.admin.token} {
		if i := strings.Index(log.String(), needle); i >= 0 {
			t.Errorf("the log has %q: …%s…", needle, log.String()[max(0, i-200):min(len(log.String()), i+200)])
		}
		for _, e := range busEvents(o.id) {
			if strings.Contains(string(e.Detail), needle) {
				t.Errorf("event %s has %q: %s", e.DetailType, needle, e.Detail)
			}
		}
	}
	rest := append(itemTexts(t, "WS#"+o.id), itemTexts(t, "HISTORY#"+o.id)...)
	for _, text := range rest {
		if strings.Contains(text, secret) || strings.Contains(text, "secret"+mark) {
			t.Errorf("the table holds a secret: %s", text)
		}
	}
	if a := newClient(t, "").send("GET", "/invite/"+secret, nil, nil); a.header.Get("referrer-policy") != "no-referrer" {
		t.Errorf("referrer policy %q", a.header.Get("referrer-policy"))
	}
}

func itemTexts(t *testing.T, pk string) (texts []string) {
	t.Helper()
	out, err := stack.DB.Query(t.Context(), &dynamodb.QueryInput{
		TableName: aws.String(local.TableName), KeyConditionExpression: aws.String("pk = :pk"), ExpressionAttributeValues: item("pk", pk),
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, i := range out.Items {
		for name, v := range i {
			switch v := v.(type) {
			case *types.AttributeValueMemberS:
				texts = append(texts, name+"="+v.Value)
			case *types.AttributeValueMemberB:
				texts = append(texts, name+"="+string(v.Value))
			}
		}
	}
	return texts
}

// Rule 48: what became of the same email in other workspaces, or of those
// workspaces, never stands in the way of accepting: neither by the link nor from
// one's own list.
func TestRule48OtherWorkspacesNeverBreakAccepting(t *testing.T) {
	awayFromMidnight()
	o, mine := newOffice(t), newOffice(t)
	quiet := map[string]any{"email": "john-" + unique() + "@corp.com", "sendEmail": false}
	u, inMine := o.invite(quiet), mine.invite(quiet)
	for _, happens := range []func(other office, u apiUser){
		func(other office, u apiUser) {
			other.accept(u)
			want[any](t, other.act(u.ID, "archive"), http.StatusOK)
		},
		func(other office, u apiUser) {
			want[any](t, newClient(t, "").send("POST", "/v1/invitations/"+tokenOf(u.Invitation.URL)+"/decline", nil, nil), http.StatusOK)
			want[any](t, other.admin.send("DELETE", other.path+"/users/"+u.ID, nil, nil), http.StatusNoContent)
		},
		func(other office, u apiUser) {
			want[any](t, operator(t, "abuse-desk").send("PATCH", other.path, map[string]any{"invitationsPaused": true}, nil), http.StatusOK)
		},
		// Its record or the workspace's can no longer be read.
		func(other office, u apiUser) { other.damage("USER#"+u.ID, "generation") },
		func(other office, u apiUser) { other.damage("WORKSPACE", "last") },
		func(other office, u apiUser) {
			_, err := stack.DB.DeleteItem(t.Context(), &dynamodb.DeleteItemInput{TableName: aws.String(local.TableName), Key: key("WS#"+other.id, "WORKSPACE")})
			if err != nil {
				t.Fatal(err)
			}
		},
	} {
		other := newOffice(t)
		happens(other, other.invite(quiet))
	}
	if got := o.accept(u); got.Status != "active" {
		t.Errorf("by the link: %+v", got)
	}
	john := person(t, u.Email, "John Doe")
	want[apiUser](t, john.send("POST", "/v1/me/workspaces/"+mine.id+"/accept", nil, nil), http.StatusOK)
	if got := mine.get(inMine.ID); got.Status != "active" {
		t.Errorf("from the list: %+v", got)
	}
	list := want[struct{ Workspaces []struct{ ID, Status string } }](t, john.send("GET", "/v1/me/workspaces", nil, nil), http.StatusOK)
	active := 0
	for _, w := range list.Workspaces {
		if w.Status == "active" {
			active++
		}
	}
	if active != 2 || len(list.Workspaces) != 4 { // and the one archived, and the one paused
		t.Errorf("the list is %+v", list)
	}
	want[any](t, john.send("PUT", "/v1/me", nil, nil), http.StatusNoContent)
	// Archiving the account everywhere archives what can be, and says that something is left.
	refused(t, operator(t, "leaver").send("POST", "/v1/accounts/archive", map[string]any{"email": u.Email}, nil), http.StatusInternalServerError, "internal")
	if a, b := o.get(u.ID), mine.get(inMine.ID); a.Status != "archived" || b.Status != "archived" {
		t.Errorf("after archiving everywhere: %s, %s", a.Status, b.Status)
	}
}

// damage makes an attribute of an item of the workspace unreadable.
func (o office) damage(sk, attribute string) {
	o.t.Helper()
	_, err := stack.DB.UpdateItem(o.t.Context(), &dynamodb.UpdateItemInput{
		TableName: aws.String(local.TableName), Key: key("WS#"+o.id, sk),
		UpdateExpression: aws.String("SET #a = :a"), ExpressionAttributeNames: map[string]string{"#a": attribute},
		ExpressionAttributeValues: item("a", "damaged"),
	})
	if err != nil {
		o.t.Fatal(err)
	}
}

// A 5xx names a request id, and the request id leads to its log line.
func TestARequestIdLeadsToItsLogLine(t *testing.T) {
	o := newOffice(t)
	a := o.admin.send("GET", o.path, nil, nil)
	id := a.header.Get("apigw-requestid")
	for _, line := range logged() {
		if line["apiRequestId"] == id && line["route"] == "GET /v1/workspaces/{workspace}" && line["requestId"] != nil {
			return
		}
	}
	t.Errorf("no log line has the request id %q", id)
}
