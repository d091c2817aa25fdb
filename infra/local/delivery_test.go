package local_test

import (
	"fmt"
	"html"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/latchkey/latchkey/infra/local/mailbox"
)

// simulator is an address of the SES mailbox simulator, of its own.
func simulator(name string) string { return name + "+" + unique() + "@" + mailbox.Simulator }

// becomes waits until the mail of a user has come to this.
func (o office) becomes(userID, delivery string) apiUser {
	o.t.Helper()
	var u apiUser
	eventually(o.t, func() error {
		if u = o.get(userID); u.Invitation.Delivery != delivery {
			return fmt.Errorf("delivery is %s %q, not %s", u.Invitation.Delivery, u.Invitation.DeliveryReason, delivery)
		}
		return nil
	})
	return u
}

// Rule 27: what becomes of a mail is seen, with its reason, on the user and in
// the history.
func TestRule27EveryDeliveryStateIsSeen(t *testing.T) {
	o := newOffice(t)
	for name, want := range map[string]string{
		"success": "delivered", "bounce": "bounced", "complaint": "complained", "ooto": "delivered", "suppressionlist": "suppressed",
	} {
		u := o.invite(map[string]any{"email": simulator(name)})
		got := o.becomes(u.ID, want)
		if (got.Invitation.DeliveryReason == "") != (want == "delivered") || strings.Contains(got.Invitation.DeliveryReason, "@") {
			t.Errorf("%s: %s, because %q", name, want, got.Invitation.DeliveryReason)
		}
		eventually(t, func() error {
			for _, l := range o.history(u.ID) {
				if l.Type == "invitation.delivery_changed" && l.Delivery != nil && *l.Delivery == want && l.Actor == "mail" {
					return nil
				}
			}
			return fmt.Errorf("the history of %s does not say %s", name, want)
		})
	}
}

// Rule 27: a hard bounce stops resends until the admin confirms the address; an
// address that takes mail again is like any other. A complaint is the person's to
// take back.
func TestRule27AHardBounceStopsResends(t *testing.T) {
	o := newOffice(t)
	for name, code := range map[string]string{
		"bounce": "recipient_undeliverable", "suppressionlist": "recipient_undeliverable", "complaint": "recipient_complained",
	} {
		u := o.invite(map[string]any{"email": simulator(name)})
		eventually(t, func() error {
			if d := o.get(u.ID).Invitation.Delivery; d == "queued" || d == "sent" || d == "delivered" {
				return fmt.Errorf("%s is %s", name, d)
			}
			return nil
		})
		o.wait(u.ID, 2*time.Minute)
		before := o.get(u.ID)
		refused(t, o.admin.send("POST", o.path+"/users/"+u.ID+"/resend", nil, nil), http.StatusConflict, code)
		row := o.admin.batch(o.path+"/users/batch/resend", ids(u.ID), nil)
		equal(t, name, row.said(), []string{"failed: " + code})
		if after := o.get(u.ID); after.Version != before.Version || after.Invitation.Sends != before.Invitation.Sends {
			t.Errorf("%s: refused, and version %d became %d", name, before.Version, after.Version)
		}
		confirmed := o.admin.send("POST", o.path+"/users/"+u.ID+"/resend", map[string]any{"confirm": true}, nil)
		if name == "complaint" {
			refused(t, confirmed, http.StatusConflict, code)
			continue
		}
		again := want[apiUser](t, confirmed, http.StatusOK)
		if again.Invitation.Delivery != "queued" || again.Invitation.DeliveryReason != "" || again.Invitation.URL == u.Invitation.URL {
			t.Errorf("%s, confirmed: %+v", name, again.Invitation)
		}
	}
}

var ways = regexp.MustCompile(`https?://[^\s<>"]+/v1/invitations/[A-Za-z0-9_-]+/(unsubscribe|report)`)

// waysOut are the links of a mail by which the reader refuses more of them and
// reports it, each the same in both parts.
func waysOut(t *testing.T, m mail) (unsubscribe, report string) {
	t.Helper()
	found := ways.FindAllString(m.Body.Text, -1)
	if len(found) != 2 || !strings.HasSuffix(found[0], "/unsubscribe") || !strings.HasSuffix(found[1], "/report") {
		t.Fatalf("ways out: %q", found)
	}
	for _, link := range found {
		if !strings.Contains(html.UnescapeString(m.Body.HTML), link) {
			t.Errorf("the HTML lacks %s", link)
		}
	}
	return found[0], found[1]
}

var (
	oneClick = map[string]string{"content-type": "application/x-www-form-urlencoded", "accept": "*/*"}
	browser  = map[string]string{"content-type": "application/x-www-form-urlencoded", "accept": "text/html,*/*;q=0.8"}
)

