package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// repeats is how often an operation that only reads is called for its figures.
const repeats = 20

// mailboxes are the addresses of the SES mailbox simulator, and the delivery
// states that each of them may end in.
// https://docs.aws.amazon.com/ses/latest/dg/send-an-email-from-console.html#send-email-simulator
var mailboxes = []struct {
	name   string
	states []string
}{
	{"success", []string{"delivered"}},
	{"bounce", []string{"bounced"}},
	{"complaint", []string{"complained"}},
	{"suppressionlist", []string{"suppressed", "bounced"}},
	{"ooto", []string{"delivered"}},
}

// user is what the journey reads of a user.
type user struct {
	ID, Email, Role, Status string
	Invitation              *struct{ Delivery, DeliveryReason, URL string }
}

// token returns the token of the invitation's link.
func (u user) token() string {
	if u.Invitation == nil {
		return ""
	}
	return u.Invitation.URL[strings.LastIndexByte(u.Invitation.URL, '/')+1:]
}

// options says what to play.
type options struct {
	api    string
	run    string // labels the addresses: SES and Latchkey remember a bounce
	expire bool   // moves the laptop's schedule on by a month
	// mailWithin is how long each mail may take to reach its last state.
	mailWithin time.Duration
}

// delivery is the outcome of a mail.
type delivery struct {
	mailbox, state string
	after          time.Duration
}

// outcome is the result of a journey.
type outcome struct {
	at         time.Time
	took       time.Duration
	calls      []call
	deliveries []delivery
	leftOut    []string
	remains    []string
	err        error
}

// journey is one run against one deployment.
type journey struct {
	options
	client         *client
	admin, invitee identity
	workspace      string // its id
	slug           string
	users          map[string]user // made and not yet erased, by id
	out            outcome
}

// play runs the journey and removes what it made, also after a failure.
func play(ctx context.Context, o options, admin, invitee identity) outcome {
	j := &journey{options: o, client: newClient(o.api), admin: admin, invitee: invitee, users: map[string]user{}}
	j.out.at = time.Now()
	err := j.steps(ctx)
	clearing, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
	defer cancel()
	j.out.err = errors.Join(err, j.clear(clearing))
	j.out.took = time.Since(j.out.at)
	j.out.calls = j.client.calls
	return j.out
}

func (j *journey) steps(ctx context.Context) error {
	for _, step := range []func(context.Context) error{
		j.client.connect, j.begin, j.mail, j.accept, j.list, j.edit, j.decline, j.end, j.archive,
	} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return nil
}

// as sends a request of the admin, or of nobody where the path is a link's.
func (j *journey) as(ctx context.Context, who identity, operation, method, path string, body any, want int, out any) error {
	_, err := j.client.do(ctx, request{operation, who.token, method, path, body, want}, out)
	return err
}

func (j *journey) path(parts ...string) string {
	return "/v1/workspaces/" + j.workspace + "/" + strings.Join(parts, "/")
}

// begin makes both accounts known, and a workspace.
func (j *journey) begin(ctx context.Context) error {
	for _, who := range []identity{j.admin, j.invitee} {
		if err := j.as(ctx, who, "recordAccount", http.MethodPut, "/v1/me", nil, http.StatusNoContent, nil); err != nil {
			return err
		}
	}
	var w struct{ ID, Slug string }
	err := j.as(ctx, j.admin, "createWorkspace", http.MethodPost, "/v1/workspaces", map[string]string{"name": "Smoke test"}, http.StatusCreated, &w)
	if err != nil {
		return err
	}
	j.workspace, j.slug = w.ID, w.Slug
	return j.as(ctx, j.admin, "getWorkspace", http.MethodGet, "/v1/workspaces/"+j.workspace, nil, http.StatusOK, nil)
}

func (j *journey) invite(ctx context.Context, email string, more map[string]any) (user, error) {
	body := map[string]any{"name": "Smoke Test", "email": email, "role": "builder"}
	for name, value := range more {
		body[name] = value
	}
	var u user
	err := j.as(ctx, j.admin, "inviteUser", http.MethodPost, j.path("users"), body, http.StatusCreated, &u)
	if err == nil {
		j.users[u.ID] = u
	}
	return u, err
}

func (j *journey) get(ctx context.Context, id string) (u user, err error) {
	err = j.as(ctx, j.admin, "getUser", http.MethodGet, j.path("users", id), nil, http.StatusOK, &u)
	return u, err
}

