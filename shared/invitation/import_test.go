package invitation_test

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/latchkey/latchkey/shared/fault"
	"github.com/latchkey/latchkey/shared/invitation"
	"github.com/latchkey/latchkey/shared/store"
	"github.com/latchkey/latchkey/shared/user"
	"github.com/latchkey/latchkey/shared/workspace"
)

// list is an import of a tenant.
type list struct {
	tenant
	id string
}

// prepare makes an import of these people, some at a time.
func (tn tenant) prepare(people []invitation.Person, atOnce int) list {
	tn.t.Helper()
	i, _, err := tn.CreateImport(tn.t.Context(), tn.grant(""), invitation.Call{}, tn.now)
	tn.check("create an import", err)
	l := list{tn, i.ID}
	for first := 0; first < len(people); first += atOnce {
		chunk := people[first:min(first+atOnce, len(people))]
		_, err := l.add(first+1, chunk)
		tn.check("add rows", err)
	}
	return l
}

func (l list) add(first int, people []invitation.Person) (workspace.Import, error) {
	l.t.Helper()
	return l.AddImportRows(l.t.Context(), l.grant("", store.Want{Import: l.id}), first, people, fmt.Sprint(people), l.now)
}

func (l list) start() {
	l.t.Helper()
	_, err := l.StartImport(l.t.Context(), l.grant("", store.Want{Import: l.id}), l.now)
	l.check("start", err)
}

func (l list) cancel() (workspace.Import, error) {
	return l.CancelImport(l.t.Context(), l.grant("", store.Want{Import: l.id}), l.now)
}

func (l list) load() workspace.Import {
	l.t.Helper()
	return l.grant("", store.Want{Import: l.id}).Import
}

func (l list) turn() store.ImportTurn {
	return store.ImportTurn{WorkspaceID: l.tenant.id, ImportID: l.id, Version: l.load().Version}
}

func (l list) step(ctx context.Context) error {
	_, err := l.StepImport(ctx, l.turn(), l.now)
	return err
}

// finish takes steps until none is due, as the stream would.
func (l list) finish() workspace.Import {
	l.t.Helper()
	for l.load().IsBusy() {
		l.check("a step", l.step(l.t.Context()))
	}
	return l.load()
}

func every(invitation.Kind) bool { return true }

// report reads the whole report, a few rows at a time.
func (l list) report() (rows []invitation.ReportRow) {
	l.t.Helper()
	var at invitation.Place
	for {
		page, next, err := l.ImportReport(l.t.Context(), l.grant("", store.Want{Import: l.id}).State, every, at, 7)
		l.check("read the report", err)
		rows = append(rows, page...)
		if next == (invitation.Place{}) {
			return rows
		}
		at = next
	}
}

// kinds are the outcomes of the report, by their first letters; a dot waits.
func (l list) kinds() string {
	l.t.Helper()
	var kinds strings.Builder
	for n, row := range l.report() {
		same(l.t, "the number of a row", row.Number, n+1)
		kinds.WriteString((string(row.Kind) + ".")[:1])
	}
	return kinds.String()
}

func (l list) hasStatus(want workspace.ImportStatus) {
	l.t.Helper()
	same(l.t, "the import's status", l.load().Status, want)
}