// One click, which is a POST, ends all mail of a workspace to a person. Looking
// changes nothing; the admin sees it, and can still hand over a link.
func TestUnsubscribing(t *testing.T) {
	o := newOffice(t)
	u := o.invite(map[string]any{"locale": "de"})
	link, _ := waysOut(t, inbox(t, u.Email, 1)[0])
	o.becomes(u.ID, "delivered")
	before := o.get(u.ID)

	nobody := newClient(t, "")
	page := nobody.send("GET", link, nil, browser)
	if page.status != http.StatusOK || !strings.Contains(string(page.body), `<form method="post" action="">`) || !strings.Contains(string(page.body), "Nexus") || !strings.Contains(string(page.body), `lang="de"`) {
		t.Errorf("%d %s", page.status, page.body)
	}
	if policy := page.header.Get("content-security-policy"); !strings.HasPrefix(policy, "default-src 'none'") || page.header.Get("referrer-policy") != "no-referrer" {
		t.Errorf("policy %q", policy)
	}
	for range 3 { // mail scanners
		nobody.send("GET", link, nil, nil)
	}
	if now := o.get(u.ID); now.Version != before.Version {
		t.Error("looking changed something")
	}
	want[any](t, nobody.send("POST", link, "List-Unsubscribe=One-Click", oneClick), http.StatusNoContent)
	version := o.get(u.ID).Version
	if done := nobody.send("POST", link, "", browser); done.status != http.StatusOK || !strings.Contains(string(done.body), `action="resubscribe"`) {
		t.Errorf("once more: %d %s", done.status, done.body)
	}
	var seen struct {
		Invitation struct{ UnsubscribedAt *time.Time }
		Version    int
	}
	o.admin.send("GET", o.path+"/users/"+u.ID, nil, nil).decode(t, &seen)
	if seen.Invitation.UnsubscribedAt == nil || seen.Version != version {
		t.Errorf("the admin sees %+v", seen)
	}

	o.wait(u.ID, 2*time.Minute)
	refused(t, o.admin.send("POST", o.path+"/users/"+u.ID+"/resend", nil, nil), http.StatusConflict, "recipient_unsubscribed")
	refused(t, o.admin.send("POST", o.path+"/users/"+u.ID+"/resend", map[string]any{"confirm": true}, nil), http.StatusConflict, "recipient_unsubscribed")
	quiet := want[apiUser](t, o.admin.send("POST", o.path+"/users/"+u.ID+"/resend", map[string]any{"sendEmail": false}, nil), http.StatusOK)
	if quiet.Invitation.Delivery != "none" {
		t.Errorf("without mail: %+v", quiet.Invitation)
	}
	// It outlives erasure, and the old mail's link still says what was said.
	o.wait(u.ID, 31*24*time.Hour)
	want[any](t, o.admin.send("DELETE", o.path+"/users/"+u.ID, nil, nil), http.StatusNoContent)
	refused(t, o.admin.send("POST", o.path+"/users", map[string]any{"name": "J", "email": u.Email, "role": "builder"}, nil), http.StatusConflict, "recipient_unsubscribed")
	o.invite(map[string]any{"email": u.Email, "sendEmail": false})
	inbox(t, u.Email, 1)

	// Another workspace may write.
	rested(t, u.Email, 2*time.Minute)
	other := newOffice(t)
	inbox(t, other.invite(map[string]any{"email": u.Email}).Email, 2)
}

// Enough reports pause a workspace's invitations; its admins cannot end that.
func TestReportsPauseAWorkspace(t *testing.T) {
	o := newOffice(t)
	nobody := newClient(t, "")
	state := func() (paused bool) {
		var w struct{ InvitationsPaused bool }
		o.admin.send("GET", o.path, nil, nil).decode(t, &w)
		return w.InvitationsPaused
	}
	var people []apiUser
	for i := range 3 { // as many as this deployment says
		u := o.invite(nil)
		people = append(people, u)
		_, report := waysOut(t, inbox(t, u.Email, 1)[0])
		if page := nobody.send("GET", report, nil, browser); page.status != http.StatusOK || !strings.Contains(string(page.body), "<form") {
			t.Errorf("%d %s", page.status, page.body)
		}
		if state() {
			t.Errorf("paused after %d reports", i)
		}
		for range 3 { // one person counts once
			want[any](t, nobody.send("POST", report, "", oneClick), http.StatusNoContent)
		}
	}
	if !state() {
		t.Fatal("three people have reported, and invitations go on")
	}
	if !slices.ContainsFunc(logged(), func(l map[string]any) bool {
		return l["message"] == "abuse" && l["outcome"] == "paused" && l["workspaceId"] == o.id
	}) {
		t.Error("no log line that an alarm could count")
	}
	refused(t, o.admin.send("POST", o.path+"/users", map[string]any{"name": "J", "email": "j@corp.com", "role": "builder"}, nil), http.StatusConflict, "invitations_paused")
	refused(t, o.admin.send("POST", o.path+"/users/batch", map[string]any{"users": quiet(1)}, nil), http.StatusConflict, "invitations_paused")
	refused(t, o.admin.send("POST", o.path+"/users/"+people[0].ID+"/resend", nil, nil), http.StatusConflict, "invitations_paused")
	refused(t, o.admin.send("PATCH", o.path, map[string]any{"invitationsPaused": false}, nil), http.StatusForbidden, "operator_required")
	want[any](t, o.admin.send("POST", o.path+"/users/"+people[0].ID+"/archive", nil, nil), http.StatusOK)

	want[any](t, operator(t, "abuse-desk").send("PATCH", o.path, map[string]any{"invitationsPaused": false}, nil), http.StatusOK)
	inbox(t, o.invite(nil).Email, 1)
	eventually(t, func() error {
		for _, l := range o.history("") {
			if l.Type == "workspace.updated" && l.Actor == "schedule" {
				return nil
			}
		}
		return fmt.Errorf("the history does not say who paused it")
	})
}

