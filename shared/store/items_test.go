package store_test

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/latchkey/latchkey/shared/event"
	"github.com/latchkey/latchkey/shared/store"
	"github.com/latchkey/latchkey/shared/user"
	"github.com/latchkey/latchkey/shared/workspace"
)

// fill gives every member of a struct a value of its own, so that a member
// which the store forgets is found out, whenever it is added.
func fill(v reflect.Value, n *int) {
	*n++
	switch v.Interface().(type) {
	case time.Time:
		v.Set(reflect.ValueOf(t0.Add(time.Duration(*n)*time.Hour + 7*time.Millisecond)))
		return
	case []byte:
		v.SetBytes([]byte{byte(*n), 0, 255})
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			fill(v.Field(i), n)
		}
	case reflect.String:
		v.SetString(fmt.Sprintf("text %d \u2713", *n))
	case reflect.Int:
		v.SetInt(int64(*n))
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		fill(v.Index(0), n)
		fill(v.Index(1), n)
	default:
		panic("the domain has a member of a new kind: " + v.Type().String())
	}
}

func fullUser() user.User {
	var u user.User
	fill(reflect.ValueOf(&u).Elem(), new(int))
	u.WorkspaceID, u.ID = newWorkspaceID(), newID("usr_")
	u.Status = user.Invited
	return u
}

func TestAFullUserComesBackAsItWas(t *testing.T) {
	tb := newTable(t)
	want := fullUser()
	tb.insert(t, want)
	if got := tb.load(t, want); !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	snap, err := tb.Load(t.Context(), store.Want{Workspace: want.WorkspaceID, Users: []string{want.ID, "", want.ID}})
	if err != nil || !reflect.DeepEqual(snap.Users[want.ID], want) {
		t.Errorf("Load gives %+v, %v", snap.Users, err)
	}
}

// members are what a change may empty, by name.
func members(u *user.User) map[string]reflect.Value {
	found := map[string]reflect.Value{}
	for _, v := range []reflect.Value{reflect.ValueOf(u).Elem(), reflect.ValueOf(&u.Invitation).Elem(), reflect.ValueOf(&u.Last).Elem()} {
		for i := range v.NumField() {
			switch name := v.Type().Field(i).Name; name {
			case "ID", "WorkspaceID", "Status", "CreatedAt", "Version", "Invitation", "Last", "Mailbox": // not a change's to empty
			case "HasAccount": // follows from the status of this user, who is invited
			case "Generation", "Delivery", "DeliveryReason", "DeliveryWeight": // go by rules of their own
			default:
				found[v.Type().Name()+"."+name] = v.Field(i)
			}
		}
	}
	return found
}

func TestEveryMemberOfAUserCanBeEmptiedAndFilledAgain(t *testing.T) {
	tb := newTable(t)
	now := tb.insert(t, fullUser())
	full := now
	for name := range members(&full) {
		for _, empty := range []bool{true, false} {
			next, err := tb.ChangeUser(t.Context(), now, func(u user.User) (user.User, error) {
				next := full
				next.Version = u.Version + 1
				if empty {
					members(&next)[name].SetZero()
				}
				return next, nil
			})
			if err != nil {
				t.Fatal(name, err)
			}
			want := next
			if !want.Invitation.HasMailAhead() {
				want.Invitation.InviterKey = "" // nobody needs it then
			}
			if got := tb.load(t, full); !reflect.DeepEqual(got, want) {
				t.Errorf("%s, emptied %v:\ngot  %+v\nwant %+v", name, empty, got, want)
			}
			now = next
		}
	}
}

