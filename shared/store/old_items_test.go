package store_test

import (
	"crypto/rand"
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	lambdaevents "github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/latchkey/latchkey/shared/access"
	"github.com/latchkey/latchkey/shared/fault"
	"github.com/latchkey/latchkey/shared/invitation"
	"github.com/latchkey/latchkey/shared/store"
	"github.com/latchkey/latchkey/shared/user"
	"github.com/latchkey/latchkey/shared/workspace"
)

// oldItem is an item as an earlier release wrote it; tests/upgrade makes them,
// one of each shape.
type oldItem struct {
	Label string
	Item  store.Image
}

// writeOldItems fills a table with the items of all earlier releases.
func (tb *table) writeOldItems(t *testing.T) []oldItem {
	t.Helper()
	files, err := filepath.Glob("../../tests/upgrade/testdata/items-*.json")
	if err != nil || len(files) == 0 {
		t.Fatalf("no items: %v", err)
	}
	var all []oldItem
	for _, file := range files {
		raw, err := os.ReadFile(file)
		var items []oldItem
		if err == nil {
			err = json.Unmarshal(raw, &items)
		}
		if err != nil {
			t.Fatal(file, err)
		}
		all = append(all, items...)
	}
	for _, old := range all {
		item := valueOf(lambdaevents.NewMapAttribute(old.Item)).(*types.AttributeValueMemberM)
		if _, err := tb.db.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: &tb.name, Item: item.Value}); err != nil {
			t.Fatal(old.Label, err)
		}
	}
	return all
}

// valueOf turns a value of an image into one of an item.
func valueOf(v lambdaevents.DynamoDBAttributeValue) types.AttributeValue {
	switch v.DataType() {
	case lambdaevents.DataTypeString:
		return s(v.String())
	case lambdaevents.DataTypeNumber:
		return &types.AttributeValueMemberN{Value: v.Number()}
	case lambdaevents.DataTypeBoolean:
		return &types.AttributeValueMemberBOOL{Value: v.Boolean()}
	case lambdaevents.DataTypeBinary:
		return &types.AttributeValueMemberB{Value: v.Binary()}
	case lambdaevents.DataTypeList:
		list := &types.AttributeValueMemberL{}
		for _, element := range v.List() {
			list.Value = append(list.Value, valueOf(element))
		}
		return list
	case lambdaevents.DataTypeMap:
		m := &types.AttributeValueMemberM{Value: store.Item{}}
		for name, element := range v.Map() {
			m.Value[name] = valueOf(element)
		}
		return m
	}
	panic("an old item has a value of another type")
}

func (old oldItem) text(attribute string) string {
	if v, ok := old.Item[attribute]; ok && v.DataType() == lambdaevents.DataTypeString {
		return v.String()
	}
	return ""
}

// Every item of every earlier release is read, by whatever reads such items.
func TestItemsOfEarlierReleasesAreRead(t *testing.T) {
	tb := newTable(t)
	read := map[string]int{}
	for _, old := range tb.writeOldItems(t) {
		pk, sk := old.text("pk"), old.text("sk")
		wsID := strings.TrimPrefix(pk, "WS#")
		_, id, _ := strings.Cut(sk, "#")
		ok := false
		var err error
		var st *store.State
		load := func(want store.Want) {
			want.Workspace = wsID
			if st, err = tb.Load(t.Context(), want); err != nil {
				t.Fatal(old.Label, err)
			}
		}
		entity := old.text("entity")
		switch entity {
		case "account", "slug", "sent": // read by no more than their key, or not at all
			ok = true
		case "erased":
			load(store.Want{Users: []string{id}})
			e := st.Erased[id]
			ok = e.Generation > 0 && e.Last.Type == user.UserErased && st.Recipient(id).OptedOutAt.IsZero() == (old.text("unsubscribedAt") == "")
		case "group":
			load(store.Want{Groups: []string{id}})
			_, deleting := old.Item["deleting"]
			ok = st.Groups[id] == !deleting
		case "history":
			wsID, userID := strings.TrimPrefix(pk, "HISTORY#"), ""
			if named, _, _ := strings.Cut(sk, "#"); named != "" {
				userID = named
			}
			entries, _, failed := tb.ListHistory(t.Context(), wsID, userID, store.HistoryPage{Limit: 100}, time.Now())
			ok, err = len(entries) > 0, failed
		case "mail":
			parts := strings.Split(id, "#")
			item := tb.raw(t, pk, sk)
			ok = len(parts) == 3 && item["sentAt"] != nil
		case "request":
			load(store.Want{Request: id})
			ok = st.Answer.Key == id && st.Answer.Call != "" && !st.Answer.Until.IsZero()
		case "tally":
			load(store.Want{AllCounts: true})
			ok = st.Complete()
		case "user":
			load(store.Want{Users: []string{id}})
			u := st.Mailed(id)
			ok = u.ID == id && string(u.Status) == old.text("status") && u.Email == old.text("email") && u.Version > 0 && string(u.Invitation.Delivery) == old.text("delivery")
			switch u.Invitation.Delivery {
			case user.DeliveryBounced:
				ok = ok && u.Mailbox.BouncedAt.Equal(u.UpdatedAt)
			case user.DeliveryComplained:
				ok = ok && !u.Recipient.ComplainedAt.IsZero()
			}
		case "workspace":
			load(store.Want{})
			ok = st.Workspace.ID == wsID && st.Workspace.Slug == old.text("slug") && st.Workspace.Version > 0
		}
		if !ok || err != nil {
			t.Errorf("%s: it is read as %+v, %v", old.Label, st, err)
		}
		if entity == "user" || entity == "erased" || entity == "workspace" {
			if e, isEvent, err := store.EventOf(nil, old.Item); err != nil || isEvent != (old.Item["last"].DataType() == lambdaevents.DataTypeMap) || isEvent && e.ID == "" {
				t.Errorf("%s: its event is %+v, %v, %v", old.Label, e, isEvent, err)
			}
		}
		read[entity]++
	}
	if len(read) < 11 {
		t.Errorf("read were only %v", read)
	}
}