// Opting out and reporting each need their own link from the mail. A former admin
// who copied the links to accept cannot use them to silence a person or pause a
// workspace, and neither link of the mail works in place of the other.
func TestForgedWaysOut(t *testing.T) {
	o := newOffice(t)
	former := o.accept(o.invite(map[string]any{"role": "admin", "sendEmail": false}))
	people := []apiUser{o.invite(nil), o.invite(nil), o.invite(nil), o.invite(nil)}
	unsubscribe, report := waysOut(t, inbox(t, people[0].Email, 1)[0])
	tokens := map[string][]string{
		"unsubscribe": {strings.Repeat("A", 96), strings.Split(report, "/")[5]}, "report": {strings.Repeat("A", 96), strings.Split(unsubscribe, "/")[5]},
		"resubscribe": {strings.Split(report, "/")[5]},
		"accept":      {strings.Split(report, "/")[5], strings.Split(unsubscribe, "/")[5]}, "decline": {strings.Split(report, "/")[5]},
	}
	for _, u := range people { // the former admin has seen every link
		kept := tokenOf(o.link(u.ID).Invitation.URL)
		for _, way := range []string{"unsubscribe", "report", "resubscribe"} {
			tokens[way] = append(tokens[way], kept)
		}
	}
	o.accept(people[3])
	want[any](t, o.act(former.ID, "archive"), http.StatusOK)
	callers := []*client{newClient(t, ""), person(t, former.Email, "Former Admin"), person(t, people[0].Email, "John")}
	for way, all := range tokens {
		for _, token := range all {
			for _, c := range callers {
				if way == "accept" && c.token == "" {
					continue // the gateway refuses that
				}
				refused(t, c.send("POST", "/v1/invitations/"+token+"/"+way, nil, nil), http.StatusNotFound, "invitation_not_found")
				if way == "unsubscribe" || way == "report" {
					refused(t, c.send("GET", "/v1/invitations/"+token+"/"+way, nil, nil), http.StatusNotFound, "invitation_not_found")
				}
			}
		}
	}
	for _, u := range people {
		if got := o.get(u.ID); got.Invitation.UnsubscribedAt != nil || got.Status != map[bool]string{true: "active", false: "requested"}[u.ID == people[3].ID] {
			t.Errorf("the person is %+v", got)
		}
	}
	if now := want[struct{ InvitationsPaused bool }](t, o.admin.send("GET", o.path, nil, nil), http.StatusOK); now.InvitationsPaused {
		t.Error("the workspace is paused")
	}
	// The links of the mail do what they are for.
	want[any](t, callers[0].send("POST", unsubscribe, nil, nil), http.StatusNoContent)
	if got := o.get(people[0].ID); got.Invitation.UnsubscribedAt == nil {
		t.Error("the person has not unsubscribed")
	}
}