func TestAFullWorkspaceComesBackAsItWas(t *testing.T) {
	tb := newTable(t)
	var want workspace.Workspace
	fill(reflect.ValueOf(&want).Elem(), new(int))
	want.ID = newWorkspaceID()
	want.Stage = "" // one that is deleted is not read as a workspace
	want.Admins = 1 // counted from the founder, whatever the caller says
	founder := user.Founder(byAdmin(t0), want.ID, "Flora Founder", "founder@corp.com", "sub-founder")
	written := want
	written.Admins = 99
	err := tb.InsertWorkspace(t.Context(), written, &founder)
	if err != nil {
		t.Fatal(err)
	}
	if got := tb.workspace(t, want.ID); !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	bare := workspace.Workspace{ID: want.ID, Slug: want.Slug, Admins: want.Admins, CreatedAt: t0, UpdatedAt: t0, Version: want.Version + 1}
	bare.Last.At = t0
	_, err = tb.ChangeWorkspace(t.Context(), want, func(workspace.Workspace) (workspace.Workspace, error) { return bare, nil })
	if err != nil {
		t.Fatal(err)
	}
	if got := tb.workspace(t, want.ID); !reflect.DeepEqual(got, bare) {
		t.Errorf("emptied: got  %+v\nwant %+v", got, bare)
	}
}

// Keys reach metrics and logs, so none of them names a person.
func TestNoKeyNamesAPerson(t *testing.T) {
	tb := newTable(t)
	w, _ := tb.found(t)
	u := invited(w.ID, "Josephine.Doe@Secretcorp.example", user.Builder, t0)
	u.Name, u.Subject = "Josephine Doe", "sub-secret"
	tb.insert(t, u)
	if err := tb.InsertAccount(t.Context(), u.Email, t0); err != nil {
		t.Fatal(err)
	}
	if _, _, err := tb.PutGroup(t.Context(), w.ID, workspace.Group{ID: "sales", Name: "Sales of Josephine", CreatedAt: t0}); err != nil {
		t.Fatal(err)
	}
	if err := tb.AppendHistory(t.Context(), []event.Event{event.OfUser(u), event.OfWorkspace(w)}, week); err != nil {
		t.Fatal(err)
	}
	tb.claim(t, mailOf(u), t0)
	gone := tb.insert(t, invited(w.ID, "Josephine.Roe@Secretcorp.example", user.Builder, t0))
	tb.erase(t, tb.change(t, gone, archive))
	if _, err := tb.InsertAnswer(t.Context(), w.ID, store.Answer{Key: "key", Body: "body", Until: t0.Add(day)}, t0); err != nil {
		t.Fatal(err)
	}
	tb.askedBy(t, w.ID, "Josephine.Inviter@Secretcorp.example", quiet(w.ID, "asked@corp.com", t0))
	tb.change(t, tb.load(t, u), func(u user.User) (user.User, error) { return u.Express(byAdmin(t0), user.OptOut), nil })
	if err := tb.NoteDeparture(t.Context(), store.Departure{EmailKey: user.EmailKey(u.Email), Actor: "svc_hr", At: t0}); err != nil {
		t.Fatal(err)
	}
	keys := []string{"pk", "sk", "statusPk", "statusSk", "duePk", "dueSk", "emailPk", "emailSk"}
	entities := map[string]bool{}
	for _, item := range tb.all(t) {
		entities[textOf(item["entity"])] = true
		for _, key := range keys {
			text := strings.ToLower(textOf(item[key]))
			for _, personal := range []string{"@", "josephine", "doe", "secret", "flora", "founder"} {
				if strings.Contains(text, personal) {
					t.Errorf("%s of a %s is %s", key, textOf(item["entity"]), text)
				}
			}
		}
	}
	if len(entities) != 14 || entities[""] {
		t.Errorf("the table holds %v; each kind of item should be here", entities)
	}
}

// image is an item as a stream has it: the wire says it in the same JSON.
func (tb *table) image(t *testing.T, u user.User) store.Image {
	t.Helper()
	var out struct{ Item store.Image }
	tb.calls.listen(func(_, _ string, response []byte) {
		if err := json.Unmarshal(response, &out); err != nil {
			t.Error(err)
		}
	})
	defer tb.calls.listen(nil)
	if sk := "USER#" + u.ID; u.ID != "" {
		tb.raw(t, "WS#"+u.WorkspaceID, sk)
	} else {
		tb.raw(t, "WS#"+u.WorkspaceID, "WORKSPACE")
	}
	if len(out.Item) == 0 {
		t.Fatal("there is no such item")
	}
	return out.Item
}

