package main

import (
	"context"
	"fmt"
	"mime"
	"time"

	"github.com/latchkey/latchkey/shared/access"
	"github.com/latchkey/latchkey/shared/fault"
	"github.com/latchkey/latchkey/shared/httpapi"
	"github.com/latchkey/latchkey/shared/sheet"
	"github.com/latchkey/latchkey/shared/store"
	"github.com/latchkey/latchkey/shared/user"
	"github.com/latchkey/latchkey/shared/workspace"
)

// maxRows is how many people one call invites.
const maxRows = 500

// The outcomes of rows, beside httpapi.Failed.
const (
	outcomeCreated = "created"
	outcomeExists  = "exists"
	outcomeResent  = "resent"
)

// row is one person of a batch on the way.
type row struct {
	httpapi.Result
	in       *httpapi.Object
	inv      invitation
	user     user.User // who is to be inserted; zero where nobody is
	inserted bool      // by this very run, and not by another one with its key
}

// wants is true for a row that nothing speaks against so far.
func (w *row) wants() bool { return w.Outcome == "" }

type invited struct {
	Results []httpapi.Result `json:"results"`
	DryRun  bool             `json:"dryRun"`
}

// inviteMany invites up to 500 people, each as inviteUser would. One bad row
// spoils no other: every row has an outcome of its own.
func (h handler) inviteMany(ctx context.Context, r *httpapi.Request) (httpapi.Response, error) {
	g, err := access.Admin(ctx, h.store, r, store.Want{})
	if err != nil {
		return httpapi.Response{}, err
	}
	dryRun, err := readDryRun(r)
	if err != nil {
		return httpapi.Response{}, err
	}
	rows, err := readRows(r)
	if err != nil {
		return httpapi.Response{}, err
	}
	if g.Workspace.Paused {
		return httpapi.Response{}, workspace.ErrPaused
	}
	key, err := requestKey(r, "inviteUsers")
	if err != nil {
		return httpapi.Response{}, err
	}
	if dryRun {
		key = ""
	}
	if key != "" {
		before, err := h.store.InsertAnswer(ctx, g.Workspace.ID, store.Answer{Key: key, Body: bodyOf(r), Until: r.Now.Add(answersKept)}, r.Now)
		switch {
		case err != nil:
			return httpapi.Response{}, err
		case before.Key != "" && before.Body != bodyOf(r):
			return httpapi.Response{}, errMismatch
		}
	}
	err = h.prepare(ctx, g, rows, key, r.Now)
	if err != nil {
		return httpapi.Response{}, err
	}
	if dryRun {
		err = h.foresee(ctx, g, rows, r.Now)
	} else {
		err = h.insert(ctx, g, rows, r.Now)
	}
	if err != nil {
		return httpapi.Response{}, err
	}
	out := invited{Results: make([]httpapi.Result, len(rows)), DryRun: dryRun}
	for i, w := range rows {
		out.Results[i] = w.Result
	}
	return httpapi.OK(out), nil
}

func readDryRun(r *httpapi.Request) (bool, error) {
	var fields fault.Fields
	dryRun := false
	for name, value := range r.Query {
		switch {
		case name != "dryRun":
			fields.Add("?"+name, "unknown_parameter", "There is no such parameter.")
		case value != "true" && value != "false":
			fields.Add("?dryRun", "invalid_boolean", "This is true or false.")
		default:
			dryRun = value == "true"
		}
	}
	return dryRun, fields.Err()
}

var errMediaType = fault.New(fault.Unsupported, "unsupported_media_type", "Send application/json or text/csv, and say which in Content-Type.")

