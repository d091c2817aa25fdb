package local_test

import (
	"context"
	"fmt"
	"net/http"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/latchkey/latchkey/infra/local"
	"github.com/latchkey/latchkey/shared/setting"
	"github.com/latchkey/latchkey/shared/table"
	"github.com/latchkey/latchkey/shared/user"
	"github.com/latchkey/latchkey/shared/workspace"
)

// limited checks that a mail was refused by a limit, and that the answer says
// how many seconds to wait: at least one, at most a number.
func limited(t *testing.T, a answer, code string, atMost time.Duration) {
	t.Helper()
	refused(t, a, http.StatusTooManyRequests, code)
	after, err := strconv.Atoi(a.header.Get("retry-after"))
	if err != nil || after < 1 || time.Duration(after)*time.Second > atMost {
		t.Errorf("%s: retry after %q seconds, at most %v", code, a.header.Get("retry-after"), atMost)
	}
}

func (o office) act(userID, operation string) answer {
	o.t.Helper()
	return o.admin.send("POST", o.path+"/users/"+userID+"/"+operation, nil, nil)
}

// awayFromMidnight waits until the day of UTC lasts, because the limits of a
// day begin anew with it.
func awayFromMidnight() {
	if now := time.Now().UTC(); now.Add(30*time.Second).Day() != now.Day() {
		time.Sleep(31 * time.Second)
	}
}

// scheduled checks that a user's mail waits until an instant, give or take two
// seconds.
func scheduled(t *testing.T, u apiUser, until time.Time) {
	t.Helper()
	i := u.Invitation
	if i.Delivery != "scheduled" || i.ScheduledFor == nil || i.ScheduledFor.Sub(until).Abs() > 2*time.Second {
		t.Errorf("delivery %s, scheduled for %v, want %v", i.Delivery, i.ScheduledFor, until)
	}
}

// Rule 15: one mail a minute to one person, whatever the detour. A resend within
// the minute is refused, because it is a click too many; any other act goes
// through, and its mail waits.
func TestRule15OneMailAMinuteToOnePerson(t *testing.T) {
	awayFromMidnight()
	o := newOffice(t)
	u := o.invite(nil)
	first := u.Invitation.SentAt
	inbox(t, u.Email, 1)
	limited(t, o.act(u.ID, "resend"), "mail_limit_recipient_minute", time.Minute)
	equal(t, "in a batch", o.admin.batch(o.path+"/users/batch/resend", ids(u.ID), nil).said(), []string{"failed: mail_limit_recipient_minute"})
	want[any](t, o.act(u.ID, "archive"), http.StatusOK)
	scheduled(t, want[apiUser](t, o.act(u.ID, "restore"), http.StatusOK), first.Add(time.Minute))
	want[any](t, o.act(u.ID, "archive"), http.StatusOK)
	want[any](t, o.erase(u.ID), http.StatusNoContent)
	again := map[string]any{"name": "John", "email": u.Email, "role": "builder"}
	scheduled(t, want[apiUser](t, o.admin.send("POST", o.path+"/users", again, nil), http.StatusCreated), first.Add(time.Minute))
	if total, mine := o.mails(); total != 1 || mine != 1 {
		t.Errorf("%d mails are counted, %d of them the admin's: one was sent", total, mine)
	}
	inbox(t, u.Email, 1)
	rested(t, u.Email, time.Minute)
	o.expire(time.Minute + time.Second)
	inbox(t, u.Email, 2)
	if total, mine := o.mails(); total != 2 || mine != 2 {
		t.Errorf("%d mails are counted, %d of them the admin's: two were sent", total, mine)
	}
}

// Rule 15: five mails a day to one person, from all workspaces together and
// whatever the detour. The sixth waits for the next day.
func TestRule15FiveMailsADayToOnePerson(t *testing.T) {
	awayFromMidnight()
	o := newOffice(t)
	u := o.invite(nil)
	inbox(t, u.Email, 1)
	for i, operation := range []string{"resend", "restore", "elsewhere", "erase"} {
		o.wait(u.ID, sinceMidnight())
		switch operation {
		case "resend":
			want[any](t, o.act(u.ID, "resend"), http.StatusOK)
		case "restore":
			want[any](t, o.act(u.ID, "archive"), http.StatusOK)
			want[any](t, o.act(u.ID, "restore"), http.StatusOK)
		case "elsewhere":
			newOffice(t).invite(map[string]any{"email": u.Email})
		case "erase":
			want[any](t, o.act(u.ID, "archive"), http.StatusOK)
			want[any](t, o.erase(u.ID), http.StatusNoContent)
			o.invite(map[string]any{"email": u.Email})
		}
		inbox(t, u.Email, i+2)
	}
	o.wait(u.ID, sinceMidnight())
	tomorrow := time.Now().UTC().Truncate(24 * time.Hour).Add(24 * time.Hour)
	scheduled(t, want[apiUser](t, o.act(u.ID, "resend"), http.StatusOK), tomorrow)
	scheduled(t, newOffice(t).invite(map[string]any{"email": u.Email}), tomorrow)
	inbox(t, u.Email, 5)
}