func TestBranding(t *testing.T) {
	o := newOffice(t)
	branding := map[string]any{
		"productName": "Nexus Cloud", "logoUrl": "https://cdn.corp.com/logo.png", "accentColor": "#7a1f5c",
		"replyTo": "inviter", "supportAddress": "help@corp.com", "notifyInviters": true,
	}
	want[any](t, o.admin.send("PATCH", o.path, branding, nil), http.StatusOK)
	u := o.invite(nil)
	m := inbox(t, u.Email, 1)[0]
	if !strings.Contains(m.From, "Nexus Cloud") {
		t.Errorf("from %q", m.From)
	}
	for _, needed := range []string{`src="https://cdn.corp.com/logo.png"`, "#7a1f5c", "mailto:help@corp.com"} {
		if !strings.Contains(m.Body.HTML, needed) {
			t.Errorf("the HTML lacks %s", needed)
		}
	}
	o.accept(u)
	var me apiUser
	o.admin.send("GET", o.path+"/users/me", nil, nil).decode(t, &me)
	if told := inbox(t, me.Email, 1)[0]; told.Subject != "John Doe accepted your invitation to Nexus" {
		t.Errorf("the inviter reads %q", told.Subject)
	}

	p := refused(t, o.admin.wrong().send("PATCH", o.path, map[string]any{
		"productName": "www.evil.example", "logoUrl": "https://evil.example/logo.png", "accentColor": "#ffff00", "replyTo": "nobody", "supportAddress": "x",
	}, nil), http.StatusBadRequest, "invalid_request")
	equal(t, "branding", p.fields(), []string{
		"/accentColor too_little_contrast", "/logoUrl host_not_allowed", "/productName looks_like_address", "/replyTo invalid_email", "/supportAddress invalid_email",
	})
	p = refused(t, o.admin.wrong().send("PATCH", o.path, map[string]any{"logoUrl": "http://cdn.corp.com/logo.png", "accentColor": "red"}, nil), http.StatusBadRequest, "invalid_request")
	equal(t, "branding", p.fields(), []string{"/accentColor invalid_color", "/logoUrl invalid_logo"})

	none := want[map[string]any](t, o.admin.send("PATCH", o.path, map[string]any{"productName": nil, "logoUrl": nil, "accentColor": nil, "replyTo": nil, "supportAddress": nil}, nil), http.StatusOK)
	for _, name := range []string{"productName", "logoUrl", "accentColor", "replyTo", "supportAddress"} {
		if value, there := none[name]; !there || value != nil {
			t.Errorf("%s is %v", name, value)
		}
	}
}

// Rules 13 and 14: what somebody typed is neither markup, nor a header, nor a
// link in a mail.
func TestRule13And14NamesAndMessagesAreHarmlessInMails(t *testing.T) {
	o := newOffice(t)
	for _, name := range []string{"visit www.evil.example", "evil.example", "a@evil.example", "x\r\nBcc: a@evil.example", "\u202egro.live"} {
		if a := o.admin.wrong().send("POST", o.path+"/users", map[string]any{"name": name, "email": "j@corp.com", "role": "builder"}, nil); a.status != http.StatusBadRequest {
			t.Errorf("the name %q: %d", name, a.status)
		}
		if a := person(t, "eve-"+unique()+"@corp.com", "Eve").wrong().send("POST", "/v1/workspaces", map[string]any{"name": name}, nil); a.status != http.StatusBadRequest {
			t.Errorf("a workspace called %q: %d", name, a.status)
		}
	}
	refused(t, o.admin.send("POST", o.path+"/users", map[string]any{"name": "J", "email": "j@corp.com", "role": "builder", "message": "Hi"}, nil), http.StatusBadRequest, "invalid_request")
	want[any](t, o.admin.send("PATCH", o.path, map[string]any{"personalMessages": true}, nil), http.StatusOK)
	u := o.invite(map[string]any{"name": "<b>John</b> & Söhne", "message": "Look at https://evil.example/now <script>alert(1)</script>"})
	m := inbox(t, u.Email, 1)[0]
	for _, bad := range []string{"<b>John", "<script", "evil.example"} {
		if strings.Contains(m.Body.HTML, bad) || strings.Contains(m.Body.Text, "evil.example") {
			t.Errorf("the mail has %q", bad)
		}
	}
	if !strings.Contains(m.Body.HTML, "&lt;b&gt;John&lt;/b&gt;") {
		t.Error("the name is not shown as it was typed")
	}
}

// Rule 22: nobody guesses a link, and a thousand wrong guesses cost the invited
// person nothing.
func TestRule22WrongGuessesCostTheInvitedNothing(t *testing.T) {
	o := newOffice(t)
	u := o.invite(map[string]any{"sendEmail": false})
	good := tokenOf(u.Invitation.URL)
	if len(good) != 96 { // 72 bytes, 32 of them a MAC
		t.Errorf("a token of %d characters", len(good))
	}
	before := o.get(u.ID).Version
	me := person(t, u.Email, u.Name)
	for i := range 24 {
		guess := []byte(good)
		if at := i * 4; guess[at] == 'A' {
			guess[at] = 'B'
		} else {
			guess[at] = 'A'
		}
		a := me.send("POST", "/v1/invitations/"+string(guess)+"/accept", nil, nil)
		refused(t, a, http.StatusNotFound, "invitation_not_found")
	}
	if now := o.get(u.ID); now.Version != before || now.Status != "requested" && now.Status != "invited" {
		t.Errorf("after wrong guesses: %+v", now)
	}
	o.accept(u)
}