// readRows reads the people of a batch and checks each by itself.
func readRows(r *httpapi.Request) ([]*row, error) {
	var rows []*row
	mediaType, _, err := mime.ParseMediaType(r.Header["content-type"])
	switch {
	case err == nil && mediaType == "text/csv":
		lines, err := sheet.Read(r.Body)
		if err != nil {
			return nil, err
		}
		for _, line := range lines {
			rows = append(rows, &row{Result: httpapi.Result{Line: line.Line}, in: httpapi.NewObject(line.Members, line.Wrong)})
		}
	case r.Header["content-type"] == "" || err == nil && mediaType == "application/json":
		in, err := r.Object()
		if err != nil {
			return nil, err
		}
		for _, object := range in.Objects("users") {
			rows = append(rows, &row{in: object})
		}
		if err := in.Err(); err != nil {
			return nil, err
		}
	default:
		return nil, errMediaType
	}
	var fields fault.Fields
	switch {
	case len(rows) == 0:
		fields.Add("/users", "required", "At least one person is needed.")
	case len(rows) > maxRows:
		fields.Add("/users", "too_many", fmt.Sprintf("One call invites %d people at most.", maxRows))
	}
	if err := fields.Err(); err != nil {
		return nil, err
	}
	for i, w := range rows {
		w.Row = i + 1
		if w.in.Bad("") { // no object at all, or a row of the wrong length
			w.fail(w.in.Errors)
			continue
		}
		w.inv = readInvitation(w.in)
	}
	return rows, nil
}

func (w *row) fail(fields fault.Fields) { w.Outcome, w.Errors = httpapi.Failed, fields }

// prepare reads what the rows depend on, and finds for each whether it is to
// be inserted. A user whom the same call made before, as its Idempotency-Key
// shows, was created.
func (h handler) prepare(ctx context.Context, g access.Grant, rows []*row, key string, now time.Time) error {
	want := store.Want{Workspace: g.Workspace.ID}
	first := map[string]int{} // by user id: the row that names them
	for _, w := range rows {
		if !w.wants() {
			continue
		}
		want.Groups = append(want.Groups, validGroups(w.inv.Groups)...)
		if w.in.Bad("email") {
			continue
		}
		userID := user.IDFor(g.Workspace.ID, w.inv.Email)
		if earlier, twice := first[userID]; twice {
			w.in.Errors.Add("/email", "duplicate", fmt.Sprintf("The same address is in row %d.", earlier))
			continue
		}
		first[userID] = w.Row
		want.Users = append(want.Users, userID)
		want.Emails = append(want.Emails, w.inv.Email)
	}
	snap, err := h.store.Load(ctx, want)
	if err != nil {
		return err
	}
	g.Erased = snap.Erased
	for _, w := range rows {
		if !w.wants() {
			continue
		}
		w.in.Merge(w.inv.allow(g.Workspace, snap.Groups))
		if err := w.in.Err(); err != nil {
			w.fail(w.in.Errors)
			continue
		}
		if existing, ok := snap.Users[user.IDFor(g.Workspace.ID, w.inv.Email)]; ok {
			w.exists(existing, key, now)
			continue
		}
		w.user, err = h.newUser(ctx, g, w.inv, snap.Accounts[user.EmailKey(w.inv.Email)], now)
		w.user.Request = key
		if err != nil {
			if err := w.Fail(err); err != nil {
				return err
			}
		}
	}
	return nil
}

func (w *row) exists(u user.User, key string, now time.Time) {
	w.Outcome = outcomeExists
	if key != "" && u.Request == key {
		w.Outcome = outcomeCreated
	}
	w.show(u, now)
}

func (w *row) show(u user.User, now time.Time) {
	shown := httpapi.ShowUser(u, now)
	w.User = &shown
}

// insert writes the users, as far as the day's mails and the seats go, in the
// order of the rows.
func (h handler) insert(ctx context.Context, g access.Grant, rows []*row, now time.Time) error {
	by := g.Sender(h.limits)
	granted, refused, err := h.store.ReserveMails(ctx, by, mails(rows), now)
	if err != nil {
		return err
	}
	err = cut(rows, granted, refused)
	if err != nil {
		return err
	}
	reserved := wanted(rows)
	pending := reserved
	err = g.Seated(ctx, h.store, now, h.random, func() error {
		users := make([]user.User, len(pending))
		for i, w := range pending {
			users[i] = w.user
		}
		done, err := h.store.InsertUsers(ctx, users, store.Answer{}, now)
		var left []*row
		for _, w := range pending {
			existing, exists := done.Existing[w.user.ID]
			switch {
			case done.Seatless[w.user.ID]:
				left = append(left, w)
			case exists: // invited by somebody else since we looked
				w.exists(existing, w.user.Request, now)
			case err == nil:
				w.Outcome, w.inserted = outcomeCreated, true
				w.show(w.user, now)
			}
		}
		pending = left
		if err == nil && len(left) > 0 {
			err = workspace.ErrSeatLimit
		}
		return err
	})
	if err != nil && fault.Code(err) != workspace.ErrSeatLimit.Code {
		return err
	}
	for _, w := range pending {
		if err := w.Fail(workspace.ErrSeatLimit); err != nil {
			return err
		}
	}
	unsent := 0
	for _, w := range reserved {
		if w.inv.sendEmail && !w.inserted {
			unsent++
		}
	}
	return h.store.ReturnMails(ctx, by, unsent, now)
}