func TestAWriteThatIsATransitionIsAnEvent(t *testing.T) {
	tb := newTable(t)
	full := fullUser()
	full.Last.Type = user.UserInvited
	tb.insert(t, full)
	first := tb.image(t, full)
	e, ok, err := store.EventOf(nil, first)
	if !ok || err != nil || !reflect.DeepEqual(e, event.OfUser(full)) {
		t.Errorf("an insert: %+v, %v, %v\nwant %+v", e, ok, err, event.OfUser(full))
	}
	next, err := tb.ChangeUser(t.Context(), full, func(u user.User) (user.User, error) { return u.Archive(byAdmin(t0)) })
	if err != nil {
		t.Fatal(err)
	}
	e, ok, err = store.EventOf(first, tb.image(t, full))
	if !ok || err != nil || !reflect.DeepEqual(e, event.OfUser(next)) || e.Type != "user.archived" || e.PreviousStatus != "invited" {
		t.Errorf("a change: %+v, %v, %v", e, ok, err)
	}
}

func TestANoticeOfDeliveryIsAnEvent(t *testing.T) {
	tb := newTable(t)
	u := tb.insert(t, invited(newWorkspaceID(), "john@corp.com", user.Builder, t0))
	before := tb.image(t, u)
	tb.deliver(t, u, user.DeliveryFailed, "refused")
	e, ok, err := store.EventOf(before, tb.image(t, u))
	if !ok || err != nil || e.Type != "invitation.delivery_changed" || e.Delivery != "failed" || e.DeliveryReason != "refused" ||
		e.UserID != u.ID || e.ID == "" || e.PreviousStatus != "" || e.SendEmail {
		t.Errorf("%+v, %v, %v", e, ok, err)
	}
}

func TestAWorkspaceAndItsSettingsAreEvents(t *testing.T) {
	tb := newTable(t)
	w, founder := tb.found(t)
	self := user.User{WorkspaceID: w.ID}
	before := tb.image(t, self)
	e, ok, err := store.EventOf(nil, before)
	if !ok || err != nil || e.Type != "workspace.created" || e.WorkspaceID != w.ID || e.UserID != "" || e.Actor != founder.ID {
		t.Errorf("made: %+v, %v, %v", e, ok, err)
	}
	name := "Renamed"
	_, err = tb.ChangeWorkspace(t.Context(), w, func(w workspace.Workspace) (workspace.Workspace, error) {
		next, fields := w.Apply(byAdmin(t0.Add(day)), workspace.Patch{Name: &name})
		return next, fields.Err()
	})
	if err != nil {
		t.Fatal(err)
	}
	e, ok, err = store.EventOf(before, tb.image(t, self))
	if !ok || err != nil || e.Type != "workspace.updated" || len(e.Changed) != 1 || e.Changed[0] != "name" {
		t.Errorf("changed: %+v, %v, %v", e, ok, err)
	}
}

func TestAWriteThatIsNoTransitionIsNoEvent(t *testing.T) {
	tb := newTable(t)
	w, founder := tb.found(t)
	self := user.User{WorkspaceID: w.ID}
	before := tb.image(t, self)
	second := tb.insert(t, invited(w.ID, "second@corp.com", user.Admin, t0))
	_, err := tb.ChangeUser(t.Context(), second, func(u user.User) (user.User, error) { return accept(u, byAdmin(t0.Add(day)), "sub") })
	if err != nil {
		t.Fatal(err)
	}
	images := map[string][2]store.Image{
		"another admin is counted": {before, tb.image(t, self)},
		"the founder":              {nil, tb.image(t, founder)},
		"the same again":           {before, before},
		"removed":                  {before, nil},
		"nothing":                  {nil, nil},
	}
	for name, pair := range images {
		if e, ok, err := store.EventOf(pair[0], pair[1]); ok || err != nil {
			t.Errorf("%s: %+v, %v", name, e, err)
		}
	}
}