func TestImportReportsEveryRow(t *testing.T) {
	d := newDeployment(t)
	tn := d.found(workspace.Patch{})
	known := tn.invite("known@corp.com")
	bad := invitation.NewPerson(invitation.Person{Details: user.Details{Name: "", Email: "bad", Role: "boss"}})
	stranger := invitation.NewPerson(invitation.Person{Details: user.Details{Name: "No Group", Email: "nogroup@corp.com", Role: user.EndUser, Groups: []string{"none"}}})
	secret := person("secret@corp.com")
	secret.Metadata = []byte(`{"k":"<v>"}`)
	l := tn.prepare([]invitation.Person{
		person("a@corp.com"), person("known@corp.com"), bad, person("A@corp.com"),
		stranger, person("a@corp.com"), secret,
	}, 4)
	l.start()
	i := l.finish()
	same(t, "the status", i.Status, workspace.ImportDone)
	same(t, "the outcomes", l.kinds(), "cerrrec")
	same(t, "the counts", i.Counts, workspace.ImportCounts{Processed: 7, Created: 2, Exists: 2, Failed: 3})
	rows := l.report()
	same(t, "the person who exists", rows[1].User.ID, known.ID)
	same(t, "bad fields that are named", len(rows[2].Errors), 3)
	same(t, "what is said of a repeat", rows[3].Errors[0].Detail, "Row 1 has the same address.")
	same(t, "the group that does not exist", rows[4].Errors[0].Pointer, "/groups/0")
	same(t, "who was refused", rows[4].Typed.Email+" "+rows[4].Typed.Groups[0], "nogroup@corp.com none")
	if rows[0].Shown() != nil {
		t.Error("the person is kept beside their record")
	}
	u := tn.load(rows[6].UserID)
	box, err := d.DataKeys.Open(t.Context(), tn.workspace())
	d.check("open the data key", err)
	metadata, err := box.Metadata(u)
	d.check("read metadata", err)
	same(t, "the metadata", string(metadata), `{"k":"<v>"}`)
	same(t, "metadata of who has none", len(tn.load(rows[0].UserID).SealedMetadata), 0)
}

// Everybody is invited once, whichever call a step is killed before.
func TestImportGoesOnAfterAKillAtEachCall(t *testing.T) {
	d := newDeployment(t)
	kills := 0
	for n := 1; ; n++ {
		d.pass(day) // the same people have another mail
		tn := d.found(workspace.Patch{})
		l := tn.prepare(people(40), 38) // transactions of 36 and 2, and another 2
		l.start()
		turn := l.turn()
		ctx, kill := context.WithCancel(t.Context())
		var mu sync.Mutex
		calls := 0
		d.listen(func(string, string) {
			mu.Lock()
			defer mu.Unlock()
			if calls++; calls == n {
				kill()
			}
		})
		_, err := l.StepImport(ctx, turn, l.now)
		d.listen(nil)
		kill()
		if err == nil && calls < n {
			break
		}
		kills++
		i := l.finish()
		same(t, fmt.Sprintf("the counts after a kill before call %d", n), i.Counts, workspace.ImportCounts{Processed: 40, Created: 40})
		same(t, "the outcomes", l.kinds(), strings.Repeat("c", 40))
		same(t, "users", tn.counts()[user.Requested], 40)
		same(t, "mails of the day", tn.asked(), 40)
	}
	if kills < 8 {
		t.Errorf("a step was killed %d times", kills)
	}
}