// wanted are the rows that nothing speaks against.
func wanted(rows []*row) []*row {
	var wanted []*row
	for _, w := range rows {
		if w.wants() {
			wanted = append(wanted, w)
		}
	}
	return wanted
}

// mails is how many mails the wanted rows call for.
func mails(rows []*row) int {
	n := 0
	for _, w := range wanted(rows) {
		if w.inv.sendEmail {
			n++
		}
	}
	return n
}

// cut fails those rows for whose mail the limits leave no room.
func cut(rows []*row, granted int, refused error) error {
	for _, w := range wanted(rows) {
		if !w.inv.sendEmail {
			continue
		}
		if granted--; granted < 0 {
			if err := w.Fail(refused); err != nil {
				return err
			}
		}
	}
	return nil
}

// foresee says what insert would come to, and writes nothing.
func (h handler) foresee(ctx context.Context, g access.Grant, rows []*row, now time.Time) error {
	granted, refused, err := h.store.MailsLeft(ctx, g.Sender(h.limits), mails(rows), now)
	if err != nil {
		return err
	}
	err = cut(rows, granted, refused)
	if err != nil {
		return err
	}
	seats, err := h.seats(ctx, g, len(wanted(rows)), now)
	if err != nil {
		return err
	}
	for _, w := range wanted(rows) {
		if seats--; seats >= 0 {
			w.Outcome = outcomeCreated
		} else if err := w.Fail(workspace.ErrSeatLimit); err != nil {
			return err
		}
	}
	return nil
}

// seats is how many of n seats there would be; those count that a real call
// would free, because the clock has ended an invitation.
func (h handler) seats(ctx context.Context, g access.Grant, n int, now time.Time) (int, error) {
	if g.Workspace.SeatLimit == 0 {
		return n, nil
	}
	left, err := h.store.SeatsLeft(ctx, g.Workspace.ID)
	if err != nil || left >= n {
		return left, err
	}
	lapsed, err := h.store.SeatsToFree(ctx, g.Workspace.ID, now)
	return left + lapsed, err
}

// sideBySide is how many users a batch changes at the same time.
const sideBySide = 8

// resendMany sends up to 100 invitations again, each as resendInvitation would.
func (h handler) resendMany(ctx context.Context, r *httpapi.Request) (httpapi.Response, error) {
	g, err := access.Admin(ctx, h.store, r, store.Want{})
	if err != nil {
		return httpapi.Response{}, err
	}
	in, err := r.Object()
	if err != nil {
		return httpapi.Response{}, err
	}
	ids, how := in.IDs("users"), readAgain(in)
	if err := in.Err(); err != nil {
		return httpapi.Response{}, err
	}
	targets, err := access.Targets(ctx, h.store, g, ids)
	if err != nil {
		return httpapi.Response{}, err
	}
	want := store.Want{}
	for _, u := range targets.Found {
		want.Emails = append(want.Emails, u.Email)
	}
	accounts, err := h.store.Load(ctx, want)
	if err != nil {
		return httpapi.Response{}, err
	}
	err = targets.Each(sideBySide, func(result *httpapi.Result, u user.User) error {
		u, err := h.sendAgain(ctx, g, u, how, accounts.Accounts[user.EmailKey(u.Email)], r.Now)
		if err != nil {
			return err
		}
		result.Outcome = outcomeResent
		shown := httpapi.ShowUser(u, r.Now)
		result.User = &shown
		return nil
	})
	return httpapi.OK(map[string]any{"results": targets.Results}), err
}