// mail invites the simulator's addresses and waits for their delivery states.
func (j *journey) mail(ctx context.Context) error {
	began, waiting := map[string]time.Time{}, map[string]string{} // by mailbox; user ids
	for _, m := range mailboxes {
		u, err := j.invite(ctx, m.name+"+"+j.run+"@simulator.amazonses.com", nil)
		if err != nil {
			return err
		}
		began[m.name], waiting[m.name] = time.Now(), u.ID
	}
	for deadline := time.Now().Add(j.mailWithin); len(waiting) > 0; {
		for _, m := range mailboxes {
			id, ok := waiting[m.name]
			if !ok {
				continue
			}
			u, err := j.get(ctx, id)
			if err != nil {
				return err
			}
			state := u.Invitation.Delivery
			if slices.Contains(m.states, state) {
				j.out.deliveries = append(j.out.deliveries, delivery{m.name, state, time.Since(began[m.name])})
				delete(waiting, m.name)
			} else if time.Now().After(deadline) {
				return fmt.Errorf("the mail to %s is %q (%s) after %v, want %s",
					m.name, state, u.Invitation.DeliveryReason, j.mailWithin, strings.Join(m.states, " or "))
			}
		}
		if err := sleep(ctx, 500*time.Millisecond); err != nil {
			return err
		}
	}
	return nil
}

// accept joins as the invited person, and checks that no one else can.
func (j *journey) accept(ctx context.Context) error {
	u, err := j.invite(ctx, j.invitee.email, map[string]any{"sendEmail": false})
	if err != nil {
		return err
	}
	link, err := url.Parse(u.Invitation.URL)
	if err != nil {
		return err
	}
	page := "/v1/invitations/" + u.token()
	nobody := identity{}
	for range repeats {
		err = j.as(ctx, nobody, "followInvitation", http.MethodGet, link.Path, nil, http.StatusFound, nil)
		if err != nil {
			return err
		}
		var preview struct{ Status string }
		err = j.as(ctx, nobody, "previewInvitation", http.MethodGet, page, nil, http.StatusOK, &preview)
		if err != nil {
			return err
		}
		if preview.Status != "pending" {
			return fmt.Errorf("previewInvitation: a new invitation is %q", preview.Status)
		}
	}
	var refused struct{ Code string }
	err = j.as(ctx, j.admin, "acceptInvitation", http.MethodPost, page+"/accept", nil, http.StatusForbidden, &refused)
	if err != nil {
		return err
	}
	if refused.Code != "recipient_mismatch" {
		return fmt.Errorf("acceptInvitation: another account is refused with %q", refused.Code)
	}
	err = j.as(ctx, j.invitee, "acceptInvitation", http.MethodPost, page+"/accept", nil, http.StatusOK, &u)
	if err != nil {
		return err
	}
	if u.Status != "active" {
		return fmt.Errorf("acceptInvitation: the person is %q", u.Status)
	}
	// A second answer to the same link changes nothing.
	return j.as(ctx, j.invitee, "acceptInvitation", http.MethodPost, page+"/accept", nil, http.StatusConflict, nil)
}

// list reads the workspace page by page until it shows everybody, and what
// happened there.
func (j *journey) list(ctx context.Context) error {
	if err := j.listed(ctx, len(j.users)+1); err != nil {
		return err
	}
	for range repeats {
		for _, read := range []struct {
			who             identity
			operation, path string
		}{
			{j.admin, "listUsers", j.path("users") + "?limit=10"},
			{j.admin, "listHistory", j.path("history")},
			{j.invitee, "listMyWorkspaces", "/v1/me/workspaces"},
		} {
			if err := j.as(ctx, read.who, read.operation, http.MethodGet, read.path, nil, http.StatusOK, nil); err != nil {
				return err
			}
		}
	}
	return nil
}

// listed waits until the list, page by page, has the wanted number of users: an
// index usually follows the table within a second.
func (j *journey) listed(ctx context.Context, want int) error {
	found := 0
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); {
		found = 0
		for cursor := ""; ; {
			var page struct {
				Users      []user
				NextCursor *string
			}
			err := j.as(ctx, j.admin, "listUsers", http.MethodGet, j.path("users")+"?limit=4"+cursor, nil, http.StatusOK, &page)
			if err != nil {
				return err
			}
			found += len(page.Users)
			if page.NextCursor == nil {
				break
			}
			cursor = "&cursor=" + url.QueryEscape(*page.NextCursor)
		}
		if found == want {
			return nil
		}
		if err := sleep(ctx, 250*time.Millisecond); err != nil {
			return err
		}
	}
	return fmt.Errorf("listUsers: the list has %d users, want %d", found, want)
}

// edit changes the member's role, and reads their history.
func (j *journey) edit(ctx context.Context) error {
	u, err := j.person(j.invitee.email)
	if err != nil {
		return err
	}
	err = j.as(ctx, j.admin, "updateUser", http.MethodPatch, j.path("users", u.ID), map[string]string{"role": "end-user"}, http.StatusOK, nil)
	if err != nil {
		return err
	}
	return j.as(ctx, j.admin, "listUserHistory", http.MethodGet, j.path("users", u.ID, "history"), nil, http.StatusOK, nil)
}

func (j *journey) person(email string) (user, error) {
	for _, u := range j.users {
		if strings.EqualFold(u.Email, email) {
			return u, nil
		}
	}
	return user{}, errors.New("the journey has not invited this person")
}