func TestTwoWorkersInviteEverybodyOnce(t *testing.T) {
	d := newDeployment(t)
	tn := d.found(workspace.Patch{})
	l := tn.prepare(people(60), 20)
	l.start()
	var workers sync.WaitGroup
	for range 2 {
		workers.Go(func() {
			for l.load().IsBusy() {
				if err := l.step(t.Context()); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	workers.Wait()
	same(t, "the counts", l.load().Counts, workspace.ImportCounts{Processed: 60, Created: 60})
	same(t, "the outcomes", l.kinds(), strings.Repeat("c", 60))
	same(t, "users", tn.counts()[user.Requested], 60)
	same(t, "mails of the day", tn.asked(), 60)
}

func TestATurnIsTakenOnce(t *testing.T) {
	d := newDeployment(t)
	tn := d.found(workspace.Patch{})
	l := tn.prepare(people(4), 2)
	l.start()
	turn := l.turn()
	for range 2 { // the stream delivers at least once
		_, err := l.StepImport(t.Context(), turn, l.now)
		d.check("a step", err)
	}
	same(t, "the outcomes", l.kinds(), "cc..")
}

// The report of a canceled import names exactly those who were invited, whenever
// it was canceled.
func TestCancelEndsAnImportBetweenChunks(t *testing.T) {
	d := newDeployment(t)
	t.Run("before the first", func(t *testing.T) {
		l := d.found(workspace.Patch{}).prepare(people(4), 2)
		_, err := l.cancel()
		d.check("cancel", err)
		l.hasStatus(workspace.ImportCanceled)
		_, err = l.StartImport(t.Context(), l.grant("", store.Want{Import: l.id}), l.now)
		isFault(t, "start", err, "import_canceled")
		_, err = l.add(5, people(1))
		isFault(t, "add rows", err, "import_canceled")
	})
	t.Run("between two", func(t *testing.T) {
		l := d.found(workspace.Patch{}).prepare(people(4), 2)
		l.start()
		d.check("a step", l.step(t.Context()))
		_, err := l.cancel()
		d.check("cancel", err)
		l.hasStatus(workspace.ImportCanceling)
		same(t, "the status", l.finish().Status, workspace.ImportCanceled)
		same(t, "the outcomes", l.kinds(), "cc..")
		same(t, "users", l.counts()[user.Requested], 2)
	})
	t.Run("while a step is under way", func(t *testing.T) {
		l := d.found(workspace.Patch{}).prepare(people(80), 40)
		l.start()
		turn := l.turn()
		var once sync.Once
		d.listen(func(operation, _ string) {
			if operation == "TransactWriteItems" {
				once.Do(func() {
					d.listen(nil)
					_, err := l.cancel()
					d.check("cancel", err)
				})
			}
		})
		_, err := l.StepImport(t.Context(), turn, l.now)
		d.check("the step", err)
		l.hasStatus(workspace.ImportCanceled)
		same(t, "the outcomes", l.kinds(), strings.Repeat("c", 40)+strings.Repeat(".", 40))
		same(t, "users", l.counts()[user.Requested], 40)
	})
	t.Run("after a step was killed half-way", func(t *testing.T) {
		d.pass(day) // the same people have another mail
		l := d.found(workspace.Patch{}).prepare(people(80), 40)
		l.start()
		ctx, kill := context.WithCancel(t.Context())
		defer kill()
		writes := 0
		d.listen(func(operation, _ string) {
			if operation == "TransactWriteItems" {
				if writes++; writes == 2 {
					kill()
				}
			}
		})
		if err := l.step(ctx); err == nil {
			t.Fatal("the step was not killed")
		}
		d.listen(nil)
		_, err := l.cancel()
		d.check("cancel", err)
		same(t, "the counts", l.finish().Counts, workspace.ImportCounts{Processed: 36, Created: 36})
		l.hasStatus(workspace.ImportCanceled)
		same(t, "the outcomes", l.kinds(), strings.Repeat("c", 36)+strings.Repeat(".", 44))
		same(t, "users", l.counts()[user.Requested], 36)
	})
	t.Run("at the end", func(t *testing.T) {
		l := d.found(workspace.Patch{}).prepare(people(2), 2)
		l.start()
		l.finish()
		_, err := l.cancel()
		isFault(t, "cancel", err, "import_done")
		l.start()
		l.hasStatus(workspace.ImportDone)
	})
}

func TestRowsAreAddedOnceAndInOrder(t *testing.T) {
	d := newDeployment(t)
	l := d.found(workspace.Patch{}).prepare(people(4), 2)
	again, err := l.add(3, people(4)[2:])
	d.check("repeat a chunk", err)
	same(t, "rows", again.Rows, 4)
	for what, first := range map[string]int{"another chunk in the same place": 3, "an overlap": 2, "a gap": 6} {
		_, err := l.add(first, people(1))
		isFault(t, what, err, "import_rows_conflict")
	}
	var adding sync.WaitGroup
	for range 4 {
		adding.Go(func() {
			_, err := l.add(5, people(6)[4:])
			d.check("add rows at once", err)
		})
	}
	adding.Wait()
	same(t, "rows", l.load().Rows, 6)
	l.start()
	_, err = l.add(7, people(1))
	isFault(t, "add after the start", err, "import_started")
	_, err = l.add(5, people(6)[4:])
	d.check("repeat after the start", err)
	same(t, "the outcomes", func() string { l.finish(); return l.kinds() }(), "cccccc")
}

func TestCreateImportIsIdempotent(t *testing.T) {
	d := newDeployment(t)
	tn := d.found(workspace.Patch{})
	call := invitation.Call{Key: "key", Body: "body"}
	first, replayed, err := tn.CreateImport(t.Context(), tn.grant(""), call, tn.now)
	d.check("create", err)
	same(t, "replayed", replayed, false)
	second, replayed, err := tn.CreateImport(t.Context(), tn.grant(""), call, tn.now)
	d.check("repeat", err)
	same(t, "replayed", replayed, true)
	same(t, "the import", second.ID, first.ID)
	imports, err := tn.Imports(t.Context(), tn.grant(""), tn.now)
	d.check("list", err)
	same(t, "imports", len(imports), 1)
	for range workspace.MaxImports - 1 {
		tn.prepare(nil, 1)
	}
	for range 2 { // a repeat is no way around the limit
		_, _, err = tn.CreateImport(t.Context(), tn.grant(""), invitation.Call{Key: "other", Body: "body"}, tn.now)
		has(t, "one more", err, workspace.ErrTooManyImports)
	}
	tn.pass(workspace.ImportKept)
	imports, err = tn.Imports(t.Context(), tn.grant(""), tn.now)
	d.check("list", err)
	same(t, "imports a month later", len(imports), 0)
	_, err = list{tn, first.ID}.cancel()
	has(t, "cancel one a month later", err, workspace.ErrImportNotFound)
}

// People are invited in the name of who started the import, as long as they may.
func TestImportStopsWithTheAuthorityOfWhoStartedIt(t *testing.T) {
	d := newDeployment(t)
	tn := d.found(workspace.Patch{})
	second := invitation.NewPerson(invitation.Person{Details: user.Details{Name: "Second Admin", Email: "second@corp.com", Role: user.Admin}, SendEmail: true})
	v, err := tn.tryInvite(second, invitation.Call{})
	d.check("invite an admin", err)
	admin := d.accept(v.User)
	l := tn.prepare(people(4), 2)
	g := l.grant("", store.Want{Import: l.id})
	g.Actor = admin.ID
	_, err = l.StartImport(t.Context(), g, l.now)
	d.check("start", err)
	d.check("a step", l.step(t.Context()))
	same(t, "the inviter", tn.load(l.report()[0].UserID).Invitation.InvitedBy, admin.ID)
	tn.archive(admin)
	i := l.finish()
	same(t, "the status", i.Status, workspace.ImportStopped)
	same(t, "why", i.StoppedBy, "admin_required")
	l.start()
	same(t, "the status", l.finish().Status, workspace.ImportDone)
	same(t, "the outcomes", l.kinds(), "cccc")
}

// A deleted workspace invites nobody, and goes on once it is restored.
func TestImportWaitsInADeletedWorkspace(t *testing.T) {
	d := newDeployment(t)
	tn := d.found(workspace.Patch{})
	l := tn.prepare(people(2), 2)
	l.start()
	turn := l.turn()
	_, err := tn.DeleteWorkspace(t.Context(), tn.grant(""), tn.now)
	d.check("delete", err)
	_, err = l.StepImport(t.Context(), turn, l.now)
	d.check("a step", err)
	l.pass(workspace.ImportStalled)
	_, err = d.ReviveImport(t.Context(), tn.id, l.id, d.now)
	has(t, "revive", err, workspace.ErrNotFound)
	same(t, "users", tn.counts()[user.Requested], 0)
	_, err = tn.RestoreWorkspace(t.Context(), tn.grant(""), d.now)
	d.check("restore", err)
	revived, err := d.ReviveImport(t.Context(), tn.id, l.id, d.now)
	d.check("revive", err)
	same(t, "revived", revived, true)
	same(t, "the status", l.finish().Status, workspace.ImportDone)
}

func TestAStalledImportFallsDue(t *testing.T) {
	d := newDeployment(t)
	l := d.found(workspace.Patch{}).prepare(people(2), 2)
	due := func() (found bool) {
		overdue, err := d.Store.ListDue(t.Context(), d.now)
		d.check("list what is due", err)
		for {
			one, ok, err := overdue.Next(t.Context())
			d.check("go on", err)
			if !ok {
				return found
			}
			found = found || one.ImportID == l.id && one.WorkspaceID == l.tenant.id
		}
	}
	d.pass(time.Hour)
	same(t, "an import that was not started is due", due(), false)
	l.now = d.now
	l.start()
	same(t, "a running one is due at once", due(), false)
	d.pass(workspace.ImportStalled)
	same(t, "a stalled one is due", due(), true)
	before := l.load().Version
	for range 20 {
		_, err := d.ReviveImport(t.Context(), l.tenant.id, l.id, d.now)
		d.check("revive", err)
		d.pass(workspace.ImportStalled)
	}
	i := l.load()
	same(t, "versions", i.Version-before, 13)
	same(t, "the status of one that never goes on", i.Status, workspace.ImportStopped)
	same(t, "a stopped one is due", due(), false)
	l.start()
	l.finish()
	same(t, "the outcomes", l.kinds(), "cc")
}

func TestImportSchedulesMailsBeyondTheLimit(t *testing.T) {
	d := newDeployment(t)
	d.Limits = daily(30)
	l := d.found(workspace.Patch{}).prepare(people(80), 40)
	l.start()
	i := l.finish()
	same(t, "the counts", i.Counts, workspace.ImportCounts{Processed: 80, Created: 80, Scheduled: 50})
	rows := l.report()
	same(t, "when the 31st leaves", rows[30].User.Invitation.ScheduledFor, user.Tomorrow(d.now))
	same(t, "when the last leaves", rows[79].User.Invitation.ScheduledFor, user.Tomorrow(d.now).Add(day))
}

func TestAPausedWorkspaceStopsItsImport(t *testing.T) {
	d := newDeployment(t)
	tn := d.found(workspace.Patch{})
	l := tn.prepare(people(2), 2)
	l.start()
	tn.patch(workspace.Patch{Paused: is(true)})
	i := l.finish()
	same(t, "the status", i.Status, workspace.ImportStopped)
	same(t, "why", i.StoppedBy, workspace.ErrPaused.Code)
}

// Erasing a person removes what imports hold of them, done or not.
func TestErasureReachesTheRowsOfImports(t *testing.T) {
	d := newDeployment(t)
	tn := d.found(workspace.Patch{})
	u := d.decline(tn.invite("gone@corp.com"))
	refused := invitation.NewPerson(invitation.Person{Details: user.Details{Name: "Gone", Email: "gone@corp.com", Role: user.EndUser, Groups: []string{"none"}}})
	done := tn.prepare([]invitation.Person{refused, person("stays@corp.com")}, 10)
	done.start()
	done.finish()
	same(t, "who was refused", done.report()[0].Typed.Email, "gone@corp.com")
	waiting := tn.prepare([]invitation.Person{person("other@corp.com"), person("gone@corp.com")}, 10)

	tn.erase(u)

	row := done.report()[0]
	if row.Shown() != nil {
		t.Errorf("a refused row still shows %v", row.Shown())
	}
	same(t, "why it was refused", row.Errors[0].Code, "unknown_group")
	if waiting.report()[1].Shown() != nil {
		t.Error("a row that waits still holds the person")
	}
	waiting.start()
	waiting.finish()
	same(t, "the outcomes", waiting.kinds(), "cr")
	same(t, "why", waiting.report()[1].Errors[0].Code, "user_erased")
	same(t, "the person exists", tn.exists("gone@corp.com"), false)
}

// A chunk is a tenth of its size in the table, and no larger than an item may be.
func TestRowsThatAreTooLargeAreRefused(t *testing.T) {
	d := newDeployment(t)
	l := d.found(workspace.Patch{}).prepare(nil, 1)
	many := make([]invitation.Person, 500)
	for n := range many {
		many[n] = person(address(n))
		many[n].Wrong = fault.Fields{{Pointer: "/x", Code: "x", Detail: noise(t, 1000)}}
	}
	_, err := l.add(1, many)
	isFault(t, "half a megabyte of noise", err, "body_too_large")
	same(t, "rows", l.load().Rows, 0)
}

// noise is text that cannot be compressed to less than half.
func noise(t *testing.T, n int) string {
	t.Helper()
	raw := make([]byte, n)
	_, err := rand.Read(raw)
	if err != nil {
		t.Fatal(err)
	}
	return hex.EncodeToString(raw)
}