// sinceMidnight is as long as a mail of now can be moved back and stay within
// the day: two minutes, or less soon after midnight.
func sinceMidnight() time.Duration {
	now := time.Now().UTC()
	return min(2*time.Minute, now.Sub(now.Truncate(24*time.Hour)))
}

// Rule 15: the mails of one admin and of one workspace are limited by the day,
// one by one and in bulk. What is over the limit is done, and its mail waits.
func TestRule15MailsOfADayAreLimited(t *testing.T) {
	awayFromMidnight()
	tomorrow := time.Now().UTC().Truncate(24 * time.Hour).Add(24 * time.Hour)
	for _, c := range []struct {
		name           string
		total, byAdmin int
	}{
		{"inviter", 150, 199},
		{"workspace", 199, 20},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := newOffice(t)
			u, never := o.invite(map[string]any{"sendEmail": false}), o.invite(map[string]any{"sendEmail": false})
			want[any](t, o.act(never.ID, "archive"), http.StatusOK)
			o.mailed(c.total, c.byAdmin)
			last := o.invite(nil) // the last one that may be
			if last.Invitation.Delivery != "queued" {
				t.Errorf("the last mail of the day is %s", last.Invitation.Delivery)
			}
			inbox(t, last.Email, 1)
			scheduled(t, o.invite(nil), tomorrow)
			scheduled(t, want[apiUser](t, o.act(u.ID, "resend"), http.StatusOK), tomorrow)
			scheduled(t, want[apiUser](t, o.act(never.ID, "restore"), http.StatusOK), tomorrow)
			rows := quiet(3)
			delete(rows[1], "sendEmail")
			a := o.admin.batch(o.path+"/users/batch", map[string]any{"users": rows}, nil)
			equal(t, "invited", a.said(), []string{"created", "created", "created"})
			scheduled(t, o.get(a.Results[1].User.ID), tomorrow)
			if a.Scheduled != 1 {
				t.Errorf("%d mails of the batch wait, want 1", a.Scheduled)
			}
			if total, mine := o.mails(); total != c.total+1 || mine != c.byAdmin+1 {
				t.Errorf("%d mails are counted, %d of them the admin's, want %d and %d", total, mine, c.total+1, c.byAdmin+1)
			}
			inbox(t, rows[1]["email"].(string), 0)
			o.accept(o.link(u.ID)) // the link works before its mail
		})
	}
}

// Rule 15: however many mails are asked for at once, no more leave than the
// limit has left, alone and in bulk.
func TestRule15LimitsHoldHoweverManyAskAtOnce(t *testing.T) {
	awayFromMidnight()
	o := newOffice(t)
	o.mailed(190, 190)
	rows := loud(60)
	counts := race(t, 20, func(i int) (answer, error) {
		if i%5 == 0 {
			return o.admin.try("POST", o.path+"/users/batch", map[string]any{"users": rows[20+i : 20+i+5]}, nil)
		}
		return o.admin.try("POST", o.path+"/users", rows[i], nil)
	})
	waiting, leaving := 0, 0
	for _, u := range o.list("?limit=100&status=requested") {
		if u.Invitation.Delivery == "scheduled" {
			waiting++
			continue
		}
		leaving++
	}
	if leaving != 10 || waiting != 26 || counts[http.StatusCreated] != 16 {
		t.Errorf("%d mails leave and %d wait, want 10 and 26; answers %v", leaving, waiting, counts)
	}
	if total, mine := o.mails(); total != 200 || mine != 200 {
		t.Errorf("%d mails are counted, %d of them the admin's", total, mine)
	}
}