func TestLoadReadsMoreThanAHundredItems(t *testing.T) {
	tb := newTable(t)
	w, _ := tb.found(t)
	var users, groups []string
	var all []user.User
	for i := range 130 {
		u := invited(w.ID, fmt.Sprintf("user%d@corp.com", i), user.Builder, t0)
		all = append(all, u)
		users = append(users, u.ID)
		groups = append(groups, fmt.Sprintf("group-%d", i))
	}
	tb.insertAll(t, all)
	for _, g := range groups[:120] {
		if _, _, err := tb.PutGroup(t.Context(), w.ID, workspace.Group{ID: g, Name: g, CreatedAt: t0}); err != nil {
			t.Fatal(err)
		}
	}
	users = append(users, "usr_nobody")
	snap, err := tb.Load(t.Context(), store.Want{Workspace: w.ID, Users: users, Groups: groups, Accounts: []string{"nobody@corp.com"}})
	if err != nil || snap.Workspace.ID != w.ID || len(snap.Users) != 130 || len(snap.Groups) != 120 || snap.HasAccount("nobody@corp.com") {
		t.Errorf("%s, %d users, %d groups, %v, %v", snap.Workspace.ID, len(snap.Users), len(snap.Groups), snap.Accounts, err)
	}
	if snap.Groups["group-125"] || !snap.Groups["group-119"] {
		t.Error("the groups are others")
	}
}

// What a caller may do is decided on what is, not on what an old replica says.
func TestWhatIsDecidedOnIsReadConsistently(t *testing.T) {
	tb := newTable(t)
	w, founder := tb.found(t)
	reads := 0
	tb.calls.listen(func(operation, request string, _ []byte) {
		reads++
		if !strings.Contains(request, `"ConsistentRead":true`) {
			t.Errorf("%s is not consistent: %s", operation, request)
		}
	})
	defer tb.calls.listen(nil)
	tb.load(t, founder)
	tb.workspace(t, w.ID)
	if _, err := tb.ListGroups(t.Context(), w.ID); err != nil || reads != 3 {
		t.Errorf("%d reads, %v", reads, err)
	}
}

func TestLoadOfNothingAsksNobody(t *testing.T) {
	tb := newTable(t)
	tb.calls.listen(func(operation, _ string, _ []byte) { t.Errorf("it called %s", operation) })
	snap, err := tb.Load(t.Context(), store.Want{})
	if err != nil || snap.Users == nil || snap.Groups == nil {
		t.Errorf("%+v, %v", snap, err)
	}
}

// A write of a record takes a unit for each kilobyte, in the table and in two
// indexes. The record of a usual person stays below one from the invitation on.
func TestAUsualRecordTakesOneUnit(t *testing.T) {
	tb := newTable(t)
	wsID := newWorkspaceID()
	admin := user.IDFor(wsID, "ada@corp.example")
	u := newUser(user.Details{Name: "John Doe", Email: "john.doe@corp.example", Role: user.Builder}, wsID, t0,
		user.Inviting{SendEmail: true, Lasts: week, InviterKey: user.EmailKey("ada@corp.example")})
	u.SealedMetadata = make([]byte, 64) // two short values
	u.Invitation.InvitedBy, u.Last.Actor, u.Last.CorrelationID = admin, admin, "UBW0igA-ZLfVsBk"
	takesOne := func(when string) {
		t.Helper()
		out, err := tb.db.PutItem(t.Context(), &dynamodb.PutItemInput{
			TableName: &tb.name, Item: tb.rawUser(t, u), ReturnConsumedCapacity: types.ReturnConsumedCapacityIndexes,
		})
		if err != nil {
			t.Fatal(err)
		}
		if units := *out.ConsumedCapacity.Table.CapacityUnits; units != 1 {
			t.Errorf("%s, it takes %v", when, units)
		}
	}
	tb.insert(t, u)
	takesOne("invited")
	tb.deliver(t, u, user.DeliveryDelivered, "")
	takesOne("delivered")
	then := stamp(u.ID, t0.Add(time.Hour))
	then.CorrelationID = "UBW0igA-ZLfVsBk"
	u = tb.change(t, tb.load(t, u), func(u user.User) (user.User, error) { return u.AccountAppeared(then), nil })
	takesOne("with an account")
	u = tb.change(t, u, func(u user.User) (user.User, error) { return accept(u, then, "5f0c1f4e-8a3f-4f0e-9a55-0d8f4c2b7e61") })
	takesOne("a member")
}