// decline answers a link with no.
func (j *journey) decline(ctx context.Context) error {
	u, err := j.person("ooto+" + j.run + "@simulator.amazonses.com")
	if err != nil {
		return err
	}
	err = j.as(ctx, j.admin, "getInvitationLink", http.MethodGet, j.path("users", u.ID, "link"), nil, http.StatusOK, nil)
	if err != nil {
		return err
	}
	err = j.as(ctx, identity{}, "declineInvitation", http.MethodPost, "/v1/invitations/"+u.token()+"/decline", nil, http.StatusOK, nil)
	if err != nil {
		return err
	}
	return j.is(ctx, u.ID, "declined")
}

func (j *journey) is(ctx context.Context, id, status string) error {
	u, err := j.get(ctx, id)
	if err == nil && u.Status != status {
		err = fmt.Errorf("getUser: the status is %q, want %q", u.Status, status)
	}
	return err
}

// end lets an invitation expire, where the schedule can be moved on.
func (j *journey) end(ctx context.Context) error {
	if !j.expire {
		j.out.leftOut = append(j.out.leftOut, "expire: an invitation lives a day at least, and only the laptop's schedule can be moved on (EXPIRE=1, which ends every invitation of that stack)")
		return nil
	}
	u, err := j.invite(ctx, "expire+"+j.run+"@simulator.amazonses.com", map[string]any{"sendEmail": false, "expiresInDays": 1})
	if err != nil {
		return err
	}
	// A second try: an index may show the invitation a moment later.
	for attempt := 0; ; attempt++ {
		now := time.Now().Add(31 * 24 * time.Hour).UTC().Format(time.RFC3339)
		err = j.as(ctx, identity{}, "POST /local/run/expire", http.MethodPost, "/local/run/expire", map[string]string{"now": now}, http.StatusOK, nil)
		if err != nil {
			return err
		}
		if err = j.is(ctx, u.ID, "expired"); err == nil || attempt == 5 {
			return err
		}
		if err := sleep(ctx, 200*time.Millisecond); err != nil {
			return err
		}
	}
}

// archive ends a membership, and takes that back.
func (j *journey) archive(ctx context.Context) error {
	u, err := j.person(j.invitee.email)
	if err != nil {
		return err
	}
	for range 2 {
		err = j.as(ctx, j.admin, "archiveUser", http.MethodPost, j.path("users", u.ID, "archive"), nil, http.StatusOK, nil)
		if err != nil {
			return err
		}
		// A former member is a stranger.
		err = j.as(ctx, j.invitee, "getWorkspace", http.MethodGet, "/v1/workspaces/"+j.workspace, nil, http.StatusNotFound, nil)
		if err != nil {
			return err
		}
		err = j.as(ctx, j.admin, "restoreUser", http.MethodPost, j.path("users", u.ID, "restore"), map[string]bool{"sendEmail": false}, http.StatusOK, nil)
		if err != nil {
			return err
		}
		if err := j.is(ctx, u.ID, "active"); err != nil {
			return err
		}
	}
	return nil
}

// clear archives and erases everybody whom the journey invited, shows that the
// admin alone is left, and deletes the workspace.
func (j *journey) clear(ctx context.Context) error {
	if j.workspace == "" {
		return nil
	}
	var errs []error
	var left []string
	for id := range j.users {
		u, err := j.get(ctx, id)
		if err == nil && !slices.Contains([]string{"archived", "declined", "expired"}, u.Status) {
			err = j.as(ctx, j.admin, "archiveUser", http.MethodPost, j.path("users", id, "archive"), nil, http.StatusOK, nil)
		}
		if err == nil {
			err = j.as(ctx, j.admin, "eraseUser", http.MethodDelete, j.path("users", id), nil, http.StatusNoContent, nil)
		}
		if err == nil {
			err = j.as(ctx, j.admin, "getUser", http.MethodGet, j.path("users", id), nil, http.StatusNotFound, nil)
		}
		if err != nil {
			left = append(left, "the user "+id+", who could not be erased")
			errs = append(errs, err)
		}
	}
	if len(errs) == 0 {
		errs = append(errs, j.listed(ctx, 1))
	}
	fate := "deleted; the schedule erases it after 30 days"
	err := j.as(ctx, j.admin, "deleteWorkspace", http.MethodDelete, "/v1/workspaces/"+j.workspace, map[string]string{"slug": j.slug}, http.StatusOK, nil)
	if err != nil {
		fate = "which could not be deleted"
		errs = append(errs, err)
	}
	j.out.remains = append([]string{
		fmt.Sprintf("the workspace %s (%s), %s", j.workspace, j.slug, fate),
		"its history, which holds ids alone, and tombstones of the erased users for a day",
		"what the mailbox simulator said of this run's five addresses, under a hash",
		"both accounts at the identity provider",
	}, left...)
	return errors.Join(errs...)
}