// onStack runs the rest of a test on a stack of its own settings, and returns
// the usual one with the cleanup.
func onStack(t *testing.T, cfg local.Config) {
	t.Helper()
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	cfg.Root, cfg.Functions = root, filepath.Join(root, "build", "local")
	own, err := local.Start(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	usual := stack
	stack = own
	t.Cleanup(func() {
		stack = usual
		if err := own.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
}

// The numbers are settings of the deployment, and a workspace that is 30 days
// old has the one of those that are not new. An operator may give a workspace
// its own.
func TestTheLimitsAreSettings(t *testing.T) {
	awayFromMidnight()
	onStack(t, local.Config{Settings: map[setting.Definition]string{
		setting.MailsPerInviter: "2", setting.MailsPerNewWorkspace: "4", setting.MailsPerWorkspace: "6",
	}})
	o := newOffice(t)
	second, third := o.colleague(), o.colleague() // each takes one of the day's invitations
	leaves := func(o office, expected string) {
		t.Helper()
		if u := o.invite(nil); u.Invitation.Delivery != expected {
			t.Errorf("delivery is %s, want %s", u.Invitation.Delivery, expected)
		}
	}
	leaves(o, "scheduled") // an inviter's limit
	leaves(second, "queued")
	leaves(second, "queued")
	leaves(third, "scheduled") // a new workspace's limit
	moveBack(t, key("WS#"+o.id, "WORKSPACE"), 29*24*time.Hour, "createdAt")
	leaves(third, "scheduled")
	moveBack(t, key("WS#"+o.id, "WORKSPACE"), 24*time.Hour, "createdAt")
	leaves(third, "queued")
	leaves(third, "queued")
	fourth := "x-" + unique() + "@corp.com"
	backend := operator(t, "backend")
	ask := func(email, expected string) {
		t.Helper()
		u := want[apiUser](t, backend.send("POST", o.path+"/users", map[string]any{"name": "John", "email": email, "role": "builder"}, nil), http.StatusCreated)
		if u.Invitation.Delivery != expected {
			t.Errorf("a backend's: delivery is %s, want %s", u.Invitation.Delivery, expected)
		}
	}
	ask(fourth, "scheduled")
	refused(t, o.admin.send("PATCH", o.path, map[string]any{"mailAllowance": 7}, nil), http.StatusForbidden, "operator_required")
	want[any](t, backend.send("PATCH", o.path, map[string]any{"mailAllowance": 7}, nil), http.StatusOK)
	ask("y"+fourth, "queued")
	ask("z"+fourth, "scheduled")
}

// loud returns n people to invite, each of whom is mailed.
func loud(n int) []map[string]any {
	rows := quiet(n)
	for _, row := range rows {
		delete(row, "sendEmail")
	}
	return rows
}

// The parts in which a day's invitations are counted.
const (
	workspaceParts = workspace.Parts
	inviterParts   = 4
)

func (o office) tallyPart(n int) map[string]types.AttributeValue {
	return key("WS#"+o.id, fmt.Sprint("TALLY#", n))
}

// inviterPart counts what the admin asked for today, in all workspaces.
func (o office) inviterPart(n int) map[string]types.AttributeValue {
	return key("INVITER#"+user.EmailKey(o.email), fmt.Sprint("PART#", n))
}

// mails is how many invitations and mails are counted today, of the workspace
// and of its admin.
func (o office) mails() (total, byAdmin int) {
	o.t.Helper()
	today := time.Now().UTC().Format(time.DateOnly)
	count := func(key map[string]types.AttributeValue) int {
		found, err := stack.DB.GetItem(o.t.Context(), &dynamodb.GetItemInput{TableName: aws.String(local.TableName), Key: key, ConsistentRead: aws.Bool(true)})
		if err != nil {
			o.t.Fatal(err)
		}
		if table.TextOf(found.Item, "day") != today {
			return 0
		}
		return table.NumberOf(found.Item, "asked", 0)
	}
	for n := range workspaceParts {
		total += count(o.tallyPart(n))
	}
	for n := range inviterParts {
		byAdmin += count(o.inviterPart(n))
	}
	return total, byAdmin
}

// mailed records that n mails were asked for today.
func (o office) mailed(total, byAdmin int) {
	o.t.Helper()
	count := func(key map[string]types.AttributeValue, entity string, n int) {
		_, err := stack.DB.UpdateItem(o.t.Context(), &dynamodb.UpdateItemInput{
			TableName: aws.String(local.TableName), Key: key,
			UpdateExpression:         aws.String("SET entity = :entity, #day = :day, asked = :n"),
			ExpressionAttributeNames: map[string]string{"#day": "day"},
			ExpressionAttributeValues: map[string]types.AttributeValue{
				":entity": table.Text(entity), ":day": table.Text(time.Now().UTC().Format(time.DateOnly)), ":n": table.Number(n),
			},
		})
		if err != nil {
			o.t.Fatal(err)
		}
	}
	for n := range workspaceParts {
		count(o.tallyPart(n), "tally", workspace.Share(total, n, workspaceParts))
	}
	for n := range inviterParts {
		count(o.inviterPart(n), "inviter", workspace.Share(byAdmin, n, inviterParts))
	}
}
