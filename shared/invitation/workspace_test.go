package invitation_test

import (
	"context"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/latchkey/latchkey/shared/access"
	"github.com/latchkey/latchkey/shared/event"
	"github.com/latchkey/latchkey/shared/fault"
	"github.com/latchkey/latchkey/shared/invitation"
	"github.com/latchkey/latchkey/shared/link"
	"github.com/latchkey/latchkey/shared/store"
	"github.com/latchkey/latchkey/shared/user"
	"github.com/latchkey/latchkey/shared/workspace"
)

// items are all items of the table that belong to a workspace, its slug and its
// history included, or to none of the workspaces named, by their keys.
func (d *deployment) items(belong func(pk string, item map[string]any) bool) map[string]map[string]any {
	d.t.Helper()
	found := map[string]map[string]any{}
	pages := dynamodb.NewScanPaginator(d.db, &dynamodb.ScanInput{TableName: aws.String(d.table), ConsistentRead: aws.Bool(true)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(d.t.Context())
		d.check("scan", err)
		for _, raw := range page.Items {
			item := map[string]any{}
			d.check("read an item", attributevalue.UnmarshalMap(raw, &item))
			if pk := item["pk"].(string); belong(pk, item) {
				found[pk+" "+item["sk"].(string)] = item
			}
		}
	}
	return found
}

func (tn tenant) owns(pk string, item map[string]any) bool {
	return strings.HasSuffix(pk, "#"+tn.id) || item["workspace"] == tn.id
}

func (tn tenant) own() map[string]map[string]any { tn.t.Helper(); return tn.items(tn.owns) }

func (tn tenant) others() map[string]map[string]any {
	tn.t.Helper()
	return tn.items(func(pk string, item map[string]any) bool { return !tn.owns(pk, item) })
}

func (tn tenant) delete() workspace.Workspace {
	tn.t.Helper()
	w, err := tn.DeleteWorkspace(tn.t.Context(), tn.grant(""), tn.now)
	tn.check("delete the workspace", err)
	return w
}

// operator is a backend's grant, which a deleted workspace has, too.
func (tn tenant) operator() access.Grant {
	tn.t.Helper()
	st, err := tn.Store.Load(tn.t.Context(), store.Want{Workspace: tn.id})
	tn.check("load", err)
	return access.Grant{State: st, Actor: backend}
}

func (tn tenant) tryRestoreAll() error {
	tn.t.Helper()
	_, err := tn.RestoreWorkspace(tn.t.Context(), tn.operator(), tn.now)
	return err
}

// until is a time of the clock that never comes.
var until = time.Now().Add(100 * 365 * day)

func (tn tenant) eraseAll(ctx context.Context) (bool, error) {
	return tn.EraseWorkspace(ctx, tn.id, tn.now, until, time.Now)
}

// lines writes a line of history for each user.
func (tn tenant) lines(users ...user.User) {
	tn.t.Helper()
	var events []event.Event
	for _, u := range users {
		events = append(events, event.OfUser(u))
	}
	tn.check("write history", tn.Store.AppendHistory(tn.t.Context(), events, 400*day))
}

func (d *deployment) workspacesOf(email string) []string {
	d.t.Helper()
	found, _, err := d.Store.Memberships(d.t.Context(), user.EmailKey(email), "")
	d.check("list workspaces", err)
	var ids []string
	for _, m := range found {
		ids = append(ids, m.Workspace.ID)
	}
	return ids
}

// To its people, to holders of links and to the schedule, a deleted workspace is
// one that never was.
func TestADeletedWorkspaceIsGoneForEveryone(t *testing.T) {
	d := newDeployment(t)
	d.Limits = daily(2)
	tn := d.found(workspace.Patch{})
	member, pending, waiting := d.accept(tn.invite("member@corp.com")), tn.invite("pending@corp.com"), tn.invite("waiting@corp.com")
	same(t, "delivery", waiting.Invitation.Delivery, user.DeliveryScheduled)
	d.pass(time.Hour)
	w := tn.delete()
	same(t, "restorable until", w.NextStage, d.now.Add(30*day))

	same(t, "the admin's workspace", tn.workspace().ID, "")
	for _, email := range []string{tn.email, member.Email, pending.Email, waiting.Email} {
		same(t, "workspaces of "+email, len(d.workspacesOf(email)), 0)
	}
	_, err := d.Look(t.Context(), d.token(link.Accept, pending), d.now)
	has(t, "the link", err, user.ErrNoInvitation)
	for _, purpose := range []link.Purpose{link.OptOut, link.Report} {
		_, err = d.Reader(t.Context(), purpose, d.token(purpose, pending), d.now)
		has(t, "a link of a mail", err, user.ErrNoInvitation)
	}
	_, err = d.Own(t.Context(), tn.id, guest(pending.Email))
	has(t, "from one's own list", err, workspace.ErrNotFound)
	_, err = tn.DeleteWorkspace(t.Context(), tn.grant(""), d.now)
	has(t, "deleted once more", err, workspace.ErrNotFound)

	before := tn.own()
	for _, at := range []time.Time{user.Tomorrow(d.now).Add(time.Hour), d.now.Add(10 * day)} { // a mail leaves, an invitation ends
		for _, u := range []user.User{pending, waiting} {
			_, err = d.Fall(t.Context(), tn.id, u.ID, at)
			has(t, "the schedule", err, workspace.ErrNotFound)
		}
	}
	if !reflect.DeepEqual(tn.own(), before) {
		t.Error("the schedule has written into the deleted workspace")
	}
	twin := workspace.New(d.stamp(backend), d.newID(), "Twin", w.Slug, nil)
	has(t, "the slug", d.Store.InsertWorkspace(t.Context(), twin, nil, 1000), workspace.ErrSlugTaken)
}

func TestARestoredWorkspaceIsAsItWas(t *testing.T) {
	d := newDeployment(t)
	d.Limits = daily(2)
	tn := d.found(workspace.Patch{SeatLimit: is(40)})
	d.accept(tn.invite("member@corp.com"))
	pending := tn.invite("pending@corp.com")
	waiting := tn.invite("waiting@corp.com")
	before := tn.own()
	tn.delete()
	d.pass(2 * day)
	d.check("restore", tn.tryRestoreAll())
	after := tn.own()
	root := "WS#" + tn.id + " WORKSPACE"
	for _, attribute := range []string{"version", "updatedAt", "last"} {
		if reflect.DeepEqual(before[root][attribute], after[root][attribute]) {
			t.Errorf("%s is as before", attribute)
		}
		delete(before[root], attribute)
		delete(after[root], attribute)
	}
	if !reflect.DeepEqual(after, before) {
		t.Errorf("before %v\nafter %v", before, after)
	}
	d.check("restore once more", tn.tryRestoreAll())
	same(t, "the admin's workspaces", len(d.workspacesOf(tn.email)), 1)
	_, err := d.Look(t.Context(), d.token(link.Accept, pending), d.now)
	d.check("the link", err)
	changes, _ := tn.fall()
	same(t, "the scheduled mail", changes[waiting.ID], user.MailDue)
	d.accept(pending)
}

func TestNothingIsRestoredAfterThirtyDays(t *testing.T) {
	d := newDeployment(t)
	tn := d.found(workspace.Patch{})
	d.pass(time.Hour)
	tn.delete()
	d.pass(30 * day)
	has(t, "by the clock", tn.tryRestoreAll(), workspace.ErrNotFound)
	_, err := tn.eraseAll(t.Context())
	d.check("begin to erase", err)
	same(t, "stage after one run", tn.operator().Deleted.Stage, workspace.StageEmptied)
	d.now = d.now.Add(-time.Hour) // a clock that is slow
	has(t, "by the stage", tn.tryRestoreAll(), workspace.ErrNotFound)
}

// A run of an erasure may stop after any call, and the next run continues. In the
// end only people's wishes about mail and a tombstone are left of the workspace,
// and every other workspace is complete.
func TestAnErasureIsKilledAnywhereAndGoesOn(t *testing.T) {
	d := newDeployment(t)
	tn, other := d.found(workspace.Patch{}), d.found(workspace.Patch{})
	founded := workspace.New(d.stamp(backend), tn.id, "Twin", "twin", nil)
	var users []user.User
	for i := range 40 {
		u := tn.invite(address(i))
		users = append(users, u)
		d.check("claim", ignore(d.Store.ClaimMail(t.Context(), store.Mail{WorkspaceID: tn.id, UserID: u.ID, Generation: u.Invitation.Generation, Kind: "invitation"}, store.Attempt{ID: "a", At: d.now, Lease: time.Minute})))
	}
	_, err := tn.tryInvite(person("key@corp.com"), invitation.Call{Key: "key", Body: "body"})
	d.check("invite with a key", err)
	for i := range 3 {
		_, _, err := d.Store.PutGroup(t.Context(), tn.id, workspace.Group{ID: fmt.Sprint("g", i), Name: "G", CreatedAt: d.now})
		d.check("a group", err)
	}
	d.express(users[0], user.OptOut)
	d.learn(users[1], complaint)
	d.learn(users[2], bounce)
	tn.erase(tn.archive(users[3]))
	other.lines(other.invite(address(0)), other.invite("other@corp.com"))
	tn.lines(users...)
	d.pass(time.Hour)
	tn.delete()
	had := tn.own()
	for _, kind := range []string{"USER#", "TALLY#", "MAIL#", "REQUEST#", "GROUP#", "RECIPIENT#", "WORKSPACE"} {
		if !slices.ContainsFunc(slices.Collect(maps.Keys(had)), func(key string) bool { return strings.Contains(key, " "+kind) }) {
			t.Errorf("nothing to erase is a %s", kind)
		}
	}
	others := tn.others()

	erased, err := tn.eraseAll(t.Context())
	if d.check("erase too early", err); erased || !reflect.DeepEqual(tn.own(), had) {
		t.Error("it is erased before its time")
	}
	d.pass(30 * day)
	kills := 0
	for last := int64(0); !erased; { // how many calls a run makes before it is killed
		ctx, kill := context.WithCancel(t.Context())
		var calls atomic.Int64
		d.listen(func(string, string) {
			if calls.Add(1) > last {
				kill()
			}
		})
		erased, err = tn.eraseAll(ctx)
		d.listen(nil)
		switch kill(); {
		case err != nil:
			kills++
			last++
		case !erased: // emptied
			last = 0
			d.pass(workspace.Stragglers)
			tn.lines(users[5]) // what followed late
		}
	}
	if kills < 10 {
		t.Errorf("only %d runs were killed", kills)
	}
	left := tn.own()
	tombstone := left["WS#"+tn.id+" WORKSPACE"]
	same(t, "the tombstone's stage", tombstone["stage"], any("erased"))
	for _, attribute := range []string{"slug", "name", "dataKey", "duePk", "dueSk", "admins"} {
		if tombstone[attribute] != nil {
			t.Errorf("the tombstone has %s", attribute)
		}
	}
	want := []string{"WS#" + tn.id + " RECIPIENT#" + users[0].ID, "WS#" + tn.id + " RECIPIENT#" + users[1].ID, "WS#" + tn.id + " WORKSPACE"}
	if got := slices.Sorted(maps.Keys(left)); !slices.Equal(got, slices.Sorted(slices.Values(want))) {
		t.Errorf("left are %v, want %v", got, want)
	}
	if !reflect.DeepEqual(tn.others(), others) {
		t.Error("something of another workspace, or of a recipient, has changed")
	}
	founded.Slug = had["WS#"+tn.id+" WORKSPACE"]["slug"].(string)
	founded.ID = d.newID()
	d.check("the slug is free", d.Store.InsertWorkspace(t.Context(), founded, nil, 1000))
	t.Logf("%d items erased, %d runs killed", len(had)-len(want), kills)
	same(t, "restored", fault.Code(tn.tryRestoreAll()), workspace.ErrNotFound.Code)
	again, err := tn.eraseAll(t.Context())
	if d.check("erase once more", err); again {
		t.Error("it is erased twice")
	}
}

func ignore(_ store.Claim, err error) error { return err }

// A run that is out of time stops between two pages.
func TestAnErasureStopsInTime(t *testing.T) {
	d := newDeployment(t)
	tn := d.found(workspace.Patch{})
	d.pass(time.Hour)
	tn.delete()
	d.pass(30 * day)
	for range 3 {
		erased, err := tn.EraseWorkspace(t.Context(), tn.id, d.now, time.Now().Add(-time.Second), time.Now)
		if d.check("erase", err); erased {
			t.Error("it is erased without any time")
		}
		same(t, "stage", tn.operator().Deleted.Stage, workspace.StageErasing)
	}
	_, err := tn.eraseAll(t.Context())
	d.check("erase", err)
	same(t, "stage", tn.operator().Deleted.Stage, workspace.StageEmptied)
}

// Many delete and restore a workspace while others invite, accept and edit in
// it: whatever wins, each of its items is right.
func TestDeletingRaces(t *testing.T) {
	d := newDeployment(t)
	tn := d.found(workspace.Patch{SeatLimit: is(1000)})
	admin := person("second@corp.com")
	admin.Role = user.Admin
	v, err := tn.tryInvite(admin, invitation.Call{})
	d.check("invite an admin", err)
	pending := []user.User{v.User}
	for i := range 10 {
		pending = append(pending, tn.invite(fmt.Sprintf("pending-%d@corp.com", i)))
	}
	var deleted, restored, gone, others atomic.Int64
	note := func(done *atomic.Int64, err error) {
		switch code := fault.Code(err); {
		case err == nil:
			done.Add(1)
		case code == "workspace_not_found" || code == "invitation_not_found":
			gone.Add(1)
		case code == "status_conflict" || code == "inviter_not_admin":
		default:
			t.Errorf("%v", err)
		}
	}
	ctx, now := t.Context(), d.now.Add(time.Minute)
	load := func(want store.Want, who string) (access.Grant, error) {
		want.Workspace = tn.id
		st, err := tn.Store.Load(ctx, want)
		if err == nil && who != backend && !st.Workspace.Exists() {
			err = workspace.ErrNotFound
		}
		return access.Grant{State: st, Actor: who, Email: tn.email}, err
	}
	work := []func(i int){
		func(int) {
			g, err := load(store.Want{}, tn.admin)
			if err == nil {
				_, err = tn.DeleteWorkspace(ctx, g, now)
			}
			note(&deleted, err)
		},
		func(int) {
			g, err := load(store.Want{}, backend)
			if err == nil {
				_, err = tn.RestoreWorkspace(ctx, g, now)
			}
			note(&restored, err)
		},
		func(i int) {
			p := person(fmt.Sprintf("new-%d@corp.com", i))
			want := invitation.Needs(p, invitation.Call{})
			want.Inviter = tn.email
			g, err := load(want, tn.admin)
			if err == nil {
				_, err = tn.Invite(ctx, g, p, invitation.Call{}, now)
			}
			note(&others, err)
		},
		func(i int) {
			u := pending[i%len(pending)]
			o, err := tn.Follow(ctx, d.token(link.Accept, u), u.Email, now)
			if err == nil {
				_, err = tn.Accept(ctx, o, guest(u.Email), now)
			}
			note(&others, err)
		},
		func(i int) {
			g, err := load(store.Want{Counts: true, Inviter: tn.email}, tn.admin)
			if err == nil {
				_, err = tn.ChangeWorkspace(ctx, g, workspace.Patch{SeatLimit: is(900 + i)}, now)
			}
			note(&others, err)
		},
	}
	var all sync.WaitGroup
	for i := range 60 {
		all.Go(func() { work[i%len(work)](i / len(work)) })
	}
	all.Wait()
	if tn.operator().Deleted.ID != "" {
		d.now = now
		d.check("restore", tn.tryRestoreAll())
	}
	byStatus, seats, admins := map[user.Status]int{}, 0, 0
	for key, item := range tn.own() {
		if !strings.Contains(key, " USER#") {
			continue
		}
		status := user.Status(item["status"].(string))
		byStatus[status]++
		if status.Pending() || status == user.Active {
			seats++
		}
		if status == user.Active && item["role"] == "admin" {
			admins++
		}
	}
	counts := tn.counts()
	maps.DeleteFunc(counts, func(_ user.Status, n int) bool { return n == 0 })
	if !maps.Equal(byStatus, counts) {
		t.Errorf("the tally says %v, the table has %v", counts, byStatus)
	}
	w := tn.workspace()
	same(t, "admins", w.Admins, admins)
	same(t, "free seats", tn.grant("", store.Want{AllCounts: true}).Seats(), w.SeatLimit-seats)
	t.Logf("%d deletions, %d restorations, %d other changes, %d found it gone", deleted.Load(), restored.Load(), others.Load(), gone.Load())
	if deleted.Load() == 0 {
		t.Error("nobody deleted it")
	}
}

// A person archived everywhere is archived in deleted workspaces, too, and the
// answer does not list these.
func TestADepartureReachesDeletedWorkspaces(t *testing.T) {
	d := newDeployment(t)
	tn := d.found(workspace.Patch{})
	john := tn.invite("john@corp.com")
	d.accept(john)
	tn.delete()
	d.pass(time.Minute)
	same(t, "workspaces", len(d.departed(john.Email)), 0)
	same(t, "workspaces of the last admin", len(d.departed(tn.email)), 0)
	d.pass(2 * time.Minute)
	d.leave(tn.email)
	same(t, "the departure stands", d.isLeaving(tn.email), false)
	d.check("restore", tn.tryRestoreAll())
	same(t, "status", tn.load(john.ID).Status, user.Archived)
	same(t, "the last admin", tn.load(tn.admin).Status, user.Active)
}

// What the mail service says about an address holds, whatever became of the
// workspace that mailed it.
func TestNoticesOfADeletedWorkspaceAreFacts(t *testing.T) {
	d := newDeployment(t)
	tn, other := d.found(workspace.Patch{}), d.found(workspace.Patch{})
	bounced, complained := tn.invite("bounced@corp.com"), tn.invite("complained@corp.com")
	tn.delete()
	d.learn(bounced, bounce)
	d.learn(complained, complaint)
	_, err := other.tryInvite(person("bounced@corp.com"), invitation.Call{})
	isFault(t, "invited elsewhere", err, user.ErrUndeliverable.Code)
	d.check("restore", tn.tryRestoreAll())
	_, err = tn.resend(complained, mailed)
	has(t, "sent again", err, user.ErrComplained)
	d.pass(time.Hour)
	tn.delete()
	d.pass(30 * day)
	for range 2 {
		_, err = tn.eraseAll(t.Context())
		d.check("erase", err)
		d.pass(workspace.Stragglers)
	}
	left := len(tn.own())
	d.learn(complained, complaint)
	d.learn(tenant{d, tn.id, "", ""}.ghost("late@corp.com"), bounce)
	same(t, "items after late notices", len(tn.own()), left)
}

// ghost is a user of whom the table holds nothing.
func (tn tenant) ghost(email string) user.User {
	return user.User{WorkspaceID: tn.id, ID: user.IDFor(tn.id, email), Email: email}
}