// A user of every status is changed, and what was written is what the change
// left; nothing of the old record is lost by it.
func TestUsersOfEarlierReleasesAreChanged(t *testing.T) {
	tb := newTable(t)
	changed := map[user.Status]int{}
	for _, old := range tb.writeOldItems(t) {
		if old.text("entity") != "user" {
			continue
		}
		wsID, id := strings.TrimPrefix(old.text("pk"), "WS#"), strings.TrimPrefix(old.text("sk"), "USER#")
		was, ok, err := tb.LoadUser(t.Context(), wsID, id)
		if err != nil || !ok {
			t.Fatal(old.Label, ok, err)
		}
		now := was.UpdatedAt.Add(time.Hour)
		name := "Renamed"
		next := tb.change(t, was, func(u user.User) (user.User, error) { return u.Edit(byAdmin(now), user.Patch{Name: &name}), nil })
		want := was
		want.Name, want.Version, want.UpdatedAt, want.Last = name, was.Version+1, now, next.Last
		if got := tb.load(t, next); !reflect.DeepEqual(got, next) || !reflect.DeepEqual(got, want) {
			t.Errorf("%s, renamed:\nstored %+v\nleft   %+v\nwant   %+v", old.Label, got, next, want)
		}
		changed[was.Status]++
		if was.Manages() {
			continue // the last admin stays
		}
		move := func(u user.User) (user.User, error) { return u.Archive(byAdmin(now)) }
		if was.Status == user.Archived {
			move = func(u user.User) (user.User, error) { return u.Restore(byAdmin(now), false, noMail) }
		}
		next = tb.change(t, next, move)
		if got := tb.load(t, next); !reflect.DeepEqual(got, next) || got.Status == was.Status {
			t.Errorf("%s, moved:\nstored %+v\nleft   %+v", old.Label, got, next)
		}
	}
	for _, status := range user.Statuses() {
		if changed[status] == 0 {
			t.Errorf("nobody was %s: %v", status, changed)
		}
	}
}

// checkStillStopped gives a user whom no mail may reach a new link without one,
// which must not make anybody forget why.
func (tb *table) checkStillStopped(t *testing.T, service invitation.Service, u user.User, now time.Time, code string) {
	t.Helper()
	if code == workspace.ErrPaused.Code {
		return
	}
	for _, how := range []invitation.Again{{}, withMail} {
		now = now.Add(time.Hour)
		st, err := tb.Load(t.Context(), store.Want{Workspace: u.WorkspaceID, Users: []string{u.ID}, Counts: true})
		if err != nil {
			t.Fatal(err)
		}
		_, err = service.Resend(t.Context(), access.Grant{State: st, Actor: "svc_crm", Target: u.ID}, how, now)
		if how.SendEmail && fault.Code(err) != code || !how.SendEmail && err != nil {
			t.Errorf("%s, with a mail %v: %v, want %s", u.Email, how.SendEmail, err, code)
		}
	}
}

// Before mailboxes had items of their own, each record counted for itself: a
// resend continues from there, and what stopped mail then stops it now.
func TestMailsOfEarlierReleasesStillCount(t *testing.T) {
	tb := newTable(t)
	service := invitation.Service{Store: tb.Store, Limits: limits, Random: rand.Reader}
	outcomes := map[string]int{}
	for _, old := range tb.writeOldItems(t) {
		if _, sealed := old.Item["metadata"]; sealed || old.text("entity") != "user" || old.text("status") != "requested" {
			continue // what is sealed needs a KMS
		}
		wsID, id := strings.TrimPrefix(old.text("pk"), "WS#"), strings.TrimPrefix(old.text("sk"), "USER#")
		st, err := tb.Load(t.Context(), store.Want{Workspace: wsID, Users: []string{id}, Counts: true})
		if err != nil {
			t.Fatal(err)
		}
		was := st.Users[id]
		now := was.UpdatedAt.Add(2 * time.Hour)
		v, err := service.Resend(t.Context(), access.Grant{State: st, Actor: "svc_crm", Target: id}, withMail, now)
		want := ""
		switch {
		case st.Workspace.Paused:
			want = workspace.ErrPaused.Code
		case old.text("unsubscribedAt") != "":
			want = user.ErrOptedOut.Code
		case old.text("delivery") == "complained":
			want = user.ErrComplained.Code
		case was.Invitation.DeliveryWeight == user.WeightUndeliverable:
			want = user.ErrUndeliverable.Code
		}
		code := ""
		if err != nil {
			code = fault.Code(err)
		}
		outcomes[code]++
		if code != want {
			t.Errorf("%s: %v, want %q", old.Label, err, want)
		}
		if err != nil {
			tb.checkStillStopped(t, service, was, now, want)
			continue
		}
		mailbox := tb.raw(t, "RECIPIENT#"+user.EmailKey(was.Email), "MAILBOX")
		if stored := tb.load(t, was); numberOf(mailbox["mailed"]) != was.Mailbox.Mails+1 || stored.Mailbox != v.User.Mailbox || stored.Invitation.Sends != was.Invitation.Sends+1 {
			t.Errorf("%s: %d mails became %v", old.Label, was.Mailbox.Mails, mailbox)
		}
	}
	if len(outcomes) < 4 || outcomes[""] < 3 {
		t.Errorf("the outcomes were only %v", slices.Collect(maps.Keys(outcomes)))
	}
}
